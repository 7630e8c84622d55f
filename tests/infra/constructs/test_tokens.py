"""Tokens: a machine client per portal and reader with exactly its scopes; or another issuer's."""

from tests.infra.assembly import Assembly

CLIENTS = {
    "st-elsewhere.ehr": {"system/AuditEvent.c", "ledger/st-elsewhere", "portal/ehr"},
    "st-elsewhere.app": {"system/AuditEvent.c", "ledger/st-elsewhere", "portal/app"},
    "st-elsewhere.security": {"system/AuditEvent.rs", "ledger/st-elsewhere"},
    "riverside-lab.ehr": {"system/AuditEvent.c", "ledger/riverside-lab", "portal/ehr"},
}


def test_resource_servers_name_scopes_ledgers_and_portals(dev: Assembly) -> None:
    """Scopes are `<server>/<scope>`: `system/AuditEvent.c`, `ledger/st-elsewhere`."""
    servers = {
        r.properties["Identifier"]: {s["ScopeName"] for s in r.properties["Scopes"]}
        for r in dev.resources("AWS::Cognito::UserPoolResourceServer")
    }
    assert servers == {
        "system": {"AuditEvent.c", "AuditEvent.rs"},
        "patient": {"AuditEvent.rs"},
        "ledger": {"st-elsewhere", "riverside-lab"},
        "portal": {"ehr", "app"},
    }


def test_a_client_gets_exactly_its_scopes(dev: Assembly) -> None:
    """A portal's to write, as itself, a reader's to read, in one ledger; by its secret only."""
    clients = {
        r.properties["ClientName"]: r.properties
        for r in dev.resources("AWS::Cognito::UserPoolClient")
    }
    assert set(clients) == set(CLIENTS)
    servers = {
        f"<{r.logical_id}>": r.properties["Identifier"]
        for r in dev.resources("AWS::Cognito::UserPoolResourceServer")
    }
    for name, wanted in CLIENTS.items():
        client = clients[name]
        assert client["GenerateSecret"] is True
        assert client["AllowedOAuthFlows"] == ["client_credentials"]
        scopes = set()
        for scope in client["AllowedOAuthScopes"]:
            server, _, scope_name = scope.partition("/")
            scopes.add(f"{servers[server]}/{scope_name}")
        assert scopes == wanted


def test_the_api_takes_tokens_of_these_clients_and_no_others(dev: Assembly) -> None:
    """Cognito's machine tokens have no `aud`: API Gateway compares their `client_id`."""
    (authorizer,) = dev.resources("AWS::ApiGatewayV2::Authorizer")
    jwt = authorizer.properties["JwtConfiguration"]
    clients = {f"<{r.logical_id}>" for r in dev.resources("AWS::Cognito::UserPoolClient")}
    assert set(jwt["Audience"]) == clients
    (pool,) = dev.resources("AWS::Cognito::UserPool")
    assert jwt["Issuer"] == (f"https://cognito-idp.eu-central-1.amazonaws.com/<{pool.logical_id}>")


def test_nobody_signs_up_to_the_pool(dev: Assembly) -> None:
    """It has machine clients, not users."""
    (pool,) = dev.resources("AWS::Cognito::UserPool")
    assert pool.properties["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}


def test_another_issuers_tokens_need_no_pool(customized: Assembly) -> None:
    """The settings' issuer, audience and claim names reach authorizer and functions."""
    assert not list(customized.resources("AWS::Cognito::UserPool"))
    (authorizer,) = customized.resources("AWS::ApiGatewayV2::Authorizer")
    assert authorizer.properties["JwtConfiguration"] == {
        "Issuer": "https://login.example.org/realms/hospital",
        "Audience": ["audit-ledger"],
    }
    functions = customized.named("AWS::Lambda::Function", "FunctionName")
    for name in ("ingest", "published-files"):
        claims = functions[name].properties["Environment"]["Variables"]["TOKEN_CLAIMS"]
        assert claims == '{"ledger":"tenant","portal":"azp","patient":"patient"}'
