"""The rules of a ledger's reports, read from its settings."""

from dataclasses import dataclass

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.events.codings import Coded
from audit_ledger.events.fhir_model import Code
from audit_ledger.instants import parse_instant
from audit_ledger.reports.accounting import AccountingSettings
from audit_ledger.reports.codes import DISCLOSURES, canonical_code
from audit_ledger.reports.exclusions import EXCLUSIONS, Exclusion
from audit_ledger.reports.patient_view import ViewPolicy
from audit_ledger.reports.suspension import Suspension
from audit_ledger.reports.time_zone import Zone, read_zone
from audit_ledger.settings.reports import ExclusionSettings, ReportSettings, SuspensionSettings


@dataclass(frozen=True)
class ReportRules:
    """The rules. `zone`: of days, and of times unless another is requested."""

    zone: Zone
    accounting: AccountingSettings
    view: ViewPolicy

    @property
    def suspensions(self) -> tuple[Suspension, ...]:
        """All of them, in force or not. For the privacy office alone."""
        return self.view.suspensions

    @property
    def masks(self) -> bool:
        """Whether patients are shown less than their events contain."""
        return self.view.day_only or self.view.role_only


def report_rules(setting: ReportSettings) -> ReportRules:
    """Read a ledger's settings; raise FormatError if they are malformed."""
    unknown = set(setting.exclusions).difference(exclusion.key for exclusion in EXCLUSIONS)
    if unknown:
        raise FormatError("reports.exclusions: a key that no exclusion has")
    suspensions = tuple(map(_suspension, setting.suspensions))
    disclosures = DISCLOSURES if setting.disclosures is None else _codes(setting.disclosures)
    accounting = AccountingSettings(
        disclosures=disclosures,
        exclusions=tuple(
            _widen(exclusion, setting.exclusions.get(exclusion.key)) for exclusion in EXCLUSIONS
        ),
        suspensions=suspensions,
    )
    view = ViewPolicy(
        day_only=setting.day_only, role_only=setting.role_only, suspensions=suspensions
    )
    return ReportRules(read_zone(setting.zone), accounting, view)


def _widen(exclusion: Exclusion, setting: ExclusionSettings | None) -> Exclusion:
    if setting is None:
        return exclusion
    return msgspec.structs.replace(
        exclusion,
        purposes=exclusion.purposes | _codes(setting.purposes),
        kinds=exclusion.kinds | _codes(setting.kinds),
        recipients=exclusion.recipients | set(setting.recipients),
        until_ms=exclusion.until_ms if setting.until is None else _ms(setting.until),
    )


def _suspension(setting: SuspensionSettings) -> Suspension:
    return Suspension(
        agency=setting.agency,
        recipients=frozenset(setting.recipients),
        from_ms=_ms(setting.begin),
        until_ms=_ms(setting.until),
        oral=setting.oral,
    )


def _codes(tokens: tuple[str, ...]) -> frozenset[Code]:
    """Read `system|code`, the system by any of its names."""
    parted = (token.rpartition("|") for token in tokens)
    return frozenset(canonical_code(Coded(system, code)) for system, _, code in parted)


def _ms(instant: str) -> int:
    return parse_instant(instant, what="reports") * 1000
