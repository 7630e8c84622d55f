"""Ledger keys: a ledger's own keys in the clear."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from audit_ledger.records.binding import binding_key
from audit_ledger.records.keyed_hash import KeyedHash


@dataclass(frozen=True, repr=False)
class LedgerKeys:
    """A ledger's keys in the clear: cached in memory by ingest, query and follower for minutes."""

    index_key: KeyedHash
    ledger_key: bytes
    ledger_key_version: int

    @cached_property
    def binding(self) -> KeyedHash:
        """The key of the tags that bind new records."""
        return binding_key(self.ledger_key)


@dataclass(frozen=True, repr=False)
class LedgerKeyring:
    """The keys that open a ledger's records: the index key, and every ledger key by version."""

    index_key: KeyedHash
    ledger_keys: Mapping[int, bytes]

    @cached_property
    def bindings(self) -> Mapping[int, KeyedHash]:
        """The keys of the tags that bind records, by version of the ledger key."""
        return {version: binding_key(key) for version, key in self.ledger_keys.items()}
