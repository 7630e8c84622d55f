"""The break-glass role of `ledger rebuild`, `rebuild-views`, `republish`, `unfreeze` and `redrive`.

It can add blocks and index rows, write missing tiles and digests, have the follower rebuild its
views, lift a freeze, and send dead letters to their ledger's queue. It can neither sign nor open a
record, nor change or remove a block or a published file: publishers refuse a block that no
sequencer signed.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from infra.iam.permissions import Permission, grant
from infra.iam.shared_permissions import read_settings, use_items, use_keys
from infra.names import Names
from infra.stage_stack import StageStack

NAME = "rebuild"
SESSION_HOURS = 4  # a million entries are rebuilt in minutes, a hundred million in hours
_ANY_LEDGER = "It rebuilds any ledger of the stage; people use it, and rarely."


def add_rebuild_role(stack: StageStack) -> None:
    """Add the role and its policy."""
    name = stack.names.named(NAME)
    role = iam.Role(
        stack,
        "RebuildRole",
        role_name=name,
        description="Break-glass: rebuilds a ledger from its archive, lifts a freeze",
        assumed_by=_trusted(stack),
        max_session_duration=cdk.Duration.hours(SESSION_HOURS),
    )
    grant(stack, stack, "RebuildPolicy", role, name, rebuild_permissions(stack.names))


def rebuild_permissions(names: Names) -> list[Permission]:
    """Return its permissions. ListBucket, so that a missing object is 404 and not 403."""
    return [
        Permission(
            "MakeViewsAnew",
            ["lambda:InvokeFunction"],
            [names.function_arn(names.named("follower"))],
        ),
        Permission(
            "ReadArchivedBlocks",
            ["s3:GetObject"],
            [names.bucket_arn("archive", "*/blocks/*")],
            why_pattern=f"The blocks of every ledger, sealed. {_ANY_LEDGER}",
        ),
        Permission(
            "ReadDeadLetters",
            ["s3:GetObject"],
            [names.bucket_arn("archive", "*/dead-letters/*")],
            why_pattern=f"Sealed messages of every ledger. {_ANY_LEDGER}",
        ),
        Permission(
            "ReturnDeadLetters",
            ["sqs:GetQueueUrl", "sqs:SendMessage"],
            [names.queue_arn(names.queue("*"))],
            why_pattern=f"Ledgers come later than this role. {_ANY_LEDGER}",
        ),
        Permission(
            "ReadWhatIsPublished",
            ["s3:GetObject"],
            [names.bucket_arn("published", "*")],
            why_pattern=f"Made to be read: hashes, signatures and times only. {_ANY_LEDGER}",
        ),
        Permission(
            "SeeWhatIsMissing",
            ["s3:ListBucket"],
            [names.bucket_arn("archive"), names.bucket_arn("published")],
        ),
        Permission("SeeWhatWasDeleted", ["s3:ListBucketVersions"], [names.bucket_arn("published")]),
        Permission(
            "ReadWhatWasDeleted",
            ["s3:GetObjectVersion"],
            [names.bucket_arn("published", "*/digests/*")],
            why_pattern=f"Digests, which nobody can sign again. {_ANY_LEDGER}",
        ),
        Permission(
            "SeeHowBlocksAreLocked",
            ["s3:GetObjectRetention"],
            [names.bucket_arn("archive", "*/blocks/*")],
            why_pattern=f"Files that are put back are locked alike. {_ANY_LEDGER}",
        ),
        Permission(
            "PutBackWhatIsMissing",
            ["s3:PutObject", "s3:PutObjectRetention"],
            [
                names.bucket_arn("published", "*/tile/*"),
                names.bucket_arn("published", "*/digests/2*"),
            ],
            why_pattern=f"If absent only, by the bucket's policy. {_ANY_LEDGER}",
        ),
        Permission(
            "FillBlocks", ["dynamodb:PutItem", "dynamodb:Query"], [names.table_arn("blocks")]
        ),
        # Scan: rows of entries that do not exist are found by their number, which is no key.
        Permission(
            "MendIndex",
            [
                "dynamodb:BatchGetItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:PutItem",
                "dynamodb:Scan",
            ],
            [names.table_arn("events")],
        ),
        use_items(names, "FreezeAndLift", ["GetItem", "UpdateItem"], "ledgers", "*#published"),
        use_keys(
            names,
            "VerifyBlocks",
            "kms:GetPublicKey",
            "sequencer",
            "Public keys of sequencers, by alias: ledgers come later than this role.",
        ),
        read_settings(names, _ANY_LEDGER),
    ]


def _trusted(stack: StageStack) -> iam.IPrincipal:
    """Return the principals of the settings, or all of the account with a second factor.

    The account as principal, and conditions: a trust policy refuses principals that do not exist.
    Principals of the settings sign in by the rules of their organisation, which IAM cannot see.
    """
    named = stack.settings.break_glass
    conditions = (
        {"ArnEquals": {"aws:PrincipalArn": list(named)}}
        if named
        else {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    )
    return iam.AccountRootPrincipal().with_conditions(conditions)
