"""A ledger is read over HTTP: absence, refusals, redirects, limits and retries."""

import gzip
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from audit_ledger.errors import FormatError, UnreachableError
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.http_source import HttpSource, redirect_target
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.sources import MAX_OBJECT_BYTES
from tests.verify.writer import Keys, ledger_of

Answerer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Site:
    """A web server of this test; `answers` are used up one by one, then `files` are served."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    coded: dict[str, bytes] = field(default_factory=dict)
    answers: list[Answerer] = field(default_factory=list)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)

    def source(self, token: str | None = None) -> HttpSource:
        return HttpSource(self.url, token, wait=_no_wait)


def _no_wait(_seconds: float) -> None:
    """Tests do not sleep."""


def reply(status: int, body: bytes = b"", **headers: str) -> Answerer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        headers.setdefault("Content_Length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)
        if headers["Content_Length"] != str(len(body)):
            request.close_connection = True

    return answer


def _site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 5

        def do_GET(self) -> None:
            site.connections.add(self.client_address)
            path = self.path.removeprefix("/ledger/")
            site.seen.append((path, {k.lower(): v for k, v in self.headers.items()}))
            if site.answers:
                site.answers.pop(0)(self)
            elif path in site.coded:
                reply(200, site.coded[path], Content_Encoding="gzip")(self)
            elif path in site.files:
                reply(200, site.files[path])(self)
            else:
                reply(404)(self)

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}/ledger/"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


site = pytest.fixture(_site, name="site")
other_site = pytest.fixture(_site, name="other_site")


def test_a_ledger_verifies_over_http(site: Site) -> None:
    """With the same result as from a folder; the missing listing is reported."""
    writer = ledger_of(300, 600)
    site.files = writer.objects.files
    report = verify_ledger(site.source(), Keys().policy(), writer.now, workers=1)
    assert (report.answer, report.findings) == (Verdict.VERIFIED, ())
    assert any("cannot list" in note for note in report.not_covered)


@pytest.mark.parametrize("status", [404, 410])
def test_only_404_and_410_are_absence(site: Site, status: int) -> None:
    """After one request."""
    site.answers = [reply(status)]
    assert site.source().read("checkpoint") is None
    assert len(site.seen) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_is_not_absence(site: Site, status: int) -> None:
    """403 can hide an object; it is not requested again."""
    site.answers = [reply(status)]
    with pytest.raises(UnreachableError, match=f"checkpoint: HTTP status {status}"):
        site.source().read("checkpoint")
    assert len(site.seen) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_temporary_errors_are_retried(site: Site, status: int) -> None:
    """Twice; then the object is unreachable."""
    site.files = {"checkpoint": b"here"}
    site.answers = [reply(status)] * 2
    assert site.source().read("checkpoint") == b"here"
    site.answers = [reply(status)] * 3
    with pytest.raises(UnreachableError):
        site.source().read("checkpoint")
    assert len(site.seen) == 6


def test_an_incomplete_response_is_no_object(site: Site) -> None:
    """A part of a tile is not an altered tile."""
    site.files = {"tile/0/000": b"whole"}
    site.answers = [reply(200, b"ha", Content_Length="5")]
    assert site.source().read("tile/0/000") == b"whole"


def test_a_connection_is_used_for_many_objects(site: Site) -> None:
    """Also after absence and after an error; a pickled source opens a connection of its own."""
    site.files = {f"tile/0/{n:03}": b"%d" % n for n in range(20)}
    site.answers = [reply(404, b"no such tile"), reply(503, b"later")]
    source = site.source()
    assert source.read("tile/0/000") is None
    assert [source.read(path) for path in site.files] == list(site.files.values())
    assert len(site.connections) == 1
    copy = pickle.loads(pickle.dumps(source))
    assert copy == source
    assert copy.read("tile/0/001") == b"1"
    assert len(site.connections) == 2


def test_a_retry_waits_as_long_as_the_server_requests(site: Site) -> None:
    """Retry-After in seconds; past the deadline there is no further attempt."""
    waited: list[float] = []
    source = HttpSource(site.url, deadline_seconds=100, wait=waited.append)
    site.files = {"checkpoint": b"here"}
    site.answers = [reply(503, Retry_After="7"), reply(429, Retry_After="Wed, 21 Oct 2015")]
    assert source.read("checkpoint") == b"here"
    assert waited == [0, 7, 0.8]
    site.answers = [reply(503, Retry_After="3600")]
    with pytest.raises(UnreachableError, match="HTTP status 503"):
        source.read("checkpoint")
    assert waited == [0, 7, 0.8, 0]


def test_endless_redirects_are_unreachable(site: Site) -> None:
    """The eleventh is not followed."""
    site.answers = [reply(302, Location="/ledger/checkpoint") for _ in range(20)]
    with pytest.raises(UnreachableError, match="more than 10 redirects"):
        site.source().read("checkpoint")
    assert len(site.seen) == 11


def test_a_refused_connection_is_unreachable() -> None:
    """Port 9 of this machine."""
    with pytest.raises(UnreachableError):
        HttpSource("http://127.0.0.1:9/", wait=_no_wait).read("checkpoint")


def test_requests_to_this_machine_use_no_proxy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token over plain http must not leave this machine."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    site.files = {"checkpoint": b"here"}
    assert site.source("secret").read("checkpoint") == b"here"


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
def test_compressed_objects_are_decoded(site: Site, coding: str) -> None:
    """C2SP tlog-tiles lets a log compress without a request."""
    site.answers = [reply(200, gzip.compress(b"entries"), Content_Encoding=coding)]
    assert site.source().read("tile/entries/000") == b"entries"
    assert "gzip" in site.seen[0][1]["accept-encoding"]


@pytest.mark.parametrize("status", [201, 202, 203, 204, 205, 206, 226, 304])
def test_only_status_200_returns_an_object(site: Site, status: int) -> None:
    """A partial response, 304 or a proxy's version is unreachable."""
    body = b"" if status in (204, 205, 304) else b"whole"
    site.answers = [reply(status, body, Content_Range="bytes 0-4/5")]
    with pytest.raises(UnreachableError, match=f"tile/0/000: HTTP status {status}"):
        site.source().read("tile/0/000")


def test_an_unknown_content_coding_is_unreachable(site: Site) -> None:
    """The verdict is incomplete; the object is not reported as altered."""
    site.answers = [reply(200, b"x", Content_Encoding="br")]
    with pytest.raises(UnreachableError, match="tile/0/000: content coding 'br'"):
        site.source().read("tile/0/000")


def test_bytes_after_a_gzip_stream_fail(site: Site) -> None:
    """In each kind of object, by more members or other bytes."""
    writer = ledger_of(300, 600)
    for path in (
        "checkpoint",
        "digests/latest",
        "tile/0/000",
        "tile/entries/001",
        "tile/1/000.p/2",
    ):
        for more in (b"\0", b"x", gzip.compress(b"more")):
            site.files = writer.objects.files
            coded = gzip.compress(site.files[path]) + more
            site.coded = {path: coded}
            report = verify_ledger(site.source(), Keys().policy(), writer.now, workers=1)
            assert report.answer is Verdict.FAILED, (path, more)
    site.coded = {path: gzip.compress(data) for path, data in site.files.items()}
    report = verify_ledger(site.source(), Keys().policy(), writer.now, workers=1)
    assert report.answer is Verdict.VERIFIED


@dataclass
class Dripping:
    """Sends a byte at each read, without an end, until it is released."""

    piece: bytes
    begin: bytes = b""
    is_over: Event = field(default_factory=Event)

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(self.begin)
        while not self.is_over.wait(0.01):
            try:
                request.wfile.write(self.piece)
            except OSError:
                return


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["status line", "headers", "body", "body without length", "chunks"],
)
def test_a_slow_object_has_a_deadline(site: Site, begin: bytes, piece: bytes) -> None:
    """However steadily its bytes come: the time of silence alone would never be over."""
    dripping = Dripping(piece, begin)
    site.answers = [dripping]
    source = HttpSource(site.url, deadline_seconds=0.2, wait=_no_wait)
    try:
        with pytest.raises(UnreachableError, match="tile/0/000"):
            source.read("tile/0/000")
    finally:
        dripping.is_over.set()


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.1:9/checkpoint",
        "ftp://127.0.0.1:9/checkpoint",
        "file:///etc/hostname",
        "HTTPS://127.0.0.1:9/checkpoint",
        "http://me:secret@127.0.0.1:9/checkpoint",
        "data:text/plain,x",
    ],
)
def test_redirects_to_another_scheme_are_refused(site: Site, location: str) -> None:
    """From http to https, or to a file; passwords in them are not used or shown."""
    site.answers = [reply(302, Location=location)] * 3
    with pytest.raises(UnreachableError) as refused:
        site.source().read("checkpoint")
    assert "secret" not in str(refused.value)
    assert len(site.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "http://[::1/x",
        "http://[no address]/x",
        "//[::/x",
        f"http://{'a' * 64}.example/x",
        "http://a..example/x",
        "http://\xff\xfe/x",
        "http://127.0.0.1:port/x",
    ],
)
def test_a_redirect_to_an_invalid_url_is_unreachable(
    site: Site, location: str, status: int
) -> None:
    """The verdict is incomplete, and no other error is raised."""
    site.answers = [reply(status, Location=location)] * 3
    with pytest.raises(UnreachableError, match="checkpoint: "):
        site.source().read("checkpoint")


CONTRADICTORY_LENGTHS = {
    "two lengths": b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nwhole",
    "two lengths, the larger first": b"Content-Length: 5\r\nContent-Length: 3\r\n\r\nwhole",
    "gzip as transfer coding": b"Transfer-Encoding: gzip\r\n\r\nwhole",
    "gzip, then chunked": b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n",
    "chunked, then gzip on a line of its own": (
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n5\r\nwhole\r\n0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("what", CONTRADICTORY_LENGTHS)
def test_a_response_with_an_ambiguous_length_is_unreachable(site: Site, what: str) -> None:
    """RFC 9112, Section 6."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n" + CONTRADICTORY_LENGTHS[what])
        request.close_connection = True

    site.answers = [answer] * 3
    with pytest.raises(UnreachableError, match="tile/0/000: "):
        site.source().read("tile/0/000")


def test_redirects_from_https_to_http_are_refused() -> None:
    """To other schemes too."""
    for target in ("http://ledger.example.org/x", "ftp://ledger.example.org/x", "file:///x"):
        with pytest.raises(UnreachableError, match="not followed"):
            redirect_target("https://ledger.example.org/x", target, "x")


def test_an_endless_object_is_read_up_to_the_largest_size(site: Site) -> None:
    """Compressed or not, one byte more is enough to refuse it."""
    bomb = gzip.compress(bytes(4 * MAX_OBJECT_BYTES))
    site.answers = [reply(200, bomb, Content_Encoding="gzip")]
    data = site.source().read("tile/entries/000")
    assert data is not None
    assert len(data) == MAX_OBJECT_BYTES + 1


def test_the_token_is_sent_to_the_ledger_alone(site: Site, other_site: Site) -> None:
    """A redirect is followed, without the token."""
    other_site.files = {"checkpoint": b"elsewhere"}
    site.answers = [reply(302, Location=f"{other_site.url}checkpoint")]
    assert site.source("secret").read("checkpoint") == b"elsewhere"
    assert site.seen[0][1]["authorization"] == "Bearer secret"
    assert "authorization" not in other_site.seen[0][1]


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("http://ledger.example.org/", "secret"),
        ("https://ledger.example.org/", "two words"),
        ("https://ledger.example.org/?prefix=x", None),
        ("https:///x", None),
        ("https://ledger.example.org/#x", None),
        ("https://me:secret@ledger.example.org/", None),
        ("https://me@ledger.example.org/", None),
        ("https://ledger.example.org:port/", None),
        ("file:///etc", None),
    ],
)
def test_an_unusable_url_is_refused(url: str, token: str | None) -> None:
    """Tokens over plain http to other machines, and other schemes."""
    with pytest.raises(FormatError):
        HttpSource(url, token)


def test_a_token_is_not_in_the_representation() -> None:
    """So it is not in messages or logs."""
    assert "secret" not in repr(HttpSource("https://ledger.example.org/", "secret"))
