"""The portals of a hospital: what each sends, and into which ledger."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.demo.hospital.clinical_event import System
from infra.demo.hospital.identifiers import MRN_SYSTEM


@dataclass(frozen=True, slots=True)
class HospitalPortal:
    """An authenticated sender, and the ledger that receives its events."""

    id: str
    ledger: str


@dataclass(frozen=True)
class Hospital:
    """The portal of each of the hospital's systems.

    The system determines the format: `ehr` FHIR R4 in Bundles, `app` FHIR R5 one by one, `lab`
    CloudEvents.
    """

    portals: Mapping[System, HospitalPortal]

    @property
    def ledgers(self) -> dict[str, dict[str, dict[str, dict[str, str]]]]:
        """Settings of each ledger's portals: ledger id → portal id → settings."""
        ledgers: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
        for portal in self.portals.values():
            patient_rule = {"patient": {"system": MRN_SYSTEM}}
            ledgers.setdefault(portal.ledger, {})[portal.id] = patient_rule
        return ledgers


ST_ELSEWHERE = Hospital(
    {
        "ehr": HospitalPortal("ehr", "st-elsewhere"),
        "app": HospitalPortal("app", "st-elsewhere"),
        "lab": HospitalPortal("lab", "riverside-lab"),
    }
)
