"""A published ledger behind http(s): a static site, a CDN, or the API's /published with a token."""

import re
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
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
from audit_ledger.verify.sources import MAX_OBJECT_BYTES

_DELAYS_SECONDS = (0, 0.2, 0.8)  # before each attempt
_ABSENT = (404, 410)
_PASSING = (429, 500, 502, 503, 504)  # worth asking again
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, Section 2.1
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class HttpSource:
    """Objects below a URL. Proxies are taken from the environment, as every tool does.

    404 and 410 mean that there is no such object; any other refusal, and silence, that nothing
    can be said. `token`: sent as bearer token, over https or to this machine only, and never to
    another host that answers by a redirect. FormatError: not such a URL.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    timeout_seconds: float = 20
    wait: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Refuse what is no such URL, and sending a token where others can read it."""
        try:
            parts = urlsplit(self.url)
            (parts.hostname or "").encode("idna")
            self.url.encode("ascii")
        except ValueError:
            raise FormatError(f"{self.url}: not a URL (percent-encode what is not ASCII)") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise FormatError(f"{self.url}: not an http or https URL without a query")
        if self.token and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise FormatError(f"{self.url}: a token is sent over https only")
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
        request = Request(f"{self.url.rstrip('/')}/{quote(path)}")  # noqa: S310 - checked above
        request.add_header("Accept-Encoding", "gzip, identity")
        request.add_header("Cache-Control", "no-cache")
        request.add_header("User-Agent", "audit-ledger")
        if self.token:
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        opener = build_opener(_SameSafety, *self._no_proxy_to_this_machine())
        failure = ""
        for delay_seconds in _DELAYS_SECONDS:
            self.wait(delay_seconds)
            try:
                return self._get(opener, request, path)
            except _PassingError as error:
                failure = str(error)
        raise UnreachableError(f"{self.url}: {path}: {failure}")

    def list_all(self) -> None:
        """Plain HTTP cannot list."""
        return

    def _no_proxy_to_this_machine(self) -> list[ProxyHandler]:
        return [ProxyHandler({})] if urlsplit(self.url).hostname in _LOOPBACK else []

    def _get(self, opener: OpenerDirector, request: Request, path: str) -> bytes | None:
        try:
            with opener.open(request, timeout=self.timeout_seconds) as answer:
                return _body(answer)
        except HTTPError as error:
            error.close()
            if error.code in _ABSENT:
                return None
            if error.code in _PASSING:
                raise _PassingError(f"HTTP status {error.code}") from None
            raise UnreachableError(f"{self.url}: {path}: HTTP status {error.code}") from None
        except URLError as error:
            raise _PassingError(str(error.reason)) from None
        except (OSError, HTTPException) as error:  # while the body was read
            raise _PassingError(str(error) or type(error).__name__) from None


class _PassingError(Exception):
    """It did not work and may work the next time."""


class _SameSafety(HTTPRedirectHandler):
    """Follows redirects, but not from https to anything else."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if req.type == "https" and urlsplit(newurl).scheme != "https":
            raise HTTPError(newurl, code, "redirected away from https", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _body(answer: HTTPResponse) -> bytes:
    data = answer.read(MAX_OBJECT_BYTES + 1)
    declared = answer.headers.get("Content-Length")
    if declared is not None and len(data) <= MAX_OBJECT_BYTES and declared != str(len(data)):
        raise _PassingError("the connection ended within the answer")
    return gunzip(data) if answer.headers.get("Content-Encoding", "") == "gzip" else data


def gunzip(data: bytes) -> bytes:
    """Unpack an object that is served compressed, a byte over MAX_OBJECT_BYTES at most.

    What is no gzip is given as it is: its bytes are not those that were published, and the
    verifier will say so.
    """
    unpack = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        return unpack.decompress(data, MAX_OBJECT_BYTES + 1)
    except zlib.error:
        return data
