"""Convert AuditEvents between FHIR R4 and R5 without loss."""

from audit_ledger.fhir_versions.convert import convert

__all__ = ["convert"]
