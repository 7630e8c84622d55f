"""Sequencer and publisher of one ledger: their environment and their permissions."""

from aws_cdk import aws_iam as iam

from audit_ledger.settings.environment import PublisherEnvironment, SequencerEnvironment
from audit_ledger.settings.event_bus import BUS_SOURCE
from infra.constructs.ledger_keys import LedgerKmsKeys
from infra.iam.permissions import Permission, grant
from infra.iam.shared_permissions import use_items
from infra.names import Names
from infra.settings import Ledger, Settings
from infra.stage_stack import StageStack

_OWN_PREFIX = "Objects below this ledger's own prefix: one for each tile, digest or block."


def sequencer_environment(names: Names, settings: Settings, ledger: Ledger) -> SequencerEnvironment:
    """Return the environment variables of a ledger's sequencer."""
    return SequencerEnvironment(
        origin=settings.origin(ledger),
        blocks_table=names.named("blocks"),
        events_table=names.named("events"),
        ledgers_table=names.named("ledgers"),
        sequencer_key=names.key_alias(ledger.id, "sequencer"),
    )


def sequencer_permissions(
    names: Names, settings: Settings, ledger: Ledger, keys: LedgerKmsKeys
) -> list[Permission]:
    """Return its permissions. All actions here name their keys, so LeadingKeys applies."""
    origin = settings.origin(ledger)
    return [
        use_items(names, "AppendToOwnLedger", ["PutItem", "GetItem", "Query"], "blocks", origin),
        use_items(
            names, "IndexOwnEvents", ["BatchGetItem", "BatchWriteItem"], "events", f"{origin}#*"
        ),
        use_items(names, "ReadPublishedState", ["GetItem"], "ledgers", f"{origin}#published"),
        Permission("SignBlocks", ["kms:Sign"], [keys.sequencer]),
        Permission(
            "TakeFromOwnQueue",
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            [names.queue_arn(names.queue(ledger.id))],
        ),
    ]


def publisher_environment(names: Names, settings: Settings, ledger: Ledger) -> PublisherEnvironment:
    """Return the environment variables of a ledger's publisher."""
    return PublisherEnvironment(
        origin=settings.origin(ledger),
        ledger_id=ledger.id,
        blocks_table=names.named("blocks"),
        ledgers_table=names.named("ledgers"),
        views_table=names.named("views"),
        published_bucket=names.bucket("published"),
        archive_bucket=names.bucket("archive"),
        index_bucket=names.bucket("index"),
        sequencer_key=names.key_alias(ledger.id, "sequencer"),
        wrapping_key=names.key_alias(ledger.id, "wrapping"),
        checkpoint_ed25519_key=names.key_alias(ledger.id, "checkpoint-ed25519"),
        checkpoint_mldsa44_key=names.key_alias(ledger.id, "checkpoint-mldsa44"),
        event_bus=names.prefix,
        lock_mode=settings.retention.mode,
        lock_days=settings.retention.days,
    )


def publisher_permissions(
    names: Names, settings: Settings, ledger: Ledger, keys: LedgerKmsKeys
) -> list[Permission]:
    """Return the permissions of the publisher."""
    origin = settings.origin(ledger)
    own = names.bucket_arn("published", f"{ledger.id}/*")
    put = ["s3:PutObject", "s3:PutObjectRetention", "s3:GetObject"]
    return [
        use_items(names, "ReadOwnBlocks", ["Query", "GetItem"], "blocks", origin),
        use_items(
            names,
            "KeepWhatIsPublished",
            ["GetItem", "PutItem", "UpdateItem"],
            "ledgers",
            f"{origin}#published",
        ),
        # Once: docs/decisions/0011-first-keys.md.
        use_items(names, "MakeFirstKeys", ["GetItem", "PutItem"], "ledgers", f"{origin}#keys"),
        Permission("WrapFirstKeys", ["kms:GenerateDataKeyWithoutPlaintext"], [keys.wrapping]),
        use_items(names, "ReadWhatIsMissing", ["GetItem"], "views", f"{origin}#gaps"),
        Permission(
            "SignCheckpoints", ["kms:Sign"], [keys.checkpoint_ed25519, keys.checkpoint_mldsa44]
        ),
        Permission(
            "ReadPublicKeys",
            ["kms:GetPublicKey"],
            [keys.checkpoint_ed25519, keys.checkpoint_mldsa44, keys.sequencer],
        ),
        Permission("Publish", put, [own], why_pattern=_OWN_PREFIX),
        Permission(
            "RemoveSupersededPartialTiles",
            ["s3:DeleteObject"],
            [names.bucket_arn("published", f"{ledger.id}/tile/*.p/*")],
            why_pattern=_OWN_PREFIX,
        ),
        # IfExists: a read of a missing object returns 404 to roles that may list, and that check
        # has no prefix.
        Permission(
            "SeeWhatIsThere",
            ["s3:ListBucket"],
            [names.bucket_arn("published"), names.bucket_arn("index")],
            {"StringLikeIfExists": {"s3:prefix": f"{ledger.id}/*"}},
        ),
        Permission(
            "Index",
            ["s3:PutObject", "s3:GetObject"],
            [names.bucket_arn("index", f"{ledger.id}/*")],
            why_pattern=_OWN_PREFIX,
        ),
        Permission(
            "Archive",
            put,
            [
                names.bucket_arn("archive", f"{ledger.id}/blocks/*"),
                names.bucket_arn("archive", f"{ledger.id}/keys/*"),
            ],
            why_pattern=_OWN_PREFIX,
        ),
        Permission(
            "Announce",
            ["events:PutEvents"],
            [names.arn("events", f"event-bus/{names.prefix}")],
            {"StringEquals": {"events:source": BUS_SOURCE}},
        ),
    ]


def schedule_role(stack: StageStack, ledger: Ledger) -> tuple[iam.Role, iam.ManagedPolicy]:
    """Make the role under which the schedule starts the publisher, and its policy."""
    names = stack.names
    name = names.of_ledger(ledger.id, "schedule")
    publisher = names.of_ledger(ledger.id, "publisher")
    role = iam.Role(
        stack,
        "ScheduleRole",
        role_name=name,
        description=f"Starts {publisher} and nothing else",
        assumed_by=iam.ServicePrincipal(
            "scheduler.amazonaws.com",
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnEquals": {"aws:SourceArn": names.arn("scheduler", "schedule-group/default")},
            },
        ),
    )
    policy = grant(
        stack,
        stack,
        "SchedulePolicy",
        role,
        name,
        [
            Permission("Start", ["lambda:InvokeFunction"], [names.function_arn(publisher)]),
            Permission(
                "LeaveWord",
                ["sqs:SendMessage"],
                [names.queue_arn(names.unpublished(ledger.id))],
            ),
        ],
    )
    return role, policy
