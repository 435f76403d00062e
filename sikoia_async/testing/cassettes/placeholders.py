"""Placeholders for files: a cassette keeps only the kind of a file, not its content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sikoia_async._files.workbook import unpack
from sikoia_async._transport.body import BodyError
from sikoia_async.sandbox.resources.workbook import workbook

if TYPE_CHECKING:
    from sikoia_async.testing.cassettes.file import Content

__all__ = ["content_of", "media_type", "placeholder"]

_PDF: Final = b"""%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 9 9]>> endobj
xref
0 4
0000000000 65535 f\x20
0000000009 00000 n\x20
0000000056 00000 n\x20
0000000111 00000 n\x20
trailer <</Size 4 /Root 1 0 R>>
startxref
176
%%EOF
"""
_PNG: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)
_EXCEL: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MEDIA_TYPES: Final[dict[Content, str]] = {
    "json": "application/json",
    "pdf": "application/pdf",
    "xlsx": _EXCEL,
    "png": "image/png",
    "file": "application/octet-stream",
    "text": "text/html",
}


def content_of(body: bytes) -> Content:
    """Return the kind of a file."""
    if body.startswith(b"%PDF-"):
        return "pdf"
    if body.startswith(b"\x89PNG"):
        return "png"
    try:
        unpack(body)
    except BodyError:
        return "file"
    return "xlsx"


def media_type(content: Content) -> str | None:
    """Return the Content-Type of a body of this kind, or None if there is no body."""
    return _MEDIA_TYPES.get(content)


def placeholder(content: Content) -> bytes:
    """Return a small valid body of this kind. JSON has no placeholder."""
    if content == "xlsx":
        return workbook({"Cassette": [["A report was here."]]})
    return _PLACEHOLDERS[content]


_PLACEHOLDERS: Final[dict[Content, bytes]] = {
    "nothing": b"",
    "pdf": _PDF,
    "png": _PNG,
    "file": b"A file was here.\n",
    "text": b"<html>A body that is not JSON was here.</html>\n",
}
