"""The methods that agents can find and call, by name, and a search in their documentation."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from sikoia_async.cli.api.names import RESOURCES
from sikoia_async.cli.api.signatures import methods_of
from sikoia_async.cli.mcp.rules import waits_too
from sikoia_async.cli.mcp.schemas import returned
from sikoia_async.cli.parser import nearest
from sikoia_async.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sikoia_async.cli.api.signatures import Method

__all__ = ["Catalog"]

_WORD: Final = re.compile(r"[a-z0-9]+")
_IN_NAME: Final = 5
_IN_SUMMARY: Final = 3
_SHORTEST: Final = 3


class Catalog:
    """The methods of all resources."""

    def __init__(self) -> None:
        self._methods = {method.full_name: method for method in _methods()}
        self._texts = {name: _text_of(method) for name, method in self._methods.items()}

    def method(self, name: str) -> Method:
        """Return a method by its full name.

        Raises:
            ArgumentError: it is unknown; the error names the nearest, and does not repeat it.
        """
        method = self._methods.get(name)
        if method is None:
            close = nearest(name, self._methods) or "; search finds operations"
            msg = f"operation: unknown{close}"
            raise ArgumentError(msg)
        return method

    def search(self, query: str) -> list[Method]:
        """Return the methods whose names and documentation have words of a query, best first.

        Rare words count more. Without any word of three letters or more, all are returned. Methods
        that wait for what they request are not: agents do that in two steps.
        """
        words = {word.removesuffix("s") for word in _WORD.findall(query.lower())}
        words = {word for word in words if len(word) >= _SHORTEST}
        scores = Counter[str]()
        for word in words:
            found = {name: weight for name in self._methods if (weight := self._weight(name, word))}
            for name, weight in found.items():
                scores[name] += weight * 1000 // len(found)
        names = sorted(scores if words else self._methods, key=lambda name: (-scores[name], name))
        ordered = [self._methods[name] for name in names]
        return [method for method in ordered if not waits_too(method)]

    def _weight(self, name: str, word: str) -> int:
        summary = self._methods[name].about.summary.lower()
        found = ((_IN_NAME, name), (_IN_SUMMARY, summary), (1, self._texts[name]))
        return sum(weight for weight, text in found if word in text)


def _methods() -> Iterator[Method]:
    for resource in RESOURCES:
        yield from methods_of(resource.replace("-", "_"))


def _text_of(method: Method) -> str:
    """Return all that is known of a method, in lower case: its documentation, values and fields."""
    about: Mapping[str, str] = method.about.parameters
    values = [value for one in method.parameters for value in one.values]
    fields = returned(method).get("fields", ())
    resource = RESOURCES[method.resource.replace("_", "-")]
    return " ".join(
        (method.about.text, resource, *about, *about.values(), *values, *fields)
    ).lower()
