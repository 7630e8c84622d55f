"""Requests and answers in the form of API Gateway HTTP APIs, payload format 2.0.

Source: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs".
"""

import base64
import json
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

from infra.local.api_gateway.authorizer import Grant
from infra.local.cloudformation.deployment import DeployedRoute

_TEXT = re.compile(r"text/.*|application/(json|javascript|xml)")
_PATH_PART = re.compile(r"\\\{(\w+)(\\\+)?\\\}")


@dataclass(frozen=True)
class HttpRequest:
    """An HTTP request as it came in; `target` is path and query as sent."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str = "127.0.0.1"

    @cached_property
    def path(self) -> str:
        """The path without query; HTTP APIs match routes on the decoded path."""
        return unquote(self.target.partition("?")[0])

    @cached_property
    def query(self) -> str:
        """The query string as sent."""
        return self.target.partition("?")[2]

    @cached_property
    def joined_headers(self) -> dict[str, str]:
        """Headers by lower-case name; several of one name are joined by commas."""
        joined: dict[str, str] = {}
        for name, value in self.headers:
            key = name.lower()
            joined[key] = f"{joined[key]},{value}" if key in joined else value
        return joined


@dataclass(frozen=True)
class GatewayResponse:
    """An HTTP answer; a header may come several times (set-cookie)."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def message(status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> GatewayResponse:
    """Return an answer that API Gateway makes itself."""
    body = json.dumps({"message": text}, separators=(",", ":")).encode()
    return GatewayResponse(status, (("content-type", "application/json"), *headers), body)


class Routes:
    """The routes of an HTTP API, found by the most specific match."""

    def __init__(self, routes: Iterable[DeployedRoute]) -> None:
        # A path with fewer variables before one with more, a greedy one last; ANY after a method.
        ordered = sorted(
            routes,
            key=lambda r: ("+}" in r.path, r.path.count("{"), -len(r.path), r.method == "ANY"),
        )
        self._routes = [(route, _pattern(route.path)) for route in ordered]

    def find(self, method: str, path: str) -> tuple[DeployedRoute, dict[str, str]] | None:
        """Return the route for a request and its path parameters."""
        for route, pattern in self._routes:
            found = pattern.fullmatch(path)
            if found and route.method in (method, "ANY"):
                return route, found.groupdict()
        return None


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(
        _PATH_PART.sub(
            lambda part: f"(?P<{part[1]}>.*)" if part[2] else f"(?P<{part[1]}>[^/]+)",
            re.escape(path),
        ),
        re.DOTALL,
    )


def to_event(
    request: HttpRequest, route: DeployedRoute, parameters: Mapping[str, str], grant: Grant | None
) -> dict[str, Any]:
    """Return the event that a route's function gets for a request."""
    headers = dict(request.joined_headers)
    cookies = headers.pop("cookie", None)
    route_key = f"{route.method} {route.path}"
    now = time.time()
    context: dict[str, Any] = {
        "accountId": "123456789012",
        "apiId": "local",
        "domainName": headers.get("host", "localhost"),
        "domainPrefix": "local",
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": route_key,
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "timeEpoch": int(now * 1000),
    }
    if grant is not None:
        scopes = None if grant.scopes is None else list(grant.scopes)
        context["authorizer"] = {"jwt": {"claims": dict(grant.claims), "scopes": scopes}}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if cookies is not None:
        event["cookies"] = [cookie.strip() for cookie in re.split("[;,]", cookies)]
    if request.query:
        event["queryStringParameters"] = _query_parameters(request.query)
    if parameters:
        event["pathParameters"] = dict(parameters)
    if request.body:
        is_text = _is_text(headers.get("content-type", ""))
        event["isBase64Encoded"] = not is_text
        event["body"] = _body(request.body, is_text)
    return event


def _query_parameters(query: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _is_text(content_type: str) -> bool:
    """Return whether a body is handed over as text; every other is handed over as base64."""
    return _TEXT.fullmatch(content_type.partition(";")[0].strip().lower()) is not None


def _body(body: bytes, is_text: bool) -> str:
    if is_text:
        return body.decode("utf-8", "replace")
    return base64.b64encode(body).decode()


def to_answer(result: Any) -> GatewayResponse:
    """Return the HTTP answer for what a function returned.

    With a `statusCode` it is an answer by its parts; without, it is the JSON body of a 200.
    """
    if not isinstance(result, dict) or "statusCode" not in result:
        body = result.encode() if isinstance(result, str) else json.dumps(result).encode()
        return GatewayResponse(200, (("content-type", "application/json"),), body)
    status = result["statusCode"]
    if not isinstance(status, int) or not 100 <= status <= 599:
        return message(500, "Internal Server Error")
    text = result.get("body") or ""
    body = base64.b64decode(text) if result.get("isBase64Encoded") else text.encode()
    headers = {"content-type": "text/plain;charset=UTF-8"}
    headers |= {name.lower(): str(v) for name, v in (result.get("headers") or {}).items()}
    cookies = tuple(("set-cookie", cookie) for cookie in result.get("cookies") or ())
    return GatewayResponse(status, (*headers.items(), *cookies), body)
