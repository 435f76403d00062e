"""Response bodies: decompressed in bounded memory, complete or refused."""

import gzip
import itertools
import tracemalloc
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async._transport.body import BodyError, BodyReader, Inflater, TooLargeError

BODY = b'{"name": "Acme", "number": 12345678}' * 20
PACKED = gzip.compress(BODY, mtime=0)


def read(encoding: str, *pieces: bytes, limit: int = 1 << 20) -> bytes:
    """Read a body that arrives in these chunks."""
    reader = BodyReader(encoding, limit)
    feed(reader, pieces)
    return reader.whole()


def feed(reader: BodyReader, pieces: Iterable[bytes]) -> None:
    """Return the chunks that a body is decompressed into."""
    for piece in pieces:
        reader.feed(piece)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    """Split a body at these positions."""
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[a:b] for a, b in itertools.pairwise(edges)]


@given(st.binary(max_size=2000), st.lists(st.integers(0, 4000), max_size=10))
def test_gzip_is_decompressed_however_it_is_split(body: bytes, places: list[int]) -> None:
    """In one chunk, in many, and with empty chunks in between."""
    assert read("gzip", *cut(gzip.compress(body), places)) == body


@given(st.binary(max_size=200), st.lists(st.integers(0, 400), max_size=5))
def test_plain_bodies_are_joined(body: bytes, places: list[int]) -> None:
    """A body without an encoding is the concatenation of its chunks."""
    assert read("identity", *cut(body, places)) == body


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", " gzip "])
def test_gzip_has_several_spellings(encoding: str) -> None:
    """Case, spaces and the old name do not matter."""
    assert read(encoding, PACKED) == BODY


def test_a_truncated_body_is_refused() -> None:
    """Wherever a gzip body ends too early, including in its checksum."""
    for end in range(len(PACKED)):
        with pytest.raises(BodyError, match="cut short"):
            read("gzip", PACKED[:end])


def test_the_beginning_of_a_truncated_body_is_kept() -> None:
    """It may help Sikoia's support."""
    reader = BodyReader("gzip", 1 << 20)

    reader.feed(PACKED[:-9])

    assert BODY.startswith(reader.so_far())
    assert reader.so_far()


@pytest.mark.parametrize("more", [b"x", b"\x00", PACKED], ids=["junk", "padding", "second member"])
@pytest.mark.parametrize("together", [True, False], ids=["one piece", "two pieces"])
def test_bytes_after_the_end_are_refused(more: bytes, *, together: bool) -> None:
    """Bytes after a gzip body are neither dropped nor read as a part of it."""
    pieces = [PACKED + more] if together else [PACKED, more]

    with pytest.raises(BodyError, match="bytes follow the end"):
        read("gzip", *pieces)


@pytest.mark.parametrize(
    "body",
    [b"<html>secret</html>", BODY, zlib.compress(BODY), b"\x1f\x8b\x09" + b"secret" * 3],
    ids=["html", "json", "zlib", "bad header"],
)
def test_invalid_gzip_is_refused(body: bytes) -> None:
    """The message holds no part of the body."""
    with pytest.raises(BodyError, match="not valid gzip") as caught:
        read("gzip", body)

    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_wrong_checksum_is_refused() -> None:
    """One changed bit of the checksum invalidates the body."""
    broken = bytearray(PACKED)
    broken[-8] ^= 1

    with pytest.raises(BodyError, match="not valid gzip"):
        read("gzip", bytes(broken))


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "gzip;q=1", "secret"])
def test_other_encodings_are_refused(encoding: str) -> None:
    """Encodings that were not requested are rejected."""
    with pytest.raises(BodyError, match="unsupported content encoding") as caught:
        BodyReader(encoding, 10)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("size", [1, 7, 1 << 20], ids=["bytes", "sevens", "one piece"])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_the_limit_is_exact(encoding: str, size: int) -> None:
    """A body of exactly the limit is accepted; one byte more is refused, and the rest is kept."""
    sent = PACKED if encoding else BODY
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    reader = BodyReader(encoding, len(BODY) - 1)

    assert read(encoding, *pieces, limit=len(BODY)) == BODY
    with pytest.raises(TooLargeError, match=f"larger than {len(BODY) - 1:,} bytes"):
        feed(reader, pieces)
    assert reader.so_far() == BODY[:-1]


def test_a_limit_of_zero_accepts_an_empty_body() -> None:
    """Also an empty gzip body."""
    assert read("gzip", gzip.compress(b""), limit=0) == b""
    with pytest.raises(TooLargeError):
        read("gzip", gzip.compress(b"x"), limit=0)


@pytest.mark.parametrize("size", [0, 1, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 3 << 18])
@pytest.mark.parametrize("step", [1, 1 << 20], ids=["bytes", "one piece"])
def test_large_bodies_are_yielded_in_bounded_chunks(size: int, step: int) -> None:
    """However much a few bytes expand to, to the last byte."""
    inflater, packed = Inflater("gzip"), gzip.compress(bytes(size))

    pieces = [
        piece
        for at in range(0, len(packed), step)
        for piece in inflater.feed(packed[at : at + step])
    ]
    inflater.end()

    assert b"".join(pieces) == bytes(size)
    assert max(map(len, pieces)) <= 1 << 18


def test_a_bomb_takes_no_memory() -> None:
    """64 MiB of zeros in 64 KiB are stopped at the limit, not after decompressing them."""
    bomb = gzip.compress(bytes(64 << 20))
    reader = BodyReader("gzip", 1 << 16)
    tracemalloc.start()

    with pytest.raises(TooLargeError):
        reader.feed(bomb)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 1 << 20
    assert reader.so_far() == bytes(1 << 16)


def test_a_body_expands_a_hundredfold_at_most() -> None:
    """However large the limit is; the first megabyte is always allowed."""
    reader, small = BodyReader("gzip", 32 << 20), BodyReader("gzip", 32 << 20)

    with pytest.raises(TooLargeError, match="more than 100 times as large as it was sent"):
        reader.feed(gzip.compress(bytes(16 << 20)))

    assert len(reader.so_far()) < 100 * (16 << 10) + (1 << 18)
    small.feed(gzip.compress(bytes(1 << 20)))
    assert small.whole() == bytes(1 << 20)


def test_a_body_is_in_memory_once() -> None:
    """Not as chunks and as their concatenation."""
    reader, piece = BodyReader("", 32 << 20), bytes(1 << 16)
    tracemalloc.start()

    for _ in range(512):
        reader.feed(piece)
    body = reader.whole()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(body) == 32 << 20
    assert most < 40 << 20
