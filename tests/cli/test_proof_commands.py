"""`ledger receipt get`, `ledger digests`, `ledger document`: what proves, fetched and asked for."""

import hashlib
import json
import re
import time
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from audit_ledger.ledger.entry import EventEntry
from tests.cli.asking import Asker
from tests.cli.stub_server import Got, Says, StubServer
from tests.verify.writer import MINUTE, Keys, Writer

DONE, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3
NOT_YET = Says(202, {"status": "not covered"}, {"Retry-After": "60"})


def text(data: bytes) -> str:
    return b64encode(data).decode()


@pytest.fixture
def receipt(asker: Asker) -> dict[str, Any]:
    """What the API gives for entry 4 of a ledger, whose policy is in the file `policy`."""
    blind, row, record = b"\x07" * 32, b"an index row", b'{"a":"record"}'
    writer = Writer(begin=int(time.time()) - 3 * MINUTE)
    writer.add_events(3)
    # DESIGN, Formats: SHA-256 over name, blind, length of the index row, index row, record
    commitment = hashlib.sha256(
        b"audit-ledger/record/v1\n" + blind + len(row).to_bytes(4, "big") + row + record
    ).digest()
    entry = EventEntry(4, writer.now, writer.leaves[-1], commitment).to_bytes()
    writer.append(entry)
    writer.publish()
    writer.objects.write_to(asker.path / "ledger")
    (asker.path / "policy").write_bytes(Keys().policy().to_bytes())
    made = asker.run("receipt", "make", asker.path / "ledger", 4, asks=False)
    assert made.code == DONE
    return {
        "index": 4,
        "proof": made.out,
        "digest": None,
        "entry": text(entry),
        "index_row": text(row),
        "record": text(record),
        "blind": text(blind),
    }


def test_a_receipt_is_two_files_that_verify(
    asker: Asker, stub: StubServer, receipt: dict[str, Any]
) -> None:
    """As `ledger receipt verify --record` reads them; only their owner may."""
    stub.answering = lambda _: Says(200, receipt)
    file, record = asker.path / "e.tlog-proof", asker.path / "e.tlog-proof.record.json"
    ran = asker.run("receipt", "get", "e1", "-o", file)
    assert ran.code == DONE
    assert stub.got[0].target == "/AuditEvent/e1/receipt"
    assert file.read_text() == receipt["proof"]
    assert {path.stat().st_mode & 0o777 for path in (file, record)} == {0o600}
    verify = ("receipt", "verify", file, "--policy", asker.path / "policy", "--record", record)
    verified = asker.run(*verify, asks=False)
    assert verified.code == DONE
    assert "it commits to this record" in verified.out


def test_a_receipt_is_verified_at_once_with_a_policy(
    asker: Asker, stub: StubServer, receipt: dict[str, Any]
) -> None:
    """And what the API gave must hold: another record fails, and is kept as evidence."""
    stub.answering = lambda _: Says(200, receipt)
    get = ("receipt", "get", "e1", "-o", asker.path / "e", "--policy", asker.path / "policy")
    ran = asker.run(*get)
    assert (ran.code, "verified: entry 4" in ran.out) == (DONE, True)
    stub.answering = lambda _: Says(200, receipt | {"record": text(b"another")})
    ran = asker.run(*get)
    assert ran.code == FAILED
    assert "commits to another record" in ran.err
    assert (asker.path / "e.record.json").exists()


def test_what_is_not_covered_yet_is_waited_for(
    asker: Asker, stub: StubServer, receipt: dict[str, Any]
) -> None:
    """As long as the server says, until it is."""
    stub.next_answers = [NOT_YET, NOT_YET, Says(200, receipt)]
    assert asker.run("receipt", "get", "e1", "-o", asker.path / "e").code == DONE
    assert asker.pauses == [60, 60]


def test_what_was_just_accepted_is_waited_for(
    asker: Asker, stub: StubServer, receipt: dict[str, Any]
) -> None:
    """It is in a queue: for twenty seconds nobody says that it is not there."""
    stub.next_answers = [Says(404), Says(404), NOT_YET, NOT_YET, Says(200, receipt)]
    assert asker.run("receipt", "get", "e1", "-o", asker.path / "e").code == DONE
    assert asker.pauses == [2, 3, 60, 60]
    asker.pauses.clear()
    stub.answering = lambda _: Says(404)
    asked = len(stub.got)
    assert "not found" in asker.said(USAGE, "receipt", "get", "e1", "-o", asker.path / "f")
    assert (asker.pauses, len(stub.got) - asked) == ([2, 3, 5, 10], 5)
    asker.said(USAGE, "receipt", "get", "e1", "-o", asker.path / "f", "--wait", "1")
    assert len(stub.got) - asked == 6


def test_waiting_ends(asker: Asker, stub: StubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Incomplete; nothing is written; never longer than was said."""
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr("audit_ledger.client.http_client.sleep", pause)
    stub.answering = lambda _: NOT_YET
    said = asker.said(INCOMPLETE, "receipt", "get", "e1", "-o", asker.path / "e", "--wait", "100")
    assert "no checkpoint covers it yet" in said
    assert (waited, len(stub.got)) == ([60, 40], 3)
    asker.said(INCOMPLETE, "receipt", "get", "e1", "-o", asker.path / "e", "--wait", "0")
    assert len(stub.got) == 4
    assert not (asker.path / "e").exists()


@pytest.mark.parametrize(
    ("says", "code"),
    [(Says(404), USAGE), (Says(200, {"proof": "x"}), INCOMPLETE), (Says(200, b"x"), INCOMPLETE)],
)
def test_without_a_receipt_nothing_is_written(
    asker: Asker, stub: StubServer, says: Says, code: int
) -> None:
    """One line says why."""
    stub.answering = lambda _: says
    asker.said(code, "receipt", "get", "e1", "-o", asker.path / "e")
    assert list(asker.path.iterdir()) == []


def test_a_receipt_is_not_written_where_it_cannot_be(
    asker: Asker, stub: StubServer, receipt: dict[str, Any]
) -> None:
    """A folder in its place."""
    stub.answering = lambda _: Says(200, receipt)
    assert "Is a directory" in asker.said(USAGE, "receipt", "get", "e1", "-o", asker.path)


# ── digests ──


def digest(minute: int) -> dict[str, Any]:
    return {
        "name": f"digests/2026/11/22/20261122T05{minute:02}00Z-{minute}",
        "to": f"2026-11-22T05:{minute:02}:00Z",
        "size_after": 1000 + minute,
        "entries": 1,
        "control_entries": 0,
        "root": text(bytes([minute]) * 32),
        "note": "a signed note\n",
    }


def digests_by_the_hour(got: Got) -> Says:
    """At most 25 an answer, from `from` to `to`, inclusive; `next` where the rest begins."""
    given = dict(parse_qsl(urlsplit(got.target).query))
    inside = [d for d in map(digest, range(60)) if given["from"] <= d["to"] <= given["to"]]
    more = {"next": inside[25]["to"]} if len(inside) > 25 else {}
    return Says(200, {"digests": inside[:25], **more})


def test_digests_are_listed_page_after_page(asker: Asker, stub: StubServer) -> None:
    """Each once, in order."""
    stub.answering = digests_by_the_hour
    period = ("--from", "2026-11-22T05:00:00Z", "--to", "2026-11-22T05:58:00Z")
    ran = asker.run("digests", *period, "--json")
    assert [json.loads(line) for line in ran.out.splitlines()] == [digest(n) for n in range(59)]
    assert len(stub.got) == 3
    ran = asker.run("digests", *period)
    assert ran.code == DONE
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[0] == ["until", "(UTC)", "size", "root"]
    assert rows[1] == ["2026-11-22", "05:00:00", "1,000", digest(0)["root"]]
    assert len(rows) == 60


def test_the_newest_digest_is_asked_for_alone(asker: Asker, stub: StubServer) -> None:
    """And with no period beside it."""
    stub.answering = lambda _: Says(200, digest(7))
    assert asker.run("digests", "--latest", "--json").report == digest(7)
    assert stub.got[0].target == "/digests/latest"
    assert asker.run("digests", "--latest", "--to", "2026-11-22T05:00:00Z").code == USAGE
    assert asker.run("digests", "--from", "yesterday").code == USAGE


def test_digests_that_do_not_go_on_end(asker: Asker, stub: StubServer) -> None:
    """A server that says `next` and means the same again."""
    answer = {"digests": [digest(1)], "next": "2026-11-22T05:01:00Z"}
    stub.answering = lambda _: Says(200, answer)
    assert "do not go on" in asker.said(INCOMPLETE, "digests")
    assert len(stub.got) == 2


def test_no_digests_are_no_error(asker: Asker, stub: StubServer) -> None:
    """A ledger may have rested."""
    stub.answering = lambda _: Says(200, {"digests": []})
    assert asker.run("digests").out == "no digest ended in that time\n"


# ── documents ──

CONTENT = b"A letter about Mrs Secret\n"
URI = "ni:///sha-256;" + urlsafe_b64encode(hashlib.sha256(CONTENT).digest()).decode().rstrip("=")
ENTRY = {"id": "e" * 64, "entry": 4711, "time": "2026-11-22T05:59:00Z", "action": "C"}


@pytest.fixture
def letter(asker: Asker) -> Path:
    file = asker.path / "letter-to-secret.pdf"
    file.write_bytes(CONTENT)
    return file


def test_only_the_digest_of_a_document_is_sent(
    asker: Asker, stub: StubServer, letter: Path
) -> None:
    """Neither a byte of it nor its name."""
    stub.answering = lambda _: Says(200, {"entries": [ENTRY]})
    ran = asker.run("document", letter)
    assert ran.code == DONE
    (got,) = stub.got
    assert (got.method, got.target) == ("POST", "/documents/verify")
    assert json.loads(got.body) == {"digest": URI}
    assert not {"Secret", "letter"} & set(re.findall(r"\w+", f"{got}"))
    lines = ran.out.splitlines()
    assert lines[0] == URI
    assert lines[2].split() == ["2026-11-22", "05:59:00", "create", "4,711"]
    assert lines[3].strip() == ENTRY["id"]
    shown = asker.run("document", letter, "--json").report
    assert shown == {"digest": URI, "entries": [ENTRY], "more": False}


def test_that_more_name_a_document_is_said(asker: Asker, stub: StubServer, letter: Path) -> None:
    """Neither found for certain nor not: 3, where none of those read is the asker's."""
    stub.answering = lambda _: Says(200, {"entries": [ENTRY], "more": True})
    ran = asker.run("document", letter)
    assert (ran.code, ran.out.splitlines()[-1]) == (DONE, "and more")
    stub.answering = lambda _: Says(200, {"entries": [], "more": True})
    ran = asker.run("document", letter)
    assert (ran.code, ran.out.splitlines()[-1].split(":")[0]) == (INCOMPLETE, "cannot tell")


def test_the_uri_is_rfc_6920s(asker: Asker, stub: StubServer) -> None:
    """Its own example, Section 8.1: the name of the text `Hello World!`."""
    stub.answering = lambda _: Says(200, {"entries": []})
    file = asker.path / "hello"
    file.write_bytes(b"Hello World!")
    out = asker.run("document", file).out
    assert out.startswith("ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk\n")


def test_a_document_that_is_not_recorded_fails(
    asker: Asker, stub: StubServer, letter: Path
) -> None:
    """So that a script can tell."""
    stub.answering = lambda _: Says(200, {"entries": []})
    ran = asker.run("document", letter)
    assert (ran.code, ran.out.splitlines()[1]) == (
        FAILED,
        "not recorded: no entry of this ledger names this digest",
    )


def test_a_server_that_verifies_no_documents_cannot_tell(
    asker: Asker, stub: StubServer, letter: Path
) -> None:
    """That is not the same as not recorded."""
    assert "verifies no documents" in asker.said(INCOMPLETE, "document", letter)
    stub.answering = lambda _: Says(200, {"entries": [{"id": 5}]})
    assert "not what the API gives" in asker.said(INCOMPLETE, "document", letter)
    assert "No such file" in asker.said(USAGE, "document", asker.path / "nowhere")
