"""The ledger of a local Sikoia: what was asked of it, what came of that, and what it cost."""

import os
import threading
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, overload

from starlette.types import Scope

from sikoia_async.sandbox.faults.operations import Operations
from sikoia_async.sandbox.ledger.asked import Asked, Content
from sikoia_async.sandbox.ledger.complaints import (
    charged_otherwise,
    charged_twice,
    personal_in_urls,
)
from sikoia_async.sandbox.ledger.exchange import Exchange
from sikoia_async.sandbox.ledger.har import har_of, write
from sikoia_async.sandbox.ledger.personal import Personal, Told, told_in
from sikoia_async.sandbox.ledger.prices import require_priced
from sikoia_async.sandbox.snapshot import Saved

__all__ = ["Ledger"]

_KEPT_BYTES = 32 * 2**20


class Ledger(Sequence[Asked]):
    """Every request to one local Sikoia, the oldest first; any thread may read it.

    What is under way is in it too, as far as it has come; requests for its health are not.
    The latest 32 MiB of headers and bodies are kept with it, without secrets.

    Args:
        operations: What is served.
        prices: What an operation costs when it is done, in credits; the others cost nothing.
        url: Where the local Sikoia is reached.
        now: Tells the time of day.
        told: Gives what all records tell of persons.
    """

    def __init__(
        self,
        operations: Operations,
        *,
        prices: Mapping[str, int],
        url: str,
        now: Callable[[], datetime],
        told: Callable[[], set[Told]],
    ) -> None:
        self._operations = operations
        self._prices = prices
        self._url = url
        self._now = now
        self._told = told
        # Reentrant: the garbage collector may end a request that was given up amid any of this.
        self._lock = threading.RLock()
        self._last = 0
        self._forget()

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> Asked: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Asked, ...]: ...
    def __getitem__(self, index: int | slice) -> Asked | tuple[Asked, ...]:
        with self._lock:
            found = self._entries[index]
        return tuple(map(_shown, found)) if isinstance(found, list) else _shown(found)

    def __iter__(self) -> Iterator[Asked]:
        return iter(self[:])

    def __repr__(self) -> str:
        return f"<Ledger of {len(self)} requests, {self.spend} credits>"

    def since(self, number: int) -> tuple[Asked, ...]:
        """Return the requests that came after the one with this number."""
        with self._lock:
            return self[bisect_right(self._numbers, number) :]

    def get(self, number: int) -> Asked | None:
        """Return the request with this number, or None where it was cleared away."""
        found = self._at(number)
        return _shown(found) if found else None

    def content(self, number: int) -> Content | None:
        """Return headers and bodies of the request with this number, or None if they are gone."""
        found = self._at(number)
        return found.content() if isinstance(found, Exchange) else self._contents.get(number)

    @property
    def spend(self) -> int:
        """What all of them cost together, in credits."""
        with self._lock:
            return self._spent + sum(one.cost for one in self._under_way.values())

    def clear(self) -> None:
        """Forget them all; the next one has the next number all the same."""
        with self._lock:
            self._forget()

    def assert_charged_once(self, operation: str, *, entity_id: str | None = None) -> None:
        """See that an operation was charged exactly once, however often it was asked for.

        Args:
            operation: As the API reference names it: `POST /v2/identity`.
            entity_id: Count only charges that have this id in their path or their body: of the
                person, company or case that they are about, or of the request that they resolve.

        Raises:
            AssertionError: It was not charged, or more than once; the message has the requests.
            ValueError: There is no such operation, or it costs nothing here.
            TypeError: The id is no text, such as the model that has it.
        """
        _require_id(entity_id)
        name = self._operations.known(operation)
        require_priced(name, self._prices)
        _raise(charged_otherwise(self, name, entity_id))

    def assert_nothing_charged_twice(self) -> None:
        """See that no two charges are for the same operation with the same path and body.

        Raises:
            AssertionError: There are; the message has the requests.
        """
        _raise(charged_twice(self))

    def assert_no_personal_data_in_urls(self) -> None:
        """See that no path and no query has anything in it that is about a person.

        That is a name, a date of birth, an e-mail address, a phone number, a national insurance
        number, a street or a post code, of the persons in all records and in what was sent,
        however it is encoded. Towns, countries and the numbers of houses are not looked for.

        Raises:
            AssertionError: There is; the message has the requests and the kind, not the value.
        """
        with self._lock:
            told = set(self._told_before)
            kept = list(self._contents.values())
        told.update(one for content in kept for one in told_in(content.sent))
        _raise(personal_in_urls(self, Personal(told | self._told())))

    def to_har(self) -> dict[str, Any]:
        """Return all of it as an HTTP archive, version 1.2, without secrets.

        Bodies have in them what was sent and answered, so whoever asks about real persons has
        their data in it.
        """
        return har_of(self._with_contents(), self._url)

    def write_har(self, path: str | os.PathLike[str]) -> None:
        """Write what `to_har` returns to a file, which its owner may read and nobody else.

        A file that is there is replaced once all is written.

        Raises:
            OSError: It cannot be written.
        """
        write(path, self._with_contents(), self._url)

    def begin(self, scope: Scope) -> Exchange:
        """Write down a request that has just come."""
        operation = self._operations.of(scope["method"], scope["path"])
        price = self._prices.get(operation, 0) if operation else 0
        with self._lock:
            self._last += 1
            exchange = Exchange(
                scope,
                number=self._last,
                moment=self._now(),
                operation=operation,
                price=price,
            )
            self._numbers.append(exchange.number)
            self._entries.append(exchange)
            self._under_way[exchange.number] = exchange
        return exchange

    def end(self, exchange: Exchange) -> None:
        """Keep what has become of a request, unless it has been cleared away."""
        exchange.end()
        asked, content = exchange.asked(), exchange.content()
        with self._lock:
            if self._under_way.pop(exchange.number, None):
                self._spent += asked.cost
                self._entries[bisect_left(self._numbers, exchange.number)] = asked
                self._keep(exchange.number, content)

    def save(self) -> Saved:
        """Give all of it, for a snapshot; what is under way as far as it has come."""
        with self._lock:
            return Saved(kept=(self[:], dict(self._contents), frozenset(self._told_before)))

    def restore(self, saved: Saved) -> None:
        """Know these requests, and no others; numbers go on."""
        entries, contents, told = saved.kept
        with self._lock:
            self._forget()
            self._entries.extend(entries)
            self._numbers.extend(asked.number for asked in entries)
            self._spent += sum(asked.cost for asked in entries)
            self._last = max([self._last, *self._numbers[-1:]])
            self._told_before.update(told)
            for number, content in contents.items():
                self._keep(number, content)

    def _forget(self) -> None:
        self._numbers: list[int] = []
        self._entries: list[Asked | Exchange] = []
        self._under_way: dict[int, Exchange] = {}
        # On those that have ended: who looks at it often is not to add them all up.
        self._spent = 0
        self._contents: OrderedDict[int, Content] = OrderedDict()
        self._size = 0
        # By bodies that are kept no longer.
        self._told_before: set[Told] = set()

    def _with_contents(self) -> list[tuple[Asked, Content | None]]:
        with self._lock:
            return [(asked, self.content(asked.number)) for asked in self]

    def _at(self, number: int) -> Asked | Exchange | None:
        with self._lock:
            index = bisect_left(self._numbers, number)
            found = self._numbers[index : index + 1] == [number]
            return self._entries[index] if found else None

    def _keep(self, number: int, content: Content) -> None:
        self._contents[number] = content
        self._size += content.size
        while self._size > _KEPT_BYTES:
            _, oldest = self._contents.popitem(last=False)
            self._size -= oldest.size
            self._told_before.update(told_in(oldest.sent))


def _shown(entry: Asked | Exchange) -> Asked:
    return entry.asked() if isinstance(entry, Exchange) else entry


def _require_id(entity_id: object) -> None:
    # Else nothing would be found to be charged for it.
    if not isinstance(entity_id, (str, type(None))):
        msg = f"entity_id: give the id as a text, not {type(entity_id).__name__}"
        raise TypeError(msg)


def _raise(complaint: str | None) -> None:
    if complaint:
        raise AssertionError(complaint)
