"""A finding as it is stored: sealed, under its number, and without names of people."""

from collections.abc import Mapping

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.records.sealed_view import open_view, seal_view


class StoredFinding(PrivateRepr, msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A finding. User and patient are in the records of its entries.

    `last_block`: first entry of the block of the last entry; `time_ms`: the event's own;
    `ledger_time`: of the last entry, seconds since 1970, which never decreases from one finding to
    the next; `directory`: the first 16 hex digits of the directory's digest, empty if there is
    none.
    """

    SHOWN = ("rule", "entries")
    id: str
    rule: str
    severity: str
    entries: tuple[int, ...]
    event_ids: tuple[str, ...]
    last_block: int
    time_ms: int
    ledger_time: int
    statement: str
    directory: str = ""


_decoder = msgspec.json.Decoder(StoredFinding)


def seal_finding(
    finding: StoredFinding,
    ledger_keys: Mapping[int, bytes],
    origin: str,
    generation: int,
    number: int,
) -> bytes:
    """Seal a finding under its generation of views and its number there."""
    data = msgspec.json.encode(finding)
    return seal_view(data, ledger_keys, origin, _name(generation, number))


def open_finding(
    sealed: bytes, ledger_keys: Mapping[int, bytes], origin: str, generation: int, number: int
) -> StoredFinding:
    """Open what `seal_finding` sealed; raise FormatError or VerificationError for others."""
    data = open_view(sealed, ledger_keys, origin, _name(generation, number))
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise FormatError("views: expected a stored finding") from None


def _name(generation: int, number: int) -> str:
    return f"finding {generation} {number}"
