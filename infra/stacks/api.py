"""The HTTP API and its functions: ingest, query and the reader of published files."""

import json

import aws_cdk as cdk
import msgspec
from aws_cdk import aws_apigatewayv2 as api
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from audit_ledger.http.routes import FALLBACKS, ROUTES
from audit_ledger.settings.environment import PublishedFilesEnvironment
from infra.constructs.alarms import Operations, alarm, ledger_metric, metric, total
from infra.constructs.function import ALIAS, LedgerFunction, encrypted_log_group
from infra.constructs.ingest import add_ingest
from infra.constructs.query import add_query
from infra.constructs.tokens import PortalTokens
from infra.iam.permissions import Permission
from infra.settings import Settings
from infra.stacks.bus import BusStack
from infra.stage_stack import StageStack, acknowledge

REQUESTS_A_SECOND = 1000
BURST_REQUESTS = 500

# The access log records nothing of a request's path, query, headers or body. It records no source
# address either, which API Gateway cannot shorten
# (docs/decisions/0017-no-source-address-in-the-access-log.md).
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "client": "$context.authorizer.claims.client_id",
    "authorizer": "$context.authorizer.error",
    "responseBytes": "$context.responseLength",
    "responseMs": "$context.responseLatency",
    "functionMs": "$context.integrationLatency",
}


# Headers that pages of other sites may send and read, if `cors_origins` names their origins.
CORS_REQUEST_HEADERS = (
    *("accept", "authorization", "content-type", "idempotency-key", "if-none-exist"),
    *("if-none-match", "prefer", "x-request-id"),
    *(f"ce-{name}" for name in ("id", "source", "specversion", "subject", "time", "type")),
)
CORS_ANSWER_HEADERS = (
    *("content-location", "etag", "last-modified", "ledger-entry", "location", "retry-after"),
    *("x-correlation-id", "x-request-id"),
)
CORS_SECONDS = 3600


def _cors(settings: Settings) -> api.CorsPreflightOptions | None:
    if not settings.cors_origins:
        return None
    return api.CorsPreflightOptions(
        allow_origins=list(settings.cors_origins),
        allow_methods=[api.CorsHttpMethod.GET, api.CorsHttpMethod.HEAD, api.CorsHttpMethod.POST],
        allow_headers=list(CORS_REQUEST_HEADERS),
        expose_headers=list(CORS_ANSWER_HEADERS),
        max_age=cdk.Duration.seconds(CORS_SECONDS),
    )


class ApiStack(StageStack):
    """The API to which portals send events, and where token holders read."""

    def __init__(
        self, scope: Construct, settings: Settings, operations: Operations, bus: BusStack
    ) -> None:
        super().__init__(scope, "api", settings, "Audit Ledger: HTTP API of all ledgers")
        self._operations = operations
        tokens = settings.tokens
        issuer, audience = tokens.issuer, list(tokens.audience)
        smart = tokens.smart_configuration
        if issuer is None:
            own = PortalTokens(self)
            issuer, audience, smart = own.issuer, own.audience, own.smart_configuration
        claims = msgspec.json.encode(tokens.claims).decode()
        ingest = add_ingest(self, operations, bus.undelivered_key, claims, smart)
        query = add_query(self, operations, ingest, claims)
        published = self._published(claims)
        self._watch_limits(ingest, query)
        self._http = api.HttpApi(
            self,
            "Api",
            api_name=self.names.prefix,
            description="Audit Ledger: accepts events, returns answers and published files",
            create_default_stage=False,
            cors_preflight=_cors(settings),
        )
        self._serve(
            authorizers.HttpJwtAuthorizer("Tokens", issuer, jwt_audience=audience),
            ingest.aliases[ALIAS],
            query.aliases[ALIAS],
            published.function,
        )
        self._add_stage()
        self.output("Url", self._http.api_endpoint, "Portals send events here")
        self.output("Issuer", issuer, "Whose tokens the API takes")

    def _watch_limits(self, ingest: LedgerFunction, query: LedgerFunction) -> None:
        unchecked = [
            ledger_metric("LimitsUnchecked", function.name) for function in (ingest, query)
        ]
        alarm(
            self,
            "UnlimitedAlarm",
            total("requests without a limit", unchecked),
            self._operations,
            name=f"{self.names.prefix}-unlimited",
            description=(
                "The limits table does not respond to ingest or query: requests pass, nothing is "
                "lost, and one caller can use up the shared capacity. Their logs contain `limits "
                "not looked up`; see the table's own alarm, its policy, and DynamoDB's health."
            ),
        )

    def _published(self, claims: str) -> LedgerFunction:
        names = self.names
        return LedgerFunction(
            self,
            "Published",
            self._operations,
            name=names.named("published-files"),
            source="published_files",
            environment=PublishedFilesEnvironment(
                published_bucket=names.bucket("published"), token_claims=claims
            ),
            may=[
                Permission(
                    "Read",
                    ["s3:GetObject"],
                    [names.bucket_arn("published", "*")],
                    why_pattern=(
                        "It serves the published files of all ledgers, which identify nobody; the "
                        "token determines which ledger a request may read."
                    ),
                ),
                # So that a missing file is 404, not 403.
                Permission("SayNotFound", ["s3:ListBucket"], [names.bucket_arn("published")]),
            ],
            memory_mb=512,
            timeout_seconds=15,
            reserved=50,
            why_no_dead_letters="Only the API calls it, and returns its response to the caller.",
        )

    def _serve(
        self,
        authorizer: api.IHttpRouteAuthorizer,
        ingest: lambda_.IFunction,
        query: lambda_.IFunction,
        published: lambda_.IFunction,
    ) -> None:
        """Add the routes. The functions check scopes, because they know SMART's wildcards."""
        to = {
            # One permission for the whole API: one per route would exceed the size of a policy.
            owner: integrations.HttpLambdaIntegration(
                owner.capitalize(), function, scope_permission_to_route=False
            )
            for owner, function in (("ingest", ingest), ("query", query), ("published", published))
        }
        answers_preflight = bool(self.settings.cors_origins)
        for route in (*ROUTES, *FALLBACKS):
            if route.method == "OPTIONS" and answers_preflight:
                continue  # API Gateway answers; a route of this project would require a token
            methods = [route.method, "HEAD"] if route.method == "GET" else [route.method]
            made = self._http.add_routes(
                path=route.path,
                methods=[api.HttpMethod[method] for method in methods],
                integration=to[route.owner],
                authorizer=None if route.is_open else authorizer,
            )
            if route.is_open:
                for each in made:
                    acknowledge(
                        each,
                        "FHIR and SMART servers state their capabilities to anyone (R4, http.html, "
                        "capabilities; SMART App Launch, conformance): it contains no data.",
                        ["AwsSolutions-APIG4"],
                    )

    def _add_stage(self) -> None:
        log_group = encrypted_log_group(
            self, self, "AccessLog", f"/aws/vendedlogs/{self.names.prefix}-api", self._operations
        )
        api.CfnStage(
            self,
            "Stage",
            api_id=self._http.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=api.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=REQUESTS_A_SECOND, throttling_burst_limit=BURST_REQUESTS
            ),
            access_log_settings=api.CfnStage.AccessLogSettingsProperty(
                destination_arn=log_group.log_group_arn, format=json.dumps(ACCESS_LOG)
            ),
        )
        alarm(
            self,
            "FailuresAlarm",
            metric("AWS/ApiGateway", "5xx", {"ApiId": self._http.api_id}),
            self._operations,
            minutes=3,
            name=f"{self.names.prefix}-api-failures",
            description=(
                "The API responds with 5xx: portals and readers must repeat their requests. The "
                "logs of ingest, of query and of the reader of published files state the reason."
            ),
        )
