"""Reading the bodies of events, whose format Sikoia does not publish.

Field names are looked for at the top and one level below, in what may be an envelope. Ids may be at
any depth. Everything else is skipped without being decoded, which is five times as fast.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

__all__ = [
    "canonical",
    "encode",
    "is_same_name",
    "named_values",
    "normalise_name",
    "possible_ids",
    "read_fields",
    "short_string",
    "short_strings",
    "walk",
]

_ENVELOPES: Final = ("event", "data", "eventdata", "payload")
_MAX_FIELD: Final = 20
"""Characters that a field's name may have, to be one of those looked for."""
_MAX_NAME: Final = 260
"""Bytes of JSON that a name may take."""
_MAX_ID: Final = 128
_MAX_URL: Final = 2048
_WORD: Final = re.compile(r"[A-Za-z0-9_.~-]+")
_BOM: Final = b"\xef\xbb\xbf"
_QUOTE: Final = ord('"')
_LITERAL: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*')
"""A string or a number, in text that is known to be JSON."""
_NUMBER: Final = re.compile(rb"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?")
_ESCAPE: Final = rb'"\u0000'
"""How the strings begin that stand for numbers."""

_skip: Final = msgspec.json.Decoder(msgspec.Raw).decode
_decode_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_string: Final = msgspec.json.Decoder(str).decode
_ERRORS: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


def read_fields(body: bytes) -> Mapping[str, msgspec.Raw] | None:
    """Return the fields of a JSON object, undecoded; empty for other JSON, None if it is not JSON.

    The whole body is checked.
    """
    body = body.removeprefix(_BOM)
    try:
        # msgspec does not check the encoding of strings that it skips.
        if not body.isascii():
            body.decode()
        return _object(body)
    except _ERRORS:
        return None


def named_values(
    fields: Mapping[str, msgspec.Raw], names: Sequence[str]
) -> Iterator[tuple[str, msgspec.Raw]]:
    """Yield the fields with these normalised names, in this order, the outer ones first."""
    yield from _named(fields, names)
    for _, envelope in _named(fields, _ENVELOPES):
        yield from _named(_inner(envelope), names)


def short_strings(fields: Mapping[str, msgspec.Raw], names: Sequence[str]) -> Iterator[str]:
    """Yield the short strings of fields with these names, as `named_values` does."""
    strings = (short_string(value) for _, value in named_values(fields, names))
    return (string for string in strings if string)


def short_string(raw: msgspec.Raw) -> str:
    """Return a string; empty for other types, and for strings that are too long for a name."""
    view = memoryview(raw)
    return _decode_string(raw) if view.nbytes <= _MAX_NAME and view[0] == _QUOTE else ""


def walk(value: Any) -> Iterator[Any]:
    """Yield a plain value and everything in it, breadth first."""
    queue = deque([value])
    while queue:
        current = queue.popleft()
        yield current
        if isinstance(current, dict):
            queue.extend(cast("dict[str, Any]", current).values())
        elif isinstance(current, list):
            queue.extend(cast("list[object]", current))


def possible_ids(string: str) -> Iterator[str]:
    """Yield what may be an id: a short string itself, and the words of a path or URL."""
    if 0 < len(string) <= _MAX_ID:
        yield string
    if "/" in string and len(string) <= _MAX_URL:
        yield from (word for word in _WORD.findall(string) if len(word) <= _MAX_ID)


def normalise_name(name: str) -> str:
    """Return the same name for `request_id`, `requestId` and `RequestId`."""
    return name.replace("_", "").replace("-", "").lower()


def is_same_name(one: str, other: str) -> bool:
    """Return whether the names of two events have the same letters and digits, in any case."""
    return _letters(one) == _letters(other)


def canonical(body: bytes) -> bytes:
    """Return JSON in one spelling: without spaces, with sorted keys, and equal numbers alike.

    Numbers become strings, so that no decoder rounds or refuses them. The result is meant to be
    compared, not read. A body that cannot be decoded is returned unchanged.
    """
    body = body.removeprefix(_BOM)
    try:
        _skip(body)  # raises unless all of it is JSON
        return _encode(_decode(_LITERAL.sub(_spell, body)))
    except (*_ERRORS, ValueError):
        return body


def encode(value: object) -> bytes | None:
    """Return plain data as JSON; a string that holds JSON as that JSON; None for anything else.

    Fractions may be Decimals.
    """
    try:
        if isinstance(value, str) and read_fields(content := value.encode()) is not None:
            return content
        return _encode(value)
    except (*_ERRORS, TypeError):
        return None


def _object(body: bytes) -> Mapping[str, msgspec.Raw]:
    try:
        return _decode_fields(body)
    except msgspec.ValidationError:
        _skip(body)  # raises unless all of it is JSON
    return {}


def _inner(raw: msgspec.Raw) -> Mapping[str, msgspec.Raw]:
    try:
        return _decode_fields(raw)
    except _ERRORS:
        return {}


def _named(
    fields: Mapping[str, msgspec.Raw], names: Sequence[str]
) -> list[tuple[str, msgspec.Raw]]:
    found = [
        (name, value)
        for field, value in fields.items()
        if len(field) <= _MAX_FIELD and (name := normalise_name(field)) in names
    ]
    return sorted(found, key=lambda one: names.index(one[0]))


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def _spell(literal: re.Match[bytes]) -> bytes:
    """Return a number as a string of its digits and power of ten; a string as it is.

    A string that looks like a number of this spelling is marked.
    """
    token = literal[0]
    if token.startswith(b'"'):
        return token.replace(_ESCAPE, _ESCAPE + b"s", 1) if token.startswith(_ESCAPE) else token
    number = _NUMBER.fullmatch(token)
    assert number is not None  # noqa: S101 - the body is JSON
    sign, whole, fraction, power = number.groups(b"")
    digits = (whole + fraction).lstrip(b"0")
    significant = digits.rstrip(b"0")
    if not significant:
        return _ESCAPE + b'0"'
    exponent = int(power or 0) - len(fraction) + len(digits) - len(significant)
    return b'%bn%b%be%d"' % (_ESCAPE, sign, significant, exponent)


_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder(order="deterministic", decimal_format="number").encode
