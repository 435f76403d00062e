"""The shared quota store limits several processes together, and its failures cost no call."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import anyio
import httpx
import pytest
from faults import SECRET, client
from hypothesis import given
from hypothesis import strategies as st
from rate_limiting import Server, limiter_of, slot

from sikoia_async import ConfigurationError, Quota
from sikoia_async._rate_limit.limiter import QuotaStore, RateLimiter

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_HOPELESS: Final = 10_000.0
"""Virtual seconds after which a test that hangs fails."""


class _Leases:
    """The leases of all processes, like a database that takes a while to respond."""

    def __init__(self, delay: float = 0.01) -> None:
        self.ends: dict[object, float] = {}
        """When each lease expires."""
        self.delay = delay

    def free(self, limit: int) -> float:
        """Return 0 if a slot is free, or the seconds until one may be."""
        now = anyio.current_time()
        self.ends = {lease: end for lease, end in self.ends.items() if end > now}
        return 0.0 if len(self.ends) < limit else min(self.ends.values()) - now


class _Store:
    """The store of one process."""

    def __init__(self, leases: _Leases, longest_call: float = 5.0) -> None:
        self.calls = 0
        self._leases = leases
        self._longest_call = longest_call
        self._held: list[object] = []
        self._per = 0.0

    async def acquire(self, *, limit: int, per: float) -> float:
        self.calls += 1
        lease, self._per = object(), per
        await anyio.sleep(self._leases.delay)
        seconds = self._leases.free(limit)
        if seconds:
            return seconds
        self._leases.ends[lease] = anyio.current_time() + self._longest_call + per
        try:
            await anyio.sleep(self._leases.delay)
        except BaseException:
            del self._leases.ends[lease]
            raise
        self._held.append(lease)
        return 0.0

    def settle(self) -> None:
        self._leases.ends[self._held.pop(0)] = anyio.current_time() + self._per

    def abandon(self) -> None:
        del self._leases.ends[self._held.pop(0)]


class _Scripted(_Store):
    """Returns or raises what is planned for each call; None stands for normal work."""

    def __init__(self, leases: _Leases, plan: Sequence[Any]) -> None:
        super().__init__(leases)
        self._plan = list(plan)

    async def acquire(self, *, limit: int, per: float) -> float:
        planned = self._plan.pop(0) if self._plan else None
        if isinstance(planned, Exception):
            raise planned
        if planned is not None:
            self.calls += 1
            return planned  # type: ignore[no-any-return]
        return await super().acquire(limit=limit, per=per)


async def _serve(limiter: RateLimiter, calls: int, server: Server) -> None:
    with anyio.fail_after(_HOPELESS):
        async with anyio.create_task_group() as tasks:
            for _ in range(calls):
                tasks.start_soon(server.call, limiter)


async def test_processes_share_a_limit() -> None:
    """Four of them stay within one limit."""
    leases, server = _Leases(), Server(0.1)

    with anyio.fail_after(_HOPELESS):
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                limiter = limiter_of(20, 2.0, _Store(leases))
                for _ in range(50):
                    tasks.start_soon(server.call, limiter)

    assert len(server.arrivals) == 200
    assert server.most_in_any(2.0) <= 20
    assert max(server.arrivals) - min(server.arrivals) < 9 * 2.5


async def test_a_quota_may_have_a_store() -> None:
    """It gets the quota's numbers, and is asked before each request."""
    store = _Store(_Leases())
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=b"[]"))
    sikoia = client("https://127.0.0.1:1", transport=transport, quota=Quota(3, per=8, store=store))
    began = anyio.current_time()

    for _ in range(4):
        await sikoia.request("GET", "/v2/cases")

    assert store.calls == 4
    assert anyio.current_time() - began == pytest.approx(8, abs=0.1)


@pytest.mark.parametrize(
    "store", ["redis://", 3, object(), _Leases()], ids=["URL", "int", "object", "leases"]
)
def test_a_store_has_three_methods(store: Any) -> None:
    """Anything else is refused when the quota is created."""
    with pytest.raises(ConfigurationError, match="store: expected a QuotaStore"):
        Quota(200, store=store)


def test_the_repr_of_a_quota_hides_its_store() -> None:
    """The store's own repr may contain a URL with a password."""

    class Telling(_Store):
        def __repr__(self) -> str:
            return SECRET

    assert SECRET not in repr(Quota(store=Telling(_Leases())))


_RESULTS = [0.5, 0.001, 1e9, float("inf"), float("nan"), None, None, ValueError(SECRET), "0.2", b""]


@given(plan=st.lists(st.sampled_from(_RESULTS), max_size=30), seed=st.integers(0, 9))
async def test_no_result_of_a_store_costs_a_call(plan: list[Any], seed: int) -> None:
    """Whatever it returns or raises, all calls are served within the local limit."""
    limiter, server = limiter_of(5, 2.0, _Scripted(_Leases(), plan)), Server(0.1, seed)

    await _serve(limiter, 20, server)
    await anyio.sleep(20)

    assert len(server.arrivals) == 20
    assert server.most_in_any(2.0) <= 5
    assert limiter.left == 5
    assert set(limiter.waiting.values()) == {0}


async def test_a_slow_store_keeps_the_order() -> None:
    """No call overtakes another while the store is asked or after it said to wait."""
    limiter, served = limiter_of(5, 2.0, _Scripted(_Leases(0.1), [0.3, None, 0.2])), list[int]()

    async def call(number: int) -> None:
        await anyio.sleep(number / 10)
        async with slot(limiter):
            served.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(12):
            tasks.start_soon(call, number)

    assert served == list(range(12))


async def test_a_failed_store_is_skipped_for_five_seconds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """There is one warning, without the store's own message; then the store is used again."""
    leases = _Leases()
    store = _Scripted(leases, [OSError(SECRET)])
    limiter = limiter_of(100, 60.0, store)

    for _ in range(10):
        async with slot(limiter):
            await anyio.sleep(0.3)
    calls_before = store.calls
    await anyio.sleep(3)
    async with slot(limiter):
        pass

    assert calls_before == 0
    assert store.calls == 1
    assert len(leases.ends) == 1
    assert caplog.messages == ["the quota store failed with OSError; not used until it recovers"]


async def test_a_store_that_hangs_delays_one_call_by_a_second() -> None:
    """The calls behind it do not wait for the store."""
    leases = _Leases(delay=1000)
    limiter = limiter_of(5, 60.0, _Store(leases))
    began = anyio.current_time()

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(limiter.acquire)

    assert anyio.current_time() - began == pytest.approx(1)
    assert limiter.left == 0
    assert not leases.ends


@pytest.mark.parametrize("sent", [False, True], ids=["abandon", "settle"])
async def test_a_store_that_cannot_settle_is_a_failed_store(
    caplog: pytest.LogCaptureFixture, *, sent: bool
) -> None:
    """The call has its response already; the local count continues without the store."""

    class Unsettled(_Store):
        def settle(self) -> None:
            raise OSError(SECRET)

        abandon = settle

    store = Unsettled(_Leases())
    limiter = limiter_of(5, 60.0, store)

    for _ in range(3):
        async with slot(limiter, sent=sent):
            pass

    assert store.calls == 1
    assert limiter.left == (2 if sent else 5)
    assert SECRET not in caplog.text
    assert caplog.messages == ["the quota store failed with OSError; not used until it recovers"]


async def test_slots_leased_during_an_outage_are_not_settled_with_the_store() -> None:
    """The store does not know them."""
    leases = _Leases()
    limiter = limiter_of(5, 60.0, _Scripted(leases, [None, OSError()]))

    for _ in range(3):
        await limiter.acquire()
    assert len(leases.ends) == 1
    for _ in range(2):
        limiter.settle(sent=False)
    assert len(leases.ends) == 1
    limiter.settle(sent=False)

    assert not leases.ends
    assert limiter.left == 5


async def test_a_pause_that_begins_while_the_store_is_asked() -> None:
    """The slot that the store then grants is given back, and leased again after the pause."""
    leases = _Leases(delay=0.2)
    store = _Store(leases)
    limiter, held = limiter_of(5, 60.0, store), list[int]()
    began = anyio.current_time()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(limiter.acquire)
        await anyio.sleep(0.3)
        limiter.pause(10)
        await anyio.sleep(1)
        held.append(len(leases.ends))

    assert held == [0]
    assert store.calls == 2
    assert anyio.current_time() - began == pytest.approx(10.7, abs=0.01)
    assert limiter.left == 4


async def test_a_slot_given_back_while_the_store_is_asked_is_noticed() -> None:
    """The store's reply is out of date by then, so the store is called again at once."""
    leases = _Leases(delay=0.0)
    shared = limiter_of(2, 60.0, _Slow(_Store(leases)))
    await shared.acquire()
    leases.ends[object()] = anyio.current_time() + 60
    began = anyio.current_time()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shared.acquire)
        await anyio.sleep(0.3)
        shared.settle(sent=False)

    assert anyio.current_time() - began < 2


class _Slow:
    """Responds half a second after reading the leases."""

    def __init__(self, store: QuotaStore) -> None:
        self._store = store
        self.settle: Callable[[], None] = store.settle
        self.abandon: Callable[[], None] = store.abandon

    async def acquire(self, *, limit: int, per: float) -> float:
        seconds = await self._store.acquire(limit=limit, per=per)
        await anyio.sleep(0.5)
        return seconds


async def test_cancellation_while_the_store_is_asked() -> None:
    """At any moment: no lease is left behind, and the next caller is served."""
    for tenths in range(10):
        leases, scope, served = _Leases(delay=0.2), anyio.CancelScope(), list[str]()
        limiter = limiter_of(1, 10.0, _Store(leases))

        async def cancelled(
            limiter: RateLimiter = limiter, scope: anyio.CancelScope = scope
        ) -> None:
            with scope:
                async with slot(limiter, sent=False):
                    await anyio.sleep_forever()

        async def heir(limiter: RateLimiter = limiter, served: list[str] = served) -> None:
            async with slot(limiter, sent=False):
                served.append("heir")

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cancelled)
                await anyio.wait_all_tasks_blocked()
                tasks.start_soon(heir)
                await anyio.sleep(0.05 + tenths / 10)
                scope.cancel()

        assert served == ["heir"]
        assert not leases.ends
        assert limiter.left == 1
