"""The client: puts the stack together, and gives each resource a name."""

from __future__ import annotations

from functools import cached_property
from sys import version_info
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, overload
from urllib.parse import urlsplit

import attrs

from sikoia_async._auth.client_credentials import ClientCredentials
from sikoia_async._auth.credentials import ApiKey, Credentials
from sikoia_async._auth.secret import Secret
from sikoia_async._calls.api import Api, CallOptions, ClientContext, validate_request
from sikoia_async._calls.idempotency import Keys, validate_header, validate_key
from sikoia_async._calls.lifecycle import Lifecycle
from sikoia_async._calls.stats import Stats, Tally
from sikoia_async._calls.usage import Spend
from sikoia_async._codec.drift import Drift
from sikoia_async._errors import ConfigurationError
from sikoia_async._hooks import correlation
from sikoia_async._hooks.auth import Authorize, ForgetRefused, SendApiKey
from sikoia_async._rate_limit.limiter import PRIORITIES, Quota, RateLimiter
from sikoia_async._retry.budget import RetryBudget
from sikoia_async._transport.connector import (
    Connector,
    http_client,
    local_authorities,
    validate_environment,
)
from sikoia_async._transport.exchange import Limits
from sikoia_async._validation import validate_seconds, validate_type, validate_whole
from sikoia_async._version import __version__
from sikoia_async.operations.interval import Interval
from sikoia_async.operations.registry import OperationRegistry
from sikoia_async.operations.token import TokenSigner

if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path
    from types import TracebackType

    import httpx

    from sikoia_async._auth.tokens import TokenSource, TokenStore
    from sikoia_async._calls.urls import QueryValue
    from sikoia_async._rate_limit.limiter import Priority
    from sikoia_async._transport.pool import ConnectionPool
    from sikoia_async.environments import Environment
    from sikoia_async.operations.operation import Operation
    from sikoia_async.resources.affordability import Affordability
    from sikoia_async.resources.banking import Banking
    from sikoia_async.resources.cases import Cases
    from sikoia_async.resources.checks import Checks
    from sikoia_async.resources.company_registry import CompanyRegistry
    from sikoia_async.resources.credit_reports import CreditReports
    from sikoia_async.resources.data_sources import DataSources
    from sikoia_async.resources.documents import Documents
    from sikoia_async.resources.identity import Identity
    from sikoia_async.resources.income import Income
    from sikoia_async.resources.online_data import OnlineData
    from sikoia_async.resources.reports import Reports
    from sikoia_async.resources.screening import Screening
    from sikoia_async.resources.users import Users
    from sikoia_async.resources.webhooks import Webhooks
    from sikoia_async.webhooks.feed import EventFeed

__all__ = ["Sikoia"]

T = TypeVar("T")

_TOKEN_PERMITS: Final = 2
_QUOTA: Final = Quota()


class Sikoia:
    """A client of the Sikoia API.

        async with Sikoia(client_id="…", client_secret="…", environment=STAGING) as sikoia:
            case = await sikoia.cases.retrieve(case_id)

    One client serves any number of concurrent calls of one event loop; make it once, in your
    application's lifespan, and close it at the end. Left-out credentials and environment come from
    `SIKOIA_CLIENT_ID`, `SIKOIA_CLIENT_SECRET`, `SIKOIA_ENVIRONMENT` and, for a local Sikoia,
    `SIKOIA_CA_FILE`.

    Args:
        client_id: of your application; production and staging have their own.
        client_secret: of your application.
        token: in place of the two: an access token, or a function, sync or async, that gives one.
        api_key: in place of a token: the legacy key of customers from before 2024.
        environment: `PRODUCTION`, `STAGING`, or an `Environment`.
        timeout: seconds that a call may take in all: waiting for quota and token, attempts,
            pauses and reading included.
        retries: how many attempts may follow a call's first one.
        quota: the rate limit that this client keeps to; None for no pacing.
        max_in_flight: how many requests may be under way at once.
        transport: a transport of yours; it is guarded like our own, and not closed.
        http_client: a client of yours whose pool and hooks are to be used; it is not closed.
        tls: a TLS context, or a file of certificate authorities to trust.
        proxy: address of a proxy. The process's environment is not asked for one.
        trust_env: take proxies and a TLS key log from the process's environment after all.
        token_store: shares the access token with other processes.
        max_chargeable: how many calls that may cost credits or money this client may make.
        idempotency_header: the header for idempotency keys, if Sikoia told you one: each call that
            creates or requests something then carries a key, and may be tried again. The vendor
            publishes none.
        rely_on_events: whether you give webhooks' events to `events.feed`. Operations whose end
            Sikoia announces are then asked about once when their event comes, and rarely before,
            unless a view says how often. Where one ends without its event, its like are asked about
            as without this, until such an event comes again.
        max_body: bytes of an answer that are read at most, after decompression.
        max_error_body: the same for errors; what is longer is cut.

    Raises:
        ConfigurationError: something given is missing, malformed or contradictory.
    """

    def __init__(
        self,
        client_id: str | None = None,
        client_secret: str | None = None,
        *,
        token: str | Callable[[], str | Awaitable[str]] | None = None,
        api_key: str | None = None,
        environment: Environment | None = None,
        timeout: float = 60.0,
        retries: int = 2,
        quota: Quota | None = _QUOTA,
        max_in_flight: int = 16,
        transport: httpx.AsyncBaseTransport | None = None,
        http_client: httpx.AsyncClient | None = None,
        tls: ssl.SSLContext | str | Path | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
        token_store: TokenStore | None = None,
        max_chargeable: int | None = None,
        idempotency_header: str | None = None,
        rely_on_events: bool = False,
        max_body: int = Limits().body,
        max_error_body: int = Limits().error_body,
    ) -> None:
        validate_whole("max_in_flight", max_in_flight, least=1)
        validate_whole("max_body", max_body, least=1)
        validate_whole("max_error_body", max_error_body, least=1)
        if max_chargeable is not None:
            validate_whole("max_chargeable", max_chargeable, least=0)
        validate_type("quota", quota, Quota, "a Quota(...), or None for no pacing")
        validate_type("rely_on_events", rely_on_events, bool, "True or False")
        if transport is not None and http_client is not None:
            msg = "give transport or http_client, but not both"
            raise ConfigurationError(msg)
        self._environment = validate_environment(environment)
        brought = transport or http_client
        if tls is None and brought is None and environment is None:
            tls = local_authorities(self._environment)
        self._wire = wire = Connector(brought, tls, proxy, trust_env=trust_env)
        credentials = Credentials(client_id, client_secret, token, api_key).or_from_environment()
        del client_secret, token, api_key  # what raises from here on shows no secret to tools
        self._pools: list[ConnectionPool] = []
        self._token: ClientCredentials | None = None
        lifecycle = Lifecycle()
        hooks = self._hooks(credentials, wire, token_store, lifecycle)
        origin = self._environment.api
        context = ClientContext(
            client=self._client(wire, origin, max_in_flight, hooks),
            origin=origin,
            headers=_headers(origin),
            limits=Limits(max_body, max_error_body),
            rate_limiter=RateLimiter(quota, lifecycle.time) if quota else None,
            drift=Drift(),
            lifecycle=lifecycle,
            budget=RetryBudget(),
            spend=Spend(max_chargeable),
            tally=Tally(),
            registry=OperationRegistry(
                TokenSigner(origin, credentials.signing_secret),
                rely_on_events=rely_on_events,
                check=lifecycle.check,
            ),
            keys=Keys(validate_header(idempotency_header)) if idempotency_header else None,
        )
        self._api = Api(context, _options(CallOptions(timeout=timeout, retries=retries)))

    # Resources are loaded when they are first used.

    @cached_property
    def affordability(self) -> Affordability:
        """Affordability insights: cash flow and spending, from bank data."""
        from sikoia_async.resources.affordability import Affordability  # noqa: PLC0415

        return Affordability(self._api)

    @cached_property
    def banking(self) -> Banking:
        """Open banking: connections, accounts, balances and transactions."""
        from sikoia_async.resources.banking import Banking  # noqa: PLC0415

        return Banking(self._api)

    @cached_property
    def cases(self) -> Cases:
        """Cases, and the companies and persons in them."""
        from sikoia_async.resources.cases import Cases  # noqa: PLC0415

        return Cases(self._api)

    @cached_property
    def checks(self) -> Checks:
        """Validation checks: whether the documents of an entity are complete."""
        from sikoia_async.resources.checks import Checks  # noqa: PLC0415

        return Checks(self._api)

    @cached_property
    def company_registry(self) -> CompanyRegistry:
        """What companies' registers say."""
        from sikoia_async.resources.company_registry import CompanyRegistry  # noqa: PLC0415

        return CompanyRegistry(self._api)

    @cached_property
    def credit_reports(self) -> CreditReports:
        """Credit reports on companies."""
        from sikoia_async.resources.credit_reports import CreditReports  # noqa: PLC0415

        return CreditReports(self._api)

    @cached_property
    def data_sources(self) -> DataSources:
        """The documents and connections that insights are made from."""
        from sikoia_async.resources.data_sources import DataSources  # noqa: PLC0415

        return DataSources(self._api)

    @cached_property
    def documents(self) -> Documents:
        """Documents of an entity, and the checks of their integrity."""
        from sikoia_async.resources.documents import Documents  # noqa: PLC0415

        return Documents(self._api)

    @cached_property
    def identity(self) -> Identity:
        """Identity verification of persons."""
        from sikoia_async.resources.identity import Identity  # noqa: PLC0415

        return Identity(self._api)

    @cached_property
    def income(self) -> Income:
        """Income and employer verification."""
        from sikoia_async.resources.income import Income  # noqa: PLC0415

        return Income(self._api)

    @cached_property
    def online_data(self) -> OnlineData:
        """What can be found online about a company."""
        from sikoia_async.resources.online_data import OnlineData  # noqa: PLC0415

        return OnlineData(self._api)

    @cached_property
    def reports(self) -> Reports:
        """The Excel report about an entity."""
        from sikoia_async.resources.reports import Reports  # noqa: PLC0415

        return Reports(self._api)

    @cached_property
    def screening(self) -> Screening:
        """Searches for politically exposed persons, sanctions and adverse media."""
        from sikoia_async.resources.screening import Screening  # noqa: PLC0415

        return Screening(self._api)

    @cached_property
    def users(self) -> Users:
        """The people of your organisation who use Sikoia."""
        from sikoia_async.resources.users import Users  # noqa: PLC0415

        return Users(self._api)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Webhooks, their secrets, and the log of what was delivered."""
        from sikoia_async.resources.webhooks import Webhooks  # noqa: PLC0415

        return Webhooks(self._api)

    @cached_property
    def events(self) -> EventFeed:
        """Where the events of webhooks go that are to wake operations."""
        from sikoia_async.webhooks.feed import EventFeed  # noqa: PLC0415 - loaded when first used

        return EventFeed(self._api.context.registry, self._api.context.lifecycle)

    @property
    def environment(self) -> Environment:
        """The environment that this client talks to."""
        return self._environment

    @property
    def spend(self) -> Mapping[str, int]:
        """Calls that did or may have cost credits or money, by operation: `POST /v2/identity`.

        Calls that Sikoia refused, or that were never sent, are not counted.
        """
        return self._api.context.spend

    def stats(self) -> Stats:
        """Return what this client has done so far, and how much it has left.

        On trio, call it where the event loop runs: the clock is the loop's.
        """
        context = self._api.context
        # Before the first use there is no clock, and nothing to measure.
        rate_limiter = context.rate_limiter if context.lifecycle.used else None
        unused = (
            context.rate_limiter.limit if context.rate_limiter and rate_limiter is None else None
        )
        return Stats(
            calls=context.tally.calls,
            attempts=context.tally.attempts,
            waiting=sum(rate_limiter.waiting.values()) if rate_limiter else 0,
            waited=rate_limiter.waited if rate_limiter else 0.0,
            quota_left=rate_limiter.left if rate_limiter else unused,
            paused=rate_limiter.paused if rate_limiter else 0.0,
            retry_budget=context.budget.left,
            connections_replaced=sum(guard.connections_replaced for guard in self._pools),
            in_flight=sum(guard.in_use for guard in self._pools),
            token_age=self._token.age if self._token else None,
            spend=dict(context.spend),
        )

    @property
    def drift(self) -> Mapping[str, int]:
        """Where answers differed from what this SDK knows, and how often."""
        return self._api.context.drift

    def with_options(
        self,
        *,
        timeout: float | None = None,
        retries: int | None = None,
        correlation_id: str | None = None,
        idempotency_key: str | None = None,
        priority: Priority | None = None,
        interval: Interval | None = None,
    ) -> Self:
        """Return a view of this client that makes its calls differently.

        It is cheap, and shares everything else: connections, token, quota. Closing either closes
        both.

        Args:
            timeout: seconds that a call may take in all.
            retries: how many attempts may follow a call's first one. More than 0 is refused for
                calls that may cost money, unless they carry an idempotency key.
            correlation_id: sent with each call, in place of a new one.
            idempotency_key: sent with the call, in place of a new one. It stands for one request:
                make a view for each.
            priority: `interactive`, `poll` or `background`: who goes first while the quota is
                scarce.
            interval: how often operations are asked about that this view begins.

        Raises:
            ConfigurationError: a value is out of its range, or the client has no
                `idempotency_header`.
        """
        if idempotency_key is not None and self._api.context.keys is None:
            msg = "idempotency_key: make the client with idempotency_header=..., if Sikoia told one"
            raise ConfigurationError(msg)
        old = self._api.options
        options = CallOptions(
            timeout=old.timeout if timeout is None else timeout,
            retries=old.retries if retries is None else retries,
            correlation_id=old.correlation_id if correlation_id is None else correlation_id,
            idempotency_key=old.idempotency_key if idempotency_key is None else idempotency_key,
            priority=old.priority if priority is None else priority,
            interval=old.interval if interval is None else interval,
            insists=old.insists if retries is None else retries > 0,
        )
        view = object.__new__(type(self))
        view._environment, view._pools = self._environment, self._pools
        view._token = self._token
        view._wire = self._wire
        view._api = attrs.evolve(self._api, options=_options(options))
        return view

    @overload
    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, QueryValue] | None = None,
        body: Mapping[str, Any] | None = None,
        chargeable: bool = False,
    ) -> Any: ...
    @overload
    async def request(
        self,
        method: str,
        path: str,
        *,
        into: type[T],
        query: Mapping[str, QueryValue] | None = None,
        body: Mapping[str, Any] | None = None,
        chargeable: bool = False,
    ) -> T: ...
    async def request(
        self,
        method: str,
        path: str,
        *,
        into: type[Any] = object,
        query: Mapping[str, QueryValue] | None = None,
        body: Mapping[str, Any] | None = None,
        chargeable: bool = False,
    ) -> Any:
        """Call an endpoint that this SDK does not know yet, with all that it does for the others.

        Args:
            method: `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
            path: an absolute path, such as `/v2/cases`.
            into: what the answer is to become: an attrs class, `Items[...]` of one, `bytes`, or
                `type(None)` to ignore the body; plain Python if left out.
            query: parameters of the query.
            body: fields of the JSON body; those that are None are left out.
            chargeable: whether it may cost credits or money: then it is counted in `spend`, and
                never sent again where it may have arrived, not even a GET.

        Returns:
            The answer. A task that is accepted by a 202 is waited for, at most `timeout` seconds;
            `start` gives the task itself.

        Raises:
            ConfigurationError: something given cannot be sent.
            SikoiaError: what any call may raise.
        """
        validate_request(method, path, into)
        return await self._api.call(
            method, path, into, query=query, body=body, chargeable=chargeable
        )

    async def start(
        self,
        method: str,
        path: str,
        *,
        into: type[T],
        query: Mapping[str, QueryValue] | None = None,
        body: Mapping[str, Any] | None = None,
        chargeable: bool = False,
    ) -> Operation[T]:
        """Call an endpoint that answers by a task (202), and return that task to wait for.

        It follows the answer's `Location`, or else asks at the same path. An answer of another
        kind gives an operation that is done. Parameters are those of `request`.
        """
        validate_request(method, path, into)
        return await self._api.start(
            method, path, into, query=query, body=body, chargeable=chargeable
        )

    def operation(self, token: str) -> Operation[Any]:
        """Return the operation that a token stands for, to wait for it in this process.

            report: IncomeReport = await sikoia.operation(token)

        Nothing is sent until it is awaited. A token works for years: it holds ids, and no secret.

        Args:
            token: `operation.token`, or the `token` of an OperationTimeoutError.

        Raises:
            ConfigurationError: it is no such token, was changed, or is of another environment, of
                other credentials or of a newer version of this SDK.
        """
        from sikoia_async.resources._resume import resume  # noqa: PLC0415 - loaded when first used

        return resume(self._api, *self._api.context.registry.signer.read(token))

    async def download(self, link: str | None) -> bytes:
        """Return the file that a link of Sikoia's leads to, such as `Document.document_uri`.

        No token goes there, and the rate limit does not count it. Errors and logs tell the link's
        host, and not the link.

        Raises:
            ConfigurationError: this is no such link.
            LinkExpiredError: it is over; retrieve what it came with again for a new one.
            UnexpectedResponseError: what came is no file, or larger than `max_body`.
            CallError: what any call may raise.
        """
        from sikoia_async._calls.download import download  # noqa: PLC0415 - loaded when first used

        return await download(self._api, self._wire, link)

    async def save(self, link: str | None, path: str | os.PathLike[str]) -> int:
        """Write the file that a link leads to, of any size, and return how many bytes that were.

        The file appears when it is whole, in place of one that was there; its owner alone may read
        it. What `download` says of links holds here, too. For a large file give the call more
        time: `sikoia.with_options(timeout=600).save(...)`.

        Raises:
            ConfigurationError: the file cannot be written there; nothing was sent.
            CallError: what `download` may raise, or writing failed on the way.
        """
        from sikoia_async._calls.download import save  # noqa: PLC0415 - loaded when first used

        return await save(self._api, self._wire, link, path)

    async def aclose(self) -> None:
        """Close the client and its connections; once is enough, twice does no harm.

        Calls under way come to their end; new ones, and further attempts, are refused. Who waits
        for an operation gets a ClientStateError: it goes on at Sikoia.

        Raises:
            ClientStateError: the client belongs to another event loop or process.
        """
        lifecycle = self._api.context.lifecycle
        if not lifecycle.closed:
            lifecycle.check()
        lifecycle.closed = True
        self._api.context.registry.close()
        for guard in self._pools:
            await guard.aclose()

    async def __aenter__(self) -> Self:
        self._api.context.lifecycle.check()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<Sikoia {self._environment.name}>"

    def _hooks(
        self,
        credentials: Credentials,
        wire: Connector,
        store: TokenStore | None,
        lifecycle: Lifecycle,
    ) -> dict[str, list[Callable[..., Any]]]:
        """Choose the event hooks: correlation always, and authorization by what was given."""
        given = credentials.given()
        if isinstance(given, ApiKey):
            send = SendApiKey(given.secret)
            return {"request": [correlation.send, send], "response": [correlation.received]}
        source: TokenSource = (
            self._client_credentials(credentials, given, wire, store, lifecycle)
            if isinstance(given, Secret)
            else given
        )
        return {
            "request": [correlation.send, Authorize(source)],
            "response": [correlation.received, ForgetRefused(source)],
        }

    def _client_credentials(
        self,
        credentials: Credentials,
        secret: Secret,
        wire: Connector,
        store: TokenStore | None,
        lifecycle: Lifecycle,
    ) -> ClientCredentials:
        # A client of its own: no hooks, and permits that no call can hold while it needs a token.
        client = self._client(wire, self._environment.token_url, _TOKEN_PERMITS, {})
        self._token = ClientCredentials(
            client,
            self._environment,
            str(credentials.client_id),
            secret,
            store,
            clock=lifecycle.time,
        )
        return self._token

    def _client(
        self, wire: Connector, url: str, permits: int, hooks: dict[str, list[Callable[..., Any]]]
    ) -> httpx.AsyncClient:
        guard = wire.guard(url, permits)
        self._pools.append(guard)
        return http_client(guard, hooks)


def _options(options: CallOptions) -> CallOptions:
    validate_seconds("timeout", options.timeout)
    validate_whole("retries", options.retries, least=0)
    if options.correlation_id is not None:
        correlation.checked(options.correlation_id)
    if options.interval is not None:
        validate_type("interval", options.interval, Interval, "an Interval(...)")
    if options.idempotency_key is not None:
        validate_key(options.idempotency_key)
    if options.priority not in PRIORITIES:
        msg = f"priority: give one of {', '.join(PRIORITIES)}"
        raise ConfigurationError(msg)
    return options


def _headers(origin: str) -> dict[str, str]:
    """Return what every request carries.

    Source: https://docs.sikoia.com/docs/api-behaviour asks for both JSON headers on each.
    """
    return {
        "Host": urlsplit(origin).netloc,
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Content-Type": "application/json",
        "User-Agent": f"sikoia-async/{__version__} Python/{version_info[0]}.{version_info[1]}",
    }
