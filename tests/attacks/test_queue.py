"""Whoever may take from a ledger's queue and send to it alters nothing that readers believe.

Everything verifies then, for the entries are what was committed: only who opens records can tell.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from audit_ledger.aws.kept import KeptForMinutes
from audit_ledger.aws.parameters import LedgerSettings
from audit_ledger.aws.views import ViewsTable
from audit_ledger.detections import DetectionSettings, Directory, PublicFinding
from audit_ledger.reading.ledger import Ledger, Tables, ledgers
from audit_ledger.verify.policy_file import policy_for
from audit_ledger.verify.verification import verify
from functions.follower.follow import Followed, Follower
from functions.ingest import handler as ingest
from functions.publisher import handler as publishing
from functions.query import handler as query
from functions.query.asked import Desk
from functions.sequencer import handler as sequencing
from tests.attacks.matrix import DOCUMENT
from tests.attacks.queue_rows import (
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
from tests.functions.pipeline import Context
from tests.functions.publishing import Clock
from tests.functions.requests import post
from tests.verify.writer import Objects
from tests.world import LEDGER, NAME, ORIGIN, World

CONTEXT: Any = Context()
EVENTS = 2


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, world: World) -> Clock:
    """Fresh containers, by a clock that stands still."""
    clock = Clock()
    for function in (
        publishing.publisher,
        publishing.has_keys,
        sequencing.sequencer,
        ingest.acceptor,
        ingest.token_claims,
        query.token_claims,
    ):
        function.cache_clear()
    monkeypatch.setattr(publishing, "time", clock)
    monkeypatch.setattr(sequencing, "time", clock)
    return clock


def event(number: int) -> dict[str, Any]:
    return {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-11-23T02:00:00.000Z",
        "agent": [{"who": {"reference": "Practitioner/1"}, "requestor": True}],
        "source": {"observer": {"display": "ehr"}},
        "entity": [{"what": {"reference": f"Patient/{number}"}}],
    }


def accepted(world: World) -> list[dict[str, Any]]:
    """Two events of one request, as they wait."""
    request = {"method": "POST", "url": "AuditEvent"}
    entries = [{"resource": event(n), "request": request} for n in range(EVENTS)]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    body = json.dumps(bundle).encode()
    answer: Any = ingest.handler(post("/", body, Idempotency_Key="one"), CONTEXT)
    assert answer["statusCode"] == 200
    return world.messages()


def appended(messages: list[dict[str, Any]]) -> int:
    """Have them appended, and published; gives how many came back."""
    answer = sequencing.handler({"Records": messages}, CONTEXT)
    publishing.handler({}, CONTEXT)
    return len(answer["batchItemFailures"])


def ledger_of(world: World) -> Ledger:
    tables = Tables(
        *(f"{NAME}-{name}" for name in ("blocks", "events", "subjects", "ledgers", "published"))
    )
    settings = LedgerSettings(world.ssm, "test")
    return ledgers("test", settings, world.dynamodb, world.kms, tables, lambda: 0.0).get(LEDGER)


def followed(world: World, clock: Clock) -> tuple[Followed, list[PublicFinding]]:
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


@pytest.fixture
def asked(world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> "Asked":
    return Asked(world, clock, monkeypatch)


class Asked:
    """Query, by its handler, an hour later than the ledger's clock: no index lags any more."""

    def __init__(self, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        kept = KeptForMinutes(lambda _: ledger_of(world), lambda: 0.0)
        self.later = 0
        desk = Desk(
            kept,
            lambda payload: {"ids": ["ab" * 32] * len(payload["events"])},
            lambda _: None,  # type: ignore[arg-type,return-value]
            lambda origin: ViewsTable(world.dynamodb, f"{NAME}-views", origin),
            lambda _: (b"", b""),
            lambda: int(clock.time()) + self.later,
            lambda: 0.0,
        )
        monkeypatch.setattr(query, "desk", lambda: desk)

    def __call__(
        self, path: str, asked: str = "", *, scope: str = "user/*.rs", **given: str
    ) -> tuple[int, str]:
        """Give status and body."""
        route = "GET /AuditEvent/{id}" if given else f"GET {path}"
        claims = {"scope": f"{scope} ledger/{LEDGER}", "sub": "x", "client_id": "y"}
        if scope.startswith("patient/"):
            claims["patient"] = "Patient/0"
        found: Mapping[str, Any] = query.handler(
            {
                "version": "2.0",
                "routeKey": route,
                "rawPath": path,
                "rawQueryString": asked,
                "pathParameters": given,
                "headers": {},
                "requestContext": {
                    "authorizer": {"jwt": {"claims": claims, "scopes": None}},
                    "http": {"sourceIp": "192.0.2.1"},
                    "domainName": "api.example.org",
                },
            },
            None,
        )
        return int(found["statusCode"]), str(found.get("body", ""))


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
        report = verify(files, policy, int(clock.time()), workers=1, wait=lambda _: None)
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
