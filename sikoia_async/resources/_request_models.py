"""Models on their way out, checked field by field: whoever has no type checker is told here."""

from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

from sikoia_async._errors import ArgumentTypeError
from sikoia_async._validation import validate_id, validate_list
from sikoia_async.models import Model, field_types

__all__ = ["checked_models"]

M = TypeVar("M", bound=Model)

_IDS: Final = frozenset({"company_id", "person_id"})


def checked_models(name: str, models: Sequence[M] | None, kind: type[M]) -> Sequence[M] | None:
    """Return a list of models, or None.

    Raises:
        ArgumentTypeError: it is no list, there is something else in it, or a field of one has a
            value of another type.
        ConfigurationError: an id in it is none.
    """
    for one in validate_list(name, models, kind) or ():
        _check_fields(name, one)
    return models


def _check_fields(name: str, model: Any) -> None:
    for field, annotation in field_types(model.__class__).items():
        value = getattr(model, field)
        if not _fits(value, annotation):
            lack = "has to be given" if value is None else "is of another type"
            msg = f"{name}: {model.__class__.__name__}.{field} {lack}"
            raise ArgumentTypeError(msg)
        if field in _IDS:
            validate_id(field, value)
        if isinstance(value, Model):
            _check_fields(name, value)


def _fits(value: object, annotation: Any) -> bool:
    """Tell whether a value is of one of the types that an annotation allows."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return any(_fits(value, one) for one in inner)
    if origin is Annotated:  # an open enum: any text
        return isinstance(value, str)
    return value in inner if origin is Literal else isinstance(value, annotation)
