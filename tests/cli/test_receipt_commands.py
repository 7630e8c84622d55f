"""`ledger receipt`: one entry shown to be in the ledger, and what it commits to."""

import json
import time
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from audit_ledger.chain.entry import EventEntry, encode_entry
from audit_ledger.tlog.proof import parse_proof
from audit_ledger.tlog.rfc6962 import leaf_hash
from tests.cli.ledger_command import Desk
from tests.verify.writer import MINUTE, ORIGIN, Keys, Writer

VERIFIED, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3
BLIND, ROW, RECORD = b"\x07" * 32, b"an index row", b'{"a":"record"}'


def text(data: bytes) -> str:
    return b64encode(data).decode()


HELD = {"index_row": text(ROW), "record": text(RECORD), "blind": text(BLIND)}


@pytest.fixture
def receipt(desk: Desk) -> Path:
    """Entry 41 of a ledger of 100 commits to RECORD; its receipt."""
    writer = Writer(begin=int(time.time()) - 3 * MINUTE)
    writer.add_events(40)
    # DESIGN, Formats: SHA-256 over name, blind, length of the index row, index row, record
    commitment = sha256(
        b"audit-ledger/record/v1\n" + BLIND + len(ROW).to_bytes(4, "big") + ROW + RECORD
    ).digest()
    writer.append(encode_entry(EventEntry(41, writer.now, writer.leaves[-1], commitment)))
    writer.add_events(58)
    writer.publish()
    writer.objects.write_to(desk.path / "receipts")
    file = desk.path / "41.tlog-proof"
    assert desk.run("receipt", "make", desk.path / "receipts", 41, "-o", file).code == VERIFIED
    return file


def verify(desk: Desk, receipt: Path, record: object = None, *options: str) -> tuple[int, str]:
    arguments: list[object] = ["receipt", "verify", receipt, "--policy", desk.policy, *options]
    if record is not None:
        held = desk.path / "held.json"
        held.write_text(json.dumps(record))
        arguments += ["--record", held]
    ran = desk.run(*arguments)
    assert 'record":' not in ran.out, "what the holder has is not shown"
    return ran.code, ran.out + ran.err


@pytest.mark.parametrize("index", [0, 1, 255, 256, 511, 512, 599])
def test_every_entry_has_a_receipt(desk: Desk, index: int) -> None:
    """Made from tiles alone, verified from the file alone."""
    file = desk.path / "receipt"
    assert desk.run("receipt", "make", desk.ledger, index, "-o", file).code == VERIFIED
    code, said = verify(desk, file)
    assert code == VERIFIED
    assert said.startswith(f"verified: entry {index} of {ORIGIN}\n")


def test_a_receipt_holds_the_entry_as_extra_data(receipt: Path) -> None:
    """Which the proof then authenticates."""
    proof = parse_proof(receipt.read_bytes())
    assert proof.index == 41
    assert proof.extra is not None
    assert json.loads(proof.extra)["seq"] == 41


def test_a_receipt_goes_to_standard_output_too(desk: Desk) -> None:
    """For pipes."""
    ran = desk.run("receipt", "make", desk.ledger, 5)
    assert ran.out.startswith("c2sp.org/tlog-proof@v1\nextra ")


def test_the_record_is_shown_to_be_the_one_committed_to(desk: Desk, receipt: Path) -> None:
    """With the blind and the index row that only its holder has."""
    code, said = verify(desk, receipt, HELD)
    assert code == VERIFIED
    assert "commits to this record" in said
    code, said = verify(desk, receipt, HELD, "--json")
    assert json.loads(said)["record_shown"] is True


@pytest.mark.parametrize("changed", ["index_row", "record", "blind"])
def test_another_record_is_found_out(desk: Desk, receipt: Path, changed: str) -> None:
    """A byte of any of the three."""
    code, said = verify(desk, receipt, HELD | {changed: text(b"\x08" * 32)})
    assert code == FAILED
    assert "entry 41 commits to another record" in said


def test_a_control_entry_commits_to_no_record(desk: Desk) -> None:
    """Entry 0 creates the ledger."""
    file = desk.path / "receipt"
    desk.run("receipt", "make", desk.ledger, 0, "-o", file)
    code, said = verify(desk, file, HELD)
    assert (code, "commits to no record" in said) == (FAILED, True)


def test_the_entry_may_come_with_the_record(desk: Desk, receipt: Path) -> None:
    """A proof without extra data, as others make it; the proof decides whether it is the one."""
    lines = receipt.read_text().split("\n")
    entry = lines.pop(1).removeprefix("extra ")
    bare = desk.path / "bare"
    bare.write_text("\n".join(lines))
    assert verify(desk, bare)[0] == USAGE
    assert verify(desk, bare, HELD | {"entry": entry})[0] == VERIFIED
    other = encode_entry(EventEntry(41, 1_700_000_000, leaf_hash(b""), bytes(32)))
    assert verify(desk, bare, {"entry": text(other)})[0] == FAILED


def test_no_byte_of_a_receipt_can_change(desk: Desk, receipt: Path) -> None:
    """But for signatures nobody asked for there is nothing loose in it."""
    data = receipt.read_bytes()
    signatures = data.index("\n— ".encode())
    for offset in range(0, signatures, 7):
        changed = desk.path / "changed"
        changed.write_bytes(data[:offset] + bytes([data[offset] ^ 1]) + data[offset + 1 :])
        code, said = verify(desk, changed)
        assert (code, len(said.splitlines())) in ((FAILED, 1), (USAGE, 1)), f"offset {offset}"


def test_a_receipt_without_the_second_signature_is_incomplete(desk: Desk, receipt: Path) -> None:
    """Not witnessed as the policy asks."""
    lines = receipt.read_bytes().split(b"\n")
    receipt.write_bytes(b"\n".join(lines[:-2]) + b"\n")
    code, said = verify(desk, receipt)
    assert code == INCOMPLETE
    assert "not witnessed" in said


def test_a_receipt_under_another_policy_fails(desk: Desk, receipt: Path) -> None:
    """Whose keys did not sign it."""
    desk.policy.write_bytes(Keys(b"stranger").policy().encode())
    assert verify(desk, receipt)[0] == FAILED


@pytest.mark.parametrize(
    "record",
    [[], {"blind": "x"}, {"blind": text(BLIND)}, {"entry": "=="}, {"surprise": ""}, {"entry": 1}],
)
def test_a_record_file_that_is_none_is_usage(desk: Desk, receipt: Path, record: object) -> None:
    """One line, with its name, and nothing of its content."""
    code, said = verify(desk, receipt, record)
    assert (code, len(said.splitlines())) == (USAGE, 1)
    assert "held.json" in said


def test_what_cannot_be_made_is_said(desk: Desk) -> None:
    """No such entry: usage. Missing: incomplete. Damaged: failed."""
    assert desk.run("receipt", "make", desk.ledger, 600).code == USAGE
    assert desk.run("receipt", "make", desk.ledger, -1).code == USAGE
    assert desk.run("receipt", "make", desk.path / "nowhere", 1).code == INCOMPLETE
    bundle = desk.ledger / "tile" / "entries" / "000"
    data = bundle.read_bytes()
    bundle.write_bytes(data[:-3])
    assert desk.run("receipt", "make", desk.ledger, 1).code == FAILED
    bundle.write_bytes(data[:200] + b"x" + data[201:])
    ran = desk.run("receipt", "make", desk.ledger, 0)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (FAILED, "", 1)
    bundle.unlink()
    assert desk.run("receipt", "make", desk.ledger, 1).code == INCOMPLETE
    (desk.ledger / "checkpoint").write_bytes(b"x")
    assert desk.run("receipt", "make", desk.ledger, 1).code == FAILED


def test_a_receipt_is_not_written_where_it_cannot_be(desk: Desk) -> None:
    """A folder in its place."""
    ran = desk.run("receipt", "make", desk.ledger, 1, "-o", desk.path)
    assert (ran.code, len(ran.err.splitlines())) == (USAGE, 1)
