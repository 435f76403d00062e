"""A minimal server on loopback, over http and https.

It responds to each GET with one case or a list of twenty, and to each POST with a token. It is a
separate process, so that its CPU time does not count for the client. `running` starts it for a
`with` block; it exits when its standard input is closed, so that it cannot outlive its parent.
"""

import asyncio
import json
import re
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

import attrs
import trustme

__all__ = ["CASE_ID", "HEADERS", "TOKEN", "Address", "running"]

TOKEN: Final = "t" * 1000
"""As long as the tokens of common authorization servers."""
CASE_ID: Final = "64cd8202-2db4-44d5-85be-79438d65eb7b"
"""The id of the case."""
HEADERS: Final = {
    "Authorization": f"Bearer {TOKEN}",
    "Accept": "application/json",
    "Content-Type": "application/json",
    "X-Correlation-Id": "9a518655-9572-43fa-b747-b282ca41365e",
}
"""What peers send, as the SDK does."""

_GRANT: Final = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": "3600"}
_CASE: Final[dict[str, Any]] = {
    "case_id": CASE_ID,
    "name": "Example Ltd Loan",
    "case_type": "Business",
    "stage": "New",
    "datetime_created": "2023-02-10T10:59:46.0260000+00:00",
    "datetime_last_modified": "2023-02-12T13:04:21.3260000+00:00",
    "reference": "LOAN03584",
    "source": "API",
    "ownership": [{"owner_id": "5a1c4b6e-6a50-4d0c-8b6b-0c7f3a3f7c11", "owner_type": "User"}],
    "number_of_companies": 1,
    "number_of_persons": 0,
    "companies": [
        {
            "company_id": "a035d37a-dee1-4a4e-b098-168a6a1f4603",
            "company_name": "Example Limited",
            "company_number": "00000000",
            "jurisdiction_code": "GB",
            "status": "Active",
        }
    ],
    "persons": [],
}
_SUMMARY: Final = {name: _CASE[name] for name in _CASE.keys() - {"companies", "persons"}}


@attrs.frozen
class Address:
    """The URLs of the server."""

    http: str
    https: str
    ca_file: str
    """The authority to trust the https one by."""


@contextmanager
def running() -> Generator[Address]:
    """Run the server for the duration of the block."""
    with tempfile.TemporaryDirectory() as folder:
        ca_file = str(Path(folder, "ca.pem"))
        # Leaving the inner block closes its standard input, and waits for it to exit.
        with subprocess.Popen(
            [sys.executable, __file__, ca_file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as server:
            # It exists, because the call above requested it.
            lines = cast("IO[str]", server.stdout)
            http, https = lines.readline().split()
            yield Address(f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}", ca_file)


class _Connection(asyncio.Protocol):
    """The connection of a client, which may send any number of requests in sequence."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._transport and (size := _size(self._received)) is not None:
            request, self._received = self._received[:size], self._received[size:]
            self._transport.write(_answer_to(request))


def _size(received: bytes) -> int | None:
    """Return the length of the first request, or None if it is incomplete."""
    head, end, rest = received.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = int(length[1]) if length else 0
    return len(head) + len(end) + body if end and len(rest) >= body else None


def _answer_to(request: bytes) -> bytes:
    if request.startswith(b"POST"):
        return _GRANTED
    return _LISTED if request.startswith(b"GET /v2/cases HTTP") else _FOUND


def _answer(status: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        f"X-Correlation-Id: {HEADERS['X-Correlation-Id']}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_FOUND: Final = _answer("200 OK", _CASE)
_LISTED: Final = _answer("200 OK", [_SUMMARY] * 20)
_GRANTED: Final = _answer("201 Created", _GRANT)


def _tls(ca_file: str) -> ssl.SSLContext:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Its signature also names contexts of pyOpenSSL, which is not installed.
    authority.issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context


async def _serve(ca_file: str) -> None:
    loop = asyncio.get_running_loop()
    http = await loop.create_server(_Connection, "127.0.0.1", 0)
    https = await loop.create_server(_Connection, "127.0.0.1", 0, ssl=_tls(ca_file))
    print(*(server.sockets[0].getsockname()[1] for server in (http, https)), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
