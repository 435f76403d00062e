"""Keeps a client inside Sikoia's 200 requests a minute, whatever the phase of the server's window.

A slot is leased when an attempt starts and ages from its *answer*: the server counted the request
somewhere in between, so two uses of one slot are counted a whole window apart, and no window of
any phase sees more than the limit. A limiter that stamps before the send, or counts in windows of
its own, lets through up to twice as many.
"""

from __future__ import annotations

from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import anyio
import attrs

from sikoia_async.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pacer", "Quota"]


def _positive(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if not 0 < value < float("inf"):
        msg = f"Quota: {attribute.name} must be more than 0 (quota=None switches pacing off)"
        raise ConfigurationError(msg)


@attrs.frozen
class Quota:
    """How many requests may be sent in how many seconds.

    The vendor's limit holds for a whole organisation: give each process its share.

    Raises:
        ConfigurationError: a number is not above 0.
    """

    limit: int = attrs.field(default=200, validator=_positive)
    per: float = attrs.field(default=60.0, validator=_positive)


_WAKE: Final = 0.001
"""Seconds added to a wait, so that rounding does not wake us a moment too soon."""


class Pacer:
    """Hands out a quota's slots, first come first served."""

    def __init__(self, quota: Quota, clock: Callable[[], float]) -> None:
        self._quota = quota
        self._clock = clock
        self._leased = 0
        self._ageing: deque[float] = deque()
        self._paused_until = float("-inf")
        self._queued = 0
        self._changed: anyio.Event | None = None

    @cached_property
    def _turn(self) -> anyio.Lock:
        # Made when first wanted, inside the event loop: outside, anyio would import asyncio.
        return anyio.Lock()

    @property
    def left(self) -> int:
        """How many requests could be sent at once now."""
        self._forget_aged()
        return max(0, self._quota.limit - self._leased - len(self._ageing))

    async def acquire(self) -> None:
        """Lease a slot, waiting for one in turn."""
        if not self._queued and self._wait() <= 0:
            self._leased += 1
            return
        self._queued += 1
        try:
            async with self._turn:
                while (seconds := self._wait()) > 0:
                    self._changed = anyio.Event()
                    with anyio.move_on_after(seconds + _WAKE):
                        await self._changed.wait()
                self._leased += 1
        finally:
            self._queued -= 1

    def settle(self, *, sent: bool) -> None:
        """Say what became of a leased slot: it ages from now, or is free where nothing was sent."""
        self._leased -= 1
        if sent:
            self._ageing.append(self._clock() + self._quota.per)
        if self._changed is not None:
            self._changed.set()

    def pause(self, seconds: float | None) -> float:
        """Send nothing until a 429's window has turned; return the seconds until then.

        Args:
            seconds: what the answer asked for; None where it did not, which means a whole window.
        """
        wait = self._quota.per if seconds is None else seconds
        # By then any window has turned; a longer pause is that one call's business.
        until = self._clock() + min(wait, 2 * self._quota.per)
        self._paused_until = max(self._paused_until, until)
        return wait

    @property
    def paused(self) -> float:
        """Seconds until requests are sent again after a 429; 0 if they are."""
        return max(0.0, self._paused_until - self._clock())

    def _wait(self) -> float:
        """Return the seconds until a slot may be free; 0 or less if one is."""
        now = self._clock()
        paused = self._paused_until - now
        if paused > 0 or self.left:
            return paused
        return self._ageing[0] - now if self._ageing else float("inf")

    def _forget_aged(self) -> None:
        now = self._clock()
        while self._ageing and self._ageing[0] <= now:
            self._ageing.popleft()
