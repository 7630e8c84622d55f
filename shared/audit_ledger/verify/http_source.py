"""A published ledger behind http(s): a static site, a CDN, or the API's /published with a token."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from audit_ledger.errors import FormatError, UnreachableError
from audit_ledger.shown_url import shown_url
from audit_ledger.verify.content_coding import ASKED_FOR, decode_content
from audit_ledger.verify.deadline import DEADLINE_SECONDS, read_within
from audit_ledger.verify.sources import MAX_OBJECT_BYTES

_DELAYS_SECONDS = (0, 0.2, 0.8)  # before each attempt
_ABSENT = (404, 410)
_PASSING = (429, 500, 502, 503, 504)  # worth asking again
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, Section 2.1
_PIECE_BYTES = 1 << 16
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class HttpSource:
    """Objects below a URL. Proxies are taken from the environment, as every tool does.

    404 and 410 mean that there is no such object; any other refusal, and silence, that nothing
    can be said. `token`: sent as bearer token, over https or to this machine only, and never to
    another host that answers by a redirect. `timeout_seconds`: of silence; `deadline_seconds`: for
    one object with all attempts, however steadily its bytes drip. FormatError: not such a URL.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    timeout_seconds: float = 20
    deadline_seconds: float = DEADLINE_SECONDS
    wait: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Refuse what is no such URL, and sending a token where others can read it."""
        shown = shown_url(self.url)
        try:
            parts = urlsplit(self.url)
            (parts.hostname or "").encode("idna")
            _ = parts.port
            self.url.encode("ascii")
        except ValueError:
            raise FormatError(f"{shown}: not a URL (percent-encode what is not ASCII)") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FormatError(f"{shown}: not an http or https URL")
        if parts.query or parts.fragment:
            raise FormatError(f"{shown}: a URL without query and fragment is expected")
        if "@" in parts.netloc:
            raise FormatError(f"{shown}: a URL without user and password is expected; see --token")
        if self.token and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise FormatError(f"{shown}: a token is sent over https only")
        if self.token and not _TOKEN.fullmatch(self.token):
            raise FormatError("token: not the characters of a bearer token")

    @property
    def name(self) -> str:
        """The URL, as it was given."""
        return self.url

    @property
    def is_remote(self) -> bool:
        """It is."""
        return True

    def read(self, path: str) -> bytes | None:
        """GET one object; asks again, a few times, where that may help."""
        what = f"{self.url}: {path}"
        return read_within(self.deadline_seconds, what, lambda: self._read(path))

    def list_all(self) -> None:
        """Plain HTTP cannot list."""
        return

    def _read(self, path: str) -> bytes | None:
        request = Request(f"{self.url.rstrip('/')}/{quote(path)}")  # noqa: S310 - checked above
        request.add_header("Accept-Encoding", ASKED_FOR)
        request.add_header("Cache-Control", "no-cache")
        request.add_header("User-Agent", "audit-ledger")
        if self.token:
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        opener = build_opener(_SameScheme, *self._no_proxy_to_this_machine())
        end = time.monotonic() + self.deadline_seconds
        failure = ""
        for delay_seconds in _DELAYS_SECONDS:
            self.wait(delay_seconds)
            try:
                return self._get(opener, request, path, end)
            except _PassingError as error:
                failure = str(error)
            if time.monotonic() > end:
                break
        raise UnreachableError(f"{self.url}: {path}: {failure}")

    def _no_proxy_to_this_machine(self) -> list[ProxyHandler]:
        return [ProxyHandler({})] if urlsplit(self.url).hostname in _LOOPBACK else []

    def _get(self, opener: OpenerDirector, request: Request, path: str, end: float) -> bytes | None:
        where = f"{self.url}: {path}"
        try:
            with opener.open(request, timeout=self.timeout_seconds) as answer:
                return _body(answer, where, end)
        except HTTPError as error:
            error.close()
            if error.code in _ABSENT:
                return None
            if error.code in _PASSING:
                raise _PassingError(f"HTTP status {error.code}") from None
            raise UnreachableError(f"{where}: HTTP status {error.code}") from None
        except URLError as error:
            raise _PassingError(str(error.reason)) from None
        except (OSError, HTTPException) as error:  # while the body was read
            raise _PassingError(str(error) or type(error).__name__) from None
        except ValueError:  # urllib and idna, of where a redirect leads
            raise UnreachableError(f"{where}: redirected to what is no URL") from None


class _PassingError(Exception):
    """It did not work and may work the next time."""


class _SameScheme(HTTPRedirectHandler):
    """Follows redirects, but to no other scheme: neither to plain text nor to files."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        parts = urlsplit(newurl)
        if parts.scheme.lower() != req.type or "@" in parts.netloc:
            where = shown_url(newurl)
            raise UnreachableError(
                f"{shown_url(req.full_url)}: redirected to {where}: not followed"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _body(answer: HTTPResponse, where: str, end: float) -> bytes:
    """Return the object; only 200 says that all of it, as it was published, follows (RFC 9110)."""
    if answer.status != HTTPStatus.OK:
        raise UnreachableError(f"{where}: HTTP status {answer.status}, expected 200")
    if len(answer.headers.get_all("Transfer-Encoding", [])) > answer.chunked:
        raise UnreachableError(f"{where}: a transfer coding other than chunked, not asked for")
    data = bytearray()
    while len(data) <= MAX_OBJECT_BYTES:
        more = answer.read1(min(_PIECE_BYTES, MAX_OBJECT_BYTES + 1 - len(data)))
        if not more:
            break
        data += more
        if time.monotonic() > end:
            raise _PassingError("it drips")
    declared = set(answer.headers.get_all("Content-Length", []))
    if declared and len(data) <= MAX_OBJECT_BYTES and declared != {str(len(data))}:
        raise _PassingError("the connection ended within the answer")
    try:
        return decode_content(bytes(data), ",".join(answer.headers.get_all("Content-Encoding", [])))
    except UnreachableError as error:
        raise UnreachableError(f"{where}: {error}") from None
