"""Validation of request models, field by field, for callers without a type checker."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, TypeVar, cast

from sikoia_async._errors import ArgumentTypeError
from sikoia_async._schema import shapes
from sikoia_async._validation import validate_codes, validate_id, validate_list
from sikoia_async.models import Model

__all__ = ["CODE", "ID", "validate_models"]

M = TypeVar("M", bound=Model)


def _validate_code(name: str, value: str) -> None:
    if value:  # an empty string clears the field
        validate_codes(**{name: value})


ID: Final[dict[str, Any]] = {"metadata": {"check": validate_id}}
"""Marks a field of a request model as an id."""
CODE: Final[dict[str, Any]] = {"metadata": {"check": _validate_code}}
"""Marks a field of a request model as a code, such as a country's."""


def validate_models(name: str, models: Sequence[M] | None, kind: type[M]) -> Sequence[M] | None:
    """Return a list of models, or None, after checking the type of each field.

    Raises:
        ArgumentTypeError: the value is not a list, an item is not such a model, or a field has the
            wrong type.
        ArgumentError: an id or a code in a model is not valid.
    """
    for one in validate_list(name, models, kind) or ():
        _check_fields(name, one)
    return models


def _check_fields(name: str, model: Model) -> None:
    kind: Any = model.__class__
    shape = cast("shapes.Object", shapes.shape_of(kind))
    for field in shape.fields:
        value = getattr(model, field.name)
        if not _fits(value, field.shape):
            problem = "is required" if value is None else f"expected {_what(field.shape)}"
            msg = f"{name}: {shape.name}.{field.name}: {problem}"
            raise ArgumentTypeError(msg)
        if field.check is not None and value is not None:
            field.check(field.name, value)
        if isinstance(value, Model):
            _check_fields(name, value)


def _what(shape: shapes.Shape) -> str:
    """Return what a field of this shape takes, for a message."""
    return " or ".join(_what_of(one) for one in shapes.options(shape))


def _what_of(shape: shapes.Shape) -> str:
    match shape:
        case shapes.Choice(_, values):
            return " or ".join(map(repr, values))
        case shapes.ListOf(_, item):
            return f"a list, each item {_what(item)}"
        case shapes.OpenEnum():
            return "a string"
        case _:
            return _NAMES.get(shape.type) or shape.type.__name__


def _fits(value: object, shape: shapes.Shape) -> bool:
    """Return whether a value has the type that a field is annotated with."""
    if value is None:
        return isinstance(shape, shapes.Optional)
    return any(_is_a(value, one) for one in shapes.options(shape))


def _is_a(value: object, shape: shapes.Shape) -> bool:
    match shape:
        case shapes.AnyJson():
            return True
        case shapes.OpenEnum():
            return isinstance(value, str)
        case shapes.Choice(_, values):
            return value in values
        case shapes.ListOf(_, item):
            is_list = isinstance(value, list | tuple)
            return is_list and all(_fits(one, item) for one in cast("Sequence[object]", value))
        case _:
            return isinstance(value, shape.type)


_NAMES: Final[dict[Any, str]] = {
    str: "a string",
    bool: "True or False",
    date: "a date, such as datetime.date(1990, 1, 31)",
}
"""What a message calls the types of fields of request models; others have their own name."""
