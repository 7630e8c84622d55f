"""A ledger's own keys: wrapped by a KMS key, in the clear for minutes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from audit_ledger.aws.ledgers_table import WrappedKeys
from audit_ledger.errors import FormatError
from audit_ledger.records.binding import binding_key
from audit_ledger.records.keyed_hash import KeyedHash

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


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


class WrappingKey:
    """The KMS key that wraps one ledger's index key and ledger keys."""

    def __init__(self, client: "KMSClient", key_id: str, origin: str) -> None:
        self._client = client
        self._key_id = key_id
        self._origin = origin

    def first_keys(self) -> WrappedKeys:
        """Make the keys of a new ledger; they are born wrapped."""
        return WrappedKeys(self._new("index"), {1: self._new("ledger")})

    def unwrap(self, wrapped: WrappedKeys) -> LedgerKeys:
        """Return the index key and the newest ledger key."""
        version = wrapped.current_version
        return LedgerKeys(
            KeyedHash(self._unwrap(wrapped.index_key, "index")),
            self._unwrap(wrapped.ledger_keys[version], "ledger"),
            version,
        )

    def unwrap_all(self, wrapped: WrappedKeys) -> LedgerKeyring:
        """Return the index key and all ledger keys: old records need theirs."""
        return LedgerKeyring(
            KeyedHash(self._unwrap(wrapped.index_key, "index")),
            {v: self._unwrap(key, "ledger") for v, key in wrapped.ledger_keys.items()},
        )

    def _new(self, purpose: str) -> bytes:
        answer = self._client.generate_data_key_without_plaintext(
            KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=self._context(purpose)
        )
        return answer["CiphertextBlob"]

    def _unwrap(self, wrapped: bytes, purpose: str) -> bytes:
        answer = self._client.decrypt(
            KeyId=self._key_id, CiphertextBlob=wrapped, EncryptionContext=self._context(purpose)
        )
        return answer["Plaintext"]

    def _context(self, purpose: str) -> dict[str, str]:
        return {"origin": self._origin, "purpose": purpose}
