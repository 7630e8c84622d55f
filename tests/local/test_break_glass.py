"""The drill under the break-glass role: what it may is enough for its commands, and no more."""

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


@pytest.fixture
def cloud(cloud: LocalCloud) -> LocalCloud:
    """Two ledgers, each with a digest, and a row of one that no digest covers."""
    accept(cloud, "north", 3)
    accept(cloud, "south", 2)
    cloud.drain()
    cloud.publish()
    return cloud


def items(table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = boto3.client("dynamodb", REGION).scan(
        TableName=f"audit-ledger-dev-{table}"
    )["Items"]
    return sorted(found, key=str)


def lose(table: str, *names: str) -> None:
    """Delete everything of a table, which no role of the app may."""
    dynamodb = boto3.client("dynamodb", REGION)
    for item in items(table):
        key = {name: item[name] for name in names}
        dynamodb.delete_item(TableName=f"audit-ledger-dev-{table}", Key=key)


def test_the_role_rebuilds_and_unfreezes_and_nothing_it_asks_is_refused(
    cloud: LocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    """Blocks and events of both ledgers lost, one rebuilt; it goes on, and the other waits."""
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
    kept = [item for item in items("events") if "lost" not in item]
    assert {"blocks": items("blocks"), "events": kept} == before

    key = {"key": {"S": "dev.audit.example.org/north#published"}}
    boto3.client("dynamodb", REGION).update_item(
        TableName="audit-ledger-dev-ledgers",
        Key=key,
        UpdateExpression="SET frozen = :reason",
        ExpressionAttributeValues={":reason": {"S": "the publisher said so"}},
    )
    with calling_as(ROLE):
        both = ["--archive", archive, "--published", published]
        assert run(["unfreeze", *WHERE, *both, "--reason", "the publisher said so"]) == 0
    assert len(cloud.permissions.refusals) == refusals
    accept(cloud, "north")
    cloud.drain()
    cloud.publish()
    assert len(items("blocks")) == len(before["blocks"]) + 1


def test_the_role_has_views_made_anew(
    cloud: LocalCloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In as many runs as it takes; interrupted, it goes on; nothing that it asks is refused."""
    cloud.drain()  # the digests have the follower follow
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
def test_no_other_role_can_rebuild(cloud: LocalCloud, role: str) -> None:
    """Each lacks something that it would need."""
    archive = cloud.ledger("north").environment["ARCHIVE_BUCKET"]
    lose("blocks", "origin", "first_seq")
    with calling_as(Caller(role, role=f"audit-ledger-dev-{role}")):
        where = [*WHERE, "--origin", "dev.audit.example.org/north", "--archive", archive]
        assert run(["rebuild", *where, *BATCH_SIZE])
    assert items("blocks") == []
