"""Validation of request models, field by field, for callers without a type checker."""

from collections.abc import Sequence
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
            problem = "is required" if value is None else "has the wrong type"
            msg = f"{name}: {shape.name}.{field.name} {problem}"
            raise ArgumentTypeError(msg)
        if field.check is not None and value is not None:
            field.check(field.name, value)
        if isinstance(value, Model):
            _check_fields(name, value)


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
