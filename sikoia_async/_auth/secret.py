"""Secrets, checked when they are given and never shown."""

from __future__ import annotations

from typing import Final, NoReturn

from sikoia_async._errors import ConfigurationError

__all__ = ["Secret", "is_sendable"]

_LONGEST: Final = 8192


def is_sendable(text: str) -> bool:
    """Tell whether a text can be a header's value: visible ASCII, and not too long.

    httpx prints a header that it cannot send, token and all; so nothing else may reach it.
    """
    return 0 < len(text) <= _LONGEST and all("!" <= character <= "~" for character in text)


class Secret:
    """A text that no repr, log, traceback or pickle shows.

    Args:
        name: what to call it in an error.
        text: the secret; anything but text is refused, for not all callers are type checked.

    Raises:
        ConfigurationError: it is empty, or holds a line break, a space or a non-ASCII character.
    """

    __slots__ = ("_text",)

    def __init__(self, name: str, text: object) -> None:
        if not isinstance(text, str) or not is_sendable(text):
            what = "is malformed: give text of visible ASCII characters" if text else "is empty"
            del text  # there are tools that write down the local variables of a traceback
            msg = f"{name} {what} (is there a line break at the end of the file it came from?)"
            raise ConfigurationError(msg)
        self._text = text

    def reveal(self) -> str:
        """Return the secret."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> NoReturn:
        msg = "a secret is not pickled: read it again where it is needed"
        raise TypeError(msg)
