"""What the local Sikoia is at a moment, kept so that it can be put back."""

import pickle
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import attrs

__all__ = ["Part", "Saved", "Snapshot", "Snapshots"]


@attrs.frozen(kw_only=True)
class Saved:
    """What a part of the local Sikoia is made of."""

    copied: Any = None
    """What goes on changing: plain records, of which a snapshot takes a copy."""
    kept: Any = None
    """What nobody changes: it is kept as it is, so it may have functions in it."""


class Part(Protocol):
    """Something that remembers."""

    def save(self) -> Saved:
        """Give all that it remembers."""
        ...

    def restore(self, saved: Saved) -> None:
        """Remember this, and nothing else."""
        ...


@attrs.frozen(kw_only=True)
class Snapshot:
    """A moment of a local Sikoia; it can be restored as often as wanted, and elsewhere too."""

    moment: datetime
    """The time of day that it showed."""
    seed: int
    """What it draws its data from."""
    # Bytes, not records: nobody can change them, and they are a tenth of the size.
    _copied: bytes = attrs.field(alias="copied", repr=False)
    _kept: tuple[Any, ...] = attrs.field(alias="kept", repr=False)

    def saved(self) -> list[Saved]:
        """Give what each part was made of, with a copy of its own."""
        # Only this process has written these bytes.
        copied = pickle.loads(self._copied)  # noqa: S301
        return [Saved(copied=one, kept=kept) for one, kept in zip(copied, self._kept, strict=True)]


class Snapshots:
    """Takes snapshots, and puts them back.

    Args:
        parts: All that remembers something. They are copied together, so that what two of them
            share is shared by the copies.
        seed: What the data are drawn from.
    """

    def __init__(self, parts: Sequence[Part], *, seed: int) -> None:
        self._parts = parts
        self._seed = seed

    def take(self, moment: datetime) -> Snapshot:
        """Keep what all parts remember."""
        saved = [part.save() for part in self._parts]
        return Snapshot(
            moment=moment,
            seed=self._seed,
            copied=pickle.dumps([one.copied for one in saved], pickle.HIGHEST_PROTOCOL),
            kept=tuple(one.kept for one in saved),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Let all parts remember what they did.

        Raises:
            TypeError: It is no snapshot.
            ValueError: It is of a local Sikoia with another seed.
        """
        # A test without types may bring anything.
        if not isinstance(snapshot, Snapshot):  # pyright: ignore[reportUnnecessaryIsInstance]
            msg = f"restore: give what snapshot() returned, not {type(snapshot).__name__}"
            raise TypeError(msg)
        if snapshot.seed != self._seed:
            msg = f"the snapshot is of the seed {snapshot.seed}, and the seed here is {self._seed}"
            raise ValueError(msg)
        for part, saved in zip(self._parts, snapshot.saved(), strict=True):
            part.restore(saved)
