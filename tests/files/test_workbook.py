"""A workbook comes out the same, however it was wrapped and cut."""

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
    """Unpack a body that comes in these pieces."""
    unpacker = Unpacker()
    content = b"".join([unpacker.feed(piece) for piece in pieces])
    unpacker.end()
    return content


def cut(body: bytes, places: list[int]) -> list[bytes]:
    """Cut a body at these places."""
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[a:b] for a, b in itertools.pairwise(edges)]


def quoted(content: bytes) -> bytes:
    """Write a JSON string of base64."""
    return json.dumps(base64.b64encode(content).decode()).encode()


def as_dotnet(content: bytes) -> bytes:
    """Escape as .NET's serializer does by default."""
    return quoted(content).replace(b"+", rb"\u002B").replace(b"/", rb"\/")


def in_lines(content: bytes) -> bytes:
    """Break the base64 into lines of 76 signs."""
    return json.dumps(base64.encodebytes(content).decode()).encode()


def escaped(content: bytes) -> bytes:
    """Escape every sign."""
    signs = base64.b64encode(content)
    return b'"' + b"".join(b"\\u%04x" % sign for sign in signs) + b'"'


def spaced(content: bytes) -> bytes:
    """Put a mark of the byte order and white space around it."""
    return b"\xef\xbb\xbf \r\n" + quoted(content) + b"\r\n\t "


WRAPPED = [bytes, quoted, as_dotnet, in_lines, escaped, spaced]


@pytest.mark.parametrize("wrap", WRAPPED, ids=lambda wrap: str(wrap.__name__))
@given(rest=st.binary(max_size=300), places=st.lists(st.integers(0, 5000), max_size=12))
def test_a_workbook_comes_back_however_it_is_cut(
    wrap: type[bytes], rest: bytes, places: list[int]
) -> None:
    """It is the same raw and in base64, in one piece and in many."""
    assert fed(cut(wrap(ZIP + rest), places)) == ZIP + rest


@pytest.mark.parametrize("wrap", WRAPPED, ids=lambda wrap: str(wrap.__name__))
def test_a_workbook_comes_back_byte_by_byte(wrap: type[bytes]) -> None:
    """Wherever it is cut, nothing is lost: within an escape, too, and within a mark."""
    body = wrap(BOOK)

    assert fed(body[at : at + 1] for at in range(len(body))) == BOOK
    assert all(fed([body[:at], body[at:]]) == BOOK for at in range(len(body) + 1))
    assert unpack(body) == BOOK


def test_large_ones_come_in_pieces() -> None:
    """What comes out is given at once, and not kept until the end."""
    unpacker = Unpacker()
    body = quoted(ZIP + bytes(3_000_000))

    given = [len(unpacker.feed(body[at : at + 4096])) for at in range(0, len(body), 4096)]

    assert sum(given) == 3_000_004
    assert max(given) <= 4096
    assert unpack(body) == ZIP + bytes(3_000_000)


_NONE = {
    "nothing": b"",
    "space": b" \n ",
    "much space": b" " * 10_000,
    "a mark alone": b"\xef\xbb\xbf",
    "half a zip": b"PK\x03",
    "another zip": b"PK\x05\x06" + bytes(18),
    "a zip after space": b" " + BOOK,
    "JSON": b'{"type": "x"}',
    "null": b"null",
    "HTML": b"<html>",
    "PDF": b"%PDF-1.7",
    "an empty text": b'""',
    "text": b'"string"',
    "base64 of something else": quoted(b"%PDF-1.7 and more"),
    "base64 of too little": quoted(b"PK\x03"),
    "no end": quoted(BOOK)[:-1],
    "no end of an escape": quoted(ZIP)[:-1] + rb"\u00",
    "a quad cut short": b'"UEsDBA="',
    "signs after the end": quoted(ZIP + b"x")[:-1] + b'UEsD"',
    "padding within": b'"UEsDBA==UEsDBA=="',
    "a sign of another alphabet": b'"UEsDBA_-"',
    "an escaped quotation mark": rb'"UEsDBA\"=="',
    "an escaped backslash": rb'"UEsD\\BA=="',
    "an unknown escape": rb'"UEsD\bBA=="',
    "an escape of another page": rb'"UEsD\u0141BA=="',
    "an escaped sign that is none": rb'"UEsD\u0022BA=="',
    "text after the end": quoted(BOOK) + b"x",
}


@pytest.mark.parametrize("body", _NONE.values(), ids=_NONE.keys())
def test_what_is_no_workbook_is_refused(body: bytes) -> None:
    """It is refused in one piece and byte by byte, and nothing of it is repeated."""
    with pytest.raises(BodyError, match="neither a workbook nor") as caught:
        unpack(body)
    with pytest.raises(BodyError):
        fed(body[at : at + 1] for at in range(len(body)))

    assert not re.search("UEs|PDF|html", str(caught.value))
    assert caught.value.__context__ is None
