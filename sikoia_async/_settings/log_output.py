"""Prints log records for people, as `SIKOIA_LOG` asks for."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sikoia_async._settings.variables import LogLevel

__all__ = ["print_logs"]

_FORMAT: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_log: Final = logging.getLogger("sikoia_async")
_requests: Final = logging.getLogger("sikoia_async.requests")
_lock: Final = threading.Lock()


def print_logs(level: LogLevel) -> None:
    """Print records on standard error from now on; at `debug` also each request.

    Does nothing if that was done before, or if the application has given the logger `sikoia_async`
    a level or a handler, or keeps its records from other loggers.

    Args:
        level: the lowest level of records.
    """
    with _lock:
        if _log.handlers or _log.level or not _log.propagate:
            return
        _log.addHandler(_ToStandardError())
        _log.setLevel(level.upper())
        if level == "debug" and not _requests.level:
            _requests.setLevel(logging.DEBUG)


class _ToStandardError(logging.Handler):
    """Prints records that no handler of the application gets, so that none is printed twice."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(_FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record. What goes wrong is handled as `logging` does."""
        try:
            if not self._has_another(record):
                sys.stderr.write(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001 - as handlers of the standard library do
            self.handleError(record)

    def _has_another(self, record: logging.LogRecord) -> bool:
        """Return whether another handler gets the record too."""
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            others = (one for one in logger.handlers if one is not self)
            if not all(isinstance(one, logging.NullHandler) for one in others):
                return True
            logger = logger.parent if logger.propagate else None
        return False
