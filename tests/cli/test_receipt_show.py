"""`ledger receipt` explains what a receipt of a readable record proves."""

import json

import pytest

from audit_ledger.tlog.proof import parse_proof
from tests.cli.disclosed_record import DISCLOSED, publish_record, text
from tests.cli.published_ledger import Workspace
from tests.verify.writer import ORIGIN

VERIFIED, FAILED, INCOMPLETE = 0, 1, 3
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
READABLE_ROW = json.dumps(
    {"id": "a" * 64, "time": 1795327092345, "fingerprint": text(bytes(32)), "generation": 1},
    separators=(",", ":"),
).encode()
READABLE_RECORD = (
    b'{"portal":"ehr","received":"2026-11-22T05:58:20.001Z","format":"fhir-r4","resource":'
    + RESOURCE
    + b"}"
)
READABLE = DISCLOSED | {"index_row": text(READABLE_ROW), "record": text(READABLE_RECORD)}


def readable_receipt(workspace: Workspace) -> bytes:
    """Return the receipt of entry 3 of a small ledger, which commits to a readable record."""
    publish_record(workspace.path / "small", 3, READABLE_ROW, READABLE_RECORD)
    file = workspace.path / "3.tlog-proof"
    assert (
        workspace.run("receipt", "make", workspace.path / "small", 3, "-o", file).code == VERIFIED
    )
    return file.read_bytes()


def test_a_receipt_is_explained(workspace: Workspace) -> None:
    """The output has signers, times and the record, and states what is proved."""
    file, record = workspace.path / "receipt", workspace.path / "record.json"
    file.write_bytes(readable_receipt(workspace))
    record.write_text(json.dumps(READABLE))
    result = workspace.run(
        "receipt", "show", file, "--policy", workspace.policy, "--record", record
    )
    assert (result.code, result.err) == (VERIFIED, "")
    output = " ".join(result.out.split())
    assert output.startswith(f"verified: receipt of entry 3 of {ORIGIN} entry 3, of 4 (they count")
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
        assert expected in output


def test_a_receipt_without_record_or_policy_proves_less(workspace: Workspace) -> None:
    """Only signatures by keys of a policy count."""
    file = workspace.path / "receipt"
    file.write_bytes(readable_receipt(workspace))
    result = workspace.run("receipt", "show", file)
    assert result.code == INCOMPLETE
    assert "no --policy names the keys to look for" in result.out
    assert "what was recorded: give the record with --record" in result.out
    assert "Patient" not in result.out
    bare = workspace.run("receipt", "show", file, "--policy", workspace.policy)
    assert (bare.code, "it proves:" in bare.out) == (VERIFIED, True)
    small = workspace.path / "small"
    control = workspace.path / "control"
    workspace.run("receipt", "make", small, 0, "-o", control)
    result = workspace.run("receipt", "show", control, "--policy", workspace.policy)
    assert "a statement of the ledger about itself: ledger.created" in result.out


@pytest.mark.parametrize("with_policy", [True, False])
def test_an_altered_receipt_proves_nothing(workspace: Workspace, with_policy: bool) -> None:
    """The proof, the entry and the disclosed record are all covered."""
    data = readable_receipt(workspace)
    record = workspace.path / "record.json"
    record.write_text(json.dumps(READABLE))
    policy = ["--policy", workspace.policy] if with_policy else []
    file = workspace.path / "changed"
    index = data.index(b"index 3")
    for changed in (
        data[: index + 6] + b"2" + data[index + 7 :],
        data.replace(b"extra ey", b"extra ez"),
        data[:-30],
        b"",
    ):
        file.write_bytes(changed)
        result = workspace.run("receipt", "show", file, *policy)
        assert (result.code, result.out) == (FAILED, "")
        assert "it proves nothing" in result.err
    file.write_bytes(data)
    record.write_text(json.dumps(READABLE | {"record_blind": text(bytes(32))}))
    assert workspace.run("receipt", "show", file, *policy, "--record", record).code == FAILED


def test_the_times_of_entry_and_event_are_distinguished(workspace: Workspace) -> None:
    """The ledger states one, the sender the other, which only the record contains."""
    file, record = workspace.path / "receipt", workspace.path / "record.json"
    file.write_bytes(readable_receipt(workspace))
    record.write_text(json.dumps(READABLE))
    plain = workspace.run("receipt", "verify", file, "--policy", workspace.policy)
    entry_time = json.loads(parse_proof(file.read_bytes()).extra or b"")["time"]
    assert f"event entry, made {entry_time}, " in plain.out
    assert "not covered:\n  the record that the entry commits to, its index row and" in plain.out
    shown = workspace.run(
        "receipt", "verify", file, "--policy", workspace.policy, "--record", record
    )
    assert f"  the event's own time, by its sender: {EVENT_TIME}\n" in shown.out
    for options, event_time in (([], None), (["--record", record], EVENT_TIME)):
        output = workspace.run(
            "receipt", "verify", file, "--policy", workspace.policy, "--json", *options
        )
        assert output.report["entry_time"] == entry_time
        assert output.report["event_time"] == event_time
        assert "time" not in output.report
