"""The circuit breaker: when it opens, when it tries the store again, and what it logs."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import anyio.lowlevel
import pytest
from faults import SECRET
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async import ConfigurationError
from sikoia_async.stores.breaker import CircuitBreaker, CircuitState, StoreUnavailable

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_TIMEOUT: Final = 1.0
_OPEN_FOR: Final = 5.0
_FOREIGN: Final = "the file is not ours"


class _Store:
    """Counts the operations that reach it, and fails while it is down."""

    def __init__(self) -> None:
        self.calls = 0
        self.is_down = False

    async def read(self) -> str:
        self.calls += 1
        await anyio.lowlevel.checkpoint()
        if self.is_down:
            raise OSError(SECRET)
        return "value"

    async def hang(self) -> str:
        self.calls += 1
        await anyio.sleep_forever()
        return ""


def _breaker(clock: Callable[[], float] | None = None) -> CircuitBreaker:
    return CircuitBreaker(
        "test store", clock=clock or anyio.current_time, timeout=_TIMEOUT, open_for=_OPEN_FOR
    )


def _state(breaker: CircuitBreaker) -> CircuitState:
    """Return the state afresh: type checkers take a property for a constant."""
    return breaker.state


async def _refuses(breaker: CircuitBreaker, operation: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(StoreUnavailable):
        await breaker.run(operation)


async def test_a_working_store_keeps_the_breaker_closed() -> None:
    """Results come back unchanged."""
    store, breaker = _Store(), _breaker()

    assert [await breaker.run(store.read) for _ in range(3)] == ["value"] * 3
    assert breaker.state == "closed"


@pytest.mark.parametrize("error", [OSError, KeyError, TimeoutError, ExceptionGroup])
async def test_any_exception_opens_the_breaker(error: type[Exception]) -> None:
    """The store is the user's code and may raise anything."""
    breaker = _breaker()

    async def fail() -> None:
        raise ExceptionGroup("", [OSError()]) if error is ExceptionGroup else error(SECRET)

    await _refuses(breaker, fail)

    assert breaker.state == "open"


async def test_an_operation_that_hangs_times_out() -> None:
    """The caller waits one time-out, and then the breaker is open."""
    store, breaker, began = _Store(), _breaker(), anyio.current_time()

    await _refuses(breaker, store.hang)
    await _refuses(breaker, store.hang)

    assert anyio.current_time() - began == pytest.approx(_TIMEOUT)
    assert store.calls == 1


async def test_an_operation_takes_a_share_of_the_callers_time_at_most() -> None:
    """A caller with a short deadline keeps most of it."""
    store = _Store()
    breaker = CircuitBreaker("test store", clock=anyio.current_time, deadline_share=0.25)
    began = anyio.current_time()

    with anyio.fail_after(2):
        await _refuses(breaker, store.hang)

    assert anyio.current_time() - began == pytest.approx(0.5)


async def test_cancellation_passes_through_and_counts_as_nothing() -> None:
    """While closed and during the trial: the next operation reaches the store."""
    store, breaker = _Store(), _breaker()

    with anyio.move_on_after(_TIMEOUT / 2) as closed:
        await breaker.run(store.hang)
    assert closed.cancelled_caught
    assert _state(breaker) == "closed"

    await _refuses(breaker, store.hang)
    await anyio.sleep(_OPEN_FOR)
    with anyio.move_on_after(_TIMEOUT / 2) as half_open:
        await breaker.run(store.hang)
    assert half_open.cancelled_caught
    assert _state(breaker) == "half-open"
    assert await breaker.run(store.read) == "value"
    assert breaker.state == "closed"


async def test_one_operation_at_a_time_is_the_trial() -> None:
    """The others are refused meanwhile, without waiting."""
    store, breaker, refused = _Store(), _breaker(), list[float]()
    await _refuses(breaker, store.hang)
    await anyio.sleep(_OPEN_FOR)
    began = anyio.current_time()

    async def slow() -> str:
        await anyio.sleep(_TIMEOUT / 2)
        return await store.read()

    async def other() -> None:
        await _refuses(breaker, store.read)
        refused.append(anyio.current_time())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(breaker.run, slow)
        await anyio.wait_all_tasks_blocked()
        for _ in range(3):
            tasks.start_soon(other)

    assert refused == [began] * 3
    assert store.calls == 2
    assert breaker.state == "closed"


async def test_a_late_success_does_not_close_the_breaker() -> None:
    """An operation that began before the failure says nothing about the store now."""
    store, breaker = _Store(), _breaker()

    async def slow() -> str:
        await anyio.sleep(_TIMEOUT / 2)
        return "late"

    async def start() -> None:
        assert await breaker.run(slow) == "late"

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(start)
        await anyio.wait_all_tasks_blocked()
        store.is_down = True
        await _refuses(breaker, store.read)

    assert breaker.state == "open"


async def test_an_outage_is_logged_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    """However many operations and trials fail in between; the store's own words stay out."""
    caplog.set_level(logging.DEBUG, "sikoia_async")
    store, breaker = _Store(), _breaker()
    store.is_down = True

    async def refused() -> None:
        await _refuses(breaker, store.read)

    for _ in range(4):
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(refused)
        await anyio.sleep(_OPEN_FOR)
    store.is_down = False
    await breaker.run(store.read)

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "the test store failed with OSError; not used until it recovers"),
        ("INFO", "the test store is available again"),
    ]


async def test_a_failure_outside_run_opens_the_breaker(caplog: pytest.LogCaptureFixture) -> None:
    """For stores with methods that do not wait."""
    store, breaker = _Store(), _breaker()

    breaker.record_failure(OSError(SECRET))
    await _refuses(breaker, store.read)

    assert store.calls == 0
    assert caplog.messages == ["the test store failed with OSError; not used until it recovers"]


class _Reference:
    """The rules of the breaker for one operation after the other, in the plainest form."""

    def __init__(self) -> None:
        self.open_until: float | None = None

    def step(self, now: float, *, succeeds: bool) -> bool:
        """Return whether the operation reaches the store."""
        if self.open_until is not None and now < self.open_until:
            return False
        self.open_until = None if succeeds else now + _OPEN_FOR
        return True


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, 4.9, 5.0, 7.0]), st.booleans()), max_size=30))
async def test_the_breaker_follows_its_rules(steps: list[tuple[float, bool]]) -> None:
    """Whatever the sequence of pauses, successes and failures."""
    now, store, reference = 0.0, _Store(), _Reference()
    breaker = _breaker(lambda: now)

    for pause, succeeds in steps:
        now += pause
        store.is_down = not succeeds
        reaches, before = reference.step(now, succeeds=succeeds), store.calls
        if reaches and succeeds:
            assert await breaker.run(store.read) == "value"
        else:
            await _refuses(breaker, store.read)

        assert store.calls - before == reaches
        assert breaker.state == ("closed" if reaches and succeeds else "open")


async def test_a_configuration_error_passes_through() -> None:
    """Such as a file that is not ours: it neither opens nor closes the breaker."""
    store, breaker = _Store(), _breaker()

    async def refuse() -> None:
        raise ConfigurationError(_FOREIGN)

    with pytest.raises(ConfigurationError, match=_FOREIGN):
        await breaker.run(refuse)
    assert _state(breaker) == "closed"

    await _refuses(breaker, store.hang)
    await anyio.sleep(_OPEN_FOR)
    with pytest.raises(ConfigurationError, match=_FOREIGN):
        await breaker.run(refuse)
    assert _state(breaker) == "half-open"
    assert await breaker.run(store.read) == "value"
