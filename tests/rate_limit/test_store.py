"""A store shares the limit between processes: leases, settlements, pauses, priorities."""

import random
from typing import Any, Final

import anyio
import httpx
import pytest
from faults import SECRET, client
from rate_limiting import Server, shared_limiter, slot
from scripted_store import ScriptedStore

from sikoia_async import ClientStateError, ConfigurationError, Quota
from sikoia_async._rate_limit.shared import SharedRateLimiter
from sikoia_async.stores import Stores
from sikoia_async.stores.background import Background

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_HOPELESS: Final = 10_000.0
"""Virtual seconds after which a test that hangs fails."""
_SOON: Final = 0.05
"""Seconds in which a store is told of the end of a lease."""


def _limiter(store: ScriptedStore, limit: int = 5, per: float = 60.0) -> SharedRateLimiter:
    return shared_limiter(store, Quota(limit, per=per))


def _sikoia(quota: Quota, shared: Stores | None = None, **options: Any) -> Any:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=b"[]"))
    options = {"transport": transport, **options}
    return client("https://127.0.0.1:1", quota=quota, shared=shared, **options)


async def test_processes_share_a_limit() -> None:
    """Four of them stay within one limit, and use nearly all of it."""
    store, server = ScriptedStore(delay=0.004), Server(0.01)

    with anyio.fail_after(_HOPELESS):
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                limiter = _limiter(store, 20, 2.0)
                for _ in range(50):
                    tasks.start_soon(server.call, limiter)

    assert len(server.arrivals) == 200
    assert server.most_in_any(2.0) <= 20
    assert max(server.arrivals) - min(server.arrivals) < 9 * 2.0 / 0.95


async def test_a_slow_store_does_not_cost_the_quota() -> None:
    """One process uses it up, although the store is asked for one slot at a time."""
    store, server = ScriptedStore(delay=0.004), Server(0.001)

    with anyio.fail_after(_HOPELESS):
        async with anyio.create_task_group() as tasks:
            limiter = _limiter(store, 50, 3.0)
            for _ in range(500):
                tasks.start_soon(server.call, limiter)

    assert server.most_in_any(3.0) <= 50
    assert max(server.arrivals) - min(server.arrivals) < 9 * 3.0 / 0.95


@pytest.mark.parametrize("kind", ["quota", "shared", "both"])
async def test_a_client_takes_its_store_from_its_quota_or_from_shared(kind: str) -> None:
    """The quota's own takes precedence."""
    store, other = ScriptedStore(), ScriptedStore()
    quota = Quota(3, per=8, store=None if kind == "shared" else store)
    shared = Stores(quota=other if kind == "both" else store if kind == "shared" else None)
    sikoia = _sikoia(quota, shared)
    began = anyio.current_time()

    for _ in range(4):
        await sikoia.request("GET", "/v2/cases")

    assert anyio.current_time() - began == pytest.approx(8, abs=0.2)
    assert store.names.count("acquire") >= 4
    assert other.calls == []
    assert store.asks[0].account == sikoia.with_options()._api.context.account
    await sikoia.aclose()
    assert len(store.settled) == 4


@pytest.mark.parametrize(
    "store", ["redis://", 3, object(), ScriptedStore], ids=["URL", "int", "object", "class"]
)
def test_a_store_has_four_methods(store: Any) -> None:
    """Anything else is refused when the quota is created."""
    with pytest.raises(
        ConfigurationError,
        match=r"^Quota: store: expected a QuotaStore, with acquire, settle, register and pause$",
    ):
        Quota(200, store=store)


@pytest.mark.parametrize("peers", [0, -1, 2.5, "8", True])
def test_peers_is_a_whole_number(peers: Any) -> None:
    """The number of processes."""
    with pytest.raises(ConfigurationError, match="Quota: peers: expected a whole number"):
        Quota(peers=peers)


@pytest.mark.parametrize("on_failure", ["Closed", None, True, 3, []])
def test_on_failure_is_open_or_closed(on_failure: Any) -> None:
    """And nothing else."""
    with pytest.raises(ConfigurationError, match='Quota: on_failure: expected "open" or "closed"'):
        Quota(on_failure=on_failure)


def test_the_repr_of_a_quota_hides_its_store() -> None:
    """The store's own repr may contain a URL with a password."""

    class Telling(ScriptedStore):
        def __repr__(self) -> str:
            return SECRET

    assert SECRET not in repr(Quota(store=Telling()))


# Settlements


async def test_the_end_of_a_lease_reaches_the_store_soon() -> None:
    """Without another request, and several ends at once in one message."""
    store = ScriptedStore()
    limiter = _limiter(store)
    tickets = [await limiter.acquire() for _ in range(4)]

    limiter.settle(tickets[0], sent=True)
    await anyio.sleep(0.005)
    limiter.settle(tickets[1], sent=False)
    limiter.settle(tickets[2], sent=True)
    await anyio.sleep(_SOON)

    assert [(one.ticket, one.sent) for one in store.settled] == [
        (tickets[0], True),
        (tickets[1], False),
        (tickets[2], True),
    ]
    assert store.names.count("settle") == 1
    assert [one.age for one in store.settled] == pytest.approx([0.02, 0.015, 0.015], abs=0.001)


async def test_one_message_is_sent_at_a_time() -> None:
    """What ends while the store is told is told next."""
    store = ScriptedStore(delay=0.2)
    limiter = _limiter(store, 50)
    tickets = [await limiter.acquire() for _ in range(10)]

    for ticket in tickets:
        limiter.settle(ticket, sent=True)
        await anyio.sleep(0.05)
    await anyio.sleep(1)

    assert store.most_messages == 1
    assert [one.ticket for one in store.settled] == tickets
    assert store.names.count("settle") < 6


async def test_a_settlement_that_fails_is_sent_again() -> None:
    """In order, and with the seconds since then; a short failure is not an outage."""
    store = ScriptedStore()
    limiter = _limiter(store)
    tickets = [await limiter.acquire() for _ in range(3)]
    store.error = OSError(SECRET)
    limiter.settle(tickets[0], sent=True)
    await anyio.sleep(0.3)
    limiter.settle(tickets[1], sent=True)
    await anyio.sleep(0.1)
    store.error = None
    limiter.settle(tickets[2], sent=True)
    await anyio.sleep(1)

    assert [one.ticket for one in store.settled] == tickets
    assert store.settled[0].age > 0.4
    assert store.settled[0].age - store.settled[1].age == pytest.approx(0.3)
    assert limiter.left == 2


async def test_closing_tells_the_store_the_rest() -> None:
    """Nothing that has ended stays leased, and a store that hangs costs a second."""
    store = ScriptedStore()
    limiter = _limiter(store)
    for sent in (True, False):
        limiter.settle(await limiter.acquire(), sent=sent)
    began = anyio.current_time()
    await limiter.aclose()
    assert anyio.current_time() == began
    assert [one.sent for one in store.settled] == [True, False]

    limiter = _limiter(store)
    ticket = await limiter.acquire()
    store.hangs = True
    limiter.settle(ticket, sent=True)
    await limiter.aclose()
    assert anyio.current_time() - began == pytest.approx(1)


async def test_a_call_that_waits_is_refused_when_the_client_is_closed() -> None:
    """What the store grants it meanwhile is given back."""
    store, refused = ScriptedStore(), list[str]()
    limiter = _limiter(store, 2)
    await limiter.acquire()
    store.delay = 0.1

    async def call() -> None:
        with pytest.raises(ClientStateError, match=r"was closed .* nothing was sent"):
            await limiter.acquire()
        refused.append("call")

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(call)
        await anyio.sleep(0.05)
        await limiter.aclose()

    assert len(refused) == 5
    assert [one.sent for one in store.settled] == [False]
    with pytest.raises(ClientStateError):
        await limiter.acquire()


async def test_a_request_in_flight_when_the_client_is_closed_is_settled() -> None:
    """The stores are closed again after that."""

    class Closing(Stores):
        closed = 0

        async def aclose(self) -> None:
            self.closed += 1

    async def answer(_: httpx.Request) -> httpx.Response:
        await anyio.sleep(5)
        return httpx.Response(200, content=b"[]")

    store = ScriptedStore()
    shared = Closing(quota=store)
    sikoia = _sikoia(Quota(3), shared, transport=httpx.MockTransport(answer))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sikoia.request, "GET", "/v2/cases")
        await anyio.sleep(1)
        await sikoia.aclose()
        assert (store.settled, shared.closed) == ([], 1)
    await anyio.sleep(1)

    assert [one.sent for one in store.settled] == [True]
    assert shared.closed == 2


# Leases


async def test_a_lease_is_as_long_as_the_attempt_may_take() -> None:
    """An upload may have ten minutes; a call that has waited has less than its timeout."""
    store = ScriptedStore()
    limiter = _limiter(store, 2, 10.0)

    with anyio.fail_after(600):
        await limiter.acquire()
    for _ in range(2):  # the second one waits for a window
        with anyio.fail_after(30):
            limiter.settle(await limiter.acquire(), sent=True)
    with anyio.fail_after(_HOPELESS):
        await limiter.acquire("poll", lease=25)

    assert [ask.lease for ask in store.granted] == pytest.approx([600, 30, 20, 25], abs=0.2)


@pytest.mark.parametrize("seconds", [5, 60, 600])
async def test_a_client_leases_for_its_timeout(seconds: float) -> None:
    """Which is the time that an attempt has left."""
    store = ScriptedStore()
    sikoia = _sikoia(Quota(store=store), timeout=seconds)

    await sikoia.request("GET", "/v2/cases")

    assert store.asks[0].lease == pytest.approx(seconds, abs=0.1)


async def test_a_lease_is_long_enough_for_the_call_that_gets_it() -> None:
    """Also for one that overtook the one that was asked for."""
    store = ScriptedStore(delay=0.1)
    limiter = _limiter(store)
    granted: dict[str, float] = {}

    async def call(name: str, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            ticket = await limiter.acquire("background" if name == "short" else "interactive")
            granted[ticket] = seconds

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, "short", 10)
        await anyio.sleep(0.05)
        tasks.start_soon(call, "long", 600)

    lengths = {ticket: ask.lease for ticket, ask in zip(store.tickets, store.granted, strict=True)}
    assert all(lengths[ticket] > seconds - 1 for ticket, seconds in granted.items())
    assert sorted(granted.values()) == [10, 600]


# Priorities and pauses


async def test_background_calls_leave_a_tenth_to_interactive_calls_of_all_processes() -> None:
    """One process cannot see what the others have used, so the store keeps the reserve."""
    store, served = ScriptedStore(), list[str]()
    busy, idle = _limiter(store, 20), _limiter(store, 20)

    async def call(limiter: SharedRateLimiter) -> None:
        limiter.settle(await limiter.acquire("background"), sent=True)
        served.append("background")

    with anyio.move_on_after(50):
        async with anyio.create_task_group() as tasks:
            for _ in range(15):
                tasks.start_soon(call, busy)
                tasks.start_soon(call, idle)
            await anyio.sleep(45)
            began = anyio.current_time()
            async with slot(idle):
                served.append("interactive")
            assert anyio.current_time() == began

    assert served.count("background") == 18


async def test_an_interactive_call_finds_a_slot_beside_background_floods() -> None:
    """They spread evenly over a window, all processes together, and from the first one on."""
    store, chance, waits = ScriptedStore(delay=0.002), random.Random(1), list[float]()  # noqa: S311 - no secrets
    served = [0]

    async def flood(limiter: SharedRateLimiter) -> None:
        while True:
            async with slot(limiter, "background"):
                await anyio.sleep(chance.uniform(0, 0.1))
            served[0] += 1

    async def interactive(limiter: SharedRateLimiter) -> None:
        while True:
            await anyio.sleep(chance.uniform(0, 1.2))
            at = anyio.current_time()
            async with slot(limiter):
                waits.append(anyio.current_time() - at)

    with anyio.move_on_after(36):
        async with anyio.create_task_group() as tasks:
            for _ in range(7):
                busy = _limiter(store, 100, 6.0)
                for _ in range(20):
                    tasks.start_soon(flood, busy)
            web = _limiter(store, 100, 6.0)
            for _ in range(3):
                tasks.start_soon(interactive, web)

    assert len(waits) > 60
    # It is 0.03 s, and 1.2 s if each process takes free slots as fast as it can.
    assert max(waits) < 0.3
    assert served[0] + len(waits) > 6 * 100 * 0.85


async def test_background_work_beside_idle_processes_gets_faster() -> None:
    """It begins at its part of the rate, and has what the others leave it some windows later."""
    store, served = ScriptedStore(), list[float]()
    busy, *idle = (_limiter(store, 100, 60.0) for _ in range(8))

    async def flood() -> None:
        while True:
            async with slot(busy, "background"):
                served.append(anyio.current_time() - began)

    async def rare(limiter: SharedRateLimiter) -> None:
        while True:
            async with slot(limiter):
                await anyio.sleep(50)

    began = anyio.current_time()
    with anyio.move_on_after(600):
        async with anyio.create_task_group() as tasks:
            for limiter in idle:
                tasks.start_soon(rare, limiter)
            await anyio.sleep(1)
            tasks.start_soon(flood)

    per_window = [sum(at // 60 == window for at in served) for window in range(10)]
    assert 100 // 8 <= per_window[0] <= 30
    # 69 to 76, as if it had begun at the whole rate; the idle ones have 8 to 9.
    assert all(count >= 65 for count in per_window[2:]), per_window


async def test_a_poll_gets_a_slot_of_those_for_polls() -> None:
    """Although interactive calls of its process wait for slots, and for longer."""
    limiter = _limiter(ScriptedStore(), 40)

    async def flood() -> None:
        async with slot(limiter):
            pass

    async with slot(limiter, "poll"):
        pass  # from now on, slots are kept for polls
    began = anyio.current_time() + 1
    async with anyio.create_task_group() as tasks:
        for _ in range(60):
            tasks.start_soon(flood)
        await anyio.sleep(1)
        async with slot(limiter, "poll"):
            pass
        tasks.cancel_scope.cancel()

    # Two in 60 s; the calls wait for 60 s.
    assert 20 < anyio.current_time() - began < 40


async def test_a_429_pauses_all_processes() -> None:
    """The others learn it when they ask for their next slot."""
    store = ScriptedStore()
    refused, other = _limiter(store), _limiter(store)
    async with slot(other):
        pass
    began = anyio.current_time()

    assert refused.pause(20) == 20
    await anyio.sleep(_SOON)
    assert not other.is_paused()
    async with slot(other):
        pass

    assert anyio.current_time() - began == pytest.approx(20, abs=0.1)
    assert store.names.count("pause") == 1


async def test_a_pause_that_fails_is_told_again_with_what_is_left_of_it() -> None:
    """And not at all once it is over."""
    store = ScriptedStore()
    limiter = _limiter(store)
    store.error = OSError()
    limiter.pause(10)
    await anyio.sleep(0.4)
    store.error = None
    await anyio.sleep(1)

    assert store.pauses == pytest.approx([9.3], abs=0.4)
    store.error = OSError()
    limiter.pause(3)
    await anyio.sleep(20)
    store.error = None
    await anyio.sleep(20)
    assert len(store.pauses) == 1


async def test_a_longer_pause_that_begins_while_the_store_is_told() -> None:
    """It is told, too."""
    store = ScriptedStore(delay=0.1)
    limiter = _limiter(store)
    limiter.pause(5)
    await anyio.sleep(0.06)
    limiter.pause(30)
    await anyio.sleep(1)

    assert store.pauses == pytest.approx([5, 30], abs=0.2)


async def test_a_pause_that_begins_while_the_store_is_asked() -> None:
    """The slot that the store then grants is given back, and leased again after the pause."""
    store = ScriptedStore(delay=0.2)
    limiter = _limiter(store)
    began = anyio.current_time()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(limiter.acquire)
        await anyio.sleep(0.1)
        limiter.pause(10)
        await anyio.sleep(1)
        assert [one.sent for one in store.settled] == [False]

    assert anyio.current_time() - began == pytest.approx(10.3, abs=0.2)
    assert limiter.left == 4


# Cancellation


@pytest.mark.parametrize("delay", [0.0, 0.01])
async def test_cancellation_at_any_moment_leaves_no_lease(delay: float) -> None:
    """A question that was put is answered, and what it was granted is given back."""
    for step in range(40):
        store, served = ScriptedStore(delay=delay), list[str]()
        limiter, scope = _limiter(store, 1, 10.0), anyio.CancelScope()

        async def cancelled(
            limiter: SharedRateLimiter = limiter, scope: anyio.CancelScope = scope
        ) -> None:
            with scope:
                async with slot(limiter, sent=False):
                    await anyio.sleep_forever()

        async def heir(limiter: SharedRateLimiter = limiter, served: list[str] = served) -> None:
            async with slot(limiter, sent=False):
                served.append("heir")

        with anyio.fail_after(8):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cancelled)
                tasks.start_soon(heir)
                for _ in range(step):
                    await (anyio.sleep(0.002) if delay else anyio.lowlevel.checkpoint())
                scope.cancel()
        await anyio.sleep(1)

        assert served == ["heir"]
        assert store.in_use == 0
        assert limiter.left == 1


async def test_a_slow_store_keeps_the_order() -> None:
    """No call overtakes another while the store is asked or after it said to wait."""
    store, served = ScriptedStore(delay=0.1), list[int]()
    limiter = _limiter(store)

    async def call(number: int) -> None:
        await anyio.sleep(number / 10)
        async with slot(limiter):
            served.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(12):
            tasks.start_soon(call, number)

    assert served == list(range(12))


async def test_processes_with_equal_floods_get_equal_parts() -> None:
    """Which of them asks first when a slot is free is a matter of chance."""
    store, server = ScriptedStore(delay=0.002), Server(0.05)
    chance, counts = random.Random(1), [0] * 4  # noqa: S311 - no secrets

    async def flood(number: int) -> None:
        limiter = _limiter(store, 50, 3.0)

        async def call() -> None:
            await anyio.sleep(chance.uniform(0, 0.5))
            while True:
                await server.call(limiter)
                counts[number] += 1

        async with anyio.create_task_group() as calls:
            for _ in range(20):
                calls.start_soon(call)

    with anyio.move_on_after(24):
        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(flood, number)

    assert server.most_in_any(3.0) <= 50
    assert sum(counts) > 24 / 3 * 50 * 0.9
    assert max(counts) <= 1.5 * min(counts)


async def test_background_work_ends_with_the_client() -> None:
    """Closing the client leaves no task behind, in an outage neither."""
    background, store = Background(), ScriptedStore()
    limiter = shared_limiter(store, Quota(5), background)
    await limiter.acquire()
    store.error = OSError()
    limiter.pause(30)
    await anyio.sleep(5)
    assert background.busy

    await limiter.aclose()
    await background.aclose()

    assert not background.busy
