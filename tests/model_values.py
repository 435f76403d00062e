"""All models of the SDK, and values for them."""

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any, Final

import attrs
from hypothesis import strategies as st

import sikoia_async.resources
from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import Shape, shape_of
from sikoia_async.models import Model

__all__ = ["MODELS", "filled", "name_of", "values_of"]


def _loaded() -> Iterator[Any]:
    for info in pkgutil.walk_packages(
        sikoia_async.resources.__path__, f"{sikoia_async.resources.__name__}."
    ):
        yield from vars(importlib.import_module(info.name)).values()


def _is_model(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, Model) and attrs.has(one)


MODELS: Final[list[Any]] = sorted(
    {one for one in _loaded() if _is_model(one)},
    key=lambda model: (model.__module__, model.__qualname__),
)
"""Every model, those of requests included."""

_FILLED: Final[dict[Any, Any]] = {
    str: "canary",
    int: 7,
    float: 1.5,
    bool: True,
    Decimal: Decimal("1234567890.10"),
    date: date(2024, 1, 31),
    datetime: datetime(2024, 1, 31, 12, 30, tzinfo=timezone(timedelta(hours=2))),
}


def name_of(model: Any) -> str:
    """Return the name of a model with the end of its module's, for the ids of tests."""
    return f"{model.__module__.rpartition('.')[2]}.{model.__qualname__}"


def filled(model: Any) -> Any:
    """Return an instance in which every field is set, each list with one item."""
    return _filled(shape_of(model), ())


def _filled(shape: Shape, above: tuple[Shape, ...]) -> Any:  # noqa: PLR0911 - one for each shape
    match shape:
        case shapes.Optional():
            inner = shape.inner.item if isinstance(shape.inner, shapes.ListOf) else shape.inner
            return None if inner in above else _filled(shape.inner, above)
        case shapes.ListOf():
            return (_filled(shape.item, above),)
        case shapes.OneOf():
            return _filled(shape.alternatives[0], above)
        case shapes.Object():
            fields = {
                field.name: "GB" if field.check else _filled(field.shape, (*above, shape))
                for field in shape.fields
            }
            return shape.type(**fields)
        case shapes.OpenEnum(_, values) | shapes.Choice(_, values):
            return values[0]
        case shapes.AnyJson():
            return {"a": [1, Decimal("0.10"), "canary", None, {"b": True}]}
        case _:
            return _FILLED[shape.type]


_SCALARS: Final[dict[Any, st.SearchStrategy[Any]]] = {
    str: st.text(st.characters(codec="utf-8")),
    int: st.integers(-(10**25), 10**25),
    bool: st.booleans(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    date: st.dates(),
    datetime: st.datetimes(
        min_value=datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(9998, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=-30))]),
    ),
}
_JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False).filter(lambda x: "." in str(x)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=5,
)


@cache
def values_of(model: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for instances of a model."""
    return _values(shape_of(model), ())


def _values(  # noqa: PLR0911 - one for each shape
    shape: Shape, above: tuple[Shape, ...]
) -> st.SearchStrategy[Any]:
    match shape:
        case shapes.Optional():
            return st.none() | _values(shape.inner, above)
        case shapes.ListOf():
            if shape.item in above:
                return st.just(())
            return st.lists(_values(shape.item, above), max_size=2).map(tuple)
        case shapes.OneOf():
            return st.one_of(*(_values(one, above) for one in shape.alternatives))
        case shapes.Object():
            fields = {
                field.name: st.just("GB") if field.check else _values(field.shape, (*above, shape))
                for field in shape.fields
            }
            return st.builds(shape.type, **fields)
        case shapes.OpenEnum(_, values):
            return st.sampled_from([*values, "a new value"])
        case shapes.Choice(_, values):
            return st.sampled_from(values)
        case shapes.AnyJson():
            return _JSON
        case _:
            return _SCALARS[shape.type]
