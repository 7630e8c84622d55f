"""Resource policies of the tables: what even an administrator with every permission cannot do."""

from typing import Any

import pytest

from tests.infra.assembly import ACCOUNT, REGION, Assembly
from tests.infra.policies import Request, decision, role

P = "audit-ledger-prod"
ORIGIN = "audit.example.org/st-elsewhere"
TABLES = ("blocks", "events", "subjects", "ledgers", "views")
ADMINISTRATOR = role("Admin")
SEQUENCER = role(f"{P}-st-elsewhere-sequencer")
PUBLISHER = role(f"{P}-st-elsewhere-publisher")
INGEST = role(f"{P}-ingest")
REBUILD = role(f"{P}-rebuild")
ERASURE = role(f"{P}-erasure")
QUERY = role(f"{P}-query")
FOLLOWER = role(f"{P}-follower")
OUR_ROLES = (ADMINISTRATOR, SEQUENCER, PUBLISHER, INGEST, REBUILD, ERASURE, QUERY, FOLLOWER)


def policy(assembly: Assembly, table: str) -> dict[str, Any]:
    resource = assembly.named("AWS::DynamoDB::Table", "TableName")[table]
    document: dict[str, Any] = resource.properties["ResourcePolicy"]["PolicyDocument"]
    return document


def denied(assembly: Assembly, who: str, table: str, action: str, key: str = "") -> bool:
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{P}-{table}"
    context = {"dynamodb:LeadingKeys": [key]} if key else {}
    return decision(policy(assembly, table), Request(who, f"dynamodb:{action}", arn, context)) == (
        "deny"
    )


@pytest.mark.parametrize("table", TABLES)
def test_a_tables_policy_only_denies(prod: Assembly, table: str) -> None:
    """A role still needs a permission of its own."""
    assert {s["Effect"] for s in policy(prod, table)["Statement"]} == {"Deny"}


@pytest.mark.parametrize("who", OUR_ROLES)
@pytest.mark.parametrize(
    "action",
    [
        "UpdateItem",
        "DeleteItem",
        "BatchWriteItem",
        "PartiQLInsert",
        "PartiQLUpdate",
        "PartiQLDelete",
        "UpdateTimeToLive",
        "DeleteTable",
    ],
)
def test_nobody_changes_a_block(prod: Assembly, who: str, action: str) -> None:
    """Whoever it is: blocks are put once and read."""
    assert denied(prod, who, "blocks", action, ORIGIN)


def test_only_sequencers_and_the_rebuild_role_put_blocks(prod: Assembly) -> None:
    """By fixed names: a role of another stage, or of ingest, is not among them."""
    allowed = {who for who in OUR_ROLES if not denied(prod, who, "blocks", "PutItem", ORIGIN)}
    assert allowed == {SEQUENCER, REBUILD}
    assert denied(prod, role("audit-ledger-dev-st-elsewhere-sequencer"), "blocks", "PutItem")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "action",
    ["DescribeTable", "UpdateTable", "UpdateContinuousBackups", "PutResourcePolicy", "TagResource"],
)
def test_administrators_and_cloudformation_manage_every_table(
    prod: Assembly, table: str, action: str
) -> None:
    """The policies deny no more than the design says: an administrator can even remove them."""
    assert not denied(prod, ADMINISTRATOR, table, action)


def test_a_developers_table_of_blocks_can_be_removed(dev: Assembly, prod: Assembly) -> None:
    """Only where stacks are protected is DeleteTable denied; blocks are never changed in either."""
    dev_policy = policy(dev, "blocks")
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/audit-ledger-dev-blocks"
    assert decision(dev_policy, Request(ADMINISTRATOR, "dynamodb:DeleteTable", arn)) == "none"
    assert decision(dev_policy, Request(ADMINISTRATOR, "dynamodb:DeleteItem", arn)) == "deny"


@pytest.mark.parametrize("table", ["blocks", "events", "ledgers", "views"])
@pytest.mark.parametrize("who", OUR_ROLES)
def test_deletion_is_for_subjects_alone(prod: Assembly, table: str, who: str) -> None:
    """In no other table does anybody delete an item, by whichever call names one."""
    assert denied(prod, who, table, "DeleteItem", "x")
    assert denied(prod, who, table, "PartiQLDelete", "x")


def test_erasure_alone_deletes_and_retires_secrets(prod: Assembly) -> None:
    """Nobody else does, by any call; erasure makes none."""
    for action in ("DeleteItem", "UpdateItem"):
        allowed = {who for who in OUR_ROLES if not denied(prod, who, "subjects", action)}
        assert allowed == {ERASURE}
    for action in ("BatchWriteItem", "PartiQLDelete", "PartiQLInsert", "PartiQLUpdate"):
        assert all(denied(prod, who, "subjects", action) for who in OUR_ROLES)
    assert {w for w in OUR_ROLES if not denied(prod, w, "subjects", "PutItem")} == {INGEST}


@pytest.mark.parametrize("action", ["GetItem", "BatchGetItem", "Query", "Scan", "PartiQLSelect"])
def test_secrets_are_read_by_those_who_open_records(prod: Assembly, action: str) -> None:
    """Ingest, query and follower, and erasure, which must find them. No administrator."""
    allowed = {who for who in OUR_ROLES if not denied(prod, who, "subjects", action)}
    assert allowed == {INGEST, QUERY, FOLLOWER, ERASURE}
    index = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{P}-subjects/index/pseudonym"
    request = Request(ADMINISTRATOR, f"dynamodb:{action}", index)
    assert decision(policy(prod, "subjects"), request) == "deny"


@pytest.mark.parametrize("action", ["PutItem", "UpdateItem", "BatchWriteItem"])
def test_views_are_written_by_the_follower_alone(prod: Assembly, action: str) -> None:
    """Whoever could write them could hide a gap or a finding; a batch is nobody's way."""
    allowed = {who for who in OUR_ROLES if not denied(prod, who, "views", action)}
    assert allowed == (set() if action == "BatchWriteItem" else {FOLLOWER})


@pytest.mark.parametrize("action", ["PutItem", "UpdateItem"])
def test_each_item_of_a_ledgers_state_is_written_by_one_role(prod: Assembly, action: str) -> None:
    """Keys by ingest, what is published by publishers and, after a rebuild, by the break-glass."""

    def writers(item: str) -> set[str]:
        key = f"{ORIGIN}#{item}"
        return {who for who in OUR_ROLES if not denied(prod, who, "ledgers", action, key)}

    assert writers("keys") == {INGEST}
    assert writers("published") == {PUBLISHER, REBUILD}


@pytest.mark.parametrize("action", ["PutItem", "BatchWriteItem"])
def test_the_index_is_written_by_sequencers(prod: Assembly, action: str) -> None:
    """And by the role that rebuilds it."""
    allowed = {who for who in OUR_ROLES if not denied(prod, who, "events", action)}
    assert allowed == {SEQUENCER, REBUILD}
