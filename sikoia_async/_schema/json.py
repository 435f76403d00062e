"""JSON to plain Python values, with fractions as `Decimal`."""

import json
import re
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from functools import partial
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from sikoia_async._schema.standard import standard_type

__all__ = [
    "CONSTANTS",
    "REFUSALS",
    "DecodeError",
    "NumberText",
    "convert",
    "decoder",
    "mended",
    "read_json",
    "read_leniently",
    "read_patiently",
    "split",
]

T = TypeVar("T")

REFUSALS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidOperation)
"""The errors that msgspec raises for a body that it cannot read."""


class DecodeError(Exception):
    """A body does not fit its type; `problems` names paths and expected types, never values."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems


def read_json(body: bytes) -> Any:
    """Read JSON into plain Python values, with fractions as `Decimal`.

    Raises:
        DecodeError: the body is not JSON.
    """
    try:
        return _decoder.decode(body.removeprefix(_BOM))
    except REFUSALS:
        problem = "not valid JSON"
    raise DecodeError(problem)


class NumberText(str):
    """A number as its text, because its exponent is too large for a `Decimal`."""

    __slots__ = ()


def read_patiently(body: bytes | msgspec.Raw) -> Any:
    """Read any JSON into plain Python values, whatever the decimal context is.

    A string may contain half of a surrogate pair, as with Python's own parser. A whole number with
    too many digits for an `int` is a `Decimal`, and one that is too large for that a `NumberText`.

    Raises:
        DecodeError: the body is not JSON, or is nested too deeply.
    """
    return _read(body, lambda plain: _patient_decoder.decode(plain.decode()))


def read_leniently(body: bytes | msgspec.Raw) -> Any:
    """Read JSON like `read_json`, and accept parts of it that `read_json` refuses.

    Numbers that are too large become strings, NaN and infinity become floats, and a byte that is
    not UTF-8 becomes half a surrogate pair. Strings may contain raw control characters and halves
    of surrogate pairs.

    Raises:
        DecodeError: the body is not JSON.
    """
    return _read(body, _decode_leniently)


def _decode_leniently(plain: bytes) -> Any:
    try:
        text = plain.decode(errors="surrogatepass")
    except UnicodeDecodeError:
        text = plain.decode(errors="surrogateescape")
    return _lenient_decoder.decode(text)


def _read(body: bytes | msgspec.Raw, decode: Callable[[bytes], Any]) -> Any:
    """Read JSON with msgspec, and with another function what msgspec refuses."""
    plain = bytes(body).removeprefix(_BOM)
    try:
        return _decoder.decode(plain)
    except REFUSALS:
        pass
    try:
        return decode(plain)
    except (ValueError, RecursionError):
        problem = "not valid JSON"
    raise DecodeError(problem)


def decoder(wanted: Any) -> Callable[[bytes | msgspec.Raw], Any]:
    """Return the function of msgspec that decodes JSON into this type, or raises `REFUSALS`."""
    return msgspec.json.Decoder(wanted, float_hook=_decimal, dec_hook=_convert).decode


def convert(value: Any, wanted: Any) -> Any:
    """Convert plain Python values to a type, also from strings, or raise `REFUSALS`."""
    return msgspec.convert(value, wanted, strict=False, dec_hook=_convert)


def _convert(kind: type, value: Any) -> Any:
    """Convert a value for a type that msgspec does not know, such as freezegun's datetime."""
    standard = standard_type(kind)
    if standard is kind:
        raise msgspec.ValidationError  # as without this function
    return msgspec.convert(value, standard)


def split(body: bytes, into: Callable[[bytes], T]) -> T:
    """Split a body with a decoder of msgspec, such as one for a `list[msgspec.Raw]`.

    If the body is not what msgspec takes for JSON, raw control characters are escaped, an escaped
    half of a surrogate pair becomes bytes that are not UTF-8, and NaN and infinity become strings
    with such a byte. When they are decoded, msgspec refuses only these strings.

    Raises:
        DecodeError: the body is not JSON.
        msgspec.ValidationError: the decoder splits other JSON than this.
    """
    body = body.removeprefix(_BOM)
    for mend in (bytes, _mend_strings, _mend_constants):
        try:
            body = mend(body)
            return into(body)
        except msgspec.ValidationError:
            raise
        except (*REFUSALS, ValueError):
            continue
    problem = "not valid JSON"
    raise DecodeError(problem)


def mended(body: bytes) -> bytes:
    """Return a body such that msgspec can split it into the parts of its objects and lists.

    It is changed as by `split`, if it has to be.

    Raises:
        DecodeError: the body is not JSON.
    """
    return split(body, _whole)


def _whole(body: bytes) -> bytes:
    _skip(body)
    return body


def _mend_strings(body: bytes) -> bytes:
    if b"\\" in body:
        body = _ESCAPE.sub(_unescaped, body)
    controls = bytes(one for one in range(ord(" ")) if one in body)
    if controls:
        body = _replace(re.compile(b"[%b]" % controls), _escaped, body, in_strings=True)
    return body


def _mend_constants(body: bytes) -> bytes:
    return _replace(_CONSTANT, _quoted, body, in_strings=False)


def _replace(
    pattern: re.Pattern[bytes],
    replacement: Callable[[re.Match[bytes]], bytes],
    body: bytes,
    *,
    in_strings: bool,
) -> bytes:
    """Replace what is inside the strings of a body, or what is outside of them."""
    if b"\\" in body:  # with every quote inside a string spelt as a number, the rest delimit them
        body = body.replace(rb"\\", rb"\u005c").replace(rb"\"", rb"\u0022")
    start, quotes = 0, 0

    def replaced(found: re.Match[bytes]) -> bytes:
        nonlocal start, quotes
        quotes += body.count(b'"', start, found.start())
        start = found.start()
        return replacement(found) if quotes % 2 == in_strings else found[0]

    return pattern.sub(replaced, body)


def _quoted(constant: re.Match[bytes]) -> bytes:
    return b'"%b\xff"' % constant[0]


def _escaped(control: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(control[0])


def _unescaped(escape: re.Match[bytes]) -> bytes:
    half = escape["half"]
    return chr(int(half, 16)).encode(errors="surrogatepass") if half else escape[0]


def _int(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # Python converts strings of up to 4,300 digits
        return digits


def _fraction(digits: str) -> Decimal | str:
    try:
        return _decimal(digits)
    except InvalidOperation:
        return digits


def _number(digits: str) -> Decimal | NumberText:
    try:
        return _decimal(digits)
    except InvalidOperation:
        return NumberText(digits)


def _whole_number(digits: str) -> int | Decimal:
    try:
        return int(digits)
    except ValueError:  # more digits than `sys.get_int_max_str_digits()` allows
        return _decimal(digits)


def _refuse(_: str) -> NoReturn:
    """Refuse `NaN` and `Infinity`, which Python's parser takes for JSON."""
    raise ValueError


_BOM: Final = b"\xef\xbb\xbf"
# A context of our own: without this trap in the caller's, a number that is too large would be NaN.
_decimal: Final = partial(Decimal, context=Context(traps=[InvalidOperation]))
_decoder: Final = msgspec.json.Decoder(float_hook=_decimal)
_patient_decoder: Final = json.JSONDecoder(
    parse_float=_number, parse_int=_whole_number, parse_constant=_refuse
)
"""Reads what msgspec refuses, five times as slowly."""
_skip: Final = msgspec.json.Decoder(msgspec.Raw).decode
_CONSTANT: Final = re.compile(rb"NaN|-?Infinity")
CONSTANTS: Final = {f"{name}\udcff": name for name in ("NaN", "Infinity", "-Infinity")}
"""What `read_leniently` returns for a constant in a mended body, and the constant."""
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|u(?P<half>[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
"""An escape in a string: a surrogate pair, half of one, or another character."""
_lenient_decoder: Final = json.JSONDecoder(parse_int=_int, parse_float=_fraction, strict=False)
