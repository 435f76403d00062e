"""The operations that are served, by the names that the API reference gives them."""

import re
from collections.abc import Sequence

from starlette.routing import Route

from sikoia_async.sandbox.faults.plan import unknown_name
from sikoia_async.sandbox.resources.routing import operations

__all__ = ["Operations"]


class Operations:
    """Knows each operation by its method and its path, and what a request asks for.

    Args:
        routes: What is served, words before parameters.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._names = {_unnamed(name): name for route in routes for name in operations(route)}
        # By the method and the number of parts: of few templates each.
        self._templates: dict[tuple[str, int], list[tuple[list[str], str]]] = {}
        for name in self._names.values():
            method, path = name.split(" ")
            parts = path.split("/")
            words = ["" if part.startswith("{") else part for part in parts]
            self._templates.setdefault((method, len(parts)), []).append((words, name))

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, as in `GET /v2/cases/{case_id}`."""
        return tuple(self._names.values())

    def known(self, name: str) -> str:
        """Return an operation's name; parameters may be spelt in the reader's own way.

        Raises:
            ValueError: There is no such operation; the message has the nearest names.
        """
        known = self._names.get(_unnamed(name))
        if known is None:
            kind = "operation"
            raise unknown_name(kind, name, self.names)
        return known

    def of(self, method: str, path: str) -> str | None:
        """Name the operation that a request asks for; None where nothing is served.

        Args:
            method: Of the request.
            path: Of the request, percent-decoded.
        """
        parts = path.split("/")
        for words, name in self._templates.get((method, len(parts)), ()):
            if all(map(_matches, parts[1:], words[1:])):
                return name
        return None


def _matches(part: str, word: str) -> bool:
    """Tell whether a part of a path is a word, or whatever is given for a parameter."""
    return part == word if word else bool(part)


def _unnamed(operation: str) -> str:
    """Leave out the names of the parameters."""
    return re.sub(r"\{\w+\}", "{}", operation)
