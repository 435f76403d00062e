"""Registry of a client's live operations.

Webhook events look operations up by id, and closing the client ends every wait. The registry keeps
no operation alive: once no caller holds it, it is gone, and can be resumed by its ids.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar
from weakref import WeakSet, WeakValueDictionary

from anyio import current_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sikoia_async.observers._observers import Observers
    from sikoia_async.operations.kinds import OperationKind
    from sikoia_async.operations.token import TokenSigner

__all__ = ["OperationRegistry", "Pollable"]

_MAX_REMEMBERED: Final = 4096
_PROOFS: Final = 16
"""Events in a row that prove that those of a kind reach this process. With two processes that each
get half of the events, that happens once in 65,536 runs of sixteen operations."""
_EARLY: Final = 60.0
"""Seconds by which an event may precede the operation that it names."""
_LATE: Final = 30.0
"""Seconds by which an event may follow the poll that found its operation done."""


class Pollable(Protocol):
    """What the registry needs of an operation."""

    @property
    def done(self) -> bool:
        """Whether the result has arrived."""
        ...

    def wake(self, event: str) -> bool:
        """Poll at once, because an event named the operation; return whether it is new to it."""
        ...

    def poll_soon(self) -> None:
        """Poll soon: the expected event may never arrive."""
        ...

    def close(self) -> None:
        """End all waits: the client is closed."""
        ...


P = TypeVar("P", bound=Pollable)


class OperationRegistry:
    """The live operations of one client.

    Args:
        signer: signs their tokens.
        rely_on_events: whether the application feeds webhook events to this client. They are
            relied on once they have proved themselves, because without more, an event reaches one
            of several processes only; with `always`, from the start.
        check: raises if the client is closed, or used in another event loop.
        max_remembered: how many early events, and how many late ones, are remembered.
        observers: see operations, and the events that name them.
    """

    def __init__(
        self,
        signer: TokenSigner,
        *,
        rely_on_events: bool | Literal["always"],
        check: Callable[[], None] = lambda: None,
        max_remembered: int = _MAX_REMEMBERED,
        observers: Observers | None = None,
    ) -> None:
        self.observers: Observers | None = observers
        self.signer = signer
        self.check = check
        self._rely_on_events = bool(rely_on_events)
        self._proofs_needed = 0 if rely_on_events == "always" else _PROOFS
        self._max_remembered = max_remembered
        self._is_always = rely_on_events == "always"
        self._is_closed = False
        self._listen: Callable[[], None] | None = None
        self.fingerprint: Callable[[str], int | str] = hash
        """Returns what the registry knows a string by, because those in events may be personal
        data: a hash of this process or, if events are shared, one that is the same in all."""
        self._live: WeakValueDictionary[tuple[str, ...], Any] = WeakValueDictionary()
        """By kind and ids."""
        self._by_first_id: WeakValueDictionary[tuple[str, int | str], Any] = WeakValueDictionary()
        """Those that events may name, by kind and the fingerprint of the first id."""
        self._without_ids: WeakSet[Any] = WeakSet()
        self._kinds: dict[str, OperationKind] = {}
        """Kinds with events, by name."""
        self._missing_proofs: dict[str, int] = {}
        """How many events of a kind must arrive before it is relied on; by default, as many as
        `_proofs_needed`."""
        # Both hold fingerprints and loop times.
        self._early_events: OrderedDict[int | str, tuple[float, str]] = OrderedDict()
        """Strings from recent events, until when they wake a new operation, and the event's key."""
        self._expected_events: OrderedDict[tuple[str, int | str], float] = OrderedDict()
        """Kinds and ids of operations that a poll found done, and until when their event is
        expected."""

    def get_or_add(self, kind: OperationKind, ids: tuple[str, ...], make: Callable[[], P]) -> P:
        """Return the live operation with these ids, or a new one."""
        operation: P | None = self._live.get((kind.name, *ids))
        if operation is None or (operation.done and not kind.is_final):
            operation = self._live[kind.name, *ids] = self._closed_if_late(make())
            if kind.events:
                first_id = self.fingerprint(ids[0])
                self._kinds[kind.name] = kind
                self._by_first_id[kind.name, first_id] = operation
                if self._listen is not None and not self._is_closed:
                    self._listen()
                expires, event = self._early_events.get(first_id, (0.0, ""))
                if expires > current_time():
                    self._prove(kind.name)
                    operation.wake(event)
        return operation

    def add(self, operation: P) -> P:
        """Add an operation that has no ids, and return it."""
        self._without_ids.add(operation)
        return self._closed_if_late(operation)

    def live(self) -> list[Pollable]:
        """Return the live operations."""
        return [*self._live.values(), *self._without_ids]

    def expects_event(self, kind: OperationKind) -> bool:
        """Return whether an event is expected to announce the end of operations of this kind."""
        if not self._rely_on_events or not kind.events:
            return False
        now = current_time()
        while self._expected_events:
            (name, first_id), expires = next(iter(self._expected_events.items()))
            if expires > now:
                break
            del self._expected_events[name, first_id]
            self._fall_back_to_polling(name)
        return not self._missing(kind.name)

    def ended_without_event(self, kind: OperationKind, ids: tuple[str, ...]) -> None:
        """Note that a poll found an operation done before its event arrived.

        If the event does not arrive soon, operations of this kind are polled normally until events
        have proved themselves again.
        """
        self.expects_event(kind)
        if self._rely_on_events and kind.events:
            self._expected_events[kind.name, self.fingerprint(ids[0])] = current_time() + _LATE
            self._drop_oldest(self._expected_events)

    def share_events(self, listen: Callable[[], None]) -> None:
        """Know strings by hashes that other processes share, before anything is added.

        Args:
            listen: subscribes to the events of all processes, unless that was done.
        """
        self.fingerprint = self.signer.digest
        self._listen = listen

    def set_subscribed(self, is_subscribed: bool) -> None:
        """Note whether the events of all processes arrive here.

        They are then relied on from the start. If they do not arrive, operations are polled until
        events have proved themselves.
        """
        if self._is_always:
            return
        self._proofs_needed = 0 if is_subscribed else _PROOFS
        self._missing_proofs.clear()
        self._expected_events.clear()
        if self._rely_on_events and not is_subscribed:
            for operation in list(self._by_first_id.values()):
                operation.poll_soon()

    def wake(self, event: str, event_type: str | None, mentions: Iterable[str]) -> int:
        """Wake the operations that an event names, and return how many it names.

        Args:
            event: the key of the event, which wakes an operation once.
            event_type: the name of the event; None if it may be about operations of any kind.
            mentions: strings in the event that may be ids.
        """
        return self.wake_known(event, event_type, map(self.fingerprint, mentions))

    def wake_known(
        self, event: str, event_type: str | None, fingerprints: Iterable[int | str]
    ) -> int:
        """Do what `wake` does, given the fingerprints of the strings in the event."""
        strings = set(fingerprints)
        kinds = [
            name
            for name, kind in self._kinds.items()
            if event_type is None or event_type in kind.events
        ]
        named = [
            (kind, operation)
            for string in strings
            for kind in kinds
            if (operation := self._by_first_id.get((kind, string))) is not None
        ]
        woken = {kind for kind, operation in named if operation.wake(event)}
        late = self._remember(event, strings, kinds)
        for kind in woken | late:
            self._prove(kind)
        if (
            not self._proofs_needed
        ):  # events of these kinds arrive: one that is lost is an exception
            for expected in [one for one in self._expected_events if one[0] in woken]:
                del self._expected_events[expected]
        return len(named)

    def close(self) -> None:
        """End all waits, also those of operations that are added later."""
        self._is_closed = True
        for operation in self.live():
            operation.close()

    def _closed_if_late(self, operation: P) -> P:
        """Close an operation that Sikoia began while the client was being closed."""
        if self._is_closed:
            operation.close()
        return operation

    def _missing(self, kind: str) -> int:
        return self._missing_proofs.get(kind, self._proofs_needed)

    def _prove(self, kind: str) -> None:
        """Count an event of a kind that reached this process."""
        self._missing_proofs[kind] = max(0, self._missing(kind) - 1)

    def _remember(self, event: str, strings: Iterable[int | str], kinds: Sequence[str]) -> set[str]:
        """Remember the strings of an event, which may precede or follow its operation.

        Returns:
            The kinds of operations that a poll had found done before.
        """
        late, expires = set[str](), current_time() + _EARLY
        for string in strings:
            self._early_events[string] = expires, event
            self._early_events.move_to_end(string)
            for kind in kinds:
                if self._expected_events.pop((kind, string), None) is not None:
                    late.add(kind)
        self._drop_oldest(self._early_events)
        return late

    def _fall_back_to_polling(self, kind: str) -> None:
        was_relied_on = not self._missing(kind)
        self._missing_proofs[kind] = max(1, self._proofs_needed)
        if was_relied_on:
            for (name, _), operation in list(self._by_first_id.items()):
                if name == kind:
                    operation.poll_soon()

    def _drop_oldest(self, remembered: OrderedDict[Any, Any]) -> None:
        while len(remembered) > self._max_remembered:
            remembered.popitem(last=False)
