"""The operations of one client that somebody holds: found when an event names them, ended together.

Nothing is kept alive here. An operation that nobody holds any more is gone, and may be resumed.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, Protocol, TypeVar
from weakref import WeakSet, WeakValueDictionary

import attrs
from anyio import current_time

from sikoia_async.operations.interval import Interval
from sikoia_async.operations.token import TokenSigner

__all__ = ["OperationKind", "OperationRegistry", "Pollable", "State"]

State = Literal["running", "done", "failed"]
"""How far a task is. What `failed` came to nothing for a technical reason."""

_RAREST: Final = 600.0
"""Seconds between polls at most where an event will tell, if its kind is not asked even less."""
_MOST: Final = 4096
"""How many names are kept of events that came early, and of operations whose event is late."""
_EARLY: Final = 60.0
"""Seconds by which an event may come before its operation is held."""
_LATE: Final = 30.0
"""Seconds by which it may come after a poll has found the end."""


@attrs.frozen(kw_only=True)
class OperationKind:
    """What operations of one kind have in common. Those of each are stated with its method."""

    name: str
    """In tokens, so it is never changed."""
    timeout: float = 300.0
    """Seconds that are waited if the caller does not say."""
    interval: Interval = attrs.field(factory=Interval)
    done: frozenset[str] = frozenset({"Complete"})
    """In which status there is a result."""
    failed: frozenset[str] = frozenset({"Failed"})
    """In which status it came to nothing, for a technical reason."""
    running: frozenset[str] = frozenset({"Pending"})
    """In which status it is known to run. Any other one counts as running, too, and as drift."""
    late: float = 0.0
    """Seconds in which it need not be found yet, though nobody began it here."""
    events: frozenset[str] = frozenset()
    """The types of the events that may tell its end."""
    lasting: bool = True
    """Whether a result stays what it is. If not, who waits again waits for another one."""
    rare: float = 60.0
    """Seconds before the first poll where an event will tell: most are done by then."""
    insists: bool = False
    """Whether the caller chose the interval: then it holds where events are relied on, too."""

    def state(self, status: str | None, odd: Callable[[], None]) -> State:
        """Tell what a status means; of one that is not known, call `odd`."""
        if status in self.done:
            return "done"
        if status in self.failed:
            return "failed"
        if status not in self.running:
            odd()
        return "running"


def _rarely(kind: OperationKind) -> Interval:
    """Return how often is asked where an event will tell; an event may be lost."""
    return Interval(first=kind.rare, most=max(kind.rare, _RAREST), factor=2.0)


class Pollable(Protocol):
    """An operation, as its client sees it."""

    @property
    def done(self) -> bool:
        """Whether the result is there."""
        ...

    def wake(self) -> None:
        """Ask at once: an event tells that there is news."""
        ...

    def hurry(self) -> None:
        """Ask soon, as if it were new: no event may come."""
        ...

    def close(self) -> None:
        """Wait no longer: the client is closed."""
        ...


H = TypeVar("H", bound=Pollable)


class OperationRegistry:
    """Knows the operations of one client.

    Args:
        sealer: makes their tokens.
        relies: whether the events that tell their ends are fed to this client.
        check: refuses what is asked in another event loop, or after closing.
    """

    def __init__(
        self, signer: TokenSigner, *, relies: bool, check: Callable[[], None] = lambda: None
    ) -> None:
        self.signer = signer
        self.check = check
        self._relies = relies
        self._missed: set[str] = set()
        """Kinds that have ended without their events, and since then no event has come."""
        self._closed = False
        self._held: WeakValueDictionary[tuple[str, ...], Any] = WeakValueDictionary()
        self._named: WeakValueDictionary[tuple[str, str], Any] = WeakValueDictionary()
        """Those that events may name, by their first id."""
        self._nameless: WeakSet[Any] = WeakSet()
        self._kinds: dict[str, OperationKind] = {}
        # Names and the ends of their times; as hashes, for what events mention is personal data.
        self._early: OrderedDict[int, float] = OrderedDict()
        self._late: OrderedDict[tuple[str, int], float] = OrderedDict()

    def hold(self, kind: OperationKind, ids: tuple[str, ...], make: Callable[[], H]) -> H:
        """Return the operation with these ids that somebody holds already, or a new one."""
        held: H | None = self._held.get((kind.name, *ids))
        if held is None or (held.done and not kind.lasting):
            held = self._held[kind.name, *ids] = self._taken(make())
            if kind.events:
                self._kinds[kind.name] = kind
                self._named[kind.name, ids[0]] = held
                if self._early.get(hash(ids[0]), 0.0) > current_time():
                    self._missed.discard(kind.name)
                    held.wake()
        return held

    def add(self, operation: H) -> H:
        """Take in an operation that nothing leads to but its address, and return it."""
        self._nameless.add(operation)
        return self._taken(operation)

    def interval(self, kind: OperationKind) -> Interval:
        """Return how often operations of a kind are to be asked about."""
        return _rarely(kind) if self.relies(kind) and not kind.insists else kind.interval

    def relies(self, kind: OperationKind) -> bool:
        """Tell whether an event is waited for that tells the end of such operations."""
        if not self._relies or not kind.events:
            return False
        while self._late and (oldest := next(iter(self._late.items())))[1] <= current_time():
            del self._late[oldest[0]]
            self._fall_back_to_polling(oldest[0][0])
        return kind.name not in self._missed

    def ended(self, kind: OperationKind, ids: tuple[str, ...]) -> None:
        """Note that a poll has found the end of one: its event may come yet, or was missed.

        If it does not come, its like are asked about until one comes.
        """
        if self.relies(kind):
            self._late[kind.name, hash(ids[0])] = current_time() + _LATE
            _shorten(self._late)

    def wake(self, event_type: str | None, mentions: Iterable[str]) -> int:
        """Wake the operations that an event names, and return how many those are.

        Args:
            event_type: which kinds it may be about; None for all.
            mentions: what may be their ids.
        """
        texts = set(mentions)
        kinds = [
            name
            for name, kind in self._kinds.items()
            if event_type is None or event_type in kind.events
        ]
        found = [
            (kind, held)
            for text in texts
            for kind in kinds
            if (held := self._named.get((kind, text))) is not None
        ]
        for kind, held in found:
            self._missed.discard(kind)
            for late in [one for one in self._late if one[0] == kind]:
                del self._late[late]  # events do come: that one is lost, and not all are
            held.wake()
        self._keep(map(hash, texts), kinds)
        return len(found)

    def close(self) -> None:
        """End all waits, also those that begin later."""
        self._closed = True
        for held in [*self._held.values(), *self._nameless]:
            held.close()

    def _taken(self, operation: H) -> H:
        if self._closed:  # while Sikoia began it
            operation.close()
        return operation

    def _keep(self, names: Iterable[int], kinds: Sequence[str]) -> None:
        """Keep for a while what an event names, and strike off what it was waited for."""
        end = current_time() + _EARLY
        for name in names:
            self._early[name] = end
            self._early.move_to_end(name)
            for kind in kinds:
                if self._late.pop((kind, name), None) is not None:
                    self._missed.discard(kind)
        _shorten(self._early)

    def _fall_back_to_polling(self, kind: str) -> None:
        if kind not in self._missed:
            self._missed.add(kind)
            for (name, _), held in list(self._named.items()):
                if name == kind:
                    held.hurry()


def _shorten(names: OrderedDict[Any, float]) -> None:
    while len(names) > _MOST:
        names.popitem(last=False)
