"""Conversion between FHIR R4 and R5."""
