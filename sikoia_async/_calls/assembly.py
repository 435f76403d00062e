"""Builds the parts of a client from its settings, and connects them.

It is loaded with the first call, because it imports nearly everything that calls need.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from sikoia_async._auth.client_credentials import ClientCredentials
from sikoia_async._auth.credentials import ApiKey, TokenFunction
from sikoia_async._auth.secret import Secret
from sikoia_async._calls.api import Api
from sikoia_async._calls.context import ClientContext, close_stores, request_headers
from sikoia_async._calls.lifecycle import Lifecycle
from sikoia_async._calls.usage import Spend, Tally
from sikoia_async._codec.drift import Drift
from sikoia_async._hooks import correlation
from sikoia_async._hooks.auth import Authorize, DiscardRefusedToken, SendApiKey
from sikoia_async._hooks.request_log import log_request
from sikoia_async._rate_limit.limiter import RateLimiter
from sikoia_async._retry.budget import RetryBudget
from sikoia_async._transport.client import Client
from sikoia_async._validation import plain_string
from sikoia_async.operations.registry import OperationRegistry
from sikoia_async.operations.token import TokenSigner
from sikoia_async.stores.account import account_key
from sikoia_async.stores.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable

    from sikoia_async._auth.tokens import TokenSource
    from sikoia_async._calls.settings import Settings
    from sikoia_async._transport.connector import Route
    from sikoia_async._transport.pool import ConnectionPool
    from sikoia_async.operations.fanout import EventFanout
    from sikoia_async.stores.shared import Stores

__all__ = ["Parts", "assemble"]

_TOKEN_CONNECTIONS: Final = 2


class Parts(NamedTuple):
    """What a client consists of."""

    api: Api
    pools: list[ConnectionPool]
    """Of the authorization server, if there is one, and of the API, which is the last."""
    source: TokenSource | None
    """Where access tokens come from; None if requests carry an API key."""
    token: ClientCredentials | None
    """The same, if the client fetches them itself."""


def assemble(settings: Settings) -> Parts:
    """Return the parts of a client with these settings."""
    where, connector, observers = settings.environment, settings.connector, settings.observers

    # 1. How requests are authorized: an API key, or an access token.
    lifecycle = Lifecycle()
    pools: list[ConnectionPool] = []
    given = settings.authorization
    client_id = None
    authorization: TokenSource | ApiKey
    if isinstance(given, Secret):
        client_id = plain_string(settings.client_id or "")
        # Tokens have their own connections, so that waiting calls cannot starve a renewal.
        token_pool = connector.new_pool(cast("Route", settings.token_endpoint), _TOKEN_CONNECTIONS)
        pools.append(token_pool)
        authorization = ClientCredentials(
            Client(token_pool),
            where,
            client_id,
            given,
            settings.token_store,
            clock=lifecycle.time,
            observers=observers,
        )
    elif isinstance(given, TokenFunction):
        from sikoia_async._auth.callable_token import CallableToken  # noqa: PLC0415 - loaded if used

        authorization = CallableToken(given.function)
    else:
        authorization = given

    # 2. What every call shares.
    limits, shared = settings.limits, settings.shared
    api_pool = connector.new_pool(settings.api, limits.max_in_flight)
    pools.append(api_pool)
    account = account_key(where, client_id)
    background = Background()
    registry = OperationRegistry(
        _signer(settings),
        rely_on_events=settings.rely_on_events,
        check=lifecycle.check,
        observers=observers,
    )
    context = ClientContext(
        client=Client(api_pool, _event_hooks(authorization)),
        environment=where.name,
        origin=where.api,
        headers=request_headers(where.api, settings.app_info),
        limits=limits,
        rate_limiter=_rate_limiter(settings, lifecycle.time, account, background),
        drift=Drift(observers),
        lifecycle=lifecycle,
        budget=RetryBudget(),
        spend=_new_spend(settings, account, lifecycle.time),
        tally=Tally(),
        registry=registry,
        fanout=_fanout(shared, account, registry, background, lifecycle.time),
        observers=observers,
        keys=settings.keys,
        hooks=settings.hooks,
        account=account,
        background=background,
        shared=shared,
    )
    return Parts(
        Api(context, settings.options),
        pools,
        source=None if isinstance(authorization, ApiKey) else authorization,
        token=authorization if isinstance(authorization, ClientCredentials) else None,
    )


def _signer(settings: Settings) -> TokenSigner:
    """Return what signs operation tokens: with the client's secret or API key, if it has one."""
    given, previous = settings.authorization, settings.previous_secret
    lasting = given.secret if isinstance(given, ApiKey) else given
    return TokenSigner(
        settings.environment.api,
        lasting.reveal() if isinstance(lasting, Secret) else "",
        None if previous is None else previous.reveal(),
    )


def _new_spend(settings: Settings, account: str, clock: Callable[[], float]) -> Spend:
    """Return the spend of a client, which a store limits if there is one."""
    limits, shared = settings.max_chargeable, settings.shared
    if shared is None or shared.spend is None:
        return Spend(limits, clock=clock)
    from sikoia_async._calls.shared_spend import SharedSpend  # noqa: PLC0415 - loaded if used
    from sikoia_async._calls.spend_limits import limits_of  # noqa: PLC0415 - loaded if used

    own = () if limits is None else limits_of(limits)
    return Spend(shared=SharedSpend(shared.spend, account, own, clock, settings.observers))


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


def _rate_limiter(
    settings: Settings, clock: Callable[[], float], account: str, background: Background
) -> RateLimiter | None:
    quota, shared, observers = settings.quota, settings.shared, settings.observers
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
