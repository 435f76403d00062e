"""Where a test's cassette lies: `cassettes/` beside the test's file, and named after the test."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

__all__ = ["place_of"]

_UNFIT: Final = re.compile(r"[^\w.-]+")


def place_of(item: pytest.Item) -> Path:
    """Return the path of a test's cassette: `cassettes/test_loans/test_one.json`.

    On asyncio and on trio a test has the same one.
    """
    names = [_fit(name) for name in _names(item)]
    return item.path.parent.joinpath("cassettes", item.path.stem, *names[:-1], f"{names[-1]}.json")


def _fit(name: str) -> str:
    """Return a name that a file may have; no two tests have the same."""
    fit = _UNFIT.sub("-", name).strip("-")
    return fit if fit == name else f"{fit}-{sha256(name.encode()).hexdigest()[:8]}"


def _names(item: pytest.Item) -> list[str]:
    """Return the classes that a test is in, and its name, with what it is parametrized by."""
    _, *classes, name = item.nodeid.split("[")[0].split("::")
    callspec: Any = getattr(item, "callspec", None)
    if callspec is None:
        return [*classes, name]
    backend = callspec.params.get("anyio_backend")
    others = re.sub(rf"(^|-){re.escape(str(backend))}(?=-|$)", "", callspec.id).strip("-")
    return [*classes, f"{name}-{others}" if others else name]
