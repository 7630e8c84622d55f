"""The recovery drill: the break-glass role has the permissions that its commands need."""

import json
from typing import Any

import boto3
import pytest

from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.cli.main import run
from infra.local.aws.call_context import Caller, calling_as
from infra.local.cloud import LocalCloud
from tests.local.conftest import REGION
from tests.local.submissions import accept

ROLE = Caller("rebuild", role="audit-ledger-dev-rebuild")
WHERE = ["--stage", "dev", "--ledger", "north"]
BATCH_SIZE = ["--settle", "0"]


def items(table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = boto3.client("dynamodb", REGION).scan(
        TableName=f"audit-ledger-dev-{table}"
    )["Items"]
    return sorted(rows, key=str)


def lose(table: str, *names: str) -> None:
    """Delete everything of a table, which no role of the app may."""
    dynamodb = boto3.client("dynamodb", REGION)
    for item in items(table):
        key = {name: item[name] for name in names}
        dynamodb.delete_item(TableName=f"audit-ledger-dev-{table}", Key=key)


def test_the_break_glass_role_rebuilds_and_unfreezes(
    published_cloud: LocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    """None of its calls is refused; both ledgers lost their blocks, and continue afterwards."""
    cloud = published_cloud
    archive, published = (
        cloud.ledger("north").environment[name] for name in ("ARCHIVE_BUCKET", "PUBLISHED_BUCKET")
    )
    before = {table: items(table) for table in ("blocks", "events")}
    accept(cloud, "north")
    cloud.drain()
    lose("blocks", "origin", "first_seq")
    refusals = len(cloud.permissions.refusals)
    with calling_as(ROLE):
        assert run(["rebuild", *WHERE, "--archive", archive, *BATCH_SIZE]) == 0
    assert "1 rows of the index name entries that are nowhere" in capsys.readouterr().out
    for ledger_id in ("north", "south"):
        with calling_as(ROLE):
            assert run(["rebuild", *WHERE[:3], ledger_id, "--archive", archive, *BATCH_SIZE]) == 0
    rebuilt = [item for item in items("events") if "lost" not in item]
    assert {"blocks": items("blocks"), "events": rebuilt} == before

    key = {"key": {"S": "dev.audit.example.org/north#published"}}
    boto3.client("dynamodb", REGION).update_item(
        TableName="audit-ledger-dev-ledgers",
        Key=key,
        UpdateExpression="SET frozen = :reason",
        ExpressionAttributeValues={":reason": {"S": "a test froze it"}},
    )
    with calling_as(ROLE):
        both = ["--archive", archive, "--published", published]
        assert run(["unfreeze", *WHERE, *both, "--reason", "a test froze it"]) == 0
    assert len(cloud.permissions.refusals) == refusals
    accept(cloud, "north")
    cloud.drain()
    cloud.publish()
    assert len(items("blocks")) == len(before["blocks"]) + 1


def test_the_break_glass_role_rebuilds_views(
    published_cloud: LocalCloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of its calls is refused; an interrupted rebuild is continued."""
    cloud = published_cloud
    cloud.drain()  # the announced digests start the follower
    lose("views", "key")
    refusals = len(cloud.permissions.refusals)
    with calling_as(ROLE):
        assert run(["rebuild-views", *WHERE, "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert (report["size"], report["followed"], report["runs"]) == (4, 3, 1)
        assert run(["rebuild-views", *WHERE]) == 0
    assert "4 entries, 3 records opened, 1 runs" in capsys.readouterr().out

    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken, calling_as(ROLE):
        broken.setattr(ViewsTable, "take_over", fail)
        assert run(["rebuild-views", *WHERE]) == 3
    assert "--go-on" in capsys.readouterr().err
    with calling_as(ROLE):
        assert run(["rebuild-views", *WHERE, "--go-on", "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert (report["followed"], report["generation"]) == (0, 3)
        assert run(["rebuild-views", *WHERE[:3], "nowhere"]) == 2
    assert len(cloud.permissions.refusals) == refusals
    with calling_as(Caller("ingest", role="audit-ledger-dev-ingest")):
        assert run(["rebuild-views", *WHERE]) == 3


@pytest.mark.parametrize("role", ["north-publisher", "north-sequencer", "ingest"])
def test_no_other_role_can_rebuild(published_cloud: LocalCloud, role: str) -> None:
    """Each lacks a permission that it would need."""
    archive = published_cloud.ledger("north").environment["ARCHIVE_BUCKET"]
    lose("blocks", "origin", "first_seq")
    with calling_as(Caller(role, role=f"audit-ledger-dev-{role}")):
        where = [*WHERE, "--origin", "dev.audit.example.org/north", "--archive", archive]
        assert run(["rebuild", *where, *BATCH_SIZE])
    assert items("blocks") == []
