"""Finds variables that look like one of this SDK and are not."""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from sikoia_async._settings.variables import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["OTHERS", "misspelt", "warn"]

OTHERS: Final = ("SIKOIA_SANDBOX_CONTROL",)
"""What commands read, and no client."""
_NEAR: Final = 0.87
_SHORTEST: Final = len("SIKOIA_") + 3


def misspelt(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield names that look like a variable of this SDK but are not, and the nearest variable."""
    known = (*VARIABLES, *OTHERS)
    for name in sorted(environ):
        if name in known:
            continue
        begun = [one for one in known if one.startswith(name.upper()) and len(name) >= _SHORTEST]
        for nearest in begun[:1] or get_close_matches(name.upper(), known, n=1, cutoff=_NEAR):
            if nearest not in environ:
                yield name, nearest


def warn() -> None:
    """Print those that are set: the command may run in another environment than was meant."""
    for name, nearest in misspelt(os.environ):
        print(f"sikoia: {name} is not read; did you mean {nearest}?", file=sys.stderr)
