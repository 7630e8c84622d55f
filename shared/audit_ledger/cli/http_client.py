"""HTTP as the API's commands speak it: to one place, never redirected, asked again where it helps.

https only, but for this machine; certificates are checked. Proxies are taken from the environment.
No message holds a token, a query or a body.
"""

import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from time import sleep
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from audit_ledger.cli.exit_codes import IncompleteError, UsageError
from audit_ledger.cli.profiles import LOOPBACK
from audit_ledger.shown_url import shown_url

TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, Section 2.1
PATIENT_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each further attempt, where what is sent must not be lost."""

_PAUSES = (0.3, 1.0)
_PASSING = (408, 425, 429, 500, 502, 503, 504)  # worth asking again
_MAX_PAUSE_SECONDS = 60.0
_MAX_BYTES = 64 << 20  # of an answer
_TIMEOUT_SECONDS = 35.0  # API Gateway's is 30

OnPause = Callable[[float, str], None]
"""Told before each pause: how many seconds, and what for."""


@dataclass(frozen=True)
class ApiRequest:
    """A request. `path` and `query` are percent-encoded; `query` and headers are private."""

    method: str
    path: str
    query: str = field(default="", repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ApiResponse:
    """An answer, whatever its status; `headers` by names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def retry_after_seconds(self) -> float | None:
        """What Retry-After says in seconds; None where it says nothing, or a date."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isdecimal() and len(text) < 6 else None


def checked_url(url: str, what: str = "url") -> str:
    """Return a URL without a slash at its end; UsageError where none should be asked there."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        url.encode("ascii")
        _ = parts.port
    except ValueError:
        raise UsageError(f"{what}: not a URL (percent-encode what is not ASCII)") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"{what} {shown_url(url)}: not an https URL without a query")
    if parts.username is not None:
        raise UsageError(f"{what}: a URL without user and password")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise UsageError(f"{what} {url}: https only, but for this machine")
    return url.rstrip("/")


@dataclass(frozen=True)
class HttpClient:
    """Asks one place. `url`: as `checked_url` gives it; `pauses`: seconds before each retry."""

    url: str
    pauses: tuple[float, ...] = _PAUSES
    on_pause: OnPause = lambda _seconds, _reason: None

    def ask(self, asked: ApiRequest) -> ApiResponse:
        """Return the answer; IncompleteError where there is none, or only that it cannot now."""
        failure = ""
        for next_pause in (*self.pauses, None):
            retry_after: float | None = None
            try:
                answered = self._once(asked)
            except _PassingError as error:
                failure = str(error)
            else:
                if answered.status not in _PASSING:
                    return answered
                failure = f"HTTP status {answered.status}"
                retry_after = answered.retry_after_seconds
            if next_pause is not None:
                seconds = min(max(next_pause, retry_after or 0), _MAX_PAUSE_SECONDS)
                self.on_pause(seconds, failure)
                pause(seconds)
        raise IncompleteError(f"{self.url}: {failure}{_explained(failure)}")

    def _once(self, asked: ApiRequest) -> ApiResponse:
        url = self.url + asked.path + (f"?{asked.query}" if asked.query else "")
        request = Request(url, data=asked.body, method=asked.method)  # noqa: S310 - checked_url
        request.add_header("User-Agent", "audit-ledger")
        for name, value in asked.headers.items():
            request.add_header(name, value)
        is_here = urlsplit(self.url).hostname in LOOPBACK
        opener = build_opener(_NotRedirected, *([ProxyHandler({})] if is_here else []))
        try:
            with opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                return _read(answer.status, answer)
        except HTTPError as error:
            with error:
                return _read(error.code, error)
        except URLError as error:
            raise self._failed(error.reason) from None
        except (OSError, HTTPException) as error:  # while the answer was read
            raise self._failed(error) from None

    def _failed(self, reason: object) -> Exception:
        """Say plainly why there is no answer, and whether asking again may help."""
        host = urlsplit(self.url).hostname
        match reason:
            case ssl.SSLCertVerificationError():
                message = f"{self.url}: its certificate is not trusted: {reason.verify_message}"
                return IncompleteError(message)
            case socket.gaierror() if reason.errno != socket.EAI_AGAIN:
                return IncompleteError(f"{self.url}: unknown host {host}")
            case socket.gaierror():
                return _PassingError(f"host {host} cannot be looked up now")
            case TimeoutError():
                return _PassingError(f"no answer within {_TIMEOUT_SECONDS:.0f} s")
            case OSError() if reason.strerror:
                return _PassingError(reason.strerror)
        return _PassingError(str(reason) or type(reason).__name__)


def pause(seconds: float) -> None:
    """Do nothing for so long."""
    sleep(seconds)


class _PassingError(Exception):
    """It did not work and may work the next time."""


class _NotRedirected(HTTPRedirectHandler):
    """No answer moves a request, with its token, to another place."""

    def redirect_request(self, *_: object) -> None:
        return None


def _read(status: int, answer: HTTPResponse | HTTPError) -> ApiResponse:
    body = answer.read(_MAX_BYTES + 1)
    declared = answer.headers.get("Content-Length")
    if len(body) > _MAX_BYTES:
        raise IncompleteError(f"an answer of over {_MAX_BYTES} bytes")
    if declared is not None and declared != str(len(body)):
        raise _PassingError("the connection ended within the answer")
    return ApiResponse(
        status, {name.lower(): value for name, value in answer.headers.items()}, body
    )


def _explained(failure: str) -> str:
    return {
        "HTTP status 429": ": too many requests at once",
        "HTTP status 503": ": the ledger cannot answer this now",
    }.get(failure, "")
