"""Secrets: validated when they are passed in, and never shown."""

from __future__ import annotations

from typing import Final, NoReturn

from sikoia_async._errors import ConfigurationError
from sikoia_async._validation import plain_string

__all__ = ["Secret", "is_sendable"]

_MAX_LENGTH: Final = 8192
_HINT: Final = "does the file it came from end with a line break?"


def is_sendable(value: str) -> bool:
    """Return whether a string can be a header's value: visible ASCII, and not too long.

    httpx includes a header that it cannot send in its error, so an invalid secret must not reach
    it.
    """
    return 0 < len(value) <= _MAX_LENGTH and all("!" <= character <= "~" for character in value)


class Secret:
    """A string that no repr, log, traceback or pickle shows.

    Args:
        name: what error messages call it.
        value: the secret. Its type is checked, because not every caller uses a type checker.

    Raises:
        ConfigurationError: the value is not a string, is empty or too long, or contains anything
            but visible ASCII characters.
    """

    __slots__ = ("_value",)

    def __init__(self, name: str, value: object) -> None:
        if not isinstance(value, str) or not is_sendable(value):
            del value  # error reporters record the local variables of a traceback
            msg = f"{name}: expected a non-empty string of visible ASCII characters ({_HINT})"
            raise ConfigurationError(msg)
        self._value = plain_string(value)

    def reveal(self) -> str:
        """Return the secret."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> NoReturn:
        msg = "a secret cannot be pickled: load it again where it is needed"
        raise TypeError(msg)
