"""A file with the environment variables of a local Sikoia, for `--env-file`."""

from __future__ import annotations

import os
import shlex
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EnvFile"]

_FIRST_LINE: Final = "# Written by `sikoia sandbox`, which replaces this file."


class EnvFile:
    """A file of variables that only its owner may read.

    Args:
        path: Its path.
        force: Replace a file that something else has written.

    Raises:
        ValueError: There is such a file, or the path is not that of a regular file.
        OSError: The folder does not exist, or the file cannot be read.
    """

    def __init__(self, path: str, *, force: bool) -> None:
        self._path = Path(path)
        try:
            mode = self._path.lstat().st_mode
        except FileNotFoundError:
            self._path.parent.stat()
            return
        if not stat.S_ISREG(mode):
            msg = f"{path}: expected a file, or nothing"
            raise ValueError(msg)
        if not force and not _is_ours(self._path):
            msg = f"{path} was not written by `sikoia sandbox`; replace it with --force"
            raise ValueError(msg)

    def write(self, variables: Mapping[str, str]) -> None:
        """Write the variables at once, so that a reader never sees half of them."""
        lines = [_FIRST_LINE, *(f"{name}={shlex.quote(one)}" for name, one in variables.items())]
        descriptor, name = tempfile.mkstemp(prefix=".sikoia-", dir=self._path.parent)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - mkstemp's
                file.write("\n".join([*lines, ""]))
            os.replace(name, self._path)  # noqa: PTH105 - as above
        except BaseException:
            os.unlink(name)  # noqa: PTH108 - as above
            raise


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline().rstrip() == _FIRST_LINE.encode()
