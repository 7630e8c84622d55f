"""What an HTTP API does of its CORS configuration.

Source: API Gateway developer guide, "Configure CORS for HTTP APIs": it answers preflights itself,
also where no route is for OPTIONS, and replaces what functions say of CORS.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.api_gateway.http_event import GatewayResponse, HttpRequest
from infra.local.cloudformation.deployment import Deployment

_PREFIX = "access-control-"


@dataclass(frozen=True)
class Cors:
    """The configuration of an API, from its template; empty if there is none."""

    configuration: Mapping[str, Any]

    @classmethod
    def of(cls, deployment: Deployment) -> "Cors":
        """Read it of the deployed API."""
        (api,) = deployment.of_type("AWS::ApiGatewayV2::Api")
        return cls(api.properties.get("CorsConfiguration") or {})

    def preflight(self, request: HttpRequest) -> GatewayResponse | None:
        """Answer a preflight; None where the request is none."""
        headers = request.joined_headers
        if (
            not self.configuration
            or request.method != "OPTIONS"
            or not {"origin", "access-control-request-method"} <= headers.keys()
        ):
            return None
        allowed = self._of_origin(request)
        if allowed:
            of = self.configuration
            allowed += (
                ("access-control-allow-methods", ",".join(of.get("AllowMethods", ()))),
                ("access-control-allow-headers", ",".join(of.get("AllowHeaders", ()))),
                ("access-control-max-age", str(of.get("MaxAge", 0))),
            )
        return GatewayResponse(204, allowed, b"")

    def added(self, request: HttpRequest, answer: GatewayResponse) -> GatewayResponse:
        """Return an answer with the headers that the configuration has for the request's origin."""
        if not self.configuration:
            return answer
        own = tuple(each for each in answer.headers if not each[0].startswith(_PREFIX))
        exposed: tuple[tuple[str, str], ...] = ()
        allowed = self._of_origin(request)
        if allowed and self.configuration.get("ExposeHeaders"):
            names = ",".join(self.configuration["ExposeHeaders"])
            exposed = (("access-control-expose-headers", names),)
        return GatewayResponse(answer.status, (*own, *allowed, *exposed), answer.body)

    def _of_origin(self, request: HttpRequest) -> tuple[tuple[str, str], ...]:
        origin = request.joined_headers.get("origin")
        origins = self.configuration.get("AllowOrigins", ())
        if origin is None or (origin not in origins and "*" not in origins):
            return ()
        return (("access-control-allow-origin", origin if origin in origins else "*"),)
