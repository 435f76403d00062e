"""What the code says of itself, for the contract tests: resources, their methods, their models.

A method's verb, path and fields are read out of its source, so that no list has to be kept.
"""

import ast
import builtins
import inspect
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import attrs
import spec

import sikoia_async._client
from sikoia_async.models import field_types
from sikoia_async.operations.operation import Operation

__all__ = [
    "ENDPOINTS",
    "Endpoint",
    "alternatives",
    "ids",
    "items",
    "models_in",
    "needed_in",
]

_VERBS = {"post": "POST", "buy": "POST", "upload": "POST", "patch": "PATCH", "delete": "DELETE"}
_ENTITY = ("entity_type", "entity_id")


class Endpoint(NamedTuple):
    """A method of a resource, and what it calls."""

    resource: str
    """The property of the client, such as `cases`."""
    name: str
    function: Any
    method: str
    path: str
    into: Any
    """What the answer becomes."""
    ids: dict[str, set[str]]
    """What fills the path: its placeholders, and the names that each one is filled from."""
    body: dict[str, set[str]]
    """The fields of the body, and the names that each one is filled from."""
    query: dict[str, set[str]]
    """The same for the query."""

    @property
    def operation(self) -> spec.Operation:
        """The operation of the specification."""
        return spec.operation(self.method, self.path)

    @property
    def answers(self) -> list[tuple[Any, dict[str, Any]]]:
        """What its answers become, and the schema and example of each answer."""
        found = self.operation.responses.items()
        return [(self.into, answer) for status, answer in found if answer and status < 300]

    @property
    def is_task(self) -> bool:
        """Whether it gives an operation, whose first answer has no result yet."""
        return get_origin(get_type_hints(self.function)["return"]) is Operation

    def parameters(self) -> dict[str, tuple[Any, bool]]:
        """Return the parameters: each one's annotation, and whether it is required."""
        hints = get_type_hints(self.function, include_extras=True)
        return {
            name: (hints[name], one.default is inspect.Parameter.empty)
            for name, one in inspect.signature(self.function).parameters.items()
            if name != "self"
        }


def ids(endpoint: Endpoint) -> str:
    """Name an endpoint in a list of tests: `cases.create`."""
    return f"{endpoint.resource}.{endpoint.name}"


def _properties() -> Iterator[tuple[str, str, str]]:
    """Read the client's resources out of its source: property, module, class."""
    tree = ast.parse(Path(sikoia_async._client.__file__).read_text("utf-8"))
    for function in ast.walk(tree):
        match function:
            case ast.FunctionDef(name, body=[_, ast.ImportFrom(str(module), [imported]), _]) if (
                ".resources." in module and "._" not in module.removeprefix("sikoia_async._")
            ):
                yield name, module, imported.name
            case _:
                pass


def _endpoints(resource: str, found: type) -> Iterator[Endpoint]:
    module = import_module(found.__module__)
    tree = ast.parse(inspect.getsource(module))
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    body = next(node.body for node in classes if node.name == found.__name__)
    for function in body:
        if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
            written = getattr(found, function.name)
            for call in _calls(function):
                yield _endpoint(resource, module, written, function, call)


def _calls(function: ast.AST) -> Iterator[ast.Call]:
    """Return the calls in a function that are given a path."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and any(map(_path, node.args)):
            yield node


def _path(node: ast.AST) -> str:
    """Return the path that a piece of source is, if it is one."""
    match node:
        case ast.Constant(str(text)) if text.startswith("/"):
            return text
        case _:
            return ""


def _endpoint(
    resource: str, module: ModuleType, written: Any, function: ast.AST, call: ast.Call
) -> Endpoint:
    place = next(index for index, one in enumerate(call.args) if _path(one))
    path, rest = _path(call.args[place]), call.args[place + 1 :]
    keywords = {str(one.arg): one.value for one in call.keywords}
    in_path = {name: _names(one) for name, one in keywords.items() if f"{{{name}}}" in path}
    if "None" in keywords:  # **in_path(entity)
        in_path |= dict.fromkeys(_ENTITY, _names(keywords["None"]))
    query = _dicts(keywords["query"]) if "query" in keywords else {}
    return Endpoint(
        resource,
        written.__name__,
        written,
        _verb(call, place),
        path,
        _value(rest[0], module) if rest else NoneType,
        in_path,
        {name: one for name, one in _dicts(function).items() if name not in query},
        query,
    )


def _verb(call: ast.Call, place: int) -> str:
    match call:
        case ast.Call(args=[ast.Constant(str(verb)), *_]) if place == 1:
            return verb
        case ast.Call(ast.Attribute(_, name)):
            return _VERBS.get(name, "GET")
        case _:
            return "GET"


def _dicts(node: ast.AST) -> dict[str, set[str]]:
    """Read the fields of the dicts in a piece of source, and what each one is filled from."""
    found = dict[str, set[str]]()
    for one in ast.walk(node):
        if isinstance(one, ast.Dict):
            for key, value in zip(one.keys, one.values, strict=True):
                match key, value:
                    case None, ast.Call(ast.Name("in_body"), [given]):
                        found |= dict.fromkeys(_ENTITY, _names(given))
                    case None, ast.Call(ast.Name(), [], checked):  # **checked_texts(name=name)
                        found |= {str(one.arg): _names(one.value) for one in checked}
                    case ast.Constant(str(name)), _:
                        found[name] = _names(value)
                    case _:
                        msg = f"what is this: {ast.unparse(one)}"
                        raise AssertionError(msg)
    return found


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _value(node: ast.expr, module: ModuleType) -> Any:
    """Return the type that an expression names."""
    match node:
        case ast.Name(name):
            return vars(module).get(name) or vars(builtins)[name]
        case ast.Subscript(outer, inner):
            return _value(outer, module)[_value(inner, module)]
        case _:
            msg = f"no type: {ast.unparse(node)}"
            raise AssertionError(msg)


ENDPOINTS = [
    endpoint
    for resource, module, class_name in _properties()
    for endpoint in _endpoints(resource, getattr(import_module(module), class_name))
]


# Models.


def alternatives(annotation: Any) -> list[Any]:
    """Return what an annotation allows beside None."""
    found = get_args(annotation)
    if type(annotation).__name__ not in {"Union", "UnionType", "_UnionGenericAlias"}:
        return [annotation]
    return [one for one in found if one is not NoneType]


def items(annotations: Iterable[Any]) -> list[Any]:
    """Return what the lists among these annotations are lists of."""
    found = [one for one in annotations if get_origin(one) in {tuple, Sequence}]
    return [get_args(one)[0] for one in found]


@cache
def models_in(annotation: Any) -> tuple[Any, ...]:
    """Return the models that an annotation names, and those in them, each once."""
    found, left = dict[Any, None](), [annotation]
    while left:
        one = left.pop()
        if attrs.has(one) and one not in found:
            found[one] = None
            left += field_types(one).values()
        elif not attrs.has(one):
            left += [inner for inner in get_args(one) if not isinstance(inner, str)]
    return tuple(found)


def needed_in(annotation: Any) -> frozenset[str]:
    """Return the fields that the models in an annotation cannot do without."""
    return frozenset(
        field.name
        for model in models_in(annotation)
        for field in attrs.fields(model)
        if field.default is attrs.NOTHING
    )
