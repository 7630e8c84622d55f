"""The bucket of the directory: there if somebody feeds it, written by them, read by one role."""

import pytest

from tests.assemblies import synthesized
from tests.infra.assembly import ACCOUNT, REGION, SETTINGS, WRITER, Assembly
from tests.infra.policies import Request, decision, role, statements

P = "audit-ledger-prod"
BUCKET = f"{P}-directory-{ACCOUNT}-{REGION}"
FOLLOWER = role(f"{P}-follower")
OTHERS = (role("Admin"), role(f"{P}-query"), role(f"{P}-ingest"), role(f"{P}-rebuild"))
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}


@pytest.fixture(scope="module")
def fed() -> Assembly:
    """A hospital's stage with a directory; synthesis fails unless cdk-nag accepts it."""
    settings = {**SETTINGS, "directory_writers": [WRITER]}
    return Assembly(synthesized(settings, stage="prod", alone=True, validate=True), "prod")


def may(fed: Assembly, who: str, action: str) -> bool:
    """Whether the bucket's policy leaves it to the role's own permissions."""
    (policy,) = (
        r.properties["PolicyDocument"]
        for r in fed.resources("AWS::S3::BucketPolicy")
        if "Directory" in r.logical_id
    )
    key = f"arn:aws:s3:::{BUCKET}/st-elsewhere/users.csv"
    return decision(policy, Request(who, f"s3:{action}", key, TLS)) != "deny"


def test_there_is_no_directory_without_writers(prod: Assembly) -> None:
    """Neither bucket nor key, nor does the follower look for one."""
    assert BUCKET not in prod.named("AWS::S3::Bucket", "BucketName")
    follower = prod.named("AWS::Lambda::Function", "FunctionName")["follower"]
    assert follower.properties["Environment"]["Variables"]["DIRECTORY_BUCKET"] == ""
    assert "follower-bad-directory" not in prod.named("AWS::CloudWatch::Alarm", "AlarmName")


def test_the_bucket_is_private_encrypted_and_deletes_old_versions(fed: Assembly) -> None:
    """It contains personal data: replaced versions are deleted after a week."""
    found = fed.named("AWS::S3::Bucket", "BucketName")
    properties = found[f"directory-{ACCOUNT}-{REGION}"].properties
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    (lifecycle,) = properties["LifecycleConfiguration"]["Rules"]
    assert lifecycle["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "follower-bad-directory" in fed.named("AWS::CloudWatch::Alarm", "AlarmName")


def test_configured_writers_write_and_the_follower_reads(fed: Assembly) -> None:
    """Nobody else does either: no administrator reads it, and the follower writes nothing."""
    for action in ("PutObject", "DeleteObject", "DeleteObjectVersion"):
        assert may(fed, WRITER, action)
        assert not any(may(fed, who, action) for who in (FOLLOWER, *OTHERS))
    for action in ("GetObject", "GetObjectVersion"):
        assert may(fed, FOLLOWER, action)
        assert not any(may(fed, who, action) for who in (WRITER, *OTHERS))


def test_the_follower_may_read_list_and_decrypt(fed: Assembly) -> None:
    """That bucket and no other, with the directory's key and no other."""
    policies = fed.named("AWS::IAM::ManagedPolicy", "ManagedPolicyName")
    by_sid = {s["Sid"]: s for s in statements(policies["follower"].properties["PolicyDocument"])}
    assert by_sid["ReadDirectory"]["Action"] == "s3:GetObject"
    assert by_sid["ReadDirectory"]["Resource"] == f"arn:aws:s3:::{BUCKET}/*"
    assert by_sid["SeeDirectory"]["Resource"] == f"arn:aws:s3:::{BUCKET}"
    assert by_sid["DecryptDirectory"]["Action"] == "kms:Decrypt"
    assert by_sid["DecryptDirectory"]["Condition"] == {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/{P}/directory"}
    }
