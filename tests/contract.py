"""Resources, their methods and their models, read from the source for the contract tests.

A method's verb, path and fields come from its source code, so that no list has to be maintained.
"""

import ast
import builtins
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import attrs
import spec

import sikoia_async._client
from sikoia_async._schema.shapes import field_types
from sikoia_async.operations.operation import Operation, RequestedOperation

__all__ = [
    "ENDPOINTS",
    "Endpoint",
    "alternatives",
    "ids",
    "is_subject",
    "items",
    "models_in",
    "needed_in",
]

_RESOURCES = "sikoia_async.resources."
_VERBS = {"post": "POST", "buy": "POST", "upload": "POST", "patch": "PATCH", "delete": "DELETE"}
_ENTITY = ("entity_type", "entity_id")


class Endpoint(NamedTuple):
    """A method of a resource and the operation it calls."""

    resource: str
    """The property of the client, such as `cases`."""
    name: str
    function: Any
    method: str
    path: str
    into: Any
    """The type that the response is decoded into."""
    ids: dict[str, set[str]]
    """The placeholders of the path, each with the variables that fill it."""
    body: dict[str, set[str]]
    """The fields of the body, each with the variables that fill it."""
    query: dict[str, set[str]]
    """The query parameters, each with the variables that fill it."""

    @property
    def operation(self) -> spec.Operation:
        """The operation in the specification."""
        return spec.operation(self.method, self.path)

    @property
    def successes(self) -> list[tuple[Any, dict[str, Any]]]:
        """The type and the media type, with schema and example, of each 2xx response."""
        responses = self.operation.responses.items()
        return [(self.into, media) for status, media in responses if media and status < 300]

    @property
    def is_task(self) -> bool:
        """Whether the method returns an operation, whose first response has no result yet."""
        return get_origin(get_type_hints(self.function)["return"]) in {
            Operation,
            RequestedOperation,
        }

    def parameters(self) -> dict[str, tuple[Any, bool]]:
        """Return the annotation of each parameter, and whether it is required."""
        hints = get_type_hints(self.function, include_extras=True)
        return {
            name: (hints[name], parameter.default is inspect.Parameter.empty)
            for name, parameter in inspect.signature(self.function).parameters.items()
            if name != "self"
        }

    def call(self, client: Any, arguments: Mapping[str, Any]) -> Any:
        """Call the method with arguments by name, also those that are positional-only."""
        kinds = inspect.signature(self.function).parameters.items()
        positional = [name for name, one in kinds if one.kind is one.POSITIONAL_ONLY][1:]
        named = {name: one for name, one in arguments.items() if name not in positional}
        method = getattr(getattr(client, self.resource), self.name)
        return method(*(arguments[name] for name in positional), **named)

    def sent_as(self, name: str) -> str:
        """Return the field that a parameter is sent as: the id of a subject, `case_id`."""
        if not is_subject(self.parameters()[name][0]):
            return name
        fields = {**self.ids, **self.body, **self.query}
        return next(field for field, filled_from in fields.items() if name in filled_from)


def is_subject(annotation: Any) -> bool:
    """Return whether a parameter takes a model or its id."""
    return str in alternatives(annotation) and any(map(attrs.has, alternatives(annotation)))


def ids(endpoint: Endpoint) -> str:
    """Return an endpoint's name for a parametrised test: `cases.create`."""
    return f"{endpoint.resource}.{endpoint.name}"


def _properties() -> Iterator[tuple[str, str, str]]:
    """Yield the client's resources from its source: property, module and class."""
    tree = ast.parse(Path(sikoia_async._client.__file__).read_text("utf-8"))
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name, body=[_, ast.ImportFrom(str(module), [imported]), _]) if (
                _is_resource(module)
            ):
                yield name, module, imported.name
            case _:
                pass


def _is_resource(module: str) -> bool:
    """Return whether a module is that of a resource, and not one of their private helpers."""
    return module.startswith(_RESOURCES) and not module.startswith(f"{_RESOURCES}_")


def _endpoints(resource: str, cls: type) -> Iterator[Endpoint]:
    # The package of a resource may re-export its class from one of its modules.
    module = import_module(cls.__module__)
    tree = ast.parse(inspect.getsource(module))
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    body = next(node.body for node in classes if node.name == cls.__name__)
    for node in body:
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
            function = getattr(cls, node.name)
            for call in _calls(node):
                yield _endpoint(resource, module, function, node, call)


def _calls(function: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls in a function that have a path among their arguments."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and any(map(_path, node.args)):
            yield node


def _path(node: ast.AST) -> str:
    """Return the path if a node is a literal path, otherwise an empty string."""
    match node:
        case ast.Constant(str(literal)) if literal.startswith("/"):
            return literal
        case _:
            return ""


def _endpoint(
    resource: str, module: ModuleType, function: Any, source: ast.AST, call: ast.Call
) -> Endpoint:
    position = next(index for index, argument in enumerate(call.args) if _path(argument))
    path, rest = _path(call.args[position]), call.args[position + 1 :]
    keywords = {str(keyword.arg): keyword.value for keyword in call.keywords}
    in_path = {name: _names(value) for name, value in keywords.items() if f"{{{name}}}" in path}
    if "None" in keywords:  # **in_path(entity)
        in_path |= dict.fromkeys(_ENTITY, _names(keywords["None"]))
    query = _fields(keywords["query"]) if "query" in keywords else {}
    return Endpoint(
        resource,
        function.__name__,
        function,
        _verb(call, position),
        path,
        _type(rest[0], module) if rest else NoneType,
        in_path,
        {name: names for name, names in _fields(source).items() if name not in query},
        query,
    )


def _verb(call: ast.Call, position: int) -> str:
    match call:
        case ast.Call(args=[ast.Constant(str(verb)), *_]) if position == 1:
            return verb
        case ast.Call(ast.Attribute(_, name)):
            return _VERBS.get(name, "GET")
        case _:
            return "GET"


def _fields(source: ast.AST) -> dict[str, set[str]]:
    """Return the keys of the dicts in a piece of source, each with the variables that fill it."""
    fields = dict[str, set[str]]()
    for node in ast.walk(source):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                match key, value:
                    case None, ast.Call(ast.Name("in_body"), [entity]):
                        fields |= dict.fromkeys(_ENTITY, _names(entity))
                    case None, ast.Call(ast.Name(), _, keywords):  # **validate_strings(name=name)
                        fields |= {str(one.arg): _names(one.value) for one in keywords}
                    case ast.Constant(str(name)), _:
                        fields[name] = _names(value)
                    case _:
                        msg = f"cannot read the fields of {ast.unparse(node)}"
                        raise AssertionError(msg)
    return fields


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _type(node: ast.expr, module: ModuleType) -> Any:
    """Return the type that an expression names."""
    match node:
        case ast.Name(name):
            return vars(module).get(name) or vars(builtins)[name]
        case ast.Subscript(outer, inner):
            return _type(outer, module)[_type(inner, module)]
        case _:
            msg = f"not a type: {ast.unparse(node)}"
            raise AssertionError(msg)


ENDPOINTS = [
    endpoint
    for resource, module, class_name in _properties()
    for endpoint in _endpoints(resource, getattr(import_module(module), class_name))
]


# Models.


def alternatives(annotation: Any) -> list[Any]:
    """Return the alternatives of an annotation, except None."""
    if type(annotation).__name__ not in {"Union", "UnionType", "_UnionGenericAlias"}:
        return [annotation]
    return [one for one in get_args(annotation) if one is not NoneType]


def items(annotations: Iterable[Any]) -> list[Any]:
    """Return the item types of the lists among some annotations."""
    lists = [one for one in annotations if get_origin(one) in {tuple, Sequence}]
    return [get_args(one)[0] for one in lists]


@cache
def models_in(annotation: Any) -> tuple[Any, ...]:
    """Return the models in an annotation, at any depth, each once."""
    models, todo = dict[Any, None](), [annotation]
    while todo:
        one = todo.pop()
        if attrs.has(one) and one not in models:
            models[one] = None
            todo += field_types(one).values()
        elif not attrs.has(one):
            todo += [inner for inner in get_args(one) if not isinstance(inner, str)]
    return tuple(models)


def needed_in(annotation: Any) -> frozenset[str]:
    """Return the names of the required fields of the models in an annotation."""
    return frozenset(
        field.name
        for model in models_in(annotation)
        for field in attrs.fields(model)
        if field.default is attrs.NOTHING
    )
