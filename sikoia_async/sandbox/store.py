"""Records of one kind by id, each about an entity and deleted with it."""

import math
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import attrs

from sikoia_async.sandbox.errors import deleted, not_found

Record = dict[str, Any]


@attrs.define(kw_only=True)
class Entry:
    """A record, with what its responses do not show."""

    record: Record
    """The fields as responses have them, or what a handler makes them from."""
    entity_id: str = ""
    """The entity that the record is about; empty if it belongs to the organisation."""
    started: float = 0.0
    """When the record was created, in seconds of the clock."""
    due: float = math.inf
    """When its work ends, in seconds of the clock."""
    ended: datetime | None = None
    """When its work ended."""
    failure: str | None = None
    """Why its work failed, if it was made to fail."""

    @property
    def is_done(self) -> bool:
        """Whether its work has ended."""
        return self.ended is not None


class Store:
    """The records of one kind.

    Args:
        clock: Returns the seconds since some moment.
        gone: The ids of everything that was deleted; shared by all stores.
    """

    def __init__(self, clock: Callable[[], float], gone: set[str]) -> None:
        self._clock = clock
        self._gone = gone
        self._entries: dict[str, Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, key: str, record: Record, *, entity_id: str = "") -> Entry:
        """Add a record."""
        entry = Entry(record=record, entity_id=entity_id, started=self._clock())
        self._entries[key] = entry
        return entry

    def get(self, key: str) -> Entry:
        """Return a record.

        Raises:
            ApiError: The record was deleted or never existed.
        """
        if key in self._gone:
            raise deleted(key)
        if key not in self._entries:
            raise not_found(key)
        return self._entries[key]

    def has(self, key: str, record: Record) -> bool:
        """Return whether this id belongs to this very record, not just to an equal one."""
        return key in self._entries and self._entries[key].record is record

    def of(self, entity_id: str) -> list[Entry]:
        """Return the records about an entity, newest first."""
        entries = [entry for entry in self._entries.values() if entry.entity_id == entity_id]
        return entries[::-1]

    def remove(self, key: str) -> Entry:
        """Delete a record and return it.

        Raises:
            ApiError: The record was already deleted or never existed.
        """
        entry = self.get(key)
        del self._entries[key]
        self._gone.add(key)
        return entry

    def remove_of(self, entity_ids: set[str]) -> None:
        """Delete the records about these entities."""
        for key, entry in list(self._entries.items()):
            if entry.entity_id in entity_ids:
                self.remove(key)

    def save(self) -> dict[str, Entry]:
        """Return all records, for `restore`."""
        return self._entries

    def restore(self, saved: dict[str, Entry]) -> None:
        """Replace all records; the state restores the ids of deleted ones."""
        self._entries = saved
