"""The name of the work of a batch."""

from collections.abc import Callable
from functools import partial
from typing import Any

__all__ = ["name_of"]


def name_of(work: Callable[..., Any]) -> str:
    """Return the name that a function, or an object that is called, has in each run."""
    while isinstance(work, partial):
        work = work.func
    name = getattr(work, "__qualname__", None)
    return str(name) if name else type(work).__qualname__
