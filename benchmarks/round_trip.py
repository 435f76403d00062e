"""The cost of a GET for the client, compared with plain httpx: CPU time and elapsed time per call.

The server is another process, so only the client's CPU time counts. The peer is an
`httpx.AsyncClient` with default settings. It sends the same headers, created once, and reads the
response with `json()`, without models, retries, deadlines and new correlation ids.
"""

import asyncio
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Final

import httpx
from _calls import Call, Wire, cpu, wall
from _measure import Row, at_least, at_most, is_quick, print_table, race
from server import CASE_ID, HEADERS, running

from sikoia_async import Sikoia
from sikoia_async.environments import local

__all__ = ["compare"]

_CALLERS: Final = 50
_ROUNDS: Final = 20


def compare(*, quick: bool) -> list[Row]:
    """Compare both over http and https."""
    with running() as address, asyncio.Runner() as runner:
        return [
            row
            for url in (address.http, address.https)
            for rows in (_cpu_rows, _speed_rows)
            for row in rows(Wire(runner, url, address.ca_file), 2 if quick else _ROUNDS)
        ]


def _cpu_rows(wire: Wire, rounds: int) -> Generator[Row]:
    for in_flight in (1, 16):
        with _clients(wire) as calls:
            turns = {name: partial(cpu, wire, calls[name], in_flight) for name in ("ours", "httpx")}
            costs = race(turns, rounds)
        what = f"{wire.scheme}, CPU per call, {in_flight} in flight | httpx"
        yield at_most(1.1, what, costs["ours"], costs["httpx"], "s/call")


def _speed_rows(wire: Wire, rounds: int) -> Generator[Row]:
    with _clients(wire) as calls:
        turns = {name: partial(wall, wire, call, _CALLERS) for name, call in calls.items()}
        costs = race(turns, rounds)
    what = f"{wire.scheme}, time per call, {_CALLERS} callers"
    for peer, target in (("httpx", 2), ("httpx, 50 kept alive", None)):
        yield at_least(target, f"{what} | {peer}", costs["ours"], costs[peer], "s/call")


@contextmanager
def _clients(wire: Wire) -> Generator[dict[str, Call]]:
    """Create new clients, and return the call of each.

    By default, httpx keeps 20 connections alive; a second client keeps 50.
    """
    sikoia = Sikoia("id", "secret", environment=local(wire.url), tls=wire.ca_file, quota=None)
    tls = ssl.create_default_context(cafile=wire.ca_file)
    fifty = httpx.Limits(max_connections=_CALLERS, max_keepalive_connections=_CALLERS)
    peer = httpx.AsyncClient(base_url=wire.url, headers=HEADERS, verify=tls)
    keeper = httpx.AsyncClient(base_url=wire.url, headers=HEADERS, verify=tls, limits=fifty)

    async def ours() -> object:
        return await sikoia.cases.retrieve(CASE_ID)

    try:
        yield {
            "ours": ours,
            "httpx": partial(_json, peer),
            "httpx, 50 kept alive": partial(_json, keeper),
        }
    finally:
        for client in (sikoia, peer, keeper):
            wire.runner.run(client.aclose())


async def _json(client: httpx.AsyncClient) -> object:
    return (await client.get(f"/v2/cases/{CASE_ID}")).json()


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
