"""The access token and webhook events of several real processes, counted."""

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs
from _measure import Row

sys.path.insert(1, str(Path(__file__).parent.parent / "tests"))
from fleet import Worker, start
from fleet_worker import Job

__all__ = ["compare"]

_PROCESSES: Final = 8
_EVENTS: Final = 200
_TOKENS: Final = "token requests of 8 processes in 3 lives of 60 s, leader killed"
_REVOKED: Final = "token requests of 8 processes, one token revoked"
_CLOCKS: Final = (0.0, 3600.0, -3600.0)
"""Seconds by which the clocks of hosts are ahead."""
_DELIVERIES: Final = f"{_EVENTS} webhook events at 2 processes at once, times handled"
_LIFE: Final = 60
"""Seconds of an access token: the SDK believes nothing shorter."""
_USED: Final = 0.8
"""The part of its life after which it is renewed."""


class _Sikoia:
    """Grants access tokens, and accepts each for a minute, or until it is revoked."""

    def __init__(self) -> None:
        self.posts = 0
        self.was_asked = asyncio.Event()
        self.may_grant = asyncio.Event()
        self._ends: dict[str, float] = {}

    def revoke(self) -> None:
        """Accept no access token that was granted so far."""
        self._ends.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Respond to the requests of one connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"(?i)content-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                response = await self._grant() if head.startswith("POST") else self._check(head)
                writer.write(response)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    async def _grant(self) -> bytes:
        self.posts += 1
        token = f"token-{self.posts}"
        self.was_asked.set()
        await self.may_grant.wait()
        self._ends[token] = time.monotonic() + _LIFE
        body = {"access_token": token, "expires_in": _LIFE, "token_type": "Bearer"}
        return _response("201 Created", json.dumps(body))

    def _check(self, head: str) -> bytes:
        token = re.search(r"(?i)authorization: bearer (\S+)", head)
        is_valid = self._ends.get(token[1] if token else "", 0) > time.monotonic()
        return _response("200 OK", "[]") if is_valid else _response("401 Unauthorized", "{}")


def _response(status: str, body: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n{body}".encode()


async def _tokens(store: str, *, quick: bool) -> int:
    """Let 8 processes use access tokens, and return how many were requested.

    In full, a process is killed that fetches the first one. The others use three, each until it is
    due for renewal. Otherwise, the first of two is revoked.

    Args:
        store: where the processes share them; empty if they do not.
        quick: whether that suffices.
    """
    sikoia = _Sikoia()
    server = await asyncio.start_server(sikoia.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    one = Job(url=url, token_url=f"{url}/token", store=store, limit=10_000, per=60, timeout=60)
    jobs = [attrs.evolve(one, wall_clock=_CLOCKS[n % len(_CLOCKS)]) for n in range(_PROCESSES)]
    async with server:
        if not quick:
            async with _running(one) as (leader,):
                leader.tell("call")
                await sikoia.was_asked.wait()
        sikoia.may_grant.set()
        async with _running(*jobs) as workers:
            await _call(workers)
            if quick:
                sikoia.revoke()
                await _call(workers)
                return sikoia.posts
            end = time.monotonic() + 3 * _LIFE * _USED - 3
            while time.monotonic() < end:
                await asyncio.sleep(0.5)
                await _call(workers)
    return sikoia.posts


async def _call(workers: list[Worker]) -> None:
    """Let each make one call."""
    results = await asyncio.gather(*[one.ask("call") for one in workers])
    if set(results) != {"ok"}:
        msg = f"calls failed: {results}"
        raise RuntimeError(msg)


async def _deliveries(store: str) -> int:
    """Deliver 200 events to two processes at once and then again; return how many were handled."""
    one = Job(url="http://127.0.0.1:1", store=store, limit=100, per=60)
    counts = list[str]()
    async with _running(one, one) as workers:
        for worker in workers:  # loads what the first one loads, and connects to the store
            await worker.ask("deliver 1")
        for _ in range(2):  # Sikoia sends those again that were refused
            counts = await asyncio.gather(*[one.ask(f"deliver {_EVENTS}") for one in workers])
    return sum(int(count) for count in counts)


async def _compare(stores: Mapping[str, str], *, quick: bool) -> list[Row]:
    places = [*stores.values(), ""]
    *shared, alone = await asyncio.gather(*[_tokens(store, quick=quick) for store in places])
    *handled, handled_alone = [await _deliveries(store) for store in places]
    what, most = (_REVOKED, 2) if quick else (_TOKENS, 4)
    return [
        *[
            _row(f"{what}, {store} | without", count, alone, f"≤ {most}", count <= most)
            for store, count in zip(stores, shared, strict=True)
        ],
        *[
            _row(f"{_DELIVERIES}, {store} | without", count, handled_alone, "200", count == _EVENTS)
            for store, count in zip(stores, handled, strict=True)
        ],
    ]


def compare(stores: Mapping[str, str], *, quick: bool) -> list[Row]:
    """Count token requests and handled events, with each store and without one."""
    return asyncio.run(_compare(stores, quick=quick))


def _row(what: str, shared: int, alone: int, target: str, met: bool) -> Row:
    return Row(what, f"{shared}", f"{alone}", shared / alone, target, "yes" if met else "no")


@asynccontextmanager
async def _running(*jobs: Job) -> AsyncGenerator[list[Worker]]:
    workers = [await start(job) for job in jobs]
    try:
        for worker in workers:
            await worker.wait_until_ready()
        yield workers
    finally:
        for worker in workers:
            await worker.kill()
