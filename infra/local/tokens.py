"""A token issuer on this machine, in the place of Cognito or of the hospital's own."""

import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

KEY_ID = "local"


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
