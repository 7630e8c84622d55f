"""Ledger keys: a ledger's own keys, wrapped and in the clear."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.records.binding import binding_key
from audit_ledger.records.keyed_hash import KeyedHash


@dataclass(frozen=True)
class WrappedKeys:
    """A ledger's keys, wrapped by KMS. `ledger_keys`: version → wrapped key."""

    index_key: bytes
    ledger_keys: dict[int, bytes]

    @property
    def current_version(self) -> int:
        """The ledger key that seals new records."""
        return max(self.ledger_keys)


@dataclass(frozen=True, repr=False)
class LedgerKeys:
    """A ledger's keys in the clear: in memory of ingest, query and follower, for minutes."""

    index_key: KeyedHash
    ledger_key: bytes
    ledger_key_version: int

    @cached_property
    def binding(self) -> KeyedHash:
        """The key of the tags that bind new records."""
        return binding_key(self.ledger_key)


@dataclass(frozen=True, repr=False)
class LedgerKeyring:
    """What opens a ledger's records: the index key, and every ledger key by its version."""

    index_key: KeyedHash
    ledger_keys: Mapping[int, bytes]

    @cached_property
    def bindings(self) -> Mapping[int, KeyedHash]:
        """The keys of the tags that bind records, by version of the ledger key."""
        return {version: binding_key(key) for version, key in self.ledger_keys.items()}


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
