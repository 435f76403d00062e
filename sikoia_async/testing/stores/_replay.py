"""The rules of a `ReplayStore`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sikoia_async.testing.stores._base import Rules, check, timed, unique

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from sikoia_async.stores.protocols import ReplayStore

__all__ = ["ReplayConformance"]

_LONG = 3600.0


class ReplayConformance(Rules):
    """Tests of a `ReplayStore`; see `StoreConformance`."""

    def _replays(self) -> AbstractAsyncContextManager[tuple[ReplayStore, ReplayStore]]:
        return self.pair(lambda stores: stores.replay)

    async def test_an_event_is_claimed_once(self) -> None:
        """Of many deliveries at once, in two processes, one is `new` and the others are `busy`."""
        async with self._replays() as (one, two):
            key = unique()
            claims = [
                partial(store.claim, key, f"{name}", ttl=_LONG)
                for name, store in enumerate([one, two] * 5)
            ]
            answers = await self.at_once(claims)
            new = answers.count("new")
            check(new == 1, f"{new} of 10 deliveries at once are to be handled")
            check(answers.count("busy") == 9, "a claim that another owner has is not `busy`")
            other = await one.claim(unique(), "me", ttl=_LONG)
            check(other == "new", "a claim concerns another event")

    async def test_an_event_that_was_handled_is_done(self) -> None:
        """For every process, its own owner included; one that is only claimed is not."""
        async with self._replays() as (one, two):
            key = unique()
            check(not await one.seen(key), "an event that nobody has claimed is done")
            await one.claim(key, "me", ttl=_LONG)
            check(not await two.seen(key), "an event is done although it is only claimed")
            await one.confirm(key, ttl=_LONG)
            check(await two.seen(key), "an event that was confirmed is not done")
            for owner in ("me", "you"):
                answer = await two.claim(key, owner, ttl=_LONG)
                check(answer == "done", "an event that was confirmed is claimed again")

    async def test_an_event_is_done_whoever_confirms(self) -> None:
        """Without a claim, and while somebody else has one, which that one's release leaves."""
        async with self._replays() as (one, two):
            unclaimed, claimed = unique(), unique()
            await one.confirm(unclaimed, ttl=_LONG)
            check(await two.seen(unclaimed), "an event without a claim cannot be confirmed")
            await one.claim(claimed, "me", ttl=_LONG)
            await two.confirm(claimed, ttl=_LONG)
            check(await one.seen(claimed), "an event that another owner claims is not confirmed")
            await one.release(claimed, "me")
            check(await two.seen(claimed), "a release makes an event undone")

    async def test_only_its_owner_releases_a_claim(self) -> None:
        """Then the event can be claimed again: its handler has failed."""
        async with self._replays() as (one, two):
            key = unique()
            await one.release(key, "me")
            check(await one.claim(key, "me", ttl=_LONG) == "new", "a new event is not `new`")
            await two.release(key, "you")
            answer = await two.claim(key, "you", ttl=_LONG)
            check(answer == "busy", "another process released the claim")
            await one.release(key, "me")
            answer = await two.claim(key, "you", ttl=_LONG)
            check(answer == "new", "a claim that was released stays")

    @timed
    async def test_a_claim_ends(self, unit: float) -> None:
        """The claim of a process that is killed ends after `ttl` seconds, and not before."""
        async with self._replays() as (one, two):
            key, claimed = unique(), self.now()
            await one.claim(key, "me", ttl=3 * unit)
            await self.sleep(unit)
            answer = await two.claim(key, "you", ttl=_LONG)
            self.only_within(claimed, 3 * unit)
            check(answer == "busy", "a claim ended before `ttl` seconds")

            async def is_new() -> bool:
                return await two.claim(key, "you", ttl=_LONG) == "new"

            rule = "the claim of a process that was killed does not end after `ttl`"
            await self.eventually(3 * unit, is_new, rule)
            await one.release(key, "me")
            answer = await one.claim(key, "me", ttl=_LONG)
            check(answer == "busy", "who lost a claim released that of another")

    @timed
    async def test_a_claim_is_prolonged_by_its_owner(self, unit: float) -> None:
        """By claiming again, which returns `new`; the new time counts."""
        async with self._replays() as (one, two):
            key, claimed = unique(), self.now()
            await one.claim(key, "me", ttl=4 * unit)
            answer = await one.claim(key, "me", ttl=_LONG)
            self.only_within(claimed, 4 * unit)
            check(answer == "new", "the owner cannot prolong its claim")
            await self.sleep(4.5 * unit)
            answer = await two.claim(key, "you", ttl=_LONG)
            check(answer == "busy", "a prolonged claim has ended")

    @timed
    async def test_an_event_is_done_for_a_time(self, unit: float) -> None:
        """For `ttl` seconds, and not much longer: the store would grow for ever."""
        async with self._replays() as (one, two):
            key, confirmed = unique(), self.now()
            await one.claim(key, "me", ttl=unit)
            await one.confirm(key, ttl=3 * unit)
            await self.sleep(1.5 * unit)
            seen = await two.seen(key)
            self.only_within(confirmed, 3 * unit)
            check(seen, "an event was done for less than `ttl` seconds")

            async def is_forgotten() -> bool:
                return not await two.seen(key)

            rule = "an event is done for longer than `ttl` seconds"
            await self.eventually(3 * unit, is_forgotten, rule)
            answer = await two.claim(key, "you", ttl=_LONG)
            check(answer == "new", "an event that was forgotten cannot be claimed")

    async def test_a_cancelled_claim_leaves_nothing_behind(self) -> None:
        """Wherever it is cancelled: at most a claim that ends by itself, and a store that works."""
        async with self._replays() as (one, two):
            key, unit = unique(), self.units[0]
            await self.cancel_each_step(partial(one.claim, key, "me", ttl=unit))

            async def is_new() -> bool:
                return await two.claim(key, "you", ttl=_LONG) == "new"

            rule = "a cancelled `claim` holds for longer than its `ttl`"
            await self.eventually(unit, is_new, rule)
            await self.cancel_each_step(partial(one.confirm, key, ttl=_LONG))
            await one.confirm(key, ttl=_LONG)
            check(await two.seen(key), "an event that was confirmed is not done")
