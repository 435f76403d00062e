"""What `@pytest.mark.sikoia(...)` asks of the local Sikoia of a test."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

import attrs

from sikoia_async.sandbox.settings import Options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pytest

__all__ = ["Wanted", "wanted"]

_WORK_TIME = 0.1
"""Seconds: long enough to be pending at first, and no longer."""


@attrs.frozen
class Wanted:
    """The local Sikoia that a test wants."""

    tls: bool
    """Whether on a real socket with TLS, and not in memory."""
    options: Options

    @property
    def seed(self) -> int:
        """What its ids and its data are drawn from."""
        return self.options.get("seed", 0)


def wanted(marks: Iterable[pytest.Mark]) -> Wanted:
    """Read the marks of a test, those that are farthest from it first.

    Raises:
        ValueError: an argument has no name, or one that is not known, or `tls` is no bool.
    """
    given: dict[str, Any] = {"tls": False, "work_time": _WORK_TIME}
    for mark in marks:
        if mark.args:
            msg = "pytest.mark.sikoia: name each argument, as in sikoia(seed=7)"
            raise ValueError(msg)
        given |= _known(mark.kwargs)
    tls = given.pop("tls")
    if not isinstance(tls, bool):
        msg = "pytest.mark.sikoia: tls is True or False"
        raise ValueError(msg)  # noqa: TRY004 - whoever shows it needs to catch one kind
    return Wanted(tls, cast("Options", given))


def _known(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    known = ["tls", *Options.__annotations__]
    for name in arguments:
        if name not in known:
            nearest = ", ".join(get_close_matches(name, known, cutoff=0))
            msg = f"pytest.mark.sikoia: nothing is called {name}; the nearest are {nearest}"
            raise ValueError(msg)
    return arguments
