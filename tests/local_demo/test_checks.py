"""A day of which something did not hold does not pass for one that did."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from infra.local.cloud import LocalCloud
from infra.local.demo.checks import faults, resent_entries
from infra.local.demo.figures import Figures
from infra.local.demo.posting import accepted_events
from infra.local.hospital import Submission, hospital_day, tally
from infra.local.meter import Usage
from infra.local.queue_pump import Batch

DAY = list(hospital_day(3, 400, day=datetime.now(UTC).date(), resent_per_mille=100))


def figures(ledger_id: str) -> Figures:
    """The figures of a ledger of which everything held."""
    wanted = tally(DAY)[ledger_id]
    again = sum(
        next(f for f in DAY if f.body == s.body and f.portal == s.portal).new_entries
        for s in DAY
        if s.is_resent and s.ledger == ledger_id
    )
    return Figures(
        name=ledger_id,
        events=wanted.events,
        entries=wanted.entries + 1,
        control_entries=1,
        blocks=3,
        digests=2,
        duplicates=again,
        lost_races=0,
        batches=3,
        sequencer_calls=20,
        used=Usage({}, {}),
    )


GOOD = [figures("st-elsewhere"), figures("riverside-lab")]


def cloud(*refusals: object) -> LocalCloud:
    permissions = SimpleNamespace(refusals=list(refusals))
    return cast(LocalCloud, SimpleNamespace(permissions=permissions))


def test_a_day_that_held_has_no_faults() -> None:
    assert sum(resent_entries(DAY).values()) > 0
    assert list(faults(DAY, GOOD, cloud(), [Batch(("a", "b"), frozenset())])) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"events": 7}, "st-elsewhere: events accepted: 7, expected "),
        ({"entries": 7}, "st-elsewhere: entries of events: 6, expected "),
        ({"control_entries": 2}, "st-elsewhere: control entries: 2, expected 1"),
        ({"duplicates": 0}, "st-elsewhere: resent records left out: 0, expected "),
    ],
)
def test_each_figure_that_differs_is_said(change: dict[str, Any], said: str) -> None:
    wrong = replace(GOOD[0], **change)
    assert any(fault.startswith(said) for fault in faults(DAY, [wrong, GOOD[1]], cloud(), []))


def test_a_failed_message_and_a_refused_call_are_said() -> None:
    batches = [Batch(("a", "b"), frozenset({"b"}))]
    found = list(faults(DAY, GOOD, cloud("a refusal"), batches))
    assert found == [
        "queues: messages that failed: 1, expected 0",
        "roles: calls refused for want of permission: 1, expected 0",
    ]


def sent(how: str) -> Submission:
    return next(s for s in DAY if s.how == how)


@pytest.mark.parametrize(
    ("how", "status", "body", "accepted"),
    [
        ("audit-event", 201, b"", 1),
        ("audit-event", 500, b'{"message":"Internal Server Error"}', 0),
        ("cloudevents-batch", 202, b'{"accepted":3,"ids":[]}', 3),
        (
            "bundle-batch",
            200,
            b'{"entry":[{"response":{"status":"201"}},{"response":{"status":"422"}}]}',
            1,
        ),
        ("bundle-transaction", 422, b"{}", 0),
    ],
)
def test_only_what_the_answer_says_counts_as_accepted(
    how: str, status: int, body: bytes, accepted: int
) -> None:
    assert accepted_events(sent(how), status, body) == accepted
