"""CPU time of a call with nothing on the wire: this SDK over `httpx.AsyncClient.send` alone.

Both sides use the same transport, which returns the same response at once. Ours is a complete call:
validation, deadline, retries, correlation id, checks of the response, and decoding into a model.
The peer builds a request with the same headers, sends it, and reads the body.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

import httpx
from _measure import Row, at_most, is_quick, print_table

from sikoia_async import Sikoia
from sikoia_async.environments import local

__all__ = ["compare"]

_URL: Final = "http://127.0.0.1:1"
_ID: Final = "64cd8202-2db4-44d5-85be-79438d65eb7b"
_BODY: Final = json.dumps({"case_id": _ID, "name": "Loan", "stage": "New"}).encode()
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Content-Type": "application/json",
    "User-Agent": "peer",
    "Authorization": "Bearer token",
    "X-Correlation-Id": "request-1",
}


class _Body(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncGenerator[bytes]:
        yield _BODY


class _Transport(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(_BODY)),
            "X-Correlation-Id": request.headers["X-Correlation-Id"],
        }
        return httpx.Response(200, headers=headers, stream=_Body())


def compare(*, quick: bool) -> list[Row]:
    """Compare calls in one event loop, some hundred in a row."""
    return asyncio.run(_compare(*((3, 20) if quick else (41, 500))))


async def _compare(rounds: int, times: int) -> list[Row]:
    costs: dict[str, list[float]] = {"ours": [], "send": [], "get": []}
    async with (
        Sikoia(token="t", environment=local(_URL), transport=_Transport(), quota=None) as sikoia,  # noqa: S106 - not a secret
        httpx.AsyncClient(transport=_Transport(), headers=_HEADERS) as client,
    ):

        async def ours() -> None:
            await sikoia.cases.retrieve(_ID)

        async def send() -> None:
            request = httpx.Request("GET", f"{_URL}/v2/cases/{_ID}", headers=_HEADERS)
            await client.send(request)

        async def get() -> None:
            (await client.get(f"{_URL}/v2/cases/{_ID}")).json()

        works = {"ours": ours, "send": send, "get": get}
        for turn in range(rounds + 1):
            for name, work in works.items():
                cost = await _seconds(work, times)
                if turn:  # the first one loads modules
                    costs[name].append(cost)
    what = "nothing on the wire, CPU per call"
    return [
        at_most(1.25, f"{what} | AsyncClient.send", costs["ours"], costs["send"], "s/call"),
        at_most(None, f"{what} | AsyncClient.get, json()", costs["ours"], costs["get"], "s/call"),
    ]


async def _seconds(work: Callable[[], Awaitable[None]], times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        await work()
    return (time.process_time() - started) / times


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
