"""A store that several processes count in: it is heeded, and what it does wrong costs no call."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import anyio
import httpx
import pytest
from faults import SECRET, client
from hypothesis import given
from hypothesis import strategies as st
from paced import Server, pacer_of, slot

from sikoia_async import ConfigurationError, Quota
from sikoia_async._rate_limit.limiter import QuotaStore, RateLimiter

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_HOPELESS: Final = 10_000.0
"""Virtual seconds after which a test that hangs fails."""


class _Leases:
    """The leases of all processes, as a database would keep them; each of its answers is slow."""

    def __init__(self, way: float = 0.01) -> None:
        self.leases: dict[object, float] = {}
        """When each lease ends by itself."""
        self.way = way

    def free(self, limit: int) -> float:
        """Return 0 if there is a slot, or the seconds until there may be."""
        now = anyio.current_time()
        self.leases = {lease: end for lease, end in self.leases.items() if end > now}
        return 0.0 if len(self.leases) < limit else min(self.leases.values()) - now


class _Store:
    """What one process keeps of it: it holds back what it has to tell until it next asks."""

    def __init__(self, log: _Leases, longest_call: float = 5.0) -> None:
        self.asked = 0
        self._log = log
        self._longest_call = longest_call
        self._held: list[object] = []
        self._per = 0.0

    async def acquire(self, *, limit: int, per: float) -> float:
        self.asked += 1
        lease, self._per = object(), per
        await anyio.sleep(self._log.way)
        seconds = self._log.free(limit)
        if seconds:
            return seconds
        self._log.leases[lease] = anyio.current_time() + self._longest_call + per
        try:
            await anyio.sleep(self._log.way)
        except BaseException:
            del self._log.leases[lease]
            raise
        self._held.append(lease)
        return 0.0

    def settle(self) -> None:
        self._log.leases[self._held.pop(0)] = anyio.current_time() + self._per

    def abandon(self) -> None:
        del self._log.leases[self._held.pop(0)]


class _Moody(_Store):
    """Does what is planned for each question before it does its duty."""

    def __init__(self, log: _Leases, plan: Sequence[Any]) -> None:
        super().__init__(log)
        self._plan = list(plan)

    async def acquire(self, *, limit: int, per: float) -> float:
        mood = self._plan.pop(0) if self._plan else None
        if isinstance(mood, Exception):
            raise mood
        if mood is not None:
            self.asked += 1
            return mood  # type: ignore[no-any-return]
        return await super().acquire(limit=limit, per=per)


async def _serve(pacer: RateLimiter, calls: int, server: Server) -> None:
    with anyio.fail_after(_HOPELESS):
        async with anyio.create_task_group() as tasks:
            for _ in range(calls):
                tasks.start_soon(server.call, pacer)


async def test_processes_share_a_limit() -> None:
    """Four of them, each with the whole limit of its own: together they stay inside one."""
    log, server = _Leases(), Server(0.1)

    with anyio.fail_after(_HOPELESS):
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                pacer = pacer_of(20, 2.0, _Store(log))
                for _ in range(50):
                    tasks.start_soon(server.call, pacer)

    assert len(server.arrivals) == 200
    assert server.most_in_any(2.0) <= 20
    assert max(server.arrivals) - min(server.arrivals) < 9 * 2.5


async def test_a_store_comes_with_a_quota() -> None:
    """It is told the quota's numbers, and asked before each request that is sent."""
    store = _Store(_Leases())
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=b"[]"))
    sikoia = client("https://127.0.0.1:1", transport=transport, quota=Quota(3, per=8, store=store))
    began = anyio.current_time()

    for _ in range(4):
        await sikoia.request("GET", "/v2/cases")

    assert store.asked == 4
    assert anyio.current_time() - began == pytest.approx(8, abs=0.1)


@pytest.mark.parametrize(
    "store", ["redis://", 3, object(), _Leases()], ids=["text", "int", "", "log"]
)
def test_something_else_is_no_store(store: Any) -> None:
    """It is refused when it is written, and what it is, is not repeated."""
    with pytest.raises(ConfigurationError, match="store: expected a QuotaStore"):
        Quota(200, store=store)


def test_a_store_is_not_shown() -> None:
    """Its repr may have an address with a password in it."""

    class Telling(_Store):
        def __repr__(self) -> str:
            return SECRET

    assert SECRET not in repr(Quota(store=Telling(_Leases())))


_MOODS = [0.5, 0.001, 1e9, float("inf"), float("nan"), None, None, ValueError(SECRET), "0.2", b""]


@given(plan=st.lists(st.sampled_from(_MOODS), max_size=30), seed=st.integers(0, 9))
async def test_no_mood_of_a_store_costs_a_call(plan: list[Any], seed: int) -> None:
    """It says "wait" for nothing, for ever or in words, and fails: all are served in our limit."""
    pacer, server = pacer_of(5, 2.0, _Moody(_Leases(), plan)), Server(0.1, seed)

    await _serve(pacer, 20, server)
    await anyio.sleep(20)

    assert len(server.arrivals) == 20
    assert server.most_in_any(2.0) <= 5
    assert pacer.left == 5
    assert set(pacer.waiting.values()) == {0}


async def test_the_order_is_kept_when_a_store_hesitates() -> None:
    """Nobody overtakes while it thinks, nor after it said "wait" with slots free."""
    pacer, served = pacer_of(5, 2.0, _Moody(_Leases(0.1), [0.3, None, 0.2])), list[int]()

    async def call(number: int) -> None:
        await anyio.sleep(number / 10)
        async with slot(pacer):
            served.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(12):
            tasks.start_soon(call, number)

    assert served == list(range(12))


async def test_a_store_that_fails_is_let_be_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """Five seconds without it, one warning that keeps its secrets, and then it is asked again."""
    log = _Leases()
    store = _Moody(log, [OSError(SECRET)])
    pacer = pacer_of(100, 60.0, store)

    for _ in range(10):
        async with slot(pacer):
            await anyio.sleep(0.3)
    asked_before = store.asked
    await anyio.sleep(3)
    async with slot(pacer):
        pass

    assert asked_before == 0
    assert store.asked == 1
    assert len(log.leases) == 1
    assert [record.getMessage() for record in caplog.records] == [
        "the quota store failed to lease a slot; going on without it"
    ]


async def test_a_store_that_hangs_costs_a_second() -> None:
    """Once; those behind it in line go without it."""
    log = _Leases(way=1000)
    pacer = pacer_of(5, 60.0, _Store(log))
    began = anyio.current_time()

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(pacer.acquire)

    assert anyio.current_time() - began == pytest.approx(1)
    assert pacer.left == 0
    assert not log.leases


@pytest.mark.parametrize("sent", [False, True], ids=["abandon", "settle"])
async def test_a_store_that_takes_nothing_back(
    caplog: pytest.LogCaptureFixture, *, sent: bool
) -> None:
    """The call has its answer already; the store is let be, and our own count goes on."""

    class Stubborn(_Store):
        def settle(self) -> None:
            raise OSError(SECRET)

        abandon = settle

    store = Stubborn(_Leases())
    pacer = pacer_of(5, 60.0, store)

    for _ in range(3):
        async with slot(pacer, sent=sent):
            pass

    assert store.asked == 1
    assert pacer.left == (2 if sent else 5)
    assert SECRET not in caplog.text
    assert caplog.messages == ["the quota store failed to take a slot back; going on without it"]


async def test_slots_that_a_store_does_not_know_are_not_given_back_to_it() -> None:
    """What was leased while it was let be is our affair alone."""
    log = _Leases()
    pacer = pacer_of(5, 60.0, _Moody(log, [None, OSError()]))

    for _ in range(3):
        await pacer.acquire()
    assert len(log.leases) == 1
    for _ in range(2):
        pacer.settle(sent=False)
    assert len(log.leases) == 1
    pacer.settle(sent=False)

    assert not log.leases
    assert pacer.left == 5


async def test_a_pause_that_begins_while_a_store_is_asked() -> None:
    """The slot that it then grants is given back, and asked for again after the pause."""
    log = _Leases(way=0.2)
    store = _Store(log)
    pacer, held = pacer_of(5, 60.0, store), list[int]()
    began = anyio.current_time()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pacer.acquire)
        await anyio.sleep(0.3)
        pacer.pause(10)
        await anyio.sleep(1)
        held.append(len(log.leases))

    assert held == [0]
    assert store.asked == 2
    assert anyio.current_time() - began == pytest.approx(10.7, abs=0.01)
    assert pacer.left == 4


async def test_a_slot_given_back_while_a_store_is_asked_is_not_overlooked() -> None:
    """Its "wait a minute" was true when it was said; it is asked again at once."""
    log = _Leases(way=0.0)
    shared = pacer_of(2, 60.0, _Slow(_Store(log)))
    await shared.acquire()
    log.leases[object()] = anyio.current_time() + 60
    began = anyio.current_time()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shared.acquire)
        await anyio.sleep(0.3)
        shared.settle(sent=False)

    assert anyio.current_time() - began < 2


class _Slow:
    """Answers half a second after it has looked."""

    def __init__(self, store: QuotaStore) -> None:
        self._store = store
        self.settle: Callable[[], None] = store.settle
        self.abandon: Callable[[], None] = store.abandon

    async def acquire(self, *, limit: int, per: float) -> float:
        seconds = await self._store.acquire(limit=limit, per=per)
        await anyio.sleep(0.5)
        return seconds


async def test_cancelled_while_a_store_is_asked() -> None:
    """At each moment of it: no lease stays, and those behind are served."""
    for tenths in range(10):
        log, scope, served = _Leases(way=0.2), anyio.CancelScope(), list[str]()
        pacer = pacer_of(1, 10.0, _Store(log))

        async def cancelled(pacer: RateLimiter = pacer, scope: anyio.CancelScope = scope) -> None:
            with scope:
                async with slot(pacer, sent=False):
                    await anyio.sleep_forever()

        async def heir(pacer: RateLimiter = pacer, served: list[str] = served) -> None:
            async with slot(pacer, sent=False):
                served.append("heir")

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cancelled)
                await anyio.wait_all_tasks_blocked()
                tasks.start_soon(heir)
                await anyio.sleep(0.05 + tenths / 10)
                scope.cancel()

        assert served == ["heir"]
        assert not log.leases
        assert pacer.left == 1
