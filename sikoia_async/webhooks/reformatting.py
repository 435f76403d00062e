"""Reformatted JSON: the same document with the white space that common serialisers write.

A server that parses a body and serialises it again breaks the signature. Finding out is worth a
clear error message.
"""

import re
from collections.abc import Iterator
from itertools import chain, zip_longest
from typing import Final

__all__ = ["reformatted"]

# A string of JSON, whole or cut off by the end of the body. The possessive quantifier (`*+`) reads
# it in one step: otherwise a body of nothing but quotes would take quadratic time.
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_QUOTE: Final = b'"'
_WHITE_SPACE: Final = b" \t\r\n"


def reformatted(body: bytes) -> Iterator[bytes]:
    """Yield the body as most servers write JSON, without white space, and as Python does."""
    strings: list[bytes] = _STRING.findall(body)
    between = _STRING.sub(_QUOTE, body).translate(None, _WHITE_SPACE)
    for spelling in (between, between.replace(b",", b", ").replace(b":", b": ")):
        pieces = zip_longest(spelling.split(_QUOTE), strings, fillvalue=b"")
        yield b"".join(chain.from_iterable(pieces))
