"""Snapshots of the local Sikoia's state, which can be restored later."""

import io
import pickle
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

import attrs

__all__ = ["Part", "Pickler", "Saved", "Snapshot", "Snapshots", "to_bytes"]


class Pickler(pickle.Pickler):
    """Writes plain records so that every version of Python can read them."""

    def reducer_override(self, obj: Any) -> Any:
        """Write members of an `Enum` by value; Python 3.11.0 to 3.11.3 would write a `getattr`."""
        return (type(obj), (obj.value,)) if isinstance(obj, Enum) else NotImplemented


def to_bytes(value: Any, kind: type[Pickler] = Pickler) -> bytes:
    """Return plain records as bytes."""
    file = io.BytesIO()
    kind(file, pickle.HIGHEST_PROTOCOL).dump(value)
    return file.getvalue()


@attrs.frozen(kw_only=True)
class Saved:
    """The state of one part of the local Sikoia."""

    copied: Any = None
    """Mutable plain records, which a snapshot pickles."""
    kept: Any = None
    """Immutable values, which a snapshot keeps by reference; they may contain functions."""


class Part(Protocol):
    """A part of the local Sikoia that keeps state."""

    def save(self) -> Saved:
        """Return the complete state."""
        ...

    def restore(self, saved: Saved) -> None:
        """Replace the state."""
        ...


@attrs.frozen(kw_only=True)
class Snapshot:
    """The state of a local Sikoia at one moment; it can be restored any number of times."""

    moment: datetime
    """The clock's time of day when the snapshot was taken."""
    seed: int
    """The seed of the local Sikoia."""
    # Pickled: nobody can change bytes, and they take a tenth of the memory.
    _copied: bytes = attrs.field(alias="copied", repr=False)
    _kept: tuple[Any, ...] = attrs.field(alias="kept", repr=False)

    def saved(self, loads: Callable[[bytes], Any] = pickle.loads) -> list[Saved]:
        """Return the state of each part, as fresh copies.

        Args:
            loads: Reads the pickled records. By default, anything is read: this process has
                written them, or `StateFolder` has checked them.
        """
        copied = loads(self._copied)
        return [Saved(copied=one, kept=kept) for one, kept in zip(copied, self._kept, strict=True)]

    def without_clock(self) -> object:
        """Return the state of all parts but the first, which is the clock, to compare it."""
        return self._copied, self._kept[1:]


class Snapshots:
    """Takes and restores snapshots.

    Args:
        parts: Every part that keeps state, the clock first. They are pickled together, so that
            objects shared by two parts are shared by the copies too.
        seed: The seed of the local Sikoia.
    """

    def __init__(self, parts: Sequence[Part], *, seed: int) -> None:
        self._parts = parts
        self._seed = seed

    def take(self, moment: datetime) -> Snapshot:
        """Return the state of all parts."""
        saved = [part.save() for part in self._parts]
        return Snapshot(
            moment=moment,
            seed=self._seed,
            copied=to_bytes([one.copied for one in saved]),
            kept=tuple(one.kept for one in saved),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the state of all parts.

        Raises:
            TypeError: The argument is not a snapshot.
            ValueError: The snapshot was taken with another seed.
        """
        # Untyped tests may pass anything.
        if not isinstance(snapshot, Snapshot):  # pyright: ignore[reportUnnecessaryIsInstance]
            msg = f"restore: expected the result of snapshot(), not {type(snapshot).__name__}"
            raise TypeError(msg)
        if snapshot.seed != self._seed:
            msg = f"restore: the snapshot has the seed {snapshot.seed}, expected {self._seed}"
            raise ValueError(msg)
        for part, saved in zip(self._parts, snapshot.saved(), strict=True):
            part.restore(saved)
