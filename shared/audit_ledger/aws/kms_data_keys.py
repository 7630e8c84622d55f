"""A ledger's data keys: wrapped by a KMS key, in plaintext in memory only."""

from typing import TYPE_CHECKING

from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.ledger_keys import LedgerKeyring, LedgerKeys
from audit_ledger.records.wrapped_keys import WrappedKeys

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class WrappingKey:
    """The KMS key that wraps one ledger's index key and ledger keys."""

    def __init__(self, client: "KMSClient", key_id: str, origin: str) -> None:
        self._client = client
        self._key_id = key_id
        self._origin = origin

    def first_keys(self) -> WrappedKeys:
        """Create the keys of a new ledger; KMS returns them wrapped only."""
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
