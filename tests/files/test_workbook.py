"""Unpacking a workbook, however it is wrapped and split."""

import base64
import itertools
import json
import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async._files.workbook import Unpacker, unpack
from sikoia_async._transport.body import BodyError

ZIP = b"PK\x03\x04"
BOOK = ZIP + bytes(range(0, 256, 3)) + b"\xfb\xff\xbe"  # with + and / in its base64


def fed(pieces: Iterable[bytes]) -> bytes:
    """Unpack a body that arrives in these pieces."""
    unpacker = Unpacker()
    content = b"".join([unpacker.feed(piece) for piece in pieces])
    unpacker.end()
    return content


def split(body: bytes, positions: list[int]) -> list[bytes]:
    """Split a body at these positions."""
    edges = [0, *sorted(position % (len(body) + 1) for position in positions), len(body)]
    return [body[a:b] for a, b in itertools.pairwise(edges)]


def quoted(content: bytes) -> bytes:
    """Return a JSON string of base64."""
    return json.dumps(base64.b64encode(content).decode()).encode()


def as_dotnet(content: bytes) -> bytes:
    """Escape the base64 as .NET does by default."""
    return quoted(content).replace(b"+", rb"\u002B").replace(b"/", rb"\/")


def in_lines(content: bytes) -> bytes:
    """Break the base64 into lines of 76 characters."""
    return json.dumps(base64.encodebytes(content).decode()).encode()


def escaped(content: bytes) -> bytes:
    """Escape every character."""
    characters = base64.b64encode(content)
    return b'"' + b"".join(b"\\u%04x" % character for character in characters) + b'"'


def spaced(content: bytes) -> bytes:
    """Add a byte order mark and white space."""
    return b"\xef\xbb\xbf \r\n" + quoted(content) + b"\r\n\t "


WRAPPED = [bytes, quoted, as_dotnet, in_lines, escaped, spaced]


@pytest.mark.parametrize("wrap", WRAPPED, ids=lambda wrap: str(wrap.__name__))
@given(rest=st.binary(max_size=300), positions=st.lists(st.integers(0, 5000), max_size=12))
def test_a_workbook_is_unpacked_from_any_pieces(
    wrap: type[bytes], rest: bytes, positions: list[int]
) -> None:
    """Raw and in base64, in one piece and in many."""
    assert fed(split(wrap(ZIP + rest), positions)) == ZIP + rest


@pytest.mark.parametrize("wrap", WRAPPED, ids=lambda wrap: str(wrap.__name__))
def test_a_workbook_is_unpacked_byte_by_byte(wrap: type[bytes]) -> None:
    """Also if it is split within an escape, or within the byte order mark."""
    body = wrap(BOOK)

    assert fed(body[at : at + 1] for at in range(len(body))) == BOOK
    assert all(fed([body[:at], body[at:]]) == BOOK for at in range(len(body) + 1))
    assert unpack(body) == BOOK


def test_large_workbooks_are_streamed() -> None:
    """Each piece is decoded at once, instead of at the end."""
    unpacker = Unpacker()
    body = quoted(ZIP + bytes(3_000_000))

    sizes = [len(unpacker.feed(body[at : at + 4096])) for at in range(0, len(body), 4096)]

    assert sum(sizes) == 3_000_004
    assert max(sizes) <= 4096
    assert unpack(body) == ZIP + bytes(3_000_000)


_INVALID = {
    "nothing": b"",
    "space": b" \n ",
    "much space": b" " * 10_000,
    "a byte order mark alone": b"\xef\xbb\xbf",
    "half a zip": b"PK\x03",
    "another zip": b"PK\x05\x06" + bytes(18),
    "a zip after space": b" " + BOOK,
    "JSON": b'{"type": "x"}',
    "null": b"null",
    "HTML": b"<html>",
    "PDF": b"%PDF-1.7",
    "an empty string": b'""',
    "string": b'"string"',
    "base64 of something else": quoted(b"%PDF-1.7 and more"),
    "base64 of too little": quoted(b"PK\x03"),
    "no end": quoted(BOOK)[:-1],
    "no end of an escape": quoted(ZIP)[:-1] + rb"\u00",
    "a quad cut short": b'"UEsDBA="',
    "characters after the end": quoted(ZIP + b"x")[:-1] + b'UEsD"',
    "padding within": b'"UEsDBA==UEsDBA=="',
    "a character of another alphabet": b'"UEsDBA_-"',
    "an escaped quotation mark": rb'"UEsDBA\"=="',
    "an escaped backslash": rb'"UEsD\\BA=="',
    "an unknown escape": rb'"UEsD\bBA=="',
    "an escape above U+00FF": rb'"UEsD\u0141BA=="',
    "an escaped character outside base64": rb'"UEsD\u0022BA=="',
    "bytes after the end": quoted(BOOK) + b"x",
}


@pytest.mark.parametrize("body", _INVALID.values(), ids=_INVALID.keys())
def test_other_bodies_are_refused(body: bytes) -> None:
    """In one piece and byte by byte, with a message that repeats nothing of the body."""
    with pytest.raises(BodyError, match="neither a workbook nor") as caught:
        unpack(body)
    with pytest.raises(BodyError):
        fed(body[at : at + 1] for at in range(len(body)))

    assert not re.search("UEs|PDF|html", str(caught.value))
    assert caught.value.__context__ is None
