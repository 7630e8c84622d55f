"""Wrapped keys: a ledger's own keys as they are stored. Needs no cryptography to read."""

from dataclasses import dataclass

import msgspec

from audit_ledger.errors import FormatError


@dataclass(frozen=True)
class WrappedKeys:
    """A ledger's keys, wrapped by KMS. `ledger_keys`: version → wrapped key."""

    index_key: bytes
    ledger_keys: dict[int, bytes]

    @property
    def current_version(self) -> int:
        """The ledger key that seals new records."""
        return max(self.ledger_keys)


class _Wrapped(msgspec.Struct, forbid_unknown_fields=True):
    index_key: bytes
    ledger_keys: dict[int, bytes]


def encode_wrapped_keys(keys: WrappedKeys) -> bytes:
    """Write wrapped keys for the archive, as JSON:

    {"index_key":"<b64>","ledger_keys":{"1":"<b64>"}}
    """
    return msgspec.json.encode(_Wrapped(keys.index_key, keys.ledger_keys))


def decode_wrapped_keys(data: bytes) -> WrappedKeys:
    """Read what `encode_wrapped_keys` writes; FormatError for anything else."""
    try:
        read = msgspec.json.decode(data, type=_Wrapped)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FormatError("archived keys: not JSON with wrapped keys") from None
    return WrappedKeys(read.index_key, read.ledger_keys)
