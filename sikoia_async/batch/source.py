"""Reads the items of a batch lazily, and claims those that are left to do."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sized
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs
from anyio.lowlevel import checkpoint

from sikoia_async._errors import ArgumentError, ArgumentTypeError
from sikoia_async.batch.items import hash_of, is_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sikoia_async.batch.items import Claim

__all__ = ["Entry", "Source"]

Item = TypeVar("Item")

_CHECKED_FIRST: Final = 100_000
"""Lists of up to this many items are checked before the first is worked on."""
_END: Final[Any] = object()


@attrs.frozen(eq=False)
class Entry(Generic[Item]):
    """An item that is this run's to work on."""

    number: int
    """Its place among those that are worked on, from 0."""
    item: Item
    key: str
    hash: bytes
    former: Claim
    """What the journal said before."""


class Source(Generic[Item]):
    """The items of a batch.

    Args:
        items: any iterable, sync or async. A sync one is read on the event loop.
        key: returns the key of an item.
        claim: claims items in the journal, by the hashes of their keys.
        ahead: how many items to read at once, at most, while they were dealt with earlier.
    """

    def __init__(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        key: Callable[[Item], str],
        claim: Callable[[Sequence[bytes]], Awaitable[Sequence[Claim]]],
        *,
        ahead: int,
    ) -> None:
        self.total: int | None = len(items) if isinstance(items, Sized) else None
        """How many items there are; None while that is not known."""
        self.read: int = 0
        """How many have been read."""
        self.skipped: int = 0
        """How many of them were dealt with by earlier runs."""
        self.busy: list[bytes] = []
        """The hashes of those that other processes were working on."""
        self.is_over: bool = False
        """Whether no more items are read."""
        self._items = items
        self._key = key
        self._claim = claim
        self._ahead = ahead
        self._chunk = 1
        self._iterator: Iterator[Item] | AsyncIterator[Item] | None = None
        self._ready: deque[Entry[Item]] = deque()
        self._claimed = 0

    async def check(self) -> None:
        """Check the keys of a list that is not too long, so that an error comes first of all."""
        if not isinstance(self._items, list | tuple) or len(self._items) > _CHECKED_FIRST:
            return
        seen = set[bytes]()
        for number, item in enumerate(self._items, 1):
            key = hash_of(self._valid_key(item, number))
            if key in seen:
                raise _duplicate(number)
            seen.add(key)
            if not number % 1000:
                await checkpoint()

    async def next(self) -> Entry[Item] | None:
        """Return the next item to work on; None if there are no more. One task at a time."""
        while not self._ready and not self.is_over:
            items = await self._next_items()
            entries = [
                (item, self._valid_key(item, self.read + number))
                for number, item in enumerate(items, 1)
            ]
            hashes = [hash_of(key) for _, key in entries]
            claims = await self._claim(hashes) if hashes else ()
            for (item, key), hash_, claim in zip(entries, hashes, claims, strict=True):
                self.read += 1
                if claim == "duplicate":
                    raise _duplicate(self.read)
                if claim == "skipped":
                    self.skipped += 1
                elif claim == "busy":
                    self.busy.append(hash_)
                else:
                    self._ready.append(Entry(self._claimed, item, key, hash_, claim))
                    self._claimed += 1
            # While nothing is left to do, larger steps. They delay no item that is.
            self._chunk = 1 if self._ready else min(self._ahead, 2 * self._chunk)
        if self._ready:
            return self._ready.popleft()
        return None

    async def _next_items(self) -> list[Item]:
        if self._iterator is None:
            self._iterator = (
                aiter(self._items) if isinstance(self._items, AsyncIterable) else iter(self._items)
            )
        if isinstance(self._iterator, AsyncIterator):
            # One at a time: the second may come much later than the first.
            item = await anext(self._iterator, _END)
            items = [] if item is _END else [item]
        else:
            items = list(islice(self._iterator, self._chunk))
            await checkpoint()
        if not items:
            self.is_over = True
            self.total = self.read
        return items

    def _valid_key(self, item: Item, number: int) -> str:
        key: Any = self._key(item)
        if not isinstance(key, str):
            msg = f"key: expected a string for each item, but item {number} has none"
            raise ArgumentTypeError(msg)
        if not is_key(key):
            msg = f"key: expected a string that is not empty, but that of item {number} is"
            raise ArgumentError(msg)
        return str.__str__(key)


def _duplicate(number: int) -> ArgumentError:
    msg = f"items: item {number} has the same key as an earlier one; each item needs its own"
    return ArgumentError(msg)
