"""The standard types behind their subclasses: what freezegun, numpy, pandas and pendulum make.

While a clock is frozen, freezegun replaces the names `date` and `datetime` in all modules by
subclasses that every date is an instance of. So a module that is imported then has them in its
annotations, and a module that was imported before compares with them.
"""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from numbers import Integral
from typing import Any, Final, cast

__all__ = ["Standard", "as_day", "standard_type", "standard_value"]


class Standard:
    """`date` and `datetime` themselves. Test libraries replace names in modules, not in classes."""

    # Each is found by its place among its bases, in case the clock is frozen already.
    date = cast("type[dt.date]", dt.date.__mro__[-2])
    datetime = cast(
        "type[dt.datetime]",
        next(kind for kind in reversed(dt.datetime.__mro__) if hasattr(kind, "hour")),
    )


def standard_type(kind: Any) -> Any:
    """Return `date` or `datetime` for a class that stands in for it; any other type as it is."""
    if isinstance(kind, type) and issubclass(kind, Standard.date):
        real = Standard.datetime if issubclass(kind, Standard.datetime) else Standard.date
        if isinstance(real.min, kind):
            return real
    return cast("object", kind)


def as_day(value: Any) -> Any:
    """Return the day of a datetime, as its own time zone counts it; any other value as it is."""
    if not isinstance(value, Standard.datetime):
        return value
    try:
        return Standard.date(value.year, value.month, value.day)
    except (TypeError, ValueError):  # such as NaT of pandas, whose year is NaN
        return value


def standard_value(value: Any) -> Any:
    """Return an instance of a subclass as one of the standard type that JSON can represent.

    Raises:
        TypeError: its type is not such a subclass.
        ValueError: the value is not of the standard type after all, like pandas' NaT.
    """
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    raise TypeError


def _datetime(value: dt.datetime) -> dt.datetime:
    time = (value.hour, value.minute, value.second, value.microsecond)
    return Standard.datetime(
        value.year, value.month, value.day, *time, value.tzinfo, fold=value.fold
    )


def _date(value: dt.date) -> dt.date:
    return Standard.date(value.year, value.month, value.day)


_CONVERSIONS: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (Decimal, Decimal),
    (Standard.datetime, _datetime),
    (Standard.date, _date),
    (Integral, int),  # such as numpy's, which are not subclasses of int
)
"""Types and their conversions; subclasses come before the classes that they derive from."""
