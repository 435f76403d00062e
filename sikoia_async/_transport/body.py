"""Response bodies: decompressed in bounded memory, and rejected unless they are complete.

httpx returns a truncated gzip body as a valid 200, and decompresses a bomb in one piece.
"""

import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Final

__all__ = ["BodyError", "BodyReader", "Inflater", "TooLargeError"]

_GZIP: Final = 31
"""`wbits` for gzip: require the header and verify the checksum."""
_IDENTITY: Final = frozenset({"", "identity"})
_CHUNK: Final = 1 << 18
"""Bytes that are decompressed at a time, however small the input is."""
_MAX_RATIO: Final = 100
"""How many times as large as it was sent a body in memory may become; JSON reaches 10 to 30."""
_ALWAYS_ALLOWED: Final = 1 << 20
"""Bytes that a body in memory may have, however small it was sent."""


class BodyError(Exception):
    """The body does not match its headers; the message holds no part of it."""


class TooLargeError(BodyError):
    """The body is larger than the limit; its beginning is kept."""


class Inflater:
    """Decompresses a body chunk by chunk, into chunks of bounded size.

    Args:
        encoding: Content-Encoding of the response; gzip and none are supported.

    Raises:
        BodyError: the encoding is another one.
    """

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in {"", "identity", "gzip", "x-gzip"}:
            msg = "the body has an unsupported content encoding"
            raise BodyError(msg)
        self._gzip = None if name in _IDENTITY else zlib.decompressobj(_GZIP)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Decompress the next chunk.

        Raises:
            BodyError: the chunk is not gzip, or follows the end of it.
        """
        if self._gzip is None:
            yield chunk
            return
        while chunk:
            if self._gzip.eof:
                msg = "bytes follow the end of the gzip body"
                raise BodyError(msg)
            yield _inflate(self._gzip.decompress, chunk)
            # Output that zlib still holds comes with the next chunk: the checksum is always due.
            chunk = self._gzip.unconsumed_tail or self._gzip.unused_data

    def end(self) -> None:
        """Finish the body after its last chunk.

        Raises:
            BodyError: the gzip body is incomplete.
        """
        if self._gzip is not None and not self._gzip.eof:
            msg = "the gzip body was cut short"
            raise BodyError(msg)


class BodyReader:
    """Collects a body in memory, decompressed and within a limit.

    Args:
        encoding: Content-Encoding of the response; gzip and none are supported.
        limit: bytes of decompressed body that are kept at most.

    Raises:
        BodyError: the encoding is another one.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        self._inflater = None if encoding in _IDENTITY else Inflater(encoding)
        self._body = BytesIO()  # its getvalue() does not copy
        self._room = limit
        self._limit = limit
        self._received = 0

    def feed(self, chunk: bytes) -> None:
        """Add the next chunk.

        Raises:
            TooLargeError: the body exceeds the limit, or a hundred times the size it was sent in.
            BodyError: the chunk is not gzip, or follows the end of it.
        """
        if self._inflater is None:
            self._keep(chunk)
            return
        self._received += len(chunk)
        for inflated in self._inflater.feed(chunk):
            self._keep(inflated)
            if self._limit - self._room > max(_ALWAYS_ALLOWED, _MAX_RATIO * self._received):
                msg = f"the body is more than {_MAX_RATIO} times as large as it was sent"
                raise TooLargeError(msg)

    def whole(self) -> bytes:
        """Return the complete body.

        Raises:
            BodyError: the gzip body is incomplete.
        """
        if self._inflater is not None:
            self._inflater.end()
        return self._body.getvalue()

    def so_far(self) -> bytes:
        """Return what was read until now."""
        return self._body.getvalue()

    def _keep(self, chunk: bytes) -> None:
        self._body.write(chunk[: self._room])
        if len(chunk) > self._room:
            self._room = 0
            msg = f"the body is larger than {self._limit:,} bytes"
            raise TooLargeError(msg)
        self._room -= len(chunk)


def _inflate(decompress: Callable[[bytes, int], bytes], chunk: bytes) -> bytes:
    try:
        return decompress(chunk, _CHUNK)
    except zlib.error:
        msg = "the body is not valid gzip"
        raise BodyError(msg) from None
