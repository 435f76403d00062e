"""What can go wrong, as a tree whose branches say who must act.

SikoiaError
    ConfigurationError              you: the set-up or an argument is wrong; nothing was sent
        ArgumentTypeError               an argument is of another type; a TypeError, too
    ChargeLimitError                you: max_chargeable is used up; nothing was sent
    ClientStateError                you: the client is closed, or is another loop's or process's
    CallError                       a call was begun and did not end well
        TransportError              the network: nobody answered, or not in time
            ConnectionFailedError       no whole answer came back
            DeadlineExceededError       the time that you gave ran out
        UnexpectedResponseError     Sikoia or this SDK: the answer breaks the API's promise
        TokenError                  you or Sikoia: the authorization server gave no token
        APIError                    Sikoia said no
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
            LinkExpiredError                403, 404 or 410 of a link to a file: ask for a new link
    OperationError                  an async task
        OperationFailedError            it came to nothing at Sikoia
        OperationTimeoutError           it still runs: no failure, and you may go on waiting
    WebhookError                    a delivery to your receiver: answer with its `response_status`
        WebhookVerificationError        somebody else: it is not Sikoia's
        WebhookPayloadError             Sikoia: it is signed, and nobody can read it
        WebhookHandlerError             you: your handler of its event failed; it is to come again
        ReplayStoreError                you: the replay store does not answer, and you wait for it

No error holds an object of httpx, for those carry the token along; each one can be pickled.
"""

from sikoia_async._errors import (
    APIError,
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
    InvalidRequestError,
    InvalidTokenError,
    LinkExpiredError,
    RateLimitError,
    ReplayStoreError,
    ResourceDeletedError,
    ResourceNotFoundError,
    ServerError,
    SikoiaError,
    TokenError,
    TransportError,
    UnexpectedResponseError,
    UnprocessableRequestError,
    WebhookError,
    WebhookPayloadError,
    WebhookVerificationError,
)
from sikoia_async.operations.operation import (
    OperationError,
    OperationFailedError,
    OperationTimeoutError,
)
from sikoia_async.webhooks.router import WebhookHandlerError

__all__ = [
    "APIError",
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
    "InvalidRequestError",
    "InvalidTokenError",
    "LinkExpiredError",
    "OperationError",
    "OperationFailedError",
    "OperationTimeoutError",
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
    "WebhookHandlerError",
    "WebhookPayloadError",
    "WebhookVerificationError",
]
