"""Counts how responses differ from the models, so that you hear of API changes early.

Every response that needed repairs is compared with its model. Of those that decoded directly, only
the first of each type and then every 64th is, because comparing costs as much as decoding.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sikoia_async import _logging

__all__ = ["Drift"]

_SAMPLE_EVERY: Final = 64
_MAX_DIFFERENCES: Final = 1000
_FAILED: Final = "comparison failed"


class Drift(Mapping[str, int]):
    """Counts of differences by description, such as `Case.colour: unknown field`.

    No values of responses are kept.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._responses: dict[object, int] = {}

    def __getitem__(self, difference: str) -> int:
        return self._counts[difference]

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)

    def __repr__(self) -> str:
        return f"Drift({self._counts})"

    def is_due(self, into: object) -> bool:
        """Count a response of this type and return whether to compare it."""
        responses = self._responses.get(into, 0)
        self._responses[into] = responses + 1
        return responses % _SAMPLE_EVERY == 0

    def compare_body(self, into: Any, body: bytes) -> None:
        """Compare a body that was decoded with its type, like `compare`."""
        from sikoia_async._codec.json import read_leniently  # noqa: PLC0415 - as in `_compare`

        try:
            self._compare(into, read_leniently(body), ())
        except Exception:  # noqa: BLE001 - a diagnostic must not cost a call
            self.count("$", _FAILED)

    def compare(self, into: Any, value: Any, unread: Iterable[str] = ()) -> None:
        """Compare a JSON value with its type and count the differences.

        An error in the comparison is counted as a difference and does not reach the caller.

        Args:
            into: the type.
            value: the JSON value, with None for each string that could not be read.
            unread: the paths of those strings.
        """
        try:
            self._compare(into, value, unread)
        except Exception:  # noqa: BLE001 - a diagnostic must not cost a call
            self.count("$", _FAILED)

    def _compare(self, into: Any, value: Any, unread: Iterable[str]) -> None:
        from sikoia_async._codec import comparison, shapes  # noqa: PLC0415 - with the first response

        shape = shapes.shape_of(into)
        comparison.comparison(shape)(value, "$", self.count)
        for path in unread:
            self.count(comparison.location(shape, path), "unreadable")

    def count(self, location: str, description: str) -> None:
        """Count one difference.

        At most 1000 different ones are kept, whatever field names a response has.
        """
        difference = f"{location}: {description}"
        if difference in self._counts:
            self._counts[difference] += 1
        elif len(self._counts) < _MAX_DIFFERENCES:
            self._counts[difference] = 1
            _logging.log_drift(difference)
