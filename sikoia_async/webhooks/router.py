"""The router: verifies deliveries, and passes each event to its handler.

Nothing is parsed before it is verified, and nothing is remembered before it was handled. So every
event is handled at least once, and normally exactly once: a second delivery of an event waits while
its handler runs, and handles the event itself if that handler fails. One that reaches another
process meanwhile is refused, and sent again.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, overload

import attrs

from sikoia_async._errors import (
    ArgumentError,
    ArgumentTypeError,
    ConfigurationError,
    SikoiaError,
    WebhookError,
    WebhookVerificationError,
)
from sikoia_async._settings.variables import source_of, webhook_secrets
from sikoia_async._transport.tracebacks import without_frames
from sikoia_async._validation import (
    NotCopyable,
    settings,
    validate_required,
    validate_type,
    validate_whole,
)
from sikoia_async.stores.shared import Stores
from sikoia_async.webhooks.deduplication import Deduplicator, Outcome
from sikoia_async.webhooks.events import (
    Event,
    WebhookEventName,
    event_class,
    name_of,
    parse,
    validate_event_type,
)
from sikoia_async.webhooks.replay import ReplayGuard, observe_store
from sikoia_async.webhooks.signing import MAX_BODY, HasSharedKey, delivery_flaw, verify

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sikoia_async.models import Open
    from sikoia_async.observers._observers import Observers
    from sikoia_async.observers._pairs import ObservedDelivery
    from sikoia_async.observers.events import Observer

__all__ = ["Outcome", "Received", "Router", "Secrets", "WebhookHandlerError"]

E = TypeVar("E", bound=Event)
H = TypeVar("H", bound=Callable[[Any], object])
R = TypeVar("R")

Secrets: TypeAlias = str | HasSharedKey | Sequence[str | HasSharedKey]
"""The secrets that `verify` accepts."""
Handler: TypeAlias = Callable[[Any], object]


class WebhookHandlerError(WebhookError):
    """A handler raised an error, which is the cause of this one. The event counts as not handled.

    Respond with 500, so that Sikoia delivers it again.
    """

    _unpicklable = ("_event",)

    def __init__(self, message: str, *, event: Event | None) -> None:
        super().__init__(message)
        self._event = event

    @property
    def event(self) -> Event | None:
        """The event; None after pickling, since its body may hold personal data."""
        return self._event


@attrs.frozen(kw_only=True)
class Received:
    """A delivery that was accepted: respond with 200."""

    event: Event
    outcome: Outcome
    deduplicated: bool = False
    """Whether the event was checked against the replay guard, and will be remembered. False if it
    has no handler, if there is no guard, or if the guard's store failed. A guard without a store
    knows only what its own process has handled."""
    secret: int | None = None
    """The index of the matching secret; None for an event that was not delivered."""


class Router(NotCopyable):
    """Verifies deliveries, and passes each event to its handler.

        router = Router(secret)

        @router.on("IdentityVerification.Completed")
        async def verified(event): ...

        received = await router.receive(body, headers.get(SIGNATURE_HEADER))

    Args:
        secrets: the webhook secret, or the new and the old one during a rotation; or a function,
            sync or async, that returns them. It is called for each delivery whose signature may be
            valid, so a rotation needs no restart. By default, the secrets in
            `SIKOIA_WEBHOOK_SECRETS`, or in the file that `SIKOIA_WEBHOOK_SECRETS_FILE` names, which
            is read for each such delivery.
        replay: remembers which events were handled; by default, in this process. Pass the stores
            that your processes share, such as `SqliteStores("sikoia.db")`, or a `ReplayGuard`. With
            None, every delivery is handled.
        max_body: the largest body to accept, in bytes.
        observers: see each delivery, and when the store in `replay` fails and is back. Pass those
            of the client.

    Raises:
        ConfigurationError: a secret is empty, shorter than 16 characters or malformed.
    """

    _not_copyable = (
        "a router cannot be pickled or copied, because it holds webhook secrets: create one in "
        "each process"
    )

    def __init__(
        self,
        secrets: Secrets | Callable[[], Secrets | Awaitable[Secrets]] = "environment",
        *,
        replay: ReplayGuard | Stores | Literal["memory"] | None = "memory",
        max_body: int = MAX_BODY,
        observers: Sequence[Observer] | None = None,
    ) -> None:
        guard = ReplayGuard() if replay == "memory" else replay
        if isinstance(guard, Stores):
            guard = ReplayGuard(guard)
        validate_type("replay", guard, ReplayGuard, "a ReplayGuard, stores, 'memory' or None")
        self._deduplicator = None if guard is None else Deduplicator(guard)
        with settings():
            self._max_body = validate_whole("max_body", max_body, least=1)
            self._observers = None if observers is None else _observers_of(observers)
        if guard is not None and self._observers is not None:
            observe_store(guard, self._observers)
        self._handlers: dict[type[Event], Handler] = {}
        if secrets == "environment":
            secrets, refusal = webhook_secrets, _refusal_of_environment()
        else:
            refusal = None if callable(secrets) else _refusal(secrets)
        self._secrets = secrets
        # Error reporters record local variables.
        del secrets
        if refusal is not None:
            raise refusal

    @property
    def max_body(self) -> int:
        """The largest body that is accepted, in bytes."""
        return self._max_body

    @overload
    def on(self, event_type: type[E]) -> Callable[[Callable[[E], R]], Callable[[E], R]]: ...

    @overload
    def on(
        self, event_type: WebhookEventName
    ) -> Callable[[Callable[[Any], R]], Callable[[Any], R]]: ...

    def on(self, event_type: type[Event] | str) -> Callable[[H], H]:
        """Register the handler of an event type, given by its name or its class.

        The handler is called with the event. It may be sync or async; a sync handler runs in the
        event loop, so it must not block. It also gets events of more specific types that have no
        handler of their own. One function may handle several types.

        Raises, here or when the decorator is applied:
            ArgumentError: the event type is unknown.
            ArgumentTypeError: the decorated object is not a function.
            ConfigurationError: the event type has a handler already.
        """
        event = event_class(event_type)
        if event is None:
            msg = (
                "on(): unknown event type; use an event class or name, or otherwise() for the rest"
            )
            raise ArgumentError(msg)
        return lambda handler: self._register(event, handler)

    def otherwise(self, handler: H) -> H:
        """Register the handler of all events that have no other, including unknown ones.

            @router.otherwise
            def other(event): ...

        Raises:
            ConfigurationError: there is such a handler already, or this is not a function.
        """
        return self._register(Event, handler)

    @without_frames
    async def receive(
        self,
        body: bytes,
        signature: str | bytes | None,
        *,
        event_type: Open[WebhookEventName] | None = None,
        feed: Callable[[Event], object] | None = None,
    ) -> Received:
        """Verify a delivery and handle its event. Respond with 200 if this returns.

        Args:
            body: the raw body, before anything has parsed it.
            signature: the value of the header `SIGNATURE_HEADER`; None if it is missing.
            event_type: the event type that the URL of the request stands for; used only if the body
                names no event, see `parse`.
            feed: is called with every new event, before its handler: `sikoia.events.feed`, or a
                function of yours, sync or async. Duplicates are not fed; without a replay guard,
                every event is.

        Raises:
            WebhookVerificationError: the delivery is not from Sikoia.
            WebhookEventTypeError: `event_type` is not one of Sikoia's event types.
            WebhookPayloadError: the body is not JSON.
            WebhookHandlerError: the handler failed.
            WebhookBusyError: another process is handling the event.
            WebhookStoreError: the replay store failed, and the guard is `closed`.
            WebhookError: any of these; respond with its `response_status`.
            ConfigurationError: a secret is not valid, or the function that returns the secrets
                failed.
        """
        if feed is not None and not callable(feed):
            del body, signature
            msg = "feed: expected a function that takes the event, such as sikoia.events.feed"
            raise ArgumentTypeError(msg)
        with self._observed() as observed:
            refusal = self._refused(body, signature, event_type)
            opened = refusal or self._opened(
                body, signature, await self._current_secrets(), event_type
            )
            # As above: no error may have a body or a secret among its variables.
            del body, signature
            if isinstance(opened, SikoiaError):
                raise opened
            event, secret = opened
            feeding = None if feed is None else partial(_feed, feed, event)
            return await self._route(event, secret, feeding, observed)

    @without_frames
    async def handle(self, event: Event) -> Received:
        """Handle an event that was not delivered, such as one from Sikoia's log.

        Nothing is verified; everything else is as with `receive`. A handler must not call this with
        its own event, not even in another task: it would wait for itself.

        Raises:
            WebhookHandlerError: the handler failed.
            WebhookBusyError: another process is handling the event.
            WebhookStoreError: the replay store failed, and the guard is `closed`.
        """
        validate_type("event", validate_required("event", event), Event, "an Event")
        with self._observed() as observed:
            return await self._route(event, None, None, observed)

    def _observed(self) -> AbstractContextManager[ObservedDelivery | None]:
        """Return a context manager around a delivery, which tells observers about it."""
        if self._observers is None:
            return nullcontext()
        return self._observers.delivery(time.monotonic)

    def _register(self, event: type[Event], handler: H) -> H:
        name = "otherwise()" if event is Event else f"on({event.__name__})"
        if not _can_handle(handler):
            msg = f"{name}: expected a function that takes the event, and that does not yield"
            raise ArgumentTypeError(msg)
        if event in self._handlers:
            msg = f"{name}: has a handler already; register one function, and call both from it"
            raise ConfigurationError(msg)
        self._handlers[event] = handler
        return handler

    async def _current_secrets(self) -> Secrets | SikoiaError:
        """Return the secrets, or an error."""
        if not callable(self._secrets):
            return self._secrets
        try:
            current = self._secrets()
            return await current if inspect.isawaitable(current) else current
        except SikoiaError as error:
            return error
        except Exception as error:  # noqa: BLE001 - the caller's function may raise anything
            problem = type(error).__name__
        return ConfigurationError(f"secrets: the function that returns them failed with {problem}")

    def _refused(
        self, body: bytes, signature: object, event_type: str | None
    ) -> SikoiaError | None:
        """Return an error if a delivery cannot be genuine, whatever the secrets are.

        Then the function that returns them, which may read a database, is not called.
        """
        try:
            flaw = delivery_flaw(body, signature, self._max_body)
            validate_event_type(event_type)
        except SikoiaError as error:
            return error.with_traceback(None)
        return WebhookVerificationError(flaw) if flaw else None

    def _opened(
        self,
        body: bytes,
        signature: str | bytes | None,
        secrets: Secrets | SikoiaError,
        event_type: str | None,
    ) -> tuple[Event, int] | SikoiaError:
        """Return the event and the index of its secret, or an error."""
        if isinstance(secrets, SikoiaError):
            return secrets
        try:
            secret = verify(body, signature, secrets, max_body=self._max_body)
            return parse(body, event_type=event_type, max_body=self._max_body), secret
        except SikoiaError as error:
            return error.with_traceback(None)

    async def _route(
        self,
        event: Event,
        secret: int | None,
        feed: Callable[[], Awaitable[None]] | None,
        observed: ObservedDelivery | None,
    ) -> Received:
        if observed is not None:
            observed.event_type = name_of(event)
        received = await self._handled(event, secret, feed)
        if observed is not None:
            observed.outcome = received.outcome
        return received

    async def _handled(
        self, event: Event, secret: int | None, feed: Callable[[], Awaitable[None]] | None
    ) -> Received:
        handler = self._handler_of(type(event))
        if self._deduplicator is None:
            if feed is not None:
                await feed()
            if handler is None:
                return Received(event=event, outcome="unhandled", secret=secret)
            await _call(handler, event)
            return Received(event=event, outcome="handled", secret=secret)
        if handler is None:
            await self._deduplicator.feed(event, feed)
            return Received(event=event, outcome="unhandled", secret=secret)
        outcome, is_reliable = await self._deduplicator.run(
            event, self._name(handler), partial(_call, handler, event), feed
        )
        return Received(event=event, outcome=outcome, deduplicated=is_reliable, secret=secret)

    def _handler_of(self, event: type[Event]) -> Handler | None:
        """Return the handler of an event class, or else that of its nearest parent."""
        return next((self._handlers[cls] for cls in event.__mro__ if cls in self._handlers), None)

    def _name(self, handler: Handler) -> str:
        """Name a handler by the events it is registered for: that is the same in each process."""
        events = (event for event, other in self._handlers.items() if _is_same(other, handler))
        return " ".join(sorted(event.__name__ for event in events))


def _observers_of(observers: Sequence[Observer]) -> Observers | None:
    from sikoia_async.observers._observers import observers_of  # noqa: PLC0415 - loaded if used

    return observers_of(observers)


def _can_handle(handler: object) -> bool:
    """Return whether calling it does anything: calling a generator function does not."""
    return callable(handler) and not (
        inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler)
    )


def _is_same(one: Handler, other: Handler) -> bool:
    """Return whether two handlers are one: each access makes a new bound method."""
    return one is other or (inspect.ismethod(one) and inspect.ismethod(other) and one == other)


async def _feed(feed: Callable[[Event], object], event: Event) -> None:
    returned = feed(event)
    if inspect.isawaitable(returned):
        await returned


async def _call(handler: Handler, event: Event) -> None:
    try:
        returned = handler(event)
        if inspect.isawaitable(returned):
            await returned
    except Exception as error:
        msg = (
            f"the handler of {type(event).__name__} failed with {type(error).__name__}: the event "
            "counts as not handled; respond with 500, so that Sikoia delivers it again"
        )
        raise WebhookHandlerError(msg, event=event) from error


def _refusal_of_environment() -> ConfigurationError | None:
    """Return what is wrong with the secrets in the environment.

    Raises:
        ConfigurationError: there are none.
    """
    refusal = _refusal(webhook_secrets())
    source = source_of("SIKOIA_WEBHOOK_SECRETS")
    return None if refusal is None else ConfigurationError(f"{source}: {refusal}")


def _refusal(secrets: Secrets) -> ConfigurationError | None:
    """Return what is wrong with the secrets, before anything is delivered."""
    try:
        with suppress(WebhookVerificationError):  # nothing is signed here
            verify(b"", None, secrets)
    except ConfigurationError as error:
        return error.with_traceback(None)
    return None
