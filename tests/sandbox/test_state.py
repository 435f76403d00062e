"""What the local Sikoia remembers."""

import time
from types import SimpleNamespace
from typing import Any

from sikoia_async.sandbox.errors import ApiError
from sikoia_async.sandbox.resources import entities
from sikoia_async.sandbox.snapshot import Snapshots
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


def _found(state: State, person_id: str) -> bool:
    """Tell whether a person is found, with what belongs to the person."""
    try:
        person = state.entity("Persons", person_id)
    except ApiError:
        return False
    assert person["person_id"] == person_id
    return True


def _case(state: State, *person_ids: str) -> str:
    """Keep a case with persons."""
    case_id = state.new_id()
    persons = [{"person_id": one} for one in person_ids]
    state.cases[case_id] = {"case_id": case_id, "companies": [], "persons": persons}
    return case_id


def _watched(state: State, count: int) -> list[str]:
    """Keep cases with a person each, and write down what is looked at in them."""
    looked_at: list[str] = []

    class Case(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            looked_at.append(name)
            return super().__getitem__(name)

    for number in range(count):
        _case(state, f"person {number}")
    state.cases.update({name: Case(case) for name, case in state.cases.items()})
    return looked_at


def test_an_entity_is_found_where_it_is() -> None:
    """Also when it is looked for again, and has gone from where it was."""
    state = State()
    first, second = _case(state, "a", "b"), _case(state, "c")
    assert [_found(state, one) for one in "abcd"] == [True, True, True, False]

    state.cases[second]["persons"].append(state.cases[first]["persons"].pop())
    assert [_found(state, one) for one in "abc"] == [True, True, True]

    state.cases[first]["persons"].clear()
    state.forget(second)
    assert [_found(state, one) for one in "abc"] == [False, False, False]


def test_an_entity_is_found_after_a_restore() -> None:
    """In the record that came back, and not in the one that was."""
    state = State()
    case_id = _case(state, "a")
    assert _found(state, "a")
    snapshots = Snapshots([state], seed=0)
    snapshot = snapshots.take(state.now())
    before = state.entity("person", "a")

    state.forget(case_id)
    assert not _found(state, "a")
    snapshots.restore(snapshot)

    assert state.entity("person", "a") is state.cases[case_id]["persons"][0]
    assert state.entity("person", "a") is not before
    assert state.case(case_id) is state.cases[case_id]


def test_an_entity_is_not_looked_for_twice() -> None:
    """Among many cases, the one that it was found in last is looked at first."""
    state = State()
    looked_at = _watched(state, 100)
    assert _found(state, "person 3")
    assert looked_at.count("persons") == 97

    looked_at.clear()
    assert _found(state, "person 3")
    assert looked_at.count("persons") == 1

    looked_at.clear()
    _case(state, "the newest")
    assert _found(state, "the newest")
    assert state.entity("case", next(iter(state.cases)))
    assert looked_at.count("persons") == 0


def test_what_is_added_is_found_at_once() -> None:
    """Whatever else there is, and after a restore too."""
    state = State()
    looked_at = _watched(state, 100)
    first = next(iter(state.cases.values()))
    entities.add(state, first, {"persons": [{"first_name": "Wilma", "last_name": "Example"}]})
    person_id = first["persons"][-1]["person_id"]

    looked_at.clear()
    assert _found(state, person_id)
    assert looked_at.count("persons") == 1

    state.restore(state.save())
    looked_at.clear()
    assert _found(state, "person 50")
    assert looked_at.count("persons") == 1
