"""Sealed view: data that is derived from records and stored, encrypted, between runs.

    u8 version = 1 ‖ u16 ledger key version
    ‖ 16 bytes salt ‖ AES-256-GCM(single-use key, zstd(view), associated data = origin ‖ LF ‖ name)

    view key       = HKDF-SHA256(ledger key, no salt, info = "audit-ledger/view-key/v1\\n" ‖ origin)
    single-use key = derived from view key and salt, see `single_use`

Integers are big-endian. A view contains keyed hashes instead of persons' identifiers, because
it outlives erased records; it is sealed because a portal's names of its systems may be
confidential.
"""

import struct
from collections.abc import Mapping

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.records.single_use import SALT_BYTES, TAG_BYTES, decrypt_once, encrypt_once

MAX_VIEW_BYTES = 32 * 1024 * 1024
_HEAD = struct.Struct(">BH")
_MIN_BYTES = _HEAD.size + SALT_BYTES + TAG_BYTES
_VERSION = 1


def seal_view(view: bytes, ledger_keys: Mapping[int, bytes], origin: str, name: str) -> bytes:
    """Seal a view under the newest ledger key."""
    key_version = max(ledger_keys)
    key = _view_key(ledger_keys[key_version], origin)
    sealed = encrypt_once(key, zstandard.compress(view), _associated(origin, name))
    return _HEAD.pack(_VERSION, key_version) + sealed


def open_view(sealed: bytes, ledger_keys: Mapping[int, bytes], origin: str, name: str) -> bytes:
    """Open what `seal_view` sealed; FormatError or VerificationError for anything else."""
    if len(sealed) < _MIN_BYTES:
        raise FormatError(f"view {name}: ends early")
    version, key_version = _HEAD.unpack_from(sealed)
    if version != _VERSION or key_version not in ledger_keys:
        raise FormatError(f"view {name}: of another version, or its ledger key is not there")
    try:
        key = _view_key(ledger_keys[key_version], origin)
        packed = decrypt_once(key, sealed[_HEAD.size :], _associated(origin, name))
        return zstandard.decompress(packed, max_output_size=MAX_VIEW_BYTES)
    except (InvalidTag, zstandard.ZstdError):
        raise VerificationError(f"view {name}: does not open (altered or moved)") from None


def _view_key(ledger_key: bytes, origin: str) -> bytes:
    info = b"audit-ledger/view-key/v1\n" + origin.encode()
    return HKDF(SHA256(), 32, salt=None, info=info).derive(ledger_key)


def _associated(origin: str, name: str) -> bytes:
    return f"{origin}\n{name}".encode()
