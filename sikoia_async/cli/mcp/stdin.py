"""Standard input by lines, in a way that a signal can end."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["lines"]

_STDIN: Final = 0
_AT_ONCE: Final = 65_536


async def lines() -> AsyncIterator[str]:
    """Yield the lines of standard input until it ends.

    The SDK of MCP reads it in a thread, which Ctrl-C and SIGTERM do not end: the process would wait
    until its client closes the pipe.
    """
    parts = list[bytes]()
    while True:
        with suppress(PermissionError):  # a file, which is always readable
            await anyio.wait_readable(_STDIN)
        received = os.read(_STDIN, _AT_ONCE)
        *complete, rest = received.split(b"\n")
        for line in complete:
            yield b"".join([*parts, line]).decode(errors="replace")
            parts.clear()
        parts.append(rest)
        if not received:
            return
