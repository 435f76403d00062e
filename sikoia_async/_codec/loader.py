"""JSON to models and models to JSON: msgspec first, cattrs for what msgspec refuses.

msgspec decodes the bytes straight into a model's class, which is five times as fast as anything
that makes dicts first. Both ways must give the same value for what both accept; a property test
holds them to it.
"""

from decimal import Decimal
from functools import cache
from typing import Any, Protocol

import msgspec

from sikoia_async._codec.drift import Drift
from sikoia_async._codec.finite import finite_check
from sikoia_async._codec.json import REFUSALS, DecodeError, read_json

__all__ = ["load_hook"]


class Load(Protocol):
    """Turns a body into a value."""

    def __call__(self, body: bytes, drift: Drift, unread: dict[str, str] | None = None) -> Any:
        """Decode; `unread` takes the texts of optional fields that could not be read, by path."""
        ...


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
            except REFUSALS:
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
        raise DecodeError(problem)

    return load


def _carefully(body: bytes, into: Any, drift: Drift, unread: dict[str, str] | None) -> Any:
    from sikoia_async._codec.converter import structure  # noqa: PLC0415 - loaded when first needed

    plain, unread = read_json(body), {} if unread is None else unread
    value = structure(plain, into, unread)
    drift.look(into, plain, unread)
    return value
