"""Reading the bodies of events, whose format Sikoia does not publish.

Field names are looked for at the top and one level below, in what may be an envelope. Ids may be at
any depth. Everything else is skipped without being decoded, which is five times as fast.
"""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, cast

import msgspec

from sikoia_async._schema.json import NumberText

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
_LITERAL: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|-?\d[\d.eE+-]*+')
"""A string or a number, in text that is known to be JSON."""
_NUMBER: Final = re.compile(rb"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?")
_ESCAPE: Final = rb'"\u0000'
"""How the strings begin that stand for numbers."""
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_STRING_ESCAPE: Final = re.compile(
    rb"(?P<pair>\\u[dD][89abAB]..\\u[dD][c-fC-F]..)|\\u(?P<lone>[dD][89a-fA-F]..)"
    rb"|(?P<zero>\\u0000)|\\."
)
"""An escape in a string of JSON. Python accepts lone surrogates, and msgspec does not."""
_MAX_EXPONENT_DIGITS: Final = 600
"""Python converts numbers of up to 640 digits or more, whatever the limit that is set."""

_skip: Final = msgspec.json.Decoder(msgspec.Raw).decode
_decode_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_string: Final = msgspec.json.Decoder(str).decode
_ERRORS: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


def read_fields(body: bytes) -> Mapping[str, msgspec.Raw] | None:
    """Return the fields of a JSON object, undecoded; empty for other JSON, None if it is not JSON.

    The whole body is checked.
    """
    try:
        _check_encoding(body)
        return _decode_fields(body)
    except _ERRORS:  # nearly every body is an object without anything odd
        body = _without_lone_surrogates(body.removeprefix(_BOM))
    try:
        _check_encoding(body)
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


@lru_cache(maxsize=256)  # nearly all events have the same fields
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
        _skip(_without_lone_surrogates(body))  # raises unless all of it is JSON
        return _encode(_decode(_LITERAL.sub(_spell, body)))
    except _ERRORS:
        return body


def encode(value: object) -> bytes | None:
    """Return plain data as JSON; a string that holds JSON as that JSON; None for anything else.

    Fractions may be Decimals. What `read_json` returns is encoded without a loss.
    """
    if type(value) is str:
        content = value.encode(errors="backslashreplace")  # escapes lone surrogates as JSON does
        if read_fields(content) is not None:
            return content
    try:
        try:
            return _encode(value)
        except (UnicodeError, ValueError):
            return _write(value).encode()
    except (*_ERRORS, TypeError):
        return None


def _write(value: object) -> str:
    """Return as JSON what msgspec refuses: strings with lone surrogates, and very long numbers."""
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value).items()
        return "{" + ",".join(f"{_write(name)}:{_write(entry)}" for name, entry in entries) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_write, cast("list[object]", value))) + "]"
    if type(value) is str:
        return json.dumps(value)
    if type(value) is int:
        value = Decimal(value)
    return _encode(value).decode()


def _raw_number(value: object) -> msgspec.Raw:
    """Return a `NumberText` as the number that it stands for."""
    if isinstance(value, NumberText):
        return msgspec.Raw(value.encode())
    raise TypeError


def _check_encoding(body: bytes) -> None:
    """Raise unless a body is UTF-8, because msgspec does not check strings that it skips."""
    if not body.isascii():
        body.decode()


def _without_lone_surrogates(body: bytes) -> bytes:
    """Return JSON with the replacement character for each escaped lone surrogate."""
    if b"\\" not in body or not _SURROGATE.search(body):  # nearly no body has a backslash
        return body
    return _STRING_ESCAPE.sub(lambda found: rb"\ufffd" if found["lone"] else found[0], body)


def _marked(found: re.Match[bytes]) -> bytes:
    """Return an escape of a string that stands for one with lone surrogates."""
    if found["lone"]:
        return rb"\u0000" + found["lone"].lower()
    return rb"\u00000000" if found["zero"] else found[0]


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
    return sorted(found, key=lambda one: names.index(one[0])) if len(found) > 1 else found


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def _spell(literal: re.Match[bytes]) -> bytes:
    """Return a number as a string of its digits and power of ten; a string as it is.

    A string that looks like a number of this spelling is marked, and so is one with lone
    surrogates, which no decoder reads.
    """
    token = literal[0]
    if token.startswith(b'"'):
        if _SURROGATE.search(token) and any(
            found["lone"] for found in _STRING_ESCAPE.finditer(token)
        ):
            return _ESCAPE + b"u" + _STRING_ESCAPE.sub(_marked, token[1:])
        return token.replace(_ESCAPE, _ESCAPE + b"s", 1) if token.startswith(_ESCAPE) else token
    number = _NUMBER.fullmatch(token)
    assert number is not None  # noqa: S101 - the body is JSON
    sign, whole, fraction, power = number.groups(b"")
    digits = (whole + fraction).lstrip(b"0")
    significant = digits.rstrip(b"0")
    if not significant:
        return _ESCAPE + b'0"'
    shift = len(digits) - len(significant) - len(fraction)
    if len(power) > _MAX_EXPONENT_DIGITS:  # nothing reads such a number, nor spells it differently
        return b'%bn%b%be%b+%d"' % (_ESCAPE, sign, significant, power, shift)
    return b'%bn%b%be%d"' % (_ESCAPE, sign, significant, int(power or 0) + shift)


_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder(
    order="deterministic", decimal_format="number", enc_hook=_raw_number
).encode
