"""Distinguish R4 and R5 AuditEvents by content, or by the `fhirVersion` of the media type."""

from typing import Final, Literal

from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.fhir_model import AuditEventElements
from audit_ledger.events.strict_json import JsonObject

Release = Literal["fhir-r4", "fhir-r5"]

# R4B (4.3) has the AuditEvent of R4.
_DECLARED: Final[dict[str, Release]] = {
    "4.0": "fhir-r4", "4.0.1": "fhir-r4", "4.3": "fhir-r4", "4.3.0": "fhir-r4",
    "5.0": "fhir-r5", "5.0.0": "fhir-r5",
}  # fmt: skip
_R4_ONLY: Final = {"subtype", "outcomeDesc", "purposeOfEvent", "period"}
_R5_ONLY: Final = {
    "category", "severity", "occurredDateTime", "occurredPeriod", "authorization", "basedOn",
    "patient", "encounter",
}  # fmt: skip


def declared_release(fhir_version: str | None, place: str) -> Release | None:
    """Return the release of a media type's `fhirVersion`; None if it has none.

    Raise RejectedEventError (415) for a release other than R4 and R5.
    """
    if fhir_version is None:
        return None
    if fhir_version not in _DECLARED:
        raise RejectedEventError(415, "not-supported", place, "fhirVersion 4.0 or 5.0")
    return _DECLARED[fhir_version]


def release_of(
    resource: JsonObject, declared: Release | None, place: str, flags: set[str]
) -> Release:
    """Return the release of an AuditEvent.

    R4 requires `type`, R5 requires `code`, and neither has the other's element: that decides. If
    both are missing, the media type decides. Raise RejectedEventError (422) if neither decides, if
    both elements are present, or if media type and content differ.
    """
    has_type, has_code = resource.get("type") is not None, resource.get("code") is not None
    if has_type and has_code:
        raise RejectedEventError(422, "invalid", place, "either type (R4) or code (R5), not both")
    content: Release | None = "fhir-r4" if has_type else "fhir-r5" if has_code else None
    release = content or declared
    if release is None:
        raise RejectedEventError(
            422, "required", place, "an R4 AuditEvent with type, or R5 with code"
        )
    if declared not in (None, release):
        raise RejectedEventError(422, "invalid", place, "the release that fhirVersion declares")
    if content is None:
        flags.add("fhir.no-type" if release == "fhir-r4" else "fhir.no-code")
    foreign = _R5_ONLY if release == "fhir-r4" else _R4_ONLY
    if not foreign.isdisjoint(resource):
        flags.add("fhir.mixed-releases")
    return release


def refuse_older(event: AuditEventElements, place: str) -> None:
    """Reject (422) an AuditEvent that names people as before R4: they would be overlooked."""
    for index, agent in enumerate(event.agent or ()):
        if agent.reference is not None or agent.user_id is not None:
            raise RejectedEventError(
                422, "not-supported", f"{place}.agent[{index}]", "who, as in R4 and R5"
            )
    for index, entity in enumerate(event.entity or ()):
        if entity.reference is not None or entity.identifier is not None:
            raise RejectedEventError(
                422, "not-supported", f"{place}.entity[{index}]", "what, as in R4 and R5"
            )
