"""JSON to models: msgspec first, and cattrs for what msgspec refuses.

msgspec decodes the bytes straight into the model class, five times as fast as any way that builds
dicts first. Where both accept a value, both give the same result; a property test checks this.
"""

from decimal import Decimal
from functools import cache
from typing import Any, Protocol

import msgspec

from sikoia_async._codec.drift import Drift
from sikoia_async._codec.finite import finite_check
from sikoia_async._codec.json import REFUSALS, DecodeError, read_json
from sikoia_async._codec.shapes import shape_of
from sikoia_async._codec.standard import standard_type

__all__ = ["load_hook"]


class Load(Protocol):
    """Turns a body into a value."""

    def __call__(self, body: bytes, drift: Drift, unread: dict[str, str] | None = None) -> Any:
        """Decode a body, and add strings of optional fields that cannot be read to `unread`."""
        ...


@cache
def load_hook(into: Any) -> Load:
    """Return the function that decodes bodies into this type, or raises `DecodeError`."""
    decode = msgspec.json.Decoder(into, float_hook=Decimal, dec_hook=_convert).decode
    is_finite = finite_check(shape_of(into))

    def load(body: bytes, drift: Drift, unread: dict[str, str] | None = None) -> Any:
        is_sampled = drift.is_due(into)
        try:
            try:
                value = decode(body)
            except REFUSALS:
                return _repair(body, into, drift, unread)
            if is_finite is not None and not is_finite(value):
                return _repair(body, into, drift, unread)
        except RecursionError:
            # msgspec follows models that contain themselves deeper than Python code can.
            problem = "nested too deeply"
        else:
            if is_sampled:
                drift.compare_body(into, body)
            return value
        raise DecodeError(problem)

    return load


def _convert(kind: type, value: Any) -> Any:
    """Convert a value for a type that msgspec does not know, such as freezegun's datetime."""
    standard = standard_type(kind)
    if standard is kind:
        raise msgspec.ValidationError  # as without this function
    return msgspec.convert(value, standard)


def _repair(body: bytes, into: Any, drift: Drift, unread: dict[str, str] | None) -> Any:
    from sikoia_async._codec.converter import structure  # noqa: PLC0415 - loaded when first needed

    plain, unread = read_json(body), {} if unread is None else unread
    value = structure(plain, into, unread)
    drift.compare(into, plain, unread)
    return value
