r"""Cursor: where the next page of a search begins, opaque to the caller and authenticated.

base64url without padding (RFC 4648, Section 5) of

    version (1 byte, 1) ‖ size (u64be) ‖ time_ms (i64be) ‖ seq (u64be) ‖ binding (32)
    ‖ HMAC-SHA256("audit-ledger/search-cursor/v1\n" ‖ all of the above) (32)

`binding` is the hash of what the cursor belongs to: the ledger, the token's scope, the search. A
cursor reveals nothing about a patient, and cannot be made or changed without the key.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

import msgspec

from audit_ledger.records.pseudonyms import frame
from audit_ledger.search.criteria import Search
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.links import matching_query

if TYPE_CHECKING:
    from audit_ledger.records.keyed_hash import KeyedHash

_VERSION: Final = 1
_LAYOUT: Final = struct.Struct(">BQqQ32s")
_MAC_BYTES: Final = 32
_LABEL: Final = b"audit-ledger/search-cursor/v1\n"


class Cursor(msgspec.Struct, frozen=True, gc=False):
    """Where the next page starts.

    `size`: the published size that the search is pinned to, so that all pages are of one state;
    `time_ms` and `seq`: the event that was reached, by its own time and entry.
    """

    size: int
    time_ms: int
    seq: int

    def to_text(self, key: "KeyedHash", binding: bytes) -> str:
        """Return the text for a link, bound to a search and authenticated with `key`."""
        body = _LAYOUT.pack(_VERSION, self.size, self.time_ms, self.seq, binding)
        return _base64url(body + key.digest(_LABEL + body))


def search_binding(search: Search, *, origin: str, scope: str) -> bytes:
    """Hash what a cursor belongs to (32 bytes): ledger, what the token allows, criteria and order.

    `_count` and `_format` are left out: a reader may change them between two pages.
    """
    query = matching_query(search)
    label = b"audit-ledger/search/v1"
    return sha256(frame(label, origin.encode(), scope.encode(), query.encode())).digest()


def parse_cursor(key: "KeyedHash", text: str, binding: bytes) -> Cursor:
    """Parse the text of `Cursor.to_text` for the same key and binding.

    Raise RejectedSearchError (400) for anything else: another spelling, a changed byte, another
    key, and a cursor of another search, ledger or scope.
    """
    sealed = _bytes_of(text)
    body, mac = sealed[:-_MAC_BYTES], sealed[-_MAC_BYTES:]
    if not compare_digest(key.digest(_LABEL + body), mac) or len(body) != _LAYOUT.size:
        raise _refusal()
    version, size, time_ms, seq, bound_to = _LAYOUT.unpack(body)
    if version != _VERSION:
        raise _refusal()
    if not compare_digest(bound_to, binding):
        raise RejectedSearchError(
            "_cursor", "a cursor of this very search, as its link next has it", "invalid"
        )
    return Cursor(size, time_ms, seq)


def _refusal() -> RejectedSearchError:
    return RejectedSearchError("_cursor", "the cursor of a link next, unchanged")


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _bytes_of(text: str) -> bytes:
    """Decode base64url as `_base64url` spells it, and no other spelling."""
    try:
        data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (Error, UnicodeEncodeError):
        raise _refusal() from None
    if _base64url(data) != text:
        raise _refusal()
    return data
