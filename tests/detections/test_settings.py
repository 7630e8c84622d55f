"""Settings: defaults, bounds, and errors with place and expectation."""

from typing import Any

import pytest

from audit_ledger.detections.detector import make_rules
from audit_ledger.detections.settings import DetectionSettings, FailedAccess, read_settings
from audit_ledger.errors import FormatError


def test_every_rule_is_enabled_by_default() -> None:
    """Null disables one."""
    assert read_settings({}) == DetectionSettings()
    every = {rule.name.replace("-", "_") for rule in make_rules()}
    assert every == set(DetectionSettings.__struct_fields__)
    without = make_rules(read_settings({"same_surname": None}))
    assert every - {rule.name.replace("-", "_") for rule in without} == {"same_surname"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], ": object expected"),
        ({"who": {}}, ": a member that is no setting"),
        ({"after_hours": {"when": 1}}, ".after_hours: a member that is no setting"),
        ({"failed_access": {"failures": 1}}, ".failed_access.failures: int >= 2 expected"),
        ({"failed_access": {"failures": "9"}}, ".failed_access.failures: int expected"),
        ({"failed_access": {"minutes": 1441}}, ".failed_access.minutes: int <= 1440 expected"),
        (
            {"self_access": {"severity": "dire"}},
            ".self_access.severity: low, medium or high expected",
        ),
        (
            {"after_hours": {"time_zone": "Mars"}},
            ".after_hours: time zone: a name of the IANA database expected",
        ),
        (
            {"access_spike": {"time_zone": "Mars"}},
            ".access_spike: time zone: a name of the IANA database expected",
        ),
        (
            {"access_spike": {"minimum_days": 20, "active_days": 10}},
            ".access_spike: minimum_days at most active_days expected",
        ),
        (
            {"after_hours": {"hours": ["closed"] * 6}},
            ".after_hours: hours: seven days from Monday expected",
        ),
        (
            {"after_hours": {"hours": ["noon"] * 7}},
            ".after_hours: monday: closed, or hours like 08:00-12:00;13:00-17:00 expected",
        ),
    ],
)
def test_error_has_the_place_of_the_fault(value: Any, message: str) -> None:
    """And what was expected there."""
    with pytest.raises(FormatError) as raised:
        read_settings(value)
    assert str(raised.value) == f"detections{message}"


def test_settings_created_in_code_have_the_same_bounds() -> None:
    """Rules accept no others."""
    with pytest.raises(FormatError, match=r"failed_access.failures: int >= 2 expected"):
        make_rules(DetectionSettings(failed_access=FailedAccess(failures=0)))
