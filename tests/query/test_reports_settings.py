"""Settings of reports, from cdk.json through the SSM parameter to the rules of the reports."""

import json
from typing import Any

import msgspec
import pytest

from audit_ledger.errors import FormatError
from audit_ledger.reports.accounting import AccountingSettings
from audit_ledger.reports.codes import DISCLOSURES
from audit_ledger.reports.exclusions import AUTHORIZATION, EXCLUSIONS
from audit_ledger.reports.patient_view import ViewPolicy
from audit_ledger.reports.suspension import Suspension
from audit_ledger.settings.ledger import LedgerSettings
from audit_ledger.settings.reports import ReportSettings
from functions.query.report_rules import report_rules
from infra import settings as infra_settings
from infra.settings import ledger_parameter
from infra.settings.reader import read_settings

FULL: dict[str, Any] = {
    "zone": "Europe/Berlin",
    "day_only": True,
    "role_only": True,
    "disclosures": ["DCM|110106", "|Disclosure"],
    "exclusions": {
        "authorization": {
            "purposes": ["urn:oid:2.16.840.1.113883.5.8|HMARKT"],
            "recipients": ["identifier|urn:oid:1.2|7"],
        },
        "before_compliance": {"until": "2003-04-14T00:00:00Z"},
    },
    "suspensions": [
        {
            "agency": "case 17",
            "recipients": ["reference|Organization/bureau"],
            "from": "2026-11-01T00:00:00Z",
            "until": "2026-11-20T00:00:00Z",
            "oral": True,
        }
    ],
}


def settings_with(reports: dict[str, Any] | None) -> infra_settings.Settings:
    """Return the settings of an app with one ledger."""
    ledger: dict[str, Any] = {
        "id": "north",
        "portals": [{"id": "ehr", "patient": {"reference": True}}],
    }
    if reports is not None:
        ledger["reports"] = reports
    return read_settings({"audit-ledger": {"domain": "audit.example.org", "ledgers": [ledger]}})


def read_parameter(reports: dict[str, Any] | None) -> ReportSettings:
    """Return the settings as the functions read them from the parameter."""
    settings = settings_with(reports)
    parameter = json.dumps(ledger_parameter(settings, settings.ledgers[0]))
    return msgspec.json.decode(parameter, type=LedgerSettings).reports


def test_without_settings_the_defaults_apply() -> None:
    """The parameter then has no member for reports."""
    settings = settings_with(None)
    assert ledger_parameter(settings, settings.ledgers[0]).keys() == {"origin", "portals", "limits"}
    rules = report_rules(read_parameter(None))
    assert (rules.zone.name, rules.masks, rules.suspensions) == ("UTC", False, ())
    assert rules.accounting == AccountingSettings()
    assert rules.accounting.disclosures == DISCLOSURES


def test_settings_become_the_rules_of_reports() -> None:
    """Codes have the canonical name of their system; exclusions are widened, never narrowed."""
    rules = report_rules(read_parameter(FULL))
    november = 1_793_491_200_000  # 2026-11-01T00:00:00Z
    suspension = Suspension(
        agency="case 17",
        recipients=frozenset({"reference|Organization/bureau"}),
        from_ms=november,
        until_ms=november + 19 * 86_400_000,
        oral=True,
    )
    assert rules.view == ViewPolicy(day_only=True, role_only=True, suspensions=(suspension,))
    assert rules.masks
    accounting = rules.accounting
    assert accounting.suspensions == rules.suspensions == (suspension,)
    assert accounting.disclosures == {
        ("http://dicom.nema.org/resources/ontology/DCM", "110106"),
        ("", "Disclosure"),
    }
    by_key = {exclusion.key: exclusion for exclusion in accounting.exclusions}
    assert tuple(by_key) == tuple(exclusion.key for exclusion in EXCLUSIONS)
    act_reason = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
    assert by_key["authorization"].purposes == AUTHORIZATION.purposes | {(act_reason, "HMARKT")}
    assert by_key["authorization"].recipients == {"identifier|urn:oid:1.2|7"}
    assert by_key["before_compliance"].until_ms == 1_050_278_400_000
    unchanged = set(by_key) - {"authorization", "before_compliance"}
    assert all(by_key[e.key] == e for e in EXCLUSIONS if e.key in unchanged)
    assert rules.zone.name == "Europe/Berlin"


@pytest.mark.parametrize(
    "reports",
    [
        {"zone": "Mars/Olympus"},
        {"exclusions": {"gossip": {}}},
        {"suspensions": [{"agency": "a", "recipients": [], "from": "x", "until": "y"}]},
        {"suspensions": [{**FULL["suspensions"][0], "recipients": []}]},
    ],
)
def test_an_invalid_parameter_is_an_error(reports: dict[str, Any]) -> None:
    """No report applies a part of the settings."""
    with pytest.raises(FormatError):
        report_rules(msgspec.convert(reports, ReportSettings))


def test_no_repr_shows_agencies_or_recipients() -> None:
    """It may be logged by mistake."""
    setting = read_parameter(FULL)
    assert "case 17" not in repr(setting)
    assert "bureau" not in repr(setting)
    assert "1.2" not in repr(setting)
    assert "case 17" not in repr(report_rules(setting))
