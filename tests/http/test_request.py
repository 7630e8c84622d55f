"""A request is read once, as API Gateway passes it (HTTP API, payload format 2.0)."""

from base64 import b64encode
from typing import Any

import pytest

from audit_ledger.errors import RefusedError
from audit_ledger.events import RejectedEventError
from audit_ledger.http.request import MAX_FIELDS, MAX_KEY_LENGTH, Request, read_request
from audit_ledger.settings.token_claims import TokenClaims

NAMES = TokenClaims()
SECRET = "Mallory O'Secret"


def event(route: str = "GET /AuditEvent/{id}", **members: Any) -> dict[str, Any]:
    """Return an event with the members that API Gateway always sends, and these."""
    claims = {"scope": "system/AuditEvent.rs ledger/north", "iss": "https://i.example", "sub": "me"}
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": "/AuditEvent/7",
        "rawQueryString": "",
        "headers": {"Host": "api.example.org", "x-forwarded-proto": "https"},
        "requestContext": {
            "authorizer": {"jwt": {"claims": claims, "scopes": None}},
            "domainName": "api.example.org",
            "http": {"method": route.partition(" ")[0], "sourceIp": "192.0.2.7"},
        },
        "isBase64Encoded": False,
        **members,
    }


def read(**members: Any) -> Request:
    return read_request(event(**members), NAMES)


def refusal(**members: Any) -> tuple[int, str]:
    """Read a request that must be rejected; return status and expression."""
    with pytest.raises(RejectedEventError) as refused:
        read(**members)
    return refused.value.status, refused.value.expression


def test_a_request_has_all_parts_of_the_event() -> None:
    """Header names in lower case; the address of the API; the caller and its IP address."""
    request = read(
        rawQueryString="a=1",
        pathParameters={"id": "7"},
        headers={
            "HOST": "api.example.org",
            "X-Forwarded-Proto": "http",
            "Content-Type": "a/B;c=d",
        },
        body="text",
    )
    assert (request.route, request.target, request.query) == (
        "GET /AuditEvent/{id}",
        "/AuditEvent/7",
        "a=1",
    )
    assert request.base == "https://api.example.org"
    assert (request.path, request.source_ip, request.body) == ({"id": "7"}, "192.0.2.7", b"text")
    assert (request.media_type.essence, request.media_type.parameters) == ("a/b", {"c": "d"})
    access = request.access
    assert (access.ledger, access.issuer, access.subject) == ("north", "https://i.example", "me")


def test_missing_parts_of_a_request_are_empty() -> None:
    """No body, no query, no variables, no headers at all."""
    request = read_request(
        {"routeKey": "GET /policy", "requestContext": {}, "headers": None}, NAMES
    )
    assert (request.body, request.query, request.path, request.source_ip) == (b"", "", {}, "")
    assert (request.target, request.base) == ("/", "http://localhost")
    assert request.access.ledger == request.access.subject == ""
    assert request.query_pairs == []


def test_the_repr_of_a_request_shows_no_content() -> None:
    """So that none gets into a log or traceback."""
    assert SECRET not in repr(
        read(body=SECRET, rawQueryString=SECRET, pathParameters={"id": SECRET})
    )


def test_a_body_is_the_bytes_that_were_sent() -> None:
    """As text or as base64; text with U+FFFD was damaged on the way."""
    sent = "é".encode()
    assert read(body="é").body == sent
    assert read(body=b64encode(b"\xff").decode(), isBase64Encoded=True).body == b"\xff"
    assert refusal(body="a\ufffdb") == (400, "the body")


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ("", []),
        ("a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")]),
        ("a=&b", [("a", ""), ("b", "")]),
        ("a=%C3%A9%26%3D", [("a", "é&=")]),
        ("a=1+2%2B3", [("a", "1 2+3")]),
        ("date=ge2026-11-22T05:59:00%2B01:00", [("date", "ge2026-11-22T05:59:00+01:00")]),
        ("%61=b", [("a", "b")]),
        ("a=1;b=2", [("a", "1;b=2")]),
        ("&&", []),
    ],
)
def test_a_query_string_is_decoded_in_order(query: str, pairs: list[tuple[str, str]]) -> None:
    """As HTML forms and FHIR clients write it; no parameter is merged or lost."""
    assert read(rawQueryString=query).query_pairs == pairs


@pytest.mark.parametrize("query", ["a=%ff", "%ed%a0%80=1", "&".join(["a=1"] * (MAX_FIELDS + 1))])
def test_an_invalid_query_string_is_rejected(query: str) -> None:
    """Invalid UTF-8 or too many fields; the message does not repeat it."""
    request = read(rawQueryString=query)
    with pytest.raises(RefusedError) as refused:
        _ = request.query_pairs
    assert refused.value.status == 400
    assert query not in str(refused.value)
    assert len(read(rawQueryString="&".join(["a=1"] * MAX_FIELDS)).query_pairs) == MAX_FIELDS


def test_a_form_extends_the_query_string() -> None:
    """For `POST …/_search`: query string first; bodies of other media types are ignored."""
    form = {"headers": {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}}
    both = read(rawQueryString="a=1", body="a=%C3%A9+b&c", **form)
    assert both.pairs == [("a", "1"), ("a", "\u00e9 b"), ("c", "")]
    assert read(body="a=1", **form).pairs == [("a", "1")]
    assert read(body="a=1", rawQueryString="b=2").pairs == [("b", "2")]
    with pytest.raises(RefusedError):
        _ = read(body="a=%FF", **form).pairs
    with pytest.raises(RefusedError):
        _ = read(rawQueryString="b=2", body="&".join(["a=1"] * MAX_FIELDS), **form).pairs


@pytest.mark.parametrize(
    ("prefer", "is_strict", "preference"),
    [
        ("", False, ""),
        ("handling=strict", True, ""),
        ("Handling=STRICT", True, ""),
        ("return=minimal", False, "minimal"),
        ("return=something", False, ""),
        ("return=representation, handling=strict", True, "representation"),
        ("handling=lenient; return=OperationOutcome", False, "OperationOutcome"),
        ("handling = strict", True, ""),
        ('handling="strict", return="Representation"', True, "representation"),
        ("return=operationoutcome", False, "OperationOutcome"),
        ("return=minimal, return=representation", False, "minimal"),
        ("handling=lenient, handling=strict", False, ""),
        ("respond-async", False, ""),
    ],
)
def test_preferences_are_read_from_one_header(
    prefer: str, is_strict: bool, preference: str
) -> None:
    """RFC 7240: quoted or not, the first of two; separated by commas or, as some do, semicolons."""
    request = read(headers={"prefer": prefer})
    assert (request.handles_strictly, request.preference) == (is_strict, preference)


@pytest.mark.parametrize("key", ["", "k" * (MAX_KEY_LENGTH + 1), "é", "a\tb"])
def test_an_idempotency_key_is_printable(key: str) -> None:
    """1 to 255 characters of ASCII."""
    request = read(headers={"idempotency-key": key})
    with pytest.raises(RejectedEventError) as refused:
        _ = request.idempotency_key
    assert refused.value.status == 400
    assert read(headers={"idempotency-key": "k" * MAX_KEY_LENGTH}).idempotency_key
    assert read().idempotency_key is None


def test_another_media_type_is_rejected_with_the_accepted_ones() -> None:
    """415, without repeating the sent one."""
    request = read(headers={"content-type": "text/x-secret"})
    request.require_media_type("application/json", "text/x-secret")
    with pytest.raises(RejectedEventError, match="application/json") as refused:
        request.require_media_type("application/json")
    assert refused.value.status == 415
    assert "x-secret" not in str(refused.value)
