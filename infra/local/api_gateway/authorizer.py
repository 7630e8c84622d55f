"""The JWT authorizer of an HTTP API.

Source: API Gateway developer guide, "Control access to HTTP APIs with JWT authorizers": RSA
signatures only; `kid` must be in the issuer's key set; `iss`; `aud`, or `client_id` where there is
no `aud`; `exp` after and `nbf`, `iat` before now; and one of the route's scopes, if it has any, in
`scope` or `scp`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from audit_ledger.errors import LedgerError
from infra.local.cloudformation.deployment import DeployedRoute

ALGORITHMS = ["RS256", "RS384", "RS512"]
_SIGNATURE_ONLY: Any = {
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_iss": False,
    "verify_nbf": False,
}


class UnauthorizedError(LedgerError):
    """No token, or none that this API takes: 401."""


class NotAuthorizedError(LedgerError):
    """A good token without any of the route's scopes: 403."""


@dataclass(frozen=True)
class Grant:
    """What a route's function learns of the token: claims as text, and the route's scopes in it."""

    claims: Mapping[str, str]
    scopes: tuple[str, ...] | None


def authorize(
    authorization: str | None, route: DeployedRoute, keys: Mapping[str, RSAPublicKey], now: float
) -> Grant | None:
    """Judge an Authorization header for a route; None where the route asks for none.

    `keys` are the issuer's, by key id; `now` is in seconds since 1970. Raises UnauthorizedError or
    NotAuthorizedError.
    """
    if route.authorizer is None:
        return None
    if not authorization:
        raise UnauthorizedError("no token")
    token = authorization[7:] if authorization[:7].lower() == "bearer " else authorization
    claims = _verified_claims(token.strip(), keys)
    audience = claims.get("aud", claims.get("client_id"))
    audiences = set(audience) if isinstance(audience, list) else {audience}
    if claims.get("iss") != route.authorizer.issuer:
        raise UnauthorizedError("the token is of another issuer")
    if not audiences & route.authorizer.audience:
        raise UnauthorizedError("the token is for another audience")
    _check_times(claims, now)
    granted = _scopes(claims)
    if route.scopes and not granted & route.scopes:
        raise NotAuthorizedError("the token has none of the route's scopes")
    return Grant(
        {name: _as_text(value) for name, value in claims.items()},
        tuple(sorted(granted & route.scopes)) if route.scopes else None,
    )


def _verified_claims(token: str, keys: Mapping[str, RSAPublicKey]) -> dict[str, Any]:
    try:
        key_id = str(jwt.get_unverified_header(token).get("kid"))
        if key_id not in keys:
            raise UnauthorizedError("the token is signed by no known key")
        claims: dict[str, Any] = jwt.decode(
            token, keys[key_id], algorithms=ALGORITHMS, options=_SIGNATURE_ONLY
        )
    except (jwt.InvalidTokenError, UnicodeError) as error:
        raise UnauthorizedError(f"the token does not hold: {type(error).__name__}") from error
    return claims


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expiry = claims.get("exp")
    if not isinstance(expiry, int | float) or expiry <= now:
        raise UnauthorizedError("the token has expired")
    for name in ("nbf", "iat"):
        start = claims.get(name)
        if start is not None and (not isinstance(start, int | float) or start > now):
            raise UnauthorizedError(f"the token is not yet valid ({name})")


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    scopes = claims.get("scope", claims.get("scp", ""))
    return frozenset(scopes if isinstance(scopes, list) else str(scopes).split())


def _as_text(value: Any) -> str:
    """Return a claim as API Gateway writes it into the event: all claims are strings there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(_as_text(item) for item in value)}]"
    return str(value)
