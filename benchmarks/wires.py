"""The cost of a GET over each wire that `Sikoia` takes, compared with plain httpx: CPU per call.

The server is another process, so only the client's CPU time counts. All contestants take turns in
one run. The peer is an `httpx.AsyncClient` with default settings, which sends the same headers,
created once, and reads the response with `json()`.
"""

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, Final

import aiohttp
import httpx
import httpx2
import httpx_aiohttp
from _calls import Call, Wire, cpu
from _measure import Row, at_most, is_quick, print_table, race
from server import CASE_ID, HEADERS, running

from sikoia_async import Sikoia
from sikoia_async.environments import local

__all__ = ["compare"]

_ROUNDS: Final = 20
_TARGETS: Final = {
    "the default": {1: 1.0, 16: 0.4},
    "aiohttp.ClientSession": {1: 0.6, 16: 0.3},
}


def compare(*, quick: bool) -> list[Row]:
    """Compare all wires over http and https; quickly, over http only."""
    with running() as address, asyncio.Runner() as runner:
        return [
            row
            for url in ((address.http,) if quick else (address.http, address.https))
            for row in _rows(Wire(runner, url, address.ca_file), 1 if quick else _ROUNDS)
        ]


def _rows(wire: Wire, rounds: int) -> Generator[Row]:
    calls, close = wire.runner.run(_clients(wire))
    try:
        for in_flight in (1, 16):
            turns = {name: partial(cpu, wire, call, in_flight) for name, call in calls.items()}
            costs = race(turns, rounds)
            peer = costs.pop("httpx")
            for name, cost in costs.items():
                what = f"{wire.scheme}, {name}, {in_flight} in flight | httpx"
                target = _TARGETS.get(name, {}).get(in_flight)
                yield at_most(target, what, cost, peer, "s/call")
    finally:
        wire.runner.run(close())


async def _clients(wire: Wire) -> tuple[dict[str, Call], Callable[[], Coroutine[Any, Any, None]]]:
    """Create a client over each wire; return their calls, and a function that closes them."""
    tls = ssl.create_default_context(cafile=wire.ca_file)
    bare = httpx.AsyncClient(base_url=wire.url, headers=HEADERS, verify=tls)
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls))
    lent: dict[str, tuple[str, Any]] = {
        "httpx.AsyncClient": ("http_client", httpx.AsyncClient(verify=tls)),
        "httpx2.AsyncClient": ("http_client", httpx2.AsyncClient(verify=tls)),
        "httpx-aiohttp": ("transport", httpx_aiohttp.AiohttpTransport(verify=tls)),
        "aiohttp.ClientSession": ("http_client", session),
    }
    ours = {"the default": _sikoia(wire, tls=wire.ca_file)}
    ours |= {name: _sikoia(wire, **{argument: made}) for name, (argument, made) in lent.items()}

    async def close() -> None:
        for sikoia in ours.values():
            await sikoia.aclose()
        await bare.aclose()
        for _, made in lent.values():
            await (made.close() if made is session else made.aclose())

    async def get() -> object:
        return (await bare.get(f"/v2/cases/{CASE_ID}")).json()

    calls = {name: partial(sikoia.cases.retrieve, CASE_ID) for name, sikoia in ours.items()}
    return {"httpx": get, **calls}, close


def _sikoia(wire: Wire, **options: Any) -> Sikoia:
    return Sikoia("id", "secret", environment=local(wire.url), quota=None, **options)


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
