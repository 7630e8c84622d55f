"""Whoever may take from a ledger's queue and send to it alters nothing that readers believe.

Everything verifies then, for the entries are what was committed: only who opens records can tell.
"""

import json

import pytest

from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.detections.finding import PublicFinding
from audit_ledger.detections.settings import DetectionSettings
from audit_ledger.detections.staff_directory import Directory
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.policy_file import policy_for
from functions.follower.follow import Follower
from functions.follower.run_state import FollowResult
from functions.ingest import handler as ingest
from functions.publisher import handler as publishing
from tests.attacks.asking import (
    CONTEXT,
    EVENTS,
    Asked,
    accepted,
    appended,
    event,
    ledger_of,
)
from tests.attacks.cases_queue import (
    ALTERED,
    AS_SENT,
    BEGIN,
    END,
    GONE,
    QUEUE_ROWS,
    REFUSED,
    QueueRow,
    written_queue,
)
from tests.attacks.matrix import DOCUMENT
from tests.functions.publishing import Clock
from tests.functions.requests import post
from tests.verify.writer import Objects
from tests.world import NAME, ORIGIN, World


def followed(world: World, clock: Clock) -> tuple[FollowResult, list[PublicFinding]]:
    """Follow to the end; gives what the bus was told too."""
    told: list[PublicFinding] = []
    ledger = ledger_of(world)
    follower = Follower(
        ledger,
        ViewsTable(world.dynamodb, f"{NAME}-views", ORIGIN),
        Directory(),
        DetectionSettings(),
        told.extend,
        lambda: int(clock.time()) + 60,
        lambda: None,
    )
    state = ledger.state.published()
    assert state is not None
    return follower.follow(state.size), told


def expected_entries(row: QueueRow) -> int:
    """What is in the ledger then, without its creation."""
    if row.outcome == REFUSED:
        return 0
    if row.outcome == GONE:
        return 0 if row.what == "message deleted" else 1
    made = row.what in ("a record made up", "a record repeated under another id")
    return EVENTS + made


@pytest.mark.parametrize("row", QUEUE_ROWS, ids=lambda row: row.what)
def test_what_becomes_of_it(world: World, clock: Clock, row: QueueRow) -> None:
    """What is altered becomes a finding that names its entries; the rest is recorded as sent."""
    failed = appended(row.alter(accepted(world)))
    assert failed == (row.outcome == REFUSED)
    signer = publishing.publisher().signer
    if expected_entries(row):
        policy = policy_for(ORIGIN, [signer.ed25519_key], [signer.mldsa44_key])
        files = Objects(world.published())
        report = verify_ledger(files, policy, int(clock.time()), workers=1, wait=lambda _: None)
        assert (report.answer, report.findings) == ("verified", ())
        found, told = followed(world, clock)
        assert found.next_seq == found.size == 1 + expected_entries(row)
        assert found.opened == expected_entries(row) - row.altered
        assert (found.erased, len(found.altered)) == (0, row.altered)
        public = [finding for finding in told if finding.rule == "altered-entry"]
        assert [finding.entries for finding in public] == ([found.altered] if row.altered else [])
        gaps = ViewsTable(world.dynamodb, f"{NAME}-views", ORIGIN).gaps()
        assert gaps is not None
        assert (gaps.altered, gaps.first_altered) == (row.altered, found.altered)


EVERYWHERE = (
    ("/AuditEvent", "patient=Patient/0", "user/*.rs"),
    ("/AuditEvent", "agent=Practitioner/1", "user/*.rs"),
    ("/AuditEvent", "date=2026-11-23", "user/*.rs"),
    ("/AuditEvent", "", "patient/*.rs"),
    ("/accesses", "", "patient/*.rs"),
    ("/accounting", "", "patient/*.rs"),
    ("/export", "patient=Patient/0&format=csv&receipts=none", "user/*.rs"),
)


@pytest.mark.parametrize("is_followed", [True, False])
@pytest.mark.parametrize(
    "row",
    [row for row in QUEUE_ROWS if row.what.startswith("row: ") and row.altered],
    ids=lambda row: row.what,
)
def test_no_answer_is_whole_while_an_entry_is_not_as_it_was_sent(
    world: World, clock: Clock, asked: Asked, row: QueueRow, *, is_followed: bool
) -> None:
    """Whoever it is about: searches and the patient's own say so, and say which entry."""
    appended(row.alter(accepted(world)))
    if is_followed:
        followed(world, clock)
        asked.later = 600
    for path, question, scope in EVERYWHERE[:4]:
        status, body = asked(path, question, scope=scope)
        assert (status, "cannot be read as sent" in body) == (200, True), (path, question)
        assert "(entry 1)" in body or "(entry 2)" in body


def test_an_event_that_was_altered_is_an_error_by_its_id(
    world: World, clock: Clock, asked: Asked
) -> None:
    """Not found would be a lie; and where its id was altered, it may be one of those."""
    rows = {row.what: row for row in QUEUE_ROWS}
    messages = accepted(world)
    appended(rows["row: patient is nobody"].alter(messages))
    item = next(i for i in world.items("events") if i["seq"]["N"] == "1" and "row" in i)
    event_id = item["key"]["S"].rpartition("#")[2]
    assert asked(f"/AuditEvent/{event_id}", id=event_id)[0] == 500
    status, body = asked(f"/AuditEvent/{'0' * 64}", id="0" * 64)
    assert (status, "cannot be read as sent" in body) == (404, True)


def test_an_untouched_ledger_says_nothing_of_it(world: World, clock: Clock, asked: Asked) -> None:
    """No answer warns; both patients find their event."""
    appended(accepted(world))
    for is_followed in (False, True):
        if is_followed:
            followed(world, clock)
            asked.later = 600
        for path, question, scope in EVERYWHERE[:4]:
            status, body = asked(path, question, scope=scope)
            assert (status, "as sent" in body) == (200, False)
            assert '"match"' in body


def test_what_was_not_compared_for_long_is_said_to_be_unknown(
    world: World, clock: Clock, asked: Asked
) -> None:
    """Where the follower stands still, nobody says that all entries are as they were sent."""
    appended(accepted(world))
    asked.later = 3600
    status, body = asked("/AuditEvent", "patient=Patient/0")
    assert status == 200
    assert "is not known yet" not in body  # the newest block is always compared
    request = post("/AuditEvent", json.dumps(event(0)).encode())
    ingest.handler(request, CONTEXT)
    appended(world.messages())
    status, body = asked("/AuditEvent", "patient=Patient/0")
    assert (status, "whether entries from 0 on are as sent is not known yet" in body) == (200, True)


def test_the_document_lists_exactly_the_rows() -> None:
    """`python -m tests.attacks` writes them."""
    text = DOCUMENT.read_text()
    assert text[text.index(BEGIN) + len(BEGIN) : text.index(END)] == written_queue()
    assert {row.outcome for row in QUEUE_ROWS} == {ALTERED, AS_SENT, GONE, REFUSED}
