"""The last verified state of each ledger, stored between verifications.

A ledger that was truncated or rewritten is consistent in itself. Only a verifier that remembers an
earlier state can detect it. A stored state is a text:

    audit-ledger/state/v1
    created <b64 of the leaf hash of entry 0, or - where it is not known>
    digest <name of the newest digest> <b64 of the SHA-256 of its bytes>       or: digest - -
    sha256 <b64 of the SHA-256 of all other lines>
    checkpoint
    <the checkpoint note as signed, verbatim: text, empty line, signature lines>

The checkpoint is as it was published, so that two that contradict each other are evidence that
anyone can check. `created` distinguishes a ledger that was created again from one that was altered.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.ledger.digest_name import is_digest_name
from audit_ledger.tlog import strict_base64
from audit_ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from audit_ledger.tlog.note import MAX_NOTE_BYTES, parse_note
from audit_ledger.tlog.policy import Policy

MAGIC = "audit-ledger/state/v1"
MAX_STATE_BYTES = MAX_NOTE_BYTES + 4096

_NONE = "-"
_LINES = 5


@dataclass(frozen=True)
class KnownLedger:
    """The state of a ledger when it was last verified.

    `note`: the signed checkpoint; `digest_name`, `digest_sha256`: of the newest digest, None of a
    log that has none; `created`: the leaf hash of entry 0, None where it is not known.
    """

    note: bytes
    digest_name: str | None = None
    digest_sha256: bytes | None = None
    created: bytes | None = None

    @property
    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint."""
        return parse_checkpoint(parse_note(self.note).text)

    @property
    def age(self) -> tuple[int, str]:
        """A sort key for states of one ledger: the larger, the newer."""
        return self.checkpoint.size, self.digest_name or ""

    def to_bytes(self) -> bytes:
        """Return the bytes that are stored."""
        created = _NONE if self.created is None else strict_base64.encode(self.created)
        digest = f"{_NONE} {_NONE}"
        if self.digest_name is not None and self.digest_sha256 is not None:
            digest = f"{self.digest_name} {strict_base64.encode(self.digest_sha256)}"
        start = f"{MAGIC}\ncreated {created}\ndigest {digest}\n".encode()
        end = b"checkpoint\n" + self.note
        checksum = strict_base64.encode(sha256(start + end).digest())
        return start + f"sha256 {checksum}\n".encode() + end


def parse_known(data: bytes) -> KnownLedger:
    """Parse the bytes of `KnownLedger.to_bytes`; raise FormatError for anything else."""
    lines = data.split(b"\n", _LINES)
    if len(lines) != _LINES + 1 or lines[0] != MAGIC.encode() or lines[4] != b"checkpoint":
        raise FormatError(f"not the lines of {MAGIC}")
    try:
        created, digest = lines[1].decode("ascii"), lines[2].decode("ascii")
    except UnicodeDecodeError:
        raise FormatError("not ASCII before the checkpoint") from None
    name, _, hash_ = digest.removeprefix("digest ").partition(" ")
    if name != _NONE and not is_digest_name(name):
        raise FormatError("digest is neither a digest's name nor -")
    created = created.removeprefix("created ")
    known = KnownLedger(
        lines[5],
        None if name == _NONE else name,
        None if name == _NONE else strict_base64.decode(hash_, size=32, what="digest"),
        None if created == _NONE else strict_base64.decode(created, size=32, what="created"),
    )
    if known.to_bytes() != data:
        raise FormatError("damaged: its bytes are not those of its line sha256")
    _ = known.checkpoint
    return known


def require_signed(known: KnownLedger, origin: str, policy: Policy) -> None:
    """Raise FormatError unless a state is of this ledger, and a log of the policy signed it.

    A damaged state, or that of another ledger, must not be reported as a fault of the ledger.
    """
    checkpoint = known.checkpoint
    if checkpoint.origin != origin:
        raise FormatError(f"remembers {checkpoint.origin}, this ledger is {origin}")
    if not is_by_keys_of(known, policy):
        raise FormatError(
            f"remembers a ledger {origin} of other keys than the policy's: another ledger of that "
            "name, perhaps created again"
        )
    try:
        policy.evaluate(known.note)
    except (FormatError, VerificationError) as error:
        raise FormatError(f"damaged: {error}") from None


def is_by_keys_of(known: KnownLedger, policy: Policy) -> bool:
    """Return whether a stored checkpoint names a log key of the policy as a signer."""
    note = parse_note(known.note)
    return any(note.signatures_by(log.key) for log in policy.logs)


class CheckpointStore(Protocol):
    """A store of the last verified state of each ledger."""

    def load(self, origin: str, policy: Policy) -> KnownLedger | None:
        """Return the stored state, None at first contact; raise FormatError if it is unusable."""

    def knows_other_keys(self, origin: str, policy: Policy) -> bool:
        """Return whether a state of this origin is stored that other keys signed."""

    def save(self, known: KnownLedger, policy: Policy) -> None:
        """Store a state that was verified under this policy, unless a newer one is stored.

        Raises OSError if it cannot be written, FormatError if something else is stored there, and
        VerificationError if it contradicts the state that another verification has stored.
        """
