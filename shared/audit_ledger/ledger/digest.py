"""Digest: a signed note that wraps a published checkpoint, chained to the digest before it.

    audit-ledger/digest/v1
    <origin>
    from 2026-11-22T05:58:00Z
    to 2026-11-22T05:59:00Z
    size-before 0
    size-after 42
    index <b64 of 32 bytes>
    entries 42
    control-entries 1
    blocks 3
    followed 40
    missing 2 1
    previous <name, or - for none> <b64 of the SHA-256 of that digest's bytes, or of 32 zero bytes>
    checkpoint
    <the checkpoint note as signed, verbatim: text, empty line, signature lines>

followed, as in every signed note, by an empty line and the signature (type 0x01, the checkpoint's
Ed25519 key, key name = origin). The checkpoint stands verbatim and not in base64 because KMS signs
at most 4,096 bytes; origins of up to 64 bytes and counts of up to 15 digits fit.

`index` is the hash of the index of the first `size-after` entries, by which a response about one
person can be proved complete (`audit_ledger.runs`).

`missing` is what a hash chain alone cannot show: of events that portals number, how many never
came, as counted over the first `followed` entries, and how many portals lack some. Portals choose
their numbers: of each 999,999,999 count at most, and of 999 portals, so that whatever one claims, a
gap of another one still shows. `GET /portals/{id}/gaps` lists the gaps of a portal, to authorized
requesters. The ledger counts them in sealed records, so it is the ledger's own signed statement; a
portal can compare it with what it sent.
"""

import re
from dataclasses import dataclass

from audit_ledger.errors import FormatError
from audit_ledger.instants import format_instant, parse_instant
from audit_ledger.ledger.block import MAX_ENTRIES
from audit_ledger.ledger.digest_name import digest_name, is_digest_name
from audit_ledger.tlog import strict_base64, strict_decimal
from audit_ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from audit_ledger.tlog.note import parse_note

MAGIC = "audit-ledger/digest/v1"
NO_DIGEST = bytes(32)  # `previous` of the first digest
MAX_SIGNED_BYTES = 4096  # KMS Sign, MessageType RAW

MAX_MISSING = 999_999_999  # events of a portal
MAX_PORTALS = 999
_MISSING = re.compile(r"(0|[1-9][0-9]{0,11}) (0|[1-9][0-9]{0,2})")
_KEYS = (
    "from",
    "to",
    "size-before",
    "size-after",
    "index",
    "entries",
    "control-entries",
    "blocks",
    "followed",
    "missing",
    "previous",
)


@dataclass(frozen=True)
class Digest:
    """The entries that a period added. Times: whole seconds since 1970, the period is [from, to).

    `entries` counts all entries of the period, control entries among them. `previous_name` is
    empty and `previous_sha256` 32 zero bytes in the first digest of a ledger. `checkpoint` is the
    signed note, log's own signatures only. `missing_events`: numbered events that never came, of
    the first `followed` entries, which may be fewer than the digest covers; `missing_portals`: how
    many portals lack some.
    """

    origin: str
    period_from: int
    period_to: int
    size_before: int
    size_after: int
    index: bytes
    entries: int
    control_entries: int
    blocks: int
    followed: int
    missing_events: int
    missing_portals: int
    previous_name: str
    previous_sha256: bytes
    checkpoint: bytes

    @property
    def name(self) -> str:
        """The path of its object, below the ledger's prefix."""
        return digest_name(self.period_to, self.size_after)

    @property
    def wrapped(self) -> Checkpoint:
        """The checkpoint inside, unverified. FormatError: it is none."""
        return parse_checkpoint(parse_note(self.checkpoint).text)

    @property
    def root(self) -> bytes:
        """The root of the checkpoint inside: 32 bytes. FormatError: it is no checkpoint."""
        return self.wrapped.root

    @property
    def text(self) -> str:
        """The text that is signed. FormatError: too long to be signed."""
        previous = f"{self.previous_name or '-'} {strict_base64.encode(self.previous_sha256)}"
        text = (
            f"{MAGIC}\n{self.origin}\n"
            f"from {format_instant(self.period_from)}\nto {format_instant(self.period_to)}\n"
            f"size-before {self.size_before}\nsize-after {self.size_after}\n"
            f"index {strict_base64.encode(self.index)}\n"
            f"entries {self.entries}\ncontrol-entries {self.control_entries}\n"
            f"blocks {self.blocks}\nfollowed {self.followed}\n"
            f"missing {self.missing_events} {self.missing_portals}\n"
            f"previous {previous}\ncheckpoint\n"
            f"{self.checkpoint.decode()}"
        )
        if len(text.encode()) > MAX_SIGNED_BYTES:
            raise FormatError(f"digest: over {MAX_SIGNED_BYTES} bytes, more than KMS signs")
        return text


def parse_digest(text: str) -> Digest:
    """Read a digest's text as `Digest.text` writes it; FormatError for anything else."""
    if not _is_utf8(text):
        raise FormatError("digest: not UTF-8")
    lines = text.split("\n", 14)
    if len(lines) != 15 or lines[0] != MAGIC or lines[13] != "checkpoint":
        raise FormatError(f"digest: not the lines of {MAGIC}")
    values: dict[str, str] = {}
    for key, line in zip(_KEYS, lines[2:13], strict=True):
        name, _, value = line.partition(" ")
        if name != key:
            raise FormatError(f"digest: expected line {key!r}")
        values[key] = value
    previous_name, _, previous_hash = values["previous"].partition(" ")
    if previous_name != "-" and not is_digest_name(previous_name):
        raise FormatError("digest: previous is neither a digest's name nor -")
    missing_events, missing_portals = _missing(values["missing"])
    digest = Digest(
        origin=lines[1],
        period_from=parse_instant(values["from"], what="digest: from"),
        period_to=parse_instant(values["to"], what="digest: to"),
        size_before=_number(values, "size-before"),
        size_after=_number(values, "size-after"),
        index=strict_base64.decode(values["index"], size=32, what="digest: index"),
        entries=_number(values, "entries"),
        control_entries=_number(values, "control-entries"),
        blocks=_number(values, "blocks"),
        followed=_number(values, "followed"),
        missing_events=missing_events,
        missing_portals=missing_portals,
        previous_name="" if previous_name == "-" else previous_name,
        previous_sha256=strict_base64.decode(previous_hash, size=32, what="digest: previous"),
        checkpoint=lines[14].encode(),
    )
    _ = digest.wrapped  # that there is one
    _check_counts(digest)
    if (not digest.previous_name) != (digest.previous_sha256 == NO_DIGEST):
        raise FormatError("digest: name and hash of the digest before do not agree")
    if digest.text != text:
        raise FormatError("digest: not in canonical form")
    return digest


def _check_counts(digest: Digest) -> None:
    """Raise FormatError for counts that no period can have."""
    if digest.period_from > digest.period_to or digest.size_before > digest.size_after:
        raise FormatError("digest: ends before it begins")
    if digest.size_after - digest.size_before != digest.entries:
        raise FormatError("digest: entries is not the difference of its sizes")
    if digest.control_entries > digest.entries:
        raise FormatError("digest: more control entries than entries")
    if not -(-digest.entries // MAX_ENTRIES) <= digest.blocks <= digest.entries:
        raise FormatError(
            f"digest: {digest.blocks} blocks cannot hold its {digest.entries} entries, 1 to "
            f"{MAX_ENTRIES} each"
        )
    if digest.followed > digest.size_after:
        raise FormatError("digest: followed is more than its size")
    if digest.missing_events and not digest.followed:
        raise FormatError("digest: events are missing where none was followed")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _missing(text: str) -> tuple[int, int]:
    found = _MISSING.fullmatch(text)
    if found is None:
        raise FormatError("digest: missing is not a number of events and one of portals")
    events, portals = int(found[1]), int(found[2])
    if not portals <= events <= portals * MAX_MISSING:
        raise FormatError("digest: so many portals cannot lack so many events")
    return events, portals


def _number(values: dict[str, str], key: str) -> int:
    return strict_decimal.parse(values[key], what=f"digest: {key}")
