"""The shape of a type: the one description of type annotations that all of the package reads.

`shape_of` turns an annotation into a small tree, once per annotation. Drift comparison, the check
for sound values, the converter, the validation of request models, what models export and the
scrubber of cassettes are visitors over that tree; none of them looks at an annotation itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache, cached_property
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs

from sikoia_async._schema.base import ModelBase
from sikoia_async._schema.standard import Standard, standard_type

__all__ = [
    "AnyJson",
    "Choice",
    "Field",
    "ListOf",
    "Object",
    "OneOf",
    "OpenEnum",
    "Optional",
    "Other",
    "Scalar",
    "Shape",
    "ShapeError",
    "contains_itself",
    "field_types",
    "options",
    "reachable",
    "shape_of",
]


class ShapeError(TypeError):
    """A field of a `Model` has a type that is not described here."""


class Shape:
    """What a value of one type looks like. There is one shape per annotation.

    Shapes are plain classes: attrs would compile their methods in each new process.

    Args:
        annotation: the annotation that this shape describes.
    """

    __match_args__ = ("type",)

    def __init__(self, annotation: Any) -> None:
        self.type: Final[Any] = annotation

    @property
    def parts(self) -> "tuple[Shape, ...]":
        """The shapes that this one is composed of."""
        return ()


class Scalar(Shape):
    """A string, number, boolean, date or datetime."""


class AnyJson(Shape):
    """Any JSON value."""


class OpenEnum(Shape):
    """A string that is usually one of the known values: `Open[...]`."""

    __match_args__ = ("type", "values")

    def __init__(self, annotation: Any, values: tuple[Any, ...]) -> None:
        super().__init__(annotation)
        self.values: Final = values


class Choice(Shape):
    """Exactly one of the values: `Literal[...]`."""

    __match_args__ = ("type", "values")

    def __init__(self, annotation: Any, values: tuple[Any, ...]) -> None:
        super().__init__(annotation)
        self.values: Final = values


class Optional(Shape):
    """None or a value of the inner shape."""

    __match_args__ = ("type", "inner")

    def __init__(self, annotation: Any, inner: Shape) -> None:
        super().__init__(annotation)
        self.inner: Final = inner

    @property
    def parts(self) -> tuple[Shape, ...]:
        """The inner shape."""
        return (self.inner,)


class OneOf(Shape):
    """A union of two or more shapes, None aside."""

    __match_args__ = ("type", "alternatives")

    def __init__(self, annotation: Any, alternatives: tuple[Shape, ...]) -> None:
        super().__init__(annotation)
        self.alternatives: Final = alternatives

    @property
    def parts(self) -> tuple[Shape, ...]:
        """The alternatives."""
        return self.alternatives


class ListOf(Shape):
    """A JSON array of any length, as a tuple, list, sequence or `Items`."""

    __match_args__ = ("type", "item")

    def __init__(self, annotation: Any, item: Shape) -> None:
        super().__init__(annotation)
        self.item: Final = item

    @property
    def parts(self) -> tuple[Shape, ...]:
        """The shape of the items."""
        return (self.item,)


class Field(NamedTuple):
    """A field of an object."""

    name: str
    """Its name in Python and on the wire."""
    shape: Shape
    is_personal: bool
    """Whether it is marked as `PERSONAL`."""
    check: Callable[[str, Any], object] | None = None
    """Checks a value that is not None. It takes the field's name and the value."""


class Object(Shape):
    """A JSON object: a model of this SDK or an attrs class of the caller's."""

    @property
    def name(self) -> str:
        """The name of the class."""
        name: str = self.type.__name__
        return name

    @property
    def is_model(self) -> bool:
        """Whether the class is a `Model`."""
        return issubclass(self.type, ModelBase)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields, in the order of the class. Lazy, because a class may contain itself.

        Raises:
            ShapeError: a field of a `Model` has a type that this module does not describe.
        """
        metadata = {field.name: field.metadata for field in attrs.fields(self.type)}
        return tuple(
            Field(
                name,
                self._shape_of(name, annotation),
                "personal" in metadata[name],
                metadata[name].get("check"),
            )
            for name, annotation in field_types(self.type).items()
        )

    @property
    def parts(self) -> tuple[Shape, ...]:
        """The shapes of the fields."""
        return tuple(field.shape for field in self.fields)

    def _shape_of(self, name: str, annotation: Any) -> Shape:
        shape = shape_of(annotation)
        if self.is_model and not _is_described(shape):
            msg = f"{self.name}.{name}: a subclass of Model cannot have a field of this type"
            raise ShapeError(msg)
        return shape


class Other(Shape):
    """Any other type, such as `dict[str, int]` or a class of the caller's.

    msgspec and cattrs handle it. Models of this SDK have no such fields.
    """

    __match_args__ = ("type", "arguments")

    def __init__(self, annotation: Any, arguments: tuple[Shape, ...]) -> None:
        super().__init__(annotation)
        self.arguments: Final = arguments

    @property
    def parts(self) -> tuple[Shape, ...]:
        """The shapes of the type arguments."""
        return self.arguments


@cache
def field_types(model: Any) -> dict[str, Any]:
    """Return the type of each field of an attrs class by name, including metadata like `Open`'s."""
    types = get_type_hints(model, include_extras=True)
    return {field.name: types[field.name] for field in attrs.fields(model)}


@cache
def shape_of(annotation: Any) -> Shape:
    """Return the shape of a type annotation."""
    if annotation is Any:
        return AnyJson(annotation)
    annotation = standard_type(annotation)
    if annotation in _SCALARS:
        return Scalar(annotation)
    if isinstance(annotation, type) and attrs.has(annotation):
        return Object(annotation)
    origin = get_origin(annotation)
    is_items = isinstance(origin, type) and issubclass(origin, tuple) and origin is not tuple
    form = _list if is_items else _FORMS.get(origin, _other)
    return form(annotation, get_args(annotation))


def options(shape: Shape) -> tuple[Shape, ...]:
    """Return the shapes that a value other than None may have."""
    match shape:
        case Optional(_, inner):
            return options(inner)
        case OneOf(_, alternatives):
            return alternatives
        case _:
            return (shape,)


def reachable(shape: Shape) -> Iterator[Shape]:
    """Yield a shape and all shapes inside it, each once."""
    seen, left = set[Shape](), [shape]
    while left:
        one = left.pop()
        if one not in seen:
            seen.add(one)
            yield one
            left += reversed(one.parts)


def contains_itself(shape: Shape) -> bool:
    """Return whether a value of a shape may have another one inside it."""
    return any(shape in reachable(part) for part in shape.parts)


def _union(annotation: Any, arguments: tuple[Any, ...]) -> Shape:
    given = tuple(one for one in arguments if one is not NoneType)
    inner = shape_of(given[0]) if len(given) == 1 else OneOf(annotation, _shapes(given))
    return Optional(annotation, inner) if NoneType in arguments else inner


def _annotated(annotation: Any, arguments: tuple[Any, ...]) -> Shape:
    known = arguments[1]
    is_open = get_origin(known) is Literal
    return OpenEnum(annotation, get_args(known)) if is_open else _other(annotation, arguments)


def _list(annotation: Any, arguments: tuple[Any, ...]) -> Shape:
    return ListOf(annotation, shape_of(arguments[0]))


def _tuple(annotation: Any, arguments: tuple[Any, ...]) -> Shape:
    return (_list if arguments[1:] == (...,) else _other)(annotation, arguments)


def _other(annotation: Any, arguments: tuple[Any, ...]) -> Shape:
    # Arguments that are not types, such as an ellipsis, are left out.
    types = (one for one in arguments if isinstance(one, type) or get_origin(one) or one is Any)
    return Other(annotation, _shapes(types))


def _shapes(annotations: Iterable[Any]) -> tuple[Shape, ...]:
    return tuple(map(shape_of, annotations))


def _is_described(shape: Shape) -> bool:
    if isinstance(shape, Object):
        return True  # it checks its own fields
    return not isinstance(shape, Other) and all(map(_is_described, shape.parts))


_SCALARS: Final = frozenset({str, int, float, Decimal, bool, Standard.date, Standard.datetime})
_FORMS: Final[Mapping[Any, Callable[[Any, tuple[Any, ...]], Shape]]] = {
    Union: _union,
    UnionType: _union,
    Literal: Choice,
    Annotated: _annotated,
    tuple: _tuple,
    list: _list,
    Sequence: _list,
}
