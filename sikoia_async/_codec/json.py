"""JSON text to plain Python, its fractions as `Decimal`."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

__all__ = ["REFUSALS", "DecodeError", "read_json"]

REFUSALS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidOperation)
"""What msgspec raises for a body that it cannot read."""


class DecodeError(Exception):
    """The body does not fit; `problems` tells where, and what was expected, and never a value."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems


def read_json(body: bytes) -> Any:
    """Read JSON into plain Python, its fractions as Decimal.

    Raises:
        Misfit: it is none.
    """
    try:
        return _plain_decoder.decode(body.removeprefix(_BOM))
    except REFUSALS:
        problem = "is no JSON"
    raise DecodeError(problem)


_BOM: Final = b"\xef\xbb\xbf"
_plain_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)
