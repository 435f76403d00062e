"""A server with scripted responses, on a real TLS socket, which records its requests.

It runs in threads, so that tests on asyncio and on trio can use it.
"""

import json
import ssl
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import attrs
import trustme

from sikoia_async import Sikoia
from sikoia_async.environments import local

__all__ = ["Received", "Reply", "Scripted", "scripted"]


@attrs.frozen
class Received:
    """A request that arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded JSON body."""
        return json.loads(self.body)


@attrs.frozen
class Reply:
    """A scripted response."""

    status: int = 200
    body: Any = attrs.field(factory=dict[str, Any])
    """Anything that can be JSON, or raw bytes."""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])


Script = Callable[[Received], Reply]


@attrs.define
class Scripted:
    """The server, as tests use it."""

    url: str
    tls: ssl.SSLContext
    requests: list[Received] = attrs.field(factory=list[Received])
    tokens: int = 0
    """How many access tokens were issued."""
    script: Script = attrs.field(default=lambda _: Reply())

    def respond_with(self, *replies: Reply) -> None:
        """Send these in turn, and then the last one for ever."""
        remaining = list(replies)
        self.script = lambda _: remaining.pop(0) if len(remaining) > 1 else remaining[0]

    def client(self, **options: Any) -> Sikoia:
        """Return a client for this server."""
        return Sikoia("an-id", "a-secret", environment=local(self.url), tls=self.tls, **options)

    def reply(self, request: Received) -> Reply:
        """Return the response to a request: an access token, or what the script returns."""
        if request.path == "/token":
            self.tokens += 1
            grant = {"access_token": f"token-{self.tokens}", "token_type": "Bearer"}
            return Reply(201, grant | {"expires_in": 3600})
        self.requests.append(request)
        return self.script(request)


@contextmanager
def scripted() -> Generator[Scripted]:
    """Run a server for the duration of the block."""
    authority = trustme.CA()
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The signatures include types of pyOpenSSL, which is not installed.
    authority.issue_cert("127.0.0.1").configure_cert(server_context)  # pyright: ignore[reportUnknownMemberType]
    authority.configure_trust(client_context)  # pyright: ignore[reportUnknownMemberType]
    server = _Server(("127.0.0.1", 0), _Handler)
    server.socket = server_context.wrap_socket(server.socket, server_side=True)
    server.scripted = Scripted(f"https://127.0.0.1:{server.server_address[1]}", client_context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.scripted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    scripted: Scripted


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _respond(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Received(self.command, self.path, headers, self.rfile.read(length))
        reply = cast("_Server", self.server).scripted.reply(request)
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(content)

    # The base class looks these names up.
    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _respond  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Do not log."""
