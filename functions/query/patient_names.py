"""Names of patients: in parameters of reports, and in the claim of a patient's token.

    Patient/1   1   https://host/fhir/Patient/1   urn:uuid:…   <identifier system>|<value>

They are references and tokens of FHIR's search, with its escapes. A claim may also be an array of
several names of one patient.
"""

import re
from collections.abc import Iterable
from typing import Final

from audit_ledger.events import PatientReference, PatientRule
from audit_ledger.events.canonical_patients import accepted_names, canonical_names
from audit_ledger.http.authorization import ForbiddenError
from audit_ledger.search.criteria import NamedResource, Token
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.values import parse_agent, parse_patient, parse_token, split_values

MAX_NAMES = 8  # of one patient

_NO_ID: Final = re.compile(
    r"true|false|null|nil|none|nan|undefined|[0-9]+\.[0-9]+e[+-]?[0-9]+|(?:map)?[\[{<\"'`].*",
    re.IGNORECASE,
)
"""Texts that serializers write in place of an id: of null, booleans, numbers and objects."""


def names_in_claim(claim: str, rules: Iterable[PatientRule]) -> tuple[PatientReference, ...]:
    """Read the claim that names a token's patient, in the form of API Gateway.

    `[a b]` is an array, or a text with a space: a bare id is accepted only alone.
    Raise ForbiddenError unless a portal's rule resolves each name: by another, nothing would be
    found, and a report would state that nobody accessed the record.
    """
    rules = tuple(rules)
    is_array = claim.startswith("[") and claim.endswith("]")
    texts = list(dict.fromkeys(claim[1:-1].split())) if is_array else [claim]
    try:
        names = tuple(_named_in_claim(text) for text in texts)
    except RejectedSearchError:
        names = ()
    is_bare = any("/" not in text and "|" not in text and ":" not in text for text in texts)
    if (
        0 < len(names) <= MAX_NAMES
        and not (is_bare and len(names) > 1)
        and all(canonical_names(rules, name) for name in names)
    ):
        return names
    raise ForbiddenError(
        "the token's claim of the patient names nobody as a portal of this ledger does: expected "
        f"{accepted_names(rules)}, or an array of up to {MAX_NAMES} such names of the one patient"
    )


def _named_in_claim(text: str) -> PatientReference:
    """Read a name in a claim; raise RejectedSearchError also for texts in place of a missing id.

    `Patient/undefined`, `<nil>`, `map[]` and `[[1]]` have the form of a name.
    """
    name = parse_patient_name(text)
    ids = [value for _, value in name.identifiers]
    if name.reference is not None:
        ids.append(name.reference.rpartition("/")[2])
    if not text.isprintable() or any(_NO_ID.fullmatch(one) for one in ids):
        raise RejectedSearchError("patient", "an id")
    return name


def require_known(rules: Iterable[PatientRule], patient: PatientReference) -> None:
    """Raise RejectedSearchError unless a portal's rule resolves the patient."""
    rules = tuple(rules)
    if not canonical_names(rules, patient):
        raise RejectedSearchError(
            "patient", f"a patient as a portal of this ledger names them: {accepted_names(rules)}"
        )


def parse_patient_name(text: str) -> PatientReference:
    """Read one patient's name; raise RejectedSearchError for any other text."""
    named = parse_name("patient", text)
    if isinstance(named, NamedResource):
        return PatientReference(named.reference)
    value = named.code or ""
    if value != value.strip():
        raise RejectedSearchError("patient", "a value without white space around it")
    return PatientReference(None, ((named.system or "", value),))


def parse_name(parameter: str, text: str) -> NamedResource | Token:
    """Read one `patient`, or one `user`, by reference or identifier."""
    if len(split_values(parameter, text)) > 1:
        raise RejectedSearchError(parameter, r"one name (a comma within is \,)")
    token = parse_token(parameter, text)
    if token.system is None:
        return (parse_agent if parameter == "user" else parse_patient)(parameter, text)
    if not token.system or not token.code:
        raise RejectedSearchError(parameter, "<identifier system>|<value>, both of them")
    return token
