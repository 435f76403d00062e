"""Logs requests as `curl` commands."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import httpx

__all__ = ["log_request"]

_log: Final = logging.getLogger("sikoia_async.requests")


async def log_request(request: httpx.Request) -> None:
    """Request hook: log the command, if the level of this logger itself is DEBUG.

    An application that logs everything at DEBUG does not want the requests by chance.
    """
    if 0 < _log.level <= logging.DEBUG:
        with suppress(Exception):  # a filter or handler of the application may raise
            _log_request(request)


def _log_request(request: httpx.Request) -> None:
    if _log.isEnabledFor(logging.DEBUG):
        from sikoia_async._hooks.curl import curl_command  # noqa: PLC0415 - loaded when used

        _log.debug("%s", curl_command(request))
