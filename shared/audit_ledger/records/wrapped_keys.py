"""Wrapped keys: a ledger's own keys as stored, encrypted by KMS."""

import msgspec

from audit_ledger.errors import FormatError


class WrappedKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ledger's keys, wrapped by KMS. `ledger_keys`: version → wrapped key."""

    index_key: bytes
    ledger_keys: dict[int, bytes]

    @property
    def current_version(self) -> int:
        """The ledger key that seals new records."""
        return max(self.ledger_keys)

    def to_bytes(self) -> bytes:
        """Return the JSON for the archive: `{"index_key":"<b64>","ledger_keys":{"1":"<b64>"}}`."""
        return msgspec.json.encode(self)


def parse_wrapped_keys(data: bytes) -> WrappedKeys:
    """Parse the bytes of `WrappedKeys.to_bytes`; raise FormatError for anything else."""
    try:
        return msgspec.json.decode(data, type=WrappedKeys)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FormatError("archived keys: not JSON with wrapped keys") from None
