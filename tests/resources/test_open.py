"""Additions to the API break no model: unknown fields and unknown enum values."""

import json
from typing import Annotated, Any, Literal, get_origin

import contract
import pytest

from sikoia_async._codec.drift import Drift
from sikoia_async._codec.loader import load_hook
from sikoia_async._schema.shapes import field_types

MODELS = {
    f"{model.__module__.split('.')[2]}.{model.__name__}": model
    for one in contract.ENDPOINTS
    for model in contract.models_in(one.into)
}
OPEN = [
    pytest.param(model, name, id=f"{where}.{name}")
    for where, model in MODELS.items()
    for name, annotation in field_types(model).items()
    for one in contract.alternatives(annotation)
    if get_origin(one) is Annotated
]


def loaded(model: Any, **fields: Any) -> tuple[Any, Drift]:
    """Decode a model with these fields and its required ones, and return it with the drift."""
    needed = dict.fromkeys(contract.needed_in(model) & field_types(model).keys(), "x")
    drift = Drift()
    return load_hook(model)(json.dumps(needed | fields).encode(), drift), drift


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_an_unknown_field_is_ignored(model: Any) -> None:
    """The field is left out of the model and counted as drift."""
    expected, _ = loaded(model)
    decoded, drift = loaded(model, a_new_field=1)

    assert decoded == expected
    assert drift[f"{model.__name__}.a_new_field: unknown field"] == 1


@pytest.mark.parametrize(("model", "name"), OPEN)
def test_an_unknown_enum_value_is_kept(model: Any, name: str) -> None:
    """An open enum keeps an unknown value as a string, and it is counted as drift."""
    decoded, drift = loaded(model, **{name: "Something new"})

    assert getattr(decoded, name) == "Something new"
    assert drift[f"{model.__name__}.{name}: unknown value"] == 1


def test_all_enums_in_responses_are_open() -> None:
    """No response becomes unreadable because Sikoia adds a value."""
    closed = {
        f"{where}.{name}"
        for where, model in MODELS.items()
        for name, annotation in field_types(model).items()
        for one in contract.alternatives(annotation)
        if Literal in {get_origin(inner) for inner in (one, *contract.items([one]))}
    }

    assert closed == set()
