"""Model check of a `QuotaStore`: random histories, compared with a model of a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from sikoia_async.stores.protocols import Ask, Grant, Settled
from sikoia_async.testing.stores._base import check, unique

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from sikoia_async.stores.protocols import QuotaStore
    from sikoia_async.stores.shared import Stores

__all__ = ["check_quota_histories"]

_LIMIT: Final = 4
_PER: Final = 1000.0
_LEASE: Final = 500.0
_EDGE: Final = 20.0
"""Seconds around the end of a slot in which a store may do either: machines may be slow."""

_RESERVES: Final = {0.0: 0, 130.0: 1, 410.0: 2, 970.0: _LIMIT - 1}
"""The reserve of an ask, by the number that a step has."""
_Step = tuple[str, int, float]
"""What is done, the process that does it, and a number of seconds."""


def check_quota_histories(
    open_stores: Callable[[], AbstractAsyncContextManager[Stores]],
    *,
    lose: Callable[[], Awaitable[object]] | None = None,
    advance: Callable[[float], Awaitable[object]] | None = None,
    max_examples: int = 50,
    backend: str = "asyncio",
) -> None:
    """Play random histories against a `QuotaStore`, and compare each answer with a model.

    Processes lease slots, settle them, late or twice, register them, are killed, and call pauses,
    in any order. Needs Hypothesis, which prints the shortest history that breaks a rule. Call it in
    a test that is not async: it starts an event loop for each history.

    Args:
        open_stores: opens the stores, as `StoreConformance.open` does.
        lose: removes all that the backend holds; None if it cannot.
        advance: moves the clock of the stores by some seconds; None if it cannot be moved.
        max_examples: how many histories.
        backend: `asyncio` or `trio`.

    Raises:
        AssertionError: a store gave another answer than the model.
    """
    from hypothesis import HealthCheck, given, settings  # noqa: PLC0415 - an optional package
    from hypothesis import strategies as st  # noqa: PLC0415 - as above

    # Hypothesis shortens a history by doing nothing; left to itself, it draws few long lists.
    kinds = ["nothing", "acquire", "acquire", "acquire", "settle", "settle_again", "cancel"]
    kinds += ["register", "kill"]
    if lose is not None:
        kinds.append("lose")
    if advance is not None:
        kinds += ["advance", "advance", "pause"]
    step = st.tuples(st.sampled_from(kinds), st.integers(0, 3), st.sampled_from(list(_RESERVES)))

    @settings(
        max_examples=max_examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(step, min_size=20, max_size=30))
    def check_one(steps: Sequence[_Step]) -> None:
        anyio.run(_play, open_stores, lose, advance, steps, backend=backend)

    check_one()


async def _play(
    open_stores: Callable[[], AbstractAsyncContextManager[Stores]],
    lose: Callable[[], Awaitable[object]] | None,
    advance: Callable[[float], Awaitable[object]] | None,
    steps: Sequence[_Step],
) -> None:
    async with open_stores() as one, open_stores() as two:
        if one.quota is None or two.quota is None:
            msg = "the stores have no quota store to check"
            raise ValueError(msg)
        history = _History((one.quota, two.quota), lose, advance)
        for kind, process, seconds in steps:
            await getattr(history, kind)(process, seconds)


async def _nothing(_: float = 0.0) -> None:
    """Stand for what the stores cannot do; no history has such a step."""


class _History:
    """Plays a history on two stores of one backend, and knows what they have to answer."""

    def __init__(
        self,
        quotas: tuple[QuotaStore, QuotaStore],
        lose: Callable[[], Awaitable[object]] | None,
        advance: Callable[[float], Awaitable[object]] | None,
    ) -> None:
        self._quotas = quotas
        self._lose = lose or _nothing
        self._advance = advance or _nothing
        self._account = unique()
        self._now = 0.0
        self._ends: dict[str, tuple[float, float]] = {}
        """When each slot is free again: the earliest and the latest time."""
        self._paused_until = float("-inf")
        self._held: list[list[str]] = [[] for _ in range(4)]
        """The tickets of each process, the oldest first."""
        self._settled: list[list[Settled]] = [[] for _ in range(4)]
        """The latest leases that each process has settled; no time has passed since."""

    def _ask(self, process: int, reserve: int = 0) -> Ask:
        return Ask(
            account=self._account,
            limit=_LIMIT,
            per=_PER,
            lease=_LEASE,
            reserve=reserve,
            asker=f"{process}",
        )

    async def nothing(self, process: int, seconds: float) -> None:
        pass

    async def acquire(self, process: int, seconds: float) -> None:
        reserve = _RESERVES[seconds]
        most = sum(latest + _EDGE > self._now for _, latest in self._ends.values())
        least = sum(earliest - _EDGE > self._now for earliest, _ in self._ends.values())
        has_to = most + 1 + reserve <= _LIMIT and self._now >= self._paused_until + _EDGE
        may = least + 1 + reserve <= _LIMIT and self._now >= self._paused_until - _EDGE
        result = await self._quotas[process % 2].acquire(self._ask(process, reserve))
        if isinstance(result, Grant):
            check(may, "a slot was granted that is in use, reserved, or paused")
            check(result.ticket not in self._ends, "two leases have the same ticket")
            self._lease([result.ticket])
            self._held[process].append(result.ticket)
        else:
            check(not has_to, "a free slot was not granted")
            check(result.seconds > 0, "a `Wait` says to ask again at once")

    async def settle(self, process: int, seconds: float) -> None:
        if self._held[process]:
            lease = Settled(self._held[process].pop(0), sent=True, age=seconds)
            self._settled[process].append(lease)
            end = self._now - seconds + _PER
            self._ends[lease.ticket] = (end, end)
            await self._settle(process, [lease])

    async def settle_again(self, process: int, _: float) -> None:
        await self._settle(process, self._settled[process][-2:])

    async def cancel(self, process: int, _: float) -> None:
        if self._held[process]:
            ticket = self._held[process].pop()
            self._ends.pop(ticket, None)
            await self._settle(process, [Settled(ticket, sent=False)])

    async def register(self, process: int, _: float) -> None:
        held = self._held[process]
        self._lease(held)
        await self._quotas[process % 2].register(self._ask(process), held)

    async def kill(self, process: int, _: float) -> None:
        self._held[process].clear()

    async def pause(self, process: int, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self._now + seconds)
        await self._quotas[process % 2].pause(self._ask(process), seconds)

    async def advance(self, _: int, seconds: float) -> None:
        self._now += seconds
        await self._advance(seconds)
        for settled in self._settled:
            settled.clear()

    async def lose(self, process: int, seconds: float) -> None:
        await self._lose()
        self._ends.clear()
        for settled in self._settled:
            settled.clear()
        self._paused_until = float("-inf")
        await self.register(process, seconds)

    def _lease(self, tickets: Sequence[str]) -> None:
        """Note leases; a store may keep the end of one that it knows."""
        end = self._now + _LEASE + _PER
        for ticket in tickets:
            self._ends[ticket] = (self._ends.get(ticket, (end, end))[0], end)

    async def _settle(self, process: int, leases: Sequence[Settled]) -> None:
        await self._quotas[process % 2].settle(self._ask(process), leases)
