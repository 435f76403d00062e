"""The metrics of a client.

Sources: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpclientrequestduration
and https://opentelemetry.io/docs/specs/semconv/general/metrics/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sikoia_async.integrations._conventions import attributes_of, result_of, server_of
from sikoia_async.observers import (
    AttemptEnded,
    AttemptStarted,
    CallEnded,
    ClientEvent,
    ConnectionReplaced,
    DeliveryEnded,
    DriftSeen,
    EventReceived,
    OperationEnded,
    OperationStarted,
    Purchased,
    RateLimited,
    RateLimitWaitEnded,
    StoreBack,
    StoreLost,
    TokenRenewed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.metrics import Meter

__all__ = ["Metrics"]

_REQUEST_BUCKETS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)
"""Seconds, as the conventions recommend for requests."""
_LONG_BUCKETS: Final = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
"""Seconds of operations and of waits, which take from moments to an hour."""


class Metrics:
    """Records metrics.

    Args:
        meter: creates the instruments.
    """

    def __init__(self, meter: Meter) -> None:
        def seconds(name: str, description: str, buckets: tuple[float, ...]) -> Any:
            return meter.create_histogram(
                name, "s", description, explicit_bucket_boundaries_advisory=buckets
            )

        self._requests = seconds(
            "http.client.request.duration",
            "Duration of HTTP client requests.",
            _REQUEST_BUCKETS,
        )
        self._calls = seconds(
            "sikoia.call.duration", "Duration of calls, with retries and waits.", _REQUEST_BUCKETS
        )
        self._waits = seconds(
            "sikoia.rate_limit.wait.duration", "Waits for the rate limit.", _LONG_BUCKETS
        )
        self._operation_times = seconds(
            "sikoia.operation.duration", "Duration of operations.", _LONG_BUCKETS
        )
        self._deliveries = seconds(
            "sikoia.webhook.duration", "Duration of webhook deliveries.", _REQUEST_BUCKETS
        )
        self._quota_left = meter.create_gauge(
            "sikoia.rate_limit.quota_left",
            "{request}",
            "Requests that the rate limit allowed at the last request.",
        )
        self._pauses = meter.create_counter(
            "sikoia.rate_limit.pauses", "{pause}", "429 responses, each of which pauses a client."
        )
        self._retries = meter.create_counter(
            "sikoia.call.retries", "{retry}", "Attempts after the first one of a call."
        )
        self._purchases = meter.create_counter(
            "sikoia.purchases", "{call}", "Chargeable calls that Sikoia has or may have processed."
        )
        self._drift = meter.create_counter(
            "sikoia.drift", "{difference}", "Differences between responses and models."
        )
        self._operations = meter.create_up_down_counter(
            "sikoia.operations.active", "{operation}", "Operations that are not done."
        )
        self._tokens = meter.create_counter(
            "sikoia.token.renewals", "{token}", "New access tokens."
        )
        self._connections = meter.create_counter(
            "sikoia.connections.replaced",
            "{connection}",
            "Connections closed because an exchange on them did not end cleanly.",
        )
        self._stores = meter.create_up_down_counter(
            "sikoia.stores.unavailable", "{store}", "Shared stores that are unavailable."
        )
        self._events = meter.create_counter(
            "sikoia.events", "{event}", "Webhook events that were fed to a client."
        )
        self.handlers: Mapping[type[ClientEvent], Callable[[Any], None]] = {
            AttemptEnded: self._attempt_ended,
            AttemptStarted: self._attempt_started,
            CallEnded: self._call_ended,
            ConnectionReplaced: self._connection_replaced,
            DeliveryEnded: self._delivery_ended,
            DriftSeen: self._drift_seen,
            EventReceived: self._event_received,
            OperationEnded: self._operation_ended,
            OperationStarted: self._operation_started,
            Purchased: self._purchased,
            RateLimitWaitEnded: self._rate_limit_wait_ended,
            RateLimited: self._rate_limited,
            StoreBack: self._store_back,
            StoreLost: self._store_lost,
            TokenRenewed: self._token_renewed,
        }
        """What to do at an event."""

    def _attempt_started(self, event: AttemptStarted) -> None:
        if event.attempt > 1:
            self._retries.add(1, {"sikoia.operation": event.operation})
        if event.quota_left is not None:
            self._quota_left.set(event.quota_left, {"server.address": server_of(event.origin)[0]})

    def _attempt_ended(self, event: AttemptEnded) -> None:
        attributes = attributes_of(event) | result_of(event.status, event.error)
        if event.http_version is not None:
            attributes["network.protocol.version"] = event.http_version.removeprefix("HTTP/")
        self._requests.record(event.seconds, attributes)

    def _call_ended(self, event: CallEnded) -> None:
        attributes = {"sikoia.operation": event.operation}
        if event.error is not None:
            attributes["error.type"] = event.error
        self._calls.record(event.seconds, attributes)

    def _rate_limit_wait_ended(self, event: RateLimitWaitEnded) -> None:
        self._waits.record(event.seconds, {"sikoia.priority": event.priority})

    def _rate_limited(self, event: RateLimited) -> None:
        self._pauses.add(1, {"sikoia.operation": event.operation})

    def _purchased(self, event: Purchased) -> None:
        outcome = "certain" if event.is_certain else "in doubt"
        self._purchases.add(1, {"sikoia.operation": event.operation, "sikoia.purchase": outcome})

    def _operation_started(self, event: OperationStarted) -> None:
        self._operations.add(1, {"sikoia.operation.kind": event.kind})

    def _operation_ended(self, event: OperationEnded) -> None:
        kind = {"sikoia.operation.kind": event.kind}
        self._operations.add(-1, kind)
        self._operation_times.record(
            event.seconds, {**kind, "sikoia.operation.outcome": event.outcome}
        )

    def _event_received(self, event: EventReceived) -> None:
        self._events.add(1, {"sikoia.event_type": event.event_type})

    def _delivery_ended(self, event: DeliveryEnded) -> None:
        given = {
            "sikoia.event_type": event.event_type,
            "sikoia.outcome": event.outcome,
            "error.type": event.error,
        }
        attributes = {name: value for name, value in given.items() if value is not None}
        self._deliveries.record(event.seconds, attributes)

    def _drift_seen(self, event: DriftSeen) -> None:
        self._drift.add(event.times, {"sikoia.difference": event.difference})

    def _token_renewed(self, event: TokenRenewed) -> None:
        self._tokens.add(1, {"sikoia.source": event.source})

    def _connection_replaced(self, event: ConnectionReplaced) -> None:
        self._connections.add(1, {"server.address": server_of(event.origin)[0]})

    def _store_lost(self, event: StoreLost) -> None:
        self._stores.add(1, {"sikoia.store": event.store})

    def _store_back(self, event: StoreBack) -> None:
        self._stores.add(-1, {"sikoia.store": event.store})
