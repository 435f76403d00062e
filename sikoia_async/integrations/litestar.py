"""Models of the SDK as bodies and responses of Litestar: validation, and OpenAPI schemas.

    from litestar import Litestar, post
    from litestar.params import JSONBody
    from sikoia_async.integrations.litestar import ModelsPlugin

    app = Litestar([add_person], plugins=[ModelsPlugin()])

Litestar also reads and writes models without the plugin, but then it does not validate ids and
codes, and its schemas have neither the values of enums nor the pattern of decimals.
"""

from __future__ import annotations

from decimal import Decimal
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin

import attrs

from sikoia_async._errors import ArgumentError
from sikoia_async._export.dicts import to_plain
from sikoia_async._export.restore import DECIMAL_PATTERN, RestoreError, read_text, try_restore
from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import Shape, shape_of
from sikoia_async.integrations._extras import Extra
from sikoia_async.models import Entity, Items, Model

with Extra("litestar"):
    from litestar.dto import AbstractDTO
    from litestar.exceptions import ValidationException
    from litestar.openapi.spec import OpenAPIType, Schema
    from litestar.params import Parameter
    from litestar.plugins import OpenAPISchemaPlugin, SerializationPlugin
    from litestar.typing import FieldDefinition

if TYPE_CHECKING:
    from collections.abc import Generator

    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.openapi.spec import Reference

__all__ = ["ModelsPlugin"]


class ModelsPlugin(SerializationPlugin, OpenAPISchemaPlugin):
    """Lets Litestar validate, serialise and describe models as the SDK does.

    It applies to models and `Entity`, and to lists of them: `Items[...]`, `list[...]` and
    `tuple[..., ...]`. An invalid body gets a 400 that names the fields and repeats no value.
    """

    def supports_type(self, field_definition: FieldDefinition) -> bool:
        """Return whether a body or a response is a model or a list of models."""
        return _is_ours(field_definition.annotation)

    def create_dto_for_type(self, field_definition: FieldDefinition) -> type[AbstractDTO[Any]]:
        """Return the class that reads and writes a body or a response."""
        fields = {"model_type": field_definition.annotation}
        return type("ModelsDTO", (_ModelsDTO,), fields)

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        """Return whether a type is a model."""
        return isinstance(value, type) and issubclass(value, Model | Entity)

    def to_openapi_schema(
        self, field_definition: FieldDefinition, schema_creator: SchemaCreator
    ) -> Schema:
        """Return the schema of a model."""
        kind: Any = field_definition.annotation
        fields = attrs.fields(kind)
        shape: Any = shape_of(kind)
        schema = schema_creator.create_component_schema(
            field_definition,
            required=[field.name for field in fields if field.default is attrs.NOTHING],
            property_fields={
                field.name: FieldDefinition.from_kwarg(_annotation(field.shape), field.name)
                for field in shape.fields
            },
        )
        opened = {field.name: _open_enum(field.shape) for field in shape.fields}
        schema.properties = {
            name: opened.get(name) or one for name, one in (schema.properties or {}).items()
        }
        return schema


class _ModelsDTO(AbstractDTO[Any]):
    """Reads and writes what is of one type."""

    def decode_builtins(self, value: Any) -> Any:
        try:
            return try_restore(value, self.model_type)
        except RestoreError as error:
            problems = error.problems
        extra = [
            {"message": one.message, "key": ".".join(map(str, one.steps)), "source": "body"}
            for one in problems
        ]
        detail = "the body does not fit"
        raise ValidationException(detail, extra=extra)

    def decode_bytes(self, value: bytes) -> Any:
        try:
            plain = read_text(value, self.model_type)
        except ArgumentError as error:
            detail = str(error)
        else:
            return self.decode_builtins(plain)
        raise ValidationException(detail)

    def data_to_encodable_type(self, data: Any) -> Any:
        return to_plain(data, None, masked=False, only=None, exclude=None)

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        """Do nothing: no other class is needed to transfer the values."""

    @classmethod
    def create_openapi_schema(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,  # noqa: ARG003 - Litestar's signature
        schema_creator: SchemaCreator,
    ) -> Reference | Schema:
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def generate_field_definitions(
        cls,
        model_type: type[Any],  # noqa: ARG003 - Litestar's signature
    ) -> Generator[Any, None, None]:
        yield from ()

    @classmethod
    def detect_nested_field(
        cls,
        field_definition: FieldDefinition,  # noqa: ARG003 - Litestar's signature
    ) -> bool:
        return False


def _is_ours(annotation: Any) -> bool:
    if get_origin(annotation) in _LISTS:
        return _is_ours(get_args(annotation)[0])
    return ModelsPlugin.is_plugin_supported_type(annotation)


def _annotation(shape: Shape) -> Any:
    """Return the annotation by which Litestar describes a field."""
    match shape:
        case shapes.Optional():
            return _annotation(shape.inner) | None
        case shapes.ListOf():
            return GenericAlias(list, (_annotation(shape.item),))
        case shapes.OneOf():
            return Union[tuple(map(_annotation, shape.alternatives))]  # noqa: UP007 - at run time
        case shapes.OpenEnum():
            return str
        case _:
            return _DECIMAL if shape.type is Decimal else shape.type


def _open_enum(shape: Shape) -> Schema | None:
    """Return the schema of an enum that may grow. Litestar's own of a union allows one match."""
    (option, *_) = shapes.options(shape)
    if not isinstance(option, shapes.OpenEnum):
        return None
    text = OpenAPIType.STRING
    any_of = [Schema(type=text, enum=list(option.values)), Schema(type=text)]
    if isinstance(shape, shapes.Optional):
        any_of.append(Schema(type=OpenAPIType.NULL))
    return Schema(any_of=any_of)


_LISTS: Final = (Items, list, tuple)
_DECIMAL: Final = Annotated[str, Parameter(pattern=DECIMAL_PATTERN)]
