"""The methods of the resources, and the arguments that a command line has for each parameter."""

from __future__ import annotations

import inspect
import types
from collections.abc import Sequence
from datetime import date
from importlib import import_module
from os import PathLike
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs

from sikoia_async._calls.operations import OPERATIONS
from sikoia_async.cli.api.docstrings import About, about
from sikoia_async.models import HasEntity, Items, Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sikoia_async import Sikoia

__all__ = ["Method", "Parameter", "methods_of"]

Kind = Literal[
    "choice", "day", "entity", "file", "flag", "id", "integer", "models", "number", "text"
]
Result = Literal["file", "items", "model", "nothing", "operation", "pages"]

_ALIASES: Final = {"find": "request"}
"""Methods that make the operation of another one."""
_SCALARS: Final[dict[Any, Kind]] = {
    bool: "flag",
    int: "integer",
    float: "number",
    date: "day",
    str: "text",
}


@attrs.frozen(kw_only=True)
class Parameter:
    """A parameter of a method."""

    name: str
    kind: Kind
    is_subject: bool = False
    """Whether it comes first, and is positional."""
    is_required: bool = False
    is_list: bool = False
    values: tuple[str, ...] = ()
    """What a choice can be."""
    is_open: bool = False
    """Whether it can be something else too."""
    model: type[Any] | None = None

    @property
    def flag(self) -> str:
        """The name of its option."""
        return f"--{self.name.replace('_', '-')}"


@attrs.frozen(kw_only=True)
class Method:
    """A method of a resource."""

    resource: str
    name: str
    parameters: tuple[Parameter, ...]
    returns: Any
    about: About

    @property
    def command(self) -> str:
        """The name of its command."""
        return self.name.replace("_", "-")

    @property
    def full_name(self) -> str:
        """Its name with that of the resource, such as `credit_reports.find`."""
        return f"{self.resource}.{self.name}"

    @property
    def operation(self) -> str:
        """The operation that it makes, such as `identity.request`."""
        return f"{self.resource}.{_ALIASES.get(self.name, self.name)}"

    @property
    def may_cost(self) -> bool:
        """Whether a call may cost credits or money."""
        return any(one.may_cost for one in OPERATIONS if one.name == self.operation)

    @property
    def result(self) -> Result:
        """What it returns."""
        if self.returns is type(None):
            return "nothing"
        if self.returns is bytes:
            return "file"
        origin = getattr(get_origin(self.returns), "__name__", "")
        named: dict[str, Result] = {
            "Items": "items",
            "Pages": "pages",
            "Operation": "operation",
            "RequestedOperation": "operation",
        }
        return named.get(origin, "items" if _is_list(self.returns) else "model")

    @property
    def item(self) -> Any:
        """The model that the list has which it returns."""
        listed: Any = self.returns
        if isinstance(listed, type):  # such as `class Matches(Items[RegistryMatch])`
            (listed,) = vars(listed)["__orig_bases__"]
        return get_args(listed)[-1]

    @property
    def model(self) -> Any:
        """The model that it returns, or that its operation gives; None for lists and files."""
        if self.result == "model":
            return next(iter(_options(self.returns)))
        given = get_args(self.returns)[0] if self.result == "operation" else None
        return given if isinstance(given, type) else None

    def of(self, sikoia: Sikoia) -> Callable[..., Any]:
        """Return the method of a client."""
        function: Callable[..., Any] = getattr(getattr(sikoia, self.resource), self.name)
        return function

    def listed(self, items: Iterable[Any]) -> Items[Any]:
        """Return items as a list that knows its type, so that CSV has columns if it is empty."""
        kind: Any = types.GenericAlias(Items, (self.item,))
        listed: Items[Any] = kind(items)
        return listed


def methods_of(resource: str) -> Iterator[Method]:
    """Yield the methods of a resource that commands can have.

    The others have a parameter that only Python can express, such as a `ReplayGuard`.

    Args:
        resource: the name of an attribute of `Sikoia`.
    """
    module = import_module(f"sikoia_async.resources.{resource}")
    kind = getattr(module, "".join(part.capitalize() for part in resource.split("_")))
    members: dict[str, Any] = {**vars(kind)}
    for name, member in members.items():
        if name.startswith("_"):
            continue
        function: Any = inspect.unwrap(member)
        hints = get_type_hints(function, include_extras=True)
        found_about = about(function)
        signature = [
            one
            for one in list(inspect.signature(function).parameters.values())[1:]
            if not found_about.parameters[one.name].startswith("deprecated")
        ]
        found = [_parameter(one, hints[one.name]) for one in signature]
        needed = [one.default is one.empty for one in signature]
        if any(one is None and is_needed for one, is_needed in zip(found, needed, strict=True)):
            continue
        yield Method(
            resource=resource,
            name=name,
            parameters=tuple(one for one in found if one is not None),
            returns=hints["return"],
            about=found_about,
        )


def _parameter(parameter: inspect.Parameter, hint: Any) -> Parameter | None:
    """Return what the command line has for a parameter; None if it can have nothing."""
    options = list(_options(hint))
    lists = [one for one in options if get_origin(one) is Sequence]
    items = list(_options(get_args(lists[0])[0])) if lists else options
    given = _given(items)
    if given is None or (given["kind"] == "models" and not lists):
        return None
    return Parameter(
        name=parameter.name,
        is_subject=parameter.kind is not parameter.KEYWORD_ONLY,
        is_required=parameter.default is parameter.empty,
        is_list=bool(lists),
        **given,
    )


def _given(options: list[Any]) -> dict[str, Any] | None:
    """Return the kind of a parameter that takes any of these types."""
    for kind, type_ in (("entity", HasEntity), ("file", bytes)):
        if type_ in options:
            return {"kind": kind}
    models = [one for one in options if isinstance(one, type) and issubclass(one, Model)]
    if models and int not in options:
        return {"kind": "id"} if str in options else {"kind": "models", "model": models[0]}
    for one in options:
        if get_origin(one) is Annotated:
            return {"kind": "choice", "values": get_args(one.__metadata__[0]), "is_open": True}
        if get_origin(one) is Literal:
            return {"kind": "choice", "values": get_args(one)}
    scalars = [one for one in options if one in _SCALARS]
    # A path, which the command has another option for, can be a string too.
    is_path = any(get_origin(one) is PathLike for one in options)
    return {"kind": _SCALARS[scalars[0]]} if scalars and not is_path else None


def _is_list(kind: Any) -> bool:
    """Return whether a class is a list of models."""
    return isinstance(kind, type) and issubclass(kind, Items)


def _options(hint: Any) -> Iterator[Any]:
    """Yield the types of a union, without None."""
    if get_origin(hint) in {Union, types.UnionType}:
        yield from (one for one in get_args(hint) if one is not type(None))
    else:
        yield hint
