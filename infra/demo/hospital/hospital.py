"""Which portals a hospital has, what each sends, and into which ledger."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.demo.hospital.clinical_event import System
from infra.demo.hospital.identifiers import MRN_SYSTEM


@dataclass(frozen=True, slots=True)
class HospitalPortal:
    """An authenticated sender. `patient_system`: identifier system that it names patients by."""

    id: str
    ledger: str
    patient_system: str

    @property
    def settings(self) -> dict[str, dict[str, str]]:
        """What a ledger's settings say about this portal: how to tell its patients apart."""
        return {"patient": {"system": self.patient_system}}


@dataclass(frozen=True)
class Hospital:
    """The portal behind which each of the hospital's systems stands.

    The system decides what is sent: `ehr` FHIR R4 in Bundles, `app` FHIR R5 one by one, `lab`
    CloudEvents.
    """

    portals: Mapping[System, HospitalPortal]

    @property
    def ledgers(self) -> dict[str, dict[str, dict[str, dict[str, str]]]]:
        """Settings of each ledger's portals: ledger id → portal id → settings."""
        ledgers: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
        for portal in self.portals.values():
            ledgers.setdefault(portal.ledger, {})[portal.id] = portal.settings
        return ledgers


ST_ELSEWHERE = Hospital(
    {
        "ehr": HospitalPortal("ehr", "st-elsewhere", MRN_SYSTEM),
        "app": HospitalPortal("app", "st-elsewhere", MRN_SYSTEM),
        "lab": HospitalPortal("lab", "riverside-lab", MRN_SYSTEM),
    }
)
