"""A request as API Gateway hands it over (HTTP API, payload format 2.0), read once."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from audit_ledger.events import RejectedEventError
from audit_ledger.events.media_type import MediaType, parse_media_type
from audit_ledger.http.authorization import Authorization, read_authorization
from audit_ledger.http.base_url import base_url
from audit_ledger.http.content_coding import undo_codings
from audit_ledger.settings.token_claims import TokenClaims

MAX_KEY_LENGTH = 255
PREFERENCES = {each.lower(): each for each in ("minimal", "representation", "OperationOutcome")}
MAX_FIELDS = 200  # of a query string
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
FORM = "application/x-www-form-urlencoded"
FHIR_JSON = ("application/fhir+json", "application/json+fhir", "application/json", "text/json")
"""Media types of FHIR in JSON: of R4 and R5, of DSTU2, and general ones (FHIR, http.html)."""


@dataclass(frozen=True, repr=False)
class Request:
    """What came in. `headers`: names in lower case; `base`: the server's URL;
    `query` is as sent; `path`: its variables."""

    route: str
    access: Authorization
    headers: Mapping[str, str]
    media_type: MediaType
    body: bytes
    base: str = ""
    query: str = ""
    target: str = "/"
    path: Mapping[str, str] = field(default_factory=dict)
    source_ip: str = ""

    @property
    def idempotency_key(self) -> str | None:
        """The sender's own id of the request; RejectedEventError (400) when it is not printable."""
        key = self.headers.get("idempotency-key")
        if key is None:
            return None
        if not key or len(key) > MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
            raise RejectedEventError(
                400, "value", "Idempotency-Key", f"1 to {MAX_KEY_LENGTH} printable characters"
            )
        return key

    @property
    def preference(self) -> str:
        """What `Prefer: return=` asks for: minimal, representation, OperationOutcome; else ""."""
        return PREFERENCES.get(_preferences(self.headers).get("return", ""), "")

    @property
    def query_pairs(self) -> list[tuple[str, str]]:
        """Names and values of the query string, percent-decoded, in order."""
        return _pairs(self.query, "the query string")

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Those of the query string, then those of a form (`POST …/_search`)."""
        if self.media_type.essence != FORM:
            return self.query_pairs
        both = f"{self.query}&{self.body.decode(errors='surrogateescape')}".strip("&")
        return _pairs(both, "the form")

    @property
    def handles_strictly(self) -> bool:
        """Whether `Prefer: handling=strict` asks to refuse parameters that are not known."""
        return _preferences(self.headers).get("handling") == "strict"

    def require_media_type(self, *allowed: str) -> None:
        """Raise RejectedEventError (415) unless the body is of one of these types."""
        if self.media_type.essence not in allowed:
            raise RejectedEventError(
                415, "not-supported", "Content-Type", f"one of {', '.join(allowed)}"
            )


def _preferences(headers: Mapping[str, str]) -> dict[str, str]:
    """Read Prefer (RFC 7240): names and values in lower case; of one given twice the first.

    Some clients part preferences by semicolons, which is for the parameters of one: none has any.
    """
    found: dict[str, str] = {}
    for part in headers.get("prefer", "").lower().replace(";", ",").split(","):
        name, _, value = part.partition("=")
        found.setdefault(name.strip(), value.strip().removeprefix('"').removesuffix('"'))
    return found


def _pairs(text: str, place: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:  # not UTF-8, or too many
        expected = f"at most {MAX_FIELDS} parameters in UTF-8, percent-encoded"
        raise RejectedEventError(400, "value", place, expected) from None


def read_headers(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of an HTTP API's event, by names in lower case."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def authorization_of(event: Mapping[str, Any], names: TokenClaims) -> Authorization:
    """Read the token of a request, and nothing else of it."""
    return read_authorization(event["requestContext"].get("authorizer", {}).get("jwt", {}), names)


def read_request(event: Mapping[str, Any], names: TokenClaims, public_url: str = "") -> Request:
    """Read the event of an HTTP API; RejectedEventError where the body is not what was sent.

    `public_url`: the setting, empty if there is none.
    """
    context = event["requestContext"]
    headers = read_headers(event)
    body = event.get("body") or ""
    is_whole = bool(event.get("isBase64Encoded"))
    packed = b64decode(body) if is_whole else body.encode()
    coding = headers.get("content-encoding", "") if packed else ""  # of nothing: no coding
    sent = undo_codings(packed, coding, is_whole=is_whole)
    if not is_whole and REPLACEMENT in body:
        # API Gateway hands JSON over as text, with this in the place of bytes that are none.
        raise RejectedEventError(400, "structure", "the body", "valid UTF-8 (without U+FFFD)")
    return Request(
        route=event["routeKey"],
        access=authorization_of(event, names),
        headers=headers,
        media_type=parse_media_type(headers.get("content-type", "")),
        body=sent,
        base=base_url(event, public_url),
        query=event.get("rawQueryString") or "",
        target=event.get("rawPath") or "/",
        path=event.get("pathParameters") or {},
        source_ip=context.get("http", {}).get("sourceIp", ""),
    )
