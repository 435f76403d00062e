"""Clients that hang up: the local Sikoia goes on, and logs no traceback."""

import logging
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Final

import httpx
import pytest

from sikoia_async.sandbox import Sandbox

_RESET: Final = struct.pack("ii", 1, 0)
_MOMENTS: Final[dict[str, bytes | None]] = {
    "before TLS": None,
    "in the handshake": None,
    "before a request": b"",
    "in the headers": b"GET /v2/users HTTP/1.1\r\nHo",
    "in a token request": b"POST /token HTTP/1.1\r\n{headers}Content-Length: 9\r\n\r\na",
    "in a body": b"POST /v2/cases HTTP/1.1\r\n{headers}Content-Length: 99\r\n\r\n{",
    "in a chunked body": (
        b"POST /v2/cases HTTP/1.1\r\n{headers}Transfer-Encoding: chunked\r\n\r\n5\r\nab"
    ),
    "before the response": b"GET /v2/users HTTP/1.1\r\n{headers}\r\n",
    "in pipelined requests": b"GET /v2/users HTTP/1.1\r\n{headers}\r\n" * 5,
}


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    client.close()


def _begin(sandbox: Sandbox, client: httpx.Client, moment: str) -> socket.socket:
    """Return a connection on which a request has got so far."""
    raw = socket.create_connection(("127.0.0.1", client.base_url.port or 0))
    sent = _MOMENTS[moment]
    if sent is None:
        raw.sendall(b"\x16\x03\x01\x02" if moment == "in the handshake" else b"")
        return raw
    headers = "".join(f"{name}: {value}\r\n" for name, value in client.headers.items())
    trust = ssl.create_default_context(cafile=sandbox.ca_file)
    connection = trust.wrap_socket(raw, server_hostname="127.0.0.1")
    connection.sendall(sent.replace(b"{headers}", b"Host: x\r\n" + headers.encode()))
    return connection


def _assert_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    assert [one.message for one in caplog.records if one.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("moment", _MOMENTS)
@pytest.mark.parametrize("hang_up", [socket.socket.close, _reset], ids=["closed", "reset"])
def test_a_client_that_hangs_up_causes_no_traceback(
    hang_up: Callable[[socket.socket], None],
    moment: str,
    sandbox: Sandbox,
    client: httpx.Client,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Other clients are served as before."""
    hang_up(_begin(sandbox, client, moment))
    for _ in range(3):
        assert client.get("/v2/users").status_code == 200

    _assert_no_traceback(caplog)


@pytest.mark.parametrize("fault", ["slow response", "no response", "dripping body"])
def test_a_client_that_hangs_up_in_a_response_causes_no_traceback(
    fault: str, sandbox: Sandbox, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Also while a fault keeps it waiting, and if the request was not complete."""
    for moment, operation in (
        ("before the response", "GET /v2/users"),
        ("in a body", "POST /v2/cases"),
    ):
        sandbox.faults.inject(fault, operation)
        connection = _begin(sandbox, client, moment)
        assert client.get("/sandbox/health").status_code == 200
        connection.close()
        assert client.get("/sandbox/health").status_code == 200
        sandbox.faults.clear()

    _assert_no_traceback(caplog)


def test_stopping_in_the_middle_of_requests_causes_no_traceback(
    connect: Callable[[Sandbox], httpx.Client], caplog: pytest.LogCaptureFixture
) -> None:
    """The clients are cut off."""
    with Sandbox() as sandbox:
        client = connect(sandbox)
        connections = [_begin(sandbox, client, moment) for moment in _MOMENTS]
        assert client.get("/sandbox/health").status_code == 200
    for connection in connections:
        connection.close()

    _assert_no_traceback(caplog)


def test_hanging_up_on_the_inspector_causes_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It reads the bodies of its page's requests."""
    with Sandbox(inspector=True) as sandbox:
        url = httpx.URL(str(sandbox.inspector_url))
        for hang_up in (socket.socket.close, _reset):
            connection = socket.create_connection((url.host, url.port or 0))
            head = f"POST /api/do/reset HTTP/1.1\r\nHost: {url.netloc.decode()}\r\n"
            head += f"Origin: {str(url).rstrip('/')}\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Content-Length: 99\r\n\r\n{{".encode())
            assert httpx.get(url).status_code == 200
            hang_up(connection)
            assert httpx.get(url).status_code == 200

    _assert_no_traceback(caplog)
