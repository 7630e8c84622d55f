"""Accountings of disclosures, recounted from the plain JSON of samples and of made-up days."""

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
    KnownRecipient,
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
from audit_ledger.reports.suspension import Suspension, SuspensionCount
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
MADE = ms("2026-12-01T00:00:00Z")
EVERYTHING = AccountingSettings(years=None)


def accounted(
    events: list[OpenedEvent],
    settings: AccountingSettings = EVERYTHING,
    *,
    period: Period = ALWAYS,
    requested: str = "2026-12-01T00:00:00Z",
    made_ms: int = MADE,
    zone: Zone = UTC_ZONE,
) -> Accounting:
    """What the patient gets."""
    return account_disclosures(
        events,
        settings,
        period=period,
        requested_ms=ms(requested),
        made_ms=made_ms,
        zone=zone,
    )[0]


def counts(accounting: Accounting) -> dict[str, int]:
    """How many each exclusion left out, none left unsaid."""
    return {left.exclusion.key: left.number for left in accounting.left_out if left.number}


def is_disclosure(event: dict[str, Any]) -> bool:
    """Found in the plain JSON of a sample, not by code systems but by what a reader looks for."""
    text = json.dumps([event.get(name) for name in ("type", "subtype", "category", "code")])
    return '"110106"' in text or "isclos" in text


def test_every_published_disclosure_is_accounted_for(shared_dir: Path) -> None:
    """Recipient, address, purpose and day as the JSON of R4, R5 and BALP has them."""
    samples = [json.loads(path.read_bytes()) for path in audit_event_samples(shared_dir)]
    expected = {}
    for seq, event in enumerate(samples):
        if not is_disclosure(event):
            continue
        types = [json.dumps(agent.get("type")) for agent in event["agent"]]
        wanted = '"110152"' if any('"110152"' in type_ for type_ in types) else '"110154"'
        (agent,) = (a for a, t in zip(event["agent"], types, strict=True) if wanted in t)
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
    paths = audit_event_samples(shared_dir)
    accounting = accounted([opened_sample(path, seq) for seq, path in enumerate(paths)])
    found = {
        seq: (line.recipient, line.address, line.purpose, line.time_ms)
        for line in accounting.disclosures
        for seq in line.entries
    }
    assert found == expected
    assert counts(accounting) == {}
    assert accounting.other_events == len(paths) - len(expected)
    assert accounting.entries == len(paths)


def test_the_description_says_what_the_event_calls_it(shared_dir: Path) -> None:
    """R4 by name and description, R5 by display, BALP by reference only."""
    expected = {
        "r4/AuditEvent-example-disclosure.json": (
            "Namne of What",
            "data about Everthing important",
        ),
        "r5/auditevent-example-disclosure.json": ("data about Everthing important",),
        "balp-1.1.4/AuditEvent-ex-auditPrivacyDisclosure-measurereport.json": (
            "reports on quality of care",
            "MeasureReport/ex-measurereport",
        ),
        "balp-1.1.4/AuditEvent-ex-auditPrivacyDisclosure-source.json": (
            "documents",
            "DocumentReference/ex-documentreference",
        ),
    }
    for name, words in expected.items():
        (line,) = accounted([opened_sample(shared_dir / "samples" / name)]).disclosures
        assert all(word in line.what for word in words)


def by(exclusion: Exclusion, **how: Any) -> AccountingSettings:
    """Settings in which one exclusion is recognised in another way."""
    changed = msgspec.structs.replace(exclusion, **how)
    return AccountingSettings(
        years=None, exclusions=tuple(changed if e is exclusion else e for e in EXCLUSIONS)
    )


TO_AGENCY = "reference|Organization/agency"
READ = r4(
    agent=[{"who": {"reference": "Practitioner/doc"}, "requestor": True}],
    entity=[patient_entity("Patient/1")],
)
CASES: dict[str, tuple[dict[str, Any], AccountingSettings]] = {
    "treatment": (disclosure(purposes=("TREAT",)), EVERYTHING),
    "payment": (disclosure(purposes=("HPAYMT",)), EVERYTHING),
    "operations": (disclosure(purposes=("HOPERAT",)), EVERYTHING),
    "individual": (disclosure(to="Patient/1", purposes=("PATRQT",)), EVERYTHING),
    "incidental": (
        disclosure(subtype=[{"system": "urn:x", "code": "incidental"}]),
        by(INCIDENTAL, kinds=frozenset({("urn:x", "incidental")})),
    ),
    "authorization": (
        disclosure(purposes=("HMARKT",)),
        by(AUTHORIZATION, purposes=frozenset({(ACT_REASON, "HMARKT")})),
    ),
    "directory": (disclosure(purposeOfEvent=[purpose("DIRECTORY", NHIN)]), EVERYTHING),
    "national_security": (
        disclosure(),
        by(NATIONAL_SECURITY, recipients=frozenset({TO_AGENCY})),
    ),
    "correctional": (disclosure(), by(CORRECTIONAL, recipients=frozenset({TO_AGENCY}))),
    "limited_data_set": (
        disclosure(purposes=("HRESCH",)),
        by(LIMITED_DATA_SET, purposes=frozenset({(ACT_REASON, "HRESCH")})),
    ),
    "before_compliance": (
        disclosure("2026-04-13T23:59:59.999Z"),
        by(BEFORE_COMPLIANCE, until_ms=ms("2026-04-14T00:00:00Z")),
    ),
}


def test_there_is_a_case_for_every_exclusion() -> None:
    """Every one of 164.528(a)(1)."""
    assert [exclusion.key for exclusion in EXCLUSIONS] == list(CASES)


@pytest.mark.parametrize("key", CASES)
def test_each_exclusion_leaves_out_and_is_counted(key: str) -> None:
    """Switched off, the same disclosure is accounted for."""
    event, settings = CASES[key]
    accounting = accounted([opened(event)], settings)
    assert accounting.disclosures == ()
    assert counts(accounting) == {key: 1}
    without = tuple(e for e in settings.exclusions if e.key != key)
    off = accounted([opened(event)], msgspec.structs.replace(settings, exclusions=without))
    assert len(off.disclosures) == 1
    assert counts(off) == {}
    assert [left.exclusion for left in off.left_out] == list(without)


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
def test_what_is_not_clearly_excluded_is_accounted_for(event: dict[str, Any]) -> None:
    """No purpose, another beside it, also in words, one that only resembles, another patient."""
    settings = by(BEFORE_COMPLIANCE, until_ms=ms("2026-04-14T00:00:00Z"))
    accounting = accounted([opened(event)], settings)
    assert len(accounting.disclosures) == 1
    assert counts(accounting) == {}


def test_a_purpose_of_the_recipient_counts_too() -> None:
    """Treatment for the sender, marketing for the receiver: accounted for, with both."""
    event = disclosure(purposes=("TREAT",))
    event["agent"][1]["purposeOfUse"] = [purpose("HMARKT")]
    (line,) = accounted([opened(event)]).disclosures
    assert line.purpose == "treatment; healthcare marketing"


def test_a_purpose_of_who_asked_counts_too() -> None:
    """BALP's tokens state it there: alone it excludes, beside another it does not."""
    event = disclosure()
    event["agent"][0]["purposeOfUse"] = [purpose("TREAT")]
    assert counts(accounted([opened(event)])) == {"treatment": 1}
    event["purposeOfEvent"] = [purpose("PATRQT")]
    (line,) = accounted([opened(event)]).disclosures
    assert line.purpose == "patient requested; treatment"


def test_code_systems_go_by_their_other_names() -> None:
    """The OID of v3-ActReason is v3-ActReason."""
    event = disclosure(purposeOfEvent=[purpose("TREAT", "urn:oid:2.16.840.1.113883.5.8")])
    assert counts(accounted([opened(event)])) == {"treatment": 1}


def test_a_recipient_not_recorded_is_accounted_for() -> None:
    """Better a line without a name than none."""
    (line,) = accounted([opened(disclosure(to=None))]).disclosures
    assert (line.recipient, line.address, line.number) == (None, None, 1)


def test_an_information_recipient_comes_before_a_machine() -> None:
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
    """Two recipients, one of whom is the patient."""
    event = disclosure(purposes=("PATRQT",))
    event["agent"].append({"type": DESTINATION, "who": {"reference": "Patient/1"}})
    accounting = accounted([opened(event, 5)])
    assert [line.recipient for line in accounting.disclosures] == ["The agency"]
    assert counts(accounting) == {"individual": 1}
    assert accounting.entries == 1


def test_a_recipient_named_twice_is_one() -> None:
    """The same agent, written down twice."""
    event = disclosure()
    event["agent"].append(event["agent"][1])
    assert [line.number for line in accounted([opened(event)]).disclosures] == [1]


def test_a_recipient_with_two_addresses_is_one() -> None:
    """Two computers of one agency: one disclosure."""
    event = disclosure()
    event["agent"].append({**event["agent"][1], "network": {"address": "198.51.100.9"}})
    assert [line.number for line in accounted([opened(event)]).disclosures] == [1]


def test_a_purpose_in_words_is_shown() -> None:
    """As it was written, beside what codes say."""
    stated = [purpose("TREAT"), {"text": "sold to a data broker"}]
    (line,) = accounted([opened(disclosure(purposeOfEvent=stated))]).disclosures
    assert line.purpose == "treatment; sold to a data broker"


@pytest.mark.parametrize("render", [to_json, to_csv, to_html])
def test_where_days_are_shown_nothing_tells_a_time(render: Callable[..., bytes]) -> None:
    """No time of day, no entry number, and no sum of entries that a narrower period would move."""
    events = [
        opened(disclosure(f"2026-11-2{n}T05:59:07.123Z", purposes=("PUBHLTH",)), 7_000 + n)
        for n in range(2)
    ]
    accounting = accounted([*events, opened(READ, 7_777)])
    text = render(accounting_document(accounting, cover(), day_only=True)).decode()
    for told in ("2026-11-20", "2026-11-21"):
        assert told in text
    for hidden in (
        "05:59",
        "59:07",
        "700",
        "7,00",
        "7,777",
        "7777",
        "other_entries",
        "other kinds",
    ):
        assert hidden not in text
    assert "05:59" in render(accounting_document(accounting, cover())).decode()


def test_what_is_suspended_is_in_no_count_of_other_events() -> None:
    """An official who only read the record: the entry is not counted, but for the office."""
    event = {**READ, "agent": [*READ["agent"], {"who": {"reference": "Organization/agency"}}]}
    settings = AccountingSettings(years=None, suspensions=(suspension(TO_AGENCY),))
    found, suspended = account_disclosures(
        [opened(event)], settings, period=ALWAYS, requested_ms=MADE, made_ms=MADE, zone=UTC_ZONE
    )
    assert found == accounted([])
    assert [each.number for each in suspended] == [1]


def test_what_the_hospital_knows_of_a_recipient_replaces_what_the_event_says() -> None:
    """A postal address for a computer's."""
    known = {TO_AGENCY: KnownRecipient("State Agency", "1 Main Street, Springfield")}
    settings = AccountingSettings(years=None, known_recipients=known)
    (line,) = accounted([opened(disclosure())], settings).disclosures
    assert (line.recipient, line.address) == ("State Agency", "1 Main Street, Springfield")


def test_a_setting_widens_what_a_disclosure_is() -> None:
    """Any read through the portal's interface to others, say."""
    rest = ("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest")
    event = disclosure(type={"system": rest[0], "code": rest[1]})
    assert accounted([opened(event)]).other_events == 1
    wider = AccountingSettings(years=None, disclosures=DISCLOSURES | {rest})
    assert len(accounted([opened(event)], wider).disclosures) == 1


def test_a_failed_disclosure_is_accounted_for_and_says_so() -> None:
    """Something may have arrived all the same."""
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
    single = AccountingSettings(years=None, summarised=frozenset())
    assert [one.number for one in accounted(events, single).disclosures] == [1, 1, 1]


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
def test_nothing_else_is_summarised(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two purposes, two recipients, no single purpose of 164.512, nobody known, one that failed."""
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
def test_six_years_before_the_request_are_covered(requested: str, zone: str, first: str) -> None:
    """From the start of that day in the zone; earlier is counted as outside."""
    chosen = UTC_ZONE if zone == "UTC" else read_zone(zone)
    early = datetime.fromtimestamp(ms(first) / 1000 - 0.001).astimezone().isoformat()
    events = [opened(disclosure(first), 1), opened(disclosure(early), 2)]
    accounting = accounted(events, AccountingSettings(), requested=requested, zone=chosen)
    assert accounting.period == Period(ms(first), ALWAYS.to_ms)
    assert [line.entries for line in accounting.disclosures] == [(1,)]
    assert accounting.outside == 1


def test_a_period_has_a_length() -> None:
    """One that ends when it starts holds nothing, which nobody can have meant."""
    assert Period(5, 6).to_ms == 6
    for end in (5, 4):
        with pytest.raises(FormatError, match=r"^period: it does not end after it starts$"):
            Period(5, end)


def test_a_shorter_period_is_the_patients_choice() -> None:
    """164.528(a)(3); its end is not included."""
    period = Period(ms("2026-11-01T00:00:00Z"), ms("2026-12-01T00:00:00Z"))
    times = ("2026-10-31T23:59:59.999Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    events = [opened(disclosure(time), seq) for seq, time in enumerate(times)]
    accounting = accounted(events, AccountingSettings(), period=period)
    assert accounting.period == period
    assert [line.entries for line in accounting.disclosures] == [(1,)]
    assert accounting.outside == 2


def test_a_period_wholly_before_six_years_covers_nothing() -> None:
    """And the document says so rather than fail."""
    period = Period(ms("2010-01-01T00:00:00Z"), ms("2011-01-01T00:00:00Z"))
    accounting = accounted([opened(disclosure())], AccountingSettings(), period=period)
    assert (accounting.period, accounting.disclosures, accounting.outside) == (None, (), 1)
    assert json.loads(to_json(accounting_document(accounting, cover())))["covered_from"] is None


def suspension(recipient: str, until_ms: int = MADE + 1, from_ms: int = MADE - 1000) -> Suspension:
    """A written statement about one recipient."""
    return Suspension(
        agency="Bureau", recipients=frozenset({recipient}), from_ms=from_ms, until_ms=until_ms
    )


@given(seed=st.integers(0, 2**32))
def test_what_is_suspended_leaves_no_trace(seed: int) -> None:
    """The patient gets, byte for byte, what there would be had it never happened."""
    events = [opened(event, seq) for seq, event in enumerate(random_day(seed, 60))]
    settings = AccountingSettings(
        years=None, suspensions=(suspension("reference|Organization/lab"),)
    )
    with_it, suspended = account_disclosures(
        events, settings, period=ALWAYS, requested_ms=MADE, made_ms=MADE, zone=UTC_ZONE
    )
    never = [event for event in events if b"Organization/lab" not in event.resource]
    without = accounted(never)
    assert with_it == without
    documents = [accounting_document(found, cover()) for found in (with_it, without)]
    for render in (to_json, to_csv, to_html):
        assert render(documents[0]) == render(documents[1])
    assert [s.number for s in suspended] == [len(events) - len(never)]


def test_a_suspension_hides_one_recipient_of_several() -> None:
    """The other's line stays, and knows nothing of the first."""
    event = disclosure(purposes=("PUBHLTH",))
    event["agent"].append(
        {
            "type": DESTINATION,
            "who": {"reference": "Organization/bureau"},
            "purposeOfUse": [purpose("LAW", NHIN)],
        }
    )
    settings = AccountingSettings(
        years=None, suspensions=(suspension("reference|Organization/bureau"),)
    )
    accounting = accounted([opened(event)], settings)
    alone = accounted([opened(disclosure(purposes=("PUBHLTH",)))])
    assert accounting == alone


def test_a_suspended_official_who_is_no_recipient_hides_all_of_the_event() -> None:
    """The official asked, a machine received."""
    event = disclosure()
    event["agent"][0]["who"] = {"display": "Agent Smith"}
    settings = AccountingSettings(years=None, suspensions=(suspension("display|Agent Smith"),))
    assert accounted([opened(event)], settings) == accounted([])


def test_a_suspension_ends() -> None:
    """From then on the patient sees it."""
    events = [opened(disclosure(), 4)]
    stated = suspension(TO_AGENCY)
    settings = AccountingSettings(years=None, suspensions=(stated,))
    hidden = account_disclosures(
        events, settings, period=ALWAYS, requested_ms=MADE, made_ms=MADE, zone=UTC_ZONE
    )
    assert hidden[0].disclosures == ()
    assert hidden[1] == (SuspensionCount(stated, 1),)
    later = accounted(events, settings, made_ms=stated.until_ms)
    assert [line.entries for line in later.disclosures] == [(4,)]


def test_an_oral_statement_holds_for_thirty_days() -> None:
    """164.528(a)(2)(ii)(C); and a statement names someone and lasts some time."""
    thirty_days = 30 * 86_400_000
    stated: dict[str, Any] = {"agency": "B", "recipients": frozenset({"x"}), "from_ms": 0}
    assert Suspension(**stated, until_ms=thirty_days, oral=True).oral
    assert not Suspension(**stated, until_ms=thirty_days + 1).oral
    with pytest.raises(FormatError, match="30 days"):
        Suspension(**stated, until_ms=thirty_days + 1, oral=True)
    with pytest.raises(FormatError, match="end"):
        Suspension(**stated, until_ms=0)
    with pytest.raises(FormatError, match="no recipient"):
        Suspension(agency="B", recipients=frozenset(), from_ms=0, until_ms=1)


@pytest.mark.parametrize("seed", range(5))
def test_a_made_up_day_recounted(seed: int) -> None:
    """Every disclosure of the plain JSON once: in a line, or in the count of an exclusion."""
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


def test_no_repr_tells_anything() -> None:
    """They end up in logs."""
    accounting = accounted([opened(disclosure())])
    settings = AccountingSettings(
        suspensions=(suspension("display|Smith"),),
        known_recipients={"display|Smith": KnownRecipient("Smith")},
    )
    document = accounting_document(accounting, cover("Ada"))
    shown = repr((accounting, settings, document, document.tables, document.facts, cover("Ada")))
    assert not any(word in shown for word in ("agency", "Smith", "Ada", "192.0.2.7", "Letter"))
