"""Who can take messages from a ledger's queue and send others alters no event unnoticed.

The published ledger is verified nevertheless: its entries are those that were committed. Readers
and the follower detect what does not match when they open the records.
"""

import pytest

from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.detections.finding import PublicFinding
from audit_ledger.detections.settings import DetectionSettings
from audit_ledger.detections.staff_directory import Directory
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.policy_file import policy_for
from functions.follower.follow import Follower
from functions.follower.run_state import FollowResult
from functions.publisher import handler as publishing
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
from tests.attacks.small_ledger import (
    EVENTS,
    QueryClient,
    accept_two_events,
    append_and_publish,
    append_another_event,
    readable_ledger,
)
from tests.functions.publishing import Clock
from tests.verify.writer import Objects
from tests.world import NAME, ORIGIN, World

SEARCHES = (
    ("/AuditEvent", "patient=Patient/0", "user/*.rs"),
    ("/AuditEvent", "agent=Practitioner/1", "user/*.rs"),
    ("/AuditEvent", "date=2026-11-23", "user/*.rs"),
    ("/AuditEvent", "", "patient/*.rs"),
)


def follow(world: World, clock: Clock) -> tuple[FollowResult, list[PublicFinding]]:
    """Follow the ledger to its end; return the result and the announced findings."""
    announced: list[PublicFinding] = []
    ledger = readable_ledger(world)
    follower = Follower(
        ledger,
        ViewsTable(world.dynamodb, f"{NAME}-views", ORIGIN),
        Directory(),
        DetectionSettings(),
        announced.extend,
        lambda: int(clock.time()) + 60,
        lambda: None,
    )
    state = ledger.state.published()
    assert state is not None
    return follower.follow(state.size), announced


def expected_entries(row: QueueRow) -> int:
    """Return the expected number of entries of events."""
    if row.outcome == REFUSED:
        return 0
    if row.outcome == GONE:
        return 0 if row.what == "message deleted" else 1
    return EVENTS + (row.what in ("a record made up", "a record repeated under another id"))


def check_warnings(client: QueryClient) -> None:
    """Check that each search warns of an altered entry and names it."""
    for search in SEARCHES:
        status, body = client.get(*search)
        assert (status, "cannot be read as sent" in body) == (200, True), search
        assert "(entry 1)" in body or "(entry 2)" in body


@pytest.mark.parametrize("row", QUEUE_ROWS, ids=lambda row: row.what)
def test_altered_messages_become_findings(
    world: World, clock: Clock, query_client: QueryClient, row: QueueRow
) -> None:
    """A finding names the altered entries, all others are as sent; searches warn of altered rows.

    Searches warn before the follower compared the entries, and afterwards.
    """
    failed = append_and_publish(row.alter(accept_two_events(world)))
    assert failed == (row.outcome == REFUSED)
    if not expected_entries(row):
        return
    signer = publishing.publisher().signer
    policy = policy_for(ORIGIN, [signer.ed25519_key], [signer.mldsa44_key])
    files = Objects(world.published())
    report = verify_ledger(files, policy, int(clock.time()), workers=1, wait=lambda _: None)
    assert (report.answer, report.findings) == ("verified", ())
    is_searched = row.what.startswith("row: ") and row.altered
    if is_searched:
        check_warnings(query_client)
    result, announced = follow(world, clock)
    assert result.next_seq == result.size == 1 + expected_entries(row)
    assert result.opened == expected_entries(row) - row.altered
    assert (result.erased, len(result.altered)) == (0, row.altered)
    public = [finding for finding in announced if finding.rule == "altered-entry"]
    assert [finding.entries for finding in public] == ([result.altered] if row.altered else [])
    gaps = ViewsTable(world.dynamodb, f"{NAME}-views", ORIGIN).gaps()
    assert gaps is not None
    assert (gaps.altered, gaps.first_altered) == (row.altered, result.altered)
    if is_searched:
        query_client.seconds_later = 600
        check_warnings(query_client)


def test_an_altered_event_is_an_error_by_its_id(
    world: World, clock: Clock, query_client: QueryClient
) -> None:
    """It is not reported as absent; and an absent one may be the altered one."""
    rows = {row.what: row for row in QUEUE_ROWS}
    append_and_publish(rows["row: patient is nobody"].alter(accept_two_events(world)))
    item = next(i for i in world.items("events") if i["seq"]["N"] == "1" and "row" in i)
    event_id = item["key"]["S"].rpartition("#")[2]
    assert query_client.get(f"/AuditEvent/{event_id}", event_id=event_id)[0] == 500
    status, body = query_client.get(f"/AuditEvent/{'0' * 64}", event_id="0" * 64)
    assert (status, "cannot be read as sent" in body) == (404, True)


def test_searches_of_an_untouched_ledger_have_no_warning(
    world: World, clock: Clock, query_client: QueryClient
) -> None:
    """Before and after the follower compared it; each search finds its event."""
    append_and_publish(accept_two_events(world))
    for is_followed in (False, True):
        if is_followed:
            follow(world, clock)
            query_client.seconds_later = 600
        for search in SEARCHES:
            status, body = query_client.get(*search)
            assert (status, "as sent" in body) == (200, False)
            assert '"match"' in body


def test_entries_that_the_follower_did_not_compare_are_reported_as_unknown(
    world: World, clock: Clock, query_client: QueryClient
) -> None:
    """If the follower has not run for an hour; the newest block is always compared."""
    append_and_publish(accept_two_events(world))
    query_client.seconds_later = 3600
    status, body = query_client.get("/AuditEvent", "patient=Patient/0")
    assert (status, "is not known yet" in body) == (200, False)
    append_another_event(world)
    status, body = query_client.get("/AuditEvent", "patient=Patient/0")
    assert (status, "whether entries from 0 on are as sent is not known yet" in body) == (200, True)


def test_the_document_lists_exactly_the_rows() -> None:
    """`python -m tests.attacks` writes them."""
    text = DOCUMENT.read_text()
    assert text[text.index(BEGIN) + len(BEGIN) : text.index(END)] == written_queue()
    assert {row.outcome for row in QUEUE_ROWS} == {ALTERED, AS_SENT, GONE, REFUSED}
