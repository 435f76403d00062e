r"""Unpacks the Excel report, which is either a raw workbook or a JSON string with base64.

The specification declares the media type `application/json` and a binary format, and its example
fits neither. So the first bytes decide: a workbook is a zip file, and starts with `PK\x03\x04`; a
JSON string starts with a quotation mark, and contains a workbook in base64. Both are decoded as a
stream.
"""

import re
from binascii import Error, a2b_base64
from typing import Final

from sikoia_async._transport.body import BodyError

__all__ = ["Unpacker", "unpack"]

_ZIP: Final = b"PK\x03\x04"
_BOM: Final = b"\xef\xbb\xbf"
_SPACE: Final = b" \t\r\n"
_MAX_SPACE: Final = 64
_PIECE: Final = 1 << 18

_ESCAPE: Final = re.compile(rb"\\(?:u00([0-9A-Fa-f]{2})|([/nrt]))")
"""A JSON escape of a base64 character or of a line break."""
_PARTIAL_ESCAPE: Final = re.compile(rb"\\(?:u[0-9A-Fa-f]{0,3})?\Z")
_PLAIN: Final = {b"/": b"/", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def unpack(body: bytes) -> bytes:
    """Return the workbook in a body.

    Raises:
        BodyError: the body does not contain a workbook.
    """
    unpacker = Unpacker()
    # In pieces, because every step copies its input.
    pieces = [unpacker.feed(body[at : at + _PIECE]) for at in range(0, len(body), _PIECE)]
    unpacker.end()
    return b"".join(pieces)


class Unpacker:
    """Incremental decoder: takes a body in pieces, and returns the workbook in pieces."""

    def __init__(self) -> None:
        self._step = self._detect
        self._pending = b""
        """Bytes that cannot be decoded before more have arrived."""
        self._base64 = _Base64()
        self._is_complete = False

    def feed(self, piece: bytes) -> bytes:
        """Take the next piece, and return the part of the workbook that it completes.

        Raises:
            BodyError: the body does not contain a workbook.
        """
        return self._step(piece)

    def end(self) -> None:
        """Check, after the last piece, that the workbook is complete.

        Raises:
            BodyError: the workbook is missing or incomplete.
        """
        if not self._is_complete:
            raise _no_workbook()

    def _detect(self, piece: bytes) -> bytes:
        """Choose the decoder by the first bytes."""
        start = self._pending + piece
        text = start.removeprefix(_BOM).lstrip(_SPACE)
        if start.startswith(_ZIP):
            self._step, self._is_complete = _raw, True
            return start
        if text.startswith(b'"'):
            self._step, self._pending = self._between_quotes, b""
            return self._between_quotes(text[1:])
        is_space = not text and len(start) <= _MAX_SPACE
        if is_space or _ZIP.startswith(start) or _BOM.startswith(start):
            self._pending = start
            return b""
        raise _no_workbook()

    def _between_quotes(self, piece: bytes) -> bytes:
        text, quote, rest = (self._pending + piece).partition(b'"')
        partial = None if quote else _PARTIAL_ESCAPE.search(text, max(0, len(text) - 5))
        self._pending = partial[0] if partial else b""
        workbook = self._base64.feed(_unescaped(text[: len(text) - len(self._pending)]))
        if quote:
            self._base64.end()
            self._step, self._is_complete = _only_space, True
            _only_space(rest)
        return workbook


class _Base64:
    """Incremental base64 decoder for a zip file."""

    def __init__(self) -> None:
        self._text = b""
        """Up to three characters of an incomplete group of four."""
        self._first = b""
        """Decoded bytes, too few yet to recognise a zip file."""
        self._is_zip = False
        self._is_padded = False

    def feed(self, text: bytes) -> bytes:
        text = self._text + text.translate(None, _SPACE)
        complete = len(text) // 4 * 4
        self._text = text[complete:]
        if self._is_padded and text:
            raise _no_workbook()
        self._is_padded = text[:complete].endswith(b"=") or self._is_padded
        return self._validated(_decoded(text[:complete]))

    def end(self) -> None:
        if self._text or not self._is_zip:
            raise _no_workbook()

    def _validated(self, content: bytes) -> bytes:
        if self._is_zip:
            return content
        first = self._first + content
        if not first.startswith(_ZIP[: len(first)]):
            raise _no_workbook()
        self._is_zip = len(first) >= len(_ZIP)
        self._first = b"" if self._is_zip else first
        return first if self._is_zip else b""


def _decoded(text: bytes) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True)
    except Error:
        pass
    raise _no_workbook()


def _unescaped(text: bytes) -> bytes:
    """Resolve JSON escapes; any other escape is left, and refused as invalid base64."""
    if b"\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _PLAIN.get(match[2]) or bytes.fromhex(match[1].decode()), text)


def _raw(piece: bytes) -> bytes:
    return piece


def _only_space(piece: bytes) -> bytes:
    if piece.strip(_SPACE):
        raise _no_workbook()
    return b""


def _no_workbook() -> BodyError:
    return BodyError("neither a workbook nor a JSON string with a complete workbook in base64")
