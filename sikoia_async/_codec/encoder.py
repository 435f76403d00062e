"""Request bodies to JSON."""

from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, Final, cast

import attrs
import msgspec

from sikoia_async._errors import ConfigurationError

__all__ = ["dumps"]


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
