"""The spans of a client.

A call's span is the current one while the call is made, so that what happens meanwhile belongs to
it: the request for an access token, your hooks, and log records. Each attempt has a span inside it.

Sources: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span and
https://opentelemetry.io/docs/specs/semconv/general/recording-errors/
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from opentelemetry import baggage, propagate
from opentelemetry.context import (
    # Private, but the packages of instrumentation import it, too.
    _SUPPRESS_HTTP_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage] - as above
    Context,
    attach,
    create_key,
    detach,
    get_value,
    set_value,
)
from opentelemetry.propagators.textmap import DefaultSetter, Setter
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from sikoia_async.integrations._conventions import attributes_of, result_of
from sikoia_async.observers import (
    AttemptEnded,
    AttemptStarted,
    CallEnded,
    CallStarted,
    ClientEvent,
    DeliveryEnded,
    DeliveryStarted,
    EventReceived,
    OperationEnded,
    OperationPolled,
    OperationPollStarted,
    OperationStarted,
    Purchased,
    RateLimited,
    RateLimitWaitEnded,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.propagators.textmap import TextMapPropagator

__all__ = ["Spans"]

_SETTER: Final = cast("Setter[dict[str, str]]", DefaultSetter())
_POLLED: Final = create_key("sikoia_polled_operation")
_last: ContextVar[tuple[str, SpanContext] | None] = ContextVar("sikoia_last_span", default=None)
"""The correlation id and the span of the last call in this task that got a response: if an
operation starts next, that call has requested it."""


class _Current(NamedTuple):
    """A span, and what makes the one before it the current one again."""

    span: Span
    token: Token[Context]


class _Operation(NamedTuple):
    span: Span
    request: SpanContext | None


class Spans:
    """Records spans.

    Args:
        tracer: starts them.
        propagator: writes the headers with the context; None for the global one.
    """

    def __init__(self, tracer: Tracer, propagator: TextMapPropagator | None) -> None:
        self._tracer = tracer
        self._propagator = propagator
        self._calls = dict[int, _Current]()
        self._attempts = dict[tuple[int, int], _Current]()
        self._operations = dict[int, _Operation]()
        self._polls = dict[int, Token[Context]]()
        self._deliveries = dict[int, _Current]()
        self.handlers: Mapping[type[ClientEvent], Callable[[Any], None]] = {
            AttemptEnded: self._attempt_ended,
            AttemptStarted: self._attempt_started,
            CallEnded: self._call_ended,
            CallStarted: self._call_started,
            DeliveryEnded: self._delivery_ended,
            DeliveryStarted: self._delivery_started,
            EventReceived: self._event_received,
            OperationEnded: self._operation_ended,
            OperationPollStarted: self._poll_started,
            OperationPolled: self._polled,
            OperationStarted: self._operation_started,
            Purchased: self._purchased,
            RateLimitWaitEnded: self._rate_limit_wait_ended,
            RateLimited: self._rate_limited,
        }
        """What to do at an event."""

    def _call_started(self, event: CallStarted) -> None:
        polled = get_value(_POLLED)
        name = event.operation if " " not in event.operation else "request"
        span = self._tracer.start_span(
            f"sikoia.{name}",
            kind=SpanKind.CLIENT,
            attributes={
                **attributes_of(event),
                "sikoia.operation": event.operation,
                "sikoia.correlation_id": event.correlation_id,
                "sikoia.chargeable": event.chargeable,
            },
            links=_links(polled) if isinstance(polled, _Operation) else None,
        )
        if event.polls is not None:
            span.set_attribute("sikoia.polls", event.polls)
        self._calls[event.call] = _Current(span, attach(set_span_in_context(span)))

    def _call_ended(self, event: CallEnded) -> None:
        span, token = self._calls.pop(event.call)
        span.set_attribute("sikoia.correlation_id", event.correlation_id)
        if event.attempts > 1:
            span.set_attribute("http.request.resend_count", event.attempts - 1)
        if event.status is not None:
            span.set_attribute("http.response.status_code", event.status)
        _end(span, event.error)
        detach(token)

    def _attempt_started(self, event: AttemptStarted) -> None:
        path = "" if event.path == "(link)" else f" {event.path}"
        attributes = attributes_of(event)
        if event.attempt > 1:
            attributes["http.request.resend_count"] = event.attempt - 1
        span = self._tracer.start_span(
            f"{event.method}{path}", kind=SpanKind.CLIENT, attributes=attributes
        )
        context = set_span_in_context(span)
        if event.headers is not None:
            # Baggage is for your own services, and may hold anything.
            self._inject(event.headers, baggage.clear(context))
        context = set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, value=True, context=context)
        self._attempts[event.call, event.attempt] = _Current(span, attach(context))

    def _inject(self, headers: dict[str, str], context: Context) -> None:
        propagator = self._propagator or propagate.get_global_textmap()
        propagator.inject(headers, context, _SETTER)

    def _attempt_ended(self, event: AttemptEnded) -> None:
        span, token = self._attempts.pop((event.call, event.attempt))
        if event.http_version is not None:
            span.set_attribute("network.protocol.version", event.http_version.removeprefix("HTTP/"))
        span.set_attribute("sikoia.correlation_id", event.correlation_id)
        if event.status is not None:
            _last.set((event.correlation_id, self._calls[event.call].span.get_span_context()))
        result = result_of(event.status, event.error)
        _end(span, result.get("error.type"), result, event.reason)
        detach(token)

    def _rate_limit_wait_ended(self, event: RateLimitWaitEnded) -> None:
        get_current_span().add_event(
            "sikoia.rate_limit.wait",
            {"sikoia.priority": event.priority, "sikoia.seconds": event.seconds},
        )

    def _rate_limited(self, event: RateLimited) -> None:
        span = self._calls[event.call].span
        span.add_event("sikoia.rate_limit.pause", {"sikoia.seconds": event.seconds})

    def _purchased(self, event: Purchased) -> None:
        outcome = "certain" if event.is_certain else "in doubt"
        self._calls[event.call].span.set_attribute("sikoia.purchase", outcome)

    def _operation_started(self, event: OperationStarted) -> None:
        correlation_id, request = _last.get() or (None, None)
        if event.correlation_id is None or correlation_id != event.correlation_id:
            request = None
        span = self._tracer.start_span(
            f"sikoia.operation.{event.kind}",
            attributes={"sikoia.operation.kind": event.kind},
            links=None if request is None else [Link(request, _REQUEST)],
        )
        self._operations[event.number] = _Operation(span, request)

    def _operation_ended(self, event: OperationEnded) -> None:
        span = self._operations.pop(event.number).span
        span.set_attribute("sikoia.operation.outcome", event.outcome)
        span.set_attribute("sikoia.polls", event.polls)
        _end(span, "failed" if event.outcome == "failed" else None)

    def _poll_started(self, event: OperationPollStarted) -> None:
        operation = self._operations.get(event.number)
        self._polls[event.number] = attach(set_value(_POLLED, operation))

    def _polled(self, event: OperationPolled) -> None:
        detach(self._polls.pop(event.number))

    def _event_received(self, event: EventReceived) -> None:
        get_current_span().add_event(
            "sikoia.event",
            {"sikoia.event_type": event.event_type, "sikoia.operations": event.operations},
        )

    def _delivery_started(self, event: DeliveryStarted) -> None:
        span = self._tracer.start_span("sikoia.webhook")
        self._deliveries[event.number] = _Current(span, attach(set_span_in_context(span)))

    def _delivery_ended(self, event: DeliveryEnded) -> None:
        span, token = self._deliveries.pop(event.number)
        if event.event_type is not None:
            span.update_name(f"sikoia.webhook {event.event_type}")
            span.set_attribute("sikoia.event_type", event.event_type)
        if event.outcome is not None:
            span.set_attribute("sikoia.outcome", event.outcome)
        _end(span, event.error)
        detach(token)


_REQUEST: Final = {"sikoia.link": "request"}


def _links(operation: _Operation) -> list[Link]:
    """Return the links of a poll: to its operation, and to the request that started that."""
    links = [Link(operation.span.get_span_context(), {"sikoia.link": "operation"})]
    return links if operation.request is None else [Link(operation.request, _REQUEST), *links]


def _end(
    span: Span,
    error: str | int | None,
    attributes: Mapping[str, str | int] | None = None,
    reason: str | None = None,
) -> None:
    """End a span, with an error if there was one. A reason is one of ours, without values."""
    if attributes:
        span.set_attributes(attributes)
    if error is not None:
        span.set_attribute("error.type", error)
        span.set_status(StatusCode.ERROR, reason)
    span.end()
