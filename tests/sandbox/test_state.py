"""The state of the local Sikoia: ids from a seed, and entities that are found quickly."""

import time
from types import SimpleNamespace

from sikoia_async.sandbox.errors import ApiError
from sikoia_async.sandbox.resources import entities
from sikoia_async.sandbox.snapshot import Snapshots
from sikoia_async.sandbox.state import State


def test_a_seed_gives_the_same_ids_again() -> None:
    """And another seed gives others."""
    first, second, other = State(seed=1), State(seed=1), State(seed=2)

    assert [user["user_id"] for user in first.users] == [user["user_id"] for user in second.users]
    assert first.new_id() == second.new_id() != other.new_id()


def test_the_time_of_day_follows_the_clock(clock: SimpleNamespace) -> None:
    """It starts at the real time."""
    state = State(clock=lambda: clock.now)
    created = state.now()
    clock.now += 3600

    assert abs(created.timestamp() - time.time()) < 60
    assert (state.now() - created).total_seconds() == 3600


def _exists(state: State, person_id: str) -> bool:
    """Return whether a person is found."""
    try:
        person = state.entity("Person", person_id)
    except ApiError:
        return False
    assert person["person_id"] == person_id
    return True


def _case(state: State, *person_ids: str) -> str:
    """Add a case with people."""
    case_id = state.new_id()
    persons = [{"person_id": one} for one in person_ids]
    state.cases[case_id] = {"case_id": case_id, "companies": [], "persons": persons}
    state.index_case(state.cases[case_id])
    return case_id


def test_an_entity_is_found_until_it_is_removed() -> None:
    """Or until its case is deleted."""
    state = State()
    first, second = _case(state, "a", "b"), _case(state, "c")
    assert [_exists(state, one) for one in "abcd"] == [True, True, True, False]

    removed = entities.remove(state.case(first), {"persons": ["b"]})
    state.delete_entities(set(removed))
    state.delete_case(second)
    assert [_exists(state, one) for one in "abc"] == [True, False, False]


def test_an_entity_is_found_after_a_restore() -> None:
    """In the restored record, not in the old one."""
    state = State()
    case_id = _case(state, "a")
    assert _exists(state, "a")
    snapshots = Snapshots([state], seed=0)
    snapshot = snapshots.take(state.now())
    before = state.entity("person", "a")

    state.delete_case(case_id)
    assert not _exists(state, "a")
    snapshots.restore(snapshot)

    assert state.entity("person", "a") is state.cases[case_id]["persons"][0]
    assert state.entity("person", "a") is not before
    assert state.case(case_id) is state.cases[case_id]


def test_an_added_entity_is_found() -> None:
    """Also after a restore."""
    state = State()
    first = state.case(_case(state, "a"))
    entities.add(state, first, {"persons": [{"first_name": "Wilma", "last_name": "Example"}]})
    person_id = first["persons"][-1]["person_id"]
    assert _exists(state, person_id)

    state.restore(state.save())
    assert _exists(state, person_id)
