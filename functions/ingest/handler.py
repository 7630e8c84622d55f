"""Lambda of ingest: requests of the HTTP API and events of the bus."""

import os
import time
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from audit_ledger.aws import clients
from audit_ledger.aws.function_metrics import FunctionMetrics
from audit_ledger.aws.limits_table import LimitsTable
from audit_ledger.aws.ssm_settings import SsmSettings
from audit_ledger.errors import LedgerError
from audit_ledger.http.request import authorization_of, read_request
from audit_ledger.http.responses import Response, error_response
from audit_ledger.http.serving import complete_response, resolve_route
from audit_ledger.limits import Limits
from audit_ledger.settings.environment import IngestEnvironment
from functions.ingest.accept import Acceptor
from functions.ingest.eventbridge import accept_from_bus
from functions.ingest.internal_events import accept_internal
from functions.ingest.invoked_alias import invoked_alias
from functions.ingest.ledger_context import LedgerContexts
from functions.ingest.open_routes import OPEN_ROUTES
from functions.ingest.rate_limit import portal_limit
from functions.ingest.routes import ROUTES

logger = Logger()
metrics = FunctionMetrics()


@cache
def environment() -> IngestEnvironment:
    """The function's environment variables, read once in each container."""
    return IngestEnvironment.read(os.environ)


@cache
def acceptor() -> Acceptor:
    """Return the container's acceptor, which caches ledgers' settings and keys for minutes."""
    env = environment()
    ledgers = LedgerContexts(
        env.stage,
        SsmSettings(clients.ssm(), env.stage),
        clients.dynamodb(),
        clients.kms(),
        clients.sqs(),
        env.subjects_table,
        env.ledgers_table,
        env.events_table,
        time.monotonic,
    )
    return Acceptor(ledgers, lambda: time.time_ns() // 1_000_000, _count_unchecked)


def _count_unchecked() -> None:
    logger.warning("conflicts not looked up")
    metrics.add_metric("ConflictsUnchecked", MetricUnit.Count, 1)


@cache
def limits() -> Limits:
    """Return the container's limits, with its leased tokens."""
    table = LimitsTable(clients.dynamodb_briefly(), environment().limits_table)
    return Limits(table, lambda: time.time_ns() // 1000, _count_unlimited)


def _count_unlimited() -> None:
    logger.warning("limits not looked up")
    metrics.add_metric("LimitsUnchecked", MetricUnit.Count, 1)


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> Response | None:
    """Respond to a request, or accept an event from the bus, or of the ledger itself."""
    way = invoked_alias(context.invoked_function_arn, event)
    if way == "own":
        accepted = accept_internal(acceptor(), event)
        metrics.add_metric("Accepted", MetricUnit.Count, 1)
        return accepted
    if way == "bus":
        accept_from_bus(acceptor(), event)
        metrics.add_metric("Accepted", MetricUnit.Count, 1)
        return None
    try:
        response = _respond(event)
    except LedgerError as error:
        response = error_response(error)
        if response["statusCode"] >= 500:
            logger.error("not accepted", error=type(error).__name__)
    except clients.AwsError as error:
        logger.error("not accepted", error=clients.error_code(error))
        response = error_response(LedgerError())
    status = response["statusCode"]
    metrics.add_metric(f"Answers{status // 100}xx", MetricUnit.Count, 1)
    return complete_response(event, response)


def _respond(event: dict[str, Any]) -> Response:
    claims, public_url = environment().claims, environment().public_url
    on_route = resolve_route(event, "ingest", public_url)
    if "statusCode" in on_route:
        return on_route
    if on_route["routeKey"] in OPEN_ROUTES:
        request = read_request(on_route, claims, public_url)
        return OPEN_ROUTES[request.route](request, environment())
    access = authorization_of(on_route, claims)
    sender = acceptor().sender(access)  # before parsing the body
    limit = portal_limit(limits(), sender.ledger, sender.portal)
    spent = limit.spend_on_sent(on_route)
    request = read_request(on_route, claims, public_url)
    limit.spend_on_unpacked(len(request.body), spent)
    return ROUTES[request.route](sender, request)
