"""HTTP exchanges over reused connections: one request, one response.

Nothing here follows a redirect or sends a request twice: the callers decide. Certificates are
verified. Proxies come from the environment, except for this machine, so that a credential that
plain http may carry here never leaves it. No error contains a header, a query or a body.
"""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader, LocationValueError
from urllib3.response import BaseHTTPResponse

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
USER_AGENT: Final = "audit-ledger"
BEARER_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, Section 2.1
REDIRECTS: Final = (301, 302, 303, 307, 308)
"""Statuses whose Location names another place for the same GET."""

_PIECE_BYTES = 1 << 16
_MAX_IGNORED_BYTES = 1 << 16
_MAX_IGNORED_SECONDS = 2.0
_MAX_CONNECTIONS = 8  # open to one server


class TransportError(Exception):
    """There was no complete response. `is_permanent`: another attempt would end in the same way."""

    def __init__(self, message: str, *, is_permanent: bool = False) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent


@dataclass(frozen=True)
class HttpResponse:
    """A response, whatever its status. Header names compare without regard to case."""

    status: int
    headers: urllib3.HTTPHeaderDict = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """Return the values of a header, separated by commas; "" without it."""
        return ",".join(self.headers.getlist(name))

    @property
    def retry_after_seconds(self) -> float | None:
        """Return the delay of Retry-After (RFC 9110, Section 10.2.3); None unless in seconds."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isdecimal() and len(text) < 6 else None


class HttpTransport:
    """Connections to the servers of some URLs, which stay open. Threads may share it.

    `timeout_seconds`: without a byte from the server.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._lock = Lock()
        self._pools: dict[tuple[str, str | None], urllib3.PoolManager] = {}

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        max_bytes: int,
        deadline_seconds: float,
        is_wanted: Callable[[int], bool] = lambda _status: True,
    ) -> HttpResponse:
        """Send a request and return its response, with `max_bytes` + 1 bytes of body at most.

        `deadline_seconds`: until the last byte, however steadily they arrive; the name server, the
        handshake and the headers have the timeout alone. `is_wanted`: whether the body of a
        response of this status is read; it is empty otherwise. Raises TransportError, also where
        headers contradict one another about the end of the body (RFC 9112, Section 6.3).
        """
        end = time.monotonic() + deadline_seconds
        with _as_transport_error(url, self._timeout_seconds):
            response = self._pool_of(url).urlopen(
                method,
                url,
                body=body,
                headers={"User-Agent": USER_AGENT, **headers},
                timeout=urllib3.Timeout(self._timeout_seconds),
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                enforce_content_length=False,  # _read_body compares it, for every framing
            )
        try:
            if not is_wanted(response.status):
                _ignore_body(response)
                return HttpResponse(response.status, response.headers, b"")
            with _as_transport_error(url, self._timeout_seconds):
                read = _read_body(response, max_bytes, end)
            return HttpResponse(response.status, response.headers, read)
        finally:
            response.close()  # a connection that is back in its pool stays open

    def _pool_of(self, url: str) -> urllib3.PoolManager:
        key = (urlsplit(url).scheme.lower(), _proxy_for(url))
        with self._lock:
            if key not in self._pools:
                self._pools[key] = _open_pool(*key)
            return self._pools[key]


def split_url(url: str) -> SplitResult:
    """Split a URL; ValueError unless it is ASCII, with a valid host name and port."""
    url.encode("ascii")
    parts = urlsplit(url)
    (parts.hostname or "").encode("idna")
    _ = parts.port
    return parts


def is_loopback(url: str) -> bool:
    """Return whether a URL names this machine."""
    return urlsplit(url).hostname in LOOPBACK


def _proxy_for(url: str) -> str | None:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if is_loopback(url) or proxy_bypass(host):
        return None
    proxy = getproxies().get(parts.scheme.lower())
    if not proxy:
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _open_pool(scheme: str, proxy: str | None) -> urllib3.PoolManager:
    is_encrypted = scheme == "https" or (proxy or "").lower().startswith("https:")
    context = ssl.create_default_context() if is_encrypted else None
    if proxy is None:
        return urllib3.PoolManager(maxsize=_MAX_CONNECTIONS, ssl_context=context)
    parts = urlsplit(proxy)
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return urllib3.ProxyManager(
        parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
        maxsize=_MAX_CONNECTIONS,
        ssl_context=context,
        proxy_headers=None
        if parts.username is None
        else urllib3.make_headers(proxy_basic_auth=login),
    )


def _read_body(response: BaseHTTPResponse, max_bytes: int, end: float) -> bytes:
    """Read to the end, or a byte over `max_bytes`; TransportError where the end is not clear."""
    codings = response.headers.getlist("transfer-encoding")
    if [coding.strip().lower() for coding in codings] not in ([], ["chunked"]):
        message = "a transfer coding other than chunked, which was not requested"
        raise TransportError(message, is_permanent=True)
    data = bytearray()
    while len(data) <= max_bytes:
        more = response.read1(min(_PIECE_BYTES, max_bytes + 1 - len(data)), decode_content=False)
        if not more:
            break
        data += more
        if time.monotonic() > end:
            raise TransportError("the response did not end within its deadline")
    declared = set(response.headers.getlist("content-length"))
    is_bodiless = response.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
    if declared and len(data) <= max_bytes and declared != {str(len(data))} and not is_bodiless:
        raise TransportError("the connection ended within the answer")
    return bytes(data)


def _ignore_body(response: BaseHTTPResponse) -> None:
    """Read the rest of a short response, so that its connection can be used again."""
    end, size = time.monotonic() + _MAX_IGNORED_SECONDS, 0
    try:
        while size <= _MAX_IGNORED_BYTES and time.monotonic() < end:
            more = response.read1(_PIECE_BYTES, decode_content=False)
            if not more:
                return
            size += len(more)
    except (HTTPError, OSError):
        return  # the status was the answer


@contextmanager
def _as_transport_error(url: str, timeout_seconds: float) -> Iterator[None]:
    try:
        yield
    except InvalidHeader:  # of urllib3: several lengths
        raise TransportError("contradictory values of Content-Length") from None
    except LocationValueError:
        raise TransportError("not a URL that can be requested", is_permanent=True) from None
    except (HTTPError, OSError) as error:
        raise _transport_error(_cause_of(error), url, timeout_seconds) from None
    except ValueError:  # of idna, about a host name
        raise TransportError("not a URL that can be requested", is_permanent=True) from None


def _cause_of(error: Exception) -> Exception:
    while isinstance(error, HTTPError):
        inner = error.__cause__ or next((a for a in error.args if isinstance(a, Exception)), None)
        if not isinstance(inner, Exception):
            return error
        error = inner
    return error


def _transport_error(cause: Exception, url: str, timeout_seconds: float) -> TransportError:
    """Describe an error, and whether another attempt may succeed."""
    host = urlsplit(url).hostname
    match cause:
        case ssl.SSLCertVerificationError():
            message = f"its certificate is not trusted: {cause.verify_message}"
            return TransportError(message, is_permanent=True)
        case socket.gaierror() if cause.errno != socket.EAI_AGAIN:
            return TransportError(f"unknown host {host}", is_permanent=True)
        case socket.gaierror():
            return TransportError(f"host {host} cannot be looked up now")
        case TimeoutError() | urllib3.exceptions.TimeoutError():
            return TransportError(f"no answer within {timeout_seconds:g} s")
        case OSError():
            return TransportError(cause.strerror or str(cause) or type(cause).__name__)
    return TransportError(type(cause).__name__)  # its text may quote the server
