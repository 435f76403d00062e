"""What every model shares: the answer it came in, a discreet repr, pickling, entities."""

import copy
import pickle
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import attrs
import pytest

from sikoia_async.errors import ConfigurationError
from sikoia_async.models import PERSONAL, Entity, EntityType, Items, Model, Open, ResponseInfo
from sikoia_async.resources.cases import Case, CaseStage, CaseSummary, Company, Person

RESPONSE = ResponseInfo(
    method="GET",
    path="/v2/things",
    url="https://api.sikoia.com/v2/things",
    correlation_id="a",
    sent_correlation_id="a",
    attempts=(),
    seconds=0.5,
    status=200,
)


@attrs.frozen(kw_only=True)
class Part(Model):
    """A part of a thing."""

    name: str | None = attrs.field(default=None, **PERSONAL)
    kind: Open[CaseStage] | None = None


@attrs.frozen(kw_only=True)
class Thing(Model):
    """A model of these tests."""

    thing_id: str
    parts: tuple[Part, ...] = ()


def received(thing: Thing) -> Thing:
    """Make a thing one that was received."""
    object.__setattr__(thing, "_response", RESPONSE)
    return thing


def through_pickle(model: Any) -> Any:
    """Send a model to another process and back."""
    return pickle.loads(pickle.dumps(model))  # noqa: S301 - our own


def test_a_received_model_knows_its_answer() -> None:
    """The answer is at hand, and is no part of the model's value."""
    thing = received(Thing(thing_id="1"))

    assert thing.response is RESPONSE
    assert thing == Thing(thing_id="1")
    assert attrs.asdict(thing) == {"thing_id": "1", "parts": ()}


def test_a_part_knows_no_answer() -> None:
    """Asking a part for its answer says whom to ask instead."""
    with pytest.raises(AttributeError, match="this Part is not an answer: ask the model"):
        _ = Part().response


@pytest.mark.parametrize(
    "duplicate",
    [through_pickle, copy.deepcopy],
    ids=["pickle", "deepcopy"],
)
@pytest.mark.parametrize("has_response", [True, False])
def test_models_travel_with_their_answer(
    duplicate: Callable[[Thing], Thing], *, has_response: bool
) -> None:
    """A model goes to another process whole, with its answer if it has one."""
    thing = Thing(thing_id="1", parts=(Part(name="Ada", kind="New"),))
    thing = received(thing) if has_response else thing

    twin = duplicate(thing)

    assert twin == thing
    assert getattr(twin, "response", None) == (RESPONSE if has_response else None)


def test_models_are_frozen() -> None:
    """A model is a value: it does not change in somebody's hands."""
    thing: Any = Thing(thing_id="1")

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        thing.thing_id = "2"


def test_repr_masks_personal_data() -> None:
    """A repr that lands in a log tells whether a person's name is there, but not the name."""
    assert repr(Part(name="Ada", kind="New")) == "Part(name=***, kind='New')"
    assert repr(Part()) == "Part(name=None, kind=None)"


def test_a_model_can_be_revealed() -> None:
    """One method shows everything, parts of parts included, so that a search finds each use."""
    thing = received(Thing(thing_id="1", parts=(Part(name="Ada", kind="New"),)))

    assert thing.reveal() == {"thing_id": "1", "parts": ({"name": "Ada", "kind": "New"},)}


@pytest.mark.parametrize(
    ("kind", "id_", "words"),
    [
        ("Wilma Canary", "1", "^entity_type: give 'case', 'company' or 'person'$"),
        ("Person", "1", "^entity_type: "),
        (None, "1", "^entity_type: "),
        ({"Canary"}, "1", "^entity_type: "),
        ("person", "", "^entity_id: not a valid id; "),
        ("person", "Wilma Canary", "^entity_id: not a valid id; "),
        ("person", None, "^entity_id: not a valid id; "),
    ],
)
def test_what_is_no_entity_cannot_be_made(kind: Any, id_: Any, words: str) -> None:
    """It is refused where it is written, by words that do not repeat it."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        Entity(kind, id_)

    assert "Canary" not in str(caught.value)
    assert isinstance(caught.value, TypeError) is not all(isinstance(x, str) for x in (kind, id_))


def test_items_are_a_tuple_with_an_answer() -> None:
    """A list compares as the tuple that it is, and travels with its answer."""
    items = Items([Part(name="Ada")])
    vars(items)["_response"] = RESPONSE

    twin = through_pickle(items)

    assert items == (Part(name="Ada"),)
    assert (twin, twin.response) == (items, RESPONSE)


def test_items_that_were_made_have_no_answer() -> None:
    """Only a list that was received knows an answer, and the error says so."""
    with pytest.raises(AttributeError, match="they were made, and not received"):
        _ = Items[Part]().response


def test_open_enums_are_text_to_decoders() -> None:
    """An open enum is text that carries the known values along."""
    hints = get_type_hints(CaseSummary, include_extras=True)

    text, nothing = get_args(hints["stage"])
    assert (text.__origin__, nothing) == (str, type(None))
    assert text.__metadata__ == (CaseStage,)


@pytest.mark.parametrize(
    ("model", "entity"),
    [
        (CaseSummary(case_id="1", name="n", case_type="Business", stage="New"), ("case", "1")),
        (Case(case_id="2", name="n", case_type="Business", stage="New"), ("case", "2")),
        (Company(company_id="3"), ("company", "3")),
        (Person(person_id="4"), ("person", "4")),
        (Entity("person", "5"), ("person", "5")),
    ],
    ids=["summary", "case", "company", "person", "entity"],
)
def test_what_is_an_entity_says_which(
    model: CaseSummary | Company | Person | Entity, entity: tuple[EntityType, str]
) -> None:
    """A case, a company and a person can be given wherever an entity is asked for."""
    assert model.entity == Entity(*entity)


@pytest.mark.parametrize(
    ("type_", "spelt"), [("case", "Cases"), ("company", "Companies"), ("person", "Persons")]
)
def test_entities_are_spelt_otherwise_in_paths(type_: EntityType, spelt: str) -> None:
    """Sikoia spells an entity's type in the plural and with a capital in its paths."""
    assert Entity(type_, "1").in_path == spelt
