"""The order in which those who wait have their turns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async._rate_limit.queue import PRIORITIES, Waiter, WaitQueue


def _polls(*asked: int) -> tuple[WaitQueue, list[Waiter]]:
    """Return a line of polls whose operations were asked so often."""
    line = WaitQueue()
    return line, [line.join("poll", float(number), one) for number, one in enumerate(asked)]


def test_polls_have_their_turn_by_age_and_by_youth() -> None:
    """By turns the one asked least often, and the one that waits longest."""
    line, waiters = _polls(9, 8, 7, 0, 1)

    order = [waiters.index(line.pop()) for _ in range(5)]

    assert order == [3, 0, 4, 1, 2]
    assert not line


def test_equally_young_polls_go_first_come_first_served() -> None:
    """A batch that began at one moment is asked round by round."""
    line, waiters = _polls(1, 1, 1, 1)

    assert [waiters.index(line.pop()) for _ in range(4)] == [0, 1, 2, 3]


def test_who_leaves_is_passed_over() -> None:
    """Whether it was young, old or neither."""
    line, waiters = _polls(5, 0, 4, 3)
    line.leave(waiters[1])
    line.leave(waiters[0])
    line.leave(waiters[0])  # once more is nothing

    assert [waiters.index(line.pop()) for _ in range(2)] == [3, 2]
    assert not line


def test_who_has_left_is_forgotten() -> None:
    """Thousands who come and go do not pile up."""
    line = WaitQueue()
    line.join("poll", 0.0, 0)

    for number in range(1000):
        line.leave(line.join("poll", float(number), 100))

    assert len(line._queues["poll"]._by_asked) < 10  # type: ignore[attr-defined]


@given(st.lists(st.tuples(st.sampled_from(PRIORITIES), st.integers(0, 5)), max_size=60))
def test_everybody_has_one_turn(crowd: list[tuple[str, int]]) -> None:
    """Nobody is lost, and nobody is served twice."""
    line = WaitQueue()
    waiters = [
        line.join(priority, float(number), asked)  # type: ignore[arg-type]
        for number, (priority, asked) in enumerate(crowd)
    ]

    served = [line.pop() for _ in crowd]

    assert sorted(map(id, served)) == sorted(map(id, waiters))
    assert not line


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_no_poll_waits_longer_than_twice_its_place(asked: list[int]) -> None:
    """However young the others are: every second turn is that of the longest waiting."""
    line, waiters = _polls(*asked)

    served = [line.pop() for _ in waiters]

    for place, waiter in enumerate(waiters):
        assert served.index(waiter) <= 2 * place + 1


@pytest.mark.parametrize("priority", PRIORITIES)
def test_the_line_knows_its_lengths(priority: str) -> None:
    """How many wait with each priority."""
    line = WaitQueue()
    line.join(priority, 0.0)  # type: ignore[arg-type]

    assert line.lengths() == dict.fromkeys(PRIORITIES, 0) | {priority: 1}
