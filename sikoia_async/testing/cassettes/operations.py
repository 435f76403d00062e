"""The operations of the API, found by method and path, and what may stay of their requests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache, cached_property
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import attrs

from sikoia_async.models import EntityType, HasEntity, field_types
from sikoia_async.testing.cassettes.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["OPERATIONS", "Known", "Parameter", "alternatives", "find"]


@attrs.frozen
class Parameter:
    """A field of a request's body, or of its query."""

    type: Any
    personal: bool
    """Whether what stands in it is replaced."""


@attrs.frozen(slots=False, eq=False)
class Known:
    """An operation of the API."""

    method: str
    path: str
    """A template."""
    into: Any
    """What its answer becomes."""
    function: Callable[..., Any]
    """The method of a resource that calls it; its parameters are the fields of the request."""

    @property
    def name(self) -> str:
        """The operation as people write it: `GET /v2/cases/{case_id}`."""
        return f"{self.method} {self.path}"

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """The fields of its body and its query, by name."""
        hints = get_type_hints(self.function, include_extras=True)
        del hints["return"]
        if hints.pop("entity", None) is HasEntity:
            hints |= {"entity_type": EntityType, "entity_id": str}
        return {
            name: Parameter(one, _is_personal(name, one, self.into)) for name, one in hints.items()
        }

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What its paths look like."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))


def find(method: str, path: str) -> tuple[Known, dict[str, str]] | None:
    """Return the operation that is at a path, and what its path names; None where none is."""
    for known in _by_method(method):
        if found := known.pattern.fullmatch(path):
            return known, found.groupdict()
    return None


@cache
def _by_method(method: str) -> tuple[Known, ...]:
    """Return operations, those first whose paths leave the least open."""
    found = (one for one in OPERATIONS if one.method == method)
    return tuple(sorted(found, key=lambda one: one.path.count("{")))


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """Return what an annotation allows beside None."""
    if get_origin(annotation) in _UNIONS:
        return tuple(one for one in get_args(annotation) if one is not NoneType)
    return (annotation,)


def _is_personal(name: str, annotation: Any, into: Any) -> bool:
    """Tell whether what is sent under a name is to be replaced: if no model says that it may stay.

    The models of the operation's answer are asked first. Kinds, numbers and truths may stay. Of an
    id that somebody gives, only a UUID can be one of Sikoia's.
    """
    if not _HIDING & {*alternatives(annotation), *_items(annotation)}:
        return False
    if name.endswith("_id"):
        return True
    marks = _marks(into).get(name) or _all_marks().get(name) or {True}
    return True in marks


def _items(annotation: Any) -> Iterator[Any]:
    for one in alternatives(annotation):
        if get_origin(one) in {tuple, Sequence}:
            yield get_args(one)[0]


@cache
def _marks(into: Any) -> dict[str, set[bool]]:
    """Return whether fields of text are personal, by name, in the models that a type names."""
    found, seen, left = dict[str, set[bool]](), set[Any](), [into]
    while left:
        one = left.pop()
        if not attrs.has(one):
            left += get_args(one) if get_origin(one) is not Annotated else ()
        elif one not in seen:
            seen.add(one)
            for name, annotation in field_types(one).items():
                left += alternatives(annotation)
                if str in {*alternatives(annotation), *_items(annotation)}:
                    is_personal = bool(getattr(attrs.fields(one), name).metadata.get("personal"))
                    found.setdefault(name, set()).add(is_personal)
    return found


@cache
def _all_marks() -> dict[str, set[bool]]:
    found = dict[str, set[bool]]()
    for known in OPERATIONS:
        for name, marks in _marks(known.into).items():
            found.setdefault(name, set()).update(marks)
    return found


_UNIONS: Final = {Union, UnionType}
_HIDING: Final = frozenset({str, date, datetime, Any})
OPERATIONS: Final = tuple(Known(*row) for row in TABLE)
"""All operations but the one for tokens."""
