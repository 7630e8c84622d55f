"""Lambda of query: questions of the HTTP API in, answers out, each use recorded in the ledger."""

import json
import os
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from audit_ledger.aws import clients
from audit_ledger.aws.kms_signing import public_key_der
from audit_ledger.aws.limits_table import LimitsTable
from audit_ledger.aws.objects import LedgerObjects, Retention
from audit_ledger.aws.ssm_settings import LedgerSettings
from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.errors import FormatError, LedgerError, UnreachableError, VerificationError
from audit_ledger.events.errors import operation_outcome
from audit_ledger.http.negotiation import require_acceptable
from audit_ledger.http.request import FHIR_JSON, Request, authorization_of, read_request
from audit_ledger.http.responses import Response, error_response, make_response
from audit_ledger.http.serving import finished, routed
from audit_ledger.limits import Limits
from audit_ledger.public_keys import raw_public_key
from audit_ledger.reading.ledger import Tables, ledgers
from audit_ledger.settings.environment import QueryEnvironment
from functions.query.access import QueryContext
from functions.query.derived import get_findings, get_gaps, post_documents_verify
from functions.query.export import get_export
from functions.query.proofs import (
    get_consistency,
    get_digests,
    get_latest_digest,
    get_policy,
    get_receipt,
)
from functions.query.rate_limit import take_tokens
from functions.query.reports import get_accesses, get_accounting, get_privacy_report
from functions.query.search_events import (
    get_audit_event,
    get_audit_event_version,
    get_audit_events,
    get_submitted,
    post_search,
)

_BROKEN = (VerificationError, FormatError)
_NOTHING_IS_WRITTEN = Retention("GOVERNANCE", 1)

logger = Logger()
metrics = Metrics()

ROUTES: dict[str, Callable[[QueryContext, Request], Response]] = {
    "GET /AuditEvent": get_audit_events,
    "POST /AuditEvent/_search": post_search,
    "GET /AuditEvent/{id}": get_audit_event,
    "GET /AuditEvent/{id}/_history/{version}": get_audit_event_version,
    "GET /AuditEvent/{id}/receipt": get_receipt,
    "GET /AuditEvent/{id}/{operation}": get_submitted,
    "GET /findings": get_findings,
    "GET /portals/{id}/gaps": get_gaps,
    "POST /documents/verify": post_documents_verify,
    "GET /digests": get_digests,
    "GET /digests/latest": get_latest_digest,
    "GET /consistency": get_consistency,
    "GET /policy": get_policy,
    "GET /accounting": get_accounting,
    "GET /accesses": get_accesses,
    "GET /reports/privacy": get_privacy_report,
    "GET /export": get_export,
}


_JSON = ("application/json",)
FORMS: dict[str, tuple[str, ...]] = {
    "GET /AuditEvent/{id}/receipt": (*_JSON, "text/plain"),
    "GET /AuditEvent/{id}/{operation}": (FHIR_JSON[0], "application/cloudevents+json"),
    "GET /findings": _JSON,
    "GET /portals/{id}/gaps": _JSON,
    "POST /documents/verify": _JSON,
    "GET /digests": _JSON,
    "GET /digests/latest": _JSON,
    "GET /consistency": _JSON,
    "GET /policy": ("text/plain",),
    "GET /export": _JSON,
}
"""Media types of answers of one release or none; others, and reports, choose for themselves."""


@cache
def environment() -> QueryEnvironment:
    """The function's environment variables, read once in each container."""
    return QueryEnvironment.read(os.environ)


@cache
def desk() -> QueryContext:
    """One a container; it keeps ledgers' settings and keys for minutes."""
    env = environment()
    stage = env.stage
    dynamodb, kms, s3 = clients.dynamodb(), clients.kms(), clients.s3()
    lambda_client = clients.lambda_()

    def invoke(payload: dict[str, Any]) -> dict[str, Any]:
        make_response = lambda_client.invoke(
            FunctionName=env.ingest_function, Payload=json.dumps(payload).encode()
        )
        if make_response.get("FunctionError"):
            raise UnreachableError("ingest did not take what was to be recorded")
        taken: dict[str, Any] = json.loads(make_response["Payload"].read())
        return taken

    def checkpoint_keys(ledger_id: str) -> tuple[bytes, bytes]:
        aliases = f"alias/audit-ledger-{stage}/{ledger_id}/checkpoint"
        ed25519, mldsa44 = (
            raw_public_key(public_key_der(kms, f"{aliases}-{kind}"))
            for kind in ("ed25519", "mldsa44")
        )
        return ed25519, mldsa44

    tables = Tables(
        env.blocks_table,
        env.events_table,
        env.subjects_table,
        env.ledgers_table,
        env.published_bucket,
    )
    return QueryContext(
        ledgers(
            stage,
            LedgerSettings(clients.ssm(), stage),
            dynamodb,
            kms,
            tables,
            time.monotonic,
        ),
        invoke,
        lambda ledger_id: LedgerObjects(s3, env.published_bucket, ledger_id, _NOTHING_IS_WRITTEN),
        lambda origin: ViewsTable(dynamodb, env.views_table, origin),
        checkpoint_keys,
        lambda: int(time.time()),
        time.monotonic,
    )


@cache
def limits() -> Limits:
    """One a container: what it has leased, and what was refused."""
    table = LimitsTable(clients.dynamodb_briefly(), environment().limits_table)
    return Limits(table, lambda: time.time_ns() // 1000, _count_unlimited)


def _count_unlimited() -> None:
    logger.warning("limits not looked up")
    metrics.add_metric("LimitsUnchecked", MetricUnit.Count, 1)


@metrics.log_metrics(raise_on_empty_metrics=False)
def handler(event: dict[str, Any], context: object) -> Response:  # noqa: ARG001 Lambda's form
    """Answer one question. Nothing of it, and nothing that was found, is logged."""
    try:
        answered = _answer(event)
    except LedgerError as error:
        answered = _not_holding() if isinstance(error, _BROKEN) else error_response(error)
        if answered["statusCode"] >= 500:
            logger.error("not answered", error=type(error).__name__)
    except clients.AwsError as error:
        logger.error("not answered", error=clients.error_code(error))
        answered = error_response(LedgerError())
    metrics.add_metric(f"Answers{answered['statusCode'] // 100}xx", MetricUnit.Count, 1)
    return finished(event, answered)


def _answer(event: dict[str, Any]) -> Response:
    claims, public_url = environment().claims, environment().public_url
    on_route = routed(event, "query", public_url)
    if "statusCode" in on_route:
        return on_route
    access = authorization_of(on_route, claims)
    take_tokens(limits(), desk().admit(access), access, on_route["routeKey"])
    request = read_request(on_route, claims, public_url)
    if request.route in FORMS:
        require_acceptable(request, *FORMS[request.route])
    return ROUTES[request.route](desk(), request)


def _not_holding() -> Response:
    """Answer where what is stored is not what it must be: asking again does not help."""
    why = (
        "what is stored here does not hold: somebody altered it, or a table was restored; "
        "`ledger verify` says more"
    )
    return make_response(500, msgspec.json.encode(operation_outcome("fatal", "exception", why)), "")
