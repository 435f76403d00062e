"""What one GET costs the client, against bare httpx: CPU time per call, and calls per second.

The server is another process, so only the client's own CPU time counts. The peer is an
`httpx.AsyncClient` as it comes, which sends the same headers, made once, and reads the answer with
`json()`: no model, no retries, no deadline, no new correlation id for each call.
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import attrs
import httpx
from _measure import Row, at_least, at_most, is_quick, print_table, take_turns
from server import TOKEN, running

from sikoia_async import Sikoia
from sikoia_async.environments import local

__all__ = ["compare"]

_CASE_ID: Final = "64cd8202-2db4-44d5-85be-79438d65eb7b"
_CALLERS: Final = 50
_ROUNDS: Final = 20
_CALLS: Final = 128
"""Calls in a round: a multiple of 64, for one answer in 64 is looked at for drift."""
_HEADERS: Final = {
    "Authorization": f"Bearer {TOKEN}",
    "Accept": "application/json",
    "Content-Type": "application/json",
    "X-Correlation-Id": "9a518655-9572-43fa-b747-b282ca41365e",
}

Call = Callable[[], Awaitable[Any]]


def compare(*, quick: bool) -> list[Row]:
    """Call in turns, over http and over https."""
    with running() as address, asyncio.Runner() as runner:
        return [
            row
            for url in (address.http, address.https)
            for rows in (_cpu_rows, _speed_rows)
            for row in rows(_Wire(runner, url, address.ca_file), 2 if quick else _ROUNDS)
        ]


@attrs.frozen
class _Wire:
    """An event loop, and the server to call from it."""

    runner: asyncio.Runner
    url: str
    ca_file: str

    @property
    def scheme(self) -> str:
        return self.url.partition(":")[0]


def _cpu_rows(wire: _Wire, rounds: int) -> Generator[Row]:
    for in_flight in (1, 16):
        with _clients(wire) as calls:
            turns = {
                name: partial(_cpu, wire, calls[name], in_flight) for name in ("ours", "httpx")
            }
            costs = _race(turns, rounds)
        what = f"{wire.scheme}, CPU per call, {in_flight} in flight | httpx"
        yield at_most(1.1, what, costs["ours"], costs["httpx"], "s/call")


def _speed_rows(wire: _Wire, rounds: int) -> Generator[Row]:
    with _clients(wire) as calls:
        turns = {name: partial(_wall, wire, call, _CALLERS) for name, call in calls.items()}
        costs = _race(turns, rounds)
    what = f"{wire.scheme}, time per call, {_CALLERS} callers"
    for peer, target in (("httpx", 2), ("httpx that keeps 50", None)):
        yield at_least(target, f"{what} | {peer}", costs["ours"], costs[peer], "s/call")


def _race(turns: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    take_turns(turns, 1)  # opens connections, fetches the token, loads what is loaded late
    return take_turns(turns, rounds)


@contextmanager
def _clients(wire: _Wire) -> Generator[dict[str, Call]]:
    """Open new clients, and return how each makes the call.

    httpx as it comes keeps 20 connections open; one that keeps 50 is shown beside it.
    """
    sikoia = Sikoia("id", "secret", environment=local(wire.url), tls=wire.ca_file, quota=None)
    tls = ssl.create_default_context(cafile=wire.ca_file)
    fifty = httpx.Limits(max_connections=_CALLERS, max_keepalive_connections=_CALLERS)
    peer = httpx.AsyncClient(base_url=wire.url, headers=_HEADERS, verify=tls)
    keeper = httpx.AsyncClient(base_url=wire.url, headers=_HEADERS, verify=tls, limits=fifty)

    async def ours() -> object:
        return await sikoia.cases.retrieve(_CASE_ID)

    try:
        yield {
            "ours": ours,
            "httpx": partial(_json, peer),
            "httpx that keeps 50": partial(_json, keeper),
        }
    finally:
        for client in (sikoia, peer, keeper):
            wire.runner.run(client.aclose())


async def _json(client: httpx.AsyncClient) -> object:
    return (await client.get(f"/v2/cases/{_CASE_ID}")).json()


def _cpu(wire: _Wire, call: Call, in_flight: int) -> float:
    began = time.process_time()
    wire.runner.run(_calls(call, in_flight))
    return (time.process_time() - began) / _CALLS


def _wall(wire: _Wire, call: Call, in_flight: int) -> float:
    began = time.perf_counter()
    wire.runner.run(_calls(call, in_flight))
    return (time.perf_counter() - began) / _CALLS


async def _calls(call: Call, in_flight: int) -> None:
    """Make the calls, so many at once."""
    left = iter(range(_CALLS))

    async def caller() -> None:
        for _ in left:
            await call()

    await asyncio.gather(*(caller() for _ in range(in_flight)))


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
