"""The authorizer accepts the tokens that API Gateway's JWT authorizer accepts.

Source: developer guide, "Control access to HTTP APIs with JWT authorizers".
"""

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from infra.local.api_gateway.authorizer import NotAuthorizedError, UnauthorizedError, authorize
from infra.local.api_gateway.tokens import TokenIssuer
from infra.local.cloudformation.deployment import Authorizer, DeployedRoute

ISSUER = TokenIssuer("https://issuer.example.org/pool")
LATER, EARLIER = int(time.time()) + 10**6, int(time.time()) - 10**6
OPEN = DeployedRoute("GET", "/metadata", "f", None, frozenset())
CLOSED = DeployedRoute(
    "POST",
    "/events",
    "f",
    Authorizer(ISSUER.issuer, frozenset({"client-1", "client-2"})),
    frozenset(),
)
SCOPED = DeployedRoute("POST", "/events", "f", CLOSED.authorizer, frozenset({"a/write", "a/admin"}))


def ask(token: str | None, route: DeployedRoute = CLOSED, now: float | None = None) -> Any:
    return authorize(token, route, ISSUER.public_keys, time.time() if now is None else now)


def token(**claims: Any) -> str:
    return ISSUER.token("client-1", ["a/read", "a/write"], claims)


def test_a_route_without_authorizer_takes_anyone() -> None:
    assert ask(None, OPEN) is None
    assert ask("rubbish", OPEN) is None


def test_a_good_token_gives_its_claims_as_text() -> None:
    """Payload 2.0 carries every claim as a string; scopes are null where the route has none."""
    grant = ask(f"Bearer {token(**{'cognito:groups': ['a', 'b'], 'email_verified': True})}")
    assert grant.claims["iss"] == ISSUER.issuer
    assert grant.claims["scope"] == "a/read a/write"
    assert grant.claims["cognito:groups"] == "[a b]"
    assert grant.claims["email_verified"] == "true"
    assert grant.claims["exp"].isdecimal()
    assert grant.scopes is None


def test_the_bearer_prefix_is_optional() -> None:
    assert ask(token()).claims["client_id"] == "client-1"
    assert ask(f"bearer {token()}").claims["client_id"] == "client-1"


def test_a_token_has_the_claims_of_a_cognito_access_token() -> None:
    claims = jwt.decode(token(), options={"verify_signature": False})
    assert {"sub", "token_use", "scope", "auth_time", "iss", "exp", "iat", "version", "jti"} < set(
        claims
    )
    assert claims["token_use"] == "access"
    assert "aud" not in claims


@pytest.mark.parametrize("nothing", [None, "", "Bearer ", "Bearer", "Bearer a.b.c", "Basic eDp5"])
def test_no_token_is_unauthorized(nothing: str | None) -> None:
    with pytest.raises(UnauthorizedError):
        ask(nothing)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://issuer.example.org/other"},
        {"client_id": "client-3"},
        {"aud": "client-3"},  # client_id is looked at only where there is no aud
        {"exp": EARLIER},
        {"exp": "tomorrow"},
        {"nbf": LATER},
        {"iat": LATER},
    ],
)
def test_an_invalid_claim_is_unauthorized(claims: dict[str, Any]) -> None:
    with pytest.raises(UnauthorizedError):
        ask(token(**claims))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "client-2", "client_id": "client-3"},
        {"aud": ["client-3", "client-1"]},
        {"nbf": EARLIER},
    ],
)
def test_an_audience_may_be_in_aud(claims: dict[str, Any]) -> None:
    assert ask(token(**claims)) is not None


def test_a_token_expires_at_its_exp() -> None:
    short = ISSUER.token("client-1", ["a/read"], valid_seconds=60)
    expiry = jwt.decode(short, options={"verify_signature": False})["exp"]
    ask(short, now=expiry - 0.5)
    with pytest.raises(UnauthorizedError):
        ask(short, now=expiry)


def test_a_token_without_expiry_or_known_key_is_unauthorized() -> None:
    claims = jwt.decode(token(), options={"verify_signature": False})
    endless = {name: value for name, value in claims.items() if name != "exp"}
    for wrong in (
        jwt.encode(endless, ISSUER.key, algorithm="RS256", headers={"kid": "local"}),
        jwt.encode(claims, ISSUER.key, algorithm="RS256", headers={"kid": "other"}),
        jwt.encode(claims, ISSUER.key, algorithm="RS256"),
        TokenIssuer(ISSUER.issuer).token("client-1", ["a/write"]),
    ):
        with pytest.raises(UnauthorizedError):
            ask(wrong)


def test_only_rsa_signs() -> None:
    """Neither none nor an HMAC under the public key, the two classic forgeries."""
    claims = jwt.decode(token(), options={"verify_signature": False})
    public = ISSUER.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = {"alg": "HS256", "typ": "JWT", "kid": "local"}
    signed = b".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (header, claims)
    )
    mac = base64.urlsafe_b64encode(hmac.digest(public, signed, "sha256")).rstrip(b"=")
    for forged in (
        jwt.encode(claims, "", algorithm="none", headers={"kid": "local"}),
        f"{signed.decode()}.{mac.decode()}",
    ):
        with pytest.raises(UnauthorizedError):
            ask(forged)


def test_a_changed_token_is_unauthorized() -> None:
    header, body, signature = token().split(".")
    other = token(client_id="client-2").split(".")[1]
    for changed in (f"{header}.{other}.{signature}", f"{header}.{body}.{signature[:-8]}"):
        with pytest.raises(UnauthorizedError):
            ask(changed)


def test_a_route_with_scopes_takes_a_token_with_one_of_them() -> None:
    assert ask(token(), SCOPED).scopes == ("a/write",)
    with pytest.raises(NotAuthorizedError):
        ask(token(scope="a/read"), SCOPED)


def test_scopes_may_be_in_scp() -> None:
    claims = jwt.decode(token(), options={"verify_signature": False})
    del claims["scope"]
    claims["scp"] = ["a/admin", "b/c"]
    assert ask(
        jwt.encode(claims, ISSUER.key, algorithm="RS256", headers={"kid": "local"}), SCOPED
    ).scopes == ("a/admin",)
