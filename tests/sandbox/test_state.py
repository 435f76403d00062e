"""What the local Sikoia remembers."""

import time
from types import SimpleNamespace

from sikoia_async.sandbox.state import State


def test_a_seed_gives_the_same_ids_again() -> None:
    """Two states from one seed name their things alike, and another seed does not."""
    first, second, other = State(seed=1), State(seed=1), State(seed=2)

    assert [user["user_id"] for user in first.users] == [user["user_id"] for user in second.users]
    assert first.new_id() == second.new_id() != other.new_id()


def test_the_time_of_day_follows_the_clock(clock: SimpleNamespace) -> None:
    """The state starts at the real time and goes on as the clock does."""
    state = State(clock=lambda: clock.now)
    created = state.now()
    clock.now += 3600

    assert abs(created.timestamp() - time.time()) < 60
    assert (state.now() - created).total_seconds() == 3600
