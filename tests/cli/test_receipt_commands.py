"""`ledger receipt`: one entry shown to be in the ledger, and what it commits to."""

import json
import time
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from audit_ledger.ledger.entry import EventEntry
from audit_ledger.tlog.policy import Log, Policy
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
    writer.append(EventEntry(41, writer.now, writer.leaves[-1], commitment).to_bytes())
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
    other = EventEntry(41, 1_700_000_000, leaf_hash(b""), bytes(32)).to_bytes()
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
    desk.policy.write_bytes(Keys(b"stranger").policy().to_bytes())
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


@pytest.mark.parametrize("first", [False, True])
def test_a_record_file_that_two_readers_could_read_differently_is_usage(
    desk: Desk, receipt: Path, first: bool
) -> None:
    """RFC 8259, Section 4: of two members of one name some readers take the first."""
    other, held = f'"record": "{text(b"another record")}"', json.dumps(HELD)
    file = desk.path / "held.json"
    file.write_text(f"{{{other}, {held[1:]}" if first else f"{held[:-1]}, {other}}}")
    for command in ("verify", "show"):
        ran = desk.run("receipt", command, receipt, "--policy", desk.policy, "--record", file)
        assert (ran.code, ran.out) == (USAGE, "")
        assert "each once and in base64" in ran.err


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


def test_the_entrys_time_is_not_taken_for_the_events(desk: Desk) -> None:
    """The ledger's clock made one, the sender the other; the second only with the record."""
    file, record = desk.path / "real", desk.path / "real.json"
    file.write_bytes(real_receipt(desk))
    record.write_text(json.dumps(REAL))
    plain = desk.run("receipt", "verify", file, "--policy", desk.policy)
    entry_time = json.loads(parse_proof(file.read_bytes()).extra or b"")["time"]
    assert f"event entry, made {entry_time}, " in plain.out
    assert "not covered:\n  what the entry commits to, and the event's own time" in plain.out
    shown = desk.run("receipt", "verify", file, "--policy", desk.policy, "--record", record)
    assert f"  the event's own time, by its sender: {EVENT_TIME}\n" in shown.out
    for options, event_time in (([], None), (["--record", record], EVENT_TIME)):
        said = desk.run("receipt", "verify", file, "--policy", desk.policy, "--json", *options)
        assert said.report["entry_time"] == entry_time
        assert said.report["event_time"] == event_time
        assert "time" not in said.report


def test_the_entry_given_beside_a_receipt_must_be_the_one_within(desk: Desk, receipt: Path) -> None:
    """Also where the one given is the right one: what a file says must not contradict itself."""
    lines = receipt.read_text().split("\n")
    right = lines[1].removeprefix("extra ")
    other = text(EventEntry(41, 1_700_000_000, leaf_hash(b""), bytes(32)).to_bytes())
    for extra, given in ((other, right), (right, other), (text(b"x"), right)):
        lines[1] = f"extra {extra}"
        receipt.write_text("\n".join(lines))
        code, said = verify(desk, receipt, {"entry": given})
        assert code == FAILED
        assert "contains another entry than the one passed with it" in said
        held = desk.path / "held.json"
        assert desk.run("receipt", "show", receipt, "--record", held).code == FAILED
    lines[1] = f"extra {right}"
    receipt.write_text("\n".join(lines))
    assert verify(desk, receipt, HELD | {"entry": right})[0] == VERIFIED


@pytest.mark.parametrize("command", ["verify", "show"])
def test_a_policy_without_an_ed25519_log_key_is_wrong_use(
    desk: Desk, receipt: Path, command: str
) -> None:
    """It would believe the ledger on one of its two signatures, or nobody at all."""
    mldsa44 = Log(Keys().policy().witnesses["ledger-mldsa44"].key)
    other = Keys(b"other").policy("audit.example.org/other").logs
    for policy in (Policy(), Policy((mldsa44,)), Policy((mldsa44, *other))):
        desk.policy.write_bytes(policy.to_bytes())
        ran = desk.run("receipt", command, receipt, "--policy", desk.policy)
        assert (ran.code, ran.out) == (USAGE, "")
        assert f"{desk.policy}: no log line with an Ed25519 key" in ran.err


@pytest.mark.parametrize("name", [b"w\xff", b"\xc3", b"\xed\xa0\x80", "\u2028é".encode()])
@pytest.mark.parametrize("is_cosigned", [True, False])
def test_witness_names_that_are_not_utf8_are_escaped(
    desk: Desk, receipt: Path, name: bytes, is_cosigned: bool
) -> None:
    """In a policy they are octets; in JSON and on a terminal they cannot be shown as they are."""
    own = Keys().policy()
    key = own.witnesses["ledger-mldsa44"].key if is_cosigned else None
    other = Keys(b"w").policy("witness.example/w").witnesses["ledger-mldsa44"].key
    vkey = (key or other).text.encode()
    lines = [b"log " + own.logs[0].key.text.encode(), b"witness " + name + b" " + vkey]
    desk.policy.write_bytes(b"\n".join([*lines, b"quorum " + name, b""]))
    code = VERIFIED if is_cosigned else INCOMPLETE
    for command in (
        ["receipt", "verify", receipt],
        ["receipt", "show", receipt],
        ["verify", desk.path / "receipts", "--no-state"],
    ):
        ran = desk.run(*command, "--policy", desk.policy)
        assert ran.code == code
        assert all(c.isprintable() or c == "\n" for c in ran.out)
        if command[1] != "show":
            ran = desk.run(*command, "--policy", desk.policy, "--json")
            assert (ran.code, ran.report["answer"]) == (code, ran.report["answer"])
            ran.out.encode()
    said = desk.run("receipt", "verify", receipt, "--policy", desk.policy, "--json").report
    shown = [*said["cosignatures"], *said["missing_witnesses"]]
    escaped = name.decode("utf-8", "surrogateescape").encode("utf-8", "backslashreplace").decode()
    assert shown == [escaped]


# ── receipt show ──

EVENT_TIME = "2026-11-22T05:58:12.345Z"
RESOURCE = json.dumps(
    {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "action": "R",
        "recorded": "2026-11-22T06:58:12.345+01:00",
        "agent": [{"who": {"reference": "Practitioner/7"}, "requestor": True}],
        "source": {"observer": {"display": "ehr"}},
        "entity": [{"what": {"reference": "Patient/1"}}],
    }
).encode()
REAL_ROW = json.dumps(
    {"id": "a" * 64, "time": 1795327092345, "fingerprint": text(bytes(32)), "generation": 1},
    separators=(",", ":"),
).encode()
REAL_RECORD = (
    b'{"portal":"ehr","received":"2026-11-22T05:58:20.001Z","format":"fhir-r4","resource":'
    + RESOURCE
    + b"}"
)
REAL = {"index_row": text(REAL_ROW), "record": text(REAL_RECORD), "blind": text(BLIND)}


def real_receipt(desk: Desk) -> bytes:
    """Entry 3 of a small ledger, which commits to a record that can be read."""
    writer = Writer(begin=int(time.time()) - 3 * MINUTE)
    writer.add_events(2)
    row, length = REAL_ROW, len(REAL_ROW).to_bytes(4, "big")
    commitment = sha256(b"audit-ledger/record/v1\n" + BLIND + length + row + REAL_RECORD).digest()
    writer.append(EventEntry(3, writer.now, writer.leaves[-1], commitment).to_bytes())
    writer.publish()
    writer.objects.write_to(desk.path / "small")
    file = desk.path / "3.tlog-proof"
    assert desk.run("receipt", "make", desk.path / "small", 3, "-o", file).code == VERIFIED
    return file.read_bytes()


def test_a_receipt_can_be_read(desk: Desk) -> None:
    """Who signed what when, what was recorded, what that proves, and what it does not."""
    file, record = desk.path / "real", desk.path / "real.json"
    file.write_bytes(real_receipt(desk))
    record.write_text(json.dumps(REAL))
    ran = desk.run("receipt", "show", file, "--policy", desk.policy, "--record", record)
    assert (ran.code, ran.err) == (VERIFIED, "")
    said = " ".join(ran.out.split())
    assert said.startswith(f"verified: receipt of entry 3 of {ORIGIN} entry 3, of 4 (they count")
    for expected in (
        "an event that a portal submitted",
        f"event's own time {EVENT_TIME}, by its sender",
        "accepted 2026-11-22T05:58:20.001Z, from portal ehr",
        "Practitioner/7",
        "Patient/1",
        "it proves: - at 20",
        "the record above is what the entry commits to, byte for byte",
        "it does not prove: - that the content of the record is true",
        "no witness cosigned",
    ):
        assert expected in said


def test_what_a_receipt_without_record_or_policy_proves_is_less(desk: Desk) -> None:
    """Nobody's signature is believed that no policy names."""
    file = desk.path / "real"
    file.write_bytes(real_receipt(desk))
    ran = desk.run("receipt", "show", file)
    assert ran.code == INCOMPLETE
    assert "no --policy names the keys to look for" in ran.out
    assert "what was recorded: give the record with --record" in ran.out
    assert "Patient" not in ran.out
    bare = desk.run("receipt", "show", file, "--policy", desk.policy)
    assert (bare.code, "it proves:" in bare.out) == (VERIFIED, True)
    small = desk.path / "small"
    control = desk.path / "control"
    desk.run("receipt", "make", small, 0, "-o", control)
    ran = desk.run("receipt", "show", control, "--policy", desk.policy)
    assert "a statement of the ledger about itself: ledger.created" in ran.out


@pytest.mark.parametrize("with_policy", [True, False])
def test_a_receipt_that_does_not_hold_proves_nothing(desk: Desk, with_policy: bool) -> None:
    """Each byte of the proof, of the entry, and of what is disclosed."""
    data = real_receipt(desk)
    record = desk.path / "real.json"
    record.write_text(json.dumps(REAL))
    policy = ["--policy", desk.policy] if with_policy else []
    file = desk.path / "changed"
    index = data.index(b"index 3")
    for changed in (
        data[: index + 6] + b"2" + data[index + 7 :],
        data.replace(b"extra ey", b"extra ez"),
        data[:-30],
        b"",
    ):
        file.write_bytes(changed)
        ran = desk.run("receipt", "show", file, *policy)
        assert (ran.code, ran.out) == (FAILED, "")
        assert "it proves nothing" in ran.err
    file.write_bytes(data)
    record.write_text(json.dumps(REAL | {"blind": text(bytes(32))}))
    assert desk.run("receipt", "show", file, *policy, "--record", record).code == FAILED
