"""The caller: ledger, portal, patient and scopes of a verified bearer token.

Scopes are SMART on FHIR v2: `<context>/<resource>.<permissions>`, permissions a subset of `cruds`
in that order, resource a type or `*`. Ledger and portal come from the claims that the settings
name, or else from scopes `ledger/<id>` and `portal/<id>` (a Cognito machine client has no claims of
its own). The API's authorizer has verified signature, issuer, audience and time before.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit_ledger.errors import LedgerError
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.settings.token_claims import TokenClaims

OWN_PORTAL = "audit-ledger"
"""The portal of events that the ledger itself emits; no token may name it."""

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_SCOPE = re.compile(r"(system|user|patient)/(\*|[A-Za-z]+)\.(c?r?u?d?s?)")


OWN_USE = "ledger.own-use"
"""The flag of events that the ledger itself emits: in their index rows, so that a search can leave
them out before it opens them."""


class ForbiddenError(LedgerError):
    """The token is genuine and does not allow this."""


@dataclass(frozen=True, repr=False)
class Authorization(PrivateRepr):
    """The claims of a token. Empty where it has none.

    `patient`: the claim as API Gateway hands it over; of several names of the patient, `[a b]`.
    `subject` is whom `issuer` calls so: a person, or a machine client.
    """

    SHOWN = ("ledger", "portal")
    ledger: str
    portal: str
    patient: str
    scopes: frozenset[str]
    issuer: str = ""
    subject: str = ""

    def require(self, context: str, permission: str) -> None:
        """Raise ForbiddenError unless a scope allows `permission` (one of c, r, u, d, s)."""
        if not self.allows(context, permission):
            raise ForbiddenError(f"the token lacks a scope like {context}/AuditEvent.{permission}")

    def allows(self, context: str, permission: str) -> bool:
        """Whether a scope of this context allows `permission`."""
        for scope in self.scopes:
            match = _SCOPE.fullmatch(scope)
            if (
                match
                and match[1] == context
                and match[2] in ("*", "AuditEvent")
                and permission in match[3]
            ):
                return True
        return False

    def required_ledger(self) -> str:
        """Return the ledger's id, or raise ForbiddenError where the token names none."""
        if not self.ledger:
            raise ForbiddenError("the token names no ledger, or several")
        return self.ledger

    def required_portal(self) -> str:
        """Return the portal's id, or raise ForbiddenError where the token names none."""
        if not self.portal or self.portal == OWN_PORTAL:
            raise ForbiddenError("the token names no portal, or several")
        return self.portal


def read_authorization(jwt: Mapping[str, Any], names: TokenClaims) -> Authorization:
    """Read what API Gateway's JWT authorizer hands over: `{"claims": {…}, "scopes": […]}`."""
    claims: Mapping[str, Any] = jwt.get("claims") or {}
    scope = claims.get("scope") or claims.get("scp") or ""
    scopes = frozenset(_as_text(scope).strip("[]").split())
    return Authorization(
        ledger=_claim_or_scope(claims, names.ledger, "ledger", scopes),
        portal=_claim_or_scope(claims, names.portal, "portal", scopes),
        patient=_as_text(claims.get(names.patient) or ""),
        scopes=scopes,
        issuer=str(claims.get("iss") or ""),
        subject=str(claims.get("sub") or claims.get("client_id") or ""),
    )


def _as_text(claim: Any) -> str:
    """Return a claim as API Gateway hands it over: an array as the text `[a b]`."""
    return f"[{' '.join(map(str, claim))}]" if isinstance(claim, list) else str(claim)


def _claim_or_scope(
    claims: Mapping[str, Any], claim: str, context: str, scopes: frozenset[str]
) -> str:
    named = {str(claims[claim])} if claims.get(claim) else set[str]()
    if not named:
        named = {s.removeprefix(f"{context}/") for s in scopes if s.startswith(f"{context}/")}
    value = named.pop() if len(named) == 1 else ""
    return value if _ID.fullmatch(value) else ""
