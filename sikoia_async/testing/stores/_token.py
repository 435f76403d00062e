"""The rules of a `TokenStore`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sikoia_async.stores.protocols import StoredToken
from sikoia_async.testing.stores._base import SLACK, Rules, broken, check, timed, unique

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from sikoia_async.stores.protocols import TokenStore

__all__ = ["TokenConformance"]

_LONG = 3600.0


class TokenConformance(Rules):
    """Tests of a `TokenStore`; see `StoreConformance`."""

    def _tokens(self) -> AbstractAsyncContextManager[tuple[TokenStore, TokenStore]]:
        return self.pair(lambda stores: stores.token)

    async def test_a_token_is_shared(self) -> None:
        """What one process saves, another loads, with the seconds that are left; others do not."""
        async with self._tokens() as (one, two):
            account, value = unique(), f"{unique()}.{'é~+/=' * 800}"
            check(await two.load(account) is None, "there is a token that nobody has saved")
            await one.save(account, StoredToken(value, _LONG))
            token = _loaded(await two.load(account))
            check(token.value == value, "another token is loaded than was saved")
            check(token.seconds <= _LONG + SLACK, "a token is valid for longer than was saved")
            check(token.seconds > _LONG - 600, "a token lost most of its time")
            check(await two.load(unique()) is None, "an account loads the token of another")

    async def test_the_seconds_of_a_token_run_down(self) -> None:
        """They are counted by the store, not by the clock of the process that saved it."""
        async with self._tokens() as (one, two):
            account = unique()
            await one.save(account, StoredToken("a", _LONG))
            first = _loaded(await two.load(account))
            await self.sleep(self.units[0])
            second = _loaded(await two.load(account))
            check(second.seconds < first.seconds, "the seconds of a token do not run down")

    async def test_a_newer_token_replaces_an_older_one(self) -> None:
        """Also if it is valid for a shorter time."""
        async with self._tokens() as (one, two):
            account = unique()
            await one.save(account, StoredToken("older", _LONG))
            await two.save(account, StoredToken("newer", _LONG / 2))
            token = _loaded(await one.load(account))
            check(token.value == "newer", "an older token was kept")
            check(token.seconds <= _LONG / 2 + SLACK, "a newer token has the time of an older one")

    async def test_an_expired_token_is_not_loaded(self) -> None:
        """Neither one that has expired since, nor one that was saved too late."""
        async with self._tokens() as (one, two):
            account = unique()

            async def is_gone() -> bool:
                return await two.load(account) is None

            await one.save(account, StoredToken("a", self.units[0]))
            await self.eventually(self.units[0], is_gone, "an expired token is loaded")
            await one.save(account, StoredToken("b", -1.0))
            await self.eventually(0, is_gone, "a token that had expired is loaded")

    async def test_a_refused_token_is_discarded(self) -> None:
        """And only that one: another process may have saved a newer one meanwhile."""
        async with self._tokens() as (one, two):
            account = unique()
            await one.discard(account, "none")
            await one.save(account, StoredToken("newer", _LONG))
            await two.discard(account, "older")
            check(await one.load(account) is not None, "a newer token was discarded")
            await two.discard(account, "newer")
            check(await one.load(account) is None, "a refused token is still loaded")

    async def test_one_process_renews_the_token(self) -> None:
        """Of many that lock the renewal at once, one gets it."""
        async with self._tokens() as (one, two):
            account = unique()
            locks = [
                partial(store.lock, account, f"{name}", _LONG)
                for name, store in enumerate([one, two] * 5)
            ]
            got = sum(await self.at_once(locks))
            check(got == 1, f"{got} of 10 processes got the lock")
            check(await two.lock(unique(), "another", _LONG), "a lock concerns another account")

    @timed
    async def test_a_lock_ends(self, unit: float) -> None:
        """A process that is killed holds it for `ttl` seconds, and not longer."""
        async with self._tokens() as (one, two):
            account, locked = unique(), self.now()
            check(await one.lock(account, "me", 3 * unit), "nobody has the lock, and it is refused")
            await self.sleep(unit)
            got = await two.lock(account, "you", 3 * unit)
            self.only_within(locked, 3 * unit)
            check(not got, "a lock was given to a second process")
            rule = "the lock of a process that was killed does not end after `ttl`"
            await self.eventually(3 * unit, partial(two.lock, account, "you", _LONG), rule)

    @timed
    async def test_a_lock_is_prolonged_by_its_owner(self, unit: float) -> None:
        """By locking again; the new time counts."""
        async with self._tokens() as (one, two):
            account, locked = unique(), self.now()
            check(await one.lock(account, "me", 4 * unit), "nobody has the lock, and it is refused")
            prolonged = await one.lock(account, "me", _LONG)
            self.only_within(locked, 4 * unit)
            check(prolonged, "the owner cannot prolong its lock")
            await self.sleep(4.5 * unit)
            check(not await two.lock(account, "you", _LONG), "a prolonged lock has ended")

    async def test_only_its_owner_unlocks(self) -> None:
        """Then another process can have it."""
        async with self._tokens() as (one, two):
            account = unique()
            await one.unlock(account, "me")
            check(await one.lock(account, "me", _LONG), "nobody has the lock, and it is refused")
            await two.unlock(account, "you")
            check(not await two.lock(account, "you", _LONG), "another process ended the lock")
            await one.unlock(account, "me")
            check(await two.lock(account, "you", _LONG), "a lock that was given back stays")

    async def test_the_lock_and_the_token_are_independent(self) -> None:
        """Saving, loading and discarding a token leave the lock, and the other way round."""
        async with self._tokens() as (one, two):
            account = unique()
            await one.lock(account, "me", _LONG)
            await one.save(account, StoredToken("a", _LONG))
            await one.discard(account, "a")
            check(not await two.lock(account, "you", _LONG), "a token that was discarded unlocks")
            await one.save(account, StoredToken("b", _LONG))
            await one.unlock(account, "me")
            check(await two.load(account) is not None, "the token went with its lock")

    async def test_a_cancelled_lock_leaves_nothing_behind(self) -> None:
        """Wherever it is cancelled: at most a lock that ends by itself, and a store that works."""
        async with self._tokens() as (one, two):
            account, unit = unique(), self.units[0]
            await self.cancel_each_step(partial(one.lock, account, "me", unit))
            rule = "a cancelled `lock` holds for longer than its `ttl`"
            await self.eventually(unit, partial(two.lock, account, "you", _LONG), rule)
            await self.cancel_each_step(partial(one.save, account, StoredToken("a", _LONG)))
            await self.cancel_each_step(partial(one.load, account))
            await one.save(account, StoredToken("b", _LONG))
            check(_loaded(await two.load(account)).value == "b", "another token is loaded")


def _loaded(token: StoredToken | None) -> StoredToken:
    return broken("a token that was saved is not loaded") if token is None else token
