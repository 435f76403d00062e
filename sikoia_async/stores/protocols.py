"""What processes of one application share, and the protocols of the stores that hold it.

Rules for all stores:

- An `account` is a hash of the authorization server and the client id: one file or one server can
  serve several applications. It reveals nothing.
- Times are durations in seconds. A store measures them on its own clock, so the clocks of hosts
  need not agree.
- A method may raise any exception. The client then continues without the store, or refuses the
  work, as documented for each kind. A `ConfigurationError` is different: it reaches the caller.
- A method that is cancelled may have had its effect, or not.
- Whatever a process holds when it is killed is released after a time that the process has stated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import attrs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

__all__ = [
    "Ask",
    "Charge",
    "Claim",
    "EventStore",
    "Grant",
    "Purchase",
    "PurchaseState",
    "PurchaseStore",
    "QuotaStore",
    "ReplayStore",
    "Settled",
    "SpendLimitBucket",
    "SpendStore",
    "SpendUsedUp",
    "StoredToken",
    "TokenStore",
    "Wait",
]


# The rate limit


@attrs.frozen(kw_only=True)
class Ask:
    """A request for one slot of the rate limit."""

    account: str
    limit: int
    """The slots in one window. If processes state different limits, the strictest applies."""
    per: float
    """The length of a window in seconds."""
    reserve: int = 0
    """How many slots must stay free for others after this one is leased."""
    lease: float = 60.0
    """Seconds by which the attempt has ended at the latest. A slot that is never settled is free
    again after `lease + per`."""
    asker: str = ""
    """The process that asks; a random string."""


@attrs.frozen(kw_only=True)
class Grant:
    """A leased slot."""

    ticket: str
    """Names the lease for `settle`."""
    epoch: str = ""
    """Changes if the store has lost its state. Leases of an older epoch are registered again."""
    peers: int = 1
    """How many processes have asked within the last window, this one included."""
    free: int | None = None
    """How many slots are free for all processes, after this one; None if the store does not say.
    A process that loses the store uses only its part of them until a window has passed."""


@attrs.frozen(kw_only=True)
class Wait:
    """No slot is free."""

    seconds: float
    """When to ask again. A slot may be free earlier."""
    epoch: str = ""
    peers: int = 1
    paused: float = 0.0
    """Seconds left of a pause after a 429 of any process; 0 without one."""
    free: int | None = None
    """How many slots are free for all processes, although this request gets none of them; None if
    the store does not say."""


@attrs.frozen
class Settled:
    """The end of a lease."""

    ticket: str
    sent: bool
    """Whether the request may have been counted. If so, the slot is free after `per` seconds more;
    if not, it is free at once."""
    age: float = 0.0
    """Seconds since the lease ended, if the store could not be told at once."""


@runtime_checkable
class QuotaStore(Protocol):
    """Counts the requests of several processes together."""

    async def acquire(self, ask: Ask) -> Grant | Wait:
        """Lease a slot, or say when to ask again. Return at once, without waiting for a slot."""
        ...

    async def settle(self, ask: Ask, leases: Sequence[Settled]) -> None:
        """End leases. A lease that the store does not know, or that has expired, counts from now.

        A ticket of another epoch, or one that the process made while the store was unavailable, is
        registered by this: `sent` and `age` say from when it counts.
        """
        ...

    async def register(self, ask: Ask, tickets: Sequence[str]) -> None:
        """Count leases in progress that were made without the store, or before it lost its state.

        They count even if the limit is exceeded.
        """
        ...

    async def pause(self, ask: Ask, seconds: float) -> None:
        """Grant nothing to any process for some seconds, because one of them got a 429."""
        ...


# The access token


@attrs.frozen
class StoredToken:
    """An access token as processes share it."""

    value: str = attrs.field(repr=False)
    seconds: float
    """How many seconds it is still valid."""


@runtime_checkable
class TokenStore(Protocol):
    """Shares one access token between processes. The token is a secret."""

    async def load(self, account: str) -> StoredToken | None:
        """Return the access token, with the seconds it has left; None if there is none."""
        ...

    async def save(self, account: str, token: StoredToken) -> None:
        """Store an access token for the seconds that it has left."""
        ...

    async def discard(self, account: str, value: str) -> None:
        """Remove this access token, because Sikoia has refused it; keep a newer one."""
        ...

    async def lock(self, account: str, owner: str, ttl: float) -> bool:
        """Reserve the renewal for one owner; return False if another one has it.

        It ends after `ttl` seconds or with `unlock`. Its owner may extend it.
        """
        ...

    async def unlock(self, account: str, owner: str) -> None:
        """Release the renewal. Does nothing unless this owner has it."""
        ...


# Webhook events that were handled

Claim = Literal["new", "busy", "done"]
"""Whether an event is the caller's to handle, is being handled, or was handled."""


@runtime_checkable
class ReplayStore(Protocol):
    """Remembers which webhook events were handled. A key is a hash and reveals nothing."""

    async def claim(self, key: str, owner: str, *, ttl: float) -> Claim:
        """Reserve a key for one owner, unless it is reserved or done.

        If its owner is killed, the claim expires after `ttl` seconds. The owner extends it by
        claiming the key again, which returns `new`.
        """
        ...

    async def confirm(self, key: str, *, ttl: float) -> None:
        """Remember for `ttl` seconds that a key is done, even if another owner has claimed it."""
        ...

    async def release(self, key: str, owner: str) -> None:
        """Release a claim. Does nothing unless this owner has it."""
        ...

    async def seen(self, key: str) -> bool:
        """Return whether a key is done."""
        ...


# Spend


@attrs.frozen(kw_only=True)
class SpendLimitBucket:
    """A count of chargeable calls that has a limit."""

    name: str
    """Names the count: the same name means the same count. It reveals nothing."""
    limit: int
    per: float | None = None
    """Seconds after which a call is no longer counted; None if it is counted for ever."""


@attrs.frozen(kw_only=True)
class Charge:
    """A chargeable call."""

    id: str
    """A random string."""
    operation: str
    """Such as `identity.request`."""
    buckets: Sequence[SpendLimitBucket] = ()
    """The counts that it adds to."""


@attrs.frozen
class SpendUsedUp:
    """A bucket that is full."""

    bucket: str
    """Its name."""
    seconds: float | None = None
    """When the oldest of its calls is no longer counted; None if that is never."""


@runtime_checkable
class SpendStore(Protocol):
    """Counts chargeable calls of several processes together, durably.

    A store whose counts do not survive its process has an attribute `is_durable` that is False.
    """

    async def reserve(self, account: str, charge: Charge) -> SpendUsedUp | None:
        """Count a call in all of its buckets, or in none if one of them is full; say which one.

        Durable when it returns: if the process is killed afterwards, the call stays counted. A
        charge whose id is already counted is not counted again.
        """
        ...

    async def give_back(self, account: str, charge: Charge) -> None:
        """Stop counting a call, because it cost nothing."""
        ...

    async def spent(self, account: str) -> Mapping[str, int]:
        """Return how many calls were counted since the last reset, by operation."""
        ...

    async def reset(self, account: str) -> None:
        """Forget all calls that were counted: every bucket is empty."""
        ...


# Webhook events, for the operations that wait in other processes


@runtime_checkable
class EventStore(Protocol):
    """Carries short messages to all processes. A lost message costs a poll, not a result."""

    async def publish(self, account: str, message: str) -> None:
        """Send a message to all processes, this one included."""
        ...

    def subscribe(self, account: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Iterate over messages that are published from now on."""
        ...


# Purchases

PurchaseState = Literal["intended", "known", "done", "refused", "doubt"]
"""`intended`: the request may be sent from now on. `known`: Sikoia has accepted it. `done`: its
result was fetched. `refused`: Sikoia has not processed it, and it may be intended anew. `doubt`:
the outcome cannot be looked up, and the purchase is not made again."""


@attrs.frozen(kw_only=True)
class Purchase:
    """A chargeable request under a key of the caller's. It holds no values of the request."""

    key: str
    """A hash of the caller's key."""
    operation: str
    """Such as `credit_reports.request`."""
    arguments: str
    """A hash of the arguments."""
    state: PurchaseState = "intended"
    owner: str = ""
    """The process that makes the request; a random string."""
    intended_at: float = 0.0
    """When it was intended, in seconds since the epoch: it is compared with Sikoia's own times."""
    ends_at: float = 0.0
    """Until when the request may be in progress, in seconds since the epoch."""
    idempotency_key: str | None = None
    request_id: str | None = None
    token: str | None = None
    """The operation token of what was bought."""
    correlation_id: str | None = None
    resolution: str | None = None
    """How a purchase in doubt was resolved, such as `adopted`."""


@runtime_checkable
class PurchaseStore(Protocol):
    """Records purchases. Every change is durable when the method returns.

    A store whose purchases do not survive its process has an attribute `is_durable` that is False,
    and is refused: after a crash, its record of what was bought would be lost.
    """

    async def intend(self, account: str, purchase: Purchase) -> Purchase:
        """Record an intent if its key is new or `refused`; return the purchase that is recorded.

        It was recorded by this call if the returned one has its `owner` and `intended_at`.
        """
        ...

    async def change(self, account: str, purchase: Purchase, *, owner: str) -> bool:
        """Replace a purchase if `owner` still owns it; return whether that was so."""
        ...

    async def get(self, account: str, key: str) -> Purchase | None:
        """Return the purchase with this key."""
        ...

    def list(self, account: str, states: Sequence[PurchaseState] = ()) -> AsyncIterator[Purchase]:
        """Iterate over the purchases in these states, or in all; the oldest first."""
        ...
