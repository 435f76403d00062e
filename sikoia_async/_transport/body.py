"""Bodies, inflated in bounded memory, and refused unless they came whole.

httpx returns a gzip body that was cut short as a good 200, and inflates a bomb in one piece.
"""

import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Final

__all__ = ["BodyError", "BodyReader", "Inflater", "TooLargeError"]

_GZIP: Final = 31
"""zlib's word for: a gzip header, and its checksum checked at the end."""

_PIECE: Final = 1 << 18
"""Bytes that are inflated at a time, however small what they come from is."""


class BodyError(Exception):
    """The body is not what its headers say; the message has no part of it."""


class TooLargeError(BodyError):
    """The body is larger than the limit; what fitted was kept."""


class Inflater:
    """Takes the raw pieces of a body and gives them inflated, in pieces of bounded size.

    Args:
        encoding: the answer's Content-Encoding; `gzip` and none are understood.

    Raises:
        BodyError: the encoding is another one.
    """

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in {"", "identity", "gzip", "x-gzip"}:
            msg = "the body is in an encoding that was not asked for"
            raise BodyError(msg)
        self._gzip = zlib.decompressobj(_GZIP) if name.endswith("gzip") else None

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take the next piece, and yield what is in it.

        Raises:
            BodyError: the piece is no gzip, or follows the end of it.
        """
        if self._gzip is None:
            yield piece
            return
        while piece:
            if self._gzip.eof:
                msg = "bytes follow the end of the gzip body"
                raise BodyError(msg)
            yield _inflate(self._gzip.decompress, piece)
            # What zlib still holds comes with the next piece, and the checksum is always still due.
            piece = self._gzip.unconsumed_tail or self._gzip.unused_data

    def end(self) -> None:
        """Hear that the last piece has come.

        Raises:
            BodyError: the end of the gzip body never came.
        """
        if self._gzip is not None and not self._gzip.eof:
            msg = "the gzip body was cut short"
            raise BodyError(msg)


class BodyReader:
    """Takes the raw pieces of a body and gives the whole of it.

    Args:
        encoding: the answer's Content-Encoding; `gzip` and none are understood.
        limit: bytes of inflated body that are kept at most.

    Raises:
        BodyError: the encoding is another one.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        self._inflater = Inflater(encoding)
        self._body = BytesIO()  # which gives what was written without a copy of it
        self._room = limit
        self._limit = limit

    def feed(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            TooLargeError: the limit is passed.
            BodyError: the piece is no gzip, or follows the end of it.
        """
        for inflated in self._inflater.feed(piece):
            self._keep(inflated)

    def whole(self) -> bytes:
        """Return the body.

        Raises:
            BodyError: the end of the gzip body never came.
        """
        self._inflater.end()
        return self.so_far()

    def so_far(self) -> bytes:
        """Return what came until now."""
        return self._body.getvalue()

    def _keep(self, piece: bytes) -> None:
        self._body.write(piece[: self._room])
        if len(piece) > self._room:
            self._room = 0
            msg = f"the body is larger than {self._limit:,} bytes"
            raise TooLargeError(msg)
        self._room -= len(piece)


def _inflate(decompress: Callable[[bytes, int], bytes], piece: bytes) -> bytes:
    try:
        return decompress(piece, _PIECE)
    except zlib.error:
        msg = "the body is not the gzip that its headers say"
        raise BodyError(msg) from None
