"""How long the event loop stands still while the largest allowed response is decoded.

Each shape has as many values as the limits allow. A task that sleeps for a millisecond at a time
measures the stall: the longest time between two of its turns. `peer` is the time of the whole call.
"""

import asyncio
import gc
from collections.abc import Iterator
from time import perf_counter
from typing import Any, Final

import httpx
from _measure import Row, is_quick, print_table, shown

from sikoia_async import Items, Sikoia
from sikoia_async.environments import local
from sikoia_async.resources.banking import AccountTransactions, BankTransaction

__all__ = ["compare"]

_LIMIT: Final = 8 << 20
"""The default of `max_json`."""
_MOST: Final = _LIMIT // 20 - 8
"""Values that it allows, without those around the repeated part."""
_TARGET: Final = 0.25
_ROUNDS: Final = 3


def compare(*, quick: bool) -> list[Row]:
    """Measure the longest stall for each shape, and the median of the rounds."""
    return [_row(*shape, 1 if quick else _ROUNDS) for shape in _shapes(50 if quick else 1)]


def _shapes(share: int) -> Iterator[tuple[str, bytes, Any]]:
    """Yield the name, the body and the type of each shape."""

    def filled(before: bytes, item: bytes, after: bytes) -> bytes:
        values = sum(map(item.count, (b"{", b"[", b","))) + 1
        count = min(_MOST // values, (_LIMIT - 100) // (len(item) + 1)) // share
        return before + b",".join([item] * count) + after

    field = b'{"transactions":'
    yield "text holding a list", filled(field + b'"[', b"{}", b']"}'), AccountTransactions
    yield "list of empty objects", filled(field + b"[", b"{}", b"]}"), AccountTransactions
    yield (
        "unknown field",
        filled(b'{"odd":[', b"[]", b'],"transactions":[{}]}'),
        AccountTransactions,
    )
    yield "untyped, empty lists", filled(b"[", b"[]", b"]"), object
    yield "untyped, objects", filled(b"[", b'{"a":{}}', b"]"), object
    yield "untyped, fractions", filled(b"[", b"1.23456789012345", b"]"), object
    yield "odd rows", filled(field + b"[", b'{"date":[]}', b"]}"), AccountTransactions
    yield "top-level list of {}", filled(b"[", b"{}", b"]"), Items[BankTransaction]


def _row(name: str, body: bytes, into: Any, rounds: int) -> Row:
    measured = [asyncio.run(_measure(body, into)) for _ in range(rounds)]
    stalls, whole = zip(*measured, strict=True)
    what = f"longest stall of the event loop, {len(body) / 2**20:.1f} MiB, {name} | whole call"
    met = "yes" if sorted(stalls)[rounds // 2] <= _TARGET else "no"
    return Row(what, shown(stalls), shown(whole), None, f"≤ {_TARGET * 1000:g} ms", met)


async def _measure(body: bytes, into: Any) -> tuple[float, float]:
    """Return the longest stall during a call, and the time of the call."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    stalls = [0.0]

    async def watch() -> None:
        last = perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = perf_counter()
            stalls.append(now - last)
            last = now

    async with Sikoia(
        token="a-token",  # noqa: S106 - the transport accepts any token
        environment=local("http://127.0.0.1:9"),
        transport=transport,
    ) as sikoia:
        await sikoia.request("GET", "/v2/users")
        gc.collect()
        watcher = asyncio.create_task(watch())
        await asyncio.sleep(0.01)
        began = perf_counter()
        await sikoia.request("GET", "/v2/cases", into=into)
        whole = perf_counter() - began
        await asyncio.sleep(0.01)
        watcher.cancel()
    return max(stalls), whole


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
