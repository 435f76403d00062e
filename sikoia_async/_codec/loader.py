"""JSON to models: msgspec first, and part by part what msgspec refuses.

msgspec decodes the bytes straight into the model class, five times as fast as any way that builds
dicts first. Where both accept a value, both give the same result; a property test checks this.
"""

from functools import cache
from typing import Any, Final, Protocol

from sikoia_async._codec.drift import Drift
from sikoia_async._codec.soundness import soundness_check
from sikoia_async._schema.json import REFUSALS, DecodeError, decoder
from sikoia_async._schema.shapes import reachable, shape_of

__all__ = ["load_hook"]


class Load(Protocol):
    """Turns a body into a value."""

    def __call__(
        self,
        body: bytes,
        drift: Drift,
        unread: dict[str, Any] | None = None,
        objects: int | None = None,
    ) -> Any:
        """Decode a body, and add the values that do not fit their types to `unread`.

        It has at most as many objects as `objects` says, if they were counted.
        """
        ...


@cache
def load_hook(into: Any) -> Load:
    """Return the function that decodes bodies into this type, or raises `DecodeError`."""
    decode = decoder(into)
    shape = shape_of(into)
    is_sound = soundness_check(shape)
    widest = max((len(part.parts) for part in reachable(shape)), default=0)

    def load(
        body: bytes,
        drift: Drift,
        unread: dict[str, Any] | None = None,
        objects: int | None = None,
    ) -> Any:
        is_sampled = drift.is_due(into)
        if objects is None:
            objects = body.count(b"{") if len(body) > _SMALL else 0
        try:
            if objects * widest > _MOST_FIELDS:
                return _repair(body, into, drift, unread, is_sampled=is_sampled)
            try:
                value = decode(body)
            except REFUSALS:
                return _repair(body, into, drift, unread, is_sampled=is_sampled)
            if is_sound is not None and not is_sound(value):
                return _repair(body, into, drift, unread, is_sampled=is_sampled)
        except RecursionError:
            # msgspec follows models that contain themselves deeper than Python code can.
            problem = "nested too deeply"
        else:
            if is_sampled:
                drift.compare_body(into, body)
            return value
        raise DecodeError(problem)

    return load


def _repair(
    body: bytes, into: Any, drift: Drift, unread: dict[str, Any] | None, *, is_sampled: bool
) -> Any:
    from sikoia_async._codec.reader import read_carefully  # noqa: PLC0415 - loaded when needed

    value, found, counts = read_carefully(body, into)
    if unread is not None:
        unread.update((one.path, one.value) for one in found)
    for (location, description), times in counts.items():
        drift.count(location, description, times)
    if is_sampled or len(body) <= _ALWAYS_COMPARED:
        drift.compare_body(into, body, [one.steps for one in found])
    return value


_SMALL: Final = 64 * 1024
_MOST_FIELDS: Final = 1_000_000
"""Fields of models that msgspec fills at a time. It takes 0.2 s, and no other thread runs."""
_ALWAYS_COMPARED: Final = 64 * 1024
"""Bytes of a repaired body that is always compared with its type, because it is cheap."""
