"""The operations of the API by method and path, and which of their parameters are personal."""

from __future__ import annotations

import re
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final, get_type_hints

import attrs

from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import Shape, options, reachable, shape_of
from sikoia_async._schema.standard import Standard
from sikoia_async.models import EntityType, HasEntity
from sikoia_async.testing.cassettes.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["OPERATIONS", "ApiOperation", "Parameter", "find"]


@attrs.frozen
class Parameter:
    """A field of a request's body or query."""

    shape: Shape
    is_personal: bool
    """Whether its value is replaced."""


@attrs.frozen(slots=False, eq=False)
class ApiOperation:
    """An operation of the API."""

    method: str
    path: str
    """A path template."""
    into: Any
    """The type that its response is decoded into."""
    function: Callable[..., Any]
    """The method of a resource that calls it. Its parameters are the fields of the request."""

    @property
    def name(self) -> str:
        """Method and path template: `GET /v2/cases/{case_id}`."""
        return f"{self.method} {self.path}"

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """The fields of its body and its query, by name."""
        hints = get_type_hints(self.function, include_extras=True)
        del hints["return"]
        if hints.pop("entity", None) is HasEntity:
            hints |= {"entity_type": EntityType, "entity_id": str}
        named = dict(self._as_sent(name, shape_of(one)) for name, one in hints.items())
        return {
            name: Parameter(shape, _is_personal(name, shape, shape_of(self.into)))
            for name, shape in named.items()
        }

    def _as_sent(self, name: str, shape: Shape) -> tuple[str, Shape]:
        """Return the field that a parameter is sent as: of a model or its id, only the id."""
        kinds = {type(one) for one in options(shape)}
        if shapes.Object not in kinds or shape_of(str) not in options(shape):
            return name, shape
        placeholder = re.search(r"\{(\w+)\}", self.path)
        return (placeholder[1] if placeholder else f"{name}_id"), shape_of(str)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches its paths."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))


def find(method: str, path: str) -> tuple[ApiOperation, dict[str, str]] | None:
    """Return the operation at a path and the values of its placeholders, or None."""
    for operation in _by_method(method):
        if match := operation.pattern.fullmatch(path):
            return operation, match.groupdict()
    return None


@cache
def _by_method(method: str) -> tuple[ApiOperation, ...]:
    """Return operations, starting with those whose paths have the fewest placeholders."""
    operations = (one for one in OPERATIONS if one.method == method)
    return tuple(sorted(operations, key=lambda one: one.path.count("{")))


def _is_personal(name: str, shape: Shape, response: Shape) -> bool:
    """Return whether a parameter is replaced: unless a model says that it is not personal.

    The models of the operation's response are consulted first. Enums, numbers and booleans are
    kept. An id is replaced unless it is a UUID, because only UUIDs are known to be Sikoia's.
    """
    if not any(one.type in _REPLACED for one in _values(shape)):
        return False
    if name.endswith("_id"):
        return True
    marks = _marks(response).get(name) or _all_marks().get(name) or {True}
    return True in marks


def _values(shape: Shape) -> Iterator[Shape]:
    """Yield the options of a value, and those of its items if it is a list."""
    for one in options(shape):
        yield from options(one.item) if isinstance(one, shapes.ListOf) else (one,)


@cache
def _marks(response: Shape) -> dict[str, set[bool]]:
    """Return whether string fields of the models in a response are personal, by name."""
    marks = dict[str, set[bool]]()
    for one in reachable(response):
        for field in one.fields if isinstance(one, shapes.Object) else ():
            if any(value.type is str for value in _values(field.shape)):
                marks.setdefault(field.name, set()).add(field.is_personal)
    return marks


@cache
def _all_marks() -> dict[str, set[bool]]:
    found = dict[str, set[bool]]()
    for operation in OPERATIONS:
        for name, marks in _marks(shape_of(operation.into)).items():
            found.setdefault(name, set()).update(marks)
    return found


_REPLACED: Final = frozenset({str, Standard.date, Standard.datetime, Any})
OPERATIONS: Final = tuple(ApiOperation(*row) for row in TABLE)
"""All operations except the one that issues access tokens."""
