"""The buckets: locked, private, and written by those alone who may, where they may."""

from typing import Any

import pytest

from tests.infra.assembly import ACCOUNT, REGION, Assembly, Resource
from tests.infra.policies import Request, decision, role

P = "audit-ledger-prod"
ST_ELSEWHERE, RIVERSIDE = "st-elsewhere", "riverside-lab"
ADMINISTRATOR = role("Admin")
DEAD_LETTERS = role(f"{P}-dead-letters")
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
LOCKED = {
    "s3:object-lock-mode": "COMPLIANCE",
    "s3:object-lock-retain-until-date": "2036-12-01T00:00:00Z",
    "s3:object-lock-remaining-retention-days": "3653",
}
NEW = {"s3:if-none-match": "*", **LOCKED}
REPLACING = {"s3:if-match": '"tag"'}


def bucket(assembly: Assembly, purpose: str) -> Resource:
    found = assembly.named("AWS::S3::Bucket", "BucketName")
    return found[f"{purpose}-{ACCOUNT}-{REGION}"]


def policy(assembly: Assembly, purpose: str) -> dict[str, Any]:
    name = f"{assembly.prefix}-{purpose}-{ACCOUNT}-{REGION}"
    (found,) = (
        r.properties["PolicyDocument"]
        for r in assembly.resources("AWS::S3::BucketPolicy")
        if r.properties["Bucket"] == name
    )
    document: dict[str, Any] = found
    return document


def publisher(ledger: str) -> tuple[str, dict[str, str]]:
    """A publisher's role and the tag that its stack gives it."""
    return role(f"{P}-{ledger}-publisher"), {"aws:PrincipalTag/ledger": ledger}


def ask(
    assembly: Assembly,
    purpose: str,
    who: tuple[str, dict[str, str]] | str,
    action: str,
    key: str = "",
    context: dict[str, str] | None = None,
) -> str:
    """Decide as S3 does; `none` leaves it to the role's own permissions."""
    name, tags = who if isinstance(who, tuple) else (who, {})
    arn = f"arn:aws:s3:::{assembly.prefix}-{purpose}-{ACCOUNT}-{REGION}"
    request = Request(
        name, f"s3:{action}", f"{arn}/{key}" if key else arn, {**TLS, **tags, **(context or {})}
    )
    return decision(policy(assembly, purpose), request)


@pytest.mark.parametrize("purpose", ["published", "archive"])
def test_a_bucket_is_versioned_locked_and_private(prod: Assembly, purpose: str) -> None:
    """Without a default retention: the publisher sets it, object by object."""
    properties = bucket(prod, purpose).properties
    assert properties["ObjectLockEnabled"] is True
    assert "ObjectLockConfiguration" not in properties
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert properties["LoggingConfiguration"]["LogFilePrefix"] == f"{purpose}/"


@pytest.mark.parametrize("purpose", ["published", "archive", "access-logs"])
def test_only_tls_1_2_and_newer_is_spoken(prod: Assembly, purpose: str) -> None:
    """To everybody, reading too."""
    assert ask(prod, purpose, ADMINISTRATOR, "GetObject", "x") == "none"
    for context in ({"aws:SecureTransport": "false"}, {"s3:TlsVersion": "1.1"}):
        assert ask(prod, purpose, ADMINISTRATOR, "GetObject", "x", context) == "deny"


@pytest.mark.parametrize(
    ("purpose", "file"),
    [("published", "tile/0/000"), ("published", "digests/2026/11/22/x"), ("archive", "blocks/0")],
)
def test_a_publisher_writes_new_objects_below_its_own_prefix(
    prod: Assembly, purpose: str, file: str
) -> None:
    """Not below another ledger's, not over what is there, and nobody in its place."""
    own = publisher(ST_ELSEWHERE)
    for action in ("PutObject", "PutObjectRetention"):
        assert ask(prod, purpose, own, action, f"{ST_ELSEWHERE}/{file}", NEW) == "none"
        assert ask(prod, purpose, own, action, f"{RIVERSIDE}/{file}", NEW) == "deny"
        assert ask(prod, purpose, ADMINISTRATOR, action, f"{ST_ELSEWHERE}/{file}", NEW) == "deny"
    assert ask(prod, purpose, own, "PutObject", f"{ST_ELSEWHERE}/{file}") == "deny"
    assert ask(prod, purpose, own, "PutObject", f"{ST_ELSEWHERE}/{file}", REPLACING) == "deny"


def test_a_publisher_without_its_tag_writes_nothing(prod: Assembly) -> None:
    """The tag names the prefix of the publisher."""
    untagged = (role(f"{P}-{ST_ELSEWHERE}-publisher"), dict[str, str]())
    for prefix in (ST_ELSEWHERE, "", "*"):
        assert ask(prod, "published", untagged, "PutObject", f"{prefix}/x", NEW) == "deny"


@pytest.mark.parametrize("ledger", [ST_ELSEWHERE, RIVERSIDE])
def test_publishers_have_the_tag(prod: Assembly, ledger: str) -> None:
    """As its stack's resources all have."""
    found = prod.named("AWS::IAM::Role", "RoleName")[f"{ledger}-publisher"]
    assert {"Key": "ledger", "Value": ledger} in found.properties["Tags"]


@pytest.mark.parametrize("file", ["checkpoint", "digests/latest"])
def test_an_object_is_replaced_only_with_a_precondition(prod: Assembly, file: str) -> None:
    """If-Match or If-None-Match: never blindly."""
    own = publisher(ST_ELSEWHERE)
    key = f"{ST_ELSEWHERE}/{file}"
    assert ask(prod, "published", own, "PutObject", key, NEW) == "none"
    assert ask(prod, "published", own, "PutObject", key, REPLACING) == "none"
    assert ask(prod, "published", own, "PutObject", key) == "deny"


def test_only_partial_tiles_are_deleted(prod: Assembly) -> None:
    """By their own publisher; their old versions by nobody but S3's lifecycle."""
    own = publisher(ST_ELSEWHERE)
    partial = f"{ST_ELSEWHERE}/tile/0/000.p/7"
    assert ask(prod, "published", own, "DeleteObject", partial) == "none"
    assert ask(prod, "published", ADMINISTRATOR, "DeleteObject", partial) == "deny"
    assert ask(prod, "published", publisher(RIVERSIDE), "DeleteObject", partial) == "deny"
    for file in ("tile/0/000", "checkpoint", "digests/latest", "digests/2026/11/22/x"):
        assert ask(prod, "published", own, "DeleteObject", f"{ST_ELSEWHERE}/{file}") == "deny"


@pytest.mark.parametrize("purpose", ["published", "archive"])
@pytest.mark.parametrize("action", ["BypassGovernanceRetention", "DeleteObjectVersion"])
def test_in_prod_nobody_gets_around_object_lock(
    prod: Assembly, dev: Assembly, purpose: str, action: str
) -> None:
    """Not even an administrator; in dev one may, to empty a bucket."""
    assert ask(prod, purpose, ADMINISTRATOR, action, "x/y") == "deny"
    assert ask(dev, purpose, ADMINISTRATOR, action, "x/y") == "none"


def test_dead_letters_are_archived_by_their_function_alone(prod: Assembly) -> None:
    """And it writes no blocks."""
    key = f"{ST_ELSEWHERE}/dead-letters/2026/11/22/m"
    assert ask(prod, "archive", DEAD_LETTERS, "PutObject", key, NEW) == "none"
    assert ask(prod, "archive", DEAD_LETTERS, "PutObject", key) == "deny"
    assert ask(prod, "archive", publisher(ST_ELSEWHERE), "PutObject", key, NEW) == "deny"
    block = f"{ST_ELSEWHERE}/blocks/0"
    assert ask(prod, "archive", DEAD_LETTERS, "PutObject", block, NEW) == "deny"


def test_cloudfront_reads_public_ledgers_and_no_other(prod: Assembly) -> None:
    """Of this account only; private ledgers stay out of its reach, and so does the archive."""
    service = "cloudfront.amazonaws.com"
    own = {
        "aws:SourceAccount": ACCOUNT,
        "aws:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1",
    }
    other = {**own, "aws:SourceAccount": "999999999999"}
    key = f"{ST_ELSEWHERE}/checkpoint"
    assert ask(prod, "published", service, "GetObject", key, own) == "allow"
    assert ask(prod, "published", service, "GetObject", key, other) == "none"
    assert ask(prod, "published", service, "GetObject", f"{RIVERSIDE}/checkpoint", own) == "none"
    assert ask(prod, "published", service, "PutObject", key, own) == "deny"
    assert ask(prod, "archive", service, "GetObject", f"{ST_ELSEWHERE}/blocks/0", own) == "none"
    assert ask(prod, "published", service, "ListBucket", "", own) == "allow"  # hence 404, not 403


def test_nothing_is_archived_unlocked_or_for_a_shorter_time(prod: Assembly) -> None:
    """Blocks and dead letters alike: who writes them cannot leave them to be deleted next day."""
    key = f"{ST_ELSEWHERE}/dead-letters/2026/11/22/x"
    unlocked = {"s3:if-none-match": "*"}
    assert ask(prod, "archive", DEAD_LETTERS, "PutObject", key, unlocked) == "deny"
    remaining = "s3:object-lock-remaining-retention-days"
    for days, decided in (("1", "deny"), ("3651", "deny"), ("3652", "none"), ("3653", "none")):
        context = {**NEW, remaining: days}
        assert ask(prod, "archive", DEAD_LETTERS, "PutObject", key, context) == decided
        assert ask(prod, "archive", DEAD_LETTERS, "PutObjectRetention", key, context) == decided
    own = publisher(ST_ELSEWHERE)
    assert ask(prod, "archive", own, "PutObject", f"{ST_ELSEWHERE}/blocks/0", unlocked) == "deny"


@pytest.mark.parametrize("action", ["PutObject", "PutObjectRetention"])
def test_in_prod_nothing_is_archived_in_governance_mode(
    prod: Assembly, dev: Assembly, action: str
) -> None:
    """A role that may bypass it could delete objects once the policy is removed."""
    key = f"{ST_ELSEWHERE}/dead-letters/2026/11/22/x"
    governed = {**NEW, "s3:object-lock-mode": "GOVERNANCE"}
    assert ask(prod, "archive", DEAD_LETTERS, action, key, governed) == "deny"
    developers = role("audit-ledger-dev-dead-letters")
    assert ask(dev, "archive", developers, action, key, governed) == "none"
