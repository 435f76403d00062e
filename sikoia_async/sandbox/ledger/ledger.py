"""The ledger of a local Sikoia: every request with its outcome and cost."""

import os
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, overload

from starlette.types import Scope

from sikoia_async.sandbox.faults.operations import Operations
from sikoia_async.sandbox.ledger.assertions import (
    charged_once_failure,
    charged_twice_failure,
    personal_data_failure,
    require_id,
)
from sikoia_async.sandbox.ledger.contents import Contents
from sikoia_async.sandbox.ledger.exchange import Exchange
from sikoia_async.sandbox.ledger.har import to_har, write_har
from sikoia_async.sandbox.ledger.personal_data import (
    PersonalDataFinder,
    PersonalValue,
    personal_values_in_json,
)
from sikoia_async.sandbox.ledger.prices import require_priced
from sikoia_async.sandbox.ledger.recorded_request import Content, RecordedRequest
from sikoia_async.sandbox.snapshot import Saved

__all__ = ["Ledger"]


class Ledger(Sequence[RecordedRequest]):
    """Every request to one local Sikoia, oldest first. Any thread may read it.

    Requests in progress are included, as far as they have come; health checks are not. The latest
    32 MiB of headers and bodies are kept, with secrets redacted.

    Args:
        operations: The operations that exist.
        prices: What operations cost when they succeed, in credits; all others are free.
        url: The base URL of the local Sikoia.
        now: Returns the time of day.
        personal_values: Returns the personal values in all records.
        max_content_bytes: How much memory to use for headers and bodies.
    """

    def __init__(
        self,
        operations: Operations,
        *,
        prices: Mapping[str, int],
        url: str,
        now: Callable[[], datetime],
        personal_values: Callable[[], set[PersonalValue]],
        max_content_bytes: int = 32 * 2**20,
    ) -> None:
        self._operations = operations
        self._prices = prices
        self._url = url
        self._now = now
        self._personal_values = personal_values
        # Reentrant, because the garbage collector may end an abandoned request at any point.
        self._lock = threading.RLock()
        self._last_number = 0
        self._contents = Contents(max_content_bytes)
        self._forget()

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> RecordedRequest: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[RecordedRequest, ...]: ...
    def __getitem__(self, index: int | slice) -> RecordedRequest | tuple[RecordedRequest, ...]:
        with self._lock:
            selected = self._entries[index]
        if isinstance(selected, list):
            return tuple(map(_recorded, selected))
        return _recorded(selected)

    def __iter__(self) -> Iterator[RecordedRequest]:
        return iter(self[:])

    def __repr__(self) -> str:
        return f"<Ledger of {len(self)} requests, {self.spend} credits>"

    def since(self, number: int) -> tuple[RecordedRequest, ...]:
        """Return the requests that arrived after the one with this number."""
        with self._lock:
            return self[bisect_right(self._numbers, number) :]

    def get(self, number: int) -> RecordedRequest | None:
        """Return the request with this number, or None if the ledger was cleared since."""
        entry = self._at(number)
        return _recorded(entry) if entry else None

    def content(self, number: int) -> Content | None:
        """Return the headers and bodies of a request, or None if they were dropped."""
        entry = self._at(number)
        return entry.content() if isinstance(entry, Exchange) else self._contents.get(number)

    @property
    def spend(self) -> int:
        """What all requests cost together, in credits."""
        with self._lock:
            return self._finished_cost + sum(one.cost for one in self._in_progress.values())

    def clear(self) -> None:
        """Forget all requests; numbers continue."""
        with self._lock:
            self._forget()

    def assert_charged_once(self, operation: str, *, entity_id: str | None = None) -> None:
        """Assert that an operation was charged exactly once, however often it was requested.

        Args:
            operation: As the API reference names it, such as `POST /v2/identity`.
            entity_id: Count only charges with this id in their path or body: the id of the person,
                company or case, or of the request that a picklist belongs to.

        Raises:
            AssertionError: It was not charged, or more than once; the message lists the requests.
            ValueError: The operation is unknown, or it is free.
            TypeError: The id is not a string; for example, it is the model that has the id.
        """
        require_id(entity_id)
        name = self._operations.known(operation)
        require_priced(name, self._prices)
        _raise(charged_once_failure(self, name, entity_id))

    def assert_nothing_charged_twice(self) -> None:
        """Assert that no two charges are for the same operation, path and body.

        Raises:
            AssertionError: Two are; the message lists the requests.
        """
        _raise(charged_twice_failure(self))

    def assert_no_personal_data_in_urls(self) -> None:
        """Assert that no path and no query contains personal data.

        That means the names, dates of birth, e-mail addresses, phone numbers, national insurance
        numbers, streets and post codes of the people in all records and request bodies, in any
        encoding. Towns, countries and house numbers are not checked.

        Raises:
            AssertionError: A URL does; the message lists the requests and the kinds of data, but
                not the values.
        """
        with self._lock:
            values = self._contents.dropped_values()
            bodies = self._contents.request_bodies()
        values.update(value for body in bodies for value in personal_values_in_json(body))
        finder = PersonalDataFinder(values | self._personal_values())
        _raise(personal_data_failure(self, finder))

    def to_har(self) -> dict[str, Any]:
        """Return all requests as an HTTP archive (HAR 1.2), with secrets redacted.

        The archive includes bodies. If requests were about real people, it has their data in it.
        """
        return to_har(self._with_contents(), self._url)

    def write_har(self, path: str | os.PathLike[str]) -> None:
        """Write the archive of `to_har` to a file that only its owner may read.

        An existing file is replaced once everything is written.

        Raises:
            OSError: The file cannot be written.
        """
        write_har(path, self._with_contents(), self._url)

    def begin(self, scope: Scope) -> Exchange:
        """Record a request that has just arrived."""
        operation = self._operations.of(scope["method"], scope["path"])
        price = self._prices.get(operation, 0) if operation else 0
        with self._lock:
            self._last_number += 1
            exchange = Exchange(
                scope,
                number=self._last_number,
                moment=self._now(),
                operation=operation,
                price=price,
            )
            self._numbers.append(exchange.number)
            self._entries.append(exchange)
            self._in_progress[exchange.number] = exchange
        return exchange

    def end(self, exchange: Exchange) -> None:
        """Record the outcome of a request, unless the ledger was cleared since it began."""
        exchange.end()
        request, content = exchange.recorded(), exchange.content()
        with self._lock:
            if self._in_progress.pop(exchange.number, None):
                self._finished_cost += request.cost
                self._entries[bisect_left(self._numbers, exchange.number)] = request
                self._contents.add(exchange.number, content)

    def save(self) -> Saved:
        """Return everything for a snapshot, with requests in progress as far as they have come."""
        with self._lock:
            return Saved(kept=(self[:], *self._contents.save()))

    def restore(self, saved: Saved) -> None:
        """Replace all requests with those of a snapshot; numbers continue."""
        requests, contents, dropped_values = saved.kept
        with self._lock:
            self._forget()
            self._entries.extend(requests)
            self._numbers.extend(request.number for request in requests)
            self._finished_cost += sum(request.cost for request in requests)
            self._last_number = max([self._last_number, *self._numbers[-1:]])
            self._contents.restore(contents, dropped_values)

    def _forget(self) -> None:
        self._numbers: list[int] = []
        self._entries: list[RecordedRequest | Exchange] = []
        self._in_progress: dict[int, Exchange] = {}
        # A running total, because the inspector polls it.
        self._finished_cost = 0
        self._contents.clear()

    def _with_contents(self) -> list[tuple[RecordedRequest, Content | None]]:
        with self._lock:
            return [(request, self.content(request.number)) for request in self]

    def _at(self, number: int) -> RecordedRequest | Exchange | None:
        with self._lock:
            index = bisect_left(self._numbers, number)
            is_there = self._numbers[index : index + 1] == [number]
            return self._entries[index] if is_there else None


def _recorded(entry: RecordedRequest | Exchange) -> RecordedRequest:
    return entry.recorded() if isinstance(entry, Exchange) else entry


def _raise(failure: str | None) -> None:
    if failure:
        raise AssertionError(failure)
