"""Observers: they see what a client does, for telemetry.

    class Print:
        def observe(self, event: ClientEvent, /) -> None:
            if isinstance(event, CallEnded):
                print(event.operation, event.status, event.seconds)

    sikoia = Sikoia(observers=[Print()])

Events hold no personal data, no secrets, and no ids of persons, companies or cases.
`sikoia_async.integrations.opentelemetry` has an observer for OpenTelemetry.
"""

from sikoia_async.observers.events import (
    AttemptEnded,
    AttemptStarted,
    CallEnded,
    CallEvent,
    CallStarted,
    ClientEvent,
    ConnectionReplaced,
    DeliveryEnded,
    DeliveryStarted,
    DriftSeen,
    EventReceived,
    Observer,
    OperationEnded,
    OperationPolled,
    OperationPollStarted,
    OperationStarted,
    Purchased,
    RateLimited,
    RateLimitWaitEnded,
    RateLimitWaitStarted,
    StoreBack,
    StoreLost,
    TokenRenewed,
)

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
