"""A store that fails: who waits, who goes on and within what, and what the store is told later."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

import anyio
import pytest
from faults import SECRET
from rate_limiting import Server, shared_limiter, slot
from scripted_store import ScriptedStore

from sikoia_async import ConfigurationError, Quota, QuotaStoreError
from sikoia_async._rate_limit.queue import Priority
from sikoia_async._rate_limit.shared import SharedRateLimiter
from sikoia_async.stores import Grant, Settled, Wait

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_WARNINGS: Final = (
    "the quota store {}; background calls wait for it, others use this process's part of the limit",
    "the quota store is available again",
)
_FAILED: Final = _WARNINGS[0].format("failed with OSError")
_SILENT: Final = _WARNINGS[0].format("timed out")


def _limiter(store: ScriptedStore, limit: int = 12, **options: Any) -> SharedRateLimiter:
    return shared_limiter(store, Quota(limit, **options))


async def _call(limiter: SharedRateLimiter, priority: Priority = "interactive") -> float:
    """Make a call that takes no time, and return how long it waited."""
    began = anyio.current_time()
    async with slot(limiter, priority):
        return anyio.current_time() - began


def _fail(store: ScriptedStore) -> None:
    store.error = OSError(SECRET)


def _hang(store: ScriptedStore) -> None:
    store.hangs = True


def _recover(store: ScriptedStore) -> None:
    store.error = None
    store.resume()


@pytest.mark.parametrize("begin", [_fail, _hang], ids=["fails", "hangs"])
async def test_interactive_calls_wait_a_second_once_and_then_go_on(
    begin: Callable[[ScriptedStore], None], caplog: pytest.LogCaptureFixture
) -> None:
    """And when the store is back, it knows all of their leases before it grants another one."""
    store = ScriptedStore()
    limiter = _limiter(store, peers=2)
    caplog.set_level(logging.WARNING, "sikoia_async")
    await _call(limiter)
    await anyio.sleep(0.1)
    begin(store)

    waits = [await _call(limiter) for _ in range(4)]
    ticket = await limiter.acquire()
    await anyio.sleep(3)
    _recover(store)
    await anyio.sleep(5)

    assert waits[0] == pytest.approx(1, abs=0.01)
    assert waits[1:] == [0.0] * 3
    assert ticket in store.registered
    assert store.in_use == 6
    assert store.names.index("register") < len(store.names) - 1
    assert await _call(limiter) == pytest.approx(0, abs=0.01)
    assert caplog.messages == [_FAILED if begin is _fail else _SILENT, _WARNINGS[1]]
    assert SECRET not in caplog.text


@pytest.mark.parametrize("priority", ["poll", "background"])
async def test_polls_and_background_calls_wait_for_the_store(priority: Priority) -> None:
    """However long, and while interactive calls overtake them."""
    store, served = ScriptedStore(), list[str]()
    limiter = _limiter(store, peers=2)
    _fail(store)

    async def call(name: Priority) -> None:
        await _call(limiter, name)
        served.append(name)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(call, priority)
        await anyio.sleep(100)
        assert served == []
        tasks.start_soon(call, "interactive")
        await anyio.sleep(0.01)
        assert served == ["interactive"]
        _recover(store)
        await anyio.sleep(20)  # they are spaced
        assert served == ["interactive", *[priority] * 3]


@pytest.mark.parametrize(
    ("peers", "seen", "share"), [(4, 1, 3), (None, 3, 4), (None, 1, 12), (5, 3, 2), (20, 1, 0)]
)
async def test_a_process_goes_on_within_its_part(peers: int | None, seen: int, share: int) -> None:
    """By `peers`, or by the processes that the store has last seen. What it had before counts."""
    store, served = ScriptedStore(), list[float]()
    limiter = _limiter(store, peers=peers)
    for _ in range(seen - 1):
        await _call(_limiter(store))
    await _call(limiter)
    await anyio.sleep(0.1)
    _fail(store)

    async def call() -> None:
        await _call(limiter)
        served.append(anyio.current_time())

    with anyio.move_on_after(50):
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(call)

    assert len(served) == max(0, share - 1)


async def test_what_others_have_used_is_left_to_them_for_a_window() -> None:
    """They may use it until the window has passed, and a second more: requests were in flight."""
    store, served = ScriptedStore(), list[float]()
    limiter, other = _limiter(store, peers=2), _limiter(store)
    for _ in range(7):
        await _call(other)
    await _call(limiter)  # 4 slots are left: this process may use 2 of them
    began = anyio.current_time()
    _fail(store)

    async def call() -> None:
        await _call(limiter)
        served.append(anyio.current_time() - began)

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(call)

    assert served == pytest.approx([1, 1, 60, 61, 61, 61], abs=0.05)


async def test_a_process_does_not_know_what_others_used_since_it_last_asked() -> None:
    """All together then exceed the limit by its part at most, in one window."""
    store, served = ScriptedStore(), list[str]()
    first, second = _limiter(store, peers=2), _limiter(store, peers=2)
    await _call(first)
    for _ in range(11):
        await _call(second)
    _fail(store)

    async def call(limiter: SharedRateLimiter, name: str) -> None:
        await _call(limiter)
        served.append(name)

    with anyio.move_on_after(50):
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(call, first, "first")
                tasks.start_soon(call, second, "second")

    assert served == ["first"] * 5


@pytest.mark.parametrize("free", [None, 100])
async def test_a_store_that_does_not_say_what_is_free(free: int | None) -> None:
    """A process then has its part of the limit, and never more."""
    store, server = ScriptedStore(), Server(0.1)
    store.replies = [Grant(ticket="1", peers=2, free=free)]
    limiter = _limiter(store, peers=2)
    await server.call(limiter)
    _fail(store)
    with anyio.move_on_after(30):
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(server.call, limiter)

    assert len(server.arrivals) == 6


async def test_a_part_is_used_anew_in_each_window() -> None:
    """And never more than the part in any window."""
    store, server = ScriptedStore(), Server(0.1)
    limiter = _limiter(store, peers=3, per=5.0)
    _hang(store)

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(server.call, limiter)

    assert server.most_in_any(5.0) == 4


@pytest.mark.parametrize(("limit", "part"), [(24, 3), (5, 1)])
async def test_a_process_that_never_reached_the_store_has_a_small_part(
    limit: int, part: int
) -> None:
    """It does not know how many others there are: as if there were eight."""
    store, server = ScriptedStore(), Server(0.1)
    limiter = _limiter(store, limit, per=5.0)
    _fail(store)

    async with anyio.create_task_group() as tasks:
        for _ in range(3 * part):
            tasks.start_soon(server.call, limiter)

    assert server.most_in_any(5.0) == part


async def test_a_process_keeps_to_its_part_until_others_have_noticed_that_the_store_is_back() -> (
    None
):
    """They have leases that the store does not know yet, and have not asked for a while."""
    store, server = ScriptedStore(), Server(0.1)
    limiter = _limiter(store, per=5.0)
    await _call(_limiter(store))
    await _call(limiter)
    await anyio.sleep(6)
    _fail(store)
    await _call(limiter)
    _recover(store)

    async with anyio.create_task_group() as tasks:
        for _ in range(11):
            tasks.start_soon(server.call, limiter)
        await anyio.sleep(2)
        assert server.most_in_any(5.0) == 5
        await anyio.sleep(2.9)
        assert server.most_in_any(5.0) > 6


async def test_a_process_keeps_to_its_part_for_a_window_after_the_state_was_lost() -> None:
    """Others that are awake register their leases meanwhile."""
    store, server = ScriptedStore(), Server(0.1)
    limiter = _limiter(store, per=5.0)
    await _call(_limiter(store))
    await _call(limiter)
    store.lose()

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(server.call, limiter)
        await anyio.sleep(4.5)
        assert server.most_in_any(5.0) == 5
    await anyio.sleep(6)
    async with anyio.create_task_group() as tasks:
        for _ in range(12):
            tasks.start_soon(server.call, limiter)
    assert server.most_in_any(5.0) > 6


async def test_closed_refuses_interactive_calls() -> None:
    """All that wait, after a second; and later ones at once. The others wait."""
    store, refused, served = ScriptedStore(), list[float](), list[str]()
    limiter = _limiter(store, on_failure="closed")
    _fail(store)

    async def call() -> None:
        with pytest.raises(QuotaStoreError, match="on_failure='closed'"):
            await limiter.acquire()
        refused.append(anyio.current_time())

    async def background() -> None:
        await _call(limiter, "background")
        served.append("background")

    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(background)
        for _ in range(3):
            tasks.start_soon(call)
        await anyio.sleep(2)
        tasks.start_soon(call)
        await anyio.sleep(2)
        assert served == []
        _recover(store)

    assert [at - began for at in refused] == pytest.approx([1, 1, 1, 2], abs=0.01)
    assert served == ["background"]
    assert await _call(limiter) == pytest.approx(0, abs=0.01)
    assert limiter.left == 10
    assert set(limiter.waiting.values()) == {0}


@pytest.mark.parametrize("priority", ["interactive", "background"])
async def test_a_short_failure_costs_nothing_but_a_moment(
    priority: Priority, caplog: pytest.LogCaptureFixture
) -> None:
    """The store is retried: one process that goes on alone would exceed the limit."""
    store = ScriptedStore()
    limiter = _limiter(store)
    store.replies = [OSError(SECRET), TimeoutError(), OSError(SECRET)]

    waited = await _call(limiter, priority)
    await anyio.sleep(1)

    assert 0 < waited < 0.5
    assert store.registered == []
    assert len(store.granted) == 1
    assert caplog.messages == []


async def test_a_caller_with_little_time_spends_a_quarter_of_it() -> None:
    """That is not an outage yet for others."""
    store = ScriptedStore()
    limiter = _limiter(store)
    _hang(store)

    with anyio.fail_after(0.8):
        assert await _call(limiter) == pytest.approx(0.2, abs=0.01)
    _recover(store)
    await anyio.sleep(1)

    assert await _call(limiter, "background") == pytest.approx(0, abs=0.05)
    assert store.in_use == 2


async def test_what_is_granted_too_late_is_given_back() -> None:
    """A server that was frozen answers everything that it was asked."""
    store = ScriptedStore()
    limiter = _limiter(store, peers=1)
    _hang(store)
    for _ in range(3):
        await _call(limiter)
    await anyio.sleep(3)
    _recover(store)
    await anyio.sleep(5)

    assert store.in_use == 3


_ODD_REPLIES: Final = [
    None,
    0.0,
    "0.2",
    Grant,
    Wait(seconds=float("nan")),
    Wait(seconds=1, paused=float("nan")),
    Wait(seconds="soon"),  # type: ignore[arg-type]
    Grant(ticket="1", peers=None),  # type: ignore[arg-type]
    Grant(ticket="1", free="some"),  # type: ignore[arg-type]
    ExceptionGroup("", [ValueError()]),
]


@pytest.mark.parametrize("reply", _ODD_REPLIES, ids=str)
async def test_a_reply_that_makes_no_sense_is_a_failure(reply: Any) -> None:
    """The store is retried."""
    store = ScriptedStore()
    store.replies = [reply]

    assert 0 < await _call(_limiter(store)) < 0.1
    assert len(store.granted) == 1


@pytest.mark.parametrize("seconds", [-5, 0, 1e9, float("inf")])
async def test_a_wait_of_any_length_is_looked_at_again(seconds: float) -> None:
    """Many times in a window, because a slot may be given back."""
    store = ScriptedStore()
    store.replies = [Wait(seconds=seconds)] * 20

    assert await _call(_limiter(store)) <= 20 * 0.5


async def test_a_pause_of_any_length_ends() -> None:
    """A process learns of one from a store, and of no longer one than it would make itself."""
    store = ScriptedStore()
    store.replies = [Wait(seconds=1, paused=1e9)]

    assert await _call(_limiter(store)) == pytest.approx(120, abs=0.1)


# A state that was lost


async def test_a_store_that_has_lost_its_state_is_told_everything() -> None:
    """Leases in progress, and what was used in the last window, before the next grant."""
    store = ScriptedStore()
    limiter = _limiter(store, 6, per=60.0)
    held = [await limiter.acquire() for _ in range(2)]
    for _ in range(2):
        await _call(limiter)
    await anyio.sleep(10)
    store.lose()
    store.settled.clear()

    with anyio.fail_after(100):
        await _call(limiter)

    assert sorted(store.registered) == sorted(held)
    await anyio.sleep(0.1)
    assert store.in_use == 5
    told = [one for one in store.settled if one.sent and one.age > 5]
    assert [one.age for one in told] == pytest.approx([10, 10], abs=0.2)
    assert 49 < store.register_lease <= 50


async def test_what_was_used_longer_ago_is_not_told() -> None:
    """It is free anyway."""
    store = ScriptedStore()
    limiter = _limiter(store, 6, per=10.0)
    await _call(limiter)
    await anyio.sleep(11)
    store.lose()
    store.settled.clear()
    await _call(limiter)
    await anyio.sleep(1)

    assert [one.sent for one in store.settled] == [False, True]


async def test_a_store_that_says_wait_after_it_has_lost_its_state() -> None:
    """That it has lost it is noticed, too."""
    store = ScriptedStore()
    limiter = _limiter(store)
    ticket = await limiter.acquire()
    store.replies = [Wait(seconds=1, epoch="another")]
    with anyio.move_on_after(0.2):
        await limiter.acquire()
    await anyio.sleep(0.1)

    assert store.registered[:1] == [ticket]


@pytest.mark.parametrize("is_empty", [False, True], ids=["kept", "lost"])
async def test_on_return_leases_are_registered_before_the_first_grant(*, is_empty: bool) -> None:
    """Those that were made without the store, or all if it came back empty."""
    store = ScriptedStore()
    limiter = _limiter(store, peers=2)
    known = await limiter.acquire()
    _fail(store)
    unknown = [await limiter.acquire() for _ in range(2)]
    await _call(limiter)
    await anyio.sleep(5)
    if is_empty:
        store.lose()
    calls = len(store.calls)
    _recover(store)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_call, limiter, "background")
        await anyio.sleep(4)

    assert set(unknown) <= set(store.registered)
    assert (known in store.registered) == is_empty
    names = store.names[calls:]
    assert names.index("register") < names.index("acquire")
    assert store.in_use == 5
    for ticket in [known, *unknown]:
        limiter.settle(ticket, sent=False)
    await anyio.sleep(1)
    assert store.in_use == 2


async def test_a_lease_that_ends_while_it_is_registered() -> None:
    """Its end is told next."""
    store = ScriptedStore()
    limiter = _limiter(store)
    _fail(store)
    ticket = await limiter.acquire()
    await anyio.sleep(1)
    store.delay = 0.5
    store.calls.clear()
    _recover(store)
    with anyio.fail_after(5):
        while store.names[-1:] != ["register"]:  # noqa: ASYNC110 - a test of this moment
            await anyio.sleep(0.01)
    limiter.settle(ticket, sent=False)
    await anyio.sleep(10)

    assert store.in_use == 0
    assert store.registered == [ticket]
    assert store.settled[:1] == [Settled(ticket, sent=False, age=store.settled[0].age)]


async def test_no_slot_is_asked_for_while_a_lease_is_unknown() -> None:
    """Also not by a call that comes before the store was told."""
    store = ScriptedStore()
    limiter = _limiter(store)
    _hang(store)
    with anyio.move_on_after(0.1):
        await limiter.acquire()
    assert store.names == ["acquire"]
    store.delay = 0.2
    _recover(store)
    await _call(limiter, "background")

    names = store.names[1:]
    assert names.index("register") < names.index("acquire")


async def test_a_long_outage_does_not_fill_the_memory() -> None:
    """Leases that ended a window ago and that the store never knew are forgotten."""
    store = ScriptedStore()
    limiter = _limiter(store, 5, per=1.0)
    await _call(limiter)
    _fail(store)
    for _ in range(100):
        await _call(limiter)
    await anyio.sleep(10)
    _recover(store)
    await anyio.sleep(3)

    assert len([one for one in store.settled if one.sent]) <= 12


async def test_a_settlement_that_fails_for_a_second_is_an_outage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without a single call that waits for the store."""
    store = ScriptedStore()
    limiter = _limiter(store, peers=2)
    ticket = await limiter.acquire()
    _fail(store)
    limiter.settle(ticket, sent=True)
    await anyio.sleep(4)
    assert caplog.messages == [_FAILED]
    _recover(store)
    await anyio.sleep(3)

    assert caplog.messages == [_FAILED, _WARNINGS[1]]
    assert [one.ticket for one in store.settled] == [ticket]


async def test_an_outage_that_begins_while_a_call_asks() -> None:
    """It ends the patience of the call, too."""
    store = ScriptedStore()
    limiter = _limiter(store, peers=2)
    ticket = await limiter.acquire()
    _fail(store)
    limiter.settle(ticket, sent=True)
    await anyio.sleep(0.8)

    assert await _call(limiter) < 0.8


async def test_a_call_that_was_not_sent_during_an_outage_leaves_no_trace() -> None:
    """The store is not told of a lease that it never knew and that has no effect."""
    store = ScriptedStore()
    limiter = _limiter(store, peers=2)
    _fail(store)
    async with slot(limiter, sent=False):
        pass
    _recover(store)
    await anyio.sleep(3)

    assert store.registered == []
    assert [one.sent for one in store.settled] == [False]  # of the look whether it is back
    assert store.in_use == 0


# Configuration errors


async def test_a_configuration_error_reaches_the_caller() -> None:
    """Such as a file that is not ours; it is not an outage."""
    store = ScriptedStore()
    limiter = _limiter(store)
    store.error = ConfigurationError("not ours")

    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"^not ours$"):
            await limiter.acquire()

    store.error = None
    assert await _call(limiter) == pytest.approx(0, abs=0.01)


async def _during_a_settlement(store: ScriptedStore, limiter: SharedRateLimiter) -> None:
    ticket = await limiter.acquire()
    store.error = ConfigurationError("closed")
    limiter.settle(ticket, sent=True)
    await anyio.sleep(0.1)


async def _during_an_outage(store: ScriptedStore, limiter: SharedRateLimiter) -> None:
    _fail(store)
    await _call(limiter)
    store.error = ConfigurationError("closed")
    await anyio.sleep(5)


@pytest.mark.parametrize("begin", [_during_a_settlement, _during_an_outage])
async def test_a_configuration_error_in_the_background_reaches_the_next_caller(
    begin: Callable[[ScriptedStore, SharedRateLimiter], Coroutine[Any, Any, None]],
) -> None:
    """Then the store may be mended."""
    store = ScriptedStore()
    limiter = _limiter(store)
    await begin(store, limiter)

    with pytest.raises(ConfigurationError, match=r"^closed$"):
        await limiter.acquire()
    store.error = None
    await anyio.sleep(1)
    await _call(limiter)
    await anyio.sleep(1)
    assert store.in_use == 2
