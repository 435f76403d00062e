"""The arguments of a method as a JSON schema, and what it returns, from its signature."""

from __future__ import annotations

from types import GenericAlias
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from sikoia_async._schema import shapes
from sikoia_async.cli.api.docstrings import about_id
from sikoia_async.cli.api.names import ENTITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sikoia_async.cli.api.signatures import Method, Parameter

__all__ = ["arguments_schema", "returned", "shape_returned"]

_SCALARS: Final[Mapping[str, Any]] = {
    "day": {"type": "string", "format": "date"},
    "flag": {"type": "boolean"},
    "id": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "text": {"type": "string"},
    "entity": {
        "type": "object",
        "properties": {"type": {"enum": list(ENTITIES)}, "id": {"type": "string"}},
        "required": ["type", "id"],
        "additionalProperties": False,
    },
}
_RESULTS: Final[Mapping[str, str]] = {
    "items": "a list",
    "pages": "a list",
    "nothing": "nothing",
    "operation": "an operation with a token; wait_for_operation returns its result",
    "file": "a file",
    "model": "one result",
}


def arguments_schema(method: Method) -> dict[str, Any]:
    """Return the JSON schema of the arguments of a method."""
    definitions = dict[str, Any]()
    properties = {one.name: _schema(one, method, definitions) for one in method.parameters}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [one.name for one in method.parameters if one.is_required],
        "additionalProperties": False,
    }
    return schema | ({"$defs": definitions} if definitions else {})


def returned(method: Method) -> dict[str, Any]:
    """Return what a method returns, and the fields of the model that it returns or lists."""
    shape = shape_returned(method)
    found: dict[str, Any] = {"is": _RESULTS[method.result]}
    if isinstance(shape, shapes.Object):
        found |= {"model": shape.name, "fields": [field.name for field in shape.fields]}
    return found


def shape_returned(method: Method) -> shapes.Shape | None:
    """Return the shape of what a method returns or lists, or of the result of its operation."""
    model = method.item if method.result in {"items", "pages"} else method.model
    return None if model is None else shapes.shape_of(model)


def _schema(parameter: Parameter, method: Method, definitions: dict[str, Any]) -> dict[str, Any]:
    text = method.about.parameters[parameter.name]
    if parameter.kind == "id":
        text = about_id(text, is_list=parameter.is_list)
    return {"description": text} | _typed(parameter, definitions)


def _typed(parameter: Parameter, definitions: dict[str, Any]) -> dict[str, Any]:
    if parameter.model is not None:
        listed: Any = GenericAlias(list, (parameter.model,))
        schema = TypeAdapter[Any](listed).json_schema()
        definitions |= schema.pop("$defs", {})
        return schema
    if parameter.kind == "choice":
        known = {"enum": list(parameter.values)}
        item: dict[str, Any] = (
            {"anyOf": [known, {"type": "string"}]} if parameter.is_open else known
        )
    else:
        item = _SCALARS.get(parameter.kind, {"type": "string"})
    return {"type": "array", "items": item} if parameter.is_list else dict(item)
