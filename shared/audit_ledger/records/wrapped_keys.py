"""Wrapped keys: a ledger's own keys as they are stored. Needs no cryptography to read."""

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


def encode_wrapped_keys(keys: WrappedKeys) -> bytes:
    """Write wrapped keys for the archive, as JSON:

    {"index_key":"<b64>","ledger_keys":{"1":"<b64>"}}
    """
    return msgspec.json.encode(keys)


def decode_wrapped_keys(data: bytes) -> WrappedKeys:
    """Read what `encode_wrapped_keys` writes; FormatError for anything else."""
    try:
        return msgspec.json.decode(data, type=WrappedKeys)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FormatError("archived keys: not JSON with wrapped keys") from None
