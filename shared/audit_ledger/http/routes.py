"""The routes of the HTTP API: which function answers what. The app deploys what stands here.

HEAD is allowed wherever GET is. API Gateway passes every other method and path to `FALLBACKS`, so
that the response is FHIR's (405 and 404, with an OperationOutcome), and so that a slash
at the end of a path does no harm: no route can end with one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

Owner = Literal["ingest", "query", "published"]


@dataclass(frozen=True)
class Route:
    """A route. `path`: as API Gateway spells it; `is_open`: without a token."""

    method: str
    path: str
    owner: Owner
    is_open: bool = False

    @property
    def key(self) -> str:
        """As API Gateway and OpenAPI name it: `GET /AuditEvent/{id}`."""
        return f"{self.method} {self.path}"


ROUTES: Final = (
    Route("POST", "/AuditEvent", "ingest"),
    Route("POST", "/", "ingest"),
    Route("POST", "/events", "ingest"),
    Route("GET", "/metadata", "ingest", is_open=True),
    Route("GET", "/.well-known/smart-configuration", "ingest", is_open=True),
    Route("GET", "/published/{path+}", "published"),
    Route("GET", "/AuditEvent", "query"),
    Route("POST", "/AuditEvent/_search", "query"),
    Route("GET", "/AuditEvent/{id}", "query"),
    Route("GET", "/AuditEvent/{id}/_history/{version}", "query"),
    Route("GET", "/AuditEvent/{id}/receipt", "query"),
    Route("GET", "/AuditEvent/{id}/{operation}", "query"),
    Route("GET", "/digests", "query"),
    Route("GET", "/digests/latest", "query"),
    Route("GET", "/consistency", "query"),
    Route("GET", "/policy", "query"),
    Route("POST", "/documents/verify", "query"),
    Route("GET", "/portals/{id}/gaps", "query"),
    Route("GET", "/findings", "query"),
    Route("GET", "/accounting", "query"),
    Route("GET", "/accesses", "query"),
    Route("GET", "/reports/privacy", "query"),
    Route("GET", "/export", "query"),
)

FALLBACKS: Final = (
    Route("GET", "/metadata/{proxy+}", "ingest", is_open=True),  # a slash at its end
    *(Route("GET", path, "query") for path in ("/", "/{proxy+}")),
    *(
        Route(method, path, "ingest")
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")
        for path in ("/", "/{proxy+}")
        if (method, path) != ("POST", "/")
    ),
)
"""Routes of all that no other route matches."""


@dataclass(frozen=True)
class Match:
    """A route that a path matches, and the variables of the path."""

    route: Route
    variables: Mapping[str, str]


def match_routes(path: str) -> list[Match]:
    """Return the routes that a path matches, with or without a trailing slash; fixed ones first."""
    bare = path.rstrip("/") or "/"
    found = [
        Match(route, matched.groupdict())
        for route, pattern in _patterns()
        if (matched := pattern.fullmatch(bare)) is not None
    ]
    most_fixed = min((each.route.path.count("{") for each in found), default=0)
    return [each for each in found if each.route.path.count("{") == most_fixed]


def allowed_methods(found: list[Match]) -> tuple[str, ...]:
    """Return the methods that a path has, as Allow lists them."""
    methods = {each.route.method for each in found}
    return (*sorted(methods | ({"HEAD"} if "GET" in methods else set())), "OPTIONS")


@cache
def _patterns() -> list[tuple[Route, re.Pattern[str]]]:
    return [(route, _pattern(route.path)) for route in ROUTES]


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(\+?)\}", path)
    text = re.escape(parts[0])
    for name, is_greedy, fixed in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        text += f"(?P<{name}>{'.+' if is_greedy else '[^/]+'}){re.escape(fixed)}"
    return re.compile(text, re.DOTALL)
