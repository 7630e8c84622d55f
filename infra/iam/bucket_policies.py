"""Bucket policies: the only roles that may write, and no overwriting by accident.

A publisher's prefix is the `ledger` tag of its role: one statement serves any number of ledgers
(a statement each would not fit into 20 KB), and a role without the tag gets a prefix that no
ledger can have.
"""

from aws_cdk import aws_iam as iam

from infra.iam.statements import allow, deny_all, unless_role
from infra.names import Names
from infra.settings import Settings

LEDGER_TAG = "ledger"
_OWN_PREFIX = "${aws:PrincipalTag/" + LEDGER_TAG + ", '-'}"
_WRITES = ["s3:PutObject", "s3:PutObjectRetention", "s3:PutObjectLegalHold"]


def published_statements(names: Names, settings: Settings) -> list[iam.PolicyStatement]:
    """Return the policy of the bucket of published files."""
    everything = names.bucket_arn("published", "*")
    replaceable = [
        names.bucket_arn("published", "*/checkpoint"),
        names.bucket_arn("published", "*/digests/latest"),
    ]
    rebuild = {"ArnEquals": {"aws:PrincipalArn": names.rebuild_role}}
    statements = [
        deny_all(
            "OnlyPublishersWrite",
            [*_WRITES, "s3:DeleteObject"],
            [everything],
            unless_role(*names.publisher_roles, names.rebuild_role),
        ),
        _deny_elsewhere(
            "EachUnderItsOwnPrefix",
            [*_WRITES, "s3:DeleteObject"],
            [names.bucket_arn("published", f"{_OWN_PREFIX}/*")],
            unless_role(names.rebuild_role),
        ),
        # The break-glass role restores lost objects of any ledger, and does nothing else.
        deny_all("RebuildPutsTilesAndDigestsOnly", _WRITES, replaceable, rebuild),
        deny_all("RebuildDeletesNothing", ["s3:DeleteObject"], [everything], rebuild),
        _deny_elsewhere(
            "OnlyPartialTilesGo",
            ["s3:DeleteObject"],
            [names.bucket_arn("published", "*/tile/*.p/*")],
        ),
        # Tiles and digests are written if absent; replaceable objects only over a known version.
        _deny_elsewhere(
            "NothingIsWrittenOver",
            ["s3:PutObject"],
            replaceable,
            {"Null": {"s3:if-none-match": "true"}},
        ),
        deny_all(
            "NothingIsReplacedBlindly",
            ["s3:PutObject"],
            replaceable,
            {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
        ),
        *_protection("published", names, settings),
    ]
    public = [ledger.id for ledger in settings.ledgers if ledger.public]
    if public:
        statements += _public_reading(names, public)
    return statements


def archive_statements(names: Names, settings: Settings) -> list[iam.PolicyStatement]:
    """Return the policy of the archive: blocks, first keys and dead letters, put once."""
    everything = names.bucket_arn("archive", "*")
    dead_letters = names.bucket_arn("archive", "*/dead-letters/*")
    return [
        deny_all(
            "OnlyPublishersAndDeadLettersWrite",
            _WRITES,
            [everything],
            unless_role(*names.publisher_roles, names.dead_letters_role),
        ),
        _deny_elsewhere(
            "EachUnderItsOwnPrefix",
            _WRITES,
            [
                names.bucket_arn("archive", f"{_OWN_PREFIX}/blocks/*"),
                names.bucket_arn("archive", f"{_OWN_PREFIX}/keys/*"),
                dead_letters,
            ],
        ),
        deny_all(
            "DeadLettersAreForTheirFunction",
            _WRITES,
            [dead_letters],
            unless_role(names.dead_letters_role),
        ),
        deny_all(
            "NothingIsWrittenOver",
            ["s3:PutObject"],
            [everything],
            {"Null": {"s3:if-none-match": "true"}},
        ),
        deny_all(
            "NothingIsPutUnlocked",
            ["s3:PutObject"],
            [everything],
            {"Null": {"s3:object-lock-retain-until-date": "true"}},
        ),
        *_locked_for_good(everything, settings),
        # A day less: time passes between the writer's clock and S3's.
        deny_all(
            "NothingIsLockedForLess",
            ["s3:PutObject", "s3:PutObjectRetention"],
            [everything],
            {
                "NumericLessThan": {
                    "s3:object-lock-remaining-retention-days": str(settings.retention.days - 1)
                }
            },
        ),
        *_protection("archive", names, settings),
        *_nothing_hidden(names, settings),
    ]


def index_statements(names: Names, settings: Settings) -> list[iam.PolicyStatement]:
    """Return the policy of the index bucket: runs and index files, derived and private."""
    everything = names.bucket_arn("index", "*")
    writes = ["s3:PutObject", "s3:DeleteObject"]
    return [
        deny_all(
            "OnlyPublishersWriteAndRead",
            [*writes, "s3:GetObject"],
            [everything],
            unless_role(*names.publisher_roles),
        ),
        _deny_elsewhere(
            "EachUnderItsOwnPrefix",
            [*writes, "s3:GetObject"],
            [names.bucket_arn("index", f"{_OWN_PREFIX}/*")],
        ),
        # If absent; a damaged object, over the version that was read.
        deny_all(
            "NothingIsReplacedBlindly",
            ["s3:PutObject"],
            [everything],
            {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
        ),
        *_protection("index", names, settings),
    ]


def _locked_for_good(everything: str, settings: Settings) -> list[iam.PolicyStatement]:
    """If retention is COMPLIANCE, deny the other mode, which some principals could lift later."""
    if settings.retention.mode != "COMPLIANCE":
        return []
    return [
        deny_all(
            "NothingIsLockedInGovernanceMode",
            ["s3:PutObject", "s3:PutObjectRetention"],
            [everything],
            {"StringEquals": {"s3:object-lock-mode": "GOVERNANCE"}},  # there are two modes
        )
    ]


def _nothing_hidden(names: Names, settings: Settings) -> list[iam.PolicyStatement]:
    """If stacks are protected, also deny deletion without a version: the block would remain under
    a marker that hides it from a rebuild, and that nobody could then remove."""
    if not settings.protected:
        return []
    everything = names.bucket_arn("archive", "*")
    return [deny_all("NobodyHidesWhatIsArchived", ["s3:DeleteObject"], [everything])]


def _protection(purpose: str, names: Names, settings: Settings) -> list[iam.PolicyStatement]:
    """If stacks are protected, deny everybody to bypass Object Lock or to delete old versions.

    Otherwise a developer may, to empty a bucket. Lifecycle rules are not subject to policies.
    """
    if not settings.protected:
        return []
    everything = names.bucket_arn(purpose, "*")
    return [
        deny_all(
            "NobodyBypassesOrDeletes",
            ["s3:BypassGovernanceRetention", "s3:DeleteObjectVersion"],
            [everything],
        ),
        deny_all("NobodyDeletesTheBucket", ["s3:DeleteBucket"], [names.bucket_arn(purpose)]),
    ]


def _public_reading(names: Names, ledger_ids: list[str]) -> list[iam.PolicyStatement]:
    """Let CloudFront of this account read public ledgers, and return 404 for missing objects.

    Any distribution of the account, because the one in the delivery stack comes later; it can read
    nothing here that is not public.
    """
    cloudfront = iam.ServicePrincipal("cloudfront.amazonaws.com")
    own = {
        "StringEquals": {"aws:SourceAccount": names.account},
        "ArnLike": {
            "aws:SourceArn": f"arn:{names.partition}:cloudfront::{names.account}:distribution/*"
        },
    }
    objects = [names.bucket_arn("published", f"{each}/*") for each in ledger_ids]
    return [
        allow("CloudFrontReadsPublicLedgers", ["s3:GetObject"], objects, own, cloudfront),
        # Without it a missing object is 403. The distribution never sends a list request.
        allow(
            "CloudFrontMaySayNotFound",
            ["s3:ListBucket"],
            [names.bucket_arn("published")],
            own,
            cloudfront,
        ),
    ]


def _deny_elsewhere(
    sid: str,
    actions: list[str],
    spared: list[str],
    conditions: dict[str, object] | None = None,
) -> iam.PolicyStatement:
    """Deny everybody the actions on all objects but those spared."""
    return iam.PolicyStatement(
        sid=sid,
        effect=iam.Effect.DENY,
        actions=actions,
        not_resources=spared,
        conditions=conditions,
        principals=[iam.StarPrincipal()],
    )
