"""JSON to plain Python values, with fractions as `Decimal`."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

__all__ = ["REFUSALS", "DecodeError", "read_json"]

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


_BOM: Final = b"\xef\xbb\xbf"
_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)
