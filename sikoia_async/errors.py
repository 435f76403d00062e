"""Every error that this SDK raises, as a tree. The first column says who has to act.

SikoiaError
    ConfigurationError              you: a setting or an argument is invalid; nothing was sent
        ArgumentError                   an argument has an invalid value
            ArgumentTypeError               it has the wrong type; also a TypeError
        OperationPendingError           `result()` was called before the operation was done
        InvalidOperationTokenError      an operation token cannot be resumed with this client
    ChargeLimitError                you: `max_chargeable` is used up; nothing was sent
    StoreError                      you: a store that processes share failed; nothing was sent
        QuotaStoreError                 the store of the rate limit, with `on_failure="closed"`
    PurchaseInDoubtError            you: it may have been bought, and it was not bought again
    ClientStateError                you: the client is closed, or belongs to another event loop
    CallError                       a call was started and failed
        TransportError              the network: no response, or not in time
            ConnectionFailedError       no complete response arrived
            DeadlineExceededError       the timeout elapsed
        UnexpectedResponseError     Sikoia or this SDK: the response is not what the API promises
        TokenError                  you or Sikoia: no access token was issued
        APIError                    Sikoia responded with an error
            InvalidRequestError             400
            AuthenticationError             401
                InvalidTokenError               401 InvalidToken
                ExpiredTokenError               401 ExpiredToken
            InsufficientPermissionsError    403
            ResourceNotFoundError           404
                ResourceDeletedError            404 ResourceDeleted
            ConflictError                   409
            UnprocessableRequestError       422
            RateLimitError                  429
            ServerError                     5xx
            LinkExpiredError                403, 404 or 410 of a download link
    OperationError                  a long-running operation
        OperationFailedError            it failed at Sikoia
        OperationTimeoutError           no result when the wait timed out; wait again
        TooManyResultsError             you: several companies match; choose one
    WebhookError                    a webhook delivery; respond with its `response_status`
        WebhookVerificationError        the sender: it was not sent by Sikoia, or was changed
        WebhookEventTypeError           the sender: the URL names none of Sikoia's event types
        WebhookPayloadError             Sikoia: the signature is valid, but the body is not JSON
        WebhookHandlerError             you: your handler raised; the event is delivered again
        WebhookStoreError               you: your replay store failed; the event is delivered again
        WebhookBusyError                another process handles the event; it is delivered again

No error holds an httpx object, because those hold the access token. Every error can be pickled.
"""

from sikoia_async._errors import (
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
from sikoia_async.operations.operation import (
    OperationError,
    OperationFailedError,
    OperationTimeoutError,
    TooManyResultsError,
)
from sikoia_async.webhooks.router import WebhookHandlerError

__all__ = [
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
    "OperationError",
    "OperationFailedError",
    "OperationPendingError",
    "OperationTimeoutError",
    "PurchaseInDoubtError",
    "QuotaStoreError",
    "RateLimitError",
    "ResourceDeletedError",
    "ResourceNotFoundError",
    "ServerError",
    "SikoiaError",
    "StoreError",
    "TokenError",
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
]
