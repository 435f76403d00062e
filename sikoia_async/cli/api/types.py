"""Types of arguments, for argparse. Their errors never repeat a value."""

from __future__ import annotations

import argparse
from datetime import date
from typing import TYPE_CHECKING

from sikoia_async.cli.parser import nearest

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["day", "known"]


def day(value: str) -> date:
    """Parse a date."""
    try:
        return date.fromisoformat(value)
    except ValueError:
        msg = "expected a date such as 1980-12-31"
        raise argparse.ArgumentTypeError(msg) from None


def known(names: tuple[str, ...], *, is_open: bool) -> Callable[[str], str]:
    """Return a type of argument that has a few values, in any letter case.

    Args:
        names: the values.
        is_open: accept others too, because Sikoia may have more.
    """
    spelt = {name.lower(): name for name in names}

    def parse(value: str) -> str:
        found = spelt.get(value.lower(), value if is_open else None)
        if found is None:
            close = nearest(value, names)
            msg = f"expected {' or '.join(names)}{close}"
            raise argparse.ArgumentTypeError(msg)
        return found

    return parse
