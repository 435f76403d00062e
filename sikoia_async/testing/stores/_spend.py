"""The rules of a `SpendStore`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sikoia_async.stores.protocols import Charge, SpendLimitBucket, SpendUsedUp
from sikoia_async.testing.stores._base import SLACK, Rules, broken, check, timed, unique

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from sikoia_async.stores.protocols import SpendStore

__all__ = ["SpendConformance"]

_LONG = 3600.0
_OPERATION = "identity.request"


class SpendConformance(Rules):
    """Tests of a `SpendStore`; see `StoreConformance`."""

    def _spends(self) -> AbstractAsyncContextManager[tuple[SpendStore, SpendStore]]:
        return self.pair(lambda stores: stores.spend)

    async def test_processes_share_a_limit(self) -> None:
        """However many calls they make at once, no more than the limit are counted."""
        async with self._spends() as (one, two):
            account, bucket = unique(), SpendLimitBucket(name="all", limit=3)
            reservations = [
                partial(store.reserve, account, _charge(bucket)) for store in [one, two] * 5
            ]
            results = await self.at_once(reservations)
            made = results.count(None)
            check(made <= 3, f"{made} calls were allowed where the limit is 3")
            check(made == 3, f"{made} calls were allowed where the limit allows 3")
            full = next(result for result in results if result is not None)
            check(full.bucket == "all", "the result does not name the bucket that is full")
            check(full.seconds is None, "a bucket without a period says when it has room again")
            spent = dict(await two.spent(account))
            check(spent == {_OPERATION: 3}, "calls that were refused are counted as spent")
            allowed = await one.reserve(unique(), _charge(bucket))
            check(allowed is None, "accounts share a limit")

    async def test_a_call_counts_in_all_of_its_buckets_or_in_none(self) -> None:
        """A bucket that has room is not used up by calls that another one refuses."""
        async with self._spends() as (one, two):
            account = unique()
            wide = SpendLimitBucket(name="wide", limit=2)
            full = SpendLimitBucket(name="full", limit=0)
            for buckets in ([wide, full], [full, wide], [wide, full]):
                result = await one.reserve(account, _charge(*buckets))
                check(_full(result).bucket == "full", "another bucket is said to be full")
            for _ in range(2):
                allowed = await two.reserve(account, _charge(wide))
                check(allowed is None, "a call that one bucket refused counts in another")
            result = await one.reserve(account, _charge(wide))
            check(_full(result).bucket == "wide", "another bucket is said to be full")
            spent = dict(await one.spent(account))
            check(spent == {_OPERATION: 2}, "calls that were refused are counted as spent")

    async def test_a_call_in_two_buckets_counts_in_both(self) -> None:
        """Calls of other operations may add to the same count, by its name."""
        async with self._spends() as (one, two):
            account = unique()
            small, large = (
                SpendLimitBucket(name=name, limit=limit) for name, limit in [("s", 1), ("l", 2)]
            )
            first = await one.reserve(account, _charge(small, large))
            check(first is None, "a call is refused although all buckets have room")
            result = await two.reserve(account, _charge(large, small))
            check(_full(result).bucket == "s", "a call counts in one of its buckets only")
            other = Charge(id=unique(), operation="checks.run", buckets=[large])
            check(await two.reserve(account, other) is None, "a bucket with room refuses a call")
            result = await one.reserve(account, _charge(large))
            check(_full(result).bucket == "l", "operations do not add to one count")
            spent = dict(await one.spent(account))
            check(spent == {_OPERATION: 1, "checks.run": 1}, "`spent` is not counted by operation")

    async def test_a_charge_counts_once(self) -> None:
        """A reservation that is repeated with the same id is the same call."""
        async with self._spends() as (one, two):
            account, bucket = unique(), SpendLimitBucket(name="all", limit=2)
            charge = _charge(bucket)
            for store in (one, two, one):
                allowed = await store.reserve(account, charge)
                check(allowed is None, "a charge that is counted already is refused")
            allowed = await two.reserve(account, _charge(bucket))
            check(allowed is None, "a charge that is repeated counts twice")
            _full(await two.reserve(account, _charge(bucket)))
            allowed = await one.reserve(account, charge)
            check(allowed is None, "a charge that is counted is refused by a full bucket")

    async def test_a_call_that_cost_nothing_is_given_back(self) -> None:
        """Once, in all of its buckets; what was never counted gives nothing back."""
        async with self._spends() as (one, two):
            account, bucket = unique(), SpendLimitBucket(name="all", limit=2)
            charge = _charge(bucket)
            await one.reserve(account, charge)
            await one.reserve(account, _charge(bucket))
            for _ in range(2):
                await two.give_back(account, charge)
            await two.give_back(account, _charge(bucket))
            check(dict(await one.spent(account)) == {_OPERATION: 1}, "`spent` counts it still")
            allowed = await one.reserve(account, _charge(bucket))
            check(allowed is None, "a call that was given back still counts")
            result = await one.reserve(account, _charge(bucket))
            _full(result, "a call that was given back twice makes room for two")

    @timed
    async def test_a_period_ends(self, unit: float) -> None:
        """A call counts for `per` seconds, not less, and the result says when there is room."""
        async with self._spends() as (one, two):
            account, per, reserved = unique(), 4 * unit, self.now()
            bucket = SpendLimitBucket(name="day", limit=1, per=per)
            await one.reserve(account, _charge(bucket))
            await self.sleep(unit)
            result = await two.reserve(account, _charge(bucket))
            self.only_within(reserved, per)
            seconds = _full(result, "a call counts for less than `per` seconds").seconds
            if seconds is None:
                broken("a bucket with a period does not say when it has room again")
            check(0 < seconds <= per + SLACK, "`seconds` is not within the period")
            await self.sleep(seconds)

            async def is_allowed() -> bool:
                return await two.reserve(account, _charge(bucket)) is None

            await self.eventually(0, is_allowed, "a call counts for longer than `per` seconds")

    async def test_a_call_may_count_in_buckets_of_different_periods(self) -> None:
        """One forgets it, and the other does not."""
        async with self._spends() as (one, two):
            account, per = unique(), self.units[0]
            brief = SpendLimitBucket(name="brief", limit=1, per=per)
            ever = SpendLimitBucket(name="ever", limit=1)
            await one.reserve(account, _charge(brief, ever))

            async def is_allowed() -> bool:
                return await two.reserve(account, _charge(brief)) is None

            await self.eventually(per, is_allowed, "a call counts for longer than `per` seconds")
            result = await two.reserve(account, _charge(ever))
            _full(result, "a call without a period was forgotten with one of another bucket")

    async def test_a_call_without_a_limit_is_counted(self) -> None:
        """`spent` shows it."""
        async with self._spends() as (one, two):
            account = unique()
            check(dict(await one.spent(account)) == {}, "an unused account has spent something")
            check(await one.reserve(account, _charge()) is None, "a call without limit is refused")
            spent = dict(await two.spent(account))
            check(spent == {_OPERATION: 1}, "a call without a limit is not counted")

    async def test_a_reset_forgets_all_calls(self) -> None:
        """Of one account; what is given back afterwards makes no more room."""
        async with self._spends() as (one, two):
            account, other = unique(), unique()
            bucket = SpendLimitBucket(name="all", limit=1)
            charge = _charge(bucket)
            await one.reserve(account, charge)
            await one.reserve(other, _charge(bucket))
            await two.reset(account)
            check(dict(await one.spent(account)) == {}, "a reset does not forget what was spent")
            await one.give_back(account, charge)
            check(await one.reserve(account, _charge(bucket)) is None, "a reset makes no room")
            _full(await one.reserve(account, _charge(bucket)), "a give-back after a reset counts")
            _full(await two.reserve(other, _charge(bucket)), "a reset concerns another account")

    async def test_a_cancelled_reservation_counts_once(self) -> None:
        """Wherever it is cancelled, and also if it is repeated; and the store works afterwards."""
        async with self._spends() as (one, two):
            account, bucket = unique(), SpendLimitBucket(name="all", limit=2)
            charge = _charge(bucket)
            await self.cancel_each_step(partial(one.reserve, account, charge))
            await one.reserve(account, charge)
            allowed = await two.reserve(account, _charge(bucket))
            check(allowed is None, "a reservation that was cancelled counts twice")
            await self.cancel_each_step(partial(one.give_back, account, charge))
            await one.give_back(account, charge)
            allowed = await two.reserve(account, _charge(bucket))
            check(allowed is None, "a cancelled `give_back` that is repeated gives nothing back")
            _full(await two.reserve(account, _charge(bucket)), "it gives back more than it should")


def _charge(*buckets: SpendLimitBucket) -> Charge:
    return Charge(id=unique(), operation=_OPERATION, buckets=buckets)


def _full(
    result: SpendUsedUp | None, rule: str = "a call was allowed beyond a limit"
) -> SpendUsedUp:
    return broken(rule) if result is None else result
