"""Secrets in files, as Docker and Kubernetes mount them."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Final

from sikoia_async._errors import ConfigurationError

__all__ = ["read_secret"]

_MAX_SIZE: Final = 65_536


def read_secret(variable: str, path: str) -> str:
    """Return the contents of a file, without line breaks at its end.

    Args:
        variable: the environment variable that names the file, for errors.
        path: the file.

    Raises:
        ConfigurationError: it is not a regular file, cannot be read, is empty, too large or not
            UTF-8.
    """
    content: bytes | None = None
    with suppress(OSError):
        # A pipe without a writer would block.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                content = file.read(_MAX_SIZE + 1)
    if content is None:
        msg = f"{variable}: expected the path of a regular file that this process can read"
        raise ConfigurationError(msg)
    problem, value = "larger than 64 KiB", ""
    if len(content) <= _MAX_SIZE:
        problem = "not UTF-8"
        with suppress(UnicodeDecodeError):
            value = content.decode("utf-8-sig").rstrip("\r\n")
            problem = "empty"
    del content  # error reporters record local variables
    if not value.strip():
        msg = f"{variable}: the file is {problem}; expected one with the secret and nothing else"
        raise ConfigurationError(msg)
    return value
