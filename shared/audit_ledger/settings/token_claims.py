"""Which claims of an access token name the ledger, the portal and the patient."""

import msgspec


class TokenClaims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names of the claims that state which ledger, portal and patient a token is for."""

    ledger: str = "ledger"
    portal: str = "portal"
    patient: str = "patient"
