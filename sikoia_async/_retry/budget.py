"""Bounds retries over all calls of a client: when everything fails, trying again makes it worse.

A retry costs tokens, and calls that go well bring them back; without any, the first error is told
at once. With a capacity of 280 an outage meets at most 20 retries, however many calls there are.
The scheme and its proportions are those of the AWS SDKs.
"""

from typing import Final

__all__ = ["RetryBudget"]

_CAPACITY: Final = 280
_RETRY: Final = 14
_THROTTLED: Final = 5
_TOO_MANY: Final = 429


class RetryBudget:
    """The tokens that retries are paid with."""

    def __init__(self) -> None:
        self.left = _CAPACITY

    def take(self, status: int | None) -> int:
        """Pay for a retry; return what it cost, 0 where there is not enough left.

        Args:
            status: of the answer before; after a 429, which says when to come again, it is cheap.
        """
        cost = _THROTTLED if status == _TOO_MANY else _RETRY
        if cost > self.left:
            return 0
        self.left -= cost
        return cost

    def give_back(self, tokens: int) -> None:
        """Take tokens back: 1 for a call that went well, its last retry's cost for one retried."""
        self.left = min(_CAPACITY, self.left + tokens)
