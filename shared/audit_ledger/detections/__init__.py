"""Detect suspicious accesses for a privacy team, in opened events in ledger order."""

from audit_ledger.detections.consent_denied import Consents
from audit_ledger.detections.detector import Detector, make_rules
from audit_ledger.detections.finding import DetectionFinding, PublicFinding, Severity, finding_id
from audit_ledger.detections.observed_access import Mark
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.settings import DetectionSettings, read_settings
from audit_ledger.detections.staff_directory import (
    Department,
    Directory,
    DirectoryEncounter,
    DirectoryPatient,
    User,
)
from audit_ledger.detections.staff_directory_files import FILES, read_directory

__all__ = [
    "FILES",
    "Consents",
    "Department",
    "DetectionFinding",
    "DetectionSettings",
    "Detector",
    "Directory",
    "DirectoryEncounter",
    "DirectoryPatient",
    "Mark",
    "PublicFinding",
    "Rule",
    "Severity",
    "User",
    "finding_id",
    "make_rules",
    "read_directory",
    "read_settings",
]
