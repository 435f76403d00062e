"""The order in which waiting callers get slots."""

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async._rate_limit.queue import PRIORITIES, Waiter, WaitQueue


def _queue_of(*polls: int) -> tuple[WaitQueue, list[Waiter]]:
    """Return a queue of polls whose operations have had so many polls, and its waiters."""
    queue = WaitQueue()
    return queue, [queue.join("poll", float(number), one) for number, one in enumerate(polls)]


def test_polls_alternate_between_least_polled_and_longest_waiting() -> None:
    """The least polled operation goes first."""
    queue, waiters = _queue_of(9, 8, 7, 0, 1)

    order = [waiters.index(queue.pop()) for _ in range(5)]

    assert order == [3, 0, 4, 1, 2]
    assert not queue


def test_equal_polls_are_first_come_first_served() -> None:
    """Operations that began together are polled round by round."""
    queue, waiters = _queue_of(1, 1, 1, 1)

    assert [waiters.index(queue.pop()) for _ in range(4)] == [0, 1, 2, 3]


def test_a_waiter_that_left_is_skipped() -> None:
    """Wherever it was in the queue."""
    queue, waiters = _queue_of(5, 0, 4, 3)
    queue.leave(waiters[1])
    queue.leave(waiters[0])
    queue.leave(waiters[0])  # leaving twice changes nothing

    assert [waiters.index(queue.pop()) for _ in range(2)] == [3, 2]
    assert not queue


def test_waiters_that_left_take_no_memory() -> None:
    """Thousands that come and go do not pile up."""
    queue, left = WaitQueue(), list[weakref.ref[Waiter]]()
    queue.join("poll", 0.0, 0)

    def come_and_go(number: int) -> None:
        waiter = queue.join("poll", float(number), 100)
        queue.leave(waiter)
        left.append(weakref.ref(waiter))

    for number in range(1000):
        come_and_go(number)
    gc.collect()

    assert sum(reference() is not None for reference in left) < 10


@given(st.lists(st.tuples(st.sampled_from(PRIORITIES), st.integers(0, 5)), max_size=60))
def test_every_waiter_is_served_once(crowd: list[tuple[str, int]]) -> None:
    """Whatever the mix of priorities."""
    queue = WaitQueue()
    waiters = [
        queue.join(priority, float(number), polls)  # type: ignore[arg-type]
        for number, (priority, polls) in enumerate(crowd)
    ]

    served = [queue.pop() for _ in crowd]

    assert sorted(map(id, served)) == sorted(map(id, waiters))
    assert not queue


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_no_poll_waits_longer_than_twice_its_place(polls: list[int]) -> None:
    """However few polls the others had: every second slot goes to the longest waiting."""
    queue, waiters = _queue_of(*polls)

    served = [queue.pop() for _ in waiters]

    for place, waiter in enumerate(waiters):
        assert served.index(waiter) <= 2 * place + 1


@pytest.mark.parametrize("priority", PRIORITIES)
def test_the_queue_reports_its_lengths(priority: str) -> None:
    """How many callers wait, by priority."""
    queue = WaitQueue()
    queue.join(priority, 0.0)  # type: ignore[arg-type]

    assert queue.lengths() == dict.fromkeys(PRIORITIES, 0) | {priority: 1}
