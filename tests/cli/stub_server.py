"""A server on this machine that responds as a test sets, and records the requests."""

import json
import socket
import ssl
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(frozen=True)
class StubRequest:
    """A request that arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "")

    @property
    def key(self) -> str:
        return self.headers.get("idempotency-key", "")


@dataclass(frozen=True)
class StubResponse:
    """A response; `missing_bytes`: announced but not sent; `resets`: the connection is reset."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    missing_bytes: int = 0
    resets: bool = False


Respond = Callable[[StubRequest], StubResponse]


class StubServer:
    """Responds with `next_responses`, one each, and then by `respond`."""

    def __init__(self) -> None:
        self.requests: list[StubRequest] = []
        self.next_responses: list[StubResponse] = []
        self.respond: Respond = lambda _: StubResponse(404)
        self.url = ""

    def answer(self, request: StubRequest) -> StubResponse:
        self.requests.append(request)
        return self.next_responses.pop(0) if self.next_responses else self.respond(request)


@contextmanager
def stub_server(tls: ssl.SSLContext | None = None) -> Iterator[StubServer]:
    stub = StubServer()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            response = stub.answer(StubRequest(self.command, self.path, headers, body))
            if response.resets:  # RST instead of FIN
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.connection.shutdown(socket.SHUT_RD)
                return
            payload = (
                response.body
                if isinstance(response.body, bytes)
                else json.dumps(response.body).encode()
            )
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(payload) + response.missing_bytes))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    for method in ("GET", "POST"):
        setattr(Handler, f"do_{method}", Handler.handle_any)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Ignore the errors of connections that were reset on purpose."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    stub.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
