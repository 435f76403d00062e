"""Pauses between polls."""

from __future__ import annotations

from typing import Any, Final

import attrs

from sikoia_async._errors import ArgumentTypeError, ConfigurationError
from sikoia_async._validation import plain_number, settings, validate_seconds

__all__ = ["Interval"]

_MIN_PAUSE: Final = 0.1
"""Seconds. Polling without a pause would use up the organisation's rate limit."""
_MAX_FACTOR: Final = 100
_MAX_EXPONENT: Final = 64
"""Keeps the power within the range of a float, however many polls were made."""


def _validate_pause(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    with settings():
        pause = validate_seconds(attribute.name, value)
    if pause < _MIN_PAUSE:
        msg = f"{attribute.name}: expected at least {_MIN_PAUSE} s"
        raise ConfigurationError(msg)


def _validate_factor(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    msg = f"{attribute.name}: expected a number from 1 to {_MAX_FACTOR}"
    if plain_number(value) is None:
        raise ArgumentTypeError(msg)
    if not 1 <= value <= _MAX_FACTOR:
        raise ConfigurationError(msg)


@attrs.frozen
class Interval:
    """Pauses between polls: they grow by `factor`, from `first` to `most` seconds.

    Each pause is shortened at random by up to a fifth, so that operations started together are not
    polled together.

    Raises:
        ConfigurationError: a pause is shorter than 0.1 s, or the factor is not from 1 to 100.
    """

    first: float = attrs.field(default=1.0, validator=_validate_pause)
    """Seconds before the first poll."""
    most: float = attrs.field(default=15.0, validator=_validate_pause)
    """The longest pause, in seconds."""
    factor: float = attrs.field(default=1.5, validator=_validate_factor)
    """How much longer each pause is than the one before."""

    def pause(self, polls: int, jitter: float) -> float:
        """Return the seconds to wait after a number of polls.

        Args:
            polls: how many polls were made.
            jitter: a random number from 0 to 1; 1 shortens the pause the most.
        """
        grown = self.first * self.factor ** min(polls, _MAX_EXPONENT)
        return float(min(self.most, grown) * (1 - jitter / 5))
