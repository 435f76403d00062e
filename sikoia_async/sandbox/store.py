"""Records by their id, each of which is about an entity and goes when the entity goes."""

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from sikoia_async.sandbox.errors import deleted, not_found

Record = dict[str, Any]


@attrs.define(kw_only=True)
class Entry:
    """A record with what its answers do not show."""

    record: Record
    """The fields as they go out, or what a handler makes them from."""
    entity_id: str = ""
    """What it is about; empty for what belongs to the organisation."""
    since: float = 0.0
    """The clock when it was made."""
    is_ended: bool = False
    """Whether the work that began with it was ended by hand, before its time."""
    failure: str | None = None
    """What it has failed for, if it was ended so."""


class Store:
    """The records of one kind.

    Args:
        clock: Seconds since some moment.
        gone: The ids of all that was deleted; shared by everything in a sandbox.
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
        """Keep a record."""
        entry = Entry(record=record, entity_id=entity_id, since=self._clock())
        self._entries[key] = entry
        return entry

    def get(self, key: str) -> Entry:
        """Find a record.

        Raises:
            ApiError: It was deleted, or never was.
        """
        if key in self._gone:
            raise deleted(key)
        if key not in self._entries:
            raise not_found(key)
        return self._entries[key]

    def keeps(self, key: str, record: Record) -> bool:
        """Tell whether this very record is the one with this id."""
        return key in self._entries and self._entries[key].record is record

    def of(self, entity_id: str) -> list[Entry]:
        """Find all that is about an entity, the newest first."""
        found = [entry for entry in self._entries.values() if entry.entity_id == entity_id]
        return found[::-1]

    def remove(self, key: str) -> Entry:
        """Delete a record, and answer it.

        Raises:
            ApiError: It was deleted before, or never was.
        """
        entry = self.get(key)
        del self._entries[key]
        self._gone.add(key)
        return entry

    def forget(self, entity_ids: set[str]) -> None:
        """Delete all that is about these entities."""
        for key, entry in list(self._entries.items()):
            if entry.entity_id in entity_ids:
                self.remove(key)

    def save(self) -> dict[str, Entry]:
        """Give all records."""
        return self._entries

    def restore(self, saved: dict[str, Entry]) -> None:
        """Keep these records, and no others; what was deleted is for the state to know."""
        self._entries = saved
