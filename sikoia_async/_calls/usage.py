"""Counts the calls that may cost credits or money, and refuses the one beyond a limit."""

from collections import Counter
from collections.abc import Iterator, Mapping

from sikoia_async._errors import ChargeLimitError

__all__ = ["Spend"]


class Spend(Mapping[str, int]):
    """Chargeable calls by operation, such as `POST /v2/identity`.

    Counted are those that Sikoia did, or may have done: not what it refused, nor what was never
    sent. One that is under way counts already.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._calls = Counter[str]()

    def __getitem__(self, operation: str) -> int:
        if operation not in self._calls:
            raise KeyError(operation)
        return self._calls[operation]

    def __iter__(self) -> Iterator[str]:
        return iter(self._calls)

    def __len__(self) -> int:
        return len(self._calls)

    def __repr__(self) -> str:
        return f"Spend({dict(self._calls)})"

    def reserve(self, operation: str) -> None:
        """Count a call before it is made.

        Raises:
            ChargeLimitError: it would be one too many.
        """
        made = self._calls.total()
        if self._limit is not None and made >= self._limit:
            msg = f"{operation} may cost money, and max_chargeable={self._limit} is used up"
            raise ChargeLimitError(msg)
        self._calls[operation] += 1

    def give_back(self, operation: str) -> None:
        """Take a call off again that cost nothing."""
        self._calls[operation] -= 1
        if not self._calls[operation]:
            del self._calls[operation]
