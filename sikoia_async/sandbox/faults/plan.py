"""What all fault plans have in common: which fault's turn it is, and which have happened."""

import math
import reprlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, Final, Generic, TypeVar, cast

import attrs

from sikoia_async.sandbox.snapshot import Saved

EVERY = "*"
"""The subject of a fault that is for all of them."""

_WRITERS: Final[Mapping[type, Callable[[Any], str]]] = {
    bool: bool.__repr__,
    int: int.__repr__,
    float: float.__repr__,
    str: str.__repr__,
    bytes: bytes.__repr__,
}


@attrs.frozen(kw_only=True)
class PlannedFault(ABC):
    """A fault: when it happens, and in the fields of a subclass to whom, and what."""

    nth: int = 1
    times: int = 1
    after: float = 0

    @property
    @abstractmethod
    def subject(self) -> str:
        """Whom it is for, or `*`."""

    def concerns(self, subject: str) -> bool:
        """Tell whether a subject is one that it is for."""
        return self.subject in {subject, EVERY}

    @property
    def effect(self) -> str:
        """Say what happens, as `add` was told."""
        return ", ".join(f"{name}={reprlib.repr(value)}" for name, value in self._consequences())

    def written(self) -> str:
        """Write the arguments of `add` that plan it again."""
        arguments = [_literal(self.subject)]
        for field in attrs.fields(type(self)):
            value = getattr(self, field.name)
            # What has to be given is the subject.
            if field.default is not attrs.NOTHING and value != field.default:
                arguments.append(f"{field.name}={_literal(value)}")
        return ", ".join(arguments)

    def _consequences(self) -> Iterator[tuple[str, object]]:
        for field in attrs.fields(type(self)):
            value = getattr(self, field.name)
            # What has a value by default is a condition, and so is what has to be given.
            if field.default is None and value is not None:
                yield field.name, value


Some = TypeVar("Some", bound=PlannedFault)


@attrs.define(eq=False)
class _Entry(Generic[Some]):
    """A line of the plan."""

    fault: Some
    since: float
    """The clock from which on it counts."""
    left: int
    seen: int = 0

    def count(self, subject: str, now: float) -> bool:
        """Count a subject that matches, and tell whether the fault is due."""
        if now < self.since or not self.fault.concerns(subject):
            return False
        self.seen += 1
        return self.seen >= self.fault.nth


Met = TypeVar("Met", bound=tuple[str, str])


class Plan(Generic[Some, Met]):
    """The faults of one kind; any thread may write and read them. A subclass has words for them.

    Args:
        met: Says of a subject what has happened to it.
        clock: Counts the seconds of `after`.
    """

    _place: ClassVar[str]
    """Where a test finds it."""
    _asked_for: ClassVar[str]
    """What its subjects are, many of them."""

    def __init__(self, met: Callable[[str, str], Met], *, clock: Callable[[], float]) -> None:
        self._met = met
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: list[_Entry[Some]] = []
        self._happened: list[Met] = []
        # All that was planned, each with how many had come by then.
        self._added: list[tuple[int, Some]] = []
        self._came = 0

    def _put(self, fault: Some) -> None:
        """Plan a fault."""
        with self._lock:
            since = self._clock() + fault.after
            self._entries.append(_Entry(fault, since, left=fault.times))
            self._added.append((self._came, fault))

    def _choose(self, name: Callable[[], str]) -> Some | None:
        """Choose the fault that a subject meets, and note that it happens.

        Args:
            name: Says what the subject is called; where nothing is planned, it is not asked.
        """
        with self._lock:
            self._came += 1
            if not self._entries:
                return None
            subject, now = name(), self._clock()
            # All of them count the subject, those that come too late included.
            due = [entry for entry in self._entries if entry.count(subject, now)]
            if not due:
                return None
            entry = due[0]
            entry.left -= 1
            if not entry.left:
                self._entries.remove(entry)
            self._happened.append(self._met(subject, entry.fault.effect))
            return entry.fault

    def clear(self) -> None:
        """Forget what is planned and what has happened."""
        with self._lock:
            self._entries.clear()
            self._added.clear()
            self._happened.clear()

    def script(self) -> str:
        """Write Python that plans the same faults again, on a new `sandbox`, in the same order.

        Those that have happened are in it as they were planned. A comment says how many had come
        before one was planned. It is empty when nothing was planned, or all was cleared.
        """
        with self._lock:
            added = tuple(self._added)
        return "\n".join(self._line(came, fault) for came, fault in added)

    def _line(self, came: int, fault: Some) -> str:
        comment = f"  # {self._asked_for} before this: {came}" if came else ""
        return f"{self._place}.add({fault.written()}){comment}"

    def save(self) -> Saved:
        """Give what is planned and what has happened, for a snapshot."""
        with self._lock:
            # Copies: the entries themselves go on counting.
            entries = tuple(attrs.evolve(entry) for entry in self._entries)
            return Saved(kept=(entries, tuple(self._happened), tuple(self._added), self._came))

    def restore(self, saved: Saved) -> None:
        """Plan this, and nothing else."""
        entries, happened, added, came = saved.kept
        with self._lock:
            self._entries = [attrs.evolve(entry) for entry in entries]
            self._happened = list(happened)
            self._added = list(added)
            self._came = came

    @property
    def planned(self) -> tuple[Some, ...]:
        """The faults that are still to happen."""
        with self._lock:
            return tuple(entry.fault for entry in self._entries)

    @property
    def triggered(self) -> tuple[Met, ...]:
        """The faults that have happened, from the first to the last."""
        with self._lock:
            return tuple(self._happened)

    def __repr__(self) -> str:
        planned = [f"{fault.subject}: {fault.effect}" for fault in self.planned]
        happened = [": ".join(one) for one in self.triggered]
        return f"<{type(self).__name__} planned={planned} happened={happened}>"


def out_of_range(fault: PlannedFault, least: dict[str, float]) -> Iterator[str]:
    """Complain of numbers that are given and are too small, or out of reach."""
    for name, bound in least.items():
        value = getattr(fault, name)
        if value is not None and not bound <= value < math.inf:
            yield f"{name}: give at least {bound}"


def unknown_name(kind: str, name: str, known: Collection[str]) -> ValueError:
    """Return the complaint that nothing of a kind is called so, with what might be meant."""
    nearest = ", ".join(get_close_matches(name, known, cutoff=0))
    return ValueError(f"no {kind} is called {name!r}; the nearest are {nearest}")


def _literal(value: Any) -> str:
    """Write a value as Python reads it, an enum's as what it stands for."""
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return "{" + ", ".join(f"{_literal(name)}: {_literal(one)}" for name, one in items) + "}"
    writers = [write for kind, write in _WRITERS.items() if isinstance(value, kind)]
    return [*writers, repr][0](value)
