"""An async client of the Sikoia API.

    from sikoia_async import STAGING, Sikoia

    async with Sikoia(client_id="…", client_secret="…", environment=STAGING) as sikoia:
        case = await sikoia.cases.retrieve(case_id)

Names are loaded when they are first used, so that importing the package costs next to nothing.
Models that you receive live with their resource: `sikoia_async.resources.cases.Case`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from sikoia_async._version import __version__ as __version__

if TYPE_CHECKING:
    from sikoia_async._auth.tokens import StoredToken as StoredToken
    from sikoia_async._auth.tokens import TokenStore as TokenStore
    from sikoia_async._calls.stats import Stats as Stats
    from sikoia_async._client import Sikoia as Sikoia
    from sikoia_async._errors import APIError as APIError
    from sikoia_async._errors import ArgumentTypeError as ArgumentTypeError
    from sikoia_async._errors import Attempt as Attempt
    from sikoia_async._errors import AuthenticationError as AuthenticationError
    from sikoia_async._errors import CallError as CallError
    from sikoia_async._errors import ChargeLimitError as ChargeLimitError
    from sikoia_async._errors import ClientStateError as ClientStateError
    from sikoia_async._errors import ConfigurationError as ConfigurationError
    from sikoia_async._errors import ConflictError as ConflictError
    from sikoia_async._errors import ConnectionFailedError as ConnectionFailedError
    from sikoia_async._errors import DeadlineExceededError as DeadlineExceededError
    from sikoia_async._errors import ExpiredTokenError as ExpiredTokenError
    from sikoia_async._errors import InsufficientPermissionsError as InsufficientPermissionsError
    from sikoia_async._errors import InvalidRequestError as InvalidRequestError
    from sikoia_async._errors import InvalidTokenError as InvalidTokenError
    from sikoia_async._errors import LinkExpiredError as LinkExpiredError
    from sikoia_async._errors import RateLimitError as RateLimitError
    from sikoia_async._errors import ReplayStoreError as ReplayStoreError
    from sikoia_async._errors import ResourceDeletedError as ResourceDeletedError
    from sikoia_async._errors import ResourceNotFoundError as ResourceNotFoundError
    from sikoia_async._errors import ServerError as ServerError
    from sikoia_async._errors import SikoiaError as SikoiaError
    from sikoia_async._errors import TokenError as TokenError
    from sikoia_async._errors import TransportError as TransportError
    from sikoia_async._errors import UnexpectedResponseError as UnexpectedResponseError
    from sikoia_async._errors import UnprocessableRequestError as UnprocessableRequestError
    from sikoia_async._errors import WebhookError as WebhookError
    from sikoia_async._errors import WebhookPayloadError as WebhookPayloadError
    from sikoia_async._errors import WebhookVerificationError as WebhookVerificationError
    from sikoia_async._hooks.correlation import CORRELATION_ID_HEADER as CORRELATION_ID_HEADER
    from sikoia_async._hooks.correlation import correlation_id as correlation_id
    from sikoia_async._rate_limit.limiter import Quota as Quota
    from sikoia_async._rate_limit.limiter import QuotaStore as QuotaStore
    from sikoia_async.environments import PRODUCTION as PRODUCTION
    from sikoia_async.environments import STAGING as STAGING
    from sikoia_async.environments import Environment as Environment
    from sikoia_async.models import Entity as Entity
    from sikoia_async.models import Items as Items
    from sikoia_async.models import Model as Model
    from sikoia_async.operations.operation import Interval as Interval
    from sikoia_async.operations.operation import Operation as Operation
    from sikoia_async.operations.operation import OperationError as OperationError
    from sikoia_async.operations.operation import OperationFailedError as OperationFailedError
    from sikoia_async.operations.operation import OperationTimeoutError as OperationTimeoutError
    from sikoia_async.operations.operation import poll as poll
    from sikoia_async.resources.cases import CompanyUpdate as CompanyUpdate
    from sikoia_async.resources.cases import NewAddress as NewAddress
    from sikoia_async.resources.cases import NewCompany as NewCompany
    from sikoia_async.resources.cases import NewPerson as NewPerson
    from sikoia_async.resources.cases import Owner as Owner
    from sikoia_async.resources.cases import PersonUpdate as PersonUpdate
    from sikoia_async.resources.checks import ChecklistParameter as ChecklistParameter
    from sikoia_async.webhooks.replay import ReplayGuard as ReplayGuard
    from sikoia_async.webhooks.replay import ReplayStore as ReplayStore
    from sikoia_async.webhooks.router import Received as Received
    from sikoia_async.webhooks.router import Router as Router
    from sikoia_async.webhooks.router import WebhookHandlerError as WebhookHandlerError

__all__ = [
    "CORRELATION_ID_HEADER",
    "PRODUCTION",
    "STAGING",
    "APIError",
    "ArgumentTypeError",
    "Attempt",
    "AuthenticationError",
    "CallError",
    "ChargeLimitError",
    "ChecklistParameter",
    "ClientStateError",
    "CompanyUpdate",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "DeadlineExceededError",
    "Entity",
    "Environment",
    "ExpiredTokenError",
    "InsufficientPermissionsError",
    "Interval",
    "InvalidRequestError",
    "InvalidTokenError",
    "Items",
    "LinkExpiredError",
    "Model",
    "NewAddress",
    "NewCompany",
    "NewPerson",
    "Operation",
    "OperationError",
    "OperationFailedError",
    "OperationTimeoutError",
    "Owner",
    "PersonUpdate",
    "Quota",
    "QuotaStore",
    "RateLimitError",
    "Received",
    "ReplayGuard",
    "ReplayStore",
    "ReplayStoreError",
    "ResourceDeletedError",
    "ResourceNotFoundError",
    "Router",
    "ServerError",
    "Sikoia",
    "SikoiaError",
    "Stats",
    "StoredToken",
    "TokenError",
    "TokenStore",
    "TransportError",
    "UnexpectedResponseError",
    "UnprocessableRequestError",
    "WebhookError",
    "WebhookHandlerError",
    "WebhookPayloadError",
    "WebhookVerificationError",
    "__version__",
    "correlation_id",
    "poll",
]

_HOMES: Final = {
    "sikoia_async._client": ("Sikoia",),
    "sikoia_async._hooks.correlation": ("CORRELATION_ID_HEADER", "correlation_id"),
    "sikoia_async._rate_limit.limiter": (
        "Quota",
        "QuotaStore",
    ),
    "sikoia_async.webhooks.replay": (
        "ReplayGuard",
        "ReplayStore",
    ),
    "sikoia_async.webhooks.router": (
        "Received",
        "Router",
        "WebhookHandlerError",
    ),
    "sikoia_async._calls.stats": ("Stats",),
    "sikoia_async._auth.tokens": (
        "StoredToken",
        "TokenStore",
    ),
    "sikoia_async.environments": (
        "Environment",
        "PRODUCTION",
        "STAGING",
    ),
    "sikoia_async._errors": (
        "APIError",
        "ArgumentTypeError",
        "Attempt",
        "AuthenticationError",
        "CallError",
        "ChargeLimitError",
        "ClientStateError",
        "ConfigurationError",
        "ConflictError",
        "ConnectionFailedError",
        "DeadlineExceededError",
        "ExpiredTokenError",
        "InsufficientPermissionsError",
        "InvalidRequestError",
        "InvalidTokenError",
        "LinkExpiredError",
        "RateLimitError",
        "ReplayStoreError",
        "ResourceDeletedError",
        "ResourceNotFoundError",
        "ServerError",
        "SikoiaError",
        "TokenError",
        "TransportError",
        "UnexpectedResponseError",
        "UnprocessableRequestError",
        "WebhookError",
        "WebhookPayloadError",
        "WebhookVerificationError",
    ),
    "sikoia_async.models": (
        "Entity",
        "Items",
        "Model",
    ),
    "sikoia_async.operations.operation": (
        "Interval",
        "Operation",
        "OperationError",
        "OperationFailedError",
        "OperationTimeoutError",
        "poll",
    ),
    "sikoia_async.resources.cases": (
        "CompanyUpdate",
        "NewAddress",
        "NewCompany",
        "NewPerson",
        "Owner",
        "PersonUpdate",
    ),
    "sikoia_async.resources.checks": ("ChecklistParameter",),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
