"""The settings of a client: its arguments, once they are valid.

Everything that can be wrong with them is found here, when the client is created. What sends
requests is loaded with the first call, so this module imports none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

from sikoia_async._auth.secret import Secret
from sikoia_async._calls.options import CallOptions
from sikoia_async._errors import ConfigurationError
from sikoia_async._rate_limit.quota import Quota
from sikoia_async._settings import variables
from sikoia_async._transport.connector import Connector, local_authorities, validate_environment
from sikoia_async._transport.limits import Limits
from sikoia_async._validation import (
    settings,
    validate_required,
    validate_seconds,
    validate_type,
    validate_whole,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from sikoia_async._auth.credentials import ApiKey, Credentials, TokenFunction
    from sikoia_async._auth.tokens import StaticToken
    from sikoia_async._calls.hooks import Hooks
    from sikoia_async._calls.idempotency import Keys
    from sikoia_async._calls.spend_limits import Limits as SpendLimits
    from sikoia_async._errors import CallInfo
    from sikoia_async._settings.variables import LogLevel
    from sikoia_async._transport.adapters import HttpClient, HttpTransport
    from sikoia_async._transport.connector import Route
    from sikoia_async.environments import Environment, EnvironmentName
    from sikoia_async.models import ResponseInfo
    from sikoia_async.observers._observers import Observers
    from sikoia_async.observers.events import Observer
    from sikoia_async.stores.protocols import TokenStore
    from sikoia_async.stores.shared import Stores

__all__ = ["Settings", "settings_of", "validate_limits"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Settings:
    """The valid settings of a client; `Sikoia` documents them."""

    authorization: Secret | StaticToken | TokenFunction | ApiKey
    """What `Credentials.resolve` returned."""
    client_id: str | None
    previous_secret: Secret | None
    environment: Environment
    connector: Connector
    api: Route
    """How the API is reached."""
    token_endpoint: Route | None
    """How the token endpoint is reached; None if the client fetches no access tokens."""
    options: CallOptions
    """The options of its calls, unless a view changes them."""
    quota: Quota | None
    limits: Limits
    shared: Stores | None
    token_store: TokenStore | None
    max_chargeable: SpendLimits | None
    keys: Keys | None
    app_info: str | None
    hooks: Hooks | None
    observers: Observers | None
    rely_on_events: bool | Literal["always"]


def settings_of(
    credentials: Credentials,
    previous_secret: Secret | None,
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
) -> Settings:
    """Return the settings of a client; `Sikoia` documents the arguments.

    Environment variables apply to the timeout and the rate limit if these are the `defaults`.

    Raises:
        ConfigurationError: an argument is missing or invalid, or arguments contradict each other.
    """
    if timeout is defaults[0]:  # the default itself: a 60.0 that is passed is another object
        timeout = variables.timeout() or timeout
    if quota is defaults[1]:
        quota = Quota(max(1, int(defaults[1].limit * (variables.quota_share() or 1))))
    if max_chargeable is None:
        max_chargeable = variables.max_chargeable()
    if rely_on_events is None:
        rely_on_events = variables.rely_on_events() or False
    _print_logs(variables.log_level())
    token_store = _token_store(token_store, shared)
    hooks = _hooks(on_request, on_response)
    told = None if observers is None else _observers_of(observers)
    keys = None if idempotency_header is None else _keys(idempotency_header)
    with settings():
        validate_type("limits", validate_required("limits", limits), Limits, "a Limits(...)")
        validate_type("quota", quota, Quota, "a Quota(...), or None for no rate limit")
        if rely_on_events != "always":
            validate_type("rely_on_events", rely_on_events, bool, 'True, False or "always"')
        max_chargeable = validate_limits(max_chargeable)
        app_info = None if app_info is None else _app_info(app_info)
        options = CallOptions(
            headers=None if headers is None else _headers(headers, keys),
            timeout=validate_seconds("timeout", timeout),
            retries=validate_whole("retries", retries, least=0),
        )
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
    authorization = credentials.resolve()
    fetches_token = isinstance(authorization, Secret)
    return Settings(
        authorization=authorization,
        client_id=credentials.client_id,
        previous_secret=previous_secret,
        environment=where,
        connector=connector,
        api=connector.route(where.api),
        token_endpoint=connector.route(where.token_url) if fetches_token else None,
        options=options,
        quota=quota,
        limits=limits,
        shared=shared,
        token_store=token_store,
        max_chargeable=max_chargeable,
        keys=keys,
        app_info=app_info,
        hooks=hooks,
        observers=told,
        rely_on_events=rely_on_events,
    )


# What most clients do without is loaded if it is used.


def _print_logs(level: LogLevel | None) -> None:
    if level is not None:
        from sikoia_async._settings.log_output import print_logs  # noqa: PLC0415

        print_logs(level)


def _brought(
    transport: HttpTransport | None, http_client: HttpClient | None
) -> HttpTransport | HttpClient | None:
    """Return what the caller brings to send requests with."""
    if transport is None and http_client is None:
        return None
    if transport is not None and http_client is not None:
        msg = "transport, http_client: pass one of them, not both"
        raise ConfigurationError(msg)
    from sikoia_async._transport.adapters import validate_client, validate_transport  # noqa: PLC0415

    validate_transport("transport", transport)
    validate_client(http_client)
    return http_client if transport is None else transport


def _token_store(token_store: TokenStore | None, shared: Stores | None) -> TokenStore | None:
    """Return the store for the access token, if the stores can be used."""
    if shared is not None:
        from sikoia_async.stores.shared import validate_stores  # noqa: PLC0415

        validate_stores("shared", shared)
    if token_store is None:
        return None if shared is None else shared.token
    from sikoia_async.stores.shared import validate_store  # noqa: PLC0415

    validate_store("token_store", "token", token_store)
    return token_store


def _hooks(
    on_request: Callable[[CallInfo], object] | None,
    on_response: Callable[[ResponseInfo], object] | None,
) -> Hooks | None:
    if on_request is None and on_response is None:
        return None
    from sikoia_async._calls.hooks import Hooks  # noqa: PLC0415

    return Hooks(on_request, on_response)


def _observers_of(observers: Sequence[Observer]) -> Observers | None:
    from sikoia_async.observers._observers import observers_of  # noqa: PLC0415

    return observers_of(observers)


def _keys(header: str) -> Keys:
    from sikoia_async._calls.idempotency import Keys, validate_header  # noqa: PLC0415

    return Keys(validate_header(header))


def _app_info(app_info: str) -> str:
    from sikoia_async._calls.headers import validate_app_info  # noqa: PLC0415

    return validate_app_info(app_info)


def _headers(headers: Mapping[str, str], keys: Keys | None) -> dict[str, str]:
    from sikoia_async._calls.headers import validate_headers  # noqa: PLC0415

    return validate_headers(headers, None if keys is None else keys.header)


def validate_limits(limits: SpendLimits | None) -> SpendLimits | None:
    """Return `max_chargeable`, if it is valid."""
    if limits is not None:
        from sikoia_async._calls.spend_limits import limits_of  # noqa: PLC0415

        limits_of(limits)
    return limits
