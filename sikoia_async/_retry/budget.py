"""The retry budget of a client: retries make an outage worse, so all calls share a limit.

A retry costs tokens of the budget, and successful calls refund them. Without tokens left, a call
fails with its first error. A capacity of 280 allows at most 20 retries during an outage, however
many calls there are. The scheme and its proportions are those of the AWS SDKs.
"""

from http import HTTPStatus
from typing import Final

__all__ = ["RetryBudget"]

_CAPACITY: Final = 280
_RETRY_COST: Final = 14
_RATE_LIMIT_COST: Final = 5


class RetryBudget:
    """The tokens that pay for retries."""

    def __init__(self) -> None:
        self.left: int = _CAPACITY

    def take(self, status: int | None) -> int:
        """Pay for a retry, and return its cost; 0 if there are not enough tokens.

        Args:
            status: status of the failed attempt. A retry after a 429 is cheap, because the server
                says when to send it.
        """
        cost = _RATE_LIMIT_COST if status == HTTPStatus.TOO_MANY_REQUESTS else _RETRY_COST
        if cost > self.left:
            return 0
        self.left -= cost
        return cost

    def give_back(self, tokens: int) -> None:
        """Refund tokens: 1 for a call that succeeded at once, else the cost of its last retry."""
        self.left = min(_CAPACITY, self.left + tokens)
