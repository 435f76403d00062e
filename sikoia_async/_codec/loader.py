"""JSON to models and models to JSON: msgspec first, cattrs for what msgspec refuses.

msgspec decodes the bytes straight into a model's class, which is five times as fast as anything
that makes dicts first. Both ways must give the same value for what both accept; a property test
holds them to it.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from math import isfinite
from typing import Any, Final, Protocol, cast

import attrs
import msgspec

from sikoia_async._codec.drift import Drift
from sikoia_async._codec.finite import finite_check
from sikoia_async._errors import ConfigurationError

__all__ = ["Misfit", "dumps", "load_hook", "read_json"]


class Load(Protocol):
    """Turns a body into a value."""

    def __call__(self, body: bytes, drift: Drift, unread: dict[str, str] | None = None) -> Any:
        """Decode; `unread` takes the texts of optional fields that could not be read, by path."""
        ...


class Misfit(Exception):  # noqa: N818 - a finding of ours; the error is made by the decoder
    """The body does not fit; `problems` tells where, and what was expected, and never a value."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems


@cache
def load_hook(into: Any) -> Load:
    """Return the function that turns a body into this type, or raises Misfit."""
    decode = msgspec.json.Decoder(into, float_hook=Decimal).decode
    finite = finite_check(into)

    def load(body: bytes, drift: Drift, unread: dict[str, str] | None = None) -> Any:
        look = drift.due(into)
        try:
            try:
                value = decode(body)
            except _REFUSALS:
                return _carefully(body, into, drift, unread)
            if finite is not None and not finite(value):
                return _carefully(body, into, drift, unread)
            if look:
                drift.look(into, read_json(body))
        except RecursionError:
            # msgspec goes deeper than we do, into models that contain themselves.
            problem = "is nested too deeply"
        else:
            return value
        raise Misfit(problem)

    return load


def read_json(body: bytes) -> Any:
    """Read JSON into plain Python, its fractions as Decimal.

    Raises:
        Misfit: it is none.
    """
    try:
        return _plain_decoder.decode(body.removeprefix(_BOM))
    except _REFUSALS:
        problem = "is no JSON"
    raise Misfit(problem)


def dumps(body: Mapping[str, Any]) -> bytes:
    """Write a request's body as JSON; what is None is left out.

    Raises:
        ConfigurationError: there is something in it that JSON cannot say.
    """
    try:
        return msgspec.json.encode(_plain(body))
    except (TypeError, UnicodeEncodeError, RecursionError) as error:
        # The error holds the text; only its kind is told.
        what = _UNSAYABLE.get(type(error), "no JSON value")
    msg = f"body: it holds {what}; give text, numbers, booleans, lists, mappings or models"
    raise ConfigurationError(msg)


def _carefully(body: bytes, into: Any, drift: Drift, unread: dict[str, str] | None) -> Any:
    from sikoia_async._codec.converter import structure  # noqa: PLC0415 - loaded when first needed

    plain, unread = read_json(body), {} if unread is None else unread
    value = structure(plain, into, unread)
    drift.look(into, plain, unread)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).items()
        return {name: _plain(entry) for name, entry in entries if entry is not None}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in cast("list[Any]", value)]
    if isinstance(value, _UNCLEAR) or (isinstance(value, float | Decimal) and not isfinite(value)):
        raise TypeError  # msgspec would write something, and nobody knows whether it was meant
    if not attrs.has(value.__class__):
        return value
    from sikoia_async._codec.converter import unstructure  # noqa: PLC0415 - as above

    return _plain(unstructure(value))


_UNCLEAR: Final = (bytes, bytearray, memoryview, set, frozenset)
_UNSAYABLE: Final[dict[type[Exception], str]] = {
    UnicodeEncodeError: "half of a surrogate pair",
    RecursionError: "itself, or is nested too deeply",
}
_BOM: Final = b"\xef\xbb\xbf"
_REFUSALS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidOperation)
_plain_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)
