"""Lambda of the publisher: one run a minute for one ledger."""

import os
import time
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from audit_ledger.aws import clients
from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.aws.eventbridge import EventBus
from audit_ledger.aws.function_metrics import FunctionMetrics
from audit_ledger.aws.kms_data_keys import WrappingKey
from audit_ledger.aws.kms_signing import ED25519, MLDSA44, public_key_der, signing_key
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.errors import FormatError, FrozenError, LostRaceError, UnreachableError
from audit_ledger.ledger.block_signature import block_verifier
from audit_ledger.ledger.follower_views import Gaps
from audit_ledger.ledger.published_state import PublishedState
from audit_ledger.public_keys import raw_public_key
from audit_ledger.settings.environment import PublisherEnvironment
from audit_ledger.settings.event_bus import DIGEST_PUBLISHED
from functions.publisher.first_keys import make_first_keys
from functions.publisher.publish import Publisher
from functions.publisher.signing import Signer

logger = Logger()
metrics = FunctionMetrics()

TIME_TO_SIGN_MS = 60_000  # reserved at the end of a run: no further block is read then


@cache
def environment() -> PublisherEnvironment:
    """Return the function's environment variables, read once per container."""
    return PublisherEnvironment.read(os.environ)


@cache
def publisher() -> Publisher:
    """Return the container's publisher, which remembers what it published last."""
    env = environment()
    origin, prefix = env.origin, env.ledger_id
    dynamodb, kms, s3 = clients.dynamodb(), clients.kms(), clients.s3()
    bus = EventBus(clients.events(), env.event_bus)
    ed25519, ed25519_der = signing_key(kms, env.checkpoint_ed25519_key, ED25519)
    mldsa44, mldsa44_der = signing_key(kms, env.checkpoint_mldsa44_key, MLDSA44)
    verify_block = block_verifier(raw_public_key(public_key_der(kms, env.sequencer_key)))

    def announce(state: PublishedState) -> None:
        detail = {"origin": origin, "size": state.size, "digest": state.digest_name}
        bus.put(DIGEST_PUBLISHED, [detail])

    views = ViewsTable(dynamodb, env.views_table, origin)

    def gaps() -> Gaps | None:
        try:
            return views.gaps()
        except (*clients.AwsError, FormatError) as error:
            logger.warning("gaps could not be read", code=clients.error_code(error))
            return None

    return Publisher(
        origin=origin,
        blocks=BlocksTable(dynamodb, env.blocks_table, origin),
        state=LedgersTable(dynamodb, env.ledgers_table, origin),
        tiles=LedgerObjects(s3, env.published_bucket, prefix, env.retention),
        archive=LedgerObjects(s3, env.archive_bucket, prefix, env.retention),
        index=LedgerObjects(s3, env.index_bucket, prefix),
        verify_block=verify_block,
        signer=Signer(
            origin,
            raw_public_key(ed25519_der),
            ed25519.sign,
            raw_public_key(mldsa44_der),
            mldsa44.sign,
        ),
        announce=announce,
        gaps=gaps,
        now=lambda: int(time.time()),
    )


@cache
def has_keys() -> bool:
    """Create the keys of a new ledger, in the first run of the first container."""
    env = environment()
    origin, wrapping = env.origin, env.wrapping_key
    make_first_keys(
        LedgersTable(clients.dynamodb(), env.ledgers_table, origin),
        LedgerObjects(clients.s3(), env.archive_bucket, env.ledger_id, env.retention),
        WrappingKey(clients.kms(), wrapping, origin),
        int(time.time()),
    )
    return True


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 Lambda's form
    """Publish what was committed. An error ends the run, and the next run repairs its effects."""

    def has_time() -> bool:
        return bool(context.get_remaining_time_in_millis() > TIME_TO_SIGN_MS)

    has_keys()
    try:
        published = publisher().publish(has_time)
    except LostRaceError as error:
        logger.info("another publisher was first", reason=str(error))
        return {"published": False}
    except FrozenError as error:
        logger.error("frozen", reason=str(error))
        metrics.add_metric("Frozen", MetricUnit.Count, 1)
        raise
    metrics.add_metric("PublishedEntries", MetricUnit.Count, published.entries)
    metrics.add_metric("Digests", MetricUnit.Count, 1 if published.digest_name else 0)
    if published.in_outbox:
        # Published nevertheless; the alarm on failed runs reports the missing notification.
        raise UnreachableError(
            f"the bus did not accept the announcements of {published.in_outbox} digests"
        )
    return {"published": bool(published.digest_name), "size": published.size}
