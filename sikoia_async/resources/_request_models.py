"""Validation of request models, field by field, for callers without a type checker."""

from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

from sikoia_async._errors import ArgumentTypeError
from sikoia_async._validation import validate_id, validate_list
from sikoia_async.models import Model, field_types

__all__ = ["validate_models"]

M = TypeVar("M", bound=Model)

_IDS: Final = frozenset({"company_id", "person_id"})


def validate_models(name: str, models: Sequence[M] | None, kind: type[M]) -> Sequence[M] | None:
    """Return a list of models, or None, after checking the type of each field.

    Raises:
        ArgumentTypeError: the value is not a list, an item is not such a model, or a field has the
            wrong type.
        ConfigurationError: an id in a model is not valid.
    """
    for one in validate_list(name, models, kind) or ():
        _check_fields(name, one)
    return models


def _check_fields(name: str, model: Any) -> None:
    for field, annotation in field_types(model.__class__).items():
        value = getattr(model, field)
        if not _fits(value, annotation):
            problem = "is required" if value is None else "has the wrong type"
            msg = f"{name}: {model.__class__.__name__}.{field} {problem}"
            raise ArgumentTypeError(msg)
        if field in _IDS:
            validate_id(field, value)
        if isinstance(value, Model):
            _check_fields(name, value)


def _fits(value: object, annotation: Any) -> bool:
    """Return whether a value has one of the types that an annotation allows."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return any(_fits(value, one) for one in inner)
    if origin is Annotated:  # an open enum: any string
        return isinstance(value, str)
    return value in inner if origin is Literal else isinstance(value, annotation)
