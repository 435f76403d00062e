"""From a delivery to the one handler of its event: verified, read, known again, handled.

Each step comes before the next one can do harm: nothing is read that is not verified, and nothing
is remembered that was not handled. So an event is handled at least once, and once as a rule: while
a handler runs, the same event waits for its end, and is handled itself if that is no good one.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, overload

import attrs

from sikoia_async._errors import (
    ArgumentTypeError,
    ConfigurationError,
    SikoiaError,
    WebhookError,
    WebhookVerificationError,
)
from sikoia_async._validation import validate_required, validate_type, validate_whole
from sikoia_async.webhooks.deduplication import Deduplicator, Outcome
from sikoia_async.webhooks.events import Event, WebhookEventName, event_class, parse
from sikoia_async.webhooks.replay import ReplayGuard
from sikoia_async.webhooks.signing import HasSharedKey, verify

if TYPE_CHECKING:
    from sikoia_async.models import Open

__all__ = ["Outcome", "Received", "Router", "Secrets", "WebhookHandlerError"]

E = TypeVar("E", bound=Event)
H = TypeVar("H", bound=Callable[[Any], object])
R = TypeVar("R")

Secrets: TypeAlias = str | HasSharedKey | Sequence[str | HasSharedKey]
"""What `signing.verify` takes."""
Handler: TypeAlias = Callable[[Any], object]


class WebhookHandlerError(WebhookError):
    """A handler failed, and its error is the cause of this one. The event counts as not handled.

    Answer 500, so that Sikoia delivers it again.
    """

    _unpicklable = ("event",)

    def __init__(self, message: str, *, event: Event | None) -> None:
        super().__init__(message)
        self.event = event
        """The event; None after pickling, for its body may hold personal data."""


@attrs.frozen(kw_only=True)
class Received:
    """A delivery that can be answered with 200."""

    event: Event
    outcome: Outcome
    unguarded: bool = False
    """Whether nobody could tell if the event was handled before, or may not be able to the next
    time: there is no replay guard, or its store failed."""
    secret: int | None = None
    """Which of the secrets fitted, counted from 0; None for an event that was not delivered."""


class Router:
    """Takes deliveries, and gives each event to its handler.

        router = Router(secret)

        @router.on("IdentityVerification.Completed")
        async def verified(event): ...

        received = await router.receive(body, headers.get(SIGNATURE_HEADER))

    Args:
        secrets: the webhook secret, or the new and the old one while it is rotated; or a function,
            sync or async, that gives them and is asked with each delivery, so that a rotation needs
            no restart.
        replay: what knows which events were handled; by default a guard that remembers in this
            process. None knows nothing: each delivery is handled.
        max_body: bytes that a body may have.

    Raises:
        ConfigurationError: a secret is empty, shorter than 16 characters or malformed.
    """

    def __init__(
        self,
        secrets: Secrets | Callable[[], Secrets | Awaitable[Secrets]],
        *,
        replay: ReplayGuard | Literal["memory"] | None = "memory",
        max_body: int = 1 << 20,
    ) -> None:
        guard = ReplayGuard() if replay == "memory" else replay
        validate_type("replay", guard, ReplayGuard, "a ReplayGuard, 'memory' or None")
        self._once = None if guard is None else Deduplicator(guard)
        self._max_body = validate_whole("max_body", max_body, least=1)
        self._handlers: dict[type[Event], Handler] = {}
        refusal = None if callable(secrets) else _refusal(secrets)
        self._secrets = secrets
        # Tools that report errors write down local variables.
        del secrets
        if refusal is not None:
            raise refusal

    @overload
    def on(self, event_type: type[E]) -> Callable[[Callable[[E], R]], Callable[[E], R]]: ...

    @overload
    def on(
        self, event_type: WebhookEventName
    ) -> Callable[[Callable[[Any], R]], Callable[[Any], R]]: ...

    def on(self, event_type: type[Event] | str) -> Callable[[H], H]:
        """Register the handler of a type of events, by Sikoia's name or by its class.

        The handler is called with the event, and may be sync or async; a sync one runs in the event
        loop and must not wait. It also gets events of finer types that have no handler of their
        own. One function may be the handler of several types.

        Raises, here or when it is used:
            ConfigurationError: there is no such type, it has a handler, or this is no function.
        """
        kind = event_class(event_type)
        if kind is None:
            msg = "on: give one of Sikoia's event types, or its class; the others: otherwise"
            raise ConfigurationError(msg)
        return lambda handler: self._register(kind, handler)

    def otherwise(self, handler: H) -> H:
        """Register the handler of all events that have none, of unknown ones, too.

            @router.otherwise
            def other(event): ...

        Raises:
            ConfigurationError: there is one, or this is no function.
        """
        return self._register(Event, handler)

    async def receive(
        self,
        body: bytes,
        signature: str | bytes | None,
        *,
        event_type: Open[WebhookEventName] | None = None,
        feed: Callable[[Event], object] | None = None,
    ) -> Received:
        """Verify a delivery and have its event handled; what comes back is to be answered with 200.

        Args:
            body: the raw body, before anything has read it as text or JSON.
            signature: the value of the header `signing.SIGNATURE_HEADER`; None where there is none.
            event_type: what the event is by the address that it came to; see `events.parse`.
            feed: hears of the event first, whatever becomes of it: `sikoia.events.feed`, or a
                function of yours, sync or async.

        Raises:
            WebhookVerificationError: it is not Sikoia's.
            WebhookPayloadError: it is no JSON.
            WebhookHandlerError: the handler failed.
            ReplayStoreError: the replay store failed, and the guard is `closed`.
            WebhookError: any of these; answer with its `response_status`.
            ConfigurationError: a secret, or what gives it, or `event_type` is no good.
        """
        opened = self._opened(body, signature, await self._current(), event_type)
        # As above: neither a body nor a secret is to be among the variables of an error.
        del body, signature
        if isinstance(opened, SikoiaError):
            raise opened
        event, secret = opened
        if feed is not None:
            outcome = feed(event)
            if inspect.isawaitable(outcome):
                await outcome
        return await self._route(event, secret)

    async def handle(self, event: Event) -> Received:
        """Have an event handled that was not delivered: one of Sikoia's log, or a test's.

        Nothing is verified, and otherwise all is as with `receive`. A handler must not do this with
        its own event, in a task of its own, say: it would wait for itself.

        Raises:
            WebhookHandlerError: the handler failed.
            ReplayStoreError: the replay store failed, and the guard is `closed`.
        """
        validate_type("event", validate_required("event", event), Event, "an Event")
        return await self._route(event, None)

    def _register(self, kind: type[Event], handler: H) -> H:
        name = "otherwise" if kind is Event else f"on {kind.__name__}"
        if not _does_work(handler):
            msg = f"{name}: give a function that takes the event and has no yield"
            raise ArgumentTypeError(msg)
        if kind in self._handlers:
            msg = f"{name}: there is a handler, and there can be but one"
            raise ConfigurationError(msg)
        self._handlers[kind] = handler
        return handler

    async def _current(self) -> Secrets:
        """Return the secrets that hold now."""
        if not callable(self._secrets):
            return self._secrets
        try:
            current = self._secrets()
            return await current if inspect.isawaitable(current) else current
        except SikoiaError:
            raise
        except Exception as error:  # noqa: BLE001 - the function is the caller's, and does anything
            problem = type(error).__name__
        msg = f"the function that was passed as secrets failed with {problem}"
        raise ConfigurationError(msg)

    def _opened(
        self, body: bytes, signature: str | bytes | None, secrets: Secrets, event_type: str | None
    ) -> tuple[Event, int] | SikoiaError:
        """Return the event and the index of its secret, or what is wrong."""
        try:
            secret = verify(body, signature, secrets, max_body=self._max_body)
            return parse(body, event_type=event_type, max_body=self._max_body), secret
        except SikoiaError as error:
            return error.with_traceback(None)

    def _handler(self, kind: type[Event]) -> Handler | None:
        """Return the handler of a type: its own, else the nearest of what it is a finer type of."""
        return next((self._handlers[one] for one in kind.__mro__ if one in self._handlers), None)

    async def _route(self, event: Event, secret: int | None) -> Received:
        handler = self._handler(type(event))
        if handler is None:
            return Received(event=event, outcome="unhandled", secret=secret)
        if self._once is None:
            await _run(handler, event)
            return Received(event=event, outcome="handled", unguarded=True, secret=secret)
        work = partial(_run, handler, event)
        outcome, unguarded = await self._once.run(event, self._name(handler), work)
        return Received(event=event, outcome=outcome, unguarded=unguarded, secret=secret)

    def _name(self, handler: Handler) -> str:
        """Name a handler by what it is registered for: that is the same in each process."""
        kinds = (kind for kind, one in self._handlers.items() if _is_same(one, handler))
        return " ".join(sorted(kind.__name__ for kind in kinds))


def _does_work(handler: object) -> bool:
    """Tell whether it can be called, and does something then: what yields does not."""
    return callable(handler) and not (
        inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler)
    )


def _is_same(one: Handler, other: Handler) -> bool:
    """Tell whether two handlers are one: Python makes a bound method anew each time."""
    return one is other or (inspect.ismethod(one) and inspect.ismethod(other) and one == other)


async def _run(handler: Handler, event: Event) -> None:
    try:
        outcome = handler(event)
        if inspect.isawaitable(outcome):
            await outcome
    except Exception as error:
        msg = (
            f"the handler of {type(event).__name__} failed with {type(error).__name__}: the event "
            "counts as not handled; answer 500, so that it is delivered again"
        )
        raise WebhookHandlerError(msg, event=event) from error


def _refusal(secrets: Secrets) -> ConfigurationError | None:
    """Look at the secrets before anything is delivered: what is unsigned fits none of them."""
    try:
        with suppress(WebhookVerificationError):
            verify(b"", None, secrets)
    except ConfigurationError as error:
        return error.with_traceback(None)
    return None
