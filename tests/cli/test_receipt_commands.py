"""`ledger receipt` proves that an entry is in the ledger, and to which record it commits."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from audit_ledger.ledger.entry import EventEntry
from audit_ledger.tlog.policy import Log, Policy
from audit_ledger.tlog.proof import parse_proof
from audit_ledger.tlog.rfc6962 import leaf_hash
from tests.cli.disclosed_record import BLIND, DISCLOSED, RECORD, publish_record, text
from tests.cli.published_ledger import Workspace
from tests.verify.writer import ORIGIN, Keys

VERIFIED, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3


@pytest.fixture
def receipt(workspace: Workspace) -> Path:
    """The receipt of entry 41 of a ledger of 100, which commits to RECORD."""
    publish_record(workspace.path / "receipts", 41, later=58)
    file = workspace.path / "41.tlog-proof"
    assert (
        workspace.run("receipt", "make", workspace.path / "receipts", 41, "-o", file).code
        == VERIFIED
    )
    return file


def verify(
    workspace: Workspace, receipt: Path, record: object = None, *options: str
) -> tuple[int, str]:
    arguments: list[object] = ["receipt", "verify", receipt, "--policy", workspace.policy, *options]
    if record is not None:
        file = workspace.path / "record.json"
        file.write_text(json.dumps(record))
        arguments += ["--record", file]
    result = workspace.run(*arguments)
    assert 'record":' not in result.out, "the disclosed record is not printed"
    return result.code, result.out + result.err


@pytest.mark.parametrize("index", [0, 1, 255, 256, 511, 512, 599])
def test_every_entry_has_a_receipt(workspace: Workspace, index: int) -> None:
    """It is made from tiles alone and verified from the file alone."""
    file = workspace.path / "receipt"
    assert workspace.run("receipt", "make", workspace.ledger, index, "-o", file).code == VERIFIED
    code, output = verify(workspace, file)
    assert code == VERIFIED
    assert output.startswith(f"verified: entry {index} of {ORIGIN}\n")


def test_a_receipt_contains_the_entry_as_extra_data(receipt: Path) -> None:
    """The proof authenticates it."""
    proof = parse_proof(receipt.read_bytes())
    assert proof.index == 41
    assert proof.extra is not None
    assert json.loads(proof.extra)["seq"] == 41


def test_a_receipt_can_be_written_to_standard_output(workspace: Workspace) -> None:
    """That is the default, for pipes."""
    result = workspace.run("receipt", "make", workspace.ledger, 5)
    assert result.out.startswith("c2sp.org/tlog-proof@v1\nextra ")


def test_a_disclosed_record_is_verified_by_its_commitment(
    workspace: Workspace, receipt: Path
) -> None:
    """The blinds and the index row, which only its holder has, are needed too."""
    code, output = verify(workspace, receipt, DISCLOSED)
    assert code == VERIFIED
    assert "commits to this record" in output
    code, output = verify(workspace, receipt, DISCLOSED, "--json")
    assert json.loads(output)["record_shown"] is True


def test_a_row_is_disclosed_without_its_record(workspace: Workspace, receipt: Path) -> None:
    """The entry commits to it without the record; another row or commitment fails."""
    record_commitment = sha256(b"audit-ledger/record/v1\n" + BLIND + RECORD).digest()
    row = {name: DISCLOSED[name] for name in ("index_row", "row_blind")}
    row["record_commitment"] = text(record_commitment)
    code, output = verify(workspace, receipt, row)
    assert code == VERIFIED
    assert "it commits to this index row" in output
    assert "not covered:\n  the record that the entry commits to: not disclosed" in output
    report = json.loads(verify(workspace, receipt, row, "--json")[1])
    assert (report["row_shown"], report["record_shown"]) == (True, False)
    for changed in row:
        code, output = verify(workspace, receipt, row | {changed: text(b"\x08" * 32)})
        assert (code, "commits to another record" in output) == (FAILED, True)


@pytest.mark.parametrize("changed", ["index_row", "row_blind", "record", "record_blind"])
def test_an_altered_record_fails(workspace: Workspace, receipt: Path, changed: str) -> None:
    """Each of the four values is covered."""
    code, output = verify(workspace, receipt, DISCLOSED | {changed: text(b"\x08" * 32)})
    assert code == FAILED
    assert "entry 41 commits to another record" in output


def test_a_control_entry_commits_to_no_record(workspace: Workspace) -> None:
    """Entry 0 creates the ledger."""
    file = workspace.path / "receipt"
    workspace.run("receipt", "make", workspace.ledger, 0, "-o", file)
    code, output = verify(workspace, file, DISCLOSED)
    assert (code, "commits to no record" in output) == (FAILED, True)


def test_the_entry_can_come_with_the_record(workspace: Workspace, receipt: Path) -> None:
    """Proofs of other tools lack extra data; the proof authenticates the entry."""
    lines = receipt.read_text().split("\n")
    entry = lines.pop(1).removeprefix("extra ")
    bare = workspace.path / "bare"
    bare.write_text("\n".join(lines))
    assert verify(workspace, bare)[0] == USAGE
    assert verify(workspace, bare, DISCLOSED | {"entry": entry})[0] == VERIFIED
    other = EventEntry(41, 1_700_000_000, leaf_hash(b""), bytes(32)).to_bytes()
    assert verify(workspace, bare, {"entry": text(other)})[0] == FAILED


def test_no_byte_of_a_receipt_can_change(workspace: Workspace, receipt: Path) -> None:
    """Only signatures that the policy does not require may change."""
    data = receipt.read_bytes()
    signatures = data.index("\n— ".encode())
    for offset in range(0, signatures, 7):
        changed = workspace.path / "changed"
        changed.write_bytes(data[:offset] + bytes([data[offset] ^ 1]) + data[offset + 1 :])
        code, output = verify(workspace, changed)
        assert (code, len(output.splitlines())) in ((FAILED, 1), (USAGE, 1)), f"offset {offset}"


def test_a_receipt_without_the_second_signature_is_incomplete(
    workspace: Workspace, receipt: Path
) -> None:
    """The policy requires it as a witness."""
    lines = receipt.read_bytes().split(b"\n")
    receipt.write_bytes(b"\n".join(lines[:-2]) + b"\n")
    code, output = verify(workspace, receipt)
    assert code == INCOMPLETE
    assert "not witnessed" in output


def test_a_receipt_under_another_policy_fails(workspace: Workspace, receipt: Path) -> None:
    """The keys of that policy did not sign it."""
    workspace.policy.write_bytes(Keys(b"stranger").policy().to_bytes())
    assert verify(workspace, receipt)[0] == FAILED


@pytest.mark.parametrize(
    "record",
    [
        [],
        {"row_blind": "x"},
        {"row_blind": text(BLIND)},
        {"entry": "=="},
        {"surprise": ""},
        {"entry": 1},
        DISCLOSED | {"record_commitment": text(BLIND)},
        {name: value for name, value in DISCLOSED.items() if name != "record_blind"},
        {"record_commitment": text(BLIND)},
    ],
)
def test_an_invalid_record_file_is_wrong_usage(
    workspace: Workspace, receipt: Path, record: object
) -> None:
    """One line names it and shows none of its content."""
    code, output = verify(workspace, receipt, record)
    assert (code, len(output.splitlines())) == (USAGE, 1)
    assert "record.json" in output


@pytest.mark.parametrize("first", [False, True])
def test_a_record_file_with_repeated_names_is_wrong_usage(
    workspace: Workspace, receipt: Path, first: bool
) -> None:
    """RFC 8259, Section 4: of two members of one name some readers take the first."""
    other, record = f'"record": "{text(b"another record")}"', json.dumps(DISCLOSED)
    file = workspace.path / "record.json"
    file.write_text(f"{{{other}, {record[1:]}" if first else f"{record[:-1]}, {other}}}")
    for command in ("verify", "show"):
        result = workspace.run(
            "receipt", command, receipt, "--policy", workspace.policy, "--record", file
        )
        assert (result.code, result.out) == (USAGE, "")
        assert "each once and in base64" in result.err


def test_a_receipt_that_cannot_be_made_is_reported(workspace: Workspace) -> None:
    """No such entry: usage. Missing tiles: incomplete. Damaged tiles: failed."""
    assert workspace.run("receipt", "make", workspace.ledger, 600).code == USAGE
    assert workspace.run("receipt", "make", workspace.ledger, -1).code == USAGE
    assert workspace.run("receipt", "make", workspace.path / "nowhere", 1).code == INCOMPLETE
    bundle = workspace.ledger / "tile" / "entries" / "000"
    data = bundle.read_bytes()
    bundle.write_bytes(data[:-3])
    assert workspace.run("receipt", "make", workspace.ledger, 1).code == FAILED
    bundle.write_bytes(data[:200] + b"x" + data[201:])
    result = workspace.run("receipt", "make", workspace.ledger, 0)
    assert (result.code, result.out, len(result.err.splitlines())) == (FAILED, "", 1)
    bundle.unlink()
    assert workspace.run("receipt", "make", workspace.ledger, 1).code == INCOMPLETE
    (workspace.ledger / "checkpoint").write_bytes(b"x")
    assert workspace.run("receipt", "make", workspace.ledger, 1).code == FAILED


def test_an_unwritable_receipt_file_is_reported(workspace: Workspace) -> None:
    """There is a folder in its place."""
    result = workspace.run("receipt", "make", workspace.ledger, 1, "-o", workspace.path)
    assert (result.code, len(result.err.splitlines())) == (USAGE, 1)


def test_the_entry_of_the_record_file_must_equal_that_of_the_receipt(
    workspace: Workspace, receipt: Path
) -> None:
    """Two different entries fail even if one of them is right."""
    lines = receipt.read_text().split("\n")
    right = lines[1].removeprefix("extra ")
    other = text(EventEntry(41, 1_700_000_000, leaf_hash(b""), bytes(32)).to_bytes())
    for extra, entry in ((other, right), (right, other), (text(b"x"), right)):
        lines[1] = f"extra {extra}"
        receipt.write_text("\n".join(lines))
        code, output = verify(workspace, receipt, {"entry": entry})
        assert code == FAILED
        assert "contains another entry than the one passed with it" in output
        record = workspace.path / "record.json"
        assert workspace.run("receipt", "show", receipt, "--record", record).code == FAILED
    lines[1] = f"extra {right}"
    receipt.write_text("\n".join(lines))
    assert verify(workspace, receipt, DISCLOSED | {"entry": right})[0] == VERIFIED


@pytest.mark.parametrize("command", ["verify", "show"])
def test_a_policy_without_an_ed25519_log_key_is_wrong_usage(
    workspace: Workspace, receipt: Path, command: str
) -> None:
    """It would trust the ledger by one of its two signatures, or by none."""
    mldsa44 = Log(Keys().policy().witnesses["ledger-mldsa44"].key)
    other = Keys(b"other").policy("audit.example.org/other").logs
    for policy in (Policy(), Policy((mldsa44,)), Policy((mldsa44, *other))):
        workspace.policy.write_bytes(policy.to_bytes())
        result = workspace.run("receipt", command, receipt, "--policy", workspace.policy)
        assert (result.code, result.out) == (USAGE, "")
        assert f"{workspace.policy}: no log line with an Ed25519 key" in result.err


@pytest.mark.parametrize("name", [b"w\xff", b"\xc3", b"\xed\xa0\x80", "\u2028é".encode()])
@pytest.mark.parametrize("is_cosigned", [True, False])
def test_witness_names_that_are_not_utf8_are_escaped(
    workspace: Workspace, receipt: Path, name: bytes, is_cosigned: bool
) -> None:
    """A policy may contain any octets; JSON and terminals cannot show all of them."""
    own = Keys().policy()
    key = own.witnesses["ledger-mldsa44"].key if is_cosigned else None
    other = Keys(b"w").policy("witness.example/w").witnesses["ledger-mldsa44"].key
    vkey = (key or other).text.encode()
    lines = [b"log " + own.logs[0].key.text.encode(), b"witness " + name + b" " + vkey]
    workspace.policy.write_bytes(b"\n".join([*lines, b"quorum " + name, b""]))
    code = VERIFIED if is_cosigned else INCOMPLETE
    for command in (
        ["receipt", "verify", receipt],
        ["receipt", "show", receipt],
        ["verify", workspace.path / "receipts", "--no-state"],
    ):
        result = workspace.run(*command, "--policy", workspace.policy)
        assert result.code == code
        assert all(c.isprintable() or c == "\n" for c in result.out)
        if command[1] != "show":
            result = workspace.run(*command, "--policy", workspace.policy, "--json")
            assert (result.code, result.report["answer"]) == (code, result.report["answer"])
            result.out.encode()
    output = workspace.run(
        "receipt", "verify", receipt, "--policy", workspace.policy, "--json"
    ).report
    shown = [*output["cosignatures"], *output["missing_witnesses"]]
    escaped = name.decode("utf-8", "surrogateescape").encode("utf-8", "backslashreplace").decode()
    assert shown == [escaped]
