"""JSON to models: msgspec first, and part by part what msgspec refuses.

msgspec decodes the bytes straight into the model class, five times as fast as any way that builds
dicts first. Where both accept a value, both give the same result; a property test checks this.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, Protocol

from sikoia_async._codec.drift import Drift
from sikoia_async._codec.soundness import sound_decoder
from sikoia_async._schema.json import REFUSALS, DecodeError
from sikoia_async._schema.shapes import Shape, contains_itself, reachable, shape_of

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
    shape = shape_of(into)
    decode = sound_decoder(shape)
    widest = max((len(part.parts) for part in reachable(shape)), default=0)

    def load(
        body: bytes,
        drift: Drift,
        unread: dict[str, Any] | None = None,
        objects: int | None = None,
    ) -> Any:
        is_sampled, is_large = drift.is_due(into), len(body) > _SMALL
        if objects is None:
            objects = body.count(b"{") if is_large else 0
        is_slow = objects * widest > _MOST_FIELDS
        is_doubtful = is_large and drift.was_refused(into)
        try:
            value = _REFUSED if is_slow or is_doubtful else _attempt(decode, body)
            if value is _REFUSED:
                if is_large and not is_doubtful and not _may_be_deep(shape):
                    drift.note_refusal(into)
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


@cache
def _may_be_deep(shape: Shape) -> bool:
    """Return whether msgspec may follow a value deeper than Python code can."""
    return any(map(contains_itself, reachable(shape)))


def _attempt(decode: Callable[[bytes], Any], body: bytes) -> Any:
    """Return the value. One that is refused is freed before the body is read again."""
    try:
        return decode(body)
    except REFUSALS:
        return _REFUSED


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


_REFUSED: Final = object()
_SMALL: Final = 64 * 1024
_MOST_FIELDS: Final = 1_000_000
"""Fields of models that msgspec fills at a time. It takes 0.2 s, and no other thread runs."""
_ALWAYS_COMPARED: Final = 64 * 1024
"""Bytes of a repaired body that is always compared with its type, because it is cheap."""
