"""RFC 6920 URIs: how events name a document by its SHA-256."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Final

NI_SYSTEM: Final = "urn:ietf:rfc:6920"
_NI: Final = re.compile(r"ni://[^/]*/sha-256;([A-Za-z0-9_\-]{43})(?:\?.*)?")


def ni_uri(digest: bytes) -> str:
    """Return the RFC 6920 URI of a SHA-256, for a document that an event names."""
    return f"ni:///sha-256;{urlsafe_b64encode(digest).decode().rstrip('=')}"


def digest_of_ni(uri: str) -> bytes | None:
    """Return the SHA-256 in an RFC 6920 URI; None if it contains none."""
    form = _NI.fullmatch(uri)
    if form is None:
        return None
    try:
        return urlsafe_b64decode(form[1] + "=")
    except (Error, ValueError):
        return None
