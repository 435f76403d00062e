"""The operations that `sikoia batch` makes for each row, and their parameters."""

from __future__ import annotations

import inspect
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin, get_type_hints

import attrs

from sikoia_async._validation import validate_id
from sikoia_async.errors import ArgumentError
from sikoia_async.models import Entity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sikoia_async import Sikoia

__all__ = ["OPERATIONS", "Arguments", "BatchOperation"]

Subject = Literal["company_id", "person_id", "entity"]


@attrs.frozen
class Arguments:
    """The arguments of one call."""

    subject: str | Entity
    options: Mapping[str, Any]


@attrs.frozen
class BatchOperation:
    """A chargeable operation that a batch makes for each row."""

    command: str
    resource: str
    method: str
    subject: Subject
    is_awaited: bool = True
    """Whether the result is awaited. An identity check waits for the person instead."""

    @property
    def name(self) -> str:
        """The name of the operation, such as `credit_reports.request`."""
        return f"{self.resource}.{self.method}"

    @property
    def subjects(self) -> tuple[str, ...]:
        """The columns that say what a row is about: one of them is required."""
        if self.subject == "entity":
            return ("person_id", "company_id", "case_id", "entity_id")
        return (self.subject,)

    def options(self) -> dict[str, type]:
        """Return the other parameters of the method, with the type of their values."""
        method = self._function()
        hints = get_type_hints(method)
        return {
            name: _plain_type(hints[name])
            for name, parameter in inspect.signature(method).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }

    def columns(self) -> tuple[str, ...]:
        """Return all columns that mean something."""
        more = ("entity_type",) if self.subject == "entity" else ()
        return (*self.subjects, *more, *self.options())

    def bound(self, sikoia: Sikoia) -> Callable[..., Awaitable[Any]]:
        """Return the method of a client."""
        method: Callable[..., Awaitable[Any]] = getattr(getattr(sikoia, self.resource), self.method)
        return method

    def arguments(self, row: Mapping[str, Any]) -> Arguments:
        """Return the arguments for a row. Empty fields are left out.

        Raises:
            ArgumentError: a value is missing or not valid; the message begins with its column.
        """
        given = {name: value for name, value in row.items() if value is not None and value != ""}
        options = {
            name: _value(name, given[name], kind)
            for name, kind in self.options().items()
            if name in given
        }
        return Arguments(self._subject(given), options)

    def _subject(self, given: Mapping[str, Any]) -> str | Entity:
        found = [name for name in self.subjects if name in given]
        if len(found) != 1:
            problem = "missing" if not found else f"given, but so is {found[1]}"
            msg = f"{found[0] if found else self.subjects[0]}: {problem}"
            raise ArgumentError(msg)
        name = found[0]
        id_ = validate_id(name, given[name])
        if self.subject != "entity":
            return id_
        kind: Any = given.get("entity_type") if name == "entity_id" else name.removesuffix("_id")
        if kind not in _ENTITY_TYPES:
            msg = f"entity_type: expected one of {', '.join(_ENTITY_TYPES)}"
            raise ArgumentError(msg)
        return Entity(kind, id_)

    def _function(self) -> Any:
        module = import_module(f"sikoia_async.resources.{self.resource}")
        name = "".join(part.capitalize() for part in self.resource.split("_"))
        return getattr(getattr(module, name), self.method)


_ENTITY_TYPES: Final = ("case", "company", "person")

OPERATIONS: Final = {
    one.command: one
    for one in (
        BatchOperation("credit-reports", "credit_reports", "request", "company_id"),
        BatchOperation("company-registry", "company_registry", "request", "company_id"),
        BatchOperation("online-data", "online_data", "request", "company_id"),
        BatchOperation("identity", "identity", "request", "person_id", is_awaited=False),
        BatchOperation("income", "income", "request", "entity"),
        BatchOperation("affordability", "affordability", "request", "entity"),
        BatchOperation(
            "peps-sanctions", "screening", "search_peps_sanctions", "entity", is_awaited=False
        ),
        BatchOperation(
            "adverse-media", "screening", "search_adverse_media", "entity", is_awaited=False
        ),
    )
}
"""The operations, by command."""


def _plain_type(hint: Any) -> type:
    """Return the type of a value that a row can give: a string if there are several."""
    kinds = [get_origin(one) or one for one in get_args(hint) or (hint,)]
    return next((one for one in kinds if one in _READERS), str)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return _BOOLEANS[str(value).strip().lower()]


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _day(value: Any) -> date:
    return date.fromisoformat(str(value).strip())


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


_BOOLEANS: Final = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
_READERS: Final[dict[type, tuple[Callable[[Any], Any], str]]] = {
    bool: (_boolean, "true or false"),
    date: (_day, "a date such as 1980-12-31"),
    float: (_number, "a number"),
    str: (_string, "a string"),
}


def _value(name: str, value: Any, kind: type) -> Any:
    read, expected = _READERS[kind]
    try:
        return read(value)
    except (KeyError, TypeError, ValueError):
        msg = f"{name}: expected {expected}"
        raise ArgumentError(msg) from None
