"""Canonical names of patients by the rules of all portals of a ledger."""

from collections.abc import Iterable

from audit_ledger.events.event import PatientReference, PatientRule
from audit_ledger.events.patients import canonical_patient, name_by_reference


def canonical_names(rules: Iterable[PatientRule], patient: PatientReference) -> tuple[str, ...]:
    """Return a patient's canonical names by the rules of all portals, each once.

    A relative reference that may belong to several servers yields no name.
    """
    rules = tuple(rules)
    if is_ambiguous(rules, patient.reference):
        patient = PatientReference(None, patient.identifiers)
    found = (canonical_patient(rule, patient) for rule in rules)
    return tuple(dict.fromkeys(name for name in found if name is not None))


def is_ambiguous(rules: Iterable[PatientRule], reference: str | None) -> bool:
    """Return whether a reference may name patients of several servers."""
    namespaces = {rule.namespace for rule in rules} - {None}
    return len(namespaces) > 1 and (reference or "").startswith("Patient/")


def may_have_other_names(rules: Iterable[PatientRule], patient: PatientReference) -> bool:
    """Return whether a portal's rule may index this patient's events under another name, too.

    It may if the rule uses an identifier system and this is a reference or an identifier of another
    system; or if the rule uses references alone and this is an identifier.
    """
    systems = {system for system, _ in patient.identifiers}
    return any(
        rule.system not in systems if rule.system is not None else patient.reference is None
        for rule in rules
    )


def accepted_names(rules: Iterable[PatientRule]) -> str:
    """Return the forms in which a patient may be named by the rules of all portals."""
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
    """Return patients reduced to their canonical names by these rules, each once."""
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
    """Return the namespace of a reference of `canonical_references`; None if no rule has one."""
    namespaces = (rule.namespace for rule in rules if rule.namespace is not None)
    return next((n for n in namespaces if name_by_reference(n, reference) is not None), None)
