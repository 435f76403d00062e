"""What can be read of a body that nobody has published the shape of.

Names stand at the top or one level below, in what may be an envelope; ids may stand anywhere. What
was not asked for is only skipped: msgspec does that five times as fast as it reads.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from typing import Any, Final, cast

import msgspec

__all__ = ["canonical", "folded", "parts", "texts", "top", "walk", "written"]

_ENVELOPES: Final = ("event", "data", "event_data", "eventData", "payload")
_LONGEST_NAME: Final = 260
_LONGEST_PART: Final = 128
_LONGEST_ADDRESS: Final = 2048
_WORD: Final = re.compile(r"[A-Za-z0-9_.~-]+")
_BOM: Final = b"\xef\xbb\xbf"
_QUOTE: Final = ord('"')
_LARGEST: Final = 1 << 64
"""Whole numbers below it are read as such, and others as Decimals."""

_skip: Final = msgspec.json.Decoder(msgspec.Raw).decode
_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_text: Final = msgspec.json.Decoder(str).decode
_REFUSALS: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


def top(body: bytes) -> Mapping[str, msgspec.Raw] | None:
    """Return the fields of a JSON object, unread, none for other JSON, and None for no JSON."""
    body = body.removeprefix(_BOM)
    try:
        # msgspec does not look at the bytes of a text that it skips.
        if not body.isascii():
            body.decode()
        return _object(body)
    except _REFUSALS:
        return None


def texts(fields: Mapping[str, msgspec.Raw], names: Sequence[str]) -> Iterator[str]:
    """Yield the short texts that stand under these names, in this order; those at the top first."""
    for name in names:
        if name in fields and (text := _short(fields[name])):
            yield text
    for envelope in _ENVELOPES:
        if envelope in fields:
            inner = _inner(fields[envelope])
            yield from (text for name in names if name in inner and (text := _short(inner[name])))


def walk(value: Any) -> Iterator[Any]:
    """Yield a plain value and all in it, the outermost first."""
    queue = deque([value])
    while queue:
        one = queue.popleft()
        yield one
        if isinstance(one, dict):
            queue.extend(cast("dict[str, Any]", one).values())
        elif isinstance(one, list):
            queue.extend(cast("list[object]", one))


def parts(text: str) -> Iterator[str]:
    """Yield what may be an id: a short text itself, and the words of a path or an address."""
    if 0 < len(text) <= _LONGEST_PART:
        yield text
    if "/" in text and len(text) <= _LONGEST_ADDRESS:
        yield from (word for word in _WORD.findall(text) if len(word) <= _LONGEST_PART)


def folded(name: str) -> str:
    """Return what `request_id`, `requestId` and `RequestId` have in common."""
    return name.replace("_", "").lower()


def canonical(body: bytes) -> bytes:
    """Return JSON in its one spelling: no spaces, keys in order, `1.0` and `1e0` as `1`.

    What cannot be read stays as it is.
    """
    try:
        return _write(_read(body.removeprefix(_BOM)))
    except (*_REFUSALS, InvalidOperation):
        return body


def written(value: object) -> bytes | None:
    """Return plain JSON as bytes, or what a text holds if that is JSON; None for what is neither.

    Fractions may be Decimals.
    """
    try:
        if isinstance(value, str) and top(held := value.encode()) is not None:
            return held
        return _write(value)
    except (*_REFUSALS, TypeError):
        return None


def _object(body: bytes) -> Mapping[str, msgspec.Raw]:
    try:
        return _fields(body)
    except msgspec.ValidationError:
        _skip(body)  # the rest of it is looked at, too
    return {}


def _inner(raw: msgspec.Raw) -> Mapping[str, msgspec.Raw]:
    try:
        return _fields(raw)
    except _REFUSALS:
        return {}


def _short(raw: msgspec.Raw) -> str:
    """Return a text, and nothing for what is none or is too long for a name."""
    view = memoryview(raw)
    return _text(raw) if view.nbytes <= _LONGEST_NAME and view[0] == _QUOTE else ""


def _one_spelling(text: str) -> int | Decimal:
    """Return a number such that equal ones are written alike, whatever they were written as."""
    digits = Context(prec=len(text), Emax=MAX_EMAX, Emin=MIN_EMIN)
    number = Decimal(text).normalize(digits)
    whole = number.copy_abs() < _LARGEST and number == number.to_integral_value()
    return int(number) if whole else number


_read: Final = msgspec.json.Decoder(float_hook=_one_spelling).decode
_write: Final = msgspec.json.Encoder(order="deterministic", decimal_format="number").encode
