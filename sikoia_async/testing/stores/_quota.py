"""The rules of a `QuotaStore`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sikoia_async.stores.protocols import Ask, Grant, Settled, Wait
from sikoia_async.testing.stores._base import SLACK, Rules, broken, check, timed, unique

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from sikoia_async.stores.protocols import QuotaStore

__all__ = ["QuotaConformance"]

_LONG = 3600.0


class QuotaConformance(Rules):
    """Tests of a `QuotaStore`; see `StoreConformance`."""

    def _quotas(self) -> AbstractAsyncContextManager[tuple[QuotaStore, QuotaStore]]:
        return self.pair(lambda stores: stores.quota)

    async def test_two_processes_share_one_limit(self) -> None:
        """Two stores on one backend grant no more than the limit together, however they are asked.

        Each ticket is given out once.
        """
        async with self._quotas() as (one, two):
            ask = _ask(limit=5)
            other = _ask(account=ask.account, limit=5)
            asks = [partial(one.acquire, ask), partial(two.acquire, other)] * 10
            results = await self.at_once(asks)
            tickets = [result.ticket for result in results if isinstance(result, Grant)]
            check(len(tickets) <= 5, "20 asks at once got more slots than the limit allows")
            check(len(tickets) == 5, "slots were left over although somebody asked for them")
            check(len(set(tickets)) == 5, "two leases have the same ticket")
            _waiting(await one.acquire(ask), "a slot was granted beyond the limit")

    async def test_accounts_do_not_share_a_limit(self) -> None:
        """Each account has slots of its own."""
        async with self._quotas() as (one, two):
            _granted(await one.acquire(_ask(limit=1)), "an unused account has no slot")
            _granted(await two.acquire(_ask(limit=1)), "another account uses up the slots")

    async def test_a_request_that_was_not_sent_frees_its_slot_at_once(self) -> None:
        """`Settled(sent=False)` costs nothing, and another process can have the slot."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=1)
            grant = _granted(await one.acquire(ask), "an unused account has no slot")
            await one.settle(ask, [Settled(grant.ticket, sent=False)])
            _granted(await two.acquire(ask), "a slot whose request was not sent stays leased")

    @timed
    async def test_a_sent_request_counts_for_one_window(self, unit: float) -> None:
        """A slot is free `per` seconds after it was settled: not earlier, and not at its lease."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=1, per=4 * unit)
            grant = _granted(await one.acquire(ask), "an unused account has no slot")
            await self.sleep(2 * unit)
            settled = self.now()
            await one.settle(ask, [Settled(grant.ticket, sent=True)])
            for _ in range(2):
                result = await two.acquire(ask)
                self.only_within(settled, 4 * unit)
                _waiting(result, "a slot was granted again before its window had passed")
                await self.sleep(2.5 * unit)
            rule = "a settled slot is not free after its window"
            await self.eventually(0, partial(_grants, two, ask), rule)

    @timed
    async def test_a_lease_that_is_never_settled_ends(self, unit: float) -> None:
        """A killed process's slot is free after `lease + per`, and not before."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=1, per=2 * unit, lease=3 * unit)
            asked = self.now()
            _granted(await one.acquire(ask), "an unused account has no slot")
            for _ in range(2):
                result = await two.acquire(ask)
                self.only_within(asked, 5 * unit)
                _waiting(result, "a lease ended before `lease + per` seconds")
                await self.sleep(3.5 * unit)
            rule = "the slot of a process that was killed is not free after `lease + per`"
            await self.eventually(0, partial(_grants, two, ask), rule)

    async def test_the_lease_is_the_one_that_was_asked_for(self) -> None:
        """A long lease, such as that of an upload, is not cut short by the short ones of others."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=2, per=self.units[0], lease=_LONG)
            short = _ask(account=ask.account, limit=2, per=self.units[0], lease=self.units[0])
            _granted(await one.acquire(ask), "an unused account has no slot")
            _granted(await two.acquire(short), "a free slot is not granted")
            rule = "the slot of a short lease is not free after `lease + per`"
            await self.eventually(2 * self.units[0], partial(_grants, two, ask), rule)
            _waiting(await one.acquire(ask), "a long lease ended with a short one")

    @timed
    async def test_a_late_settlement_counts_from_its_time(self, unit: float) -> None:
        """`age` says how long ago the request ended: its slot is free that much earlier."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=1, per=_LONG)
            grant = _granted(await one.acquire(ask), "an unused account has no slot")
            settled = self.now()
            await one.settle(ask, [Settled(grant.ticket, sent=True, age=_LONG - 3 * unit)])
            result = await two.acquire(ask)
            self.only_within(settled, 3 * unit)
            _waiting(result, "a slot was granted before `per - age` seconds")
            rule = "`age` is not taken off the window of a late settlement"
            await self.eventually(3 * unit, partial(_grants, two, ask), rule)

    async def test_an_old_settlement_frees_its_slot_at_once(self) -> None:
        """If a request ended more than a window ago, nothing is counted."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=1, per=1.0)
            grant = _granted(await one.acquire(ask), "an unused account has no slot")
            await one.settle(ask, [Settled(grant.ticket, sent=True, age=2.0)])
            _granted(await two.acquire(ask), "a request counts although its window has passed")

    async def test_an_unknown_lease_counts_when_it_is_settled(self) -> None:
        """A request that was sent counts, also if the store knows nothing of its lease."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=1)
            await one.settle(ask, [Settled(unique(), sent=False)])
            await one.settle(ask, [Settled(unique(), sent=True)])
            _waiting(await two.acquire(ask), "a sent request of an unknown lease is not counted")

    @timed
    async def test_a_lease_that_has_run_out_counts_when_it_is_settled(self, unit: float) -> None:
        """A process that was stopped for long settles late: its request counts from then."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=1, per=4 * unit, lease=unit / 4)
            late = _granted(await one.acquire(ask), "an unused account has no slot")
            rule = "a lease does not end after `lease + per`"
            grant = await self.eventually(5 * unit, partial(_grants, two, ask), rule)
            await two.settle(ask, [Settled(grant.ticket, sent=False)])
            settled = self.now()
            await one.settle(ask, [Settled(late.ticket, sent=True)])
            result = await two.acquire(ask)
            self.only_within(settled, 4 * unit)
            _waiting(result, "the settlement of a lease that has run out is not counted")

    async def test_a_late_settlement_frees_nobody_elses_slot(self) -> None:
        """The slot of a lease that has run out may be leased again: that lease stays."""
        async with self._quotas() as (one, two):
            unit = self.units[0]
            ask = _ask(limit=1, per=unit, lease=unit)
            late = _granted(await one.acquire(ask), "an unused account has no slot")
            longer = _ask(account=ask.account, limit=1, per=unit)
            rule = "a lease does not end after `lease + per`"
            await self.eventually(2 * unit, partial(_grants, two, longer), rule)
            await one.settle(ask, [Settled(late.ticket, sent=False)])
            _waiting(await one.acquire(ask), "a late settlement freed another process's slot")

    async def test_a_settlement_that_is_repeated_counts_once(self) -> None:
        """A process repeats what it cannot know to have arrived."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=2)
            grant = _granted(await one.acquire(ask), "an unused account has no slot")
            for _ in range(3):
                await one.settle(ask, [Settled(grant.ticket, sent=True)])
            _granted(await two.acquire(ask), "a settlement that was repeated counts twice")
            _waiting(await two.acquire(ask), "a settlement that was repeated counts not at all")

    async def test_many_leases_are_settled_together(self) -> None:
        """Each with its own `sent`; and none at all is allowed."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=4)
            tickets = [
                _granted(await one.acquire(ask), "a free slot is not granted").ticket
                for _ in range(4)
            ]
            await one.settle(ask, [])
            settled = [Settled(ticket, sent=n >= 2) for n, ticket in enumerate(tickets)]
            await one.settle(ask, settled)
            results = await self.at_once([partial(two.acquire, ask)] * 4)
            free = sum(isinstance(result, Grant) for result in results)
            check(free == 2, f"2 of 4 requests were not sent, and {free} slots are free")

    async def test_registered_leases_count_beyond_the_limit(self) -> None:
        """Leases made without the store count, once each, and are settled like others."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=2)
            tickets = [unique() for _ in range(3)]
            await one.register(ask, [])
            await one.register(ask, tickets)
            await one.register(ask, tickets[:2])
            _waiting(await two.acquire(ask), "a registered lease is not counted")
            await one.settle(ask, [Settled(ticket, sent=False) for ticket in tickets[:2]])
            _granted(await two.acquire(ask), "a lease that is registered twice counts twice")
            _waiting(await two.acquire(ask), "a lease beyond the limit is not counted")

    async def test_a_lease_that_is_known_is_not_registered_again(self) -> None:
        """A process cannot always tell which leases the store has lost."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=2)
            grant = _granted(await one.acquire(ask), "an unused account has no slot")
            await one.register(ask, [grant.ticket])
            _granted(await two.acquire(ask), "a known lease counts twice once it is registered")

    async def test_a_registered_lease_ends(self) -> None:
        """It ends `lease + per` seconds after it was registered."""
        async with self._quotas() as (one, two):
            unit = self.units[0]
            ask = _ask(limit=1, per=unit, lease=unit)
            await one.register(ask, [unique()])
            rule = "a registered lease is not free after `lease + per`"
            await self.eventually(2 * unit, partial(_grants, two, ask), rule)

    @timed
    async def test_a_pause_stops_all_processes(self, unit: float) -> None:
        """After a 429, nobody gets a slot for some seconds; a shorter pause does not shorten it."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=5)
            paused = self.now()
            await one.pause(ask, 4 * unit)
            await two.pause(ask, unit)
            await self.sleep(2 * unit)
            result = await two.acquire(ask)
            self.only_within(paused, 4 * unit)
            wait = _waiting(result, "a slot was granted during a pause")
            check(wait.paused > 0, "a `Wait` during a pause does not say so in `paused`")
            check(wait.paused <= 4 * unit + SLACK, "`paused` is longer than the pause")
            check(wait.seconds >= 0.9 * wait.paused, "`seconds` is shorter than the pause")
            await self.eventually(2 * unit, partial(_grants, two, ask), "a pause does not end")

    async def test_a_pause_concerns_one_account(self) -> None:
        """Others go on."""
        async with self._quotas() as (one, two):
            await one.pause(_ask(), _LONG)
            result = await two.acquire(_ask())
            _granted(result, "a pause of one account stops another")

    async def test_reserved_slots_stay_free(self) -> None:
        """`reserve` slots are left to others, who get them; a reserve of all is never granted."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=5, reserve=2)
            urgent = _ask(account=ask.account, limit=5)
            never = _ask(account=ask.account, limit=5, reserve=5)
            wait = _waiting(await one.acquire(never), "a slot of a full reserve was granted")
            check(wait.seconds > 0, "a `Wait` says to ask again at once")
            for _ in range(3):
                _granted(await one.acquire(ask), "a slot that is not reserved is not granted")
            _waiting(await one.acquire(ask), "a reserved slot was granted")
            for _ in range(2):
                _granted(await two.acquire(urgent), "a reserved slot is refused to who may have it")
            _waiting(await two.acquire(urgent), "a slot was granted beyond the limit")

    async def test_the_strictest_limit_applies(self) -> None:
        """If processes state different limits, none gets more than the lowest allows."""
        async with self._quotas() as (one, two):
            generous = _ask(limit=5)
            strict = _ask(account=generous.account, limit=3)
            _granted(await one.acquire(generous), "an unused account has no slot")
            _granted(await two.acquire(strict), "a free slot is not granted")
            _granted(await one.acquire(generous), "a free slot is not granted")
            result = await one.acquire(generous)
            _waiting(result, "a process with a higher limit got more than the lowest allows")
            _waiting(await two.acquire(strict), "a slot was granted beyond the limit")

    async def test_peers_are_the_processes_that_ask(self) -> None:
        """Grants and waits count the processes that asked within the last window."""
        async with self._quotas() as (one, two):
            unit = self.units[0]
            account = unique()
            asks = [_ask(account=account, limit=50, per=_LONG) for _ in range(3)]
            for ask in asks * 2:
                await one.acquire(ask)
            last = await one.acquire(asks[0])
            check(last.peers == 3, f"3 processes ask, and `peers` is {last.peers}")
            wait = await two.acquire(_ask(account=account, reserve=50, limit=50, per=_LONG))
            check(wait.peers == 4, "a process that waits is not among the `peers`")

            async def is_alone() -> bool:
                return (await two.acquire(alone)).peers == 1

            account = unique()
            gone, alone = (_ask(account=account, limit=10**6, per=unit) for _ in range(2))
            await one.acquire(gone)
            rule = "a process that no longer asks is among the `peers` after a window"
            await self.eventually(unit, is_alone, rule)

    async def test_free_counts_the_slots_of_all_processes(self) -> None:
        """Grants and waits say how many slots are left, if they say anything."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=5)
            strict = _ask(account=ask.account, limit=4)
            never = _ask(account=ask.account, limit=4, reserve=4)
            replies = [
                await one.acquire(ask),
                await two.acquire(strict),
                await two.acquire(never),
                await one.acquire(ask),
                await one.acquire(ask),
                await one.acquire(ask),
            ]
            free = [reply.free for reply in replies]
            stated = all(left is not None for left in free)
            rule = f"`free` should be 4, 2, 2, 1, 0 and 0 while a limit of 4 is used up: {free}"
            check(not stated or free == [4, 2, 2, 1, 0, 0], rule)

    @timed
    async def test_a_wait_says_when_to_ask_again(self, unit: float) -> None:
        """Who asks again after `Wait.seconds` gets a slot soon, and need not poll."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=2, per=4 * unit)
            for _ in range(2):
                grant = _granted(await one.acquire(ask), "a free slot is not granted")
                await one.settle(ask, [Settled(grant.ticket, sent=True)])
                await self.sleep(unit)
            for _ in range(5):
                result = await two.acquire(ask)
                if isinstance(result, Grant):
                    break
                check(result.seconds > 0, "a `Wait` says to ask again at once")
                check(
                    result.seconds <= 4 * unit + SLACK,
                    "`Wait.seconds` is later than the first slot",
                )
                await self.sleep(result.seconds + 0.001)
            else:
                broken("a process that waits as it is told gets no slot in 5 asks")

    async def test_stores_on_one_backend_have_one_epoch(self) -> None:
        """The epoch stays as long as the state is there."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=1)
            epochs = {(await store.acquire(ask)).epoch for store in (one, two, one)}
            check(len(epochs) == 1, "the epoch changed although no state was lost")

    async def test_a_lost_state_has_a_new_epoch(self) -> None:
        """So that processes notice, and register what they hold."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=1)
            before = _granted(await one.acquire(ask), "an unused account has no slot")
            await self.lose()
            after = await one.acquire(ask)
            check(after.epoch != before.epoch, "the epoch is the same after the state was lost")
            again = await two.acquire(ask)
            check(again.epoch == after.epoch, "two stores on one backend have different epochs")

    async def test_a_cancelled_acquire_leaves_nothing_behind(self) -> None:
        """Wherever it is cancelled: at most a lease that ends by itself, and a store that works."""
        async with self._quotas() as (one, two):
            unit = self.units[0]
            brief = _ask(limit=5, per=unit, lease=unit)
            await self.cancel_each_step(partial(one.acquire, brief))
            ask = _ask(account=brief.account, limit=5, per=unit, lease=_LONG)
            for number in range(5):
                store = one if number % 2 else two
                rule = "a cancelled `acquire` left a slot leased for longer than its lease"
                await self.eventually(2 * unit, partial(_grants, store, ask), rule)
            _waiting(await two.acquire(ask), "a slot was granted beyond the limit")

    async def test_a_cancelled_settlement_can_be_repeated(self) -> None:
        """Wherever it is cancelled, the lease counts once."""
        async with self._quotas() as (one, two):
            ask = _ask(limit=2)
            grant = _granted(await one.acquire(ask), "an unused account has no slot")
            settled = [Settled(grant.ticket, sent=True)]
            await self.cancel_each_step(partial(one.settle, ask, settled))
            await one.settle(ask, settled)
            _granted(await two.acquire(ask), "a settlement that was cancelled counts twice")
            _waiting(await two.acquire(ask), "a settlement that was cancelled freed its slot")


def _ask(
    *,
    account: str | None = None,
    limit: int = 5,
    per: float = _LONG,
    reserve: int = 0,
    lease: float = _LONG,
) -> Ask:
    """Return what a new process asks."""
    return Ask(
        account=account or unique(),
        limit=limit,
        per=per,
        reserve=reserve,
        lease=lease,
        asker=unique(),
    )


def _granted(result: Grant | Wait, rule: str) -> Grant:
    return result if isinstance(result, Grant) else broken(rule)


def _waiting(result: Grant | Wait, rule: str) -> Wait:
    return result if isinstance(result, Wait) else broken(rule)


async def _grants(store: QuotaStore, ask: Ask) -> Grant | None:
    result = await store.acquire(ask)
    return result if isinstance(result, Grant) else None
