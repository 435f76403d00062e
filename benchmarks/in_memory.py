"""The cost of a call in a test suite: the local Sikoia in memory and on a TLS socket.

Both sides of a call are in this process. In memory they share one thread; on a socket, the local
Sikoia has its own thread. So elapsed times are compared; in memory, that is the CPU time of a core.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Final

from _measure import Row, at_most, is_quick, print_table, race

from sikoia_async import Sikoia
from sikoia_async.sandbox import Credentials, Rate, Sandbox
from sikoia_async.testing import MemorySandbox, client_of

__all__ = ["compare"]

_CALLS: Final = 128
"""Calls per round: a multiple of 64, because one response in 64 is checked for drift."""
_FEWEST: Final = 500
"""Target: calls per second by the SDK in memory, on one core."""

Kind = type[Sandbox]


def compare(*, quick: bool) -> list[Row]:
    """Compare calls, then start-up."""
    rounds = 2 if quick else 20
    return [*_calls(rounds), *_starts(rounds)]


def _calls(rounds: int) -> Generator[Row]:
    for in_flight in (1, 16):
        with _reading(MemorySandbox, in_flight) as ours, _reading(Sandbox, in_flight) as peer:
            costs = race({"ours": ours, "peer": peer}, rounds)
        yield at_most(
            1, f"in memory, {in_flight} in flight | TLS", costs["ours"], costs["peer"], "s/call"
        )
        budget = [1 / _FEWEST] * rounds
        what = f"in memory, {in_flight} in flight | {_FEWEST} calls a second"
        yield at_most(1, what, costs["ours"], budget, "s/call")


def _starts(rounds: int) -> Generator[Row]:
    costs = race(
        {
            "ours": partial(_start_up, MemorySandbox),
            "peer": partial(_start_up, Sandbox),
        },
        rounds,
    )
    yield at_most(1, "start to first response, in memory | TLS", costs["ours"], costs["peer"])
    yield at_most(1, "start to first response, TLS | one second", costs["peer"], [1.0] * rounds)


@contextmanager
def _reading(kind: Kind, in_flight: int) -> Generator[Callable[[], float]]:
    """Create a case, and return a function that measures its retrieval."""
    with (
        kind(
            rate=Rate(requests_per_window=10**9), credentials=Credentials(token_life=10**9)
        ) as sandbox,
        asyncio.Runner() as runner,
    ):
        sikoia = client_of(sandbox, quota=None)
        case = runner.run(sikoia.cases.create(name="Loan", case_type="Business"))

        def seconds() -> float:
            began = time.perf_counter()
            runner.run(_each(lambda: sikoia.cases.retrieve(case.case_id), in_flight))
            return (time.perf_counter() - began) / _CALLS

        yield seconds
        runner.run(sikoia.aclose())


async def _each(call: Callable[[], Awaitable[object]], in_flight: int) -> None:
    left = iter(range(_CALLS))

    async def caller() -> None:
        for _ in left:
            await call()

    await asyncio.gather(*(caller() for _ in range(in_flight)))


def _start_up(kind: Kind) -> float:
    """Return the time until a new local Sikoia has sent its first response."""

    async def ask(sikoia: Sikoia) -> None:
        async with sikoia:
            await sikoia.users.list()

    began = time.perf_counter()
    with kind() as sandbox:
        asyncio.run(ask(client_of(sandbox)))
        return time.perf_counter() - began


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
