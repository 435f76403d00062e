r"""The Excel report, out of whichever wrapping it comes in.

The specification calls the body `application/json` and its content binary, and its example shows
neither. So the body itself is asked: a workbook is a zip and begins with `PK\x03\x04`; what begins
with a quotation mark is a JSON string that holds one in base64. It is decoded while it comes.
"""

import re
from binascii import Error, a2b_base64
from typing import Final

from sikoia_async._transport.body import BodyError

__all__ = ["Unpacker", "unpack"]

_ZIP: Final = b"PK\x03\x04"
_BOM: Final = b"\xef\xbb\xbf"
_SPACE: Final = b" \t\r\n"
_MOST_SPACE: Final = 64
_PIECE: Final = 1 << 18

_ESCAPE: Final = re.compile(rb"\\(?:u00([0-9A-Fa-f]{2})|([/nrt]))")
"""What JSON may write for a sign of base64, or for the end of a line."""
_CUT_ESCAPE: Final = re.compile(rb"\\(?:u[0-9A-Fa-f]{0,3})?\Z")
_PLAIN: Final = {b"/": b"/", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def unpack(body: bytes) -> bytes:
    """Return the workbook that a body holds.

    Raises:
        BodyError: it holds none.
    """
    unpacker = Unpacker()
    # In pieces, for a whole body would be copied at each step.
    pieces = [unpacker.feed(body[at : at + _PIECE]) for at in range(0, len(body), _PIECE)]
    unpacker.end()
    return b"".join(pieces)


class Unpacker:
    """Takes a body in pieces of any size, and gives the workbook in it."""

    def __init__(self) -> None:
        self._step = self._begin
        self._held = b""
        """What cannot be told before more of it is there."""
        self._base64 = _Base64()
        self._is_whole = False

    def feed(self, piece: bytes) -> bytes:
        """Take the next piece, and return what it is worth.

        Raises:
            BodyError: this is no workbook.
        """
        return self._step(piece)

    def end(self) -> None:
        """Hear that the last piece has come.

        Raises:
            BodyError: there was no workbook, or no end of it.
        """
        if not self._is_whole:
            raise _no_workbook()

    def _begin(self, piece: bytes) -> bytes:
        """Tell by its first bytes what this is."""
        held = self._held + piece
        text = held.removeprefix(_BOM).lstrip(_SPACE)
        if held.startswith(_ZIP):
            self._step, self._is_whole = _as_it_is, True
            return held
        if text.startswith(b'"'):
            self._step, self._held = self._between_quotes, b""
            return self._between_quotes(text[1:])
        is_space = not text and len(held) <= _MOST_SPACE
        if is_space or _ZIP.startswith(held) or _BOM.startswith(held):
            self._held = held
            return b""
        raise _no_workbook()

    def _between_quotes(self, piece: bytes) -> bytes:
        text, quote, rest = (self._held + piece).partition(b'"')
        cut = None if quote else _CUT_ESCAPE.search(text, max(0, len(text) - 5))
        self._held = cut[0] if cut else b""
        workbook = self._base64.feed(_unescaped(text[: len(text) - len(self._held)]))
        if quote:
            self._base64.end()
            self._step, self._is_whole = _only_space, True
            _only_space(rest)
        return workbook


class _Base64:
    """Takes base64 in pieces of any size; what it gives begins as a zip does."""

    def __init__(self) -> None:
        self._text = b""
        """Fewer than four signs, which are no byte yet, or not all that they will be."""
        self._first = b""
        """Fewer bytes than tell a zip; None where it is known to be one."""
        self._is_zip = False
        self._is_padded = False

    def feed(self, text: bytes) -> bytes:
        text = self._text + text.translate(None, _SPACE)
        whole = len(text) // 4 * 4
        self._text = text[whole:]
        if self._is_padded and text:
            raise _no_workbook()
        self._is_padded = text[:whole].endswith(b"=") or self._is_padded
        return self._checked(_decoded(text[:whole]))

    def end(self) -> None:
        if self._text or not self._is_zip:
            raise _no_workbook()

    def _checked(self, content: bytes) -> bytes:
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
    """Replace JSON's escapes; one that stands for no sign of base64 is left, and refused there."""
    if b"\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _PLAIN.get(found[2]) or bytes.fromhex(found[1].decode()), text)


def _as_it_is(piece: bytes) -> bytes:
    return piece


def _only_space(piece: bytes) -> bytes:
    if piece.strip(_SPACE):
        raise _no_workbook()
    return b""


def _no_workbook() -> BodyError:
    return BodyError("it is neither a workbook nor a JSON string that holds one whole, in base64")
