"""Stores hold records about entities and delete them with their entity."""

from types import SimpleNamespace

import pytest

from sikoia_async.sandbox.errors import ApiError
from sikoia_async.sandbox.state import State


def refusal(state: State, entity_type: str, entity_id: str) -> str:
    """Return the type of the error for an entity that does not exist."""
    with pytest.raises(ApiError) as caught:
        state.entity(entity_type, entity_id)
    return caught.value.kind


@pytest.fixture
def state() -> State:
    """Make a state with one case, one company and one person."""
    state = State()
    state.cases["c1"] = {
        "case_id": "c1",
        "companies": [{"company_id": "co1"}],
        "persons": [{"person_id": "p1"}],
    }
    state.index_case(state.cases["c1"])
    return state


@pytest.mark.parametrize(
    ("spelling", "entity_id"),
    [("Case", "c1"), ("case", "c1"), ("COMPANY", "co1"), ("company", "co1"), ("person", "p1")],
)
def test_the_case_of_entity_types_does_not_matter(
    state: State, spelling: str, entity_id: str
) -> None:
    """They are spelt as in bodies; paths spell them otherwise."""
    assert entity_id in state.entity(spelling, entity_id).values()


def test_unknown_entities_are_refused(state: State) -> None:
    """An unknown type, an unknown id, and an id of another type."""
    assert refusal(state, "Users", "c1") == "ResourceNotFound"
    assert refusal(state, "case", "c2") == "ResourceNotFound"
    assert refusal(state, "company", "p1") == "ResourceNotFound"


def test_records_are_deleted_with_their_entity(state: State) -> None:
    """Deleting a case deletes the records about it, its companies and its people."""
    store = state.store("documents")
    for key, entity_id in (("d1", "c1"), ("d2", "co1"), ("d3", "p1"), ("d4", "")):
        store.add(key, {}, entity_id=entity_id)

    state.delete_case("c1")

    assert [entry.entity_id for entry in store] == [""]
    assert len(store) == 1
    assert refusal(state, "person", "p1") == "ResourceDeleted"
    with pytest.raises(ApiError) as caught:
        store.get("d2")
    assert caught.value.kind == "ResourceDeleted"


def test_records_are_listed_newest_first(state: State) -> None:
    """Those of one entity."""
    store = state.store("documents")
    for number, entity_id in enumerate(("c1", "p1", "c1")):
        store.add(f"d{number}", {"number": number}, entity_id=entity_id)

    assert [entry.record["number"] for entry in store.of("c1")] == [2, 0]
    assert store.get("d1").record == {"number": 1}
    assert store.remove("d1").entity_id == "p1"
    with pytest.raises(ApiError) as caught:
        store.get("d9")
    assert caught.value.kind == "ResourceNotFound"


def test_work_is_done_when_the_work_time_is_over(clock: SimpleNamespace) -> None:
    """By the clock of the local Sikoia."""
    state = State(clock=lambda: clock.now, work_time=5)
    entry = state.store("requests").add("r1", {})
    state.progress.start("requests", "r1")

    clock.now += 4
    assert list(state.progress.take_ended()) == []
    clock.now += 4
    ended = state.clock.at(5)
    assert list(state.progress.take_ended()) == [(("requests", "r1"), entry, ended)]
    assert (entry.is_done, entry.ended) == (True, ended)


def test_draws_depend_on_seed_and_arguments_only() -> None:
    """Not on what was drawn before."""
    state = State(seed=1)

    assert state.draw("person", "p1").random() == State(seed=1).draw("person", "p1").random()
    assert state.draw("person", "p1").random() != state.draw("person", "p2").random()
    assert state.draw("person", "p1").random() != State(seed=2).draw("person", "p1").random()
