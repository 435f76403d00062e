"""Builds the parts of a client from its arguments, and connects them.

Also validates the options of its views. It is loaded with the first client, because it imports
nearly everything that calls need.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast

import attrs

from sikoia_async._auth.client_credentials import ClientCredentials
from sikoia_async._auth.credentials import ApiKey, Credentials
from sikoia_async._auth.secret import Secret
from sikoia_async._calls.api import Api
from sikoia_async._calls.context import (
    CallOptions,
    ClientContext,
    close_stores,
    request_headers,
)
from sikoia_async._calls.extras import validate_app_info, validate_headers
from sikoia_async._calls.hooks import Hooks
from sikoia_async._calls.idempotency import Keys, validate_header, validate_key
from sikoia_async._calls.lifecycle import Lifecycle
from sikoia_async._calls.usage import Spend, Tally
from sikoia_async._codec.drift import Drift
from sikoia_async._errors import ArgumentError, ConfigurationError
from sikoia_async._hooks import correlation
from sikoia_async._hooks.auth import Authorize, DiscardRefusedToken, SendApiKey
from sikoia_async._hooks.request_log import log_request
from sikoia_async._rate_limit.limiter import RateLimiter
from sikoia_async._rate_limit.queue import PRIORITIES
from sikoia_async._rate_limit.quota import Quota
from sikoia_async._retry.budget import RetryBudget
from sikoia_async._settings import variables
from sikoia_async._settings.log_output import print_logs
from sikoia_async._transport.adapters import validate_client, validate_transport
from sikoia_async._transport.client import Client
from sikoia_async._transport.connector import Connector, local_authorities, validate_environment
from sikoia_async._transport.limits import Limits
from sikoia_async._validation import (
    plain_string,
    settings,
    validate_required,
    validate_seconds,
    validate_type,
    validate_whole,
)
from sikoia_async.operations.registry import OperationRegistry
from sikoia_async.operations.token import TokenSigner
from sikoia_async.stores.account import account_key
from sikoia_async.stores.background import Background

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from sikoia_async._auth.tokens import TokenSource
    from sikoia_async._calls.spend_limits import Limits as SpendLimits
    from sikoia_async._errors import CallInfo
    from sikoia_async._rate_limit.queue import Priority
    from sikoia_async._transport.adapters import HttpClient, HttpTransport
    from sikoia_async._transport.pool import ConnectionPool
    from sikoia_async.environments import Environment, EnvironmentName
    from sikoia_async.models import ResponseInfo
    from sikoia_async.observers._observers import Observers
    from sikoia_async.observers.events import Observer
    from sikoia_async.operations.fanout import EventFanout
    from sikoia_async.stores.protocols import TokenStore
    from sikoia_async.stores.shared import Stores

__all__ = [
    "Parts",
    "assemble",
    "validate_added_headers",
    "validate_limits",
    "validate_options",
]

_TOKEN_CONNECTIONS: Final = 2


class Parts(NamedTuple):
    """What a client consists of."""

    api: Api
    environment: Environment
    connector: Connector
    pools: list[ConnectionPool]
    """Of the authorization server, if there is one, and of the API, which is the last."""
    source: TokenSource | None
    """Where access tokens come from; None if requests carry an API key."""
    token: ClientCredentials | None
    """The same, if the client fetches them itself."""


def assemble(
    credentials: Credentials,
    previous: Secret | None,
    *,
    defaults: tuple[float, Quota],
    environment: Environment | EnvironmentName | None,
    timeout: float,
    retries: int,
    quota: Quota | None,
    limits: Limits,
    transport: HttpTransport | None,
    http_client: HttpClient | None,
    tls: ssl.SSLContext | str | Path | None,
    link_tls: ssl.SSLContext | str | Path | None,
    link_hosts: Collection[str] | None,
    proxy: str | None,
    trust_env: bool,
    shared: Stores | None,
    token_store: TokenStore | None,
    max_chargeable: SpendLimits | None,
    idempotency_header: str | None,
    headers: Mapping[str, str] | None,
    app_info: str | None,
    on_request: Callable[[CallInfo], object] | None,
    on_response: Callable[[ResponseInfo], object] | None,
    observers: Sequence[Observer] | None,
    rely_on_events: bool | Literal["always"] | None,
) -> Parts:
    """Return the parts of a client; `Sikoia` documents the arguments.

    Environment variables apply to the timeout and the rate limit if these are the `defaults`.

    Raises:
        ConfigurationError: an argument is missing or invalid, or arguments contradict each other.
    """
    # 1. Settings. Nothing is built from invalid ones.
    if timeout is defaults[0]:  # the default itself: a 60.0 that is passed is another object
        timeout = variables.timeout() or timeout
    if quota is defaults[1]:
        quota = Quota(max(1, int(defaults[1].limit * (variables.quota_share() or 1))))
    if max_chargeable is None:
        max_chargeable = variables.max_chargeable()
    if rely_on_events is None:
        rely_on_events = variables.rely_on_events() or False
    print_logs(variables.log_level())
    token_store = _token_store(token_store, shared)
    hooks = Hooks(on_request, on_response)
    told = None if observers is None else _observers_of(observers)
    keys = _keys(idempotency_header)
    with settings():
        validate_type("limits", validate_required("limits", limits), Limits, "a Limits(...)")
        validate_type("quota", quota, Quota, "a Quota(...), or None for no rate limit")
        if rely_on_events != "always":
            validate_type("rely_on_events", rely_on_events, bool, 'True, False or "always"')
        max_chargeable = validate_limits(max_chargeable)
        app_info = validate_app_info(app_info)
        added = None if headers is None else validate_added_headers(headers, keys)
        options = validate_options(CallOptions(timeout=timeout, retries=retries, headers=added))

    # 2. Where requests go, and over which connections.
    where = validate_environment(environment)
    if environment is None and tls is None and transport is None and http_client is None:
        tls = local_authorities(where)
    connector = Connector(
        _brought(transport, http_client),
        tls,
        proxy,
        trust_env=trust_env,
        link_tls=link_tls,
        link_hosts=link_hosts,
        observers=told,
    )

    # 3. How requests are authorized: an API key, or an access token.
    lifecycle = Lifecycle()
    pools: list[ConnectionPool] = []
    authorization = credentials.resolve()
    client_id = None
    if isinstance(authorization, Secret):
        client_id = plain_string(credentials.client_id or "")
        # Tokens have their own connections, so that waiting calls cannot starve a renewal.
        token_pool = connector.new_pool(where.token_url, _TOKEN_CONNECTIONS)
        pools.append(token_pool)
        authorization = ClientCredentials(
            Client(token_pool),
            where,
            client_id,
            authorization,
            token_store,
            clock=lifecycle.time,
            observers=told,
        )

    # 4. What every call shares.
    origin = where.api
    api_pool = connector.new_pool(origin, limits.max_in_flight)
    pools.append(api_pool)
    account = account_key(where, client_id)
    background = Background()
    registry = OperationRegistry(
        TokenSigner(
            origin,
            credentials.signing_secret,
            None if previous is None else previous.reveal(),
        ),
        rely_on_events=rely_on_events,
        check=lifecycle.check,
        observers=told,
    )
    context = ClientContext(
        client=Client(api_pool, _event_hooks(authorization)),
        environment=where.name,
        origin=origin,
        headers=request_headers(origin, app_info),
        limits=limits,
        rate_limiter=_rate_limiter(
            quota, shared, lifecycle.time, account, background, observers=told
        ),
        drift=Drift(told),
        lifecycle=lifecycle,
        budget=RetryBudget(),
        spend=_new_spend(max_chargeable, shared, account, lifecycle.time, told),
        tally=Tally(),
        registry=registry,
        fanout=_fanout(shared, account, registry, background, lifecycle.time),
        observers=told,
        keys=keys,
        hooks=hooks if on_request or on_response else None,
        account=account,
        background=background,
        shared=shared,
    )
    return Parts(
        Api(context, options),
        where,
        connector,
        pools,
        source=None if isinstance(authorization, ApiKey) else authorization,
        token=authorization if isinstance(authorization, ClientCredentials) else None,
    )


def _brought(
    transport: HttpTransport | None, http_client: HttpClient | None
) -> HttpTransport | HttpClient | None:
    """Return what the caller brings to send requests with."""
    if transport is not None and http_client is not None:
        msg = "transport, http_client: pass one of them, not both"
        raise ConfigurationError(msg)
    validate_transport("transport", transport)
    validate_client(http_client)
    return http_client if transport is None else transport


def _validate_shared(shared: Stores | None) -> None:
    if shared is not None:
        from sikoia_async.stores.shared import validate_stores  # noqa: PLC0415 - loaded if used

        validate_stores("shared", shared)


def validate_limits(limits: SpendLimits | None) -> SpendLimits | None:
    """Return `max_chargeable`, if it is valid."""
    if limits is not None:
        from sikoia_async._calls.spend_limits import limits_of  # noqa: PLC0415 - loaded if used

        limits_of(limits)
    return limits


def _observers_of(observers: Sequence[Observer]) -> Observers | None:
    from sikoia_async.observers._observers import observers_of  # noqa: PLC0415 - loaded if used

    return observers_of(observers)


def _new_spend(
    limits: SpendLimits | None,
    shared: Stores | None,
    account: str,
    clock: Callable[[], float],
    observers: Observers | None,
) -> Spend:
    """Return the spend of a client, which a store limits if there is one."""
    if shared is None or shared.spend is None:
        return Spend(limits, clock=clock)
    from sikoia_async._calls.shared_spend import SharedSpend  # noqa: PLC0415 - loaded if used
    from sikoia_async._calls.spend_limits import limits_of  # noqa: PLC0415 - loaded if used

    own = () if limits is None else limits_of(limits)
    return Spend(shared=SharedSpend(shared.spend, account, own, clock, observers))


def _fanout(
    shared: Stores | None,
    account: str,
    registry: OperationRegistry,
    background: Background,
    clock: Callable[[], float],
) -> EventFanout | None:
    """Return what passes events on to other processes, if there is a store for that."""
    if shared is None or shared.events is None:
        return None
    from sikoia_async.operations.fanout import EventFanout  # noqa: PLC0415 - loaded if used

    fanout = EventFanout(
        shared.events, account, registry, background, clock, observers=registry.observers
    )
    registry.share_events(fanout.listen)
    return fanout


def _token_store(token_store: TokenStore | None, shared: Stores | None) -> TokenStore | None:
    """Return the store for the access token, if the stores can be used."""
    _validate_shared(shared)
    if token_store is None:
        return None if shared is None else shared.token
    from sikoia_async.stores.shared import validate_store  # noqa: PLC0415 - loaded if used

    validate_store("token_store", "token", token_store)
    return token_store


def _rate_limiter(
    quota: Quota | None,
    shared: Stores | None,
    clock: Callable[[], float],
    account: str,
    background: Background,
    *,
    observers: Observers | None,
) -> RateLimiter | None:
    if quota is None:
        return None
    store, close = quota.store, None
    if shared is not None:
        store, close = store or shared.quota, partial(close_stores, shared)
    if store is None:
        return RateLimiter(quota, clock, observers)
    from sikoia_async._rate_limit.shared import SharedRateLimiter  # noqa: PLC0415 - loaded if used

    return SharedRateLimiter(
        quota,
        clock,
        store=store,
        account=account,
        background=background,
        close=close,
        observers=observers,
    )


def _event_hooks(authorization: ApiKey | TokenSource) -> dict[str, list[Callable[..., Any]]]:
    """Return the httpx event hooks: correlation ids, one kind of authorization, and logs."""
    if isinstance(authorization, ApiKey):
        send_key = SendApiKey(authorization.secret)
        return {
            "request": [correlation.send, send_key, log_request],
            "response": [correlation.receive],
        }
    return {
        "request": [correlation.send, Authorize(authorization), log_request],
        "response": [correlation.receive, DiscardRefusedToken(authorization)],
    }


def validate_added_headers(headers: Mapping[str, str], keys: Keys | None) -> dict[str, str]:
    """Return headers that the caller adds to requests, if these are not the SDK's own."""
    return validate_headers(headers, None if keys is None else keys.header)


def _keys(idempotency_header: str | None) -> Keys | None:
    return None if idempotency_header is None else Keys(validate_header(idempotency_header))


def validate_options(options: CallOptions) -> CallOptions:
    """Return the options of calls, if they are valid."""
    if options.interval is not None:
        from sikoia_async.operations.interval import Interval  # noqa: PLC0415 - loaded if used

        validate_type("interval", options.interval, Interval, "an Interval(...)")
    if options.priority not in PRIORITIES:
        msg = f"priority: expected one of {', '.join(PRIORITIES)}"
        raise ArgumentError(msg)
    sent_id, key = options.correlation_id, options.idempotency_key
    return attrs.evolve(
        options,
        timeout=validate_seconds("timeout", options.timeout),
        retries=validate_whole("retries", options.retries, least=0),
        correlation_id=None if sent_id is None else correlation.validate_correlation_id(sent_id),
        idempotency_key=None if key is None else validate_key(key),
        priority=cast("Priority", plain_string(options.priority)),
    )
