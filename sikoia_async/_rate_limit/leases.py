"""The leases of one process in a store that several processes share.

The store is told what it needs to know in the background: the end of a lease within 50 ms, and a
pause after a 429. At most one task does that, and tries again what has failed. No question to the
store is cancelled with the call that asked: what is granted too late is given back.

An outage begins when the store has failed for a second. It ends when the store knows every lease
that was made without it. A store that has lost its state has another epoch; then all leases are
registered anew before another one is asked for.

Other processes notice the end of an outage, or the loss of the state, some time later. Until then
the store lacks their leases, and this process should keep to its part of the limit.
"""

from __future__ import annotations

import logging
from collections import deque
from functools import partial
from math import isnan
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import anyio
import attrs

from sikoia_async._errors import ClientStateError, ConfigurationError
from sikoia_async.stores.background import is_cancelled
from sikoia_async.stores.breaker import StoreUnavailable
from sikoia_async.stores.protocols import Ask, Grant, Settled, Wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sikoia_async.observers._observers import Observers
    from sikoia_async.stores.background import Background
    from sikoia_async.stores.protocols import QuotaStore

__all__ = ["SharedLeases"]

_log = logging.getLogger("sikoia_async")

_OUTAGE_AFTER: Final = 1.0
"""Seconds for which a store has to fail until it is unavailable."""
_COALESCE: Final = 0.02
"""Seconds in which settled leases are collected, to be sent together."""
_TIMEOUT: Final = 2.0
"""Seconds that one message to the store may take."""
_GRACE: Final = 0.05
"""Seconds of the patience that begin once the event loop has run again."""
_LATE: Final = 10.0
"""Seconds after which a question to the store is cancelled."""
_SHORTEST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0
"""Seconds before another attempt, at least and at most."""
_CAUTION: Final = _TIMEOUT + _LONGEST_PAUSE
"""Seconds in which all processes notice that the store is available again."""
_CLOSE_TIMEOUT: Final = 1.0
"""Seconds in which the store is told the rest when the client is closed."""
_LEASE: Final = 60.0
"""Seconds of a lease in messages that make none."""


@attrs.frozen
class _Ended:
    """A lease whose end the store does not know."""

    ticket: str
    sent: bool
    at: float
    is_known: bool
    """Whether the store knows the lease."""


@attrs.define
class _Question:
    """A question to the store, which may be answered too late."""

    reply: Grant | Wait | None = None
    error: Exception | None = None
    is_abandoned: bool = False
    done: anyio.Event = attrs.field(factory=anyio.Event)


class SharedLeases:
    """Leases slots from a store, and tells it when they end.

    Args:
        store: the store.
        ask: what every question has in common.
        clock: seconds on a clock that never steps back.
        background: runs what outlives a call.
        close: closes the store again if it was used after the client was closed.
    """

    def __init__(
        self,
        store: QuotaStore,
        ask: Ask,
        *,
        clock: Callable[[], float],
        background: Background,
        close: Callable[[], Awaitable[None]] | None = None,
        observers: Observers | None = None,
    ) -> None:
        self._observers = observers
        self.peers: int = 1
        """How many processes have last used the store."""
        self.free: int | None = None
        """How many slots were free for all processes when the store last replied."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when a slot may be free that was not before."""
        self._store = store
        self._template = ask
        self._clock = clock
        self._background = background
        self._close = close
        self._asker = uuid4().hex
        self._made = 0
        """How many leases were made without the store."""
        self._held: dict[str, float] = {}
        """When the leases in progress end at the latest, by ticket."""
        self._unknown: set[str] = set()
        """Those that the store does not know."""
        self._is_registering = False
        self._ended: list[_Ended] = []
        self._ageing: deque[tuple[str, float]] = deque()
        """Leases that ended with a request within the last window, and when."""
        self._pause_until = float("-inf")
        """Until when all processes have to pause; in the past if the store knows that."""
        self._epoch: str | None = None
        """None if the store has never answered."""
        self._cautious_until = float("-inf")
        self._failing_since: float | None = None
        self._problem = ""
        """How the store failed."""
        self._refusal: ConfigurationError | None = None
        """What the store raised in the background, for the next call."""
        self._is_down = False
        self._is_telling = False
        self._asking = 0
        """How many questions are in progress."""
        self._is_closed = False
        self._hurry = anyio.Event()
        self._ended_work: anyio.Event | None = None
        """Set when the work in the background may have ended, or an outage begins."""

    @property
    def is_down(self) -> bool:
        """Whether the store is unavailable."""
        return self._is_down

    @property
    def was_reached(self) -> bool:
        """Whether the store has ever answered, so that `peers` is known."""
        return self._epoch is not None

    @property
    def caution(self) -> float:
        """Seconds in which the store may lack leases of other processes; 0 or less if none."""
        return self._cautious_until - self._clock()

    # Leases

    async def acquire(self, reserve: int, lease: float, patience: float) -> str | Wait:
        """Lease a slot and return its ticket, or return when to ask again.

        Args:
            reserve: how many slots must stay free.
            lease: seconds of the lease.
            patience: seconds in which a store that fails is retried.

        Raises:
            StoreUnavailable: the store has failed for that long, or is unavailable.
            ConfigurationError: the store cannot be used as it was set up.
            ClientStateError: the client was closed.
        """
        if not self._is_telling:
            self._failing_since = None
        ask = self._ask(reserve, lease)
        until, pause = self._clock() + patience, _SHORTEST_PAUSE
        while True:
            self.check_open()
            if self._is_down:
                raise StoreUnavailable
            if self._unknown or self._is_registering:  # they count before any other lease
                self._tell_soon()
                return self._wait(_COALESCE)
            reply = await self._answer(ask, until - self._clock())
            if reply is not None:
                return reply
            await anyio.sleep(max(0.0, min(pause, until - self._clock())))
            pause *= 2
            self._begin_outage_if_due()
            if self._clock() >= until:
                raise StoreUnavailable

    def check_open(self) -> None:
        """Raise a ClientStateError if the client was closed, or what the store has refused."""
        if self._is_closed:
            raise ClientStateError(_CLOSED)
        if self._refusal is not None:
            refusal, self._refusal = self._refusal, None
            raise refusal

    def lease_alone(self, lease: float) -> str:
        """Make a lease without the store, to be registered later; return its ticket."""
        self._made += 1
        ticket = f"{self._asker}-{self._made}"
        self._hold(ticket, lease)
        self._unknown.add(ticket)
        self._tell_soon()
        return ticket

    def settle(self, ticket: str, *, sent: bool) -> None:
        """End a lease, and tell the store soon."""
        self._held.pop(ticket, None)
        is_known, now = ticket not in self._unknown, self._clock()
        self._unknown.discard(ticket)
        since = now - self._template.per
        if sent:
            self._ageing.append((ticket, now))
            while self._ageing[0][1] <= since:
                self._ageing.popleft()
        if sent or is_known:
            self._ended.append(_Ended(ticket, sent, now, is_known))
            self._tell_soon()
        if len(self._ended) > 2 * self._template.limit:  # an outage that lasts
            self._ended = [one for one in self._ended if one.is_known or one.at > since]

    def pause(self, seconds: float) -> None:
        """Tell the store soon that all processes have to pause."""
        self._pause_until = max(self._pause_until, self._clock() + seconds)
        self._tell_soon()

    async def aclose(self) -> None:
        """Tell the store what it does not know yet, for a second at most; refuse further leases."""
        self._is_closed = True
        self._hurry.set()
        self.on_change()
        with anyio.move_on_after(_CLOSE_TIMEOUT, shield=True):
            while (self._is_telling or self._asking) and not self._is_down:
                self._ended_work = anyio.Event()
                await self._ended_work.wait()

    # Questions

    async def _answer(self, ask: Ask, patience: float) -> str | Wait | None:
        """Ask once; return None if the store failed, or said nothing for that long."""
        question, began, grace = _Question(), self._clock(), min(_GRACE, patience / 2)
        self._asking += 1
        self._background.start(partial(self._put, question, ask))
        try:
            with anyio.move_on_after(patience - grace):
                await question.done.wait()
            if not question.done.is_set():  # the process itself may have been too busy
                with anyio.move_on_after(grace):
                    await question.done.wait()
        except BaseException:
            self._abandon(question)
            raise
        if not question.done.is_set():
            self._abandon(question)
            self._fail("timed out", began)
            return None
        self.check_open()
        if isinstance(question.error, ConfigurationError):
            raise question.error
        if question.reply is None:
            self._fail(_problem(question.error), began)
            return None
        return self._read(question.reply, ask.lease)

    async def _put(self, question: _Question, ask: Ask) -> None:
        """Put a question to the store; if nobody waits for the answer any more, give it back."""
        try:
            with anyio.fail_after(_LATE):
                question.reply = _valid(await self._store.acquire(ask), self._template.per)
        except Exception as error:  # noqa: BLE001 - a store is the user's and may raise anything
            question.error = error
        finally:
            self._asking -= 1
            if question.is_abandoned or self._is_closed:
                self._abandon(question)
            question.done.set()
            self._note_end()

    def _abandon(self, question: _Question) -> None:
        """Give back what a question was granted, now or when it is answered."""
        question.is_abandoned, reply, question.reply = True, question.reply, None
        if isinstance(reply, Grant):
            self.settle(reply.ticket, sent=False)

    def _read(self, reply: Grant | Wait, lease: float) -> str | Wait:
        """Return a ticket, or when to ask again; at once if the store has lost its state."""
        self._failing_since = None
        is_lost = self._learn(reply)
        if isinstance(reply, Wait):
            return reply
        if is_lost:
            self.settle(reply.ticket, sent=False)
            return self._wait(_COALESCE)
        self._hold(reply.ticket, lease)
        return reply.ticket

    def _learn(self, reply: Grant | Wait) -> bool:
        """Note what a reply says about the store; return whether it has lost its state."""
        is_lost = self._epoch not in {None, reply.epoch}
        self._epoch = reply.epoch
        if is_lost:  # leases of processes that do not ask are over in a window
            self._be_cautious(self._template.per)
        self.peers = max(reply.peers, self.peers) if self.caution > 0 else reply.peers
        self.free = reply.free
        if is_lost:
            self._unknown.update(self._held)
            since = self._clock() - self._template.per
            told = {one.ticket for one in self._ended}
            self._ended += [
                _Ended(ticket, sent=True, at=at, is_known=False)
                for ticket, at in self._ageing
                if at > since and ticket not in told
            ]
            self._tell_soon()
        return is_lost

    def _be_cautious(self, seconds: float) -> None:
        self._cautious_until = max(self._cautious_until, self._clock() + seconds)

    def _ask(self, reserve: int, lease: float) -> Ask:
        return attrs.evolve(self._template, reserve=reserve, lease=lease, asker=self._asker)

    def _hold(self, ticket: str, lease: float) -> None:
        self._held[ticket] = self._clock() + lease

    def _wait(self, seconds: float) -> Wait:
        return Wait(seconds=seconds, epoch=self._epoch or "", peers=self.peers)

    # Messages

    @property
    def _has_news(self) -> bool:
        return bool(self._unknown or self._ended or self._pause_until > self._clock())

    def _tell_soon(self) -> None:
        if self._is_closed and is_cancelled():
            return  # the lease runs out by itself
        if not self._is_telling:
            self._is_telling = True
            self._background.start(self._keep_telling)

    async def _keep_telling(self) -> None:
        """Tell the store what it does not know, until it knows all; in an outage, until it ends."""
        pause = _SHORTEST_PAUSE
        try:
            while self._is_down or self._has_news:
                if not self._is_down:
                    with anyio.move_on_after(_COALESCE):
                        await self._hurry.wait()
                began = self._clock()
                try:
                    with anyio.fail_after(_TIMEOUT):
                        await (self._return() if self._is_down else self._tell())
                except ConfigurationError as error:
                    self._is_down, self._refusal = False, error
                    return
                except Exception as error:  # noqa: BLE001 - a store is the user's and may raise anything
                    self._fail(_problem(error), began)
                    await anyio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                else:
                    pause, self._failing_since = _SHORTEST_PAUSE, None
        finally:
            self._is_telling = False
            self._note_end()
            self.on_change()
        if self._is_closed and self._close is not None:
            await self._close()

    async def _tell(self) -> None:
        """Tell the store everything once."""
        if self._unknown:
            await self._register()
            self.on_change()
        if self._ended:
            await self._settle()
        if (until := self._pause_until) > self._clock():
            await self._store.pause(self._ask(0, _LEASE), until - self._clock())
            if self._pause_until <= until:
                self._pause_until = float("-inf")

    async def _register(self) -> None:
        # A lease that ends meanwhile is one that the store may know.
        tickets, self._unknown, self._is_registering = self._unknown, set[str](), True
        longest = max(self._held[ticket] for ticket in tickets) - self._clock()
        try:
            await self._store.register(self._ask(0, max(1.0, longest)), sorted(tickets))
        except BaseException:
            self._unknown |= tickets & self._held.keys()
            raise
        finally:
            self._is_registering = False

    async def _settle(self) -> None:
        ended, self._ended = self._ended, list[_Ended]()
        now = self._clock()
        leases = [Settled(one.ticket, one.sent, max(0.0, now - one.at)) for one in ended]
        try:
            await self._store.settle(self._ask(0, _LEASE), leases)
        except BaseException:
            self._ended = ended + self._ended
            raise
        if not all(one.sent for one in ended):
            self.on_change()

    def _note_end(self) -> None:
        if self._ended_work is not None:
            self._ended_work.set()

    # Outages

    def _fail(self, problem: str, began: float) -> None:
        """Note a failure; an outage begins once the store has failed for a while."""
        self._problem = problem
        if self._failing_since is None:
            self._failing_since = began
        self._begin_outage_if_due()

    def _begin_outage_if_due(self) -> None:
        since = self._failing_since
        # Rounded, because sums of floats are.
        if since is None or self._is_down or round(self._clock() - since, 6) < _OUTAGE_AFTER:
            return
        self._is_down = True
        self._note_end()
        _log.warning("the quota store %s; %s", self._problem, _WITHOUT)
        if self._observers is not None:
            self._observers.store_lost(_NAME)
        self._tell_soon()

    async def _return(self) -> None:
        """End the outage if the store works again and knows all leases."""
        await self._tell()
        # All slots but one have to stay free, so that hardly ever one is granted.
        reply = _valid(await self._store.acquire(self._ask(self._template.limit - 1, 1.0)), 1.0)
        self._be_cautious(_CAUTION)
        self._learn(reply)
        if isinstance(reply, Grant):
            self.settle(reply.ticket, sent=False)
        while self._unknown:  # new ones, or all of them if the store has lost its state
            await self._tell()
        self._is_down = False
        _log.warning("the quota store is available again")
        if self._observers is not None:
            self._observers.store_back(_NAME)


def _valid(reply: object, per: float) -> Grant | Wait:
    """Return a reply with sensible numbers, whatever the store has returned."""
    if not isinstance(reply, Grant | Wait):
        raise TypeError
    free = None if reply.free is None else max(0, int(reply.free))
    reply = attrs.evolve(reply, peers=max(1, int(reply.peers)), free=free)
    if isinstance(reply, Grant):
        return reply
    seconds, paused = float(reply.seconds), float(reply.paused)
    if isnan(seconds) or isnan(paused):
        raise ValueError
    # A slot may be free long before a lease ends.
    return attrs.evolve(reply, seconds=min(seconds, per), paused=min(max(0.0, paused), 2 * per))


def _problem(error: Exception | None) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    return f"failed with {type(error).__name__}"


_NAME: Final = "quota store"
_CLOSED: Final = "the client was closed while the call waited for the rate limit; nothing was sent"
_WITHOUT: Final = "background calls wait for it, others use this process's part of the limit"
