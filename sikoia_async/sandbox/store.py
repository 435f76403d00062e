"""Records of one kind by id, each about an entity and deleted with it."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import attrs

from sikoia_async.sandbox.errors import deleted, not_found

Record = dict[str, Any]


@attrs.define(kw_only=True)
class Entry:
    """A record, with what its responses do not show."""

    record: Record
    """The fields as responses have them, or what a handler makes them from."""
    key: str
    """The key of the record in its store."""
    number: int
    """How many records its store had ever had before."""
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
        self._by_entity: dict[str, list[Entry]] = {}
        self._number = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, key: str, record: Record, *, entity_id: str = "") -> Entry:
        """Add a record."""
        entry = Entry(
            record=record,
            key=key,
            number=self._number,
            entity_id=entity_id,
            started=self._clock(),
        )
        self._entries[key] = entry
        self._index(entry)
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
        return self._by_entity.get(entity_id, [])[::-1]

    def oldest_first(self, entity_id: str) -> Sequence[Entry]:
        """Return the records about an entity, oldest first, without copying them."""
        return self._by_entity.get(entity_id, ())

    def position(self, entry: Entry) -> int:
        """Return the position of a record among those about the same entity, oldest first."""
        return bisect_left(self._by_entity[entry.entity_id], entry.number, key=_number)

    def remove(self, key: str) -> Entry:
        """Delete a record and return it.

        Raises:
            ApiError: The record was already deleted or never existed.
        """
        entry = self.get(key)
        position = self.position(entry)
        del self._by_entity[entry.entity_id][position]
        if not self._by_entity[entry.entity_id]:
            del self._by_entity[entry.entity_id]
        self._forget(entry)
        return entry

    def remove_of(self, entity_ids: set[str]) -> None:
        """Delete the records about these entities."""
        for entity_id in entity_ids:
            for entry in self._by_entity.pop(entity_id, ()):
                self._forget(entry)

    def save(self) -> dict[str, Entry]:
        """Return all records, for `restore`."""
        return self._entries

    def restore(self, saved: dict[str, Entry]) -> None:
        """Replace all records; the state restores the ids of deleted ones."""
        self._entries = saved
        self._by_entity = {}
        for entry in saved.values():
            self._index(entry)

    def _index(self, entry: Entry) -> None:
        self._by_entity.setdefault(entry.entity_id, []).append(entry)
        self._number = entry.number + 1

    def _forget(self, entry: Entry) -> None:
        del self._entries[entry.key]
        self._gone.add(entry.key)


_number = attrgetter("number")
