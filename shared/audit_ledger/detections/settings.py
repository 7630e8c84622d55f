"""The settings of the rules. Every rule has defaults; null disables it.

{"after_hours": {"time_zone": "Europe/Vienna", "grace_minutes": 45}, "same_surname": null}
"""

import re
from typing import Annotated, Any, Final

import msgspec

from audit_ledger.detections.finding import Severity
from audit_ledger.detections.hours import Hours, read_hours, read_time_zone
from audit_ledger.errors import FormatError

RuleCode = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Codes = Annotated[tuple[RuleCode, ...], msgspec.Meta(max_length=64)]
QuietHours = Annotated[int, msgspec.Meta(ge=0, le=24 * 31)]
Count = Annotated[int, msgspec.Meta(ge=2, le=500)]
Minutes = Annotated[int, msgspec.Meta(ge=1, le=24 * 60)]


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class RuleSettings(_Settings, frozen=True):
    """The settings of every rule."""

    severity: Severity = "medium"


class QuietRuleSettings(RuleSettings, frozen=True):
    """The settings of a rule that is quiet for hours after a finding."""

    quiet_hours: QuietHours = 24


class SelfAccess(QuietRuleSettings, frozen=True):
    """`portals_for_patients`, `purposes`: portals and purposes for patients' own records.

    Without such portals, patients may read their own records in all portals.
    """

    portals_for_patients: Codes = ()
    purposes: Codes = ("PATRQT",)


class SameSurname(QuietRuleSettings, frozen=True):
    """`frequent`: common surnames, which do not suggest a relation."""

    severity: Severity = "low"
    frequent: Annotated[tuple[RuleCode, ...], msgspec.Meta(max_length=1_000)] = ()


class SameHousehold(QuietRuleSettings, frozen=True):
    """Access to the record of a household member, or of a patient whose next of kin is the user."""


class NoEncounter(QuietRuleSettings, frozen=True):
    """`days`: margin around an encounter; `departments`: exempt ones, such as billing."""

    days: Annotated[int, msgspec.Meta(ge=0, le=3_650)] = 30
    departments: Annotated[tuple[RuleCode, ...], msgspec.Meta(max_length=1_000)] = ()
    purposes: Codes = ()


class BreakTheGlass(QuietRuleSettings, frozen=True):
    """`purposes`, `codes` (of type or subtype): those of emergency access.

    `reason_hours`: validity of a reason. `outcome_is_reason`, `policy_is_reason`: whether users
    state reasons in the outcome's text or an agent's policy. Most systems fill these automatically.
    """

    severity: Severity = "high"
    reason_hours: Annotated[int, msgspec.Meta(ge=0, le=24 * 7)] = 12
    purposes: Codes = ("BTG",)
    codes: Codes = ("110127",)
    outcome_is_reason: bool = False
    policy_is_reason: bool = False


class AccessSpike(RuleSettings, frozen=True):
    """Above mean + `deviations_tenths`/10 standard deviations of the user's last active days."""

    time_zone: str = "UTC"
    deviations_tenths: Annotated[int, msgspec.Meta(ge=0, le=200)] = 30
    active_days: Annotated[int, msgspec.Meta(ge=2, le=28)] = 28
    minimum_days: Annotated[int, msgspec.Meta(ge=2, le=28)] = 10
    minimum_patients: Annotated[int, msgspec.Meta(ge=2, le=500)] = 20
    minimum_excess: Annotated[int, msgspec.Meta(ge=0, le=500)] = 10

    def __post_init__(self) -> None:
        """Reject conditions that no day can fulfil."""
        read_time_zone(self.time_zone)
        if self.minimum_days > self.active_days:
            raise ValueError("minimum_days at most active_days expected")


class AfterHours(QuietRuleSettings, frozen=True):
    """`hours`: default for departments without hours in the directory, seven days from Monday."""

    severity: Severity = "low"
    quiet_hours: QuietHours = 12
    time_zone: str = "UTC"
    grace_minutes: Annotated[int, msgspec.Meta(ge=0, le=12 * 60)] = 30
    hours: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Reject invalid hours."""
        read_time_zone(self.time_zone)
        if self.hours is not None:
            self.default_hours()

    def default_hours(self) -> Hours | None:
        """Return the parsed hours."""
        return None if self.hours is None else read_hours(self.hours)


class BulkAccess(QuietRuleSettings, frozen=True):
    """Access to many patients within minutes (exported or opened), or many entities in one event.

    `codes` (of type or subtype): those of exports; `bulk_codes`: those of bulk exports.
    """

    severity: Severity = "high"
    exported_patients: Count = 20
    export_minutes: Minutes = 60
    opened_patients: Count = 100
    opened_minutes: Minutes = 15
    entities: Annotated[int, msgspec.Meta(ge=2, le=100_000)] = 200
    searched: Annotated[int, msgspec.Meta(ge=2, le=10_000_000)] = 1_000
    quiet_hours: QuietHours = 1
    codes: Codes = ("110106", "export")
    bulk_codes: Codes = ("$export",)


class FailedAccess(RuleSettings, frozen=True):
    """`failures` within `minutes`."""

    failures: Count = 10
    minutes: Minutes = 10


class EndedUser(QuietRuleSettings, frozen=True):
    """Events of a user after the last day, or before the first day, in the directory."""

    severity: Severity = "high"
    grace_hours: Annotated[int, msgspec.Meta(ge=0, le=24 * 31)] = 0


class ConsentDenied(QuietRuleSettings, frozen=True):
    """Access that the patient's consent does not permit, or no longer permits."""

    severity: Severity = "high"


class DetectionSettings(_Settings, frozen=True):
    """The settings of all rules; None disables a rule."""

    self_access: SelfAccess | None = SelfAccess()
    same_surname: SameSurname | None = SameSurname()
    same_household: SameHousehold | None = SameHousehold()
    no_encounter: NoEncounter | None = NoEncounter()
    break_the_glass: BreakTheGlass | None = BreakTheGlass()
    access_spike: AccessSpike | None = AccessSpike()
    after_hours: AfterHours | None = AfterHours()
    bulk_access: BulkAccess | None = BulkAccess()
    failed_access: FailedAccess | None = FailedAccess()
    ended_user: EndedUser | None = EndedUser()
    consent_denied: ConsentDenied | None = ConsentDenied()


# msgspec's messages: expected types, bounds and a path, before any content.
_EXPECTED: Final = re.compile(r"Expected (.*?)(?:, got .*?)?(?: - at `\$(\.?.*)`)?", re.DOTALL)
_PLACE: Final = re.compile(r".* - at `\$(\.?.*)`", re.DOTALL)


def read_settings(value: Any) -> DetectionSettings:
    """Return the settings in decoded JSON; raise FormatError with place and expectation."""
    try:
        return msgspec.convert(value, DetectionSettings)
    except msgspec.ValidationError as error:
        expected = _EXPECTED.fullmatch(str(error))
        if expected is not None:
            where, what = expected[2] or "", f"{expected[1]} expected"
        elif str(error).startswith("Object contains unknown field"):
            where, what = _place(error), "a member that is no setting"
        elif str(error).startswith("Invalid enum value"):
            where, what = _place(error), "low, medium or high expected"
        else:  # errors of the checks in this module
            where, what = _place(error), str(error).partition(" - at `")[0]
        raise FormatError(f"detections{where}: {what.replace('`', '')}") from None


def _place(error: Exception) -> str:
    match = _PLACE.fullmatch(str(error))
    return match[1] if match else ""
