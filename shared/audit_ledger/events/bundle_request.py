"""Check the request of a Bundle entry: `POST AuditEvent`, in the spellings of FHIR clients."""

from typing import Any, Final
from urllib.parse import urlsplit

from audit_ledger.events.errors import RejectedEventError

_TYPE: Final = "AuditEvent"
NO_CONDITION: Final = "no condition: the Idempotency-Key header identifies a repeated event"
"""The expectation in errors about conditional create, which is not supported."""


def check_request(request: Any, place: str) -> None:
    """Raise RejectedEventError unless an entry's request creates an AuditEvent, unconditionally.

    Its `url` is `AuditEvent`, relative or under any base URL (clients use various base URLs of
    this server), or absent, as in transactions of HAPI FHIR: the resource type suffices.
    """
    if not isinstance(request, dict):
        raise RejectedEventError(422, "required", place, "the request POST AuditEvent")
    if request.get("method") != "POST":
        raise RejectedEventError(422, "not-supported", f"{place}.method", "the method POST")
    if not _is_of_type(request.get("url")):
        raise RejectedEventError(422, "not-supported", f"{place}.url", "the url AuditEvent")
    for name in ("ifNoneExist", "ifMatch"):
        if request.get(name) is not None:
            raise RejectedEventError(400, "not-supported", f"{place}.{name}", NO_CONDITION)


def _is_of_type(url: Any) -> bool:
    """Return whether a URL is absent or ends in the resource type, without id, query, fragment."""
    if url is None:
        return True
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme not in ("", "http", "https") or parts.query or parts.fragment or "?" in url:
        return False
    return parts.path.removesuffix("/").rpartition("/")[2] == _TYPE
