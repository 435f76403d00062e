"""What observers see: the protocol, and a class for each event.

Numbers identify calls, operations and deliveries within this process, and mean nothing elsewhere.
Seconds are measured on the event loop's clock.
"""

from __future__ import annotations

from typing import Literal, Protocol

import attrs

__all__ = [
    "AttemptEnded",
    "AttemptStarted",
    "CallEnded",
    "CallEvent",
    "CallStarted",
    "ClientEvent",
    "ConnectionReplaced",
    "DeliveryEnded",
    "DeliveryStarted",
    "DriftSeen",
    "EventReceived",
    "Observer",
    "OperationEnded",
    "OperationPollStarted",
    "OperationPolled",
    "OperationStarted",
    "Purchased",
    "RateLimitWaitEnded",
    "RateLimitWaitStarted",
    "RateLimited",
    "StoreBack",
    "StoreLost",
    "TokenRenewed",
]


@attrs.frozen(kw_only=True)
class ClientEvent:
    """Something that a client or a webhook router did.

    Its subclasses are the events. A later version may add events, and fields to events.
    """


class Observer(Protocol):
    """Sees what clients and webhook routers do.

    An exception that it raises is logged once, without its message, and has no other effect.
    """

    def observe(self, event: ClientEvent, /) -> None:
        """Take note of an event.

        This runs in the event loop and in the task that caused the event, so it must not block.
        Events that come in pairs, such as `CallStarted` and `CallEnded`, come from the same task,
        except those of operations. If there are several observers, they see the end of a pair in
        the reverse order. `DriftSeen` may come from a worker thread, while a large response is
        decoded.
        """
        ...


@attrs.frozen(kw_only=True)
class CallEvent(ClientEvent):
    """Something about a call: of a method, a poll, a download by link, or for an access token."""

    call: int
    """The number of the call."""
    operation: str
    """The method that makes it, such as `cases.retrieve`; `download` for a link, `access_token` for
    an access token, and method and path for an operation that this SDK has no method for."""
    method: str
    """The HTTP method."""
    path: str
    """The path, with a placeholder instead of each id; `(link)` for a link."""
    origin: str
    """Scheme, host and port, such as `https://api.sikoia.com`."""
    correlation_id: str
    """The id of the last response or, before there is one, the id that is sent."""


@attrs.frozen(kw_only=True)
class CallStarted(CallEvent):
    """A call was started."""

    chargeable: bool = False
    """Whether the call may cost credits or money."""
    polls: int | None = None
    """For a poll of an operation, how often it was polled before; None for any other call."""


@attrs.frozen(kw_only=True)
class CallEnded(CallEvent):
    """A call returned its decoded response, or raised an error."""

    status: int | None
    """The status of the last response; None if there was none."""
    error: str | None
    """The class of the error that it raised, such as `ServerError`; `cancelled` if it was
    cancelled; None if it returned."""
    attempts: int
    """How many attempts were made."""
    seconds: float
    """How long it took, with all its attempts, pauses and waits."""


@attrs.frozen(kw_only=True)
class AttemptStarted(CallEvent):
    """A request is about to be sent, over a connection that is free for it.

    An attempt that failed before that, for example without an access token, has no such event.
    """

    attempt: int
    """1 for the first attempt of a call, 2 for the first retry."""
    quota_left: int | None = None
    """Requests that the rate limit allows after this one; None without a rate limit."""
    headers: dict[str, str] | None = attrs.field(default=None, repr=False)
    """Add headers to it to send them, such as `traceparent`. The rules are those of
    `Sikoia(headers=...)`: invalid headers, those that the SDK sets, and those that the request has
    already are left out. None if none can be added, as for access tokens and links."""


@attrs.frozen(kw_only=True)
class AttemptEnded(CallEvent):
    """A request got its response, or failed without one."""

    attempt: int
    """As in `AttemptStarted`."""
    status: int | None
    """The status of the response; None if there was none."""
    error: str | None
    """`unsent`, `sent` or `partial` if no complete response arrived: how far the request got;
    `cancelled`; or the class of the exception that your hook raised. None if it got a response, of
    whatever status."""
    reason: str | None
    """Why no complete response arrived, in words."""
    http_version: str | None
    """The HTTP version of the response, such as `HTTP/1.1`; None if that is unknown."""
    seconds: float
    """From the moment before the request was sent to the end of the response."""


@attrs.frozen(kw_only=True)
class RateLimitWaitStarted(ClientEvent):
    """A request waits for a slot of the rate limit, or for the store that counts them."""

    priority: str
    """`interactive`, `poll` or `background`."""
    waiting: int
    """How many requests wait, with this one."""


@attrs.frozen(kw_only=True)
class RateLimitWaitEnded(ClientEvent):
    """A request got its slot of the rate limit, or stopped waiting."""

    priority: str
    """As in `RateLimitWaitStarted`."""
    seconds: float
    """How long it waited."""
    is_served: bool
    """Whether it got a slot."""


@attrs.frozen(kw_only=True)
class RateLimited(ClientEvent):
    """Sikoia responded with 429, which pauses all requests of the client."""

    call: int
    """The number of the call."""
    operation: str
    """The method that makes it."""
    seconds: float
    """How long the response asked to wait; a whole window if it did not say."""


@attrs.frozen(kw_only=True)
class TokenRenewed(ClientEvent):
    """The client has a new access token."""

    seconds: float
    """How long it is valid."""
    source: Literal["server", "store"]
    """Whether the client fetched it, or another process did and shared it."""


@attrs.frozen(kw_only=True)
class Purchased(ClientEvent):
    """A chargeable call counts in `sikoia.spend`."""

    call: int
    """The number of the call."""
    operation: str
    """The method that makes it, such as `income.request`."""
    correlation_id: str
    """The id of its response, or the one that was sent."""
    is_certain: bool
    """Whether Sikoia has processed it. False if it only may have: the response was lost."""


@attrs.frozen(kw_only=True)
class OperationStarted(ClientEvent):
    """An operation exists in this process: it was requested, or opened by its id or token."""

    number: int
    """The number of the operation."""
    kind: str
    """What kind of operation it is, such as `income`."""
    correlation_id: str | None
    """The id of the response to its request; None if this process did not request it."""


@attrs.frozen(kw_only=True)
class OperationPollStarted(ClientEvent):
    """An operation is polled. The call for that comes next, from the same task."""

    number: int
    """The number of the operation."""
    kind: str
    """What kind of operation it is."""
    polls: int
    """How often it was polled before."""


@attrs.frozen(kw_only=True)
class OperationPolled(ClientEvent):
    """The poll of an operation ended."""

    number: int
    """The number of the operation."""
    kind: str
    """What kind of operation it is."""
    error: str | None
    """The class of the error that it raised; None if it returned."""
    seconds: float
    """How long it took."""


@attrs.frozen(kw_only=True)
class OperationEnded(ClientEvent):
    """An operation is done, or this process no longer follows it."""

    number: int
    """The number of the operation."""
    kind: str
    """What kind of operation it is."""
    outcome: Literal["done", "failed", "released"]
    """`failed` if Sikoia could not complete it. `released` if it was not done when its last
    reference went away or the client was closed; it continues at Sikoia, and a token resumes it."""
    polls: int
    """How often this process polled it."""
    seconds: float
    """Since `OperationStarted`."""


@attrs.frozen(kw_only=True)
class EventReceived(ClientEvent):
    """A webhook event was passed to `sikoia.events.feed`."""

    event_type: str
    """Sikoia's name of it, such as `IdentityVerification.Completed`; `unknown` for any other."""
    operations: int
    """How many operations of this process it names."""


@attrs.frozen(kw_only=True)
class DeliveryStarted(ClientEvent):
    """A webhook router got a delivery, which is not verified yet, or an event to handle."""

    number: int
    """The number of the delivery."""


@attrs.frozen(kw_only=True)
class DeliveryEnded(ClientEvent):
    """A webhook router accepted or refused a delivery."""

    number: int
    """The number of the delivery."""
    event_type: str | None
    """As in `EventReceived`; None if the delivery was refused before its event was read."""
    outcome: str | None
    """What happened: `handled`, `duplicate`, `merged` or `unhandled`; None after an error."""
    error: str | None
    """The class of the error, such as `WebhookVerificationError`; None if it was accepted."""
    seconds: float
    """How long it took."""


@attrs.frozen(kw_only=True)
class DriftSeen(ClientEvent):
    """A response differs from this SDK's models."""

    difference: str
    """Which difference, such as `Case.colour: unknown field`, as in `sikoia.drift`. A name that
    Sikoia's fields do not have is left out, because it may be personal data."""
    times: int
    """How often it occurs in the response."""


@attrs.frozen(kw_only=True)
class ConnectionReplaced(ClientEvent):
    """A connection was closed because an exchange on it did not end cleanly."""

    origin: str
    """Scheme, host and port."""


@attrs.frozen(kw_only=True)
class StoreLost(ClientEvent):
    """A store that processes share failed, and is not used until it works again."""

    store: str
    """Which one, such as `token store`."""


@attrs.frozen(kw_only=True)
class StoreBack(ClientEvent):
    """A store that processes share works again."""

    store: str
    """Which one."""
