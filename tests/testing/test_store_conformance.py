"""The conformance suite for stores: each broken store fails a test that says what is broken."""

import itertools
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import hypothesis
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint
from store_suites import Clock, MemoryConformance

from sikoia_async.stores import (
    Ask,
    Charge,
    Grant,
    MemoryStores,
    Purchase,
    Settled,
    StoredToken,
    Stores,
    Wait,
)
from sikoia_async.testing import stores
from sikoia_async.testing.stores import StoreConformance, check_quota_histories

pytestmark = pytest.mark.anyio

evolve = attrs.evolve
NUMBERS = map(str, itertools.count())
"""New tickets."""


class Broken:
    """A store that does some things differently; the rest as the one in `inner`."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        """Return what is not broken."""
        return getattr(self.inner, name)


# The rate limit


class Asking(Broken):
    """Asks for something else than it was asked for."""

    def __init__(self, inner: Any, **changes: Callable[[Any], Any]) -> None:
        super().__init__(inner)
        self.changes = changes

    async def acquire(self, ask: Ask) -> Any:
        """Lease a slot."""
        changes = {name: change(getattr(ask, name)) for name, change in self.changes.items()}
        return await self.inner.acquire(evolve(ask, **changes))


class Answering(Broken):
    """Says something else about what it did."""

    def __init__(self, inner: Any, kind: type, **fields: Any) -> None:
        super().__init__(inner)
        self.kind = kind
        self.fields = fields

    async def acquire(self, ask: Ask) -> Any:
        """Lease a slot."""
        result = await self.inner.acquire(ask)
        return evolve(result, **self.fields) if isinstance(result, self.kind) else result


class Settling(Broken):
    """Settles other leases, or settles them in another way."""

    def __init__(self, inner: Any, change: Callable[[list[Settled]], list[Settled]]) -> None:
        super().__init__(inner)
        self.change = change

    async def settle(self, ask: Ask, leases: list[Settled]) -> None:
        """End leases."""
        await self.inner.settle(ask, self.change(list(leases)))


class ForgettingUnknown(Broken):
    """Counts only leases that it made itself."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.known = set[str]()

    async def acquire(self, ask: Ask) -> Any:
        """Lease a slot."""
        result = await self.inner.acquire(ask)
        self.known.add(getattr(result, "ticket", ""))
        return result

    async def settle(self, ask: Ask, leases: list[Settled]) -> None:
        """End leases."""
        await self.inner.settle(ask, [one for one in leases if one.ticket in self.known])


class WithoutTickets(Broken):
    """Frees the oldest lease, as a protocol without tickets does."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.tickets = list[str]()

    async def acquire(self, ask: Ask) -> Any:
        """Lease a slot."""
        result = await self.inner.acquire(ask)
        if isinstance(result, Grant):
            self.tickets.append(result.ticket)
        return result

    async def settle(self, ask: Ask, leases: list[Settled]) -> None:
        """End leases."""
        last = [evolve(one, ticket=self.tickets.pop()) for one in leases if self.tickets]
        await self.inner.settle(ask, last)


class Registering(Broken):
    """Registers other leases, or for another time."""

    def __init__(
        self, inner: Any, change: Callable[[list[str]], list[str]] = list, **changes: Any
    ) -> None:
        super().__init__(inner)
        self.change = change
        self.changes = changes

    async def register(self, ask: Ask, tickets: list[str]) -> None:
        """Count leases."""
        await self.inner.register(evolve(ask, **self.changes), self.change(list(tickets)))


class PausingItself(Broken):
    """Pauses only the process that had the 429."""

    async def pause(self, _ask: Ask, _seconds: float) -> None:
        """Grant nothing."""


class PausingAll(Broken):
    """Pauses all accounts."""

    is_paused = False

    async def pause(self, _: Ask, __: float) -> None:
        """Grant nothing."""
        self.is_paused = True

    async def acquire(self, ask: Ask) -> Any:
        """Lease a slot."""
        return Wait(seconds=9.0) if self.is_paused else await self.inner.acquire(ask)


class LastPause(Broken):
    """A pause replaces the one before."""

    until = 0.0

    async def pause(self, _: Ask, seconds: float) -> None:
        """Grant nothing."""
        self.until = MemoryConformance.clock() + seconds

    async def acquire(self, ask: Ask) -> Any:
        """Lease a slot."""
        left = self.until - MemoryConformance.clock()
        return Wait(seconds=left, paused=left) if left > 0 else await self.inner.acquire(ask)


class HighestLimit(Broken):
    """The highest limit that a process states applies."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.limits = dict[str, int]()

    async def acquire(self, ask: Ask) -> Any:
        """Lease a slot."""
        most = self.limits[ask.account] = max(ask.limit, self.limits.get(ask.account, 0))
        return await self.inner.acquire(evolve(ask, limit=most))


class HalfLeased(Broken):
    """Leases a slot for long, and says for how long in a second step."""

    async def acquire(self, ask: Ask) -> Any:
        """Lease a slot."""
        result = await self.inner.acquire(evolve(ask, lease=10_000.0))
        await checkpoint()
        if isinstance(result, Grant):
            await self.inner.register(ask, [result.ticket])
        return result


# The other kinds


class Faulty(Broken):
    """A store with one fault."""

    def __init__(self, inner: Any, fault: str) -> None:
        super().__init__(inner)
        self.fault = fault
        self.owners = dict[str, str]()


class Tokens(Faulty):
    """Loads or keeps the wrong token."""

    def __init__(self, inner: Any, fault: str) -> None:
        super().__init__(inner, fault)
        self.saved = dict[str, StoredToken]()

    async def save(self, account: str, token: StoredToken) -> None:
        """Keep a token."""
        if self.fault == "is the first" and account in self.saved:
            return
        self.saved[account] = token
        if self.fault == "is never old":
            token = StoredToken(token.value, 9999.0)
        await self.inner.save(account, token)

    async def load(self, account: str) -> StoredToken | None:
        """Return a token."""
        token = await self.inner.load(account)
        if self.fault == "is forgotten":
            return None
        return self.saved[account] if token and self.fault == "stands still" else token

    async def discard(self, account: str, value: str) -> None:
        """Remove a token."""
        if self.fault == "unlocks":
            await self.inner.unlock(account, "me")
        if self.fault == "is discarded by any" and account in self.saved:
            value = self.saved[account].value
        if self.fault != "is never discarded":
            await self.inner.discard(account, value)


class Locks(Faulty):
    """Locks wrongly."""

    async def lock(self, account: str, owner: str, ttl: float) -> bool:
        """Reserve the renewal."""
        if self.fault == "never ends":
            ttl = 10_000.0
        if self.fault == "is not prolonged" and self.owners.get(account) == owner:
            return True
        if self.fault == "is refused to its owner" and self.owners.get(account) == owner:
            return False
        got = await self.inner.lock(account, owner, ttl)
        if got:
            self.owners[account] = owner
        return got or self.fault == "is given to all"

    async def unlock(self, account: str, owner: str) -> None:
        """Give the renewal back."""
        if self.fault == "is anybody's":
            owner = self.owners.get(account, "")
        if self.fault != "is never given back":
            await self.inner.unlock(account, owner)


class LooksFirst(Broken):
    """Looks first, and acts later."""

    async def claim(self, key: str, owner: str, *, ttl: float) -> Any:
        """Reserve a key."""
        if await self.inner.seen(key):
            return "done"
        await checkpoint()
        await self.inner.claim(key, owner, ttl=ttl)
        return "new"

    async def intend(self, account: str, purchase: Purchase) -> Purchase:
        """Record an intent."""
        known: Purchase | None = await self.inner.get(account, purchase.key)
        await checkpoint()
        await self.inner.intend(account, purchase)
        return known or purchase


class Claims(Faulty):
    """Remembers webhook events wrongly."""

    async def claim(self, key: str, owner: str, *, ttl: float) -> Any:
        """Reserve a key."""
        if self.fault in ("never ends", "ends early"):
            ttl = 9999.0 if self.fault == "never ends" else ttl / 4
        if self.fault == "is not prolonged" and self.owners.get(key) == owner:
            return "new"
        if self.fault == "ignores done" and await self.inner.seen(key):
            return "new"
        answer = await self.inner.claim(key, owner, ttl=ttl)
        if answer == "new":
            self.owners[key] = owner
        return answer

    async def confirm(self, key: str, *, ttl: float) -> None:
        """Remember a key."""
        if self.fault == "needs a claim" and key not in self.owners:
            return
        await self.inner.confirm(key, ttl=10_000.0 if self.fault == "is done for ever" else ttl)

    async def release(self, key: str, owner: str) -> None:
        """Give a claim back."""
        if self.fault == "is released by anybody":
            owner = self.owners.get(key, "")
        if self.fault != "is never released":
            await self.inner.release(key, owner)

    async def seen(self, key: str) -> bool:
        """Return whether a key is done."""
        return (self.fault == "is seen early" and key in self.owners) or await self.inner.seen(key)


class Spending(Faulty):
    """Counts calls wrongly."""

    async def reserve(self, account: str, charge: Charge) -> Any:
        """Count a call."""
        if self.fault == "counts an id again":
            charge = evolve(charge, id=next(NUMBERS))
        if self.fault == "counts in part":
            for number, bucket in enumerate(charge.buckets):
                part = evolve(charge, id=f"{charge.id}{number}", buckets=[bucket])
                result = await self.inner.reserve(account, part)
                if result is not None:
                    return result
            return None
        if self.fault == "has no limit" or (
            self.fault == "forgets free calls" and not charge.buckets
        ):
            return None
        if self.fault == "counts in one":
            charge = evolve(charge, buckets=charge.buckets[:1])
        if self.fault == "forgets periods":
            charge = evolve(charge, buckets=[evolve(one, per=None) for one in charge.buckets])
        return await self.inner.reserve(account, charge)

    async def give_back(self, account: str, charge: Charge) -> None:
        """Count a call no longer."""
        if self.fault != "gives nothing back":
            await self.inner.give_back(account, charge)

    async def reset(self, account: str) -> None:
        """Forget all calls."""
        if self.fault != "resets nothing":
            await self.inner.reset(account)


class Messages(Faulty):
    """Carries messages wrongly."""

    first: str | None = None

    async def publish(self, account: str, message: str) -> None:
        """Send a message."""
        self.first = self.first or message
        if self.fault == "cuts":
            message = message[:1000]
        if self.fault != "loses all":
            await self.inner.publish(self.name(account), message)

    @asynccontextmanager
    async def subscribe(self, account: str) -> AsyncGenerator[AsyncIterator[str]]:
        """Iterate over messages."""
        async with self.inner.subscribe(self.name(account)) as messages:
            if self.fault == "repeats the past":
                await self.inner.publish(account, self.first or "the past")
            yield messages

    def name(self, account: str) -> str:
        """Return the channel of an account."""
        return "all" if self.fault == "reaches all" else account


class Recording(Faulty):
    """Records purchases wrongly."""

    async def intend(self, account: str, purchase: Purchase) -> Purchase:
        """Record an intent."""
        known: Purchase | None = await self.inner.get(account, purchase.key)
        if self.fault == "forgets a field":
            purchase = evolve(purchase, correlation_id=None)
        if self.fault == "is nobody's" and known is not None:
            return evolve(known, owner="")
        if self.fault == "keeps refused ones" and known is not None:
            return known
        if self.fault == "buys again" and known and known.state == "doubt":
            await self.inner.change(account, purchase, owner=known.owner)
            return purchase
        recorded: Purchase = await self.inner.intend(account, purchase)
        return recorded

    async def change(self, account: str, purchase: Purchase, *, owner: str) -> bool:
        """Replace a purchase."""
        known: Purchase | None = await self.inner.get(account, purchase.key)
        if self.fault == "is anybody's" and known is not None:
            owner = known.owner
        was_changed: bool = await self.inner.change(account, purchase, owner=owner)
        return was_changed

    async def list(self, account: str, states: Any = ()) -> AsyncIterator[Purchase]:
        """Iterate over purchases."""
        found = [one async for one in self.inner.list(account, states)]
        if self.fault == "lists the latest first":
            found.reverse()
        if self.fault == "lists all":
            found = [one async for one in self.inner.list(account)]
        for purchase in found:
            yield purchase


def sent(leases: list[Settled]) -> list[Settled]:
    """Count every request."""
    return [evolve(one, sent=True) for one in leases]


def unsent(leases: list[Settled]) -> list[Settled]:
    """Count no request."""
    return [evolve(one, sent=False) for one in leases]


def renamed(leases: list[Settled]) -> list[Settled]:
    """Count a settlement as one of another lease, except for the first."""
    return [evolve(one, ticket=next(NUMBERS)) for one in leases]


def aged(seconds: float | None) -> Callable[[list[Settled]], list[Settled]]:
    """Add to the age, or ignore it."""
    return lambda leases: [
        evolve(one, age=0.0 if seconds is None else one.age + seconds) for one in leases
    ]


def new_names(tickets: list[str]) -> list[str]:
    """Register leases as new ones."""
    return [next(NUMBERS) for _ in tickets]


MUTANTS: list[tuple[str, str, Callable[[Any], Any], str]] = [
    ("quota", "two_processes_share_one_limit", lambda q: Asking(q, limit=lambda n: n + 1), "more"),
    ("quota", "two_processes_share_one_limit", lambda q: Asking(q, limit=lambda n: n - 1), "left"),
    ("quota", "two_processes_share_one_limit", lambda q: Answering(q, Grant, ticket="t"), "same"),
    ("quota", "accounts_do_not_share", lambda q: Asking(q, account=lambda _: "all"), "uses up"),
    ("quota", "that_was_not_sent", lambda q: Settling(q, sent), "stays leased"),
    ("quota", "counts_for_one_window", lambda q: Settling(q, lambda _: []), "after its window"),
    ("quota", "counts_for_one_window", lambda q: Settling(q, unsent), "before its window"),
    ("quota", "counts_for_one_window", lambda q: Settling(q, aged(2.0)), "before its window"),
    ("quota", "never_settled_ends", lambda q: Asking(q, lease=lambda _: 0.0), "ended before"),
    ("quota", "never_settled_ends", lambda q: Asking(q, lease=lambda _: 60.0), "not free after"),
    ("quota", "the_lease_is_the_one", lambda q: Asking(q, lease=lambda _: 1.0), "a long lease"),
    ("quota", "counts_from_its_time", lambda q: Settling(q, aged(None)), "not taken off"),
    ("quota", "counts_from_its_time", lambda q: Settling(q, aged(3.5)), "before `per - age`"),
    ("quota", "an_old_settlement", lambda q: Settling(q, aged(None)), "window has passed"),
    ("quota", "an_unknown_lease", ForgettingUnknown, "not counted"),
    ("quota", "that_has_run_out_counts", lambda q: Settling(q, unsent), "not counted"),
    ("quota", "frees_nobody_elses", WithoutTickets, "another process's slot"),
    ("quota", "repeated_counts_once", lambda q: Settling(q, renamed), "counts twice"),
    ("quota", "repeated_counts_once", lambda q: Settling(q, unsent), "not at all"),
    ("quota", "are_settled_together", lambda q: Settling(q, lambda s: s[:1]), "slots are free"),
    ("quota", "registered_leases_count", lambda q: Registering(q, lambda _: []), "not counted"),
    ("quota", "registered_leases_count", lambda q: Registering(q, new_names), "counts twice"),
    ("quota", "known_is_not_registered_again", lambda q: Registering(q, new_names), "twice"),
    ("quota", "a_registered_lease_ends", lambda q: Registering(q, lease=9999.0), "not free"),
    ("quota", "a_pause_stops_all", PausingItself, "during a pause"),
    ("quota", "a_pause_stops_all", LastPause, "during a pause"),
    ("quota", "a_pause_stops_all", lambda q: Answering(q, Wait, paused=0.0), "does not say so"),
    ("quota", "a_pause_stops_all", lambda q: Answering(q, Wait, seconds=0.1), "shorter"),
    ("quota", "a_pause_stops_all", lambda q: Answering(q, Wait, paused=99.0), "longer"),
    ("quota", "a_pause_concerns_one", PausingAll, "stops another"),
    ("quota", "reserved_slots_stay", lambda q: Asking(q, reserve=lambda _: 0), "full reserve"),
    ("quota", "reserved_slots_stay", lambda q: Asking(q, reserve=lambda n: n // 5 * 5), "reserved"),
    ("quota", "the_strictest_limit", HighestLimit, "more than the lowest"),
    ("quota", "peers_are", lambda q: Answering(q, Grant, peers=1), "`peers` is 1"),
    ("quota", "peers_are", lambda q: Answering(q, Wait, peers=1), "that waits"),
    ("quota", "peers_are", lambda q: Asking(q, per=lambda _: 9999.0), "no longer asks"),
    ("quota", "free_counts", lambda q: Answering(q, Grant, free=5), "should be 4, 2"),
    ("quota", "free_counts", lambda q: Answering(q, Wait, free=0), "should be 4, 2"),
    ("quota", "a_wait_says_when", lambda q: Answering(q, Wait, seconds=0.0), "at once"),
    ("quota", "a_wait_says_when", lambda q: Answering(q, Wait, seconds=99.0), "later than"),
    ("quota", "a_wait_says_when", lambda q: Answering(q, Wait, seconds=0.1), "in 5 asks"),
    ("quota", "have_one_epoch", lambda q: Answering(q, Grant, epoch="new"), "epoch changed"),
    ("quota", "a_lost_state_has_a_new_epoch", Broken, "the epoch is the same"),
    ("quota", "a_cancelled_acquire", HalfLeased, "longer than its lease"),
    ("quota", "a_cancelled_settlement", lambda q: Settling(q, renamed), "counts twice"),
    ("quota", "a_cancelled_settlement", lambda q: Settling(q, unsent), "freed its slot"),
    ("token", "a_token_is_shared", lambda t: Tokens(t, "is forgotten"), "not loaded"),
    ("token", "a_token_is_shared", lambda t: Tokens(t, "is never old"), "longer than was saved"),
    ("token", "seconds_of_a_token_run_down", lambda t: Tokens(t, "stands still"), "run down"),
    ("token", "a_newer_token_replaces", lambda t: Tokens(t, "is the first"), "older token"),
    ("token", "an_expired_token", lambda t: Tokens(t, "is never old"), "expired token"),
    ("token", "a_refused_token", lambda t: Tokens(t, "is discarded by any"), "newer token"),
    ("token", "a_refused_token", lambda t: Tokens(t, "is never discarded"), "still loaded"),
    ("token", "one_process_renews", lambda t: Locks(t, "is given to all"), "10 of 10"),
    ("token", "a_lock_ends", lambda t: Locks(t, "is given to all"), "second process"),
    ("token", "a_lock_ends", lambda t: Locks(t, "never ends"), "does not end"),
    ("token", "a_lock_is_prolonged", lambda t: Locks(t, "is not prolonged"), "has ended"),
    ("token", "a_lock_is_prolonged", lambda t: Locks(t, "is refused to its owner"), "cannot"),
    ("token", "only_its_owner_unlocks", lambda t: Locks(t, "is anybody's"), "ended the lock"),
    ("token", "only_its_owner_unlocks", lambda t: Locks(t, "is never given back"), "stays"),
    ("token", "lock_and_the_token_are", lambda t: Tokens(t, "unlocks"), "unlocks"),
    ("token", "a_cancelled_lock", lambda t: Locks(t, "never ends"), "longer than its `ttl`"),
    ("replay", "an_event_is_claimed_once", LooksFirst, "10 of 10"),
    ("replay", "handled_is_done", lambda r: Claims(r, "ignores done"), "claimed again"),
    ("replay", "handled_is_done", lambda r: Claims(r, "is seen early"), "only claimed"),
    ("replay", "is_done_whoever", lambda r: Claims(r, "needs a claim"), "without a claim"),
    ("replay", "owner_releases", lambda r: Claims(r, "is released by anybody"), "another process"),
    ("replay", "owner_releases", lambda r: Claims(r, "is never released"), "stays"),
    ("replay", "a_claim_ends", lambda r: Claims(r, "never ends"), "does not end"),
    ("replay", "a_claim_ends", lambda r: Claims(r, "ends early"), "ended before"),
    ("replay", "a_claim_ends", lambda r: Claims(r, "is released by anybody"), "of another"),
    ("replay", "a_claim_is_prolonged", lambda r: Claims(r, "is not prolonged"), "has ended"),
    ("replay", "done_for_a_time", lambda r: Claims(r, "is done for ever"), "longer"),
    ("replay", "a_cancelled_claim", lambda r: Claims(r, "never ends"), "longer than its `ttl`"),
    ("spend", "processes_share_a_limit", lambda s: Spending(s, "has no limit"), "where the limit"),
    ("spend", "or_in_none", lambda s: Spending(s, "counts in part"), "counts in another"),
    ("spend", "counts_in_both", lambda s: Spending(s, "counts in one"), "beyond a limit"),
    ("spend", "a_charge_counts_once", lambda s: Spending(s, "counts an id again"), "is refused"),
    ("spend", "is_given_back", lambda s: Spending(s, "gives nothing back"), "counts it still"),
    ("spend", "a_period_ends", lambda s: Spending(s, "has no limit"), "less than `per`"),
    ("spend", "a_period_ends", lambda s: Spending(s, "forgets periods"), "has room again"),
    ("spend", "different_periods", lambda s: Spending(s, "forgets periods"), "longer than `per`"),
    ("spend", "without_a_limit_is", lambda s: Spending(s, "forgets free calls"), "is not counted"),
    ("spend", "a_reset_forgets", lambda s: Spending(s, "resets nothing"), "does not forget"),
    ("spend", "a_cancelled_res", lambda s: Spending(s, "counts an id again"), "counts twice"),
    ("events", "reaches_all", lambda e: Messages(e, "cuts"), "gets other messages"),
    ("events", "only_later", lambda e: Messages(e, "repeats the past"), "old message"),
    (
        "events",
        "a_message_concerns",
        lambda e: Messages(e, "reaches all"),
        "another account",
    ),
    ("events", "a_subscription_can_be", lambda e: Messages(e, "repeats the past"), "another"),
    ("purchases", "intended_once", LooksFirst, "10 processes"),
    ("purchases", "every_field", lambda p: Recording(p, "forgets a field"), "correlation_id"),
    ("purchases", "a_refused_purchase", lambda p: Recording(p, "keeps refused ones"), "cannot be"),
    ("purchases", "a_refused_purchase", lambda p: Recording(p, "buys again"), "in the state doubt"),
    ("purchases", "only_its_owner_changes", lambda p: Recording(p, "is anybody's"), "a stranger"),
    ("purchases", "takes_a_purchase_over", lambda p: Recording(p, "is anybody's"), "10 processes"),
    ("purchases", "from_the_oldest", lambda p: Recording(p, "lists the latest first"), "oldest"),
    ("purchases", "from_the_oldest", lambda p: Recording(p, "lists all"), "keep to the states"),
    ("purchases", "a_cancelled_intent", lambda p: Recording(p, "is nobody's"), "to nobody"),
]
"""Broken stores: the kind, a part of the name of the test that fails, and of its message."""


@pytest.mark.parametrize(("kind", "test", "mutant", "rule"), MUTANTS, ids=itertools.count())
async def test_a_broken_store_fails(
    kind: str, test: str, mutant: Callable[[Any], Any], rule: str
) -> None:
    """Of the test that is named, and with a message that says what is broken."""
    memory = MemoryStores(clock=MemoryConformance.clock)

    class Tested(MemoryConformance):
        stores = Stores(**{kind: mutant(getattr(memory, kind))})

        async def lose(self) -> None:
            """Lose nothing."""

    (name,) = [one for one in dir(Tested) if re.search(f"^test_.*{test}", one)]
    with pytest.raises(AssertionError, match=re.escape(rule)):
        await getattr(Tested(), name)()


def test_no_two_rules_have_one_name() -> None:
    """Otherwise one of them would not run in `StoreConformance`."""
    names = [
        name for kind in StoreConformance.__bases__ for name in vars(kind) if name[:4] == "test"
    ]

    assert len(names) == len(set(names))
    assert {kind.__name__ for kind in StoreConformance.__bases__} < set(stores.__all__)


def test_every_rule_is_explained() -> None:
    """Each test has a docstring, also those that find their unit of time."""
    for name in dir(StoreConformance):
        if name.startswith("test_"):
            assert getattr(StoreConformance, name).__doc__, name


class Slow(MemoryConformance):
    """A machine on which much time passes before each look at the clock."""

    clock = Clock()
    stores = MemoryStores(clock=clock)
    units = (1.0, 10.0)
    pause = 5.0

    def now(self) -> float:
        """Let time pass."""
        self.clock.now += self.pause
        return self.clock.now


async def test_a_slow_machine_breaks_no_rule() -> None:
    """A test is repeated with longer times, and skipped if none is long enough."""
    await Slow().test_a_lease_that_is_never_settled_ends()
    Slow.pause = 100.0
    with pytest.raises(pytest.skip.Exception, match="too slow"):
        await Slow().test_a_lease_that_is_never_settled_ends()


async def test_what_stores_do_not_hold_is_skipped() -> None:
    """And a class that does not say how to open them says so."""

    class OnlyTokens(MemoryConformance):
        stores = Stores(token=MemoryStores().token)

    with pytest.raises(pytest.skip.Exception, match="do not hold"):
        await OnlyTokens().test_two_processes_share_one_limit()
    with pytest.raises(pytest.skip.Exception, match="`lose` is not overridden"):
        await MemoryConformance().test_a_lost_state_has_a_new_epoch()
    with pytest.raises(NotImplementedError, match="override `open`"):
        await StoreConformance().test_a_token_is_shared()
    with pytest.raises(ValueError, match="no quota store"):
        await to_thread.run_sync(lambda: check_quota_histories(OnlyTokens().open))


async def test_stores_with_a_clock_of_their_own_are_tested_in_real_time() -> None:
    """Without a clock to move, tests wait for a part of a second."""

    class Real(StoreConformance):
        stores = MemoryStores()

        @asynccontextmanager
        async def open(self) -> AsyncGenerator[Stores]:
            """Return the same stores each time."""
            yield self.stores

    await Real().test_a_lock_ends()


async def test_a_message_that_does_not_arrive_is_missed() -> None:
    """After some seconds, which the test shortens."""
    store = MemoryConformance()
    store.timeout = 0.01
    store.stores = Stores(events=Messages(MemoryStores().events, "loses all"))

    with pytest.raises(AssertionError, match="4 messages were published, and 0 arrived"):
        await store.test_a_message_reaches_all_processes()


HISTORIES: list[tuple[Callable[[Any], Any], str]] = [
    (lambda q: Asking(q, limit=lambda n: n + 1), "in use"),
    (lambda q: Asking(q, reserve=lambda _: 0), "reserved"),
    (lambda q: Asking(q, limit=lambda n: n - 1), "free slot was not granted"),
    (lambda q: Answering(q, Wait, seconds=0.0), "at once"),
    (lambda q: Settling(q, renamed), "not granted"),
    (lambda q: Registering(q, lambda _: []), "in use"),
    (PausingItself, "paused"),
]
"""Broken stores, and a part of the message of the failure."""


@pytest.fixture
def _no_shrinking() -> Generator[None]:
    """Stop Hypothesis at the first failure, because it takes seconds to find the shortest one."""
    usual = hypothesis.settings.get_current_profile_name()
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile("no shrinking", hypothesis.settings(), phases=phases)
    hypothesis.settings.load_profile("no shrinking")
    yield
    hypothesis.settings.load_profile(usual)


@pytest.mark.usefixtures("_no_shrinking")
@pytest.mark.parametrize(("mutant", "rule"), HISTORIES, ids=itertools.count())
def test_random_histories_find_broken_stores(mutant: Callable[[Any], Any], rule: str) -> None:
    """Within 300 histories."""
    loop = _Lossy(mutant)

    with pytest.raises(AssertionError, match=rule):
        check_quota_histories(loop.open, lose=loop.lose, advance=loop.sleep, max_examples=300)


class _Lossy(MemoryConformance):
    """Stores in memory that can lose all, with a rate limit that may be broken."""

    def __init__(self, mutant: Callable[[Any], Any]) -> None:
        self.stores = Stores(quota=mutant(Replaced()))

    async def lose(self) -> None:
        """Replace what holds the state."""
        quota: Any = self.stores.quota
        (quota if isinstance(quota, Replaced) else quota.inner).inner = fresh()


class Replaced(Broken):
    """A store whose inner one is replaced."""

    def __init__(self) -> None:
        super().__init__(fresh())


def fresh() -> Any:
    """Return a new rate limit in memory."""
    return MemoryStores(clock=MemoryConformance.clock).quota


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_random_histories_fit_a_store_that_loses_its_state(backend: str) -> None:
    """With a clock that moves, and without."""
    store = _Lossy(lambda quota: quota)

    check_quota_histories(store.open, lose=store.lose, advance=store.sleep, backend=backend)
    check_quota_histories(store.open, backend=backend, max_examples=10)


async def test_a_store_that_loses_its_state_has_a_new_epoch() -> None:
    """The suite accepts it."""
    await _Lossy(lambda quota: quota).test_a_lost_state_has_a_new_epoch()
