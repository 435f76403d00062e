"""What all models share: the base class, their response, lists, open enums, entities."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import GenericAlias
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    Protocol,
    Self,
    TypedDict,
    TypeVar,
    Union,
    cast,
)

import attrs

from sikoia_async._errors import ArgumentError, ArgumentTypeError, CallInfo
from sikoia_async._export.tabular import Tabular
from sikoia_async._schema.base import ModelBase, RequestBody
from sikoia_async._transport.tracebacks import without_frames_sync
from sikoia_async._validation import plain_string, validate_id

__all__ = [
    "Entity",
    "EntityType",
    "HasEntity",
    "Items",
    "Model",
    "Open",
    "ResponseInfo",
    "SourceCategory",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
M = TypeVar("M")


def _masked_values(values: Mapping[str, Any]) -> str:
    return repr(dict.fromkeys(values, "***"))


@attrs.frozen(kw_only=True)
class ResponseInfo(CallInfo):
    """The response that a model came in."""

    status: int
    """The HTTP status."""
    unread: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=_masked_values)
    """Values of the wrong type, by path, such as `$.data.date_established`, as they were received:
    at most 100,000. Their fields are None, and lists do not contain them; a single value where a
    list is expected is the list's only item. Empty for nearly every response."""
    extra: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """Values of fields that the models do not have, by their path, such as `$.companies[0].colour`:
    at most 100,000. None unless the call was made with `with_options(keep_extra=True)`."""
    body: bytes | None = attrs.field(default=None, repr=False, eq=False)
    """The bytes of the response, decompressed, with all personal data: for an audit. None unless
    the call was made with `with_options(keep_body=True)`, and in a copy or a pickle."""

    @property
    def elapsed(self) -> float:
        """Seconds that the attempt with this response took; `seconds` is for the whole call.

        This includes waiting for an access token and a connection.
        """
        own = (one.seconds for one in reversed(self.attempts) if one.status == self.status)
        return next(own, self.seconds)

    def __reduce__(self) -> tuple[Any, ...]:
        values = {field.name: getattr(self, field.name) for field in attrs.fields(ResponseInfo)}
        return partial(type(self), **{**values, "body": None}), ()


class Model(Tabular, ModelBase):
    """Base class of all models: frozen attrs classes whose fields have the API's names.

    The repr shows `***` for personal data. Read the field or call `reveal` to see it.
    """

    # A slot instead of an attrs field: decoders must not see it, and it is not part of equality.
    __slots__ = ("__weakref__", "_response")
    _response: ResponseInfo

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # IPython prefers the repr of a class to what its bases have.
        cls._repr_pretty_ = Tabular._repr_pretty_  # type: ignore[method-assign] # it is the same

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

    @without_frames_sync
    def to_dict(
        self,
        *,
        masked: bool = False,
        only: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
    ) -> dict[str, Any]:
        """Return the model as a dict that `json.dumps` accepts, with all its fields.

        Decimals become strings, so no digit is lost; dates and times become ISO 8601 strings;
        tuples become lists. `from_dict` turns it back into an equal model.

        Args:
            masked: replace personal data with `***`.
            only: the fields to include: a path such as `persons.first_name`, or several. Paths
                lead through nested models and lists.
            exclude: the fields to leave out.

        Raises:
            ArgumentError: a path is not a field; the error suggests the nearest one. Or a field has
                a value that JSON cannot represent, such as a datetime without a time zone.
        """
        from sikoia_async._export import dicts  # noqa: PLC0415 - loaded when first used

        plain: dict[str, Any] = dicts.to_plain(
            self, type(self), masked=masked, only=only, exclude=exclude
        )
        return plain

    @without_frames_sync
    def to_json(
        self,
        *,
        masked: bool = False,
        only: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
    ) -> str:
        """Return the model as JSON text. The arguments are those of `to_dict`.

        Fractions inside a field of any JSON, such as `WebhookRequest.event_data`, are numbers as
        they were received. `from_json` turns it back into an equal model.

        Raises:
            ArgumentError: as with `to_dict`.
        """
        from sikoia_async._export import dicts  # noqa: PLC0415 - loaded when first used

        return dicts.to_json(self, type(self), masked=masked, only=only, exclude=exclude)

    @classmethod
    @without_frames_sync
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the model that `to_dict` was called on, without its response.

        Missing fields get their defaults, and unknown names are ignored. Everything else must be
        valid: numbers in strings or times without a zone are refused.

        Raises:
            ArgumentError: a value is invalid; the error names the fields, not the values.
        """
        from sikoia_async._export.restore import restore  # noqa: PLC0415 - loaded when first used

        model: Self = restore(values, cls)
        return model

    @classmethod
    @without_frames_sync
    def from_json(cls, text: str | bytes | bytearray) -> Self:
        """Return the model that `to_json` was called on, without its response.

        Raises:
            ArgumentError: the text is not JSON, or a value is invalid, as with `from_dict`.
        """
        from sikoia_async._export.restore import (  # noqa: PLC0415 - loaded when first used
            read_text,
            restore,
        )

        model: Self = restore(read_text(text, cls), cls)
        return model

    def reveal(self) -> dict[str, Any]:
        """Return all fields as a dict of Python values: `Decimal`, `date`, tuples, nested dicts.

        Personal data is unmasked, so do not print or log the result. For JSON use `to_dict` or
        `to_json`: JSON encoders turn a `Decimal` into a float, which loses digits.
        """
        return attrs.asdict(cast("attrs.AttrsInstance", self))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from sikoia_async._export.pydantic import model_schema  # noqa: PLC0415 - for pydantic only

        return model_schema(cls)

    def __reduce__(self) -> tuple[Any, ...]:
        fields = attrs.fields(cast("type[attrs.AttrsInstance]", type(self)))
        values = {field.name: getattr(self, field.name) for field in fields}
        return _restore, (type(self), values, getattr(self, "_response", None))


class Items(Tabular, tuple[T_co, ...]):  # noqa: SLOT001 - `response` needs the instance's dict
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

    @without_frames_sync
    def to_dicts(
        self,
        *,
        masked: bool = False,
        only: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Return a list with the dict of each model; the arguments are those of `Model.to_dict`.

        Raises:
            ArgumentError: as with `Model.to_dict`.
        """
        from sikoia_async._export import dicts  # noqa: PLC0415 - loaded when first used

        plain: list[dict[str, Any]] = dicts.to_plain(
            self, self._type, masked=masked, only=only, exclude=exclude
        )
        return plain

    @without_frames_sync
    def to_json(
        self,
        *,
        masked: bool = False,
        only: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
    ) -> str:
        """Return the list as a JSON array; the arguments are those of `Model.to_dict`.

        Raises:
            ArgumentError: as with `Model.to_dict`.
        """
        from sikoia_async._export import dicts  # noqa: PLC0415 - loaded when first used

        return dicts.to_json(self, self._type, masked=masked, only=only, exclude=exclude)

    @classmethod
    @without_frames_sync
    def from_dicts(cls, rows: Sequence[Mapping[str, Any]], item: type[M]) -> "Items[M]":
        """Return the list of models that `to_dicts` was called on: `from_dicts(rows, CaseSummary)`.

        Raises:
            ArgumentError: a row is invalid, as with `Model.from_dict`.
        """
        from sikoia_async._export.restore import restore  # noqa: PLC0415 - loaded when first used

        kind: Any = GenericAlias(cls, (item,))
        items: Items[M] = kind(restore(rows, kind))
        return items

    @classmethod
    @without_frames_sync
    def from_json(cls, text: str | bytes | bytearray, item: type[M]) -> "Items[M]":
        """Return the list of models that `to_json` was called on: `from_json(text, CaseSummary)`.

        Raises:
            ArgumentError: the text is not JSON, or a row is invalid.
        """
        from sikoia_async._export.restore import read_text  # noqa: PLC0415 - loaded when first used

        return cls.from_dicts(read_text(text, GenericAlias(cls, (item,))), item)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from sikoia_async._export.pydantic import list_schema  # noqa: PLC0415 - for pydantic only

        return list_schema(cls, source, handler)

    @property
    def _type(self) -> Any:
        """The type of the list, such as `Items[CaseSummary]`; None if it is not known."""
        known = vars(self)
        if "__orig_class__" in known:  # Python sets it when `Items[CaseSummary](...)` is called
            return known["__orig_class__"]
        if "_within" in known:
            from sikoia_async._export.paths import lists_in  # noqa: PLC0415 - loaded when used

            (listed,) = lists_in(known["_within"]).values()
            return GenericAlias(Items, (listed.type,))
        kinds = set(map(type, self))
        return GenericAlias(Items, (*kinds,)) if len(kinds) == 1 else None


def items_of(items: Iterable[T] | None, within: Model) -> Items[T]:
    """Return items as a list, with the response of the model that has them in its list."""
    listed: Items[T] = Items(items or ())
    vars(listed).update(_response=within.response, _within=type(within))
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


class _Marks(TypedDict):
    repr: Callable[[Any], str]
    metadata: dict[Any, Any]


PERSONAL: Final[_Marks] = {"repr": _masked, "metadata": {"personal": True}}
"""Marks a field as personal data: `attrs.field(default=None, **PERSONAL)`."""

EntityType = Literal["case", "company", "person"]
"""What an entity is."""
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

    __dataclass_fields__: ClassVar[RequestBody] = RequestBody()
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

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from sikoia_async._export.pydantic import model_schema  # noqa: PLC0415 - for pydantic only

        return model_schema(cls)


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
