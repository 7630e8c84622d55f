"""The HTTP API on this machine: routes, authorizer and limits as deployed, handlers behind it."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from audit_ledger.errors import LedgerError, TooLargeError
from infra.local.api_gateway.authorizer import NotAuthorizedError, UnauthorizedError, authorize
from infra.local.api_gateway.cors import Cors
from infra.local.api_gateway.http_body import MAX_BODY_BYTES, UnreadableBodyError, read_body
from infra.local.api_gateway.http_event import (
    GatewayResponse,
    HttpRequest,
    Routes,
    message,
    to_answer,
    to_event,
)
from infra.local.cloudformation.deployment import Deployment
from infra.local.lambda_runtime.runner import FunctionFailedError, Runner

TOO_LARGE = message(413, "Request Entity Too Large")

_REFUSALS: dict[type[LedgerError], GatewayResponse] = {
    UnauthorizedError: message(401, "Unauthorized", (("www-authenticate", "Bearer"),)),
    NotAuthorizedError: message(403, "Forbidden"),
    TooLargeError: message(413, "Request Too Long"),  # over what Lambda takes
    FunctionFailedError: message(500, "Internal Server Error"),
}

_LEFT_TO_THE_SERVER = frozenset({"content-length", "connection", "date", "transfer-encoding"})


class HttpApi:
    """The part of API Gateway between a request and a function."""

    def __init__(
        self, deployment: Deployment, runner: Runner, keys: Mapping[str, RSAPublicKey]
    ) -> None:
        self._routes = Routes(deployment.routes)
        self._cors = Cors.of(deployment)
        self._runner = runner
        self._keys = keys

    def answer(self, request: HttpRequest) -> GatewayResponse:
        """Answer one request."""
        preflight = self._cors.preflight(request)
        return preflight or self._cors.added(request, self._answer(request))

    def _answer(self, request: HttpRequest) -> GatewayResponse:
        found = self._routes.find(request.method, request.path)
        if found is None:
            return message(404, "Not Found")
        route, parameters = found
        authorization = request.joined_headers.get("authorization")
        try:
            grant = authorize(authorization, route, self._keys, time.time())
            if len(request.body) > MAX_BODY_BYTES:
                return TOO_LARGE
            event = to_event(request, route, parameters, grant)
            return to_answer(self._runner.invoke(route.function, event, alias=route.alias))
        except tuple(_REFUSALS) as error:
            return _REFUSALS[type(error)]


@dataclass(frozen=True)
class HttpServer:
    """A running server; its address is `url`."""

    server: ThreadingHTTPServer
    thread: Thread

    @property
    def url(self) -> str:
        """The API's address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def stop(self) -> None:
        """Stop taking requests and wait for those under way."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def serve(api: HttpApi, port: int = 0) -> HttpServer:
    """Serve an API on 127.0.0.1 from a thread of its own; port 0 is any that is free."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "local"
        sys_version = ""
        disable_nagle_algorithm = True  # or each answer waits 40 ms for an acknowledgement

        def handle_any(self) -> None:
            try:
                body = read_body(self.rfile, self.headers)
            except UnreadableBodyError:
                self.close_connection = True
                self.send(message(400, "Bad Request"))
                return
            if body is None:
                self.close_connection = True
                self.send(TOO_LARGE)
                return
            request = HttpRequest(
                self.command,
                self.path,
                tuple((n, v) for n, v in self.headers.items() if n.lower() != "transfer-encoding"),
                body,
                str(self.client_address[0]),
            )
            self.send(api.answer(request))

        def send(self, answer: GatewayResponse) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers:
                if name not in _LEFT_TO_THE_SERVER:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            if self.close_connection:
                self.send_header("connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: targets may contain what no log may."""

    for method in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"):
        setattr(Handler, f"do_{method}", Handler.handle_any)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """Let go of a client that went away; say anything else on standard error."""
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)  # type: ignore[arg-type]

    server = Server(("127.0.0.1", port), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), name="http", daemon=True)
    thread.start()
    return HttpServer(server, thread)
