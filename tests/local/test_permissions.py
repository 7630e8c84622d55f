"""Functions of the real app can do what their roles and the resources' policies allow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from audit_ledger.errors import FormatError
from infra.local.aws.call_context import Caller, calling_as
from infra.local.cloud import LocalCloud, local_cloud
from tests.local.conftest import REGION
from tests.local.submissions import accept


@pytest.fixture(scope="module")
def used_cloud(assembly: Path) -> Iterator[LocalCloud]:
    """The real app after two events were accepted, appended and published."""
    with local_cloud(assembly, region=REGION) as cloud:
        accept(cloud, "north", 2)
        cloud.drain()
        cloud.publish()
        yield cloud


class Role:
    """Calls to AWS with the permissions of one role of the app."""

    def __init__(self, cloud: LocalCloud, role: str) -> None:
        self.caller = Caller(role, role=f"audit-ledger-dev-{role}")
        environment = cloud.ledger("north").environment
        self.published = environment["PUBLISHED_BUCKET"]
        self.archive = environment["ARCHIVE_BUCKET"]

    def refused(self, service: Any, operation: str, **parameters: Any) -> str:
        """Return the reason of a refusal; empty if the call is allowed."""
        with calling_as(self.caller):
            try:
                getattr(boto3.client(service, region_name=REGION), operation)(**parameters)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code.startswith("AccessDenied"):
                    return error.response["Error"]["Message"].rpartition(": ")[2]
        return ""


def block(origin: str) -> dict[str, Any]:
    return {"origin": {"S": origin}, "first_seq": {"N": "999"}}


def test_refuses_no_call_of_the_functions(used_cloud: LocalCloud) -> None:
    """Ingest, sequencer and publisher of both ledgers have run."""
    functions = {r.caller for r in used_cloud.permissions.refusals} & set(
        used_cloud.deployment.functions
    )
    assert functions == set()


def test_a_sequencer_appends_to_its_own_ledger_only(used_cloud: LocalCloud) -> None:
    north = Role(used_cloud, "north-sequencer")
    table = "audit-ledger-dev-blocks"
    put = {"TableName": table, "Item": block("dev.audit.example.org/south")}
    assert north.refused("dynamodb", "put_item", **put) == "no statement allows it"
    put["Item"] = block("dev.audit.example.org/elsewhere-north")
    assert north.refused("dynamodb", "put_item", **put)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("delete_item", {"Key": block("dev.audit.example.org/north")}),
        (
            "update_item",
            {"Key": block("dev.audit.example.org/north"), "UpdateExpression": "REMOVE body"},
        ),
    ],
)
@pytest.mark.parametrize("role", ["north-sequencer", "north-publisher", "ingest", "rebuild"])
def test_nobody_changes_a_block(
    used_cloud: LocalCloud, role: str, operation: str, parameters: dict[str, Any]
) -> None:
    table = "audit-ledger-dev-blocks"
    why = Role(used_cloud, role).refused("dynamodb", operation, TableName=table, **parameters)
    assert why == "denied by NobodyChangesABlock"


def test_only_the_sequencer_signs_blocks(used_cloud: LocalCloud) -> None:
    sign = {
        "KeyId": "alias/audit-ledger-dev/north/sequencer",
        "Message": b"m",
        "MessageType": "RAW",
        "SigningAlgorithm": "ED25519_SHA_512",
    }
    assert Role(used_cloud, "north-sequencer").refused("kms", "sign", **sign) == ""
    for role in ("south-sequencer", "north-publisher", "ingest"):
        assert Role(used_cloud, role).refused("kms", "sign", **sign)


def test_a_publisher_overwrites_no_tile(used_cloud: LocalCloud) -> None:
    publisher = Role(used_cloud, "north-publisher")
    put = {"Bucket": publisher.published, "Key": "north/tile/0/000", "Body": b"x"}
    assert publisher.refused("s3", "put_object", **put)
    assert publisher.refused("s3", "put_object", **put, IfNoneMatch="*") == ""
    put["Key"] = "south/tile/0/000"
    assert publisher.refused("s3", "put_object", **put, IfNoneMatch="*")


def test_a_publisher_removes_partial_tiles_only(used_cloud: LocalCloud) -> None:
    publisher = Role(used_cloud, "north-publisher")
    bucket = publisher.published
    assert not publisher.refused("s3", "delete_object", Bucket=bucket, Key="north/tile/0/000.p/9")
    for key in ("north/tile/0/000", "north/checkpoint", "south/tile/0/000.p/9"):
        assert publisher.refused("s3", "delete_object", Bucket=bucket, Key=key)


def test_query_alone_invokes_ingest_and_by_its_alias(used_cloud: LocalCloud) -> None:
    """It invokes no other function, and no other role invokes any."""
    function = f"arn:aws:lambda:{REGION}:{used_cloud.deployment.account}:function:audit-ledger-dev"
    call = {"Payload": b"{}"}
    ingest = f"{function}-ingest:own"
    assert Role(used_cloud, "query").refused("lambda", "invoke", FunctionName=ingest, **call) == ""
    others = [f"{function}-ingest{alias}" for alias in ("", ":live", ":bus")]
    for other in (*others, f"{function}-published", f"{function}-north-publisher"):
        assert Role(used_cloud, "query").refused("lambda", "invoke", FunctionName=other, **call)
    for role in ("published", "follower", "north-sequencer", "ingest"):
        assert Role(used_cloud, role).refused("lambda", "invoke", FunctionName=ingest, **call)


def test_query_writes_into_no_table(used_cloud: LocalCloud) -> None:
    """Neither into those that it reads nor any other, for any key."""
    query = Role(used_cloud, "query")
    for table, key in (
        ("blocks", "origin"),
        ("events", "key"),
        ("subjects", "key"),
        ("views", "key"),
    ):
        item = {key: {"S": "dev.audit.example.org/north"}, "first_seq": {"N": "1"}}
        why = query.refused(
            "dynamodb", "put_item", TableName=f"audit-ledger-dev-{table}", Item=item
        )
        assert why, table


def test_only_roles_that_open_records_read_subject_secrets(used_cloud: LocalCloud) -> None:
    get = {
        "RequestItems": {
            "audit-ledger-dev-subjects": {"Keys": [{"key": {"S": "k"}, "generation": {"N": "1"}}]}
        }
    }
    for role in ("ingest", "query", "follower"):
        assert Role(used_cloud, role).refused("dynamodb", "batch_get_item", **get) == ""
    for role in ("north-sequencer", "north-publisher", "published"):
        assert Role(used_cloud, role).refused("dynamodb", "batch_get_item", **get)


def test_a_missing_object_is_404_for_roles_with_list_bucket_else_403(
    used_cloud: LocalCloud,
) -> None:
    """S3: without ListBucket a missing object is AccessDenied."""
    get = {"Bucket": Role(used_cloud, "published-files").published, "Key": "north/none"}
    assert Role(used_cloud, "published-files").refused("s3", "get_object", **get) == ""
    dead_letters = Role(used_cloud, "dead-letters")
    missing = {"Bucket": dead_letters.archive, "Key": "north/dead-letters/none"}
    assert dead_letters.refused("s3", "get_object", **missing)


def test_stores_refusals_with_their_reason(used_cloud: LocalCloud) -> None:
    before = len(used_cloud.permissions.refusals)
    Role(used_cloud, "published-files").refused("ssm", "get_parameter", Name="/x")
    refusal = used_cloud.permissions.refusals[before]
    assert refusal.request.action == "ssm:GetParameter"
    assert refusal.reason == "no statement allows it"


def test_refuses_an_unsupported_service(used_cloud: LocalCloud) -> None:
    with (
        calling_as(Role(used_cloud, "ingest").caller),
        pytest.raises(FormatError, match="not known"),
    ):
        boto3.client("sts", region_name=REGION).get_caller_identity()
