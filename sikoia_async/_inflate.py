"""Bodies, inflated in bounded memory, and refused unless they came whole.

httpx returns a gzip body that was cut short as a good 200, and inflates a bomb in one piece.
"""

import zlib
from collections.abc import Callable
from typing import Final

__all__ = ["BodyError", "BodyReader", "TooLargeError"]

_GZIP: Final = 31
"""zlib's word for: a gzip header, and its checksum checked at the end."""


class BodyError(Exception):
    """The body is not what its headers say; the message has no part of it."""


class TooLargeError(BodyError):
    """The body is larger than the limit; what fitted was kept."""


class BodyReader:
    """Takes the raw pieces of a body and gives the whole of it.

    Args:
        encoding: the answer's Content-Encoding; `gzip` and none are understood.
        limit: bytes of inflated body that are kept at most.

    Raises:
        BodyError: the encoding is another one.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        name = encoding.strip().lower()
        if name not in {"", "identity", "gzip", "x-gzip"}:
            msg = "the body is in an encoding that was not asked for"
            raise BodyError(msg)
        self._inflater = zlib.decompressobj(_GZIP) if name.endswith("gzip") else None
        self._pieces: list[bytes] = []
        self._room = limit
        self._limit = limit

    def feed(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            TooLargeError: the limit is passed.
            BodyError: the piece is no gzip, or follows the end of it.
        """
        if self._inflater is None:
            self._keep(piece)
            return
        while piece:
            if self._inflater.eof:
                msg = "bytes follow the end of the gzip body"
                raise BodyError(msg)
            self._keep(self._inflate(self._inflater.decompress, piece))
            piece = self._inflater.unconsumed_tail or self._inflater.unused_data

    def whole(self) -> bytes:
        """Return the body.

        Raises:
            BodyError: the end of the gzip body never came.
        """
        if self._inflater is not None and not self._inflater.eof:
            msg = "the gzip body was cut short"
            raise BodyError(msg)
        return self.so_far()

    def so_far(self) -> bytes:
        """Return what came until now."""
        return b"".join(self._pieces)

    def _inflate(self, decompress: Callable[[bytes, int], bytes], piece: bytes) -> bytes:
        try:
            # One byte more than there is room for tells a full body from one that is too large.
            return decompress(piece, self._room + 1)
        except zlib.error:
            msg = "the body is not the gzip that its headers say"
            raise BodyError(msg) from None

    def _keep(self, piece: bytes) -> None:
        self._pieces.append(piece[: self._room])
        if len(piece) > self._room:
            self._room = 0
            msg = f"the body is larger than {self._limit:,} bytes"
            raise TooLargeError(msg)
        self._room -= len(piece)
