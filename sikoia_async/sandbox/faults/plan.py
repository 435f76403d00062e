"""What all fault plans have in common: which fault is due, and which have been triggered."""

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
"""The subject of a fault that applies to every operation or event."""

_LITERALS: Final[Mapping[type, Callable[[Any], str]]] = {
    bool: bool.__repr__,
    int: int.__repr__,
    float: float.__repr__,
    str: str.__repr__,
    bytes: bytes.__repr__,
}


@attrs.frozen(kw_only=True)
class PlannedFault(ABC):
    """When a fault is due; subclasses have fields for its subject and its effect."""

    nth: int = 1
    times: int = 1
    after: float = 0

    @property
    @abstractmethod
    def subject(self) -> str:
        """The operation or event that it applies to, or `*`."""

    def applies_to(self, subject: str) -> bool:
        """Return whether it applies to a subject."""
        return self.subject in {subject, EVERY}

    @property
    def effect(self) -> str:
        """The effect, as arguments of `add`."""
        return ", ".join(f"{name}={reprlib.repr(value)}" for name, value in self._effects())

    def arguments(self) -> str:
        """Return the arguments of `add` that plan it again, as Python source."""
        arguments = [_literal(self.subject)]
        for field in attrs.fields(type(self)):
            value = getattr(self, field.name)
            # The only field without a default is the subject.
            if field.default is not attrs.NOTHING and value != field.default:
                arguments.append(f"{field.name}={_literal(value)}")
        return ", ".join(arguments)

    def _effects(self) -> Iterator[tuple[str, object]]:
        for field in attrs.fields(type(self)):
            value = getattr(self, field.name)
            # Effects default to None; conditions have another default, the subject has none.
            if field.default is None and value is not None:
                yield field.name, value


FaultT = TypeVar("FaultT", bound=PlannedFault)


@attrs.define(eq=False)
class _Entry(Generic[FaultT]):
    """A fault in the plan."""

    fault: FaultT
    since: float
    """The clock's seconds from which it counts subjects."""
    left: int
    seen: int = 0

    def count(self, subject: str, now: float) -> bool:
        """Count a subject if the fault applies to it, and return whether the fault is due."""
        if now < self.since or not self.fault.applies_to(subject):
            return False
        self.seen += 1
        return self.seen >= self.fault.nth


TriggeredT = TypeVar("TriggeredT", bound=tuple[str, str])


class Plan(Generic[FaultT, TriggeredT]):
    """The planned and triggered faults of one kind; safe to use from any thread.

    Args:
        triggered: Creates the record of a triggered fault from its subject and effect.
        clock: Returns the seconds that `after` refers to.
    """

    _expression: ClassVar[str]
    """The Python expression of this plan in a test."""
    _subjects: ClassVar[str]
    """The plural noun for its subjects."""

    def __init__(
        self, triggered: Callable[[str, str], TriggeredT], *, clock: Callable[[], float]
    ) -> None:
        self._new_triggered = triggered
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: list[_Entry[FaultT]] = []
        self._triggered: list[TriggeredT] = []
        # Every fault added, with the number of subjects seen before it.
        self._added: list[tuple[int, FaultT]] = []
        self._seen = 0

    def _add(self, fault: FaultT) -> None:
        """Plan a fault."""
        with self._lock:
            since = self._clock() + fault.after
            self._entries.append(_Entry(fault, since, left=fault.times))
            self._added.append((self._seen, fault))

    def _take(self, name: Callable[[], str]) -> FaultT | None:
        """Return the fault that a subject triggers, if any, and record it.

        Args:
            name: Returns the name of the subject; not called if nothing is planned.
        """
        with self._lock:
            self._seen += 1
            if not self._entries:
                return None
            subject, now = name(), self._clock()
            # Every entry counts the subject, including those that do not get their turn.
            due = [entry for entry in self._entries if entry.count(subject, now)]
            if not due:
                return None
            entry = due[0]
            entry.left -= 1
            if not entry.left:
                self._entries.remove(entry)
            self._triggered.append(self._new_triggered(subject, entry.fault.effect))
            return entry.fault

    def clear(self) -> None:
        """Remove all planned and triggered faults."""
        with self._lock:
            self._entries.clear()
            self._added.clear()
            self._triggered.clear()

    def script(self) -> str:
        """Return Python source that plans the same faults in the same order on a new `sandbox`.

        Faults that have been triggered are included as they were planned. Comments count the
        requests or deliveries made before a fault was added. The result is empty if no fault has
        been planned since the start or the last `clear`.
        """
        with self._lock:
            added = tuple(self._added)
        return "\n".join(self._line(seen, fault) for seen, fault in added)

    def _line(self, seen: int, fault: FaultT) -> str:
        comment = f"  # {self._subjects} before this: {seen}" if seen else ""
        return f"{self._expression}.add({fault.arguments()}){comment}"

    def save(self) -> Saved:
        """Return the planned and triggered faults."""
        with self._lock:
            # Copies, because the entries go on counting.
            entries = tuple(attrs.evolve(entry) for entry in self._entries)
            return Saved(kept=(entries, tuple(self._triggered), tuple(self._added), self._seen))

    def restore(self, saved: Saved) -> None:
        """Replace the planned and triggered faults."""
        entries, triggered, added, seen = saved.kept
        with self._lock:
            self._entries = [attrs.evolve(entry) for entry in entries]
            self._triggered = list(triggered)
            self._added = list(added)
            self._seen = seen

    @property
    def planned(self) -> tuple[FaultT, ...]:
        """The faults that have not been triggered as often as planned."""
        with self._lock:
            return tuple(entry.fault for entry in self._entries)

    @property
    def triggered(self) -> tuple[TriggeredT, ...]:
        """The faults that have been triggered, oldest first."""
        with self._lock:
            return tuple(self._triggered)

    def __repr__(self) -> str:
        planned = [f"{fault.subject}: {fault.effect}" for fault in self.planned]
        triggered = [": ".join(one) for one in self.triggered]
        return f"<{type(self).__name__} planned={planned} triggered={triggered}>"


def out_of_range(fault: PlannedFault, minimum: Mapping[str, float]) -> Iterator[str]:
    """Yield an error message for each number that is too small or not finite."""
    for name, bound in minimum.items():
        value = getattr(fault, name)
        if value is not None and not bound <= value < math.inf:
            yield f"{name}: expected at least {bound}"


def unknown_name(kind: str, name: str, known: Collection[str]) -> ValueError:
    """Return the error for an unknown name, with the closest known names."""
    nearest = ", ".join(get_close_matches(name, known, cutoff=0))
    return ValueError(f"unknown {kind} {name!r}; the closest are {nearest}")


def _literal(value: Any) -> str:
    """Return a value as Python source; an enum's member as its value."""
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return "{" + ", ".join(f"{_literal(name)}: {_literal(one)}" for name, one in items) + "}"
    writers = [write for kind, write in _LITERALS.items() if isinstance(value, kind)]
    return [*writers, repr][0](value)
