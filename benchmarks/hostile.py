"""What strangers can cause: polls by sending a recorded delivery again and again.

The replays are simulated in virtual time, against a Sikoia without sockets whose operation never
ends. The peer is the same client without any delivery.
"""

import asyncio
import json
from functools import partial
from typing import Any, Final, Literal

import httpx
from _measure import Row, is_quick, print_table
from _virtual import VirtualLoop

from sikoia_async import Entity, OperationTimeoutError, Sikoia
from sikoia_async.environments import local
from sikoia_async.webhooks import Router, sign

__all__ = ["compare"]

_SECRET: Final = "0123456789abcdef0123456789abcdef"  # noqa: S105 - not a real secret
_NAME: Final = "IncomeEmployerInsights.Completed"
_SECONDS: Final = 10.0
_CASE: Final = Entity("case", "64cd8202-2db4-44d5-85be-79438d65eb7b")
_PENDING: Final = {"request_id": "01951375-7a3d-4c1b-9e55-0242ac120002", "status": "Pending"}


def compare(*, quick: bool) -> list[Row]:
    """Replay deliveries to a router with and without a handler and a guard."""
    count = 20 if quick else 200
    return [
        _replays("handled, replay guard", count, replay="memory", handled=True),
        _replays("no handler, replay guard", count, replay="memory", handled=False),
        _replays("handled, no replay guard", count, replay=None, handled=True),
    ]


def _replays(what: str, count: int, *, replay: Literal["memory"] | None, handled: bool) -> Row:
    """Compare the polls of an operation with and without replayed deliveries that name it."""
    router = Router(_SECRET, replay=replay)
    if handled:
        router.on(_NAME)(lambda _: None)
    ours, peer = (_polls(router, number) for number in (count, 0))
    each = (ours - peer) / count
    return Row(f"{count} replays in {_SECONDS:g} s, {what}: polls", f"{ours}", f"{peer}", each)


def _polls(router: Router, count: int) -> int:
    """Return how often an operation is polled in ten seconds, while a delivery is replayed."""
    polls = list[httpx.Request]()

    def respond(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            polls.append(request)
        return httpx.Response(200, json=_PENDING)

    async def main() -> None:
        async with (
            _client(transport=httpx.MockTransport(respond)) as sikoia,
            asyncio.TaskGroup() as tasks,
        ):
            operation = await sikoia.income.request(_CASE)
            tasks.create_task(_wait(operation))
            body = json.dumps({"event_type": _NAME, **_PENDING}).encode()
            for _ in range(count):
                await router.receive(body, sign(body, _SECRET), feed=sikoia.events.feed)
                await asyncio.sleep(_SECONDS / count)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    return len(polls)


async def _wait(operation: Any) -> None:
    try:
        await operation.wait(timeout=_SECONDS)
    except OperationTimeoutError:
        return


_client: Final = partial(
    Sikoia,
    token="a-token",  # noqa: S106 - the transport accepts any token
    environment=local("http://127.0.0.1:9"),
    rely_on_events="always",
)


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
