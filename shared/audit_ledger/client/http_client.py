"""HTTP requests to one API: redirects are not followed, and passing failures are retried.

https only, except for this machine; certificates are verified. Proxies come from the environment.
No message contains a token, a query or a body.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import sleep

from audit_ledger.client.errors import InvalidInputError, UnansweredError
from audit_ledger.http_transport import (
    HttpResponse,
    HttpTransport,
    TransportError,
    is_loopback,
    split_url,
)
from audit_ledger.shown_url import shown_url

PAUSES = (0.3, 1.0)
PATIENT_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each retry, for requests that must not be lost."""

_PASSING = (408, 425, 429, 500, 502, 503, 504)  # worth a retry
_MAX_PAUSE_SECONDS = 60.0
_MAX_BYTES = 64 << 20  # of an answer
_TIMEOUT_SECONDS = 35.0  # API Gateway's is 30
_DEADLINE_SECONDS = 600.0  # for one response, however steadily its bytes arrive

OnPause = Callable[[float, str], None]
"""Takes the seconds of a pause and its reason."""


def ignore_pause(seconds: float, reason: str) -> None:
    """Report no pause."""


@dataclass(frozen=True)
class ApiRequest:
    """A request. `path` and `query` are percent-encoded; `query` and headers are private."""

    method: str
    path: str
    query: str = field(default="", repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def validate_url(url: str, what: str = "url") -> str:
    """Return a URL without a slash at its end; InvalidInputError if no request may go there."""
    try:
        parts = split_url(url)
    except ValueError:
        raise InvalidInputError(f"{what}: not a URL (percent-encode what is not ASCII)") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidInputError(f"{what} {shown_url(url)}: not an https URL without a query")
    if parts.username is not None:
        raise InvalidInputError(f"{what}: a URL without user and password")
    if parts.scheme == "http" and not is_loopback(url):
        raise InvalidInputError(f"{what} {url}: https only, but for this machine")
    return url.rstrip("/")


@dataclass(frozen=True)
class HttpClient:
    """Sends requests to one API, over connections that it reuses.

    `url`: as `validate_url` returns it; `pauses`: seconds before each retry; `on_pause` is called
    before each.
    """

    url: str
    pauses: tuple[float, ...] = PAUSES
    on_pause: OnPause = ignore_pause
    transport: HttpTransport = field(
        default_factory=lambda: HttpTransport(_TIMEOUT_SECONDS), repr=False, compare=False
    )

    def send(self, request: ApiRequest) -> HttpResponse:
        """Send a request until its response is final, and return it; UnansweredError without one.

        A retry waits for its pause, or as long as Retry-After requests, a minute at most.
        """
        failure = ""
        for next_pause in (*self.pauses, None):
            retry_after: float | None = None
            try:
                response = self._exchange(request)
            except TransportError as error:
                if error.is_permanent:
                    raise UnansweredError(f"{self.url}: {error}") from None
                failure = str(error)
            else:
                if response.status not in _PASSING:
                    return response
                failure = f"HTTP status {response.status}"
                retry_after = response.retry_after_seconds
            if next_pause is not None:
                seconds = min(max(next_pause, retry_after or 0), _MAX_PAUSE_SECONDS)
                self.on_pause(seconds, failure)
                pause(seconds)
        raise UnansweredError(f"{self.url}: {failure}{_hint(failure)}")

    def _exchange(self, request: ApiRequest) -> HttpResponse:
        response = self.transport.exchange(
            request.method,
            self.url + request.path + (f"?{request.query}" if request.query else ""),
            headers=request.headers,
            body=request.body,
            max_bytes=_MAX_BYTES,
            deadline_seconds=_DEADLINE_SECONDS,
        )
        if len(response.body) > _MAX_BYTES:
            raise UnansweredError(f"{self.url}: an answer of over {_MAX_BYTES} bytes")
        return response


def pause(seconds: float) -> None:
    """Wait."""
    sleep(seconds)


def _hint(failure: str) -> str:
    return {
        "HTTP status 429": ": too many requests at once",
        "HTTP status 503": ": the ledger cannot answer this now",
    }.get(failure, "")
