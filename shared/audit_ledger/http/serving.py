"""What is the same of every request: which route it is for, HEAD, conditions, request ids."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from audit_ledger.errors import NotFoundError, RefusedError, operation_outcome
from audit_ledger.http.base_url import base_url
from audit_ledger.http.request import read_headers
from audit_ledger.http.responses import Response
from audit_ledger.http.routes import ROUTES, Match, Owner, allowed_methods, match_routes

_KEYS: Final = frozenset(route.key for route in ROUTES)
_MAX_ID: Final = 128  # characters of a client's request id


class MethodNotAllowedError(RefusedError):
    """A known path, and a method that it does not have (RFC 9110, Section 15.5.6)."""

    status = 405

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"the method: expected one of {', '.join(allowed)}")
        self.headers = {"Allow": ", ".join(allowed)}


class MovedError(RefusedError):
    """The same without the slash at its end, which another function answers."""

    status = 308

    def __init__(self, location: str) -> None:
        super().__init__("the path: expected no slash at its end")
        self.headers = {"Location": location}

    def operation_outcome(self) -> dict[str, object]:
        """Return the FHIR OperationOutcome that answers this."""
        return operation_outcome("information", "informational", str(self))


def resolve_route(
    event: Mapping[str, Any], owner: Owner, public_url: str = ""
) -> dict[str, Any] | Response:
    """Return the event with the route that it is for; HEAD has the route of GET.

    Where OPTIONS asks what a path can do, give the answer, by its `statusCode`. Raises
    NotFoundError for an unknown path, MethodNotAllowedError, and MovedError where the path, but for
    a slash at its end, is another function's.
    """
    method, _, template = event["routeKey"].partition(" ")
    routed_method = "GET" if method == "HEAD" else method
    if f"{routed_method} {template}" in _KEYS:
        return {**event, "routeKey": f"{routed_method} {template}"}
    found = match_routes(_path(event, template))
    if not found:
        raise NotFoundError("no such path")
    allowed = allowed_methods(found)
    if method == "OPTIONS":
        return {"statusCode": 204, "headers": {"Allow": ", ".join(allowed)}}
    of_method = [each for each in found if each.route.method == routed_method]
    if not of_method:
        raise MethodNotAllowedError(allowed)
    (match,) = of_method
    if match.route.owner != owner:
        raise MovedError(_location(event, match, public_url))
    return {**event, "routeKey": match.route.key, "pathParameters": dict(match.variables)}


def complete_response(event: Mapping[str, Any], answer: Response) -> Response:
    """Complete an answer: request ids, 304 for who has it already, no body for HEAD.

    The request's id is the one in the access log; a client's own comes back as X-Correlation-Id
    (FHIR, http.html, custom headers).
    """
    context = event["requestContext"]
    request_headers = read_headers(event)
    headers = dict(answer.get("headers") or {})
    if context.get("requestId"):
        headers["X-Request-Id"] = context["requestId"]
    own = request_headers.get("x-request-id", "")
    if own and len(own) <= _MAX_ID and own.isascii() and own.isprintable():
        headers["X-Correlation-Id"] = own
    completed = {**answer, "headers": headers}
    method = event["routeKey"].partition(" ")[0]
    is_read = method in ("GET", "HEAD") and answer["statusCode"] == 200
    if is_read and _matches(request_headers.get("if-none-match", ""), headers.get("ETag")):
        headers.pop("Content-Type", None)
        completed["statusCode"] = 304
    if method == "HEAD" or completed["statusCode"] == 304:
        completed.pop("body", None)
        completed.pop("isBase64Encoded", None)
    return completed


def _path(event: Mapping[str, Any], template: str) -> str:
    """Return the path, without the name of a stage, which stands in rawPath."""
    fixed, is_greedy, _ = template.partition("{proxy+}")
    variables = event.get("pathParameters") or {}
    return fixed + str(variables.get("proxy", "")) if is_greedy else fixed


def _location(event: Mapping[str, Any], match: Match, public_url: str) -> str:
    path = re.sub(
        r"\{(\w+)\+?\}", lambda name: quote(match.variables[name[1]], safe="/"), match.route.path
    )
    query = event.get("rawQueryString") or ""
    return f"{base_url(event, public_url)}{path}" + (f"?{query}" if query else "")


def _matches(condition: str, tag: str | None) -> bool:
    """Compare weakly, as If-None-Match has it (RFC 9110, Section 13.1.2)."""
    if not tag or not condition:
        return False
    tags = [each.strip().removeprefix("W/") for each in condition.split(",")]
    return "*" in tags or tag.removeprefix("W/") in tags
