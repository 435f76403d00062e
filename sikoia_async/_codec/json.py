"""JSON to plain Python values, with fractions as `Decimal`."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

__all__ = ["REFUSALS", "DecodeError", "read_json", "read_leniently"]

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


def read_leniently(body: bytes) -> Any:
    """Read JSON like `read_json`, and accept parts of it that `read_json` refuses.

    Numbers that are too large become strings, NaN and infinity become floats, and a byte that is
    not UTF-8 becomes half a surrogate pair. Strings may contain raw control characters and halves
    of surrogate pairs.

    Raises:
        DecodeError: the body is not JSON.
    """
    try:
        return _decoder.decode(body.removeprefix(_BOM))
    except REFUSALS:
        text = body.removeprefix(_BOM).decode(errors="surrogateescape")
    try:
        return _lenient_decoder.decode(text)
    except (ValueError, RecursionError):
        problem = "not valid JSON"
    raise DecodeError(problem)


def _int(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # Python converts strings of up to 4,300 digits
        return digits


def _fraction(digits: str) -> Decimal | str:
    try:
        return Decimal(digits)
    except InvalidOperation:
        return digits


_BOM: Final = b"\xef\xbb\xbf"
_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)
_lenient_decoder: Final = json.JSONDecoder(parse_int=_int, parse_float=_fraction, strict=False)
