"""Who may do what, role policies and resource policies judged together: the whole list, both ways.

`ADMINISTRATOR` has every permission there is: what it is not named for, nobody gets without first
changing a policy, which is seen. In a protected stage.
"""

from functools import cache
from itertools import product

import pytest

from tests.infra.assembly import ACCOUNT, LEDGERS, REGION, Assembly
from tests.infra.policies import role
from tests.infra.who_may import ADMINISTRATOR, WhoMay

P = "audit-ledger-prod"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{P}"
PUBLISHED = f"arn:aws:s3:::{P}-published-{ACCOUNT}-{REGION}"
ARCHIVE = f"arn:aws:s3:::{P}-archive-{ACCOUNT}-{REGION}"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{P}"
PARTIQL = ("PartiQLInsert", "PartiQLUpdate", "PartiQLDelete")

# Table and item → action → who, beside the administrator where `+`. `{}` is the ledger's id. What
# is not listed of these actions, nobody may.
WRITES = (
    "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", *PARTIQL, "UpdateTimeToLive",
)  # fmt: skip
READS = ("GetItem", "BatchGetItem", "Query", "Scan")
TABLES: dict[tuple[str, str], dict[str, set[str]]] = {
    ("blocks", "{origin}"): {
        "PutItem": {"{}-sequencer", "rebuild"},
        "GetItem": {ADMINISTRATOR, "{}-sequencer", "{}-publisher", "query", "follower"},
        "BatchGetItem": {ADMINISTRATOR},
        "Query": {ADMINISTRATOR, "{}-sequencer", "{}-publisher", "rebuild", "query", "follower"},
        "Scan": {ADMINISTRATOR},
    },
    ("events", "{origin}#event"): {
        "PutItem": {"rebuild"},
        "BatchWriteItem": {"{}-sequencer", "rebuild"},
        "GetItem": {ADMINISTRATOR, "query"},
        "BatchGetItem": {ADMINISTRATOR, "{}-sequencer", "rebuild", "ingest"},
        "Query": {ADMINISTRATOR},
        "Scan": {ADMINISTRATOR, "rebuild"},
    },
    ("subjects", "{origin}#row"): {  # who deletes comes with erasure: until then nobody
        "PutItem": {"ingest"},  # query and follower open with them, and make none
        "BatchGetItem": {"ingest", "query", "follower"},
        "Query": {"ingest", "query", "follower"},
    },
    ("ledgers", "{origin}#published"): {
        "PutItem": {"{}-publisher"},
        "UpdateItem": {"{}-publisher", "rebuild"},
        "GetItem": {ADMINISTRATOR, "{}-sequencer", "{}-publisher", "rebuild", "query", "follower"},
        "BatchGetItem": {ADMINISTRATOR},
        "Query": {ADMINISTRATOR},
        "Scan": {ADMINISTRATOR},
    },
    ("ledgers", "{origin}#keys"): {
        "PutItem": {"{}-publisher"},
        "GetItem": {ADMINISTRATOR, "ingest", "query", "follower", "{}-publisher"},
        "BatchGetItem": {ADMINISTRATOR},
        "Query": {ADMINISTRATOR},
        "Scan": {ADMINISTRATOR},
    },
    ("views", "{origin}#gaps"): {
        "PutItem": {"follower"},
        "UpdateItem": {"follower"},
        "GetItem": {ADMINISTRATOR, "query", "follower", "{}-publisher"},
        "BatchGetItem": {ADMINISTRATOR, "query", "follower"},
        "Query": {ADMINISTRATOR},
        "Scan": {ADMINISTRATOR},
    },
    ("views", "{origin}#follower"): {
        "PutItem": {"follower"},
        "UpdateItem": {"follower"},
        "GetItem": {ADMINISTRATOR, "query", "follower"},
        "BatchGetItem": {ADMINISTRATOR, "query", "follower"},
        "Query": {ADMINISTRATOR},
        "Scan": {ADMINISTRATOR},
    },
    ("limits", "{origin}#portal#ehr"): {
        "UpdateItem": {"ingest"},
        **{action: {ADMINISTRATOR} for action in READS},
    },
    ("limits", "{origin}#reader#0f"): {
        "UpdateItem": {"query"},
        **{action: {ADMINISTRATOR} for action in READS},
    },
}
# Only Query and Scan reach an index; permission to read a table is none to read its index.
INDEXES: dict[tuple[str, str], dict[str, set[str]]] = {
    **{
        ("events", index): {"Query": {ADMINISTRATOR, "query"}, "Scan": {ADMINISTRATOR}}
        for index in ("patient", "agent", "late")
    },
    ("subjects", "pseudonym"): {"Query": {"query", "follower"}},
}
KEYS: dict[str, dict[str, set[str]]] = {
    "sequencer": {
        "Sign": {"{}-sequencer"},
        "GetPublicKey": {ADMINISTRATOR, "{}-publisher", "rebuild"},
    },
    "checkpoint-ed25519": {
        "Sign": {"{}-publisher"},
        "GetPublicKey": {ADMINISTRATOR, "{}-publisher", "query"},
    },
    "checkpoint-mldsa44": {
        "Sign": {"{}-publisher"},
        "GetPublicKey": {ADMINISTRATOR, "{}-publisher", "query"},
    },
    "wrapping": {
        "Decrypt": {"ingest", "query", "follower"},
        "GenerateDataKeyWithoutPlaintext": {"{}-publisher"},
    },
}
KEY_USES = (
    "Sign", "GetPublicKey", "Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom",
    "GenerateDataKeyWithoutPlaintext", "CreateGrant",
)  # fmt: skip
READERS = {ADMINISTRATOR, "published-files", "query", "rebuild", "{}-publisher"}
OBJECTS: dict[str, dict[str, set[str]]] = {
    f"{ARCHIVE}/{{}}/blocks/00000000000000000000": {
        "put once": {"{}-publisher"},
        "PutObjectRetention": {"{}-publisher"},
        "GetObject": {ADMINISTRATOR, "{}-publisher", "rebuild"},
    },
    f"{ARCHIVE}/{{}}/keys/1": {  # wrapped: of no use without the wrapping key
        "put once": {"{}-publisher"},
        "PutObjectRetention": {"{}-publisher"},
        "GetObject": {ADMINISTRATOR, "{}-publisher"},
    },
    f"{ARCHIVE}/{{}}/dead-letters/2026/11/22/x": {
        "put once": {"dead-letters"},
        "PutObjectRetention": {"dead-letters"},
        "GetObject": {ADMINISTRATOR, "dead-letters", "rebuild"},
    },
    f"{PUBLISHED}/{{}}/tile/0/000": {
        "put once": {"{}-publisher", "rebuild"},
        "PutObjectRetention": {"{}-publisher", "rebuild"},
        "GetObject": READERS,
    },
    f"{PUBLISHED}/{{}}/tile/0/000.p/7": {
        "put once": {"{}-publisher", "rebuild"},
        "PutObjectRetention": {"{}-publisher", "rebuild"},
        "GetObject": READERS,
        "DeleteObject": {"{}-publisher"},
    },
    f"{PUBLISHED}/{{}}/checkpoint": {
        "put once": {"{}-publisher"},
        "replace": {"{}-publisher"},
        "PutObjectRetention": {"{}-publisher"},
        "GetObject": READERS,
    },
    f"{PUBLISHED}/{{}}/digests/2026/11/22/x": {
        "put once": {"{}-publisher", "rebuild"},
        "PutObjectRetention": {"{}-publisher", "rebuild"},
        "GetObject": READERS,
    },
}
LOCKED = {
    "s3:object-lock-mode": "COMPLIANCE",
    "s3:object-lock-retain-until-date": "2036-12-01T00:00:00Z",
    "s3:object-lock-remaining-retention-days": "3653",
}
OBJECT_USES = {
    "put blindly": ("PutObject", LOCKED),
    "put once": ("PutObject", {"s3:if-none-match": "*", **LOCKED}),
    "replace": ("PutObject", {"s3:if-match": '"tag"', **LOCKED}),
    **{
        action: (action, {})
        for action in (
            "GetObject",
            "DeleteObject",
            "DeleteObjectVersion",
            "PutObjectRetention",
            "PutObjectLegalHold",
            "BypassGovernanceRetention",
        )
    },
}


QUEUES: dict[str, dict[str, set[str]]] = {
    "-{}": {
        "SendMessage": {"ingest", "rebuild"},  # the break-glass role returns dead letters
        "ReceiveMessage": {"{}-sequencer"},
        "DeleteMessage": {"{}-sequencer"},
    },
    "-{}-dead": {  # SQS itself fills it
        "ReceiveMessage": {"dead-letters"},
        "DeleteMessage": {"dead-letters"},
    },
    "-{}-unpublished": {  # for a person to read
        "SendMessage": {"{}-schedule"},
        "ReceiveMessage": {ADMINISTRATOR},
        "DeleteMessage": {ADMINISTRATOR},
        "ChangeMessageVisibility": {ADMINISTRATOR},
    },
    "_undelivered": {
        "SendMessage": {"ingest"},
        "ReceiveMessage": {ADMINISTRATOR},
        "DeleteMessage": {ADMINISTRATOR},
        "ChangeMessageVisibility": {ADMINISTRATOR},
    },
}
QUEUE_USES = (
    "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "PurgeQueue",
    "SetQueueAttributes", "DeleteQueue", "AddPermission", "RemovePermission",
)  # fmt: skip


@cache
def who_may(assembly: Assembly) -> WhoMay:
    return WhoMay(assembly)


def named(who: set[str], ledger: str) -> set[str]:
    return {each.format(ledger) for each in who}


@pytest.mark.parametrize("ledger", LEDGERS)
@pytest.mark.parametrize(("table", "item"), TABLES, ids="{}".format)
def test_each_table_is_read_and_written_by_these(
    prod: Assembly, table: str, item: str, ledger: str
) -> None:
    """Nobody updates or deletes a block; nobody deletes a subject before there is erasure."""
    key = item.replace("{origin}", f"audit.example.org/{ledger}")
    found = {
        action: who_may(prod).may(
            f"dynamodb:{action}", f"{TABLE}-{table}", {"dynamodb:LeadingKeys": key}
        )
        for action in (*WRITES, *READS)
    }
    wanted = {action: named(who, ledger) for action, who in TABLES[table, item].items()}
    assert {action: who for action, who in found.items() if who} == wanted


@pytest.mark.parametrize(("table", "index"), INDEXES, ids="{}".format)
def test_each_index_is_read_by_these(prod: Assembly, table: str, index: str) -> None:
    """From a pseudonym to its secret leads one way, for those who open records."""
    found = {
        action: who_may(prod).may(
            f"dynamodb:{action}",
            f"{TABLE}-{table}/index/{index}",
            {"dynamodb:LeadingKeys": "audit.example.org/st-elsewhere#x"},
        )
        for action in ("Query", "Scan")
    }
    assert {action: who for action, who in found.items() if who} == INDEXES[table, index]


def test_query_writes_nothing_but_the_limits_of_readers(prod: Assembly) -> None:
    """For these ledgers and for any other, by every action that writes."""
    for (table, item), action in product(TABLES, WRITES):
        for origin in (*(f"audit.example.org/{ledger}" for ledger in LEDGERS), "another"):
            key = {"dynamodb:LeadingKeys": item.replace("{origin}", origin)}
            may = "query" in who_may(prod).may(f"dynamodb:{action}", f"{TABLE}-{table}", key)
            assert may == (action == "UpdateItem" and item == "{origin}#reader#0f"), (item, action)


def test_the_matrix_of_tables_includes_every_table(prod: Assembly) -> None:
    tables = prod.named("AWS::DynamoDB::Table", "TableName")
    assert {table for table, _ in TABLES} == set(tables)


@pytest.mark.parametrize(
    ("function", "who"),
    [
        ("ingest:own", {"query"}),
        ("ingest:live", set()),
        ("ingest:bus", set()),
        ("ingest", set()),
        ("query:live", set()),
        ("query", set()),
        ("follower", {"rebuild"}),
        ("published-files", set()),
        ("dead-letters", set()),
        ("{}-sequencer", set()),
        ("{}-publisher", {"{}-schedule"}),
    ],
)
def test_each_function_is_invoked_by_these_roles(
    prod: Assembly, function: str, who: set[str]
) -> None:
    """Beside the administrator; services that invoke are in `test_api`.

    A role that may invoke ingest as `own` can send events of the ledger itself: query
    alone, which may not invoke it as the API and the bus do.
    """
    for ledger in LEDGERS:
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{P}-{function.format(ledger)}"
        found = who_may(prod).may("lambda:InvokeFunction", arn)
        assert found == named(who, ledger) | {ADMINISTRATOR}


@pytest.mark.parametrize("ledger", LEDGERS)
@pytest.mark.parametrize("purpose", KEYS)
def test_each_key_is_used_by_these(prod: Assembly, purpose: str, ledger: str) -> None:
    """Checkpoint keys by the publisher, the sequencer's by itself; each of its own ledger alone."""
    context = {
        "kms:SigningAlgorithm": "ML_DSA_SHAKE_256" if "mldsa" in purpose else "ED25519_SHA_512",
        "kms:MessageType": "RAW",
        "kms:ResourceAliases": f"alias/{P}/{ledger}/{purpose}",
        "kms:EncryptionContext:origin": f"audit.example.org/{ledger}",
    }
    key = who_may(prod).key(ledger, purpose)
    found = {use: who_may(prod).may(f"kms:{use}", key, context) for use in KEY_USES}
    wanted = {use: named(who, ledger) for use, who in KEYS[purpose].items()}
    if purpose == "wrapping":  # no public key, but an administrator may ask
        found.pop("GetPublicKey")
    assert {use: who for use, who in found.items() if who} == wanted


@pytest.mark.parametrize("ledger", LEDGERS)
@pytest.mark.parametrize("place", OBJECTS)
def test_each_object_is_read_and_written_by_these(prod: Assembly, place: str, ledger: str) -> None:
    """Nothing is written blindly; nobody deletes but partial tiles, or hides what is archived."""
    found = {
        use: who_may(prod).may(f"s3:{action}", place.format(ledger), context)
        for use, (action, context) in OBJECT_USES.items()
    }
    wanted = {use: named(who, ledger) for use, who in OBJECTS[place].items()}
    assert {use: who for use, who in found.items() if who} == wanted


@pytest.mark.parametrize("ledger", LEDGERS)
@pytest.mark.parametrize("queue", QUEUES)
def test_each_queue_is_filled_and_drained_by_these(prod: Assembly, queue: str, ledger: str) -> None:
    """Ingest fills it, the ledger's own sequencer drains it; an administrator does neither."""
    arn = f"{QUEUE}{queue.format(ledger)}"
    found = {action: who_may(prod).may(f"sqs:{action}", arn) for action in QUEUE_USES}
    wanted = {action: named(who, ledger) for action, who in QUEUES[queue].items()}
    assert {action: who for action, who in found.items() if who} == wanted


def test_a_role_that_looks_like_a_sequencer_drains_no_queue(prod: Assembly) -> None:
    """Nor writes a block, nor publishes: roles are named one by one, not by how they are named."""
    impostor = role(f"{P}-evil-sequencer")
    for resource, action in (
        (f"{QUEUE}-st-elsewhere", "sqs:ReceiveMessage"),
        (f"{QUEUE}-st-elsewhere", "sqs:DeleteMessage"),
        (f"{TABLE}-blocks", "dynamodb:PutItem"),
        (f"{TABLE}-events", "dynamodb:BatchWriteItem"),
    ):
        assert not who_may(prod).may_with_every_permission(impostor, action, resource)
    deployment = role(f"cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}")
    for action in ("SetQueueAttributes", "DeleteQueue", "AddPermission", "RemovePermission"):
        for name in ("-st-elsewhere", "-st-elsewhere-dead", "-st-elsewhere-unpublished"):
            arn = f"{QUEUE}{name}"
            assert who_may(prod).may_with_every_permission(deployment, f"sqs:{action}", arn)
