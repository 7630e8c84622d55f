"""Accountings of disclosures, recounted from the plain JSON of samples and of random days."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.accounting import (
    Accounting,
    AccountingSettings,
    account_disclosures,
    accounting_document,
)
from audit_ledger.reports.codes import DISCLOSURES
from audit_ledger.reports.document import Period
from audit_ledger.reports.exclusions import (
    AUTHORIZATION,
    BEFORE_COMPLIANCE,
    CORRECTIONAL,
    EXCLUSIONS,
    INCIDENTAL,
    LIMITED_DATA_SET,
    NATIONAL_SECURITY,
    Exclusion,
)
from audit_ledger.reports.html import to_html
from audit_ledger.reports.rendering import to_csv, to_json
from audit_ledger.reports.suspension import Suspension
from audit_ledger.reports.time_zone import UTC_ZONE, Zone, read_zone
from tests.builders.audit_event import (
    ACT_REASON,
    DESTINATION,
    NHIN,
    audit_event_samples,
    disclosure,
    patient_entity,
    purpose,
    r4,
)
from tests.builders.opened_event import ms, opened, opened_sample
from tests.builders.random_day import random_day
from tests.reports.covers import cover

ALWAYS = Period(ms("1990-01-01T00:00:00Z"), ms("2030-01-01T00:00:00Z"))
EARLY = "1996-01-01T00:00:00Z"  # of a request whose six years begin with ALWAYS
MADE = ms("2026-12-01T00:00:00Z")
DEFAULTS = AccountingSettings()


def with_counts(
    events: list[OpenedEvent],
    settings: AccountingSettings = DEFAULTS,
    *,
    period: Period = ALWAYS,
    requested: str = EARLY,
    made_ms: int = MADE,
    zone: Zone = UTC_ZONE,
) -> tuple[Accounting, list[int]]:
    """Return what the patient receives, and how many lines each suspension in force hides."""
    accounting, suspended = account_disclosures(
        events,
        settings,
        period=period,
        requested_ms=ms(requested),
        made_ms=made_ms,
        zone=zone,
    )
    assert all(each.suspension in settings.suspensions for each in suspended)
    return accounting, [each.number for each in suspended]


def accounted(events: list[OpenedEvent], *settings: AccountingSettings, **how: Any) -> Accounting:
    """Return what the patient receives."""
    return with_counts(events, *settings, **how)[0]


def counts(accounting: Accounting) -> dict[str, int]:
    """Return how many disclosures each exclusion left out, without zeros."""
    return {left.exclusion.key: left.number for left in accounting.left_out if left.number}


def is_disclosure(event: dict[str, Any]) -> bool:
    """Return whether a reader of the plain JSON of a sample takes it for a disclosure."""
    text = json.dumps([event.get(name) for name in ("type", "subtype", "category", "code")])
    return '"110106"' in text or "isclos" in text


def test_accounts_for_every_disclosure_among_the_samples(shared_dir: Path) -> None:
    """Recipient, address, purpose and time are those in the JSON of R4, R5 and BALP."""
    paths = audit_event_samples(shared_dir)
    expected = {}
    for seq, path in enumerate(paths):
        event = json.loads(path.read_bytes())
        if not is_disclosure(event):
            continue
        types = [json.dumps(agent.get("type")) for agent in event["agent"]]
        role = '"110152"' if any('"110152"' in type_ for type_ in types) else '"110154"'
        (agent,) = (a for a, t in zip(event["agent"], types, strict=True) if role in t)
        who = agent.get("who", {})
        purposes = event.get("purposeOfEvent") or event.get("authorization") or []
        codings = [coding for stated in purposes for coding in stated["coding"]]
        expected[seq] = (
            agent.get("name") or who.get("display") or who.get("reference"),
            agent.get("networkString") or agent.get("network", {}).get("address"),
            codings[0].get("display", "patient requested") if codings else None,
            ms(event["recorded"]),
        )
    assert len(expected) == 8  # R4: disclosure and media; R5: disclosure; BALP: five
    accounting = accounted([opened_sample(path, seq) for seq, path in enumerate(paths)])
    lines = {
        seq: (line.recipient, line.address, line.purpose, line.time_ms)
        for line in accounting.disclosures
        for seq in line.entries
    }
    assert lines == expected
    assert counts(accounting) == {}
    assert accounting.other_events == len(paths) - len(expected)
    assert accounting.entries == len(paths)


DATA = "data about Everthing important"  # codespell:ignore


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "r4/AuditEvent-example-disclosure.json",
            ("Namne of What", DATA),  # codespell:ignore
        ),
        ("r5/auditevent-example-disclosure.json", (DATA,)),
        (
            "balp-1.1.4/AuditEvent-ex-auditPrivacyDisclosure-measurereport.json",
            ("reports on quality of care", "MeasureReport/ex-measurereport"),
        ),
        (
            "balp-1.1.4/AuditEvent-ex-auditPrivacyDisclosure-source.json",
            ("documents", "DocumentReference/ex-documentreference"),
        ),
    ],
)
def test_description_contains_the_words_of_the_event(
    shared_dir: Path, name: str, words: tuple[str, ...]
) -> None:
    """R4 by name and description, R5 by display, BALP by reference only."""
    (line,) = accounted([opened_sample(shared_dir / "samples" / name)]).disclosures
    assert all(word in line.what for word in words)


def by(exclusion: Exclusion, **how: Any) -> AccountingSettings:
    """Return settings in which one exclusion is recognised in another way."""
    changed = msgspec.structs.replace(exclusion, **how)
    return AccountingSettings(
        exclusions=tuple(changed if e is exclusion else e for e in EXCLUSIONS)
    )


TO_AGENCY = "reference|Organization/agency"
READ = r4(
    agent=[{"who": {"reference": "Practitioner/doc"}, "requestor": True}],
    entity=[patient_entity("Patient/1")],
)
COMPLIANCE = by(BEFORE_COMPLIANCE, until_ms=ms("2026-04-14T00:00:00Z"))
CASES: dict[str, tuple[dict[str, Any], AccountingSettings]] = {
    "treatment": (disclosure(purposes=("TREAT",)), DEFAULTS),
    "payment": (disclosure(purposes=("HPAYMT",)), DEFAULTS),
    "operations": (disclosure(purposes=("HOPERAT",)), DEFAULTS),
    "individual": (disclosure(to="Patient/1", purposes=("PATRQT",)), DEFAULTS),
    "incidental": (
        disclosure(subtype=[{"system": "urn:x", "code": "incidental"}]),
        by(INCIDENTAL, kinds=frozenset({("urn:x", "incidental")})),
    ),
    "authorization": (
        disclosure(purposes=("HMARKT",)),
        by(AUTHORIZATION, purposes=frozenset({(ACT_REASON, "HMARKT")})),
    ),
    "directory": (disclosure(purposeOfEvent=[purpose("DIRECTORY", NHIN)]), DEFAULTS),
    "national_security": (disclosure(), by(NATIONAL_SECURITY, recipients=frozenset({TO_AGENCY}))),
    "correctional": (disclosure(), by(CORRECTIONAL, recipients=frozenset({TO_AGENCY}))),
    "limited_data_set": (
        disclosure(purposes=("HRESCH",)),
        by(LIMITED_DATA_SET, purposes=frozenset({(ACT_REASON, "HRESCH")})),
    ),
    "before_compliance": (disclosure("2026-04-13T23:59:59.999Z"), COMPLIANCE),
}


def test_cases_cover_every_exclusion() -> None:
    """They are those of 164.528(a)(1)."""
    assert [exclusion.key for exclusion in EXCLUSIONS] == list(CASES)


@pytest.mark.parametrize("key", CASES)
def test_exclusion_omits_and_counts_its_disclosures(key: str) -> None:
    """Without the exclusion, the same disclosure is accounted for."""
    event, settings = CASES[key]
    accounting = accounted([opened(event)], settings)
    assert accounting.disclosures == ()
    assert counts(accounting) == {key: 1}
    without = tuple(e for e in settings.exclusions if e.key != key)
    off = accounted([opened(event)], msgspec.structs.replace(settings, exclusions=without))
    assert len(off.disclosures) == 1
    assert counts(off) == {}
    assert [left.exclusion for left in off.left_out] == list(without)


def test_code_system_has_several_names() -> None:
    """The OID of v3-ActReason stands for v3-ActReason."""
    event = disclosure(purposeOfEvent=[purpose("TREAT", "urn:oid:2.16.840.1.113883.5.8")])
    assert counts(accounted([opened(event)])) == {"treatment": 1}


@pytest.mark.parametrize(
    "event",
    [
        disclosure(),
        disclosure(purposes=("TREAT", "HMARKT")),
        disclosure(purposes=("PATRQT",)),
        disclosure(purposes=("HLEGAL",)),
        disclosure(purposes=("CLINTRL",)),
        disclosure(purposes=("GOV",)),
        disclosure(purposeOfEvent=[purpose("TREAT", "urn:other")]),
        disclosure(purposeOfEvent=[purpose("treat")]),
        disclosure(purposeOfEvent=[purpose("TREAT"), {"text": "sold to a data broker"}]),
        disclosure(purposeOfEvent=[purpose("TREAT"), {"coding": [{"display": "marketing"}]}]),
        disclosure(to="Patient/2", purposes=("PATRQT",)),
        disclosure("2026-04-14T00:00:00Z"),
    ],
)
def test_accounts_for_what_is_not_clearly_excluded(event: dict[str, Any]) -> None:
    """No purpose, a second purpose, also in words, a similar code, another patient."""
    accounting = accounted([opened(event)], COMPLIANCE)
    assert len(accounting.disclosures) == 1
    assert counts(accounting) == {}


def test_purposes_of_agents_count_like_those_of_the_event() -> None:
    """BALP's tokens state them there; a purpose without a code is shown as written."""
    event = disclosure()
    event["agent"][0]["purposeOfUse"] = [purpose("TREAT")]
    assert counts(accounted([opened(event)])) == {"treatment": 1}
    event["purposeOfEvent"] = [purpose("PATRQT"), {"text": "sold to a data broker"}]
    event["agent"][1]["purposeOfUse"] = [purpose("HMARKT")]
    (line,) = accounted([opened(event)]).disclosures
    assert line.purpose == (
        "patient requested; sold to a data broker; treatment; healthcare marketing"
    )


def test_accounts_for_a_disclosure_without_a_recorded_recipient() -> None:
    """A line without a name is better than none."""
    (line,) = accounted([opened(disclosure(to=None))]).disclosures
    assert (line.recipient, line.address, line.number) == (None, None, 1)


def test_information_recipient_takes_precedence_over_a_machine() -> None:
    """IRCP names the person; 110152 may be that person's computer."""
    participation = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
    event = disclosure()
    event["agent"].append(
        {
            "type": {"coding": [{"system": participation, "code": "IRCP"}]},
            "who": {"display": "Prof. Else"},
            "requestor": False,
        }
    )
    (line,) = accounted([opened(event)]).disclosures
    assert line.recipient == "Prof. Else"


def test_each_recipient_is_a_disclosure() -> None:
    """There are two recipients, one of whom is the patient."""
    event = disclosure(purposes=("PATRQT",))
    event["agent"].append({"type": DESTINATION, "who": {"reference": "Patient/1"}})
    accounting = accounted([opened(event, 5)])
    assert [line.recipient for line in accounting.disclosures] == ["The agency"]
    assert counts(accounting) == {"individual": 1}
    assert accounting.entries == 1


@pytest.mark.parametrize("elements", [{}, {"network": {"address": "198.51.100.9"}}])
def test_recipient_named_twice_is_one(elements: dict[str, Any]) -> None:
    """The same agent twice, or two computers of one agency."""
    event = disclosure()
    event["agent"].append({**event["agent"][1], **elements})
    assert [line.number for line in accounted([opened(event)]).disclosures] == [1]


@pytest.mark.parametrize("render", [to_json, to_csv, to_html])
def test_accounting_by_day_reveals_no_time(render: Callable[..., bytes]) -> None:
    """No time of day, no entry number, and no sum of entries that a narrower period would move."""
    events = [
        opened(disclosure(f"2026-11-2{n}T05:59:07.123Z", purposes=("PUBHLTH",)), 7_000 + n)
        for n in range(2)
    ]
    accounting = accounted([*events, opened(READ, 7_777)])
    text = render(accounting_document(accounting, cover(), day_only=True)).decode()
    for shown in ("2026-11-20", "2026-11-21"):
        assert shown in text
    hidden = "05:59 59:07 700 7,00 7,777 7777 other_entries"
    assert not any(word in text for word in (*hidden.split(), "other kinds"))
    assert "05:59" in render(accounting_document(accounting, cover())).decode()


def test_settings_may_widen_what_a_disclosure_is() -> None:
    """For example to any read through a portal's interface for others."""
    rest = ("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest")
    event = disclosure(type={"system": rest[0], "code": rest[1]})
    assert accounted([opened(event)]).other_events == 1
    wider = AccountingSettings(disclosures=DISCLOSURES | {rest})
    assert len(accounted([opened(event)], wider).disclosures) == 1


def test_failed_disclosure_is_marked_as_failed() -> None:
    """It is accounted for, because something may have arrived."""
    accounting = accounted([opened(disclosure(outcome="8"))])
    assert [line.failed for line in accounting.disclosures] == [True]
    document = accounting_document(accounting, cover())
    assert "(recorded as failed)" in to_json(document).decode()


def test_repeats_to_one_recipient_for_one_purpose_become_one_line() -> None:
    """164.528(b)(3): the first in full, the number, the date of the last."""
    events = [
        opened(
            disclosure(
                f"2026-11-{day:02}T12:00:00Z",
                purposes=("PUBHLTH",),
                entity=[patient_entity("Patient/1"), {"name": f"Letter {day}"}],
            ),
            seq=day,
        )
        for day in (9, 3, 27)
    ]
    (line,) = accounted(events).disclosures
    assert line.what == "Letter 3"
    assert (line.number, line.entries) == (3, (3, 9, 27))
    assert line.time_ms == ms("2026-11-03T12:00:00Z")
    assert line.last_ms == ms("2026-11-27T12:00:00Z")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (disclosure(purposes=("PUBHLTH",)), disclosure(purposes=("HRESCH",))),
        (disclosure(purposes=("PUBHLTH",)), disclosure(to="Organization/b", purposes=("PUBHLTH",))),
        (disclosure(), disclosure()),
        (disclosure(purposes=("HMARKT",)), disclosure(purposes=("HMARKT",))),
        (disclosure(purposes=("PUBHLTH", "HRESCH")), disclosure(purposes=("PUBHLTH", "HRESCH"))),
        (disclosure(to=None, purposes=("PUBHLTH",)), disclosure(to=None, purposes=("PUBHLTH",))),
        (disclosure(purposes=("PUBHLTH",)), disclosure(purposes=("PUBHLTH",), outcome="12")),
    ],
)
def test_other_disclosures_are_not_summarised(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two purposes, two recipients, no single purpose of 164.512, no recipient, a failure."""
    accounting = accounted([opened(one, 1), opened(other, 2)])
    assert [line.entries for line in accounting.disclosures] == [(1,), (2,)]


@pytest.mark.parametrize(
    ("requested", "zone", "first"),
    [
        ("2026-12-01T15:00:00Z", "UTC", "2020-12-01T00:00:00Z"),
        ("2026-12-01T23:30:00Z", "Europe/Berlin", "2020-12-01T23:00:00Z"),
        ("2024-02-29T12:00:00Z", "UTC", "2018-02-28T00:00:00Z"),
    ],
)
def test_covers_six_years_before_the_request(requested: str, zone: str, first: str) -> None:
    """They begin with that day in the zone; earlier disclosures are counted as outside."""
    early = datetime.fromtimestamp(ms(first) / 1000 - 0.001).astimezone().isoformat()
    events = [opened(disclosure(first), 1), opened(disclosure(early), 2)]
    accounting = accounted(events, requested=requested, zone=read_zone(zone))
    assert accounting.period == Period(ms(first), ALWAYS.to_ms)
    assert [line.entries for line in accounting.disclosures] == [(1,)]
    assert accounting.outside == 1


def test_rejects_a_period_without_length() -> None:
    """A period ends after it starts."""
    assert Period(5, 6).to_ms == 6
    for end in (5, 4):
        with pytest.raises(FormatError, match=r"^period: it does not end after it starts$"):
            Period(5, end)


def test_patient_may_request_a_shorter_period() -> None:
    """164.528(a)(3); its end is not included."""
    period = Period(ms("2026-11-01T00:00:00Z"), ms("2026-12-01T00:00:00Z"))
    times = ("2026-10-31T23:59:59.999Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    events = [opened(disclosure(time), seq) for seq, time in enumerate(times)]
    accounting = accounted(events, period=period, requested="2026-12-01T00:00:00Z")
    assert accounting.period == period
    assert [line.entries for line in accounting.disclosures] == [(1,)]
    assert accounting.outside == 2


def test_period_before_the_six_years_is_empty() -> None:
    """The document states that nothing is covered."""
    period = Period(ms("2010-01-01T00:00:00Z"), ms("2011-01-01T00:00:00Z"))
    accounting = accounted([opened(disclosure())], period=period, requested="2026-12-01T00:00:00Z")
    assert (accounting.period, accounting.disclosures, accounting.outside) == (None, (), 1)
    assert json.loads(to_json(accounting_document(accounting, cover())))["covered_from"] is None


def suspended(recipient: str, until_ms: int = MADE + 1) -> AccountingSettings:
    """Return settings with a written statement about one recipient."""
    statement = Suspension(
        agency="Bureau", recipients=frozenset({recipient}), from_ms=MADE - 1000, until_ms=until_ms
    )
    return AccountingSettings(suspensions=(statement,))


@given(seed=st.integers(0, 2**32))
def test_suspended_disclosures_leave_no_trace(seed: int) -> None:
    """The documents are, byte for byte, those of a ledger without them."""
    events = [opened(event, seq) for seq, event in enumerate(random_day(seed, 60))]
    hidden, numbers = with_counts(events, suspended("reference|Organization/lab"))
    others = [event for event in events if b"Organization/lab" not in event.resource]
    without = accounted(others)
    assert hidden == without
    documents = [accounting_document(accounting, cover()) for accounting in (hidden, without)]
    for render in (to_json, to_csv, to_html):
        assert render(documents[0]) == render(documents[1])
    assert numbers == [len(events) - len(others)]


def test_suspension_hides_one_recipient_of_several() -> None:
    """The other recipient's line contains nothing of the first."""
    event = disclosure(purposes=("PUBHLTH",))
    event["agent"].append(
        {
            "type": DESTINATION,
            "who": {"reference": "Organization/bureau"},
            "purposeOfUse": [purpose("LAW", NHIN)],
        }
    )
    accounting = accounted([opened(event)], suspended("reference|Organization/bureau"))
    assert accounting == accounted([opened(disclosure(purposes=("PUBHLTH",)))])


@pytest.mark.parametrize("document", [disclosure(), READ])
def test_suspended_agent_that_is_no_recipient_hides_the_whole_event(
    document: dict[str, Any],
) -> None:
    """An official requested a disclosure or a read: only the privacy office sees the count."""
    event = {**document, "agent": [{"who": {"display": "Agent Smith"}}, *document["agent"][1:]]}
    hidden, numbers = with_counts([opened(event)], suspended("display|Agent Smith"))
    assert hidden == accounted([])
    assert numbers == [1]


def test_suspension_ends() -> None:
    """The patient sees the disclosure from then on."""
    settings = suspended(TO_AGENCY)
    hidden, numbers = with_counts([opened(disclosure(), 4)], settings)
    assert (hidden.disclosures, numbers) == ((), [1])
    later = accounted([opened(disclosure(), 4)], settings, made_ms=MADE + 1)
    assert [line.entries for line in later.disclosures] == [(4,)]


def test_oral_statement_is_valid_for_thirty_days() -> None:
    """164.528(a)(2)(ii)(C); every statement names a recipient and ends after it starts."""
    thirty_days = 30 * 86_400_000
    stated: dict[str, Any] = {"agency": "B", "recipients": frozenset({"x"}), "from_ms": 0}
    assert Suspension(**stated, until_ms=thirty_days, oral=True).oral
    assert not Suspension(**stated, until_ms=thirty_days + 1).oral
    with pytest.raises(FormatError, match="30 days"):
        Suspension(**stated, until_ms=thirty_days + 1, oral=True)
    with pytest.raises(FormatError, match="end"):
        Suspension(**stated, until_ms=0)
    with pytest.raises(FormatError, match="no recipient"):
        Suspension(**stated | {"recipients": frozenset()}, until_ms=1)


@pytest.mark.parametrize("seed", range(3))
def test_accounting_of_a_random_day_equals_a_recount(seed: int) -> None:
    """Every disclosure of the plain JSON is in one line or in the count of one exclusion."""
    day = random_day(seed)
    excluded = {"TREAT": "treatment", "BTG": "treatment", "ETREAT": "treatment"}
    excluded["HPAYMT"] = "payment"
    left_out: dict[str, int] = {}
    single: dict[tuple[str, str], list[int]] = {}
    lines: list[tuple[int, ...]] = []
    others = 0
    for seq, event in enumerate(day):
        if event["type"]["code"] != "110106":
            others += 1
            continue
        codes = [p["coding"][0]["code"] for p in event.get("purposeOfEvent", ())]
        if codes and codes[0] in excluded:
            key = excluded[codes[0]]
            left_out[key] = left_out.get(key, 0) + 1
        elif (
            codes and codes[0] in ("HRESCH", "PUBHLTH") and event["outcome"] not in ("4", "8", "12")
        ):
            to = event["agent"][1]["who"]["reference"]
            single.setdefault((to, codes[0]), []).append(seq)
        else:
            lines.append((seq,))
    for seqs in single.values():
        lines.append(tuple(sorted(seqs, key=lambda seq: ms(day[seq]["recorded"]))))
    lines.sort(key=lambda seqs: ms(day[seqs[0]]["recorded"]))
    accounting = accounted([opened(event, seq) for seq, event in enumerate(day)])
    assert [line.entries for line in accounting.disclosures] == lines
    assert [line.number for line in accounting.disclosures] == [len(seqs) for seqs in lines]
    assert counts(accounting) == left_out
    assert (accounting.other_events, accounting.entries) == (others, len(day))


def test_reprs_contain_no_personal_data() -> None:
    """They may end up in logs."""
    accounting = accounted([opened(disclosure())])
    document = accounting_document(accounting, cover("Ada"))
    values = (accounting, suspended("display|Smith"), document, document.tables, document.facts)
    shown = repr((*values, cover("Ada")))
    assert not any(word in shown for word in ("agency", "Smith", "Ada", "192.0.2.7", "Letter"))
