"""Reads strings, numbers, booleans and times in any form that the API is known to send.

Each function takes a plain JSON value and raises one of `REFUSALS` if the value is none of its
type. They repair numbers and booleans sent as strings, strings sent as numbers, and dates sent as
datetimes or the reverse.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any, Final

import msgspec

from sikoia_async._schema.standard import Standard

__all__ = ["READERS", "REFUSALS"]

REFUSALS: Final = (TypeError, ValueError, ArithmeticError, msgspec.MsgspecError)
"""The errors of the functions in `READERS`."""


def _str(value: object) -> str:
    if isinstance(value, str):
        value.encode()  # refuses halves of surrogate pairs, which nothing can store
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise TypeError


def _int(value: object) -> int:
    number = _decimal(value)
    if number.adjusted() > _MAX_DIGITS or number != number.to_integral_value():
        raise ValueError
    return int(number)


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise TypeError
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError
    return number


def _float(value: object) -> float:
    number = float(_decimal(value))
    if not isfinite(number):
        raise ValueError
    return number


def _bool(value: object) -> bool:
    if isinstance(value, Decimal):
        raise TypeError
    boolean = _BOOLEANS.get(str(value).lower())
    if boolean is None:
        raise ValueError
    return boolean


def _datetime(value: object) -> datetime:
    """Read a time in most forms of ISO 8601. One without a time zone is UTC."""
    text = _str(value).strip()
    try:
        moment = msgspec.convert(text, Standard.datetime)
    except msgspec.ValidationError:
        moment = _unusual_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unusual_datetime(text: str) -> datetime:
    """Read a time in a form that msgspec refuses."""
    found = _DATETIME.fullmatch(text)
    if found is None:
        raise ValueError
    day, hour, minute, second, fraction, sign, hours, minutes = found.groups("00")
    is_midnight = (hour, minute, second) == ("24", "00", "00") and not fraction.strip("0")
    # No more than microseconds, because rounding the last moment of the year 9999 overflows.
    time = f"{'00' if is_midnight else hour}:{minute}:{second}.{fraction[:6]}"
    zone = "Z" if sign == "00" else f"{sign}{hours}:{minutes}"
    moment = msgspec.convert(f"{day}T{time}{zone}", Standard.datetime)
    return moment + timedelta(days=1) if is_midnight else moment


def _date(value: object) -> date:
    """Read a day. That of a time is the one that is written, whatever its time zone."""
    text = _str(value).strip()
    _datetime(text)
    return Standard.date.fromisoformat(text[:_DATE_LENGTH])


_MAX_DIGITS: Final = 40
_DATE_LENGTH: Final = len("2024-01-31")
_DATETIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:(?:[Tt]| +)([0-9]{2}):?([0-9]{2})(?::?([0-9]{2})(?:[.,]([0-9]+))?)?"
    r" *(?:[Zz]|(?:UTC|GMT)|([+-])([0-9]{2}):?([0-9]{2})?)?)?"
)
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
READERS: Final[Mapping[Any, Callable[[object], Any]]] = {
    str: _str,
    int: _int,
    float: _float,
    bool: _bool,
    Decimal: _decimal,
    Standard.datetime: _datetime,
    Standard.date: _date,
}
"""The function for each scalar type."""
