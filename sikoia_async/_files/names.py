"""Names of uploaded files: they end up in a dashboard, on disks and in other people's programs."""

import os
import unicodedata
from pathlib import Path
from typing import Any, Final, cast

from sikoia_async._errors import ArgumentError

__all__ = ["own_name", "validate_names"]

_LONGEST: Final = 255
"""Characters: what common file systems accept."""
_FOLDERS: Final = frozenset("/\\")
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Unicode categories: control characters, also those that change the direction of the text, so that
`fdp.exe` is shown as `exe.pdf`; other invisible characters; separators of lines and paragraphs."""
_JOINERS: Final = frozenset("\u200c\u200d")
"""Invisible, but part of the spelling of Persian and of several Indian languages."""


def own_name(file: object) -> str | None:
    """Return the name that a file has itself: a path, an open file, or a framework's upload."""
    if isinstance(file, os.PathLike):
        return Path(cast("os.PathLike[str]", file)).name
    name: Any = getattr(file, "filename", None)  # from the browser; it must not name a folder
    if isinstance(name, str):
        return name
    path: Any = getattr(file, "name", None)
    return Path(path).name if isinstance(path, str) else None


def validate_names(file_name: object, display_name: object) -> None:
    """Check the names of an upload.

    Raises:
        ArgumentError: a name is missing, too long, or has characters that mislead; or
            `file_name` names a folder or has no extension.
    """
    if not isinstance(file_name, str):
        msg = "file_name: required, because this file has no name of its own"
        raise ArgumentError(msg)
    _validate_characters("file_name", file_name)
    if not _FOLDERS.isdisjoint(file_name):
        msg = "file_name: expected a name without folders"
        raise ArgumentError(msg)
    stem, _, extension = file_name.rpartition(".")
    if not stem.strip(" .") or not extension or file_name != file_name.strip():
        msg = "file_name: expected a name with an extension, such as statement.pdf"
        raise ArgumentError(msg)
    if not isinstance(display_name, str) or not display_name.strip():
        msg = "display_name: expected a non-empty string"
        raise ArgumentError(msg)
    _validate_characters("display_name", display_name)


def _validate_characters(what: str, name: str) -> None:
    if len(name) > _LONGEST:
        msg = f"{what}: expected at most {_LONGEST} characters"
        raise ArgumentError(msg)
    if any(unicodedata.category(character) == "Cs" for character in name):
        msg = f"{what}: expected valid Unicode; if the name on disk is not, pass another {what}=..."
        raise ArgumentError(msg)
    if any(map(_is_invisible, name)):
        msg = f"{what}: expected a name without control characters and invisible characters"
        raise ArgumentError(msg)


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE and character not in _JOINERS
