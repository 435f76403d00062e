"""What all fault plans have in common: which fault's turn it is, and which have happened."""

import math
import reprlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import attrs

from .snapshot import Saved

EVERY = "*"
"""The subject of a fault that is for all of them."""


@attrs.frozen(kw_only=True)
class Planned(ABC):
    """A fault: when it happens, and in the fields of a subclass to whom, and what."""

    nth: int = 1
    times: int = 1

    @property
    @abstractmethod
    def subject(self) -> str:
        """Whom it is for, or `*`."""

    @property
    def what(self) -> str:
        """Say what happens, as `add` was told."""
        return ", ".join(f"{name}={reprlib.repr(value)}" for name, value in self._consequences())

    def _consequences(self) -> Iterator[tuple[str, object]]:
        for field in attrs.fields(type(self)):
            value = getattr(self, field.name)
            # What has a value by default is a condition, and so is what has to be given.
            if field.default is None and value is not None:
                yield field.name, value


Some = TypeVar("Some", bound=Planned)


@attrs.define(eq=False)
class _Entry(Generic[Some]):
    """A line of the plan."""

    fault: Some
    left: int
    seen: int = 0

    def count(self, subject: str) -> bool:
        """Count a subject that matches, and tell whether the fault is due."""
        if self.fault.subject not in {subject, EVERY}:
            return False
        self.seen += 1
        return self.seen >= self.fault.nth


Met = TypeVar("Met", bound=tuple[str, str])


class Plan(Generic[Some, Met]):
    """The faults of one kind; any thread may write and read them. A subclass has words for them.

    Args:
        met: Says of a subject what has happened to it.
    """

    def __init__(self, met: Callable[[str, str], Met]) -> None:
        self._met = met
        self._lock = threading.Lock()
        self._entries: list[_Entry[Some]] = []
        self._happened: list[Met] = []

    def _put(self, fault: Some) -> None:
        """Plan a fault."""
        with self._lock:
            self._entries.append(_Entry(fault, left=fault.times))

    def _choose(self, subject: str) -> Some | None:
        """Choose the fault that a subject meets, and note that it happens."""
        with self._lock:
            # All of them count the subject, those that come too late included.
            due = [entry for entry in self._entries if entry.count(subject)]
            if not due:
                return None
            entry = due[0]
            entry.left -= 1
            if not entry.left:
                self._entries.remove(entry)
            self._happened.append(self._met(subject, entry.fault.what))
            return entry.fault

    def clear(self) -> None:
        """Forget what is planned and what has happened."""
        with self._lock:
            self._entries.clear()
            self._happened.clear()

    def save(self) -> Saved:
        """Give what is planned and what has happened, for a snapshot."""
        with self._lock:
            entries = tuple((one.fault, one.left, one.seen) for one in self._entries)
            return Saved(kept=(entries, tuple(self._happened)))

    def restore(self, saved: Saved) -> None:
        """Plan this, and nothing else."""
        entries, happened = saved.kept
        with self._lock:
            self._entries = [_Entry(fault, left, seen) for fault, left, seen in entries]
            self._happened = list(happened)

    @property
    def planned(self) -> tuple[Some, ...]:
        """The faults that are still to happen."""
        with self._lock:
            return tuple(entry.fault for entry in self._entries)

    @property
    def happened(self) -> tuple[Met, ...]:
        """The faults that have happened, from the first to the last."""
        with self._lock:
            return tuple(self._happened)

    def __repr__(self) -> str:
        planned = [f"{fault.subject}: {fault.what}" for fault in self.planned]
        happened = [": ".join(one) for one in self.happened]
        return f"<{type(self).__name__} planned={planned} happened={happened}>"


def out_of_range(fault: Planned, least: dict[str, float]) -> Iterator[str]:
    """Complain of numbers that are given and are too small, or out of reach."""
    for name, bound in least.items():
        value = getattr(fault, name)
        if value is not None and not bound <= value < math.inf:
            yield f"{name}: give at least {bound}"
