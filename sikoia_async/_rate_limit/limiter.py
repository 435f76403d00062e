"""Keeps a client inside Sikoia's 200 requests a minute, whatever the phase of the server's window.

A slot is leased when an attempt starts and ages from its *answer*: the server counted the request
somewhere in between, so two uses of one slot are counted a whole window apart, and no window of
any phase sees more than the limit. A limiter that stamps before the send, or counts in windows of
its own, lets through up to twice as many.

Whoever finds no slot stands in line. The first of them leads: it alone sleeps and asks, and hands
each slot to whose turn it is, until it has one itself; then the next one leads. Nothing is awaited
between a slot's being leased and its being somebody's, so that cancellation finds the books right.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import anyio
import attrs

from sikoia_async._errors import ConfigurationError
from sikoia_async._rate_limit.queue import PRIORITIES, Priority, Waiter, WaitQueue
from sikoia_async._validation import validate_type

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PRIORITIES", "Priority", "Quota", "QuotaStore", "RateLimiter"]

_log = logging.getLogger("sikoia_async")

_KEPT: Final = 10
"""One slot in so many is left free for interactive calls by all others."""
_WAKE: Final = 0.001
"""Seconds added to a wait, so that rounding does not wake us a moment too soon."""
_STORE_TIMEOUT: Final = 1.0
"""Seconds that a store may take."""
_LET_BE: Final = 5.0
"""Seconds in which a store that failed is let be."""


@runtime_checkable
class QuotaStore(Protocol):
    """Counts the requests of several processes together, through a database or a cache, say.

    Each process also keeps its own count, inside the same limit. So a store that fails, or takes
    more than a second, never costs a call: for some seconds the process goes on without it.
    Make one store for each of your organisations at Sikoia.
    """

    async def acquire(self, *, limit: int, per: float) -> float:
        """Lease one of `limit` slots and return 0, or the seconds after which to ask again.

        Where it raises, or is cancelled, nothing may stay leased. The lease of a process that died
        must end by itself, `per` seconds after its request may have been counted.
        """
        ...

    def settle(self) -> None:
        """Let the oldest slot that this process holds age from now: it is free `per` seconds on.

        This must not wait. Where it takes a message, send that later, with the next `acquire`,
        say: meanwhile the slot stays leased, which is safe.
        """
        ...

    def abandon(self) -> None:
        """Free the oldest slot that this process holds: nothing was sent. This must not wait."""
        ...


def _whole(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if type(value) is not int or value < 1:
        msg = f"Quota: {attribute.name} must be a whole number of at least 1 ({_OFF})"
        raise ConfigurationError(msg)


def _seconds(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, int | float) or value is True or not 0 < value < float("inf"):
        msg = f"Quota: {attribute.name} must be seconds, more than 0 and finite ({_OFF})"
        raise ConfigurationError(msg)


def _is_store(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    what = "a QuotaStore, with acquire, settle and abandon"
    validate_type(f"Quota: {attribute.name}", value, QuotaStore, what)


_OFF: Final = "quota=None switches pacing off"


@attrs.frozen
class Quota:
    """How many requests may be sent in how many seconds.

    The vendor's limit holds for a whole organisation: give each process its share, or all of them
    a store to share.

    Raises:
        ConfigurationError: a number is not above 0, or the limit is no whole one.
    """

    limit: int = attrs.field(default=200, validator=_whole)
    per: float = attrs.field(default=60.0, validator=_seconds)
    store: QuotaStore | None = attrs.field(
        default=None, validator=_is_store, kw_only=True, repr=False
    )
    """Where several processes count together; None if this client counts for itself."""


class RateLimiter:
    """Hands out a quota's slots in the order of a `Line`.

    Polls and background calls leave a tenth of the slots free while no interactive call waits, and
    go out evenly: the next one that comes finds a slot, however many operations are waited for.
    """

    def __init__(self, quota: Quota, clock: Callable[[], float]) -> None:
        self.waits = 0
        """How many waits for a slot have ended, in a slot or not; asking a store is a wait."""
        self.waited = 0.0
        """The seconds that they took."""
        self._quota = quota
        self._clock = clock
        store = quota.store
        self._shared = None if store is None else _Shared(store, quota, clock)
        self._leased = 0
        self._ageing: deque[float] = deque()
        self._paused_until = float("-inf")
        self._line = WaitQueue()
        self._kept = quota.limit // _KEPT
        self._led = False
        self._freed: anyio.Event | None = None
        # What is not interactive goes out evenly: as many at once as are kept, then one at a time.
        self._pause = quota.per / (quota.limit - self._kept)
        self._ahead = self._kept * self._pause
        self._evenly_until = float("-inf")
        """The moment until which all pauses are used up."""

    @property
    def left(self) -> int:
        """How many requests could be sent at once now, as far as this process knows."""
        return max(0, self._free(self._clock()))

    @property
    def waiting(self) -> dict[Priority, int]:
        """How many wait for a slot now."""
        return self._line.lengths()

    async def acquire(self, priority: Priority = "interactive", asked: int = 0) -> None:
        """Lease a slot, waiting for one in turn; `asked` tells how many polls there were before."""
        kept = 0 if priority == "interactive" else self._kept
        if self._shared is None and not self._line and self._wait(kept) <= 0:
            self._leased += 1
            self._note(kept)
            return
        waiter = self._line.join(priority, self._clock(), asked)
        if kept < self._kept and self._freed is not None:
            self._freed.set()  # who leads may be waiting for more free slots than this one needs
        try:
            while not waiter.served:
                await (waiter.called() if self._led else self._lead(waiter))
        except BaseException:
            if waiter.served:  # and cancelled before it could know
                self.settle(sent=False)
            raise
        finally:
            self._line.leave(waiter)
            self.waits += 1
            self.waited += self._clock() - waiter.since
            if self._line and not self._led:
                self._line.first().call()

    def settle(self, *, sent: bool) -> None:
        """Say what became of a leased slot: it ages from now, or is free where nothing was sent."""
        self._leased -= 1
        if sent:
            self._ageing.append(self._clock() + self._quota.per)
        elif self._freed is not None:
            self._freed.set()
        if self._shared is not None:
            self._shared.settle(sent=sent)

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
    def limit(self) -> int:
        """How many requests a window takes."""
        return self._quota.limit

    def is_paused(self) -> bool:
        """Whether nothing is to be sent after a 429."""
        return self._paused_until > self._clock()

    @property
    def paused(self) -> float:
        """Seconds until requests are sent again after a 429; 0 if they are."""
        return max(0.0, self._paused_until - self._clock())

    async def _lead(self, waiter: Waiter) -> None:
        """Hand out slots until this waiter has one."""
        self._led = True
        try:
            while not waiter.served:
                # Made first: a slot that is given back while a store is asked counts as well.
                freed = self._freed = anyio.Event()
                seconds = await self._lease()
                if seconds <= 0:
                    self._line.pop().serve()
                    continue
                with anyio.move_on_after(seconds + _WAKE):
                    await freed.wait()
        finally:
            self._led = False

    async def _lease(self) -> float:
        """Lease a slot and return 0 or less, or the seconds until one may be free."""
        kept = 0 if self._line.lengths()["interactive"] else self._kept
        seconds = self._wait(kept)
        if seconds <= 0 and self._shared is not None:
            seconds = await self._shared.acquire(kept)
        if seconds > 0:
            return seconds
        self._leased += 1
        self._note(kept)
        paused = self.paused
        if paused:  # since the store was asked
            self.settle(sent=False)
        return paused

    def _wait(self, kept: int) -> float:
        """Return the seconds until more slots than those kept may be free; 0 or less if so."""
        now = self._clock()
        if now < self._paused_until:
            return self._paused_until - now
        missing = kept - self._free(now)
        if missing < 0:
            return self._evenly_until - self._ahead - now if kept else 0.0
        # What is leased now is free after that at the soonest, unless it is given back unused.
        return self._ageing[missing] - now if missing < len(self._ageing) else self._quota.per

    def _note(self, kept: int) -> None:
        """Note that a slot was leased beside those kept: the next one comes after a pause."""
        if kept:
            self._evenly_until = max(self._evenly_until, self._clock()) + self._pause

    def _free(self, now: float) -> int:
        while self._ageing and self._ageing[0] <= now:
            self._ageing.popleft()
        return self._quota.limit - self._leased - len(self._ageing)


class _Shared:
    """A store, asked with care; where it fails, our own count has to do."""

    def __init__(self, store: QuotaStore, quota: Quota, clock: Callable[[], float]) -> None:
        self._store = store
        self._quota = quota
        self._clock = clock
        self._unknown = 0
        """How many leased slots it does not know of."""
        self._let_be_until = float("-inf")

    async def acquire(self, kept: int) -> float:
        """Lease a slot and return 0 or less, or the seconds after which to ask again."""
        limit, per = self._quota.limit - kept, self._quota.per
        if self._clock() >= self._let_be_until:
            try:
                # A store that hangs must not take the whole time of a caller in a hurry.
                left = anyio.current_effective_deadline() - self._clock()
                with anyio.fail_after(min(_STORE_TIMEOUT, left / 4)):
                    seconds = await self._store.acquire(limit=limit, per=per)
                return min(per, float(seconds))
            except Exception:  # noqa: BLE001 - a store is the caller's, and may raise or give anything
                self._let_be("lease a slot")
        self._unknown += 1
        return 0.0

    def settle(self, *, sent: bool) -> None:
        """Say what became of a slot. Those that it does not know of go first: that is safe."""
        if self._unknown:
            self._unknown -= 1
            return
        try:
            if sent:
                self._store.settle()
            else:
                self._store.abandon()
        except Exception:  # noqa: BLE001 - as above
            self._let_be("take a slot back")

    def _let_be(self, what: str) -> None:
        self._let_be_until = self._clock() + _LET_BE
        _log.warning("the quota store failed to %s; going on without it", what)
