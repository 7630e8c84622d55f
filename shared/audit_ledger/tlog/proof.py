"""C2SP tlog-proof: a `.tlog-proof` file shows offline that an entry is in a witnessed log.

c2sp.org/tlog-proof@v1⏎
extra <base64>⏎                     only where there is extra data; it is not authenticated
index 73894⏎
<base64 of 32 bytes>⏎               inclusion proof, from the leaf's sibling to the root's child
⏎
<the checkpoint, a signed note, verbatim>
"""

from dataclasses import dataclass

from audit_ledger.tlog import strict_base64, strict_decimal
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.errors import FormatError
from audit_ledger.tlog.note import parse_note
from audit_ledger.tlog.policy import Policy, PolicyResult
from audit_ledger.tlog.rfc6962 import HASH_SIZE, MAX_SIZE, check_hashes, verify_inclusion
from audit_ledger.tlog.text_file import check_unchanged_text

MAGIC = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63  # the height of a tree of 2^63 - 1 leaves


@dataclass(frozen=True)
class TlogProof:
    """Index of an entry (from 0), its inclusion proof (32-byte hashes), and the signed checkpoint.

    `extra`: opaque data for the application, not authenticated, or None. FormatError: out of
    range, or no checkpoint.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __post_init__(self) -> None:
        """Raise FormatError for values that would not be read back unchanged."""
        if not 0 <= self.index < MAX_SIZE:
            raise FormatError(f"tlog-proof: index {self.index} is out of range")
        if len(self.hashes) > MAX_HASHES:
            raise FormatError(f"tlog-proof: {len(self.hashes)} hashes, at most {MAX_HASHES}")
        check_hashes(self.hashes, "tlog-proof")
        if self.extra == b"":
            raise FormatError("tlog-proof: extra data without a byte is left out")
        parse_checkpoint(parse_note(self.checkpoint).text)

    def to_bytes(self) -> bytes:
        """Return the `.tlog-proof` file."""
        extra = "" if self.extra is None else f"extra {strict_base64.encode(self.extra)}\n"
        hashes = "".join(f"{strict_base64.encode(hash_)}\n" for hash_ in self.hashes)
        return f"{MAGIC}\n{extra}index {self.index}\n{hashes}\n".encode() + self.checkpoint


def parse_proof(data: bytes) -> TlogProof:
    """Read a `.tlog-proof` file without verifying it; raises FormatError."""
    check_unchanged_text(data, "tlog-proof")
    header, empty_line, checkpoint = data.partition(b"\n\n")
    if not empty_line:
        raise FormatError("tlog-proof: no empty line before the checkpoint")
    try:
        lines = header.decode("ascii").split("\n", MAX_HASHES + 3)  # magic, extra, index, and over
    except UnicodeDecodeError:
        raise FormatError("tlog-proof: not ASCII before the checkpoint") from None
    if lines.pop(0) != MAGIC:
        raise FormatError(f"tlog-proof: the first line is not {MAGIC}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = strict_base64.decode(lines.pop(0)[len("extra ") :], what="tlog-proof: extra")
    if not lines or not lines[0].startswith("index "):
        raise FormatError("tlog-proof: no line `index` before the hashes")
    index = strict_decimal.parse(lines.pop(0)[len("index ") :], what="tlog-proof: index")
    if len(lines) > MAX_HASHES:
        raise FormatError(f"tlog-proof: {len(lines)} hashes, at most {MAX_HASHES}")
    hashes = tuple(
        strict_base64.decode(line, size=HASH_SIZE, what="tlog-proof: hash") for line in lines
    )
    proof = TlogProof(index, hashes, checkpoint, extra)
    if proof.to_bytes() != data:
        raise FormatError("tlog-proof: not in canonical form")
    return proof


def verify_proof(proof: TlogProof, leaf_hash: bytes, policy: Policy) -> PolicyResult:
    """Check that the entry with this leaf hash (32 bytes) is in the log that the policy trusts.

    Raises VerificationError if checkpoint or inclusion are not valid. An unmet quorum raises
    nothing: check `PolicyResult.satisfied`.
    """
    result = policy.evaluate(proof.checkpoint)
    checkpoint = result.checkpoint
    verify_inclusion(leaf_hash, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return result
