"""A Sikoia that answers what a test tells it to, on a real TLS socket, and notes what it was asked.

It runs in threads, so that tests on asyncio and on trio can use it alike.
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

__all__ = ["Asked", "Reply", "Scripted", "scripted"]


@attrs.frozen
class Asked:
    """A request that arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@attrs.frozen
class Reply:
    """What to answer."""

    status: int = 200
    body: Any = attrs.field(factory=dict[str, Any])
    """JSON, or bytes to be sent as they are."""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])


Script = Callable[[Asked], Reply]


@attrs.define
class Scripted:
    """The server, as a test sees it."""

    url: str
    tls: ssl.SSLContext
    asked: list[Asked] = attrs.field(factory=list[Asked])
    tokens: int = 0
    """How many access tokens were asked for."""
    script: Script = attrs.field(default=lambda _: Reply())

    def says(self, *replies: Reply) -> None:
        """Answer these in turn; the last one again and again."""
        left = list(replies)
        self.script = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def client(self, **options: Any) -> Sikoia:
        """Make a client that talks to this server."""
        return Sikoia("an-id", "a-secret", environment=local(self.url), tls=self.tls, **options)

    def reply(self, asked: Asked) -> Reply:
        """Answer a request: with a token at its endpoint, else by the script."""
        if asked.path == "/token":
            self.tokens += 1
            grant = {"access_token": f"token-{self.tokens}", "token_type": "Bearer"}
            return Reply(201, grant | {"expires_in": 3600})
        self.asked.append(asked)
        return self.script(asked)


@contextmanager
def scripted() -> Generator[Scripted]:
    """Run such a server while the block does."""
    authority = trustme.CA()
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The signatures also name contexts of pyOpenSSL, which is not installed.
    authority.issue_cert("127.0.0.1").configure_cert(ours)  # pyright: ignore[reportUnknownMemberType]
    authority.configure_trust(theirs)  # pyright: ignore[reportUnknownMemberType]
    server = _Server(("127.0.0.1", 0), _Handler)
    server.socket = ours.wrap_socket(server.socket, server_side=True)
    server.scripted = Scripted(f"https://127.0.0.1:{server.server_address[1]}", theirs)
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

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, self.rfile.read(length))
        reply = cast("_Server", self.server).scripted.reply(asked)
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(content)

    # The names that the base class looks for.
    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""
