"""The operations of the API, by the names that its reference gives them."""

import re
from collections.abc import Sequence

from starlette.routing import Route

from sikoia_async.sandbox.faults.plan import unknown_name
from sikoia_async.sandbox.resources.routing import operations

__all__ = ["Operations"]


class Operations:
    """Index of the operations that the local Sikoia serves.

    Args:
        routes: The routes, literal paths before paths with parameters.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._names = {_without_names(name): name for route in routes for name in operations(route)}
        # By method and number of segments: only a few templates each.
        self._templates: dict[tuple[str, int], list[tuple[list[str], str]]] = {}
        for name in self._names.values():
            method, path = name.split(" ")
            segments = path.split("/")
            literals = ["" if segment.startswith("{") else segment for segment in segments]
            self._templates.setdefault((method, len(segments)), []).append((literals, name))

    @property
    def names(self) -> tuple[str, ...]:
        """All names, such as `GET /v2/cases/{case_id}`."""
        return tuple(self._names.values())

    def known(self, name: str) -> str:
        """Return the canonical name of an operation, whatever its parameters are called.

        Raises:
            ValueError: The operation does not exist; the message has the closest names.
        """
        known = self._names.get(_without_names(name))
        if known is None:
            kind = "operation"
            raise unknown_name(kind, name, self.names)
        return known

    def of(self, method: str, path: str) -> str | None:
        """Return the operation of a request; None if no route matches.

        Args:
            method: The request method.
            path: The percent-decoded path.
        """
        segments = path.split("/")
        for literals, name in self._templates.get((method, len(segments)), ()):
            if all(map(_matches, segments[1:], literals[1:])):
                return name
        return None


def _matches(segment: str, literal: str) -> bool:
    """Return whether a path segment is the literal, or any value of a parameter."""
    return segment == literal if literal else bool(segment)


def _without_names(operation: str) -> str:
    """Remove the names of the parameters."""
    return re.sub(r"\{\w+\}", "{}", operation)
