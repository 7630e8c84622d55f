"""The report settings of a ledger: time zone, patients' view, accounting of disclosures.

The text values are parsed where reports are made; the infrastructure validates them first.
"""

import msgspec

from audit_ledger.private_repr import PrivateRepr


class ExclusionSettings(
    PrivateRepr,
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """What an exclusion leaves out of an accounting in addition to its own criteria.

    `purposes`, `kinds`: codes, `system|code`; `recipients`: `reference|Organization/1`,
    `identifier|<system>|<value>`; `until`: all disclosures before that instant.
    """

    purposes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    until: str | None = None


class SuspensionSettings(
    PrivateRepr,
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """Suspension of a patient's right to an accounting, as an agency requested it.

    It applies from `from` until before `until`, both instants. Patients are never shown it.
    """

    agency: str
    recipients: tuple[str, ...]
    begin: str = msgspec.field(name="from")
    until: str
    oral: bool = False


class ReportSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The report settings of a ledger.

    `zone`: of days, and of times unless a request names another; `day_only`, `role_only`: what
    patients see of others' accesses; `disclosures`: codes that make an event a disclosure, None for
    the usual ones; `exclusions`: by their key.
    """

    zone: str = "UTC"
    day_only: bool = False
    role_only: bool = False
    disclosures: tuple[str, ...] | None = None
    exclusions: dict[str, ExclusionSettings] = {}
    suspensions: tuple[SuspensionSettings, ...] = ()
