"""An async client for the Sikoia API.

    from sikoia_async import STAGING, Sikoia

    async with Sikoia(client_id="…", client_secret="…", environment=STAGING) as sikoia:
        case = await sikoia.cases.retrieve(case_id)

Importing the package costs next to nothing: each name is loaded when it is first used. The models
of a resource are in its module: `sikoia_async.resources.cases.Case`.
"""

# A map for readers, in the order of a call. Imports point down this list, see tests/test_layers.py.
#
#   _client.py      Sikoia; _calls/settings.py checks its arguments, assembly.py builds its parts
#   batch/          purchases that are made once, and batches of them
#   resources/      the 71 operations: one module per resource, models first, then methods
#   webhooks/       incoming events: signatures, payloads, routing, replay protection
#   _calls/         one API call: validation, deadline, attempts, pagination, downloads
#   _hooks/         httpx event hooks: the Authorization and X-Correlation-Id headers
#   _files/         uploads, downloads to disk, Excel workbooks
#   _auth/          access tokens: the client-credentials grant, renewal, sharing
#   _retry/         which attempts are retried, when, and how often
#   operations/     long-running work: polling, and tokens to resume it elsewhere
#   _codec/         JSON to models and back, drift between the two, redaction
#   _schema/        plain JSON, and the shape of each model's fields, which the rest reads
#   _export/        models as dicts, JSON and tables, and back
#   _rate_limit/    when a request may be sent: 200 per minute, interactive calls first
#   observers/      what telemetry sees: a class for each event
#   _transport/     connections: the pool, one request and its response, bounded bodies
#
# State that processes share goes through stores/, and environment variables through _settings/.
# Users import errors from errors.py, and environments from environments.py. The local Sikoia
# (sandbox/), the test helpers (testing/), the command line (cli/) and the parts for web frameworks
# (integrations/) are built on top.

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from sikoia_async._version import __version__

# Generated from the table below by tests/public_names.py: do not edit.
if TYPE_CHECKING:
    from sikoia_async._calls.pagination import Pages
    from sikoia_async._calls.spend_limits import SpendLimit, spending
    from sikoia_async._calls.stats import Stats
    from sikoia_async._client import Sikoia
    from sikoia_async._errors import (
        APIDeprecationWarning,
        APIError,
        ArgumentError,
        ArgumentTypeError,
        Attempt,
        AuthenticationError,
        CallError,
        CallInfo,
        ChargeLimitError,
        ClientStateError,
        ConfigurationError,
        ConflictError,
        ConnectionFailedError,
        DeadlineExceededError,
        ExpiredTokenError,
        InsufficientPermissionsError,
        InvalidOperationTokenError,
        InvalidRequestError,
        InvalidTokenError,
        LinkExpiredError,
        OperationPendingError,
        PurchaseInDoubtError,
        QuotaStoreError,
        RateLimitError,
        ResourceDeletedError,
        ResourceNotFoundError,
        ServerError,
        SikoiaError,
        StoreError,
        TokenError,
        TransportError,
        UnexpectedResponseError,
        UnprocessableRequestError,
        WebhookBusyError,
        WebhookError,
        WebhookEventTypeError,
        WebhookPayloadError,
        WebhookStoreError,
        WebhookVerificationError,
    )
    from sikoia_async._hooks.correlation import (
        CORRELATION_ID_HEADER,
        correlation_id,
        current_correlation_id,
    )
    from sikoia_async._rate_limit.queue import Priority
    from sikoia_async._rate_limit.quota import Quota
    from sikoia_async._transport.limits import Limits
    from sikoia_async.batch.batch import Batch
    from sikoia_async.batch.doubts import Doubt
    from sikoia_async.batch.purchases import Purchases
    from sikoia_async.batch.results import Done, Failed, InDoubt
    from sikoia_async.environments import PRODUCTION, STAGING, Environment, local
    from sikoia_async.models import Entity, HasEntity, Items, Model, ResponseInfo
    from sikoia_async.observers.events import ClientEvent, Observer
    from sikoia_async.operations.interval import Interval
    from sikoia_async.operations.operation import (
        Operation,
        OperationError,
        OperationFailedError,
        OperationTimeoutError,
        RequestedOperation,
        TooManyResultsError,
    )
    from sikoia_async.operations.polling import poll
    from sikoia_async.resources.cases import (
        CaseOwner,
        CompanyUpdate,
        NewAddress,
        NewCompany,
        NewPerson,
        PersonUpdate,
    )
    from sikoia_async.resources.checks import ChecklistParameter
    from sikoia_async.stores.protocols import QuotaStore, ReplayStore, StoredToken, TokenStore
    from sikoia_async.webhooks.events import Event
    from sikoia_async.webhooks.feed import EventFeed
    from sikoia_async.webhooks.replay import ReplayGuard
    from sikoia_async.webhooks.router import Received, Router, WebhookHandlerError

__all__ = [
    "CORRELATION_ID_HEADER",
    "PRODUCTION",
    "STAGING",
    "APIDeprecationWarning",
    "APIError",
    "ArgumentError",
    "ArgumentTypeError",
    "Attempt",
    "AuthenticationError",
    "Batch",
    "CallError",
    "CallInfo",
    "CaseOwner",
    "ChargeLimitError",
    "ChecklistParameter",
    "ClientEvent",
    "ClientStateError",
    "CompanyUpdate",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "DeadlineExceededError",
    "Done",
    "Doubt",
    "Entity",
    "Environment",
    "Event",
    "EventFeed",
    "ExpiredTokenError",
    "Failed",
    "HasEntity",
    "InDoubt",
    "InsufficientPermissionsError",
    "Interval",
    "InvalidOperationTokenError",
    "InvalidRequestError",
    "InvalidTokenError",
    "Items",
    "Limits",
    "LinkExpiredError",
    "Model",
    "NewAddress",
    "NewCompany",
    "NewPerson",
    "Observer",
    "Operation",
    "OperationError",
    "OperationFailedError",
    "OperationPendingError",
    "OperationTimeoutError",
    "Pages",
    "PersonUpdate",
    "Priority",
    "PurchaseInDoubtError",
    "Purchases",
    "Quota",
    "QuotaStore",
    "QuotaStoreError",
    "RateLimitError",
    "Received",
    "ReplayGuard",
    "ReplayStore",
    "RequestedOperation",
    "ResourceDeletedError",
    "ResourceNotFoundError",
    "ResponseInfo",
    "Router",
    "ServerError",
    "Sikoia",
    "SikoiaError",
    "SpendLimit",
    "Stats",
    "StoreError",
    "StoredToken",
    "TokenError",
    "TokenStore",
    "TooManyResultsError",
    "TransportError",
    "UnexpectedResponseError",
    "UnprocessableRequestError",
    "WebhookBusyError",
    "WebhookError",
    "WebhookEventTypeError",
    "WebhookHandlerError",
    "WebhookPayloadError",
    "WebhookStoreError",
    "WebhookVerificationError",
    "__version__",
    "correlation_id",
    "current_correlation_id",
    "local",
    "poll",
    "spending",
]
# End of the generated part.

_LAZY: Final = {
    "sikoia_async._client": ("Sikoia",),
    "sikoia_async.batch.batch": ("Batch",),
    "sikoia_async.batch.results": ("Done", "Failed", "InDoubt"),
    "sikoia_async.environments": ("Environment", "PRODUCTION", "STAGING", "local"),
    "sikoia_async.models": ("Entity", "HasEntity", "Items", "Model", "ResponseInfo"),
    "sikoia_async.resources.cases": (
        "CompanyUpdate",
        "NewAddress",
        "NewCompany",
        "NewPerson",
        "CaseOwner",
        "PersonUpdate",
    ),
    "sikoia_async.resources.checks": ("ChecklistParameter",),
    "sikoia_async.observers.events": ("ClientEvent", "Observer"),
    "sikoia_async.operations.interval": ("Interval",),
    "sikoia_async.operations.operation": (
        "Operation",
        "OperationError",
        "OperationFailedError",
        "OperationTimeoutError",
        "RequestedOperation",
        "TooManyResultsError",
    ),
    "sikoia_async.operations.polling": ("poll",),
    "sikoia_async.webhooks.router": ("Received", "Router", "WebhookHandlerError"),
    "sikoia_async.webhooks.events": ("Event",),
    "sikoia_async.webhooks.feed": ("EventFeed",),
    "sikoia_async.webhooks.replay": ("ReplayGuard",),
    "sikoia_async._hooks.correlation": (
        "CORRELATION_ID_HEADER",
        "correlation_id",
        "current_correlation_id",
    ),
    "sikoia_async._calls.pagination": ("Pages",),
    "sikoia_async._calls.spend_limits": ("SpendLimit", "spending"),
    "sikoia_async._calls.stats": ("Stats",),
    "sikoia_async._rate_limit.queue": ("Priority",),
    "sikoia_async._rate_limit.quota": ("Quota",),
    "sikoia_async._transport.limits": ("Limits",),
    "sikoia_async.stores.protocols": ("QuotaStore", "ReplayStore", "StoredToken", "TokenStore"),
    "sikoia_async.batch.doubts": ("Doubt",),
    "sikoia_async.batch.purchases": ("Purchases",),
    "sikoia_async._errors": (
        "APIDeprecationWarning",
        "APIError",
        "ArgumentError",
        "ArgumentTypeError",
        "Attempt",
        "AuthenticationError",
        "CallError",
        "CallInfo",
        "ChargeLimitError",
        "ClientStateError",
        "ConfigurationError",
        "ConflictError",
        "ConnectionFailedError",
        "DeadlineExceededError",
        "ExpiredTokenError",
        "InsufficientPermissionsError",
        "InvalidOperationTokenError",
        "InvalidRequestError",
        "InvalidTokenError",
        "LinkExpiredError",
        "OperationPendingError",
        "QuotaStoreError",
        "RateLimitError",
        "WebhookStoreError",
        "ResourceDeletedError",
        "ResourceNotFoundError",
        "ServerError",
        "SikoiaError",
        "PurchaseInDoubtError",
        "StoreError",
        "TokenError",
        "TransportError",
        "UnexpectedResponseError",
        "UnprocessableRequestError",
        "WebhookBusyError",
        "WebhookError",
        "WebhookEventTypeError",
        "WebhookPayloadError",
        "WebhookVerificationError",
    ),
}
"""The public names, by the module that defines them. To add one: edit this table, then run
`python tests/public_names.py`."""

_MODULES: Final = {name: module for module, names in _LAZY.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
