"""What a client has used: its calls, and the chargeable ones in `sikoia.spend`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from anyio import current_time

from sikoia_async._errors import ChargeLimitError

if TYPE_CHECKING:
    from sikoia_async._calls.shared_spend import SharedSpend
    from sikoia_async._calls.spend_limits import Buckets, Limits, SpendLimit

__all__ = ["NestedTally", "Pending", "Spend", "Tally"]


class Tally:
    """Running counts of calls and requests."""

    def __init__(self) -> None:
        self.calls: int = 0
        self.attempts: int = 0


class NestedTally(Tally):
    """A tally whose counts are part of those of another one.

    Args:
        outer: the other one.
    """

    def __init__(self, outer: Tally) -> None:
        object.__setattr__(self, "_outer", None)
        super().__init__()
        self._outer: Tally | None = outer

    def __setattr__(self, name: str, value: Any) -> None:
        outer: Tally | None = self.__dict__["_outer"]
        if outer is not None:
            setattr(outer, name, getattr(outer, name) + value - getattr(self, name))
        object.__setattr__(self, name, value)


@attrs.frozen(eq=False, repr=False)
class Pending:
    """A chargeable call that has not ended."""

    operation: str
    may_have_been_processed: Callable[[], bool]
    outer: Pending | None = None
    """The same call in the spend of the client that a view belongs to."""
    limits: dict[str, SpendLimit] | None = None
    """The limits that it counts in; None without any."""


class Spend(Mapping[str, int]):
    """Chargeable calls by operation, such as `identity.request`.

    Counts the calls of this process that Sikoia has or may have processed, including those in
    progress. Calls that were refused, never sent, or are still waiting are not counted.

    Args:
        limits: how many chargeable calls are allowed; None for no limit.
        within: what the calls count in, too, and whose limits they need room in.
        shared: counts the calls of all processes.
        clock: returns seconds on a clock that never steps back.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        within: Spend | None = None,
        shared: SharedSpend | None = None,
        clock: Callable[[], float] = current_time,
    ) -> None:
        self._limit = limits
        self._within = within
        self._ended = Counter[str]()
        self._pending = dict[Pending, None]()
        self.shared: SharedSpend | None = shared if within is None else within.shared
        """Counts the calls of all processes; None without a store for that."""
        self._buckets: Buckets | None = None
        if limits is not None:
            from sikoia_async._calls.spend_limits import Buckets, limits_of  # noqa: PLC0415 - loaded if used

            self._buckets = Buckets(limits_of(limits), clock)

    def __getitem__(self, operation: str) -> int:
        return self._calls()[operation]

    def __iter__(self) -> Iterator[str]:
        return iter(self._calls())

    def __len__(self) -> int:
        return len(self._calls())

    def __repr__(self) -> str:
        return f"Spend({self._calls()})"

    def begin(self, operation: str, may_have_been_processed: Callable[[], bool]) -> Pending:
        """Reserve a call before it is made, and return it for `end`.

        Args:
            operation: the name of the operation.
            may_have_been_processed: returns whether the call counts, while it is in progress.

        Raises:
            ChargeLimitError: a limit is reached; calls that still wait are included.
        """
        limits = self._buckets.reserve(operation) if self._buckets else None
        outer = None
        if self._within is not None:
            try:
                outer = self._within.begin(operation, may_have_been_processed)
            except ChargeLimitError:
                self._settle(limits, counts=False)
                raise
        pending = Pending(operation, may_have_been_processed, outer, limits)
        self._pending[pending] = None
        return pending

    def end(self, pending: Pending, *, counts: bool) -> None:
        """End a call. It counts unless it cost nothing."""
        del self._pending[pending]
        self._settle(pending.limits, counts=counts)
        if self._within is not None and pending.outer is not None:
            self._within.end(pending.outer, counts=counts)
        if counts:
            self._ended[pending.operation] += 1

    def _settle(self, limits: dict[str, SpendLimit] | None, *, counts: bool) -> None:
        if limits is not None and self._buckets is not None:
            self._buckets.settle(limits, counts=counts)

    def _calls(self) -> dict[str, int]:
        in_progress = [one.operation for one in self._pending if one.may_have_been_processed()]
        return dict(self._ended + Counter(in_progress))
