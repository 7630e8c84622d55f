"""Disclosures that an accounting may leave out: 45 CFR 164.528(a)(1), paragraph by paragraph.

A disclosure is excluded if an exclusion contains a code of its type or its recipient, or if
exclusions contain all purposes that it states: with another purpose, or none, it is accounted for.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from audit_ledger.events.code_systems import ACT_REASON, NHIN
from audit_ledger.events.codings import Coded
from audit_ledger.events.event_details import AgentDetails, EventDetails
from audit_ledger.events.fhir_model import Code
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.reports.agents import is_the_patient
from audit_ledger.reports.codes import canonical_code, kinds_of


class Exclusion(PrivateRepr, msgspec.Struct, frozen=True):
    """One exclusion and how it is recognised.

    `key` in JSON; `paragraph` of 164.528(a)(1); `words` for the patient. `purposes`: of use;
    `kinds`: type and subtype; `recipients`: canonical identifiers as in `Agent.candidates`;
    `to_the_patient`: every recipient who is the patient; `until_ms`: all disclosures before it.
    """

    SHOWN = ("key",)
    key: str
    paragraph: str
    words: str
    purposes: frozenset[Code] = frozenset()
    kinds: frozenset[Code] = frozenset()
    recipients: frozenset[str] = frozenset()
    to_the_patient: bool = False
    until_ms: int | None = None


def _purposes(system: str, codes: str) -> frozenset[Code]:
    return frozenset((system, code) for code in codes.split())


TREATMENT: Final = Exclusion(
    "treatment",
    "(i)",
    "to carry out treatment",
    purposes=_purposes(ACT_REASON, "TREAT ETREAT BTG ERTREAT COC") | _purposes(NHIN, "TREATMENT"),
)
PAYMENT: Final = Exclusion(
    "payment",
    "(i)",
    "to carry out payment",
    purposes=_purposes(ACT_REASON, "HPAYMT CLMATTCH COVAUTH ELIGVER REMITADV")
    | _purposes(NHIN, "PAYMENT"),
)
OPERATIONS: Final = Exclusion(
    "operations",
    "(i)",
    "to carry out health care operations",
    purposes=_purposes(
        ACT_REASON,
        "HOPERAT CAREMGT FRAUD HACCRED HDM HQUALIMP HSYSADMIN PATADMIN PATSFTY RECORDMGT TRAIN",
    )
    | _purposes(NHIN, "OPERATIONS SYSADMIN TRAINING"),
)
INDIVIDUAL: Final = Exclusion("individual", "(ii)", "to you", to_the_patient=True)
INCIDENTAL: Final = Exclusion("incidental", "(iii)", "incident to a permitted use or disclosure")
AUTHORIZATION: Final = Exclusion("authorization", "(iv)", "pursuant to your authorization")
DIRECTORY: Final = Exclusion(
    "directory",
    "(v)",
    "for the facility's directory, or to persons involved in your care",
    purposes=_purposes(NHIN, "DIRECTORY FAMILY"),
)
NATIONAL_SECURITY: Final = Exclusion(
    "national_security", "(vi)", "for national security or intelligence purposes"
)
CORRECTIONAL: Final = Exclusion(
    "correctional",
    "(vii)",
    "to correctional institutions or law enforcement officials who had you in custody",
)
LIMITED_DATA_SET: Final = Exclusion("limited_data_set", "(viii)", "as part of a limited data set")
BEFORE_COMPLIANCE: Final = Exclusion("before_compliance", "(ix)", "before the rule applied to us")

EXCLUSIONS: Final = (
    TREATMENT,
    PAYMENT,
    OPERATIONS,
    INDIVIDUAL,
    INCIDENTAL,
    AUTHORIZATION,
    DIRECTORY,
    NATIONAL_SECURITY,
    CORRECTIONAL,
    LIMITED_DATA_SET,
    BEFORE_COMPLIANCE,
)
"""All of 164.528(a)(1), with the codes that are clearly excluded.

Accounted for are therefore: PATRQT (requested by the patient, but received by another), HLEGAL,
GOV, HDECD, DONAT (164.512), CLINTRL (research), HDIRECT (of any directory), HMARKT (requires an
authorization, which no event proves). The settings of a ledger may widen each exclusion.
"""


def exclusion_of(
    exclusions: Sequence[Exclusion],
    details: EventDetails,
    recipient: AgentDetails | None,
    purposes: Sequence[Coded],
    time_ms: int,
) -> Exclusion | None:
    """Return the first exclusion that applies to a disclosure; None if none does.

    `recipient`: None if it is not recorded; `purposes`: all that the disclosure states.
    """
    kinds = kinds_of(details)
    received: frozenset[str] = frozenset()
    to_the_patient = False
    if recipient is not None:
        received = frozenset(recipient.agent.candidates)
        to_the_patient = is_the_patient(recipient, details)
    for exclusion in exclusions:
        if (
            exclusion.kinds & kinds
            or exclusion.recipients & received
            or (exclusion.to_the_patient and to_the_patient)
            or (exclusion.until_ms is not None and time_ms < exclusion.until_ms)
        ):
            return exclusion
    stated = {canonical_code(purpose) for purpose in purposes}
    excluded = frozenset[Code]().union(*(exclusion.purposes for exclusion in exclusions))
    if stated and stated <= excluded:
        return next(exclusion for exclusion in exclusions if exclusion.purposes & stated)
    return None
