"""How who asks names patients: in reports' parameters, and in the claim of a patient's token.

    Patient/1   1   https://host/fhir/Patient/1   urn:uuid:…   <identifier system>|<value>

as FHIR's search has references and tokens, with their escapes, of one parser. A claim may also be
an array: of several names, all of the one patient.
"""

from collections.abc import Callable, Iterable

from audit_ledger.access import ForbiddenError
from audit_ledger.events import PatientReference, PatientRule
from audit_ledger.search.criteria import NamedResource, Token
from audit_ledger.search.rejected import RejectedSearch
from audit_ledger.search.values import parse_agent, parse_patient, parse_token, split_values
from functions.query.find import accepted_names, canonical_names

MOST_NAMES = 8  # of one patient


def names_in_claim(claim: str, rules: Iterable[PatientRule]) -> tuple[PatientReference, ...]:
    """Read the claim that says which patient a token is for, as API Gateway hands it over.

    `[a b]` is an array: of a text with a space each part would have to be a name by itself, so a
    bare id stands alone. ForbiddenError unless each name is one that a portal's rule resolves:
    nothing would be found by another, and "nobody accessed the record" would be told.
    """
    rules = tuple(rules)
    is_array = claim.startswith("[") and claim.endswith("]")
    texts = list(dict.fromkeys(claim[1:-1].split())) if is_array else [claim]
    try:
        names = tuple(map(named_patient, texts))
    except RejectedSearch:
        names = ()
    is_bare = any("/" not in text and "|" not in text and ":" not in text for text in texts)
    if (
        0 < len(names) <= MOST_NAMES
        and not (is_bare and len(names) > 1)
        and all(canonical_names(rules, name) for name in names)
    ):
        return names
    raise ForbiddenError(
        "the token's claim of the patient names nobody as a portal of this ledger does: expected "
        f"{accepted_names(rules)}, or an array of up to {MOST_NAMES} such names of the one patient"
    )


def require_known(rules: Iterable[PatientRule], patient: PatientReference) -> None:
    """Raise RejectedSearch where no portal's rule tells who a patient is."""
    rules = tuple(rules)
    if not canonical_names(rules, patient):
        raise RejectedSearch(
            400,
            "value",
            "patient",
            f"a patient as a portal of this ledger names them: {accepted_names(rules)}",
        )


def named_patient(text: str) -> PatientReference:
    """Read one patient's name; RejectedSearch for what names none."""
    named = read_name("patient", text)
    if isinstance(named, NamedResource):
        return PatientReference(named.reference)
    return PatientReference(None, ((named.system or "", named.code or ""),))


def read_name(parameter: str, text: str) -> NamedResource | Token:
    """Read a patient by reference or identifier."""
    return _one_name(parameter, text, parse_patient)


def read_user(parameter: str, text: str) -> NamedResource | Token:
    """Read a user by reference or identifier."""
    return _one_name(parameter, text, parse_agent)


def _one_name(
    parameter: str, text: str, parse_reference: Callable[[str, str], NamedResource]
) -> NamedResource | Token:
    if len(split_values(parameter, text)) > 1:
        raise RejectedSearch(400, "value", parameter, r"one name (a comma within is \,)")
    token = parse_token(parameter, text)
    if token.system is None:
        return parse_reference(parameter, text)
    if not token.system or not token.code:
        raise RejectedSearch(400, "value", parameter, "<identifier system>|<value>, both of them")
    return token
