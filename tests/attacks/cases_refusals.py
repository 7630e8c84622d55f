"""Rows: actions, who may do them, and the policies that refuse them to everybody else.

Evaluated as IAM does, for all roles of a deployed stage and for an administrator whose own policies
allow everything: what *an administrator* is not named for requires a changed policy first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.infra.assembly import ACCOUNT, REGION
from tests.infra.who_may import ADMINISTRATOR

P = "audit-ledger-prod"
LEDGER = "st-elsewhere"
ORIGIN = f"audit.example.org/{LEDGER}"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{P}"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{P}"
ARCHIVE = f"arn:aws:s3:::{P}-archive-{ACCOUNT}-{REGION}"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{P}"
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{P}/ledgers/{LEDGER}"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{P}"

SEQUENCER, PUBLISHER = f"{LEDGER}-sequencer", f"{LEDGER}-publisher"
PUBLISHERS = frozenset({PUBLISHER, "riverside-lab-publisher"})
INGEST, QUERY, FOLLOWER = "ingest", "query", "follower"
REBUILD, DEAD_LETTERS = "rebuild", "dead-letters"
DEPLOYMENT = "CloudFormation's role"

QUEUE_POLICY, TABLE_POLICY, BUCKET_POLICY = "queue policy", "table policy", "bucket policy"
ALIAS = "no other permission, and the alias that was called"
PERMISSION = "no other role's permissions"

_PUT = {
    "s3:if-none-match": "*",
    "s3:object-lock-retain-until-date": "2036-12-01T00:00:00Z",
    "s3:object-lock-remaining-retention-days": "3653",
    "s3:object-lock-mode": "COMPLIANCE",
}
_UNLOCKED = {"s3:if-none-match": "*"}
_LIFTABLE = {**_PUT, "s3:object-lock-mode": "GOVERNANCE"}
_BRIEFLY = {**_PUT, "s3:object-lock-remaining-retention-days": "1"}
_NO_KEY: Mapping[str, str] = {}


_SHOWN = {
    SEQUENCER: "its sequencer",
    **dict.fromkeys(PUBLISHERS, "publishers"),
    REBUILD: "the break-glass role",
    DEAD_LETTERS: "the dead letters' function",
}


def shown(may: frozenset[str]) -> list[str]:
    """Name those who may for a reader: roles of one ledger by what they are."""
    return sorted({_SHOWN.get(name, name) for name in may})


@dataclass(frozen=True)
class RefusalRow:
    """`may`: who does it all the same, each action by each of them; everybody else does none."""

    what: str
    to_do: str
    actions: tuple[str, ...]
    resource: str
    by: str
    may: frozenset[str] = frozenset()
    context: Mapping[str, str] = field(default_factory=dict)


def _row(
    what: str,
    to_do: str,
    actions: str,
    resource: str,
    by: str,
    *may: str,
    context: Mapping[str, str] = _NO_KEY,
) -> RefusalRow:
    return RefusalRow(what, to_do, tuple(actions.split()), resource, by, frozenset(may), context)


_MANAGE = "sqs:SetQueueAttributes sqs:DeleteQueue sqs:AddPermission sqs:RemovePermission"
_RECEIVE = "sqs:ReceiveMessage sqs:DeleteMessage"
_COPY = (
    "dynamodb:CreateBackup dynamodb:ExportTableToPointInTime dynamodb:RestoreTableToPointInTime "
    "dynamodb:EnableKinesisStreamingDestination dynamodb:UpdateKinesisStreamingDestination"
)
_MANAGE_TABLE = "dynamodb:UpdateTable dynamodb:DeleteTable dynamodb:UpdateContinuousBackups"
_CHANGE = "dynamodb:UpdateItem dynamodb:DeleteItem dynamodb:BatchWriteItem dynamodb:PartiQLUpdate"
_REPLACE = "dynamodb:DeleteItem dynamodb:BatchWriteItem dynamodb:PartiQLUpdate"
_OWN_KEY = {"dynamodb:LeadingKeys": ORIGIN}

REFUSAL_ROWS: tuple[RefusalRow, ...] = (
    _row(
        *("queue", "send a message", "sqs:SendMessage", f"{QUEUE}-{LEDGER}", QUEUE_POLICY),
        *(INGEST, REBUILD),
    ),
    _row(
        *("queue", "take messages", _RECEIVE, f"{QUEUE}-{LEDGER}", QUEUE_POLICY),
        SEQUENCER,
    ),
    _row(
        "queue", "hide messages", "sqs:ChangeMessageVisibility", f"{QUEUE}-{LEDGER}", QUEUE_POLICY
    ),
    _row("queue", "empty it", "sqs:PurgeQueue", f"{QUEUE}-{LEDGER}", QUEUE_POLICY),
    _row(
        *("queue", "change its policy, or delete it", _MANAGE, f"{QUEUE}-{LEDGER}", QUEUE_POLICY),
        DEPLOYMENT,
    ),
    _row(
        *("dead letters", "send one", "sqs:SendMessage", f"{QUEUE}-{LEDGER}-dead", QUEUE_POLICY),
    ),
    _row(
        *("dead letters", "take them", _RECEIVE, f"{QUEUE}-{LEDGER}-dead", QUEUE_POLICY),
        DEAD_LETTERS,
    ),
    _row(
        "dead letters", "empty the queue", "sqs:PurgeQueue", f"{QUEUE}-{LEDGER}-dead", QUEUE_POLICY
    ),
    _row(
        *("dead letters", "change the queue's policy, or delete it", _MANAGE),
        *(f"{QUEUE}-{LEDGER}-dead", QUEUE_POLICY, DEPLOYMENT),
    ),
    _row(
        *("dead letters", "archive one", "s3:PutObject"),
        *(f"{ARCHIVE}/{LEDGER}/dead-letters/2026/11/22/x", BUCKET_POLICY, DEAD_LETTERS),
        context=_PUT,
    ),
    _row(
        *("dead letters", "archive one without a lock", "s3:PutObject"),
        *(f"{ARCHIVE}/{LEDGER}/dead-letters/2026/11/22/x", BUCKET_POLICY),
        context=_UNLOCKED,
    ),
    _row(
        *("dead letters", "archive one for a day", "s3:PutObject s3:PutObjectRetention"),
        *(f"{ARCHIVE}/{LEDGER}/dead-letters/2026/11/22/x", BUCKET_POLICY),
        context=_BRIEFLY,
    ),
    _row(
        *("dead letters", "archive one in governance mode", "s3:PutObject s3:PutObjectRetention"),
        *(f"{ARCHIVE}/{LEDGER}/dead-letters/2026/11/22/x", BUCKET_POLICY),
        context=_LIFTABLE,
    ),
    _row(
        *("dead letters", "delete one from the archive", "s3:DeleteObject s3:DeleteObjectVersion"),
        *(f"{ARCHIVE}/{LEDGER}/dead-letters/2026/11/22/x", BUCKET_POLICY),
    ),
    _row(
        *("undelivered events", "send one", "sqs:SendMessage", f"{QUEUE}_undelivered"),
        *(QUEUE_POLICY, INGEST),
    ),
    _row(
        *("undelivered events", "change the queue's policy, or delete it", _MANAGE),
        *(f"{QUEUE}_undelivered", QUEUE_POLICY, DEPLOYMENT),
    ),
    _row(
        *("ingest", "have the ledger's own event taken", "lambda:InvokeFunction"),
        *(f"{FUNCTION}-ingest:own", ALIAS, QUERY, ADMINISTRATOR),
    ),
    _row(
        *("ingest", "speak as any portal, as the API does", "lambda:InvokeFunction"),
        *(f"{FUNCTION}-ingest:live", ALIAS, ADMINISTRATOR),
    ),
    _row(
        *("ingest", "speak as any portal, as the bus does", "lambda:InvokeFunction"),
        *(f"{FUNCTION}-ingest:bus", ALIAS, ADMINISTRATOR),
    ),
    _row(
        *("bus", "announce a digest or a finding", "events:PutEvents", BUS, "policy of the bus"),
        *(PUBLISHER, "riverside-lab-publisher", FOLLOWER),
        context={"events:source": "audit-ledger", "events:detail-type": "Finding"},
    ),
    _row(
        *("follower", "rebuild views", "lambda:InvokeFunction", f"{FUNCTION}-follower"),
        *(f"{PERMISSION}; the rule of the bus hands on no more than an origin", REBUILD),
        ADMINISTRATOR,
    ),
    _row(
        *("follower", "write a view", "dynamodb:PutItem dynamodb:UpdateItem", f"{TABLE}-views"),
        *(TABLE_POLICY, FOLLOWER),
        context={"dynamodb:LeadingKeys": f"{ORIGIN}#gaps"},
    ),
    _row(
        *("parameters", "change or delete a ledger's", "ssm:PutParameter ssm:DeleteParameter"),
        *(PARAMETER, PERMISSION, ADMINISTRATOR),
    ),
    _row(
        *("rebuild", "add a block", "dynamodb:PutItem", f"{TABLE}-blocks", TABLE_POLICY),
        *(SEQUENCER, REBUILD),
        context=_OWN_KEY,
    ),
    _row(
        *("rebuild", "change or delete a block", _CHANGE, f"{TABLE}-blocks", TABLE_POLICY),
        context=_OWN_KEY,
    ),
    _row(
        *("rebuild", "lift a freeze", "dynamodb:UpdateItem", f"{TABLE}-ledgers", TABLE_POLICY),
        *(PUBLISHER, REBUILD),
        context={"dynamodb:LeadingKeys": f"{ORIGIN}#published"},
    ),
    *(
        row
        for table in ("subjects", "ledgers")
        for row in (
            _row(
                *(f"{table} table", "copy, export, restore or stream it", _COPY),
                *(f"{TABLE}-{table}", TABLE_POLICY),
            ),
            _row(
                *(f"{table} table", "change or delete the table, or its recovery", _MANAGE_TABLE),
                *(f"{TABLE}-{table}", TABLE_POLICY, DEPLOYMENT),
            ),
        )
    ),
    _row(
        *("subjects table", "change or delete a secret", _CHANGE, f"{TABLE}-subjects"),
        TABLE_POLICY,
    ),
    _row(
        *("limits table", "move the bucket of a portal", "dynamodb:UpdateItem"),
        *(f"{TABLE}-limits", TABLE_POLICY, INGEST),
        context={"dynamodb:LeadingKeys": f"{ORIGIN}#portal#ehr"},
    ),
    _row(
        *("limits table", "move the bucket of a reader", "dynamodb:UpdateItem"),
        *(f"{TABLE}-limits", TABLE_POLICY, QUERY),
        context={"dynamodb:LeadingKeys": f"{ORIGIN}#reader#{'0' * 64}"},
    ),
    _row(
        *("limits table", "put or delete a bucket", f"dynamodb:PutItem {_REPLACE}"),
        *(f"{TABLE}-limits", TABLE_POLICY),
    ),
)
