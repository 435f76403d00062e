"""How long to wait between two polls."""

from __future__ import annotations

from typing import Any, Final

import attrs

from sikoia_async._errors import ArgumentTypeError, ConfigurationError
from sikoia_async._validation import validate_seconds

__all__ = ["Interval"]

_SOONEST: Final = 0.1
"""Seconds to wait at least: who asks without a pause spends the organisation's quota."""
_STEEPEST: Final = 100


def _long_enough(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if validate_seconds(attribute.name, value) < _SOONEST:
        msg = f"{attribute.name}: expected at least {_SOONEST} s"
        raise ConfigurationError(msg)


def _growing(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    msg = f"{attribute.name}: expected a number from 1 to {_STEEPEST}"
    if type(value) not in {int, float}:
        raise ArgumentTypeError(msg)
    if not 1 <= value <= _STEEPEST:
        raise ConfigurationError(msg)


@attrs.frozen
class Interval:
    """How long to wait before asking again: it grows by `factor`, from `first` to `most` seconds.

    Each wait is shortened at random by up to a fifth, so that many waiters do not ask in step.

    Raises:
        ConfigurationError: a time is less than 0.1 s, or the factor is not from 1 to 100.
    """

    first: float = attrs.field(default=1.0, validator=_long_enough)
    most: float = attrs.field(default=15.0, validator=_long_enough)
    factor: float = attrs.field(default=1.5, validator=_growing)

    def after(self, polls: int, hint: float | None, jitter: float) -> float:
        """Return the seconds to wait after this many polls; the server's wish goes first."""
        if hint is not None:
            return hint
        return float(min(self.most, self.first * self.factor ** min(polls, 64)) * (1 - jitter / 5))
