"""Handles an event once: not again when it is delivered again, and not as its own parent.

Who subscribes to a type and to a finer one gets a request for each, tied by `grouping_id`. Where
both lead to one handler, the second is folded into the first. More exactly, for nobody promises
that a grouping has but one event of each type: the n-th event of a type is folded if there were n
of a finer type, or of one that it is finer than. So a third event is never taken for the twin of
the first.

A key is added when the work has succeeded, and not before. Whoever fails or is cancelled leaves no
trace, and who waited meanwhile does the work.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal

import anyio

from sikoia_async.webhooks.events import related
from sikoia_async.webhooks.keyed_lock import KeyedLock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sikoia_async.webhooks.events import Event
    from sikoia_async.webhooks.replay import ReplayGuard

__all__ = ["Deduplicator", "Outcome"]

Outcome = Literal["handled", "duplicate", "folded", "unhandled"]
"""What became of an event: its handler ran, had handled it before, had handled its parent or
child, or there is no handler."""

_MOST: Final = 1000
"""Events of one type in one grouping that are counted; those beyond are handled, each of them."""


class Deduplicator:
    """Does work for events, each once, as far as a guard knows."""

    def __init__(self, guard: ReplayGuard) -> None:
        self._guard = guard
        self._turns = KeyedLock()

    async def run(
        self, event: Event, handler: str, work: Callable[[], Awaitable[None]]
    ) -> tuple[Outcome, bool]:
        """Do the work, unless it was done.

        Args:
            event: what the work is for.
            handler: who does it, in words that are the same in each process.
            work: what there is to do.

        Returns:
            What became of the event, and whether the guard was unsure.

        Raises:
            ReplayStoreError: the store failed, and the guard is `closed`; nothing was done.
        """
        asking = _Asking(self._guard)
        kin = [one.__name__ for one in related(type(event))]
        async with self._turns.of(event.key):
            if await asking.knows(event.key):
                return "duplicate", False
            if event.grouping_id is None or not kin:
                await work()
                await asking.add(event.key)
                return "handled", asking.unsure
            group = f"{handler}\0{event.grouping_id}"
            outcome = await self._with_kin(event, group, kin, work, asking)
        return outcome, asking.unsure

    async def _with_kin(
        self,
        event: Event,
        group: str,
        kin: Sequence[str],
        work: Callable[[], Awaitable[None]],
        asking: _Asking,
    ) -> Outcome:
        name = type(event).__name__
        async with self._turns.of(group):
            count = 1
            while count < _MOST and await asking.knows(_place(group, name, count)):
                count += 1
            looked_at = kin if count < _MOST else ()
            twins = [one for one in looked_at if await asking.knows(_place(group, one, count))]
            if not twins:
                await work()
            await asking.add(event.key, _place(group, name, count))
        return "folded" if twins else "handled"


class _Asking:
    """Asks the guard, and remembers whether it was unsure."""

    def __init__(self, guard: ReplayGuard) -> None:
        self._guard = guard
        self.unsure = False

    async def knows(self, key: str) -> bool:
        answer = await self._guard.knows(key)
        self.unsure |= answer is None
        return bool(answer)

    async def add(self, *keys: str) -> None:
        """Remember keys, also for who is cancelled meanwhile: the work is done."""
        with anyio.CancelScope(shield=True):  # a store has but a second
            for key in keys:
                added = await self._guard.add(key)
                self.unsure |= not added


def _place(group: str, name: str, count: int) -> str:
    """Return the key of the n-th event of a type in a group."""
    return sha256("\0".join((group, name, str(count))).encode()).hexdigest()
