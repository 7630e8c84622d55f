"""Lambda of query: answers requests of the HTTP API, and records each use in the ledger."""

import os
import time
from functools import cache
from typing import Any

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from audit_ledger.aws import clients
from audit_ledger.aws.function_metrics import FunctionMetrics
from audit_ledger.aws.kms_signing import public_key_der
from audit_ledger.aws.lambda_function import LambdaFunction
from audit_ledger.aws.limits_table import LimitsTable
from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.aws.ssm_settings import SsmSettings
from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.errors import FormatError, LedgerError, VerificationError, operation_outcome
from audit_ledger.http.negotiation import require_acceptable
from audit_ledger.http.request import authorization_of, read_request
from audit_ledger.http.responses import Response, error_response, make_response
from audit_ledger.http.serving import complete_response, resolve_route
from audit_ledger.limits import Limits
from audit_ledger.public_keys import raw_public_key
from audit_ledger.reading.ledger import Tables, ledgers
from audit_ledger.settings.environment import QueryEnvironment
from functions.query.access import QueryContext
from functions.query.rate_limit import take_tokens
from functions.query.routes import ROUTES

_BROKEN = (VerificationError, FormatError)

logger = Logger()
metrics = FunctionMetrics()


@cache
def environment() -> QueryEnvironment:
    """The function's environment variables, read once in each container."""
    return QueryEnvironment.read(os.environ)


@cache
def query_context() -> QueryContext:
    """Created once in each container; it caches ledgers' settings and keys for minutes."""
    env = environment()
    stage = env.stage
    dynamodb, kms, s3 = clients.dynamodb(), clients.kms(), clients.s3()
    ingest = LambdaFunction(clients.lambda_(), env.ingest_function)

    def checkpoint_keys(ledger_id: str) -> tuple[bytes, bytes]:
        aliases = f"alias/audit-ledger-{stage}/{ledger_id}/checkpoint"
        ed25519, mldsa44 = (
            raw_public_key(public_key_der(kms, f"{aliases}-{kind}"))
            for kind in ("ed25519", "mldsa44")
        )
        return ed25519, mldsa44

    tables = msgspec.convert(env, Tables, from_attributes=True)
    return QueryContext(
        ledgers(
            stage,
            SsmSettings(clients.ssm(), stage),
            dynamodb,
            kms,
            tables,
            time.monotonic,
        ),
        ingest.invoke,
        lambda ledger_id: LedgerObjects(s3, env.published_bucket, ledger_id),
        lambda origin: ViewsTable(dynamodb, env.views_table, origin),
        checkpoint_keys,
        lambda: int(time.time()),
        time.monotonic,
    )


@cache
def limits() -> Limits:
    """Created once in each container: its leases, and the callers that were refused."""
    table = LimitsTable(clients.dynamodb_briefly(), environment().limits_table)
    return Limits(table, lambda: time.time_ns() // 1000, _count_unlimited)


def _count_unlimited() -> None:
    logger.warning("limits not looked up")
    metrics.add_metric("LimitsUnchecked", MetricUnit.Count, 1)


@metrics.log_metrics
def handler(event: dict[str, Any], context: object) -> Response:  # noqa: ARG001 Lambda's form
    """Answer one request. Neither the request nor any event is logged."""
    try:
        response = _respond(event)
    except LedgerError as error:
        response = _verification_failed() if isinstance(error, _BROKEN) else error_response(error)
        if response["statusCode"] >= 500:
            logger.error("request failed", error=type(error).__name__)
    except clients.AwsError as error:
        logger.error("request failed", error=clients.error_code(error))
        response = error_response(LedgerError())
    metrics.add_metric(f"Answers{response['statusCode'] // 100}xx", MetricUnit.Count, 1)
    return complete_response(event, response)


def _respond(event: dict[str, Any]) -> Response:
    claims, public_url = environment().claims, environment().public_url
    on_route = resolve_route(event, "query", public_url)
    if "statusCode" in on_route:
        return on_route
    access = authorization_of(on_route, claims)
    take_tokens(limits(), query_context().admit(access), access, on_route["routeKey"])
    request = read_request(on_route, claims, public_url)
    route = ROUTES[request.route]
    if route.media_types:
        require_acceptable(request, *route.media_types)
    return route.respond(query_context(), request)


def _verification_failed() -> Response:
    """Return the response if stored data failed verification: a retry does not help."""
    why = (
        "stored data failed verification: it was altered, or a table was restored; "
        "`ledger verify` reports where"
    )
    return make_response(500, msgspec.json.encode(operation_outcome("fatal", "exception", why)), "")
