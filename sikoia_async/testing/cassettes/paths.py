"""Paths of cassettes: in the folder `cassettes` beside the test's file, named after the test."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

__all__ = ["cassette_path"]

_UNSAFE: Final = re.compile(r"[^\w.-]+")


def cassette_path(item: pytest.Item) -> Path:
    """Return the path of a test's cassette, such as `cassettes/test_loans/test_one.json`.

    A test that runs on asyncio and on trio has one cassette.
    """
    names = [_file_name(name) for name in _names(item)]
    return item.path.parent.joinpath("cassettes", item.path.stem, *names[:-1], f"{names[-1]}.json")


def _file_name(name: str) -> str:
    """Return a valid file name that is different for different names."""
    safe = _UNSAFE.sub("-", name).strip("-")
    return safe if safe == name else f"{safe}-{sha256(name.encode()).hexdigest()[:8]}"


def _names(item: pytest.Item) -> list[str]:
    """Return the names of a test's classes and the test's name with its parameters."""
    _, *classes, name = item.nodeid.split("[")[0].split("::")
    callspec: Any = getattr(item, "callspec", None)
    if callspec is None:
        return [*classes, name]
    backend = callspec.params.get("anyio_backend")
    others = re.sub(rf"(^|-){re.escape(str(backend))}(?=-|$)", "", callspec.id).strip("-")
    return [*classes, f"{name}-{others}" if others else name]
