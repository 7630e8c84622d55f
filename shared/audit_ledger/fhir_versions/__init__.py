"""AuditEvents of one FHIR release as the other has them, with nothing lost on the way."""

from audit_ledger.fhir_versions.convert import convert

__all__ = ["convert"]
