"""What all models share: the response they came in, a masked repr, pickling, entities."""

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
    """A model with parts."""

    thing_id: str
    parts: tuple[Part, ...] = ()


def received(thing: Thing) -> Thing:
    """Give a thing a response, as if it came from the API."""
    object.__setattr__(thing, "_response", RESPONSE)
    return thing


def through_pickle(model: Any) -> Any:
    """Send a model to another process and back."""
    return pickle.loads(pickle.dumps(model))  # noqa: S301 - our own


def test_a_received_model_has_its_response() -> None:
    """The response is not part of the model's value."""
    thing = received(Thing(thing_id="1"))

    assert thing.response is RESPONSE
    assert thing == Thing(thing_id="1")
    assert attrs.asdict(thing) == {"thing_id": "1", "parts": ()}


def test_a_nested_model_has_no_response() -> None:
    """The error says which model to use instead."""
    with pytest.raises(AttributeError, match="this Part has no response of its own: use the model"):
        _ = Part().response


@pytest.mark.parametrize(
    "duplicate",
    [through_pickle, copy.deepcopy],
    ids=["pickle", "deepcopy"],
)
@pytest.mark.parametrize("has_response", [True, False])
def test_models_are_pickled_with_their_response(
    duplicate: Callable[[Thing], Thing], *, has_response: bool
) -> None:
    """A copy equals the model, and has its response if there is one."""
    thing = Thing(thing_id="1", parts=(Part(name="Ada", kind="New"),))
    thing = received(thing) if has_response else thing

    copied = duplicate(thing)

    assert copied == thing
    assert getattr(copied, "response", None) == (RESPONSE if has_response else None)


def test_models_are_frozen() -> None:
    """A model is a value and cannot be changed."""
    thing: Any = Thing(thing_id="1")

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        thing.thing_id = "2"


def test_repr_masks_personal_data() -> None:
    """The repr shows whether a personal field is set, and not its value."""
    assert repr(Part(name="Ada", kind="New")) == "Part(name=***, kind='New')"
    assert repr(Part()) == "Part(name=None, kind=None)"


def test_a_model_can_be_revealed() -> None:
    """`reveal` shows all values, including those of nested models."""
    thing = received(Thing(thing_id="1", parts=(Part(name="Ada", kind="New"),)))

    assert thing.reveal() == {"thing_id": "1", "parts": ({"name": "Ada", "kind": "New"},)}


@pytest.mark.parametrize(
    ("kind", "id_", "words"),
    [
        ("Wilma Canary", "1", "^entity_type: expected 'case', 'company' or 'person'$"),
        ("Person", "1", "^entity_type: "),
        (None, "1", "^entity_type: "),
        ({"Canary"}, "1", "^entity_type: "),
        ("person", "", "^entity_id: not a valid id; "),
        ("person", "Wilma Canary", "^entity_id: not a valid id; "),
        ("person", None, "^entity_id: not a valid id; "),
    ],
)
def test_an_invalid_entity_is_refused(kind: Any, id_: Any, words: str) -> None:
    """The constructor raises an error that does not repeat the value."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        Entity(kind, id_)

    assert "Canary" not in str(caught.value)
    assert isinstance(caught.value, TypeError) is not all(isinstance(x, str) for x in (kind, id_))


def test_items_are_a_tuple_with_a_response() -> None:
    """A list equals a tuple of its models, and is pickled with its response."""
    items = Items([Part(name="Ada")])
    vars(items)["_response"] = RESPONSE

    copied = through_pickle(items)

    assert items == (Part(name="Ada"),)
    assert (copied, copied.response) == (items, RESPONSE)


def test_a_list_that_was_not_received_has_no_response() -> None:
    """Only a list from the API has a response, and the error says so."""
    with pytest.raises(AttributeError, match="did not come from the API"):
        _ = Items[Part]().response


def test_open_enums_are_strings_to_decoders() -> None:
    """An open enum is a string, with the known values as metadata."""
    hints = get_type_hints(CaseSummary, include_extras=True)

    string, nothing = get_args(hints["stage"])
    assert (string.__origin__, nothing) == (str, type(None))
    assert string.__metadata__ == (CaseStage,)


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
def test_models_identify_their_entity(
    model: CaseSummary | Company | Person | Entity, entity: tuple[EntityType, str]
) -> None:
    """Cases, companies and persons can be passed wherever an entity is expected."""
    assert model.entity == Entity(*entity)


@pytest.mark.parametrize(
    ("type_", "in_path"), [("case", "Cases"), ("company", "Companies"), ("person", "Persons")]
)
def test_entity_types_in_paths(type_: EntityType, in_path: str) -> None:
    """In paths, Sikoia spells entity types in the plural and capitalised."""
    assert Entity(type_, "1").in_path == in_path
