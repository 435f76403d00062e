"""Encodes request bodies as JSON."""

from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, Final, cast

import attrs
import msgspec

from sikoia_async._errors import ArgumentError
from sikoia_async._schema.standard import standard_value

__all__ = ["dumps"]


def dumps(body: Mapping[str, Any]) -> bytes:
    """Encode a request body as JSON, without the values that are None.

    Raises:
        ArgumentError: the body contains a value that JSON cannot represent.
    """
    try:
        return msgspec.json.encode(_plain(body), enc_hook=standard_value)
    except (TypeError, ValueError, RecursionError) as error:
        # Only the kind of the error is shown, because its message may repeat the value.
        problem = _PROBLEMS.get(type(error), "a value that JSON cannot represent")
    msg = (
        f"body: contains {problem}; expected strings, numbers, booleans, lists, mappings or models"
    )
    raise ArgumentError(msg)


def _plain(value: Any) -> Any:
    if value.__class__ in _AS_IT_IS:
        return value
    if isinstance(value, str | int | float):
        value = standard_value(value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).items()
        return {name: _plain(entry) for name, entry in entries if entry is not None}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in cast("list[Any]", value)]
    is_number = isinstance(value, float | Decimal)
    if isinstance(value, _AMBIGUOUS) or (is_number and not isfinite(value)):
        raise TypeError  # msgspec would encode it, but in a form that may not be the one intended
    if not attrs.has(value.__class__):
        return value
    from sikoia_async._codec.converter import unstructure  # noqa: PLC0415 - loaded when first used

    return _plain(unstructure(value))


_AS_IT_IS: Final = frozenset({str, int, bool, type(None)})
_AMBIGUOUS: Final = (bytes, bytearray, memoryview, set, frozenset)
_PROBLEMS: Final[dict[type[Exception], str]] = {
    UnicodeEncodeError: "an unpaired surrogate",
    RecursionError: "itself, or is nested too deeply",
}
