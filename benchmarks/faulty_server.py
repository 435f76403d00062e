"""A server that disconnects, truncates, stalls or counts, depending on the path.

Like `server.py`, it is a separate process that exits when its standard input is closed. It serves
plain HTTP on loopback. See `_ROUTES` for the behaviour of each path.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from typing import IO, Final, cast

__all__ = ["counts", "running"]


@contextmanager
def running() -> Generator[str]:
    """Run the server for the duration of the block, and return its URL."""
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        # It exists, because the call above requested it.
        port = cast("IO[str]", server.stdout).readline().strip()
        yield f"http://127.0.0.1:{port}"


def counts(url: str) -> dict[str, int]:
    """Return the requests of each path, and the maximum that `/v2/slow` had in progress at once.

    Reading the counts resets them.
    """
    with urllib.request.urlopen(f"{url}/counts") as answer:  # noqa: S310 - plain http on loopback
        return dict(json.load(answer))


_Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
_COUNTS: Final = Counter[str]()
_CHANCE: Final = random.Random(20)  # noqa: S311 - not for secrets
_SLOW: Final = 0.3
_FOR_EVER: Final = 3600.0


def _written(status: str, body: bytes = b"[]", *more: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *more)
    return "\r\n".join((*lines, "", "")).encode() + body


async def _grant(writer: asyncio.StreamWriter) -> None:
    writer.write(_written("201 Created", b'{"access_token": "a-token", "expires_in": 3600}'))


async def _refuse(writer: asyncio.StreamWriter) -> None:
    writer.write(_written("400 Bad Request", b'{"error": "invalid_client"}'))


async def _send_well(writer: asyncio.StreamWriter) -> None:
    writer.write(_written("200 OK"))


async def _fail(writer: asyncio.StreamWriter) -> None:
    writer.write(_written("503 Service Unavailable", b"{}"))


async def _mix(writer: asyncio.StreamWriter) -> None:
    """Respond within 4 ms, and close the connection without notice after 30 % of the responses."""
    await asyncio.sleep(_CHANCE.uniform(0, 0.004))
    writer.write(_written("200 OK"))
    if _CHANCE.random() < 0.3:
        await writer.drain()
        writer.close()


async def _wait(writer: asyncio.StreamWriter) -> None:
    """Respond after a while, and count the requests in progress."""
    _COUNTS["slow now"] += 1
    _COUNTS["slow at once"] = max(_COUNTS["slow at once"], _COUNTS["slow now"])
    await asyncio.sleep(_SLOW)
    _COUNTS["slow now"] -= 1
    writer.write(_written("200 OK"))


async def _say_nothing(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(_FOR_EVER)


def _drip(begin: bytes, piece: bytes) -> _Answer:
    """Start a response, and continue it in small pieces for ever."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while not writer.is_closing():
            await asyncio.sleep(0.05)
            writer.write(piece)
            await writer.drain()

    return answer


async def _stop_half_way(writer: asyncio.StreamWriter) -> None:
    writer.write(_written("200 OK", b"[" + b" " * 99)[:-50])
    await asyncio.sleep(_FOR_EVER)


async def _bad_day(writer: asyncio.StreamWriter) -> None:
    """Respond correctly four times out of five, and otherwise fail in one of several ways."""
    if _CHANCE.random() < 0.8:
        writer.write(_written("200 OK"))
        return
    await _CHANCE.choice(_BAD)(writer)


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


def _send(answer: bytes) -> _Answer:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    return send


_BAD: Final[list[_Answer]] = [
    _fail,
    _hang_up,
    _reset,
    _mix,
    _send(_written("200 OK", b"[" + b" " * 99)[:-50]),
    _send(_written("200 OK", b"\x1f\x8b\x08\x00", "Content-Encoding: gzip")),
    _send(b"SSH-2.0-hello\r\n"),
    _send(_written("502 Bad Gateway", b"<html>bad gateway</html>", "Content-Type: text/html")),
    _send(_written("401 Unauthorized", b'{"type": "ExpiredToken"}')),
    _send(_written("404 Not Found", b"{}")),
]
_ROUTES: Final[dict[str, _Answer]] = {
    "/token": _grant,
    "/refusing/token": _refuse,
    "/failing/token": _fail,
    "/v2/cases": _send_well,
    "/v2/mix": _mix,
    "/v2/slow": _wait,
    "/v2/outage": _fail,
    "/v2/bad-day": _bad_day,
    "/v2/silent": _say_nothing,
    "/v2/half": _stop_half_way,
    "/v2/drips-head": _drip(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
    "/v2/drips-body": _drip(_written("200 OK", b" " * 9999)[:-9999], b" "),
    "/v2/drips-chunks": _drip(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"
    ),
    "/v2/interim": _drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
}


async def _connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, OSError):
        while not writer.is_closing():
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            _, _, length = head.partition("\r\ncontent-length:")
            await reader.readexactly(int(length.partition("\r\n")[0] or 0))
            await _answer(head.split(" ")[1].partition("?")[0], writer)
            await writer.drain()
    writer.close()


async def _answer(path: str, writer: asyncio.StreamWriter) -> None:
    if path == "/counts":
        writer.write(_written("200 OK", json.dumps(_COUNTS).encode(), "Connection: close"))
        _COUNTS.clear()
        return
    _COUNTS[path] += 1
    await _ROUTES[path](writer)


async def _serve() -> None:
    server = await asyncio.start_server(_connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)  # without waiting for stalled responses


if __name__ == "__main__":
    asyncio.run(_serve())
