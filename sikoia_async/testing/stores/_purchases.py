"""The rules of a `PurchaseStore`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, get_args

import attrs

from sikoia_async.stores.protocols import Purchase, PurchaseState
from sikoia_async.testing.stores._base import Rules, broken, check, unique

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from sikoia_async.stores.protocols import PurchaseStore

__all__ = ["PurchaseConformance"]

_ROUNDING: Final = 1e-6
_STATES: tuple[PurchaseState, ...] = get_args(PurchaseState)


class PurchaseConformance(Rules):
    """Tests of a `PurchaseStore`; see `StoreConformance`."""

    def _purchases(self) -> AbstractAsyncContextManager[tuple[PurchaseStore, PurchaseStore]]:
        return self.pair(lambda stores: stores.purchases)

    async def test_a_key_is_intended_once(self) -> None:
        """Of many processes that intend the same at once, one may send the request."""
        async with self._purchases() as (one, two):
            account, key = unique(), unique()
            intents = [
                partial(store.intend, account, _purchase(key, owner=f"{name}"))
                for name, store in enumerate([one, two] * 5)
            ]
            recorded = await self.at_once(intents)
            owners = {purchase.owner for purchase in recorded}
            check(len(owners) == 1, f"{len(owners)} processes would send the same request")
            found = _found(await two.get(account, key))
            check({found.owner} == owners, "another intent is recorded than was returned")
            other = await one.intend(unique(), _purchase(key, owner="me"))
            check(other.owner == "me", "accounts share a key")

    async def test_every_field_is_kept(self) -> None:
        """Values, missing values and empty ones, and times to the microsecond."""
        async with self._purchases() as (one, two):
            account = unique()
            bare = _purchase()
            full = attrs.evolve(
                _purchase(),
                intended_at=1_700_000_000.123456,
                ends_at=1_700_000_060.654321,
                idempotency_key="key",
                request_id="é-1",
                token="t" * 2000,
                correlation_id="",
                resolution="adopted",
            )
            for purchase in (bare, full):
                for recorded in (
                    await one.intend(account, purchase),
                    _found(await two.get(account, purchase.key)),
                ):
                    _same(recorded, purchase)
            for state in _STATES:
                changed = attrs.evolve(full, state=state)
                await one.change(account, changed, owner=full.owner)
                _same(_found(await two.get(account, full.key)), changed)

    async def test_a_refused_purchase_may_be_intended_anew(self) -> None:
        """By one process, and in no other state."""
        async with self._purchases() as (one, two):
            for state in _STATES:
                account, purchase = unique(), _purchase(owner="me")
                await one.intend(account, purchase)
                await one.change(account, attrs.evolve(purchase, state=state), owner="me")
                intents = [
                    partial(store.intend, account, _purchase(purchase.key, owner=f"{name}"))
                    for name, store in enumerate([one, two] * 2)
                ]
                owners = {recorded.owner for recorded in await self.at_once(intents)}
                check(len(owners) == 1, f"{len(owners)} processes would send the same request")
                if state == "refused":
                    check(owners != {"me"}, "a refused purchase cannot be intended anew")
                    found = _found(await one.get(account, purchase.key))
                    check(found.state == "intended", "a new intent keeps the old state")
                else:
                    check(owners == {"me"}, f"a purchase in the state {state} was intended anew")

    async def test_only_its_owner_changes_a_purchase(self) -> None:
        """Who takes it over becomes the owner, and the former one can change it no longer."""
        async with self._purchases() as (one, two):
            account, purchase = unique(), _purchase(owner="me")
            unknown = await one.change(account, purchase, owner="me")
            check(not unknown, "a purchase was changed that nobody had intended")
            check(await one.get(account, purchase.key) is None, "a change made a purchase")
            await one.intend(account, purchase)
            theirs = attrs.evolve(purchase, owner="you", state="doubt")
            check(not await two.change(account, theirs, owner="you"), "a stranger changed it")
            _same(_found(await one.get(account, purchase.key)), purchase)
            check(await two.change(account, theirs, owner="me"), "its owner cannot change it")
            _same(_found(await one.get(account, purchase.key)), theirs)
            late = attrs.evolve(purchase, state="done")
            check(not await one.change(account, late, owner="me"), "a former owner changed it")
            _same(_found(await two.get(account, purchase.key)), theirs)
            elsewhere = await two.change(unique(), theirs, owner="you")
            check(not elsewhere, "accounts share a purchase")

    async def test_one_process_takes_a_purchase_over(self) -> None:
        """Of many that try at once."""
        async with self._purchases() as (one, two):
            account, purchase = unique(), _purchase(owner="dead")
            await one.intend(account, purchase)
            changes = [
                partial(
                    store.change, account, attrs.evolve(purchase, owner=f"{name}"), owner="dead"
                )
                for name, store in enumerate([one, two] * 5)
            ]
            taken = sum(await self.at_once(changes))
            check(taken == 1, f"{taken} processes took the same purchase over")

    async def test_purchases_are_listed_from_the_oldest(self) -> None:
        """In the states that are asked for, of one account, and while they are changed."""
        async with self._purchases() as (one, two):
            account, count = unique(), 60
            purchases = [_purchase(at=1000.0 + number) for number in range(count)]
            for purchase in purchases[1::2] + purchases[::2]:
                await one.intend(account, purchase)
            for purchase in purchases[:20]:
                done = attrs.evolve(purchase, state="done")
                await one.change(account, done, owner=purchase.owner)
            keys = [purchase.key for purchase in purchases]
            every = [purchase.key async for purchase in two.list(account)]
            check(sorted(every) == sorted(keys), "`list` leaves purchases out, or repeats them")
            check(every == keys, "`list` does not begin with the oldest")
            found = [purchase.key async for purchase in two.list(account, ["done", "doubt"])]
            check(found == keys[:20], "`list` does not keep to the states that are asked for")
            check([one async for one in two.list(unique())] == [], "accounts share a list")
            seen = 0
            async for purchase in two.list(account, ["intended"]):
                seen += 1
                settled = attrs.evolve(purchase, state="refused")
                await two.change(account, settled, owner=purchase.owner)
            check(seen == count - 20, "changing a purchase disturbs the list")

    async def test_a_cancelled_intent_is_the_callers_if_repeated(self) -> None:
        """Wherever it is cancelled; and the store works afterwards."""
        async with self._purchases() as (one, two):
            account, purchase = unique(), _purchase(owner="me")
            await self.cancel_each_step(partial(one.intend, account, purchase))
            recorded = await one.intend(account, purchase)
            check(recorded.owner == "me", "an intent that was cancelled belongs to nobody")
            _same(_found(await two.get(account, purchase.key)), purchase)
            known = attrs.evolve(purchase, state="known")
            await self.cancel_each_step(partial(one.change, account, known, owner="me"))
            check(await one.change(account, known, owner="me"), "its owner cannot change it")


def _purchase(key: str | None = None, *, owner: str | None = None, at: float = 0.0) -> Purchase:
    return Purchase(
        key=key or unique(),
        operation="credit_reports.request",
        arguments=unique(),
        owner=owner or unique(),
        intended_at=at,
    )


def _found(purchase: Purchase | None) -> Purchase:
    return broken("a purchase that was intended is not found") if purchase is None else purchase


def _same(found: Purchase, expected: Purchase) -> None:
    for field in attrs.fields(Purchase):
        one, two = getattr(found, field.name), getattr(expected, field.name)
        same = abs(one - two) < _ROUNDING if isinstance(two, float) else one == two
        check(same, f"the field {field.name} of a purchase is not kept")
