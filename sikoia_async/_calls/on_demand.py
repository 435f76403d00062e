"""The parts of a client, built with its first call: they load httpx, and all that calls need."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sikoia_async._calls.assembly import Parts
    from sikoia_async._calls.settings import Settings

__all__ = ["PartsOnDemand"]


class PartsOnDemand:
    """The parts of a client, which its views share.

    Args:
        settings: the client's settings.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._parts: Parts | None = None
        self._lock = Lock()

    def get(self) -> Parts:
        """Return the parts; in all threads the same ones."""
        return self._parts or self._built()

    def _built(self) -> Parts:
        from sikoia_async._calls.assembly import assemble  # noqa: PLC0415 - as said above

        with self._lock:
            if self._parts is None:  # another thread may have built them
                self._parts = assemble(self._settings)
            return self._parts
