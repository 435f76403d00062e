"""Counts how responses differ from the models, so that you hear of API changes early.

The first response of each type is compared with it, then every 64th, and every small one that
needed repairs. Comparing costs as much as decoding, so large responses are not compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from sikoia_async import _logging

if TYPE_CHECKING:
    from sikoia_async.observers._observers import Observers

__all__ = ["Drift"]

_SAMPLE_EVERY: Final = 64
_CAREFUL_AFTER: Final = 15
_MAX_DIFFERENCES: Final = 1000
_MAX_COMPARED: Final = 1 << 20
_FAILED: Final = "comparison failed"
_LOCK: Final = Lock()
"""Large responses are decoded in threads. One for all, because counters can be pickled."""


class Drift(Mapping[str, int]):
    """Counts of differences by description, such as `Case.colour: unknown field`.

    No values of responses are kept.

    Args:
        observers: see each difference.
    """

    def __init__(self, observers: Observers | None = None) -> None:
        self._observers = observers
        self._counts: dict[str, int] = {}
        self._responses: dict[object, int] = {}
        self._refused: dict[object, int] = {}

    def __getitem__(self, difference: str) -> int:
        return self._counts[difference]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._counts))

    def __len__(self) -> int:
        return len(self._counts)

    def __repr__(self) -> str:
        return f"Drift({self._counts})"

    def __getstate__(self) -> dict[str, Any]:
        """Return the counts, without the observers: they stay in this process."""
        return {**self.__dict__, "_observers": None}

    def is_due(self, into: object) -> bool:
        """Count a response of this type and return whether to compare it."""
        responses = self._responses.get(into, 0)
        self._responses[into] = responses + 1
        return responses % _SAMPLE_EVERY == 0

    def note_refusal(self, into: object) -> None:
        """Remember that a large body of this type could not be decoded as a whole."""
        self._refused[into] = _CAREFUL_AFTER

    def was_refused(self, into: object) -> bool:
        """Count a large body of this type and return whether one of the last 15 was refused.

        Such a body probably has an odd value as well. The attempt to decode it as a whole takes
        longer than reading it part by part, even if it has none.
        """
        left = self._refused.get(into, 0)
        self._refused[into] = max(left - 1, 0)
        return left > 0

    def compare_body(
        self, into: Any, body: bytes, unread: Collection[tuple[str | int, ...]] = ()
    ) -> None:
        """Compare a body that was decoded with its type, like `compare`.

        Args:
            into: the type.
            body: the body; one above 1 MB is not compared, because that would take too long.
            unread: the steps to values that are left out, because they do not fit their types.
        """
        if len(body) > _MAX_COMPARED or () in unread:
            return
        from sikoia_async._schema.json import read_leniently  # noqa: PLC0415 - as in `_compare`

        try:
            value = read_leniently(body)
            for steps in unread:
                _blank(value, steps)
            self._compare(into, value)
        except Exception:  # noqa: BLE001 - a diagnostic must not cost a call
            self.count("$", _FAILED)

    def compare(self, into: Any, value: Any) -> None:
        """Compare a JSON value with its type and count the differences.

        An error in the comparison is counted as a difference and does not reach the caller.
        """
        try:
            self._compare(into, value)
        except Exception:  # noqa: BLE001 - a diagnostic must not cost a call
            self.count("$", _FAILED)

    def _compare(self, into: Any, value: Any) -> None:
        from sikoia_async._codec import comparison  # noqa: PLC0415 - with the first response
        from sikoia_async._schema import shapes  # noqa: PLC0415 - with the first response

        comparison.comparison(shapes.shape_of(into))(value, "$", self.count)

    def count(self, location: str, description: str, times: int = 1) -> None:
        """Count a difference, which occurred once or several times.

        At most 1000 different ones are kept, whatever field names a response has.
        """
        difference = f"{location}: {description}"
        with _LOCK:
            earlier = self._counts.get(difference, 0)
            if not earlier and len(self._counts) >= _MAX_DIFFERENCES:
                return
            self._counts[difference] = earlier + times
        if not earlier:
            _logging.log_drift(difference)
        if self._observers is not None:
            self._observers.drift_seen(_logging.shown_drift(difference), times)


def _blank(value: Any, steps: tuple[str | int, ...]) -> None:
    """Replace the value at the end of these steps by None."""
    for step in steps[:-1]:
        value = value[step]
        if isinstance(value, str):  # it contains a list
            return
    value[steps[-1]] = None
