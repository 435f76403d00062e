"""Reads `@pytest.mark.sikoia(...)`, which configures the local Sikoia of a test."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

import attrs

from sikoia_async.sandbox.settings import Options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pytest

__all__ = ["SandboxSpec", "spec_from"]

_WORK_TIME = 0.1
"""Seconds; long enough for operations to be pending at first."""


@attrs.frozen
class SandboxSpec:
    """Describes the local Sikoia of a test."""

    tls: bool
    """Whether it runs on a socket with TLS instead of in memory."""
    options: Options

    @property
    def seed(self) -> int:
        """The seed of its ids and its data."""
        return self.options.get("seed", 0)


def spec_from(marks: Iterable[pytest.Mark]) -> SandboxSpec:
    """Combine the marks of a test, of which the last one wins.

    Raises:
        ValueError: an argument is positional or unknown, or `tls` is not a bool.
    """
    arguments: dict[str, Any] = {"tls": False, "work_time": _WORK_TIME}
    for mark in marks:
        if mark.args:
            msg = "pytest.mark.sikoia: expected keyword arguments, such as sikoia(seed=7)"
            raise ValueError(msg)
        arguments |= _validated(mark.kwargs)
    tls = arguments.pop("tls")
    if not isinstance(tls, bool):
        msg = "pytest.mark.sikoia: tls: expected True or False"
        raise ValueError(msg)  # noqa: TRY004 - the caller catches one type
    return SandboxSpec(tls, cast("Options", arguments))


def _validated(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    known = ["tls", *Options.__annotations__]
    for name in arguments:
        if name not in known:
            closest = ", ".join(get_close_matches(name, known, cutoff=0))
            msg = f"pytest.mark.sikoia: unknown argument {name}; the closest are {closest}"
            raise ValueError(msg)
    return arguments
