"""What every model shares: the base class, the answer it came in, lists, open enums, entities."""

from collections.abc import Mapping
from functools import cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    Protocol,
    TypeVar,
    Union,
    cast,
    get_type_hints,
)

import attrs

from sikoia_async._errors import ArgumentTypeError, CallInfo, ConfigurationError
from sikoia_async._validation import validate_id

__all__ = [
    "PERSONAL",
    "Entity",
    "EntityType",
    "HasEntity",
    "Items",
    "Model",
    "Open",
    "ResponseInfo",
    "SourceCategory",
    "field_types",
]

T = TypeVar("T")


def _masked_all(values: Mapping[str, str]) -> str:
    return repr(dict.fromkeys(values, "***"))


@attrs.frozen(kw_only=True)
class ResponseInfo(CallInfo):
    """The answer that a model came in."""

    status: int
    unread: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=_masked_all)
    """What stood in fields that are None because it was no number, date or truth value: the text
    by its path, such as `$.data.date_established`. Empty in nearly every answer."""


class Model:
    """Base of all models: attrs classes, frozen, with fields spelt as on the wire.

    A repr shows no personal data: `***` stands in its place. Read the field, or call `reveal`, to
    see it.
    """

    # A plain slot and no attrs field: decoders must not see it, and equality must not depend on it.
    __slots__ = ("__weakref__", "_response")
    _response: ResponseInfo

    @property
    def response(self) -> ResponseInfo:
        """The answer that this model came in.

        Raises:
            AttributeError: the model is a part of another one, or was not received at all.
        """
        try:
            return self._response
        except AttributeError:
            msg = f"this {type(self).__name__} is not an answer: ask the model that contains it"
            raise AttributeError(msg) from None

    def reveal(self) -> dict[str, Any]:
        """Return all fields by name, models in them as dicts, too, with personal data unmasked.

        What it returns shows everything wherever it is printed or logged.
        """
        return attrs.asdict(cast("attrs.AttrsInstance", self))

    def __reduce__(self) -> tuple[Any, ...]:
        fields = attrs.fields(cast("type[attrs.AttrsInstance]", type(self)))
        values = {field.name: getattr(self, field.name) for field in fields}
        return _restore, (type(self), values, getattr(self, "_response", None))


@cache
def field_types(model: Any) -> dict[str, Any]:
    """Return the type of each field of an attrs class, by name; metadata such as `Open`'s kept."""
    types = get_type_hints(model, include_extras=True)
    return {field.name: types[field.name] for field in attrs.fields(model)}


class Items(tuple[T, ...]):  # noqa: SLOT001 - `response` needs the instance's dict
    """A list of models, as a tuple that also knows the answer it came in."""

    _response: ResponseInfo

    @property
    def response(self) -> ResponseInfo:
        """The answer that this list came in.

        Raises:
            AttributeError: it was not received, but made.
        """
        try:
            return self._response
        except AttributeError:
            msg = "these Items are not an answer: they were made, and not received"
            raise AttributeError(msg) from None


if TYPE_CHECKING:
    Open = Union[T, str]  # noqa: UP007 - an alias over a type variable is spelt so
else:

    class Open:
        """An enum that may grow: `Open[CaseStage]` is read as text, so that no value is lost.

        A value that this SDK does not know keeps its text, and is counted in `sikoia.drift`.
        """

        # Decoders cannot tell two kinds of text apart; the known values travel as metadata.
        def __class_getitem__(cls, known: object) -> object:
            return Annotated[str, known]


def _masked(value: object) -> str:
    return "None" if value is None else "***"


PERSONAL: Final[dict[str, Any]] = {"repr": _masked, "metadata": {"personal": True}}
"""Marks a field as personal data: `attrs.field(default=None, **PERSONAL)`."""

EntityType = Literal["case", "company", "person"]
SourceCategory = Literal["Document", "OpenBanking"]
"""Where bank and income data come from: an uploaded document, or an account."""


def _checked_type(_: object, __: object, value: object) -> None:
    msg = "entity_type: give 'case', 'company' or 'person'"
    if not isinstance(value, str):
        raise ArgumentTypeError(msg)
    if value not in _IN_PATHS:
        raise ConfigurationError(msg)


def _checked_id(_: object, __: object, value: str) -> None:
    validate_id("entity_id", value)


@attrs.frozen
class Entity:
    """What a check is about: a case, a company or a person, by its id.

    Wherever an entity is asked for, a model that is one will do: a case, a company, a person.

    Raises:
        ConfigurationError: the type is another one, or the id is none.
    """

    type: EntityType = attrs.field(validator=_checked_type)
    id: str = attrs.field(validator=_checked_id)

    @property
    def entity(self) -> "Entity":
        """This entity itself, so that models and entities can be taken alike."""
        return self

    @property
    def in_path(self) -> str:
        """The spelling of the type in paths: `Cases`, `Companies`, `Persons`."""
        return _IN_PATHS[self.type]


class HasEntity(Protocol):
    """An entity, or a model that is one."""

    @property
    def entity(self) -> Entity:
        """The entity."""
        ...


_IN_PATHS: Final[dict[EntityType, str]] = {
    "case": "Cases",
    "company": "Companies",
    "person": "Persons",
}


def _restore(cls: type[Model], values: dict[str, Any], response: ResponseInfo | None) -> Model:
    """Unpickle without constructors, so that converters do not run twice."""
    model = cls.__new__(cls)
    for name, value in values.items():
        object.__setattr__(model, name, value)
    if response is not None:
        object.__setattr__(model, "_response", response)
    return model
