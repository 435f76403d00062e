"""What all models share: the base class, the response they came in, lists, open enums, entities."""

from collections.abc import Iterable, Mapping
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
)

import attrs

from sikoia_async._errors import ArgumentError, ArgumentTypeError, CallInfo
from sikoia_async._schema.base import ModelBase
from sikoia_async._validation import plain_string, validate_id

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
    "items_of",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


def _masked_values(values: Mapping[str, Any]) -> str:
    return repr(dict.fromkeys(values, "***"))


@attrs.frozen(kw_only=True)
class ResponseInfo(CallInfo):
    """The response that a model came in."""

    status: int
    """The HTTP status."""
    unread: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=_masked_values)
    """Values that do not fit their types, by their path, such as `$.data.date_established`, as they
    were received: at most 100,000. Their fields are None, and lists do not contain them; a single
    value where a list is expected is the list's only item. Empty for nearly every response."""

    @property
    def elapsed(self) -> float:
        """Seconds of the attempt that brought the response; `seconds` are those of the whole call.

        They include its waits for an access token and a connection.
        """
        own = (one.seconds for one in reversed(self.attempts) if one.status == self.status)
        return next(own, self.seconds)


class Model(ModelBase):
    """Base class of all models: frozen attrs classes whose fields are named as on the wire.

    The repr shows `***` for personal data. Read the field or call `reveal` to see it.
    """

    # A slot instead of an attrs field: decoders must not see it, and it is not part of equality.
    __slots__ = ("__weakref__", "_response")
    _response: ResponseInfo

    @property
    def response(self) -> ResponseInfo:
        """The response that this model came in.

        Raises:
            AttributeError: the model is part of another model, or did not come from the API.
        """
        try:
            return self._response
        except AttributeError:
            msg = (
                f"this {type(self).__name__} has no response of its own: "
                "use the model that contains it"
            )
            raise AttributeError(msg) from None

    def reveal(self) -> dict[str, Any]:
        """Return all fields as a dict, including nested models, with personal data unmasked.

        Do not print or log the result: it shows all values.
        """
        return attrs.asdict(cast("attrs.AttrsInstance", self))

    def __reduce__(self) -> tuple[Any, ...]:
        fields = attrs.fields(cast("type[attrs.AttrsInstance]", type(self)))
        values = {field.name: getattr(self, field.name) for field in fields}
        return _restore, (type(self), values, getattr(self, "_response", None))


class Items(tuple[T_co, ...]):  # noqa: SLOT001 - `response` needs the instance's dict
    """A list of models: a tuple with the response it came in."""

    _response: ResponseInfo

    @property
    def response(self) -> ResponseInfo:
        """The response that this list came in.

        Raises:
            AttributeError: the list did not come from the API.
        """
        try:
            return self._response
        except AttributeError:
            msg = "this list did not come from the API, so it has no response"
            raise AttributeError(msg) from None


def items_of(items: Iterable[T] | None, response: ResponseInfo) -> Items[T]:
    """Return items as a list with the response that they came in."""
    listed = Items[T](items or ())
    vars(listed)["_response"] = response
    return listed


if TYPE_CHECKING:
    Open = Union[T, str]  # noqa: UP007 - an alias over a type variable is spelt so
else:

    class Open:
        """An enum that may grow: `Open[CaseStage]` is decoded as a string, so any value is kept.

        Values that this version does not know are counted in `sikoia.drift`.
        """

        # Decoders cannot handle a union of two kinds of strings, so the known values are metadata.
        def __class_getitem__(cls, known: object) -> object:
            return Annotated[str, known]


def _masked(value: object) -> str:
    return "None" if value is None else "***"


PERSONAL: Final[dict[str, Any]] = {"repr": _masked, "metadata": {"personal": True}}
"""Marks a field as personal data: `attrs.field(default=None, **PERSONAL)`."""

EntityType = Literal["case", "company", "person"]
SourceCategory = Literal["Document", "OpenBanking"]
"""Where bank and income data come from: an uploaded document, or a connected account."""


def _entity_type(value: object) -> EntityType:
    msg = "entity_type: expected 'case', 'company' or 'person'"
    if not isinstance(value, str):
        raise ArgumentTypeError(msg)
    name = plain_string(value)
    if name not in _IN_PATHS:
        raise ArgumentError(msg)
    return name


def _entity_id(value: object) -> str:
    return validate_id("entity_id", value)


@attrs.frozen
class Entity:
    """A case, company or person that data is about, by its id.

    Methods that take an entity also accept the models `Case`, `CaseSummary`, `Company` and
    `Person`.

    Raises:
        ArgumentError: the type or the id is not valid.
    """

    type: EntityType = attrs.field(converter=_entity_type)
    id: str = attrs.field(converter=_entity_id)

    @property
    def entity(self) -> "Entity":
        """This entity itself, so that methods accept models and entities alike."""
        return self

    @property
    def in_path(self) -> str:
        """The type as Sikoia spells it in paths: `Cases`, `Companies` or `Persons`."""
        return _IN_PATHS[self.type]


class HasEntity(Protocol):
    """An entity, or a model that identifies one."""

    @property
    def entity(self) -> Entity:
        """The entity that this object identifies."""
        ...


_IN_PATHS: Final[dict[EntityType, str]] = {
    "case": "Cases",
    "company": "Companies",
    "person": "Persons",
}


def _restore(cls: type[Model], values: dict[str, Any], response: ResponseInfo | None) -> Model:
    """Unpickle without calling the constructor, so that converters do not run twice."""
    model = cls.__new__(cls)
    for name, value in values.items():
        object.__setattr__(model, name, value)
    if response is not None:
        object.__setattr__(model, "_response", response)
    return model
