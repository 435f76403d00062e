"""Models as types of pydantic 2, and so of FastAPI: validation, serialisation and JSON schema.

pydantic calls this when it meets one of our classes, so it is installed by then. The schema of a
model describes its fields for JSON schema only: the values are validated by `restore`, whose errors
name the fields without the values, and are exported by `dicts`.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import EllipsisType, GenericAlias
from typing import Any, Final, cast, get_args

import attrs

from sikoia_async._export.dicts import MASK, to_plain
from sikoia_async._export.restore import DECIMAL_PATTERN, Problem, RestoreError, try_restore
from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import Shape, shape_of
from sikoia_async._schema.standard import Standard

__all__ = ["list_schema", "model_schema"]


def model_schema(kind: Any) -> Any:
    """Return the core schema of an attrs class, with those of the classes in its fields."""
    from pydantic_core import core_schema  # noqa: PLC0415 - installed if pydantic asks

    definitions: dict[str, Any] = {}
    schema = _Builder(core_schema, definitions).of(shape_of(kind))
    return core_schema.definitions_schema(schema, list(definitions.values()))


def list_schema(kind: Any, source: Any, handler: Any) -> Any:
    """Return the core schema of `Items[...]`.

    Args:
        kind: the class `Items`.
        source: the annotation, such as `Items[CaseSummary]`.
        handler: pydantic's, which makes the schema of an item.
    """
    from pydantic_core import core_schema  # noqa: PLC0415 - installed if pydantic asks

    item: Any = next(iter(get_args(source)), Any)
    inner = core_schema.tuple_variable_schema(handler.generate_schema(item))
    make: Any = GenericAlias(kind, (item,))

    def validate(value: Any, validate_items: Callable[[Any], tuple[Any, ...]]) -> Any:
        if not isinstance(value, list | tuple):
            raise _error(kind, [Problem((), "expected a list")])
        given = cast("tuple[Any, ...]", value)
        items = validate_items(value)
        is_same = isinstance(value, kind) and all(map(_is, given, items))
        return given if is_same else make(items)

    return core_schema.no_info_wrap_validator_function(validate, inner)


def _is(one: object, other: object) -> bool:
    return one is other


@attrs.frozen
class _Builder:
    core: Any
    """The module `pydantic_core.core_schema`."""
    definitions: dict[str, Any]
    """The schemas of classes, by reference."""

    def of(self, shape: Shape) -> Any:  # noqa: PLR0911 - one for each shape
        """Return the schema of a shape."""
        core = self.core
        match shape:
            case shapes.Optional():
                return core.nullable_schema(self.of(shape.inner))
            case shapes.Object():
                return core.definition_reference_schema(self.reference(shape))
            case shapes.ListOf():
                return core.list_schema(self.of(shape.item))
            case shapes.OneOf():
                return core.union_schema(list(map(self.of, shape.alternatives)))
            case shapes.OpenEnum(_, values):
                return core.union_schema([core.literal_schema(list(values)), core.str_schema()])
            case shapes.Choice(_, values):
                return core.literal_schema(list(values))
            case _:
                return _SCALARS.get(shape.type, _any)(core)

    def reference(self, shape: shapes.Object) -> str:
        """Return the reference of a class. pydantic makes names of it, which do not clash."""
        kind = shape.type
        reference = f"{kind.__module__}.{kind.__qualname__}:{id(kind)}"
        if reference not in self.definitions:
            self.definitions[reference] = {}  # a class may contain itself
            self.definitions[reference] = self.object(shape, reference)
        return reference

    def object(self, shape: shapes.Object, reference: str) -> Any:
        """Return the schema of a class."""
        core, kind = self.core, shape.type
        defaults = {field.name: field.default for field in attrs.fields(kind) if field.init}
        fields = {
            field.name: self.field(field.shape, defaults[field.name])
            for field in shape.fields
            if field.name in defaults
        }
        described = core.typed_dict_schema(fields, cls=kind, config={"title": shape.name})
        return core.no_info_wrap_validator_function(
            _validator(kind),
            described,
            ref=reference,
            serialization=core.plain_serializer_function_ser_schema(
                _serializer(kind), info_arg=True
            ),
        )

    def field(self, shape: Shape, default: Any) -> Any:
        """Return the schema of a field."""
        schema = self.of(shape)
        if default is attrs.NOTHING:
            return self.core.typed_dict_field(schema, required=True)
        if isinstance(default, bool | int | str | tuple | None):
            schema = self.core.with_default_schema(schema, default=default)
        return self.core.typed_dict_field(schema, required=False)


def _validator(kind: Any) -> Callable[[Any, object], Any]:
    def validate(value: Any, _: object) -> Any:
        try:
            return try_restore(value, kind)
        except RestoreError as error:
            problems = error.problems
        raise _error(kind, problems)

    return validate


def _error(kind: Any, problems: list[Problem]) -> Exception:
    """Return pydantic's error, which has no value as its input."""
    from pydantic_core import (  # noqa: PLC0415 - installed if pydantic asks
        InitErrorDetails,
        PydanticCustomError,
        ValidationError,
    )

    details: list[InitErrorDetails] = []
    for one in problems:
        message: Any = one.message
        kind_of_error = "missing" if one.is_missing else PydanticCustomError("value_error", message)
        details.append(InitErrorDetails(type=kind_of_error, loc=one.steps, input=MASK))
    return ValidationError.from_exception_data(kind.__name__, details)


def _serializer(kind: Any) -> Callable[[Any, Any], Any]:
    shape = shape_of(kind)

    def serialize(value: Any, info: Any) -> Any:
        if not attrs.has(value.__class__):
            return value
        if info.mode == "json":
            plain = to_plain(value, None, masked=False, only=None, exclude=None)
        else:
            plain = attrs.asdict(value)
        plain = _picked(_declared(plain, shape), _Selection(info.include, info.exclude))
        return _without_none(plain) if info.exclude_none else plain

    return serialize


def _declared(plain: Any, shape: Shape) -> Any:
    """Leave out the fields that only a subclass has: they are not in the JSON schema."""
    match shape:
        case shapes.Optional():
            return _declared(plain, shape.inner)
        case shapes.ListOf() if isinstance(plain, list | tuple):
            items = cast("list[Any]", plain)
            make: Any = tuple if isinstance(plain, tuple) else list
            return make(_declared(item, shape.item) for item in items)
        case shapes.Object() if isinstance(plain, dict):
            fields = {field.name: field.shape for field in shape.fields}
            return {
                name: _declared(part, fields[name])
                for name, part in cast("dict[str, Any]", plain).items()
                if name in fields
            }
        case _:
            return plain


@attrs.frozen
class _Selection:
    """What pydantic is to include and exclude: sets, or mappings by name, index or `__all__`."""

    include: Any
    exclude: Any

    def has(self, name: object) -> bool:
        """Return whether a field or an item is wanted."""
        is_included = self.include is None or name in self.include or "__all__" in self.include
        return is_included and not _is_whole(self.exclude, name)

    def inside(self, name: object) -> "_Selection":
        """Return what is wanted of a field or an item."""
        return _Selection(_inside(self.include, name), _inside(self.exclude, name))


def _is_whole(selection: Any, name: object) -> bool:
    """Return whether a selection has all of a field or an item."""
    for one in (name, "__all__"):
        if selection is not None and one in selection:
            is_mapping = isinstance(selection, Mapping)
            return not is_mapping or isinstance(selection[one], bool | EllipsisType)
    return False


def _inside(selection: Any, name: object) -> Any:
    if not isinstance(selection, Mapping) or _is_whole(selection, name):
        return None
    by_name = cast("Mapping[object, Any]", selection)
    return by_name.get(name, by_name.get("__all__"))


def _picked(plain: Any, selection: _Selection) -> Any:
    if selection.include is None and selection.exclude is None:
        return plain
    if isinstance(plain, dict):
        return {
            name: _picked(part, selection.inside(name))
            for name, part in cast("dict[str, Any]", plain).items()
            if selection.has(name)
        }
    if isinstance(plain, list | tuple):
        return [
            _picked(part, selection.inside(index))
            for index, part in enumerate(cast("list[Any]", plain))
            if selection.has(index)
        ]
    return plain


def _without_none(plain: Any) -> Any:
    if isinstance(plain, dict):
        entries = cast("dict[str, Any]", plain).items()
        return {name: _without_none(part) for name, part in entries if part is not None}
    if isinstance(plain, list | tuple):
        return [_without_none(part) for part in cast("list[Any]", plain)]
    return plain


def _any(core: Any) -> Any:
    return core.any_schema()


_SCALARS: Final[Mapping[Any, Callable[[Any], Any]]] = {
    str: lambda core: core.str_schema(),
    int: lambda core: core.int_schema(),
    float: lambda core: core.float_schema(),
    bool: lambda core: core.bool_schema(),
    Decimal: lambda core: core.str_schema(pattern=DECIMAL_PATTERN),
    Standard.date: lambda core: core.date_schema(),
    Standard.datetime: lambda core: core.datetime_schema(),
}
