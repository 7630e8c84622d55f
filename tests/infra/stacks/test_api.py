"""The HTTP API: who gets in, how fast, and what is logged of it."""

import json

from tests.infra.assembly import ACCOUNT, REGION, Assembly

P = "audit-ledger-dev"
CHANGING = ("POST", "PUT", "PATCH", "DELETE")


def routes(assembly: Assembly) -> dict[str, str]:
    """Route → kind of authorization."""
    return {
        r.properties["RouteKey"]: r.properties["AuthorizationType"]
        for r in assembly.resources("AWS::ApiGatewayV2::Route")
    }


def test_every_route_but_the_capabilities_requires_a_token(dev: Assembly) -> None:
    """Scopes are the functions' to judge: SMART has wildcards that API Gateway has not."""
    found = routes(dev)
    read = {key for key in found if key.startswith("GET ")}
    assert {key.replace("HEAD ", "GET ") for key in found if key.startswith("HEAD ")} == read
    assert all(found[key] == found[key.replace("GET ", "HEAD ")] for key in read)
    assert {key: kind for key, kind in found.items() if not key.startswith("HEAD ")} == {
        **{f"{method} /{{proxy+}}": "JWT" for method in ("GET", *CHANGING, "OPTIONS")},
        **{f"{method} /": "JWT" for method in ("GET", *CHANGING, "OPTIONS")},
        "GET /metadata/{proxy+}": "NONE",
        "GET /.well-known/smart-configuration": "NONE",
        "GET /AuditEvent/{id}/_history/{version}": "JWT",
        "POST /AuditEvent": "JWT",
        "POST /": "JWT",
        "POST /events": "JWT",
        "GET /AuditEvent": "JWT",
        "POST /AuditEvent/_search": "JWT",
        "GET /AuditEvent/{id}": "JWT",
        "GET /AuditEvent/{id}/receipt": "JWT",
        "GET /AuditEvent/{id}/{operation}": "JWT",
        "GET /findings": "JWT",
        "GET /accesses": "JWT",
        "GET /accounting": "JWT",
        "GET /export": "JWT",
        "GET /reports/privacy": "JWT",
        "GET /portals/{id}/gaps": "JWT",
        "POST /documents/verify": "JWT",
        "GET /digests": "JWT",
        "GET /digests/latest": "JWT",
        "GET /consistency": "JWT",
        "GET /policy": "JWT",
        "GET /published/{path+}": "JWT",
        "GET /metadata": "NONE",
    }
    for route in dev.resources("AWS::ApiGatewayV2::Route"):
        assert "AuthorizationScopes" not in route.properties


def test_functions_get_payload_2_0(dev: Assembly) -> None:
    """One integration each, by the alias where there is one."""
    integrations = list(dev.resources("AWS::ApiGatewayV2::Integration"))
    assert [i.properties["PayloadFormatVersion"] for i in integrations] == ["2.0"] * 3


def test_requests_are_throttled_and_logged_without_what_they_carry(dev: Assembly) -> None:
    """No path, no query, no header, no body, no source address: these can name patients."""
    (stage,) = dev.resources("AWS::ApiGatewayV2::Stage")
    properties = stage.properties
    assert properties["StageName"] == "$default"
    assert properties["AutoDeploy"] is True
    settings = properties["DefaultRouteSettings"]
    assert settings == {"ThrottlingRateLimit": 1000, "ThrottlingBurstLimit": 500}
    logged = set(json.loads(properties["AccessLogSettings"]["Format"]).values())
    assert logged == {
        "$context.requestId",
        "$context.requestTime",
        "$context.routeKey",
        "$context.status",
        "$context.authorizer.claims.client_id",
        "$context.authorizer.error",
        "$context.responseLength",
        "$context.responseLatency",
        "$context.integrationLatency",
    }
    (group,) = (
        g
        for g in dev.resources("AWS::Logs::LogGroup")
        if g.properties["LogGroupName"] == f"/aws/vendedlogs/{P}-api"
    )
    assert "KmsKeyId" in group.properties
    assert properties["AccessLogSettings"]["DestinationArn"] == f"<{group.logical_id}.Arn>"


def test_services_invoke_functions_and_bus_rules_invoke_ingest_and_follower(
    dev: Assembly,
) -> None:
    """Each permission names its source; `test_who_may` tests which roles may call."""
    called: dict[str, set[tuple[str, str]]] = {}
    after_digests = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{P}/{P}-after-digests"
    for permission in dev.resources("AWS::Lambda::Permission"):
        of = permission.properties
        assert of["Action"] == "lambda:InvokeFunction"
        source = of["SourceArn"].partition("<Api")[0].replace("<AfterDigests.Arn>", after_digests)
        called.setdefault(of["FunctionName"], set()).add((of["Principal"], source))
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{P}"
    api = ("apigateway.amazonaws.com", f"arn:aws:execute-api:{REGION}:{ACCOUNT}:")
    bus = ("events.amazonaws.com", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{P}/*")
    assert called == {
        f"{function}-ingest:live": {api},
        f"{function}-ingest:bus": {bus},
        f"{function}-query:live": {api},
        f"{function}-published-files": {api},
        f"{function}-follower": {("events.amazonaws.com", after_digests)},
    }


def test_outputs_name_what_clients_of_the_api_need(dev: Assembly) -> None:
    """URL, token endpoint, issuer, pool, and a client id for every portal and reader."""
    outputs = dev.outputs("api")
    assert {"Url", "Issuer", "TokenEndpoint", "UserPool"} <= set(outputs)
    assert len([name for name in outputs if name.startswith("Client")]) == 4
    assert outputs["TokenEndpoint"].endswith("/oauth2/token")
