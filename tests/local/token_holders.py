"""Tokens of every kind, and their rights."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt

from infra.local.api_gateway.tokens import KEY_ID, TokenIssuer
from infra.local.cloud import LocalCloud

WRITE = "system/AuditEvent.c"
EHR = "ledger/north portal/ehr"
MRN = "https://north.example/mrn"  # how north's portal ehr names patients


@dataclass(frozen=True)
class Holder:
    """The rights of a token. `genuine`: it is valid, and the API's issuer signed it for the API.

    `ledger`: the one that it names; `may_write`: it has a scope to create AuditEvents as a system,
    and names a portal of that ledger. `all`, `own`: of `r` (read) and `s` (search), the allowed
    ones for all events of the ledger, or for those of the patient whom it names; `patient`: the
    number of that patient.
    """

    token: Callable[[LocalCloud], str | None]
    genuine: bool = True
    ledger: str | None = "north"
    may_write: bool = False
    all: str = ""
    own: str = ""
    patient: str = ""


def scoped(scope: str, **claims: Any) -> Callable[[LocalCloud], str]:
    """Return a genuine token with these scopes and claims."""

    def sign(cloud: LocalCloud) -> str:
        audience = min(cloud.tokens.authorizer.audience)
        return cloud.tokens.issuer.token(audience, scope.split(), claims)

    return sign


def signed_by(issuer: Callable[[LocalCloud], TokenIssuer]) -> Callable[[LocalCloud], str]:
    """Return a portal's token signed by another issuer."""

    def sign(cloud: LocalCloud) -> str:
        audience = min(cloud.tokens.authorizer.audience)
        return issuer(cloud).token(audience, [WRITE, *EHR.split()])

    return sign


def unsigned(algorithm: str) -> Callable[[LocalCloud], str]:
    """Return a portal's token without a signature, or with one that anybody can compute."""

    def sign(cloud: LocalCloud) -> str:
        claims = jwt.decode(
            cloud.tokens.portal("north", "ehr"), options={"verify_signature": False}
        )
        key = "" if algorithm == "none" else "k" * 32
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": KEY_ID})

    return sign


def altered(cloud: LocalCloud) -> str:
    """Return the claims of another ledger's portal with the signature of this one."""
    header, _, signature = cloud.tokens.portal("north", "ehr").split(".")
    return f"{header}.{cloud.tokens.portal('south', 'lab').split('.')[1]}.{signature}"


PAST, LATER = int(time.time()) - 1000, int(time.time()) + 100_000

HOLDERS: dict[str, Holder] = {
    # Not genuine.
    "no token": Holder(lambda _: None, genuine=False),
    "an empty token": Holder(lambda _: "", genuine=False),
    "garbage": Holder(lambda _: "a.b.c", genuine=False),
    "garbage of bytes": Holder(lambda _: "\xff\xfe.\xe9.=", genuine=False),
    "expired": Holder(scoped(f"{WRITE} {EHR}", exp=PAST), genuine=False),
    "not yet valid": Holder(scoped(f"{WRITE} {EHR}", nbf=LATER), genuine=False),
    "issued in the future": Holder(scoped(f"{WRITE} {EHR}", iat=LATER), genuine=False),
    "another issuer": Holder(scoped(f"{WRITE} {EHR}", iss="https://x.example"), genuine=False),
    "another audience": Holder(scoped(f"{WRITE} {EHR}", aud="another"), genuine=False),
    "another client": Holder(scoped(f"{WRITE} {EHR}", client_id="another"), genuine=False),
    "another key": Holder(
        signed_by(lambda cloud: TokenIssuer(cloud.tokens.issuer.issuer)), genuine=False
    ),
    "no signature": Holder(unsigned("none"), genuine=False),
    "an HMAC": Holder(unsigned("HS256"), genuine=False),
    "altered": Holder(altered, genuine=False),
    # Users of the ledgers.
    "portal of north": Holder(lambda c: c.tokens.portal("north", "ehr"), may_write=True),
    "portal of south": Holder(
        lambda c: c.tokens.portal("south", "lab"), ledger="south", may_write=True
    ),
    "security officer": Holder(lambda c: c.tokens.security("north"), all="rs"),
    "officer of south": Holder(lambda c: c.tokens.security("south"), ledger="south", all="rs"),
    "patient": Holder(lambda c: c.tokens.patient("north", f"{MRN}|1"), own="rs", patient="1"),
    "patient of south": Holder(
        lambda c: c.tokens.patient("south", "1"), ledger="south", own="rs", patient="1"
    ),
    # A patient of the ledger, but not of the event.
    "another patient": Holder(
        lambda c: c.tokens.patient("north", f"{MRN}|2"), own="rs", patient="2"
    ),
    "another of south": Holder(
        lambda c: c.tokens.patient("south", "Patient/2"), ledger="south", own="rs", patient="2"
    ),
    # Named as only south's portal names patients: not a patient of north.
    "a patient by reference": Holder(lambda c: c.tokens.patient("north", "1"), own="rs"),
    # Missing or contradictory claims.
    "no scope to write": Holder(scoped(EHR)),
    "no scope at all": Holder(scoped(""), ledger=None),
    "no ledger": Holder(scoped(f"{WRITE} portal/ehr"), ledger=None),
    "two ledgers": Holder(scoped(f"{WRITE} {EHR} ledger/south"), ledger=None),
    "every ledger": Holder(scoped(f"{WRITE} ledger/* portal/ehr"), ledger=None),
    "a ledger that is none": Holder(scoped(f"{WRITE} ledger/west portal/ehr"), ledger="west"),
    "no portal": Holder(scoped(f"{WRITE} ledger/north")),
    "two portals": Holder(scoped(f"{WRITE} {EHR} portal/bus")),
    "another ledger's portal": Holder(scoped(f"{WRITE} ledger/north portal/lab")),
    "a claim against the scope": Holder(scoped(f"{WRITE} {EHR}", ledger="south"), ledger="south"),
    # SMART v2: any of cruds in that order, for this resource or all; the context must be system.
    "all, as a system": Holder(scoped(f"system/*.cruds {EHR}"), may_write=True, all="rs"),
    "all of AuditEvent": Holder(scoped(f"system/AuditEvent.cruds {EHR}"), may_write=True, all="rs"),
    "create among others": Holder(scoped(f"system/*.rs {WRITE} {EHR}"), may_write=True, all="rs"),
    "all but create": Holder(scoped(f"system/*.ruds {EHR}"), all="rs"),
    "another resource": Holder(scoped(f"system/Patient.cruds {EHR}")),
    "as a user": Holder(scoped(f"user/*.cruds {EHR}"), all="rs"),
    "as a patient": Holder(scoped(f"patient/*.cruds {EHR}")),  # and names none
    # Read or search alone: the context is system or user, or patient for the own events.
    "reads as a system": Holder(scoped("system/AuditEvent.r ledger/north"), all="r"),
    "searches as a system": Holder(scoped("system/AuditEvent.s ledger/north"), all="s"),
    "reads as a user": Holder(scoped("user/AuditEvent.r ledger/north"), all="r"),
    "searches as a user": Holder(scoped("user/*.s ledger/north"), all="s"),
    "reads in two contexts": Holder(
        scoped("user/AuditEvent.s patient/AuditEvent.r ledger/north", patient=f"{MRN}|1"),
        all="s",
        own="r",
        patient="1",
    ),
    "reads as a patient": Holder(
        scoped("patient/AuditEvent.r ledger/north", patient=f"{MRN}|1"), own="r", patient="1"
    ),
    "searches as a patient": Holder(
        scoped("patient/AuditEvent.s ledger/north", patient=f"{MRN}|1"), own="s", patient="1"
    ),
    "a patient of another resource": Holder(
        scoped("patient/Patient.rs ledger/north", patient=f"{MRN}|1"), patient="1"
    ),
    "a patient with SMART v1": Holder(
        scoped("patient/AuditEvent.read ledger/north", patient=f"{MRN}|1"), patient="1"
    ),
    "a patient without ledger": Holder(
        scoped("patient/AuditEvent.rs", patient=f"{MRN}|1"), ledger=None, own="rs"
    ),
    "reads a ledger that is none": Holder(
        scoped("system/AuditEvent.rs ledger/west"), ledger="west", all="rs"
    ),
    "reads two ledgers": Holder(
        scoped("system/AuditEvent.rs ledger/north ledger/south"), ledger=None, all="rs"
    ),
    "reads every ledger": Holder(scoped("system/AuditEvent.rs ledger/*"), ledger=None, all="rs"),
    "the ledger itself": Holder(scoped(f"{WRITE} ledger/north portal/audit-ledger")),
    "letters out of order": Holder(scoped(f"system/AuditEvent.sc {EHR}")),
    "a narrowed scope": Holder(scoped(f"{WRITE}?type=rest {EHR}")),
    "upper case": Holder(scoped(f"SYSTEM/AuditEvent.C {EHR}")),
    # SMART v1 scopes have another syntax, which is not accepted.
    "SMART v1 write": Holder(scoped(f"system/AuditEvent.write {EHR}")),
    "SMART v1 everything": Holder(scoped(f"system/*.* {EHR}")),
    "a wildcard alone": Holder(scoped(f"* {EHR}")),
}
