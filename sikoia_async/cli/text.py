"""Text that is safe to print on a terminal."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import msgspec

from sikoia_async._export.dicts import to_json

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["is_terminal", "printable", "to_json_text"]


def to_json_text(value: object, *, indent: int = 0) -> str:
    """Return JSON with exact numbers, in which all that a terminal would act on is escaped."""
    text = to_json(value, None, masked=False, only=None, exclude=None)
    return printable(msgspec.json.format(text, indent=indent))


def printable(text: str) -> str:
    """Return a text with escapes, as in JSON, for what a terminal would act on or cannot show."""
    only_ascii = _is_ascii()
    return "".join(
        one
        if one == "\n" or (one.isprintable() and (one.isascii() or not only_ascii))
        else json.dumps(one)[1:-1]
        for one in text
    )


def is_terminal() -> bool:
    """Return whether somebody reads the output on a terminal."""
    # Python sets it to None if the descriptor is closed.
    output: TextIO | None = sys.stdout
    return output is not None and output.isatty()


def _is_ascii() -> bool:
    """Return whether the output can have ASCII only."""
    encoding: str = getattr(sys.stdout, "encoding", None) or "ascii"
    return not encoding.lower().startswith("utf")
