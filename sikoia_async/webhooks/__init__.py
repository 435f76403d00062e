"""Incoming webhooks: verify deliveries, read their events, and handle each event once.

Import everything from here. Names are loaded on first use, so a receiver that only calls `verify`
loads neither httpx nor an event loop.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sikoia_async.webhooks.events import (
        AffordabilityInsightsCompleted,
        BankingProcessingCompleted,
        BankStatementProcessingCompleted,
        DocumentProcessingCompleted,
        Event,
        IdentityVerificationCompleted,
        IdentityVerificationExpired,
        IncomeEmployerInsightsCompleted,
        OpenBankingProcessingCompleted,
        PayslipProcessingCompleted,
        TaxOverviewProcessingCompleted,
        UnknownEvent,
        WebhookEventName,
        from_request,
        parse,
    )
    from sikoia_async.webhooks.feed import EventFeed
    from sikoia_async.webhooks.reading import read_delivery
    from sikoia_async.webhooks.replay import ReplayGuard, ReplayStore
    from sikoia_async.webhooks.router import Received, Router
    from sikoia_async.webhooks.signing import SIGNATURE_HEADER, sign, verify

__all__ = [
    "SIGNATURE_HEADER",
    "AffordabilityInsightsCompleted",
    "BankStatementProcessingCompleted",
    "BankingProcessingCompleted",
    "DocumentProcessingCompleted",
    "Event",
    "EventFeed",
    "IdentityVerificationCompleted",
    "IdentityVerificationExpired",
    "IncomeEmployerInsightsCompleted",
    "OpenBankingProcessingCompleted",
    "PayslipProcessingCompleted",
    "Received",
    "ReplayGuard",
    "ReplayStore",
    "Router",
    "TaxOverviewProcessingCompleted",
    "UnknownEvent",
    "WebhookEventName",
    "from_request",
    "parse",
    "read_delivery",
    "sign",
    "verify",
]

_MODULES: Final = {
    "EventFeed": "feed",
    "Received": "router",
    "ReplayGuard": "replay",
    "ReplayStore": "replay",
    "Router": "router",
    "SIGNATURE_HEADER": "signing",
    "read_delivery": "reading",
    "sign": "signing",
    "verify": "signing",
}
"""Where names come from that are not those of `events`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    module = import_module(f"{__name__}.{_MODULES.get(name, 'events')}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
