"""Patients named by the rules of all portals of a ledger: canonical identifiers and references."""

from collections.abc import Iterable

from audit_ledger.events.event import PatientReference, PatientRule
from audit_ledger.events.patients import canonical_patient, name_by_reference


def canonical_names(rules: Iterable[PatientRule], patient: PatientReference) -> tuple[str, ...]:
    """Return a patient's canonical identifiers by the rules of all portals, each once.

    None where a relative reference may be of several servers.
    """
    rules = tuple(rules)
    if is_ambiguous(rules, patient.reference):
        patient = PatientReference(None, patient.identifiers)
    found = (canonical_patient(rule, patient) for rule in rules)
    return tuple(dict.fromkeys(name for name in found if name is not None))


def is_ambiguous(rules: Iterable[PatientRule], reference: str | None) -> bool:
    """Return whether a reference may be of patients of several servers."""
    namespaces = {rule.namespace for rule in rules} - {None}
    return len(namespaces) > 1 and (reference or "").startswith("Patient/")


def may_be_named_otherwise(rules: Iterable[PatientRule], patient: PatientReference) -> bool:
    """Return whether a portal's rule puts events that name this patient under another name, too.

    It does where it names patients by an identifier, and this is a reference or an identifier of
    another system; or where it names them by reference alone, and this is an identifier.
    """
    systems = {system for system, _ in patient.identifiers}
    return any(
        rule.system not in systems if rule.system is not None else patient.reference is None
        for rule in rules
    )


def accepted_names(rules: Iterable[PatientRule]) -> str:
    """Say in which forms a patient may be named, by the rules of all portals."""
    rules = tuple(rules)
    forms = [f"{system}|<value>" for system in dict.fromkeys(r.system for r in rules) if system]
    namespaces = list(dict.fromkeys(rule.namespace for rule in rules if rule.namespace))
    bases = [f"{base}/Patient/<id>" for base in namespaces if "://" in base]
    if len(namespaces) == 1:
        forms.append("Patient/<id>")
    return " or ".join(forms + bases)


def canonical_references(
    rules: Iterable[PatientRule], patients: Iterable[PatientReference]
) -> tuple[PatientReference, ...]:
    """Name patients by nothing but the canonical identifiers that these rules give, each once."""
    named: dict[PatientReference, None] = {}
    rules = tuple(rules)
    for patient in patients:
        if is_ambiguous(rules, patient.reference):
            patient = PatientReference(None, patient.identifiers)  # noqa: PLW2901
        for rule in rules:
            name = canonical_patient(rule, patient)
            if name is None:
                continue
            pair = next((p for p in patient.identifiers if p[0] == rule.system), None)
            if pair is not None:
                named[PatientReference(None, (pair,))] = None
            elif rule.namespace is not None and "://" not in rule.namespace:
                named[PatientReference(name.removeprefix(f"{rule.namespace}/"))] = None
            else:
                named[PatientReference(name)] = None
    return tuple(named)


def namespace_of(rules: Iterable[PatientRule], reference: str) -> str | None:
    """Return the base that a reference of `canonical_references` is relative to, or names."""
    namespaces = (rule.namespace for rule in rules if rule.namespace is not None)
    return next((n for n in namespaces if name_by_reference(n, reference) is not None), None)
