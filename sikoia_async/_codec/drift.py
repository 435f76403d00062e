"""Counts where the API's answers differ from what this SDK knows, so that you hear of it first.

Every answer that had to be repaired is looked at. Of those that decoded straight away only the
first of each type and then one in 64 are, for looking costs as much as decoding.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sikoia_async import _logging

__all__ = ["Drift"]

_EVERY: Final = 64
_MOST_KINDS: Final = 1000


class Drift(Mapping[str, int]):
    """What was seen how often, such as `Case.colour: unknown field`. No value is kept."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._answers: dict[object, int] = {}

    def __getitem__(self, kind: str) -> int:
        return self._seen[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    def __repr__(self) -> str:
        return f"Drift({self._seen})"

    def due(self, into: object) -> bool:
        """Count an answer of this type; tell whether it is one to look at."""
        answers = self._answers.get(into, 0)
        self._answers[into] = answers + 1
        return answers % _EVERY == 0

    def look(self, into: Any, value: Any, unread: Iterable[str] = ()) -> None:
        """Compare a plain value with the type that it is for.

        Args:
            into: the type.
            value: what came, without the texts that could not be read.
            unread: where those stood.
        """
        from sikoia_async._codec.comparison import comparison, place  # noqa: PLC0415 - with an answer

        comparison(into)(value, "$", self.count)
        for path in unread:
            self.count(place(into, path), "unreadable")

    def count(self, where: str, what: str) -> None:
        """Count one difference. The kinds are bounded, whatever an answer's field names are."""
        kind = f"{where}: {what}"
        if kind in self._seen:
            self._seen[kind] += 1
        elif len(self._seen) < _MOST_KINDS:
            self._seen[kind] = 1
            _logging.log_drift(kind)
