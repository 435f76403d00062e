"""Keeps httpx and httpcore from logging our requests: they print addresses, and with them ids.

Their records about requests of others pass. Ours are replaced by one of our own, which names the
path as a template.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

__all__ = ["quiet"]

_ours: ContextVar[bool] = ContextVar("sikoia_quiet", default=False)
# A filter sees the records of its own logger and not those of the loggers under it.
_LOGGERS: Final = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)


@contextmanager
def quiet() -> Generator[None]:
    """Let nothing that happens in the block be logged by httpx and httpcore."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


def _not_ours(_: logging.LogRecord) -> bool:
    return not _ours.get()


for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_not_ours)
