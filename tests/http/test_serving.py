"""Every path and method has a response in FHIR's form: HEAD, OPTIONS, 404, 405, 308, 304."""

from typing import Any

import pytest

from audit_ledger.errors import LedgerError, NotFoundError, RefusedError
from audit_ledger.http.responses import error_response, make_response
from audit_ledger.http.routes import FALLBACKS, ROUTES, Owner, allowed_methods, match_routes
from audit_ledger.http.serving import complete_response, resolve_route
from functions.ingest.open_routes import OPEN_ROUTES
from functions.ingest.routes import ROUTES as INGEST_ROUTES
from functions.query.routes import ROUTES as QUERY_ROUTES

FALLBACK = "/{proxy+}"


def event(method: str, path: str, template: str = FALLBACK, **members: Any) -> dict[str, Any]:
    """Return API Gateway's event for a path that only a fallback matches."""
    fixed = template.partition("{proxy+}")[0]
    return {
        "routeKey": f"{method} {template}",
        "rawPath": path,
        "pathParameters": {"proxy": path.removeprefix(fixed)},
        "headers": {},
        "requestContext": {"domainName": "api.example.org", "requestId": "r1"},
        **members,
    }


def refusal(request: dict[str, Any], owner: Owner = "query") -> dict[str, Any]:
    with pytest.raises(LedgerError) as error:
        resolve_route(request, owner)
    return error_response(error.value)


def test_each_function_serves_exactly_its_routes() -> None:
    """Routes of query that are neither FHIR nor reports declare their media types."""
    keys = {
        owner: {route.key for route in ROUTES if route.owner == owner and not route.is_open}
        for owner in ("ingest", "query", "published")
    }
    assert set(INGEST_ROUTES) == keys["ingest"]
    assert set(QUERY_ROUTES) == keys["query"]
    assert set(OPEN_ROUTES) == {route.key for route in ROUTES if route.is_open}
    assert 0 < sum(bool(route.media_types) for route in QUERY_ROUTES.values()) < len(QUERY_ROUTES)
    assert keys["published"] == {"GET /published/{path+}"}


def test_every_method_of_every_path_has_a_route() -> None:
    """The fallbacks cover the methods that no route has."""
    methods = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    for path in ("/", FALLBACK):
        found = {each.method for each in (*ROUTES, *FALLBACKS) if each.path == path}
        assert found == methods


@pytest.mark.parametrize(
    "path", ["/nothing", "/AuditEvent/1/2/3", "/Patient/1", "//", "/é/", "/a\n"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
def test_an_unknown_path_is_404_in_fhirs_form(method: str, path: str) -> None:
    """The response does not repeat the path."""
    if path == "//":
        path = "/nothing//"
    response = refusal(event(method, path))
    assert response["statusCode"] == 404
    assert "OperationOutcome" in response["body"]
    assert path.strip("/") not in response["body"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/AuditEvent", "GET, HEAD, POST, OPTIONS"),
        ("DELETE", "/AuditEvent/", "GET, HEAD, POST, OPTIONS"),
        ("DELETE", "/AuditEvent/7", "GET, HEAD, OPTIONS"),
        ("PATCH", "/metadata", "GET, HEAD, OPTIONS"),
        ("POST", "/AuditEvent/7/_history/1", "GET, HEAD, OPTIONS"),
        ("GET", "/events", "POST, OPTIONS"),
        ("HEAD", "/documents/verify", "POST, OPTIONS"),
        ("PUT", "/published/st-elsewhere/checkpoint", "GET, HEAD, OPTIONS"),
    ],
)
def test_an_unsupported_method_is_405(method: str, path: str, allow: str) -> None:
    """RFC 9110, Section 15.5.6, requires Allow."""
    response = refusal(event(method, path))
    assert (response["statusCode"], response["headers"]["Allow"]) == (405, allow)
    assert "OperationOutcome" in response["body"]
    if method != "HEAD":
        options = resolve_route(event("OPTIONS", path), "ingest")
        assert (options["statusCode"], options["headers"]["Allow"]) == (204, allow)


def test_the_root_takes_bundles_and_nothing_else() -> None:
    """Its fallbacks are separate: they have no path variable."""
    response = refusal(event("GET", "/", "/", pathParameters=None))
    assert (response["statusCode"], response["headers"]["Allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize(
    ("method", "path", "route", "variables", "owner"),
    [
        ("GET", "/AuditEvent/", "GET /AuditEvent", {}, "query"),
        ("GET", "/AuditEvent//", "GET /AuditEvent", {}, "query"),
        ("HEAD", "/AuditEvent/", "GET /AuditEvent", {}, "query"),
        ("GET", "/AuditEvent/7/", "GET /AuditEvent/{id}", {"id": "7"}, "query"),
        ("GET", "/digests/latest/", "GET /digests/latest", {}, "query"),
        ("POST", "/AuditEvent/", "POST /AuditEvent", {}, "ingest"),
        ("POST", "/events/", "POST /events", {}, "ingest"),
    ],
)
def test_a_slash_at_the_end_is_ignored(
    method: str, path: str, route: str, variables: dict[str, str], owner: Owner
) -> None:
    """No route of API Gateway can end with one."""
    found = resolve_route(event(method, path), owner)
    assert (found["routeKey"], found["pathParameters"]) == (route, variables)


def test_metadata_with_a_slash_needs_no_token() -> None:
    """Its fallback is open, and serves nothing else."""
    (open_,) = (route for route in FALLBACKS if route.is_open)
    request = event("GET", "/metadata/", open_.path, pathParameters={"proxy": ""})
    assert resolve_route(request, "ingest")["routeKey"] == "GET /metadata"
    request = event("GET", "/metadata/AuditEvent", open_.path)
    assert refusal(request, "ingest")["statusCode"] == 404


def test_a_route_of_another_function_is_redirected_without_the_slash() -> None:
    """308 preserves method and body (RFC 9110, Section 15.4.9); path and query are escaped."""
    request = event("POST", "/documents/verify/", rawQueryString="a=%20b")
    response = refusal(request, "ingest")
    assert response["statusCode"] == 308
    assert response["headers"]["Location"] == "https://api.example.org/documents/verify?a=%20b"
    with pytest.raises(RefusedError) as moved:
        resolve_route(event("GET", "/published/a\r\nb: c/"), "query", "https://public.example/x")
    assert moved.value.headers["Location"] == "https://public.example/x/published/a%0D%0Ab%3A%20c"


def test_the_stage_in_the_raw_path_is_removed() -> None:
    """rawPath contains a stage other than $default."""
    request = event("GET", "/AuditEvent/", rawPath="/prod/AuditEvent/")
    assert resolve_route(request, "query")["routeKey"] == "GET /AuditEvent"


def test_fixed_paths_come_before_variables() -> None:
    """As API Gateway chooses."""
    assert [each.route.path for each in match_routes("/digests/latest")] == ["/digests/latest"]
    assert allowed_methods(match_routes("/AuditEvent")) == ("GET", "HEAD", "POST", "OPTIONS")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_head_is_get_without_a_body(method: str) -> None:
    """RFC 9110, Section 9.3.2: the same header fields."""
    request = event(method, "/policy", "/policy")
    assert resolve_route(request, "query")["routeKey"] == "GET /policy"
    response = complete_response(request, make_response(200, b"{}", "4.0", {"ETag": '"1"'}))
    assert response["statusCode"] == 200
    assert response["headers"]["ETag"] == '"1"'
    assert response["headers"]["Content-Type"] == "application/fhir+json; fhirVersion=4.0"
    assert ("body" in response) == (method == "GET")


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ('W/"1"', 304),
        ('"1"', 304),
        ('"0", W/"1"', 304),
        ("*", 304),
        ('"2"', 200),
        ("1", 200),
        ("", 200),
    ],
)
def test_an_unchanged_representation_is_304(condition: str, status: int) -> None:
    """If-None-Match compares weakly (RFC 9110, Section 13.1.2), only for a GET that succeeds."""
    headers = {"If-None-Match": condition}
    request = event("GET", "/AuditEvent/7", headers=headers)
    response = complete_response(request, make_response(200, b"{}", "4.0", {"ETag": 'W/"1"'}))
    assert response["statusCode"] == status
    assert ("body" in response) == (status == 200)
    assert response["headers"]["ETag"] == 'W/"1"'
    assert (
        complete_response(request, make_response(404, b"{}", "", {"ETag": 'W/"1"'}))["statusCode"]
        == 404
    )
    posted = event("POST", "/AuditEvent", headers=headers)
    assert (
        complete_response(posted, make_response(200, b"{}", "", {"ETag": 'W/"1"'}))["statusCode"]
        == 200
    )


@pytest.mark.parametrize(
    ("own", "correlated"), [("abc-1", True), ("", False), ("x" * 129, False), ("a\r\nb", False)]
)
def test_requests_have_ids(own: str, correlated: bool) -> None:
    """The access log's id, and the client's own as X-Correlation-Id (FHIR, http.html)."""
    request = event("GET", "/policy", headers={"X-Request-Id": own})
    response = complete_response(request, make_response(200, b"", ""))["headers"]
    assert response["X-Request-Id"] == "r1"
    assert response.get("X-Correlation-Id") == (own if correlated else None)


def test_a_temporary_failure_has_retry_after() -> None:
    """RFC 9110, Section 10.2.3."""
    assert int(error_response(LedgerError())["headers"]["Retry-After"]) > 0
    assert "Retry-After" not in error_response(NotFoundError("no such thing"))["headers"]
