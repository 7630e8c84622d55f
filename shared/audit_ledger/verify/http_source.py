"""A published ledger behind http(s): a static site, a CDN, or the API's /published with a token."""

import string
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from audit_ledger.errors import FormatError, UnreachableError
from audit_ledger.http_transport import (
    BEARER_TOKEN,
    REDIRECTS,
    HttpResponse,
    HttpTransport,
    TransportError,
    is_loopback,
    split_url,
)
from audit_ledger.shown_url import shown_url
from audit_ledger.verify.content_coding import ACCEPTED_CODINGS, decode_content
from audit_ledger.verify.deadline import DEADLINE_SECONDS, read_within
from audit_ledger.verify.sources import MAX_OBJECT_BYTES

_DELAYS_SECONDS = (0, 0.2, 0.8)  # before each attempt
_ABSENT = (404, 410)
_PASSING = (429, 500, 502, 503, 504)  # worth another attempt
_MAX_REDIRECTS = 10


@dataclass(frozen=True)
class HttpSource:
    """Objects below a URL. Proxies come from the environment; connections are reused.

    404 and 410 mean that there is no such object; after any other error or a timeout that is
    unknown. `token`: sent as bearer token, over https or to this machine only, and never to the
    target of a redirect. `timeout_seconds`: of silence; `deadline_seconds`: for one object with all
    attempts, however steadily its bytes arrive. FormatError: not such a URL.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    timeout_seconds: float = 20
    deadline_seconds: float = DEADLINE_SECONDS
    wait: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Refuse other URLs, and a token where others could read it."""
        shown = shown_url(self.url)
        try:
            parts = split_url(self.url)
        except ValueError:
            raise FormatError(f"{shown}: not a URL (percent-encode what is not ASCII)") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FormatError(f"{shown}: not an http or https URL")
        if parts.query or parts.fragment:
            raise FormatError(f"{shown}: a URL without query and fragment is expected")
        if "@" in parts.netloc:
            raise FormatError(f"{shown}: a URL without user and password is expected; see --token")
        if self.token and parts.scheme == "http" and not is_loopback(self.url):
            raise FormatError(f"{shown}: a token is sent over https only")
        if self.token and not BEARER_TOKEN.fullmatch(self.token):
            raise FormatError("token: not the characters of a bearer token")

    def __getstate__(self) -> dict[str, Any]:
        """Leave the connections out: another process opens its own."""
        return {name: value for name, value in self.__dict__.items() if name != "_transport"}

    @property
    def name(self) -> str:
        """The URL."""
        return self.url

    @property
    def is_remote(self) -> bool:
        """Always true."""
        return True

    def read(self, path: str) -> bytes | None:
        """GET one object, with further attempts where they may help."""
        what = f"{self.url}: {path}"
        transport = self._transport  # made here, so that the threads share it
        return read_within(self.deadline_seconds, what, lambda: self._read(transport, path))

    def list_all(self) -> None:
        """Return None: plain HTTP cannot list."""
        return

    @cached_property
    def _transport(self) -> HttpTransport:
        return HttpTransport(self.timeout_seconds)

    def _read(self, transport: HttpTransport, path: str) -> bytes | None:
        """Attempt to read until a response is final, for `deadline_seconds` at most."""
        where = f"{self.url}: {path}"
        end = time.monotonic() + self.deadline_seconds
        failure, retry_after_seconds = "", 0.0
        for delay_seconds in _DELAYS_SECONDS:
            pause_seconds = max(delay_seconds, retry_after_seconds)
            if failure and time.monotonic() + pause_seconds > end:
                break
            self.wait(pause_seconds)
            try:
                response = self._get(transport, path, end)
            except TransportError as error:
                if error.is_permanent:
                    raise UnreachableError(f"{where}: {error}") from None
                failure, retry_after_seconds = str(error), 0.0
                continue
            if response.status == HTTPStatus.OK:
                return _object(response, where)
            if response.status in _ABSENT:
                return None
            failure = f"HTTP status {response.status}"
            if response.status not in _PASSING:
                raise UnreachableError(f"{where}: {failure}, expected 200")
            retry_after_seconds = response.retry_after_seconds or 0.0
        raise UnreachableError(f"{where}: {failure}")

    def _get(self, transport: HttpTransport, path: str, end: float) -> HttpResponse:
        """GET an object, and follow redirects: without the token, and to no other scheme."""
        url = f"{self.url.rstrip('/')}/{quote(path)}"
        headers = {"Accept-Encoding": ACCEPTED_CODINGS, "Cache-Control": "no-cache"}
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        for _ in range(_MAX_REDIRECTS + 1):
            response = transport.exchange(
                "GET",
                url,
                headers=headers | token,
                max_bytes=MAX_OBJECT_BYTES,
                deadline_seconds=end - time.monotonic(),
                is_wanted=lambda status: status == HTTPStatus.OK,
            )
            location = response.headers.get("location")
            if response.status not in REDIRECTS or location is None:
                return response
            url, token = redirect_target(url, location, f"{self.url}: {path}"), {}
        raise UnreachableError(f"{self.url}: {path}: more than {_MAX_REDIRECTS} redirects")


def redirect_target(url: str, location: str, where: str) -> str:
    """Return the URL that a redirect from `url` leads to; UnreachableError if it is not followed.

    It keeps the scheme, so that it leads neither from https to http nor to a file, and it has
    neither user nor password.
    """
    try:
        target = urljoin(url, quote(location, encoding="iso-8859-1", safe=string.punctuation))
        parts = urlsplit(target)
        (parts.hostname or "").encode("idna")
        _ = parts.port
    except ValueError:
        raise UnreachableError(f"{where}: redirected to an invalid URL") from None
    if parts.scheme.lower() != urlsplit(url).scheme.lower() or "@" in parts.netloc:
        raise UnreachableError(f"{where}: redirected to {shown_url(target)}: not followed")
    return target


def _object(response: HttpResponse, where: str) -> bytes:
    """Return the object; only status 200 means that it follows as a whole (RFC 9110)."""
    try:
        return decode_content(response.body, response.header("content-encoding"))
    except UnreachableError as error:
        raise UnreachableError(f"{where}: {error}") from None
