"""A token issuer on this machine, in the place of Cognito or of the hospital's own."""

import json
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from audit_ledger.errors import NotFoundError
from infra.local.cloudformation.deployment import Authorizer, Deployment

KEY_ID = "local"
WRITE = "system/AuditEvent.c"
READ = "system/AuditEvent.rs"
READ_OWN = "patient/AuditEvent.rs"


@dataclass(frozen=True)
class TokenIssuer:
    """Signs access tokens with a key that lives as long as this object."""

    issuer: str
    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(65537, 2048), repr=False
    )

    @property
    def public_keys(self) -> dict[str, rsa.RSAPublicKey]:
        """The key set that an authorizer would fetch from the issuer, by key id."""
        return {KEY_ID: self.key.public_key()}

    def token(
        self,
        client_id: str,
        scopes: Iterable[str],
        claims: Mapping[str, Any] | None = None,
        valid_seconds: int = 3600,
    ) -> str:
        """Sign an access token of the form that Cognito gives a client for its credentials.

        That form has `client_id` and no `aud`; `claims` are added, or replace what is there.
        """
        now = int(time.time())
        content = {
            "sub": client_id,
            "token_use": "access",
            "scope": " ".join(scopes),
            "auth_time": now,
            "iss": self.issuer,
            "exp": now + valid_seconds,
            "iat": now,
            "version": 2,
            "jti": str(uuid.uuid4()),
            "client_id": client_id,
            **(claims or {}),
        }
        return jwt.encode(content, self.key, algorithm="RS256", headers={"kid": KEY_ID})


@dataclass(frozen=True)
class LedgerTokens:
    """Tokens for the users of a deployed app's ledgers."""

    issuer: TokenIssuer
    authorizer: Authorizer
    clients: Mapping[frozenset[str], str]
    """Cognito's machine clients: client id by the scopes it may have."""
    claims: Mapping[str, str]
    """Names of the claims that say ledger, portal and patient (TOKEN_CLAIMS)."""
    valid_seconds: int = 24 * 3600

    @staticmethod
    def of(deployment: Deployment) -> "LedgerTokens":
        """Make an issuer in the place of the deployed API's own."""
        (authorizer,) = {route.authorizer for route in deployment.routes if route.authorizer}
        clients = {
            frozenset(client.properties.get("AllowedOAuthScopes", ())): client.identity.reference
            for client in deployment.of_type("AWS::Cognito::UserPoolClient")
        }
        claims = next(
            f.environment["TOKEN_CLAIMS"]
            for f in deployment.functions.values()
            if "TOKEN_CLAIMS" in f.environment
        )
        issuer = TokenIssuer(authorizer.issuer)
        return LedgerTokens(issuer, authorizer, clients, json.loads(claims))

    def portal(self, ledger_id: str, portal_id: str) -> str:
        """Sign the token of a portal's machine client; it may write events.

        Raises NotFoundError where Cognito issues tokens and the portal has no client there.
        """
        if not self.clients:
            claims = {self.claims["ledger"]: ledger_id, self.claims["portal"]: portal_id}
            return self._sign([WRITE], claims)
        wanted = {f"ledger/{ledger_id}", f"portal/{portal_id}"}
        for scopes, client_id in self.clients.items():
            if wanted <= scopes:
                return self.issuer.token(
                    client_id, sorted(scopes), valid_seconds=self.valid_seconds
                )
        raise NotFoundError(f"no client of portal {portal_id} of ledger {ledger_id} is deployed")

    def security(self, ledger_id: str) -> str:
        """Sign the token of a security officer, who may read one ledger."""
        return self._sign([READ, f"ledger/{ledger_id}"], {})

    def patient(self, ledger_id: str, patient: str) -> str:
        """Sign the token of a patient, who may read what concerns them in one ledger."""
        return self._sign([READ_OWN, f"ledger/{ledger_id}"], {self.claims["patient"]: patient})

    def _sign(self, scopes: Iterable[str], claims: Mapping[str, Any]) -> str:
        """Sign for the first audience that the API takes; with `aud`, as other issuers have it."""
        audience = min(self.authorizer.audience)
        more = dict(claims) if self.clients else {"aud": audience, **claims}
        return self.issuer.token(audience, scopes, more, self.valid_seconds)
