"""tlog-proof files: written, read exactly, and verified against a policy."""

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.policy import parse_policy
from audit_ledger.tlog.proof import TlogProof, parse_proof, verify_proof
from tests.tlog import naive
from tests.tlog.keys import LOG, STRANGER, WITNESS_1, checkpoint_text, signed

LEAVES = naive.synthetic_leaves(9)
CHECKPOINT = signed(checkpoint_text(), LOG)
TREE_TEXT = Checkpoint(LOG.name, 9, naive.mth(LEAVES)).text
POLICY = parse_policy(f"log {LOG.vkey}\nwitness w {WITNESS_1.vkey}\nquorum w\n".encode())

H1, H2 = (b64encode(leaf).decode() for leaf in LEAVES[:2])


def test_wire_format() -> None:
    """Magic, extra, index, hashes, an empty line, the checkpoint as it was signed."""
    proof = TlogProof(7, (LEAVES[0], LEAVES[1]), CHECKPOINT, b"more")
    assert proof.to_bytes() == (
        f"c2sp.org/tlog-proof@v1\nextra bW9yZQ==\nindex 7\n{H1}\n{H2}\n\n".encode() + CHECKPOINT
    )
    assert parse_proof(proof.to_bytes()) == proof


def test_smallest_proof() -> None:
    """Without extra data and without hashes: the only entry of a log."""
    data = b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + CHECKPOINT
    assert parse_proof(data) == TlogProof(0, (), CHECKPOINT)
    assert parse_proof(data).to_bytes() == data


@settings(deadline=None)
@given(
    st.integers(0, 2**63 - 2),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
    st.none() | st.binary(min_size=1, max_size=100),
)
def test_every_proof_is_read_back(
    index: int, hashes: tuple[bytes, ...], extra: bytes | None
) -> None:
    """Any index, hashes and extra data."""
    proof = TlogProof(index, hashes, CHECKPOINT, extra)
    assert parse_proof(proof.to_bytes()) == proof


HEAD = "c2sp.org/tlog-proof@v1\n"
TAIL = "\n" + CHECKPOINT.decode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "no empty line", id="empty"),
        pytest.param(f"{HEAD}index 0\n", "no empty line", id="no checkpoint"),
        pytest.param(f"index 0\n{TAIL}", "first line", id="no magic"),
        pytest.param(f"c2sp.org/tlog-proof@v2\nindex 0\n{TAIL}", "first line", id="version 2"),
        pytest.param(f" {HEAD}index 0\n{TAIL}", "first line", id="space before the magic"),
        pytest.param(f"{HEAD}{TAIL}", "no line `index`", id="no index"),
        pytest.param(f"{HEAD}{H1}\n{TAIL}", "no line `index`", id="hash for an index"),
        pytest.param(f"{HEAD}index\n{TAIL}", "no line `index`", id="index without a number"),
        pytest.param(f"{HEAD}index 01\n{TAIL}", "index is not a dec", id="index leading zero"),
        pytest.param(f"{HEAD}index 1\r\n{TAIL}", "ends in CR LF", id="carriage return"),
        pytest.param(f"{HEAD}Index 1\n{TAIL}", "no line `index`", id="index in capitals"),
        pytest.param(f"{HEAD}index {2**63 - 1}\n{TAIL}", "out of range", id="index too large"),
        pytest.param(f"{HEAD}index 1\nindex 1\n{TAIL}", "hash: not", id="index twice"),
        pytest.param(f"{HEAD}extra\nindex 1\n{TAIL}", "no line `index`", id="extra without data"),
        pytest.param(f"{HEAD}extra \nindex 1\n{TAIL}", "left out", id="extra empty"),
        pytest.param(f"{HEAD}extra b*==\nindex 1\n{TAIL}", "extra: not st", id="extra not base64"),
        pytest.param(f"{HEAD}extra QQ==\nextra QQ==\nindex 1\n{TAIL}", "no line `i", id="2 extras"),
        pytest.param(f"{HEAD}index 1\nextra QQ==\n{TAIL}", "hash: not", id="extra behind index"),
        pytest.param(f"{HEAD}extra QQ==\n{TAIL}", "no line `index`", id="extra and no index"),
        pytest.param(f"{HEAD}index 1\n{H1[:-4]}\n{TAIL}", "30 bytes, expected", id="hash short"),
        pytest.param(f"{HEAD}index 1\n{H1} \n{TAIL}", "hash: not standard", id="hash and space"),
        pytest.param(f"{HEAD}index 1\né\n{TAIL}", "not ASCII", id="not ASCII"),
        pytest.param(f"{HEAD}index 1\n" + f"{H1}\n" * 64 + TAIL, "64 hashes", id="64 hashes"),
        pytest.param(f"{HEAD}index 1\n\n{TAIL}", "checkpoint: size", id="two empty lines"),
        pytest.param(f"{HEAD}index 1\n\n", "note: no empty line", id="checkpoint empty"),
        pytest.param(f"{HEAD}index 1\n{TAIL}"[:-1], "note: does not end", id="cut short"),
        pytest.param(f"{HEAD}index 1\n{TAIL}\n", "note: does not end", id="line too many"),
        pytest.param(
            f"{HEAD}index 1\n\n{signed('No checkpoint.' + chr(10), LOG).decode()}",
            "checkpoint: fewer",
            id="another note",
        ),
    ],
)
def test_malformed_proof(text: str, message: str) -> None:
    """Each line has its rule."""
    with pytest.raises(FormatError, match=message):
        parse_proof(text.encode())


@pytest.mark.parametrize(
    ("index", "hashes", "checkpoint", "extra"),
    [
        pytest.param(-1, (), CHECKPOINT, None, id="negative index"),
        pytest.param(2**63 - 1, (), CHECKPOINT, None, id="index too large"),
        pytest.param(0, (bytes(31),), CHECKPOINT, None, id="short hash"),
        pytest.param(0, (bytes(32),) * 64, CHECKPOINT, None, id="64 hashes"),
        pytest.param(0, (), CHECKPOINT, b"", id="empty extra data"),
        pytest.param(0, (), b"", None, id="no checkpoint"),
        pytest.param(0, (), checkpoint_text().encode(), None, id="unsigned checkpoint"),
    ],
)
def test_a_proof_that_would_not_be_read_back_is_refused(
    index: int, hashes: tuple[bytes, ...], checkpoint: bytes, extra: bytes | None
) -> None:
    """Each field out of range."""
    with pytest.raises(FormatError):
        TlogProof(index, hashes, checkpoint, extra)


@pytest.mark.parametrize("index", range(9))
def test_proof_of_each_entry_verifies(index: int) -> None:
    """Offline, against log and witness keys; extra data makes no difference."""
    hashes = tuple(naive.path(index, LEAVES))
    for extra in (None, b"anything"):
        proof = TlogProof(index, hashes, signed(TREE_TEXT, LOG), extra)
        assert not verify_proof(proof, LEAVES[index], POLICY).satisfied


def test_an_unmet_quorum_is_reported_and_not_raised() -> None:
    """The caller decides whether it accepts an unwitnessed proof."""
    hashes = tuple(naive.path(4, LEAVES))
    unwitnessed = verify_proof(TlogProof(4, hashes, signed(TREE_TEXT, LOG)), LEAVES[4], POLICY)
    assert not unwitnessed.satisfied
    assert unwitnessed.missing == ("w",)
    witnessed = TlogProof(4, hashes, signed(TREE_TEXT, LOG, WITNESS_1))
    result = verify_proof(witnessed, LEAVES[4], POLICY)
    assert result.satisfied
    assert result.checkpoint.size == 9


def test_proof_of_something_else_does_not_verify() -> None:
    """Another leaf, index, path or root; another signer."""
    checkpoint = signed(TREE_TEXT, LOG)
    hashes = tuple(naive.path(4, LEAVES))
    verify_proof(TlogProof(4, hashes, checkpoint), LEAVES[4], POLICY)
    wrong = [
        (TlogProof(4, hashes, checkpoint), LEAVES[5]),
        (TlogProof(4, hashes, checkpoint), LEAVES[4][:31]),
        (TlogProof(5, hashes, checkpoint), LEAVES[4]),
        (TlogProof(9, hashes, checkpoint), LEAVES[4]),
        (TlogProof(4, hashes[::-1], checkpoint), LEAVES[4]),
        (TlogProof(4, hashes[1:], checkpoint), LEAVES[4]),
        (TlogProof(4, hashes, CHECKPOINT), LEAVES[4]),
        (TlogProof(4, hashes, signed(TREE_TEXT, STRANGER)), LEAVES[4]),
        (TlogProof(4, hashes, checkpoint[:-8] + b"AAAAAA=\n"), LEAVES[4]),
    ]
    for proof, leaf in wrong:
        with pytest.raises(VerificationError):
            verify_proof(proof, leaf, POLICY)
