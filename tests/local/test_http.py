"""A request over a socket reaches the handler in the form of API Gateway.

Source: developer guide, "Create AWS Lambda proxy integrations for HTTP APIs" (payload format 2.0).
"""

import base64
import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

from infra.local.api_gateway.http_event import HttpRequest, Routes, to_answer
from infra.local.api_gateway.http_server import HttpApi, HttpServer, serve
from infra.local.api_gateway.tokens import TokenIssuer
from infra.local.cloudformation.deployment import Deployment
from infra.local.lambda_runtime.runner import Runner


class Client:
    """A client of the small app's API, with its tokens."""

    def __init__(self, server: HttpServer, deployment: Deployment, issuer: TokenIssuer) -> None:
        self._server = server
        self._issuer = issuer
        (client,) = deployment.of_type("AWS::Cognito::UserPoolClient")
        self._client_id = client.identity.reference

    def token(self, *scopes: str) -> str:
        return self._issuer.token(self._client_id, scopes)

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        token: str | None = "good",
    ) -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection("127.0.0.1", int(self._server.url.rpartition(":")[2]))
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {self.token() if token == 'good' else token}"
        connection.request(method, target, body, sent)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content

    def event(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        response, content = self.ask(*args, **kwargs)
        assert response.status == 200, content
        event: dict[str, Any] = json.loads(content)["event"]
        return event


@pytest.fixture(scope="module")
def client(small: Deployment) -> Iterator[Client]:
    authorizers = {route.authorizer for route in small.routes if route.authorizer}
    (authorizer,) = authorizers
    issuer = TokenIssuer(authorizer.issuer)
    server = serve(HttpApi(small, Runner(small.functions, small.region), issuer.public_keys))
    yield Client(server, small, issuer)
    server.stop()


def test_an_event_has_the_members_of_payload_format_2(client: Client) -> None:
    event = client.event("GET", "/metadata?a=1&b=x%20y&a=2", token=None)
    assert event["version"] == "2.0"
    assert event["routeKey"] == "GET /metadata"
    assert event["rawPath"] == "/metadata"
    assert event["rawQueryString"] == "a=1&b=x%20y&a=2"
    assert event["queryStringParameters"] == {"a": "1,2", "b": "x y"}
    assert event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["http"]["method"] == "GET"
    assert context["http"]["sourceIp"] == "127.0.0.1"
    assert context["stage"] == "$default"
    assert "authorizer" not in context
    assert {"body", "cookies", "pathParameters"}.isdisjoint(event)


def test_headers_are_lower_case_and_joined_without_cookies(client: Client) -> None:
    connection = HTTPConnection("127.0.0.1", int(client._server.url.rpartition(":")[2]))
    connection.putrequest("GET", "/metadata")
    for name, value in (("X-Two", "a"), ("x-two", "b"), ("Cookie", "s=1; t=2")):
        connection.putheader(name, value)
    connection.endheaders()
    event = json.loads(connection.getresponse().read())["event"]
    connection.close()
    assert event["headers"]["x-two"] == "a,b"
    assert event["cookies"] == ["s=1", "t=2"]
    assert "cookie" not in event["headers"]


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "text/fhir", "application/xml", "application/javascript"],
)
def test_passes_text_unchanged(client: Client, content_type: str) -> None:
    event = client.event("POST", "/events", '{"ä":1}'.encode(), {"Content-Type": content_type})
    assert (event["body"], event["isBase64Encoded"]) == ('{"ä":1}', False)


@pytest.mark.parametrize(
    "content_type",
    ["application/fhir+json", "application/cloudevents-batch+json", "application/fhir+xml", ""],
)
def test_passes_other_bodies_as_base64(client: Client, content_type: str) -> None:
    body = b'{"resourceType":"AuditEvent"}\x00\xff'
    event = client.event("POST", "/events", body, {"Content-Type": content_type})
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body


def test_passes_the_claims_of_the_token_to_the_function(client: Client) -> None:
    event = client.event("POST", "/events", b"{}", token=client.token("system/AuditEvent.c"))
    jwt = event["requestContext"]["authorizer"]["jwt"]
    assert jwt["claims"]["scope"] == "system/AuditEvent.c"
    assert jwt["scopes"] is None


def test_no_token_and_a_bad_token_are_401(client: Client) -> None:
    for token in (None, "a.b.c"):
        response, content = client.ask("POST", "/events", b"{}", token=token)
        assert (response.status, content) == (401, b'{"message":"Unauthorized"}')
        assert response.headers["www-authenticate"] == "Bearer"


def test_a_token_without_the_scope_of_the_route_is_403(client: Client) -> None:
    response, content = client.ask("DELETE", "/events/7", token=client.token("ledger/read"))
    assert (response.status, content) == (403, b'{"message":"Forbidden"}')
    event = client.event("DELETE", "/events/7", token=client.token("ledger/erase"))
    assert event["pathParameters"] == {"id": "7"}
    assert event["requestContext"]["authorizer"]["jwt"]["scopes"] == ["ledger/erase"]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/nowhere"),
        ("POST", "/metadata"),
        ("HEAD", "/metadata"),
        ("GET", "/metadata/"),
        ("DELETE", "/events/7/8"),
    ],
)
def test_an_unknown_route_is_404(client: Client, method: str, target: str) -> None:
    response, content = client.ask(method, target)
    assert response.status == 404
    assert content == (b"" if method == "HEAD" else b'{"message":"Not Found"}')


def test_a_greedy_path_variable_takes_the_rest_decoded(client: Client) -> None:
    """HTTP APIs decode the path before they match it and pass it on."""
    event = client.event("GET", "/published/st-elsewhere/tile/0/x001/067.p/3")
    assert event["pathParameters"] == {"path": "st-elsewhere/tile/0/x001/067.p/3"}
    event = client.event("GET", "/published/a%2Fb%20c")
    assert event["rawPath"] == "/published/a/b c"
    assert event["pathParameters"] == {"path": "a/b c"}


CHUNKED = {"Transfer-Encoding": "chunked"}


def test_a_chunked_body_arrives_complete(client: Client) -> None:
    """RFC 9112, section 7.1: sizes in hexadecimal; extensions and trailers are ignored."""
    body = b"3\r\nabc\r\nA;name=value\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
    event = client.event("POST", "/events", body, {**CHUNKED, "Content-Type": "text/plain"})
    assert event["body"] == "abc0123456789"
    assert "transfer-encoding" not in event["headers"]
    assert "body" not in client.event("POST", "/events", b"0\r\n\r\n", CHUNKED)


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        (b"x" * (10 * 1024 * 1024 + 1), {}, "Request Entity Too Large"),
        (
            (b"100000\r\n" + bytes(1 << 20) + b"\r\n") * 11 + b"0\r\n\r\n",
            CHUNKED,
            "Request Entity Too Large",
        ),
        # Lambda's limit is 6 MB of JSON: a body of 5 MB is longer as base64.
        (b"x" * (5 * 1024 * 1024), {}, "Request Too Long"),
    ],
    ids=["10 MB", "10 MB in chunks", "6 MB of JSON"],
)
def test_a_body_over_a_limit_is_413(
    client: Client, body: bytes, headers: dict[str, str], message: str
) -> None:
    response, content = client.ask("POST", "/events", body, headers)
    assert (response.status, json.loads(content)) == (413, {"message": message})


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"x\r\n\r\n", CHUNKED),
        (b"3\r\nabcdef\r\n0\r\n\r\n", CHUNKED),
        (b"0\r\n" + b"a: b\r\n" * 101 + b"\r\n", CHUNKED),
        (b"0\r\n\r\n", {"Transfer-Encoding": "gzip, chunked"}),
        (b"", {"Content-Length": "many"}),
    ],
)
def test_a_body_of_unknown_length_is_400(
    client: Client, body: bytes, headers: dict[str, str]
) -> None:
    response, _ = client.ask("POST", "/events", body, headers)
    assert (response.status, response.getheader("connection")) == (400, "close")


def test_a_function_that_raises_is_500_without_details(client: Client) -> None:
    response, content = client.ask("GET", "/metadata?raise=a-name")
    assert (response.status, content) == (500, b'{"message":"Internal Server Error"}')


def test_a_response_has_the_parts_of_the_result() -> None:
    response = to_answer(
        {
            "statusCode": 201,
            "headers": {"Location": "AuditEvent/1", "Content-Type": "application/fhir+json"},
            "cookies": ["a=1", "b=2"],
            "body": base64.b64encode(b"\x00\xff").decode(),
            "isBase64Encoded": True,
        }
    )
    assert (response.status, response.body) == (201, b"\x00\xff")
    assert response.headers == (
        ("content-type", "application/fhir+json"),
        ("location", "AuditEvent/1"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    )


@pytest.mark.parametrize(
    ("result", "body"), [({"a": 1}, b'{"a": 1}'), ("text", b"text"), (None, b"null"), ([1], b"[1]")]
)
def test_a_result_without_status_is_a_200_of_json(result: Any, body: bytes) -> None:
    response = to_answer(result)
    assert (response.status, response.body) == (200, body)
    assert response.headers == (("content-type", "application/json"),)


@pytest.mark.parametrize("status", ["200", 99, 600, None])
def test_an_invalid_status_is_a_500(status: Any) -> None:
    assert to_answer({"statusCode": status}).status == 500


def test_the_most_specific_route_wins(small: Deployment) -> None:
    """Full match, then path variables, then the greedy one; a method before ANY."""
    (template, *_) = small.routes
    routes_of_app = [
        type(template)(method, path, f"{method} {path}", None, frozenset())
        for method, path in (
            ("ANY", "/{all+}"),
            ("GET", "/a/{x}"),
            ("GET", "/a/{rest+}"),
            ("ANY", "/a/b"),
            ("GET", "/a/b"),
        )
    ]
    routes = Routes(routes_of_app)

    def chosen(method: str, path: str) -> str:
        match = routes.find(method, path)
        assert match is not None
        return match[0].function

    assert chosen("GET", "/a/b") == "GET /a/b"
    assert chosen("POST", "/a/b") == "ANY /a/b"
    assert chosen("GET", "/a/c") == "GET /a/{x}"
    assert chosen("GET", "/a/c/d") == "GET /a/{rest+}"
    assert chosen("PUT", "/z") == "ANY /{all+}"


def test_header_names_are_joined_in_lower_case() -> None:
    request = HttpRequest("GET", "/a?b=c", (("A", "1"), ("a", "2")), b"")
    assert (request.path, request.query, request.joined_headers) == ("/a", "b=c", {"a": "1,2"})
