"""The client: has what calls need built with the first use, and gives each resource a name."""

from __future__ import annotations

from functools import cached_property
from inspect import getattr_static
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, Self, TypeVar, cast, overload

from sikoia_async._errors import ArgumentTypeError, ConfigurationError
from sikoia_async._rate_limit.quota import Quota
from sikoia_async._transport.limits import Limits
from sikoia_async._transport.tracebacks import without_frames, without_frames_sync
from sikoia_async._validation import (
    NotCopyable,
    no_attribute,
)
from sikoia_async.resources._resource import resource_property

if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from uuid import UUID

    from sikoia_async._calls.api import Api
    from sikoia_async._calls.spend_limits import SpendLimit
    from sikoia_async._calls.stats import Stats
    from sikoia_async._calls.urls import QueryValue
    from sikoia_async._errors import CallInfo
    from sikoia_async._rate_limit.queue import Priority
    from sikoia_async._transport.adapters import HttpClient, HttpTransport
    from sikoia_async.batch.batch import Batch
    from sikoia_async.batch.file import OnConflict
    from sikoia_async.batch.purchases import Purchases
    from sikoia_async.environments import Environment, EnvironmentName
    from sikoia_async.models import ResponseInfo
    from sikoia_async.observers.events import Observer
    from sikoia_async.operations.interval import Interval
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
    from sikoia_async.stores.protocols import TokenStore
    from sikoia_async.stores.shared import Stores
    from sikoia_async.webhooks.feed import EventFeed

__all__ = ["Sikoia"]

T = TypeVar("T")

_TIMEOUT: Final = 60.0
_QUOTA: Final = Quota()
_LIMITS: Final = Limits()


class _Unchanged:
    """The default of an option that a view keeps, so that None can reset it."""

    def __repr__(self) -> str:
        return "<unchanged>"


_UNCHANGED: Final[Any] = _Unchanged()


class Sikoia(NotCopyable):
    """A client for the Sikoia API.

        async with Sikoia(client_id="…", client_secret="…", environment=STAGING) as sikoia:
            case = await sikoia.cases.retrieve(case_id)

    One client serves any number of concurrent calls in one event loop. Create it once, in the
    lifespan of your application, and close it at the end. Credentials, environment, `timeout`,
    `quota`, `max_chargeable` and `rely_on_events` that you do not pass are read from environment
    variables: `SIKOIA_CLIENT_ID`, `SIKOIA_CLIENT_SECRET` and others, see "The client" in the
    documentation.

    Args:
        client_id: the client id of your application; production and staging have different ones.
        client_secret: the client secret of your application.
        previous_secret: the client secret, or API key, before you changed it. Operation tokens that
            were signed with it are still accepted; nothing else uses it.
        token: an access token, or a function, sync or async, that returns one. Replaces the client
            id and secret.
        api_key: the legacy API key of customers from before 2024. Replaces the token.
        environment: `"production"`, `"staging"`, or an `Environment` such as `STAGING`.
        timeout: seconds that a call may take, 60 by default, including waits for the rate limit and
            the access token, all attempts, backoff, and reading the response. A response that
            arrives in time is never discarded.
        retries: how many times a call may be retried.
        quota: the rate limit that this client stays within; None to send without a limit.
        limits: how many requests may be in flight at once, and how large bodies may be.
        transport: your own transport of httpx or httpx2. The same limits apply, and you close it.
            Only an `AsyncHTTPTransport` shows that a request was not sent; with any other, a
            request that fails counts as sent.
        http_client: your own `httpx.AsyncClient`, `httpx2.AsyncClient` or `aiohttp.ClientSession`,
            for its connections and its hooks. You close it. `raise_for_status` in a hook has no
            effect: calls raise the SDK's errors. Any other exception of a hook reaches the caller
            unchanged.
        tls: an SSL context that verifies certificates and host names, or the path of a file of
            certificate authorities, which are then the only ones trusted. Also for an https proxy,
            but not for the hosts of download links.
        link_tls: the same for the hosts of download links, if they need it. By default, they see no
            client certificate, and public authorities are trusted. Links to the API's own host and
            port use `tls`.
        link_hosts: the hosts that download links may lead to, such as `files.example.com` or
            `*.example.com`; None for any host. Set it in a server that fetches links for others.
        proxy: the URL of an HTTP proxy, such as `http://user:password@proxy.example:3128`, with
            special characters of user name and password percent-encoded.
        trust_env: whether environment variables may name a proxy (`HTTPS_PROXY`, `HTTP_PROXY`,
            `ALL_PROXY`, `NO_PROXY`), a TLS key log (`SSLKEYLOGFILE`) and, without `tls`, further
            certificate authorities (`SSL_CERT_FILE`, `SSL_CERT_DIR`, or else the system's).
        shared: what this client shares with other processes, such as the rate limit and the access
            token: `SqliteStores("sikoia.db")` on one host, `RedisStores(client)` or
            `PostgresStores(pool)` on several. Closing the client closes the connections that they
            opened; they can be used again.
        token_store: shares the access token between processes, instead of the store in `shared`.
        max_chargeable: how many calls that may cost credits or money this client may make: a
            number, or `SpendLimit`s by operation, period or tag. With stores that count spend in
            `shared`, the limit is for all processes together, until `reset_spend`, and such calls
            are refused while the store is unavailable.
        idempotency_header: the name of the header for idempotency keys, if Sikoia gave you one;
            the public documentation has none. Each POST then carries a key, and can be retried.
        headers: headers to add to each request to the API, for example for a gateway. They are not
            sent with token requests and downloads by link. Headers that this SDK sets are refused.
        app_info: your application, such as `loans/1.4`, to be added to the User-Agent.
        on_request: a function, sync or async, that is called before each attempt of a call, with
            the record of the call so far. If it raises, the attempt is not made, and the exception
            reaches the caller.
        on_response: the same after each response, whatever its status. If it raises, the error is
            logged and the call continues, because its response may have cost money.
        observers: objects that see what the client and its views do: calls, waits for the rate
            limit, renewals of the access token, purchases, operations, and more; see
            `sikoia_async.observers`. If one raises, the exception is logged once and has no other
            effect.
        rely_on_events: whether you pass webhook events to `events.feed`. Once 16 operations of a
            kind in a row have had their event, operations of that kind are polled rarely until
            their event arrives, and once when it does. If one finishes and no event arrives, they
            are polled normally until events have proved themselves again. `"always"` relies on
            events from the start: use it if you pass each event to every process. If stores in
            `shared` carry events, an event that one process gets reaches all, and True relies on
            events from the start, as long as the store is available. An `interval` set by
            `with_options` takes precedence.

    Raises:
        ConfigurationError: an argument is missing or invalid, or arguments contradict each other.
    """

    _not_copyable = (
        "a client cannot be pickled or deep-copied, because it holds connections and credentials: "
        "create one in each process, or call with_options() for a view"
    )

    @without_frames_sync
    def __init__(
        self,
        client_id: str | None = None,
        client_secret: str | None = None,
        *,
        token: str | Callable[[], str | Awaitable[str]] | None = None,
        api_key: str | None = None,
        previous_secret: str | None = None,
        environment: Environment | EnvironmentName | None = None,
        timeout: float = _TIMEOUT,
        retries: int = 2,
        quota: Quota | None = _QUOTA,
        limits: Limits = _LIMITS,
        transport: HttpTransport | None = None,
        http_client: HttpClient | None = None,
        tls: ssl.SSLContext | str | Path | None = None,
        link_tls: ssl.SSLContext | str | Path | None = None,
        link_hosts: Collection[str] | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
        shared: Stores | None = None,
        token_store: TokenStore | None = None,
        max_chargeable: int | SpendLimit | Sequence[SpendLimit] | None = None,
        idempotency_header: str | None = None,
        headers: Mapping[str, str] | None = None,
        app_info: str | None = None,
        on_request: Callable[[CallInfo], object] | None = None,
        on_response: Callable[[ResponseInfo], object] | None = None,
        observers: Sequence[Observer] | None = None,
        rely_on_events: bool | Literal["always"] | None = None,
    ) -> None:
        # Loaded with the first client: programs that only import the SDK need none of it.
        from sikoia_async._auth.credentials import Credentials  # noqa: PLC0415
        from sikoia_async._auth.secret import Secret  # noqa: PLC0415
        from sikoia_async._calls.on_demand import PartsOnDemand  # noqa: PLC0415
        from sikoia_async._calls.settings import settings_of  # noqa: PLC0415
        from sikoia_async._transport.proxies import masked_proxy  # noqa: PLC0415

        credentials = Credentials(client_id, client_secret, token, api_key).or_from_environment()
        previous = None
        if previous_secret is not None:
            previous = Secret("previous_secret", previous_secret)
        # Error reporters print the locals of a traceback.
        del client_secret, token, api_key, previous_secret
        proxy = masked_proxy(proxy)
        settings = settings_of(
            credentials,
            previous,
            defaults=(_TIMEOUT, _QUOTA),
            proxy=proxy,
            environment=environment,
            timeout=timeout,
            retries=retries,
            quota=quota,
            limits=limits,
            transport=transport,
            http_client=http_client,
            tls=tls,
            link_tls=link_tls,
            link_hosts=link_hosts,
            trust_env=trust_env,
            shared=shared,
            token_store=token_store,
            max_chargeable=max_chargeable,
            idempotency_header=idempotency_header,
            headers=headers,
            app_info=app_info,
            on_request=on_request,
            on_response=on_response,
            observers=observers,
            rely_on_events=rely_on_events,
        )
        self._environment = settings.environment
        self._connector = settings.connector
        self._defaults = settings.options
        self._parts = PartsOnDemand(settings)
        self._own_api: Api | None = None  # a view has one

    @property
    def _api(self) -> Api:
        """What makes the calls."""
        return self._own_api or self._parts.get().api

    # Resources are loaded when they are first used.

    @resource_property
    def affordability(self) -> Affordability:
        """Affordability insights: cash flow and spending, from bank data."""
        from sikoia_async.resources.affordability import Affordability  # noqa: PLC0415

        return Affordability(self._api)

    @resource_property
    def banking(self) -> Banking:
        """Open banking: connections, accounts, balances and transactions."""
        from sikoia_async.resources.banking import Banking  # noqa: PLC0415

        return Banking(self._api)

    @resource_property
    def cases(self) -> Cases:
        """Cases, with their companies and persons."""
        from sikoia_async.resources.cases import Cases  # noqa: PLC0415

        return Cases(self._api)

    @resource_property
    def checks(self) -> Checks:
        """Validation checks on the completeness of an entity's documents."""
        from sikoia_async.resources.checks import Checks  # noqa: PLC0415

        return Checks(self._api)

    @resource_property
    def company_registry(self) -> CompanyRegistry:
        """Company registry data."""
        from sikoia_async.resources.company_registry import CompanyRegistry  # noqa: PLC0415

        return CompanyRegistry(self._api)

    @resource_property
    def credit_reports(self) -> CreditReports:
        """Credit reports on companies."""
        from sikoia_async.resources.credit_reports import CreditReports  # noqa: PLC0415

        return CreditReports(self._api)

    @resource_property
    def data_sources(self) -> DataSources:
        """The documents and connections that insights are based on."""
        from sikoia_async.resources.data_sources import DataSources  # noqa: PLC0415

        return DataSources(self._api)

    @resource_property
    def documents(self) -> Documents:
        """Documents of an entity, and their integrity checks."""
        from sikoia_async.resources.documents import Documents  # noqa: PLC0415

        return Documents(self._api)

    @resource_property
    def identity(self) -> Identity:
        """Identity verification of persons."""
        from sikoia_async.resources.identity import Identity  # noqa: PLC0415

        return Identity(self._api)

    @resource_property
    def income(self) -> Income:
        """Income and employer verification."""
        from sikoia_async.resources.income import Income  # noqa: PLC0415

        return Income(self._api)

    @resource_property
    def online_data(self) -> OnlineData:
        """Online data about a company: website, reviews, social media."""
        from sikoia_async.resources.online_data import OnlineData  # noqa: PLC0415

        return OnlineData(self._api)

    @resource_property
    def reports(self) -> Reports:
        """The Excel report on an entity."""
        from sikoia_async.resources.reports import Reports  # noqa: PLC0415

        return Reports(self._api)

    @resource_property
    def screening(self) -> Screening:
        """Screening: politically exposed persons, sanctions and adverse media."""
        from sikoia_async.resources.screening import Screening  # noqa: PLC0415

        return Screening(self._api)

    @resource_property
    def users(self) -> Users:
        """The users of your organisation."""
        from sikoia_async.resources.users import Users  # noqa: PLC0415

        return Users(self._api)

    @resource_property
    def webhooks(self) -> Webhooks:
        """Webhook subscriptions, their secret, and the delivery log."""
        from sikoia_async.resources.webhooks import Webhooks  # noqa: PLC0415

        return Webhooks(self._api)

    @resource_property
    def purchases(self) -> Purchases:
        """Chargeable requests that are made once, also across crashes."""
        from sikoia_async.batch.purchases import Purchases  # noqa: PLC0415 - loaded when first used

        return Purchases(self._api)

    @resource_property
    def events(self) -> EventFeed:
        """The feed for webhook events: pass it each event that may finish an operation."""
        from sikoia_async.webhooks.feed import EventFeed  # noqa: PLC0415 - loaded when first used

        context = self._api.context
        return EventFeed(context.registry, context.lifecycle, context.fanout)

    @property
    def environment(self) -> Environment:
        """The environment of this client."""
        return self._environment

    @property
    def spend(self) -> Mapping[str, int]:
        """How many calls cost, or may have cost, money, by operation, such as `identity.request`.

        A call of `request` to an endpoint without a method is named by its HTTP method and path,
        with `{id}` for each id.

        A call counts from the moment it is sent. Calls that Sikoia rejected, that were never sent,
        or that are still waiting, for example for the rate limit, do not count.
        """
        return self._api.context.spend

    @without_frames
    async def total_spend(self) -> dict[str, int]:
        """Return how many calls cost, or may have cost, money, in all processes together.

        The count comes from the stores that this client shares, and begins at the last
        `reset_spend`. If they do not count spend, only this client counts, as in `spend`.

        Raises:
            StoreError: the store is unavailable.
        """
        spend = self._api.context.spend
        self._api.context.lifecycle.check()
        return dict(spend if spend.shared is None else await spend.shared.spent())

    @without_frames
    async def reset_spend(self) -> None:
        """Reset the count of chargeable calls for all processes, including those of `SpendLimit`s.

        Raises:
            ConfigurationError: the client shares no stores that count spend.
            StoreError: the store is unavailable.
        """
        shared = self._api.context.spend.shared
        self._api.context.lifecycle.check()
        if shared is None:
            msg = "reset_spend: requires stores that count spend, such as SqliteStores, in shared"
            raise ConfigurationError(msg)
        await shared.reset()

    def stats(self) -> Stats:
        """Return counters and gauges of this client: calls, rate limit, connections, spend.

        On trio, call it from a task: it reads the event loop's clock.
        """
        from sikoia_async._calls.stats import Stats  # noqa: PLC0415 - loaded when first used

        context = self._api.context
        parts = self._parts.get()
        limiter = context.rate_limiter
        unused = limiter.limit if limiter else None
        if not context.lifecycle.used:  # the clock has not started: nothing to measure
            limiter = None
        return Stats(
            calls=context.tally.calls,
            attempts=context.tally.attempts,
            waiting=sum(limiter.waiting.values()) if limiter else 0,
            waited=limiter.waited if limiter else 0.0,
            quota_left=limiter.left if limiter else unused,
            paused=limiter.paused if limiter else 0.0,
            retry_budget=context.budget.left,
            connections_replaced=sum(pool.connections_replaced for pool in parts.pools),
            in_flight=sum(pool.in_use for pool in parts.pools),
            token_age=parts.token.age if parts.token else None,
            spend=dict(context.spend),
        )

    @property
    def drift(self) -> Mapping[str, int]:
        """How often responses differed from this SDK's models, by field and kind of difference."""
        return self._api.context.drift

    def with_options(
        self,
        *,
        timeout: float | None = _UNCHANGED,
        retries: int | None = _UNCHANGED,
        correlation_id: str | UUID | None = _UNCHANGED,
        idempotency_key: str | None = _UNCHANGED,
        priority: Priority | None = _UNCHANGED,
        interval: Interval | None = _UNCHANGED,
        headers: Mapping[str, str] | None = _UNCHANGED,
        extra_query: Mapping[str, QueryValue] | None = _UNCHANGED,
        extra_body: Mapping[str, Any] | None = _UNCHANGED,
        keep_extra: bool | None = _UNCHANGED,
        keep_body: bool | None = _UNCHANGED,
        max_chargeable: int | SpendLimit | Sequence[SpendLimit] | None = None,
    ) -> Self:
        """Return a view of this client with other options for its calls.

        A view is cheap, and shares connections, access token and rate limit with the client.
        Closing one closes both. None resets an option to what the client was created with.

        Args:
            timeout: seconds that a call may take.
            retries: how many times a call may be retried. For calls that may cost money, more than
                0 is refused unless they carry an idempotency key.
            correlation_id: the correlation id to send with every call, instead of a new one each.
            idempotency_key: the idempotency key to send, instead of a new one. A key identifies one
                request: create a view for each.
            priority: `interactive`, `poll` or `background`: which calls go first when the rate
                limit is nearly reached.
            interval: how often to poll the operations that this view starts.
            headers: headers to add to each request to the API, pages and polls included. They
                replace headers of the same name of the client, or of the view that this one is made
                from. Headers that this SDK sets are refused.
            extra_query: parameters to add to the query of each request, pages and polls included.
                A call that has an argument of the same name is refused. Views of this view have
                them too; None removes one.
            extra_body: the same for the fields of JSON bodies, for POST, PUT and PATCH.
            keep_extra: whether `response.extra` has the fields that the models do not have. Each
                response is then read twice.
            keep_body: whether `response.body` has the bytes of the JSON, for an audit. They stay in
                memory as long as a model of the response, and never appear in a repr or a pickle.
            max_chargeable: how many calls that may cost credits or money this view may make, as a
                number or as `SpendLimit`s. Only calls of this view in this process count. The
                limits of the client, and of the view that this one is made from, still apply: a
                view may make fewer calls, but never more. None sets no further limit.

        Raises:
            ArgumentError: a value is invalid, or the client has no `idempotency_header`.
        """
        given = {
            "timeout": timeout,
            "retries": retries,
            "correlation_id": correlation_id,
            "idempotency_key": idempotency_key,
            "priority": priority,
            "interval": interval,
            "headers": headers,
            "extra_query": extra_query,
            "extra_body": extra_body,
            "keep_extra": keep_extra,
            "keep_body": keep_body,
        }
        changes = {name: value for name, value in given.items() if value is not _UNCHANGED}
        from sikoia_async._calls.views import with_options  # noqa: PLC0415 - loaded when first used

        return self._view(with_options(self._api, self._defaults, changes, max_chargeable))

    def _view(self, api: Api) -> Self:
        """Return a copy with another `Api`, and with the attributes that a subclass has added."""
        view = object.__new__(type(self))
        state: Any = object.__getstate__(self)  # the attributes, or a pair if there are slots, too
        pair = cast("tuple[dict[str, Any], ...]", state if isinstance(state, tuple) else (state,))
        for name, value in chain.from_iterable(part.items() for part in pair):
            # Resources belong to the old `Api`, and so may what a subclass has cached.
            if not isinstance(getattr_static(type(self), name, None), cached_property):
                object.__setattr__(view, name, value)
        view._own_api = api
        return view

    def __copy__(self) -> Self:
        """Return a view with the same options."""
        return self._view(self._api)

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
    @without_frames
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
        """Call an endpoint that this SDK has no method for, with everything that methods do.

        Args:
            method: `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
            path: an absolute path, such as `/v2/cases`.
            into: the type of the result: an attrs class, `Items[...]` of one, `bytes`, or
                `type(None)` to ignore the body. If left out, the JSON as plain Python objects.
            query: the query parameters.
            body: the fields of the JSON body; those that are None are not sent.
            chargeable: whether the call may cost credits or money. It is then counted in `spend`,
                and never repeated if it may have reached Sikoia, not even a GET.

        Returns:
            The decoded response. After a 202, the task's result: it is polled for up to `timeout`
            seconds. To get the task as an operation, use `start`.

        Raises:
            ArgumentError: an argument is invalid; nothing was sent.
            SikoiaError: any error that a call can raise.
        """
        from sikoia_async._calls.api import validate_request  # noqa: PLC0415 - loaded by then

        method, path = validate_request(
            method, path, into, query=query, body=body, chargeable=chargeable
        )
        return await self._api.call(
            method, path, into, query=query, body=body, chargeable=chargeable
        )

    @without_frames
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
        """Call an endpoint that responds with 202, and return its task as an operation.

        The task is polled at the response's `Location`, or at the same path if there is none. Any
        other response returns an operation that is already done. The parameters are those of
        `request`.
        """
        from sikoia_async._calls.api import validate_request  # noqa: PLC0415 - loaded by then

        method, path = validate_request(
            method, path, into, query=query, body=body, chargeable=chargeable
        )
        return await self._api.start(
            method, path, into, query=query, body=body, chargeable=chargeable
        )

    def batch(
        self,
        journal: str | os.PathLike[str],
        *,
        max_chargeable: int | None = None,
        on_conflict: OnConflict = "refuse",
        drain: float = 30.0,
        grace: float = 5.0,
        handle_signals: bool = False,
    ) -> Batch[Self]:
        """Return a batch: many items, each worked on once, in a journal that a later run continues.

            async with sikoia.batch("reports.db", max_chargeable=5_000) as batch:
                async for result in batch.map(work, companies, key=lambda company: company.number):
                    ...

        The journal is an SQLite file that only its owner can read. It holds hashes of the keys,
        states, times, ids of requests and operation tokens, but no values. Put it on a local disk:
        SQLite does not work reliably on network file systems.

        Args:
            journal: the path of the journal. An existing one is continued.
            max_chargeable: how many calls that may cost credits or money all runs with this journal
                may make together. Once that many are made, items that need none continue.
            on_conflict: what to do if another run is using the journal: `"refuse"` to start, or
                `"join"` it and share the items, if both runs say so.
            drain: seconds that items in progress have once the batch is stopped.
            grace: seconds that Sikoia may need for a purchase whose sender was killed, as in
                `purchases.with_options`.
            handle_signals: whether SIGINT (Ctrl-C) and SIGTERM call `batch.stop()`.

        Raises:
            ConfigurationError: an argument is invalid. On entering: another run is using the
                journal, or the file is not a journal.
        """
        from sikoia_async.batch.batch import Batch  # noqa: PLC0415 - loaded when first used

        return Batch(
            self._api,
            self._view,
            journal,
            max_chargeable=max_chargeable,
            on_conflict=on_conflict,
            drain=drain,
            grace=grace,
            handle_signals=handle_signals,
        )

    def operation(self, token: str) -> Operation[Any]:
        """Return the operation of an operation token, for example in another process.

            report: IncomeReport = await sikoia.operation(token)

        Nothing is sent until the operation is awaited. A token does not expire. It contains ids,
        but no secret.

        Args:
            token: `operation.token`, or the `token` of an OperationTimeoutError.

        Raises:
            InvalidOperationTokenError: the token is malformed or was changed, or belongs to another
                environment, other credentials or a newer version of this SDK.
        """
        from sikoia_async.resources._resume import resume  # noqa: PLC0415 - loaded when first used

        return resume(self._api, *self._api.context.registry.signer.read(token))

    @without_frames
    async def download(self, link: str | None) -> bytes:
        """Return the contents of a file that Sikoia links to, such as `Document.document_uri`.

        The access token is not sent, and the rate limit does not apply. Errors and logs name the
        host of the link, but not the link.

        Raises:
            ArgumentError: the link is missing, is not an https URL, or leads to a host that is not
                in the client's `link_hosts`.
            LinkExpiredError: the link has expired; retrieve the model again for a new one.
            UnexpectedResponseError: the response is not a file, or is larger than `max_body`.
            CallError: any other error of a call.
        """
        from sikoia_async._calls.download import download  # noqa: PLC0415 - loaded when first used

        return await download(self._api, self._connector, link)

    @without_frames
    async def save(
        self, link: str | None, path: str | os.PathLike[str], *, max_file: int | None = None
    ) -> int:
        """Write a file that Sikoia links to to disk, and return its size in bytes.

        The file appears at `path` once it is complete, and replaces an existing one. Only its owner
        can read it, even if it replaces one that others could read. `timeout` covers the disk too:
        if that hangs, the call ends in time, and a thread removes the temporary file when the disk
        is back. See `download` about links. For large files, allow more time:
        `sikoia.with_options(timeout=600).save(...)`.

        Args:
            link: the link.
            path: the file to write.
            max_file: the maximum size in bytes; the client's `max_file` by default.

        Raises:
            ArgumentError: `path` is not writable, or leads through a symbolic link of another
                user in a folder that others can write to; nothing was sent.
            UnexpectedResponseError: the response is not a file, or is larger than `max_file`.
            CallError: any error of `download`, or the disk failed while the file was written.
        """
        from sikoia_async._calls.download import save  # noqa: PLC0415 - loaded when first used

        return await save(self._api, self._connector, link, path, max_file)

    @without_frames
    async def warm(self) -> None:
        """Get ready for the first call: fetch the access token and open a connection to the API.

            async with Sikoia() as sikoia:
                await sikoia.with_options(timeout=5).warm()

        Both happen concurrently, and meanwhile the code that reads responses is loaded. The next
        call then sends its request at once. No request is sent to the API, so nothing counts
        towards the rate limit. `async with` alone sends nothing, so an application can start while
        Sikoia is unavailable; call this if start-up should then fail, or catch the error.

        The connection is kept for 15 s. A call that must not be repeated, such as one that may cost
        money, uses it only within the first second, and afterwards opens another one. With a
        transport or HTTP client of your own, only the access token is fetched. Calling this again
        replaces what has expired.

        Raises:
            TokenError: the authorization server refused to grant an access token.
            ConnectionFailedError: Sikoia or the authorization server could not be reached.
            DeadlineExceededError: it took longer than `timeout`.
        """
        from sikoia_async._calls.warm import warm  # noqa: PLC0415 - loaded when first used

        parts = self._parts.get()
        await warm(self._api, parts.pools[-1], parts.source)

    async def aclose(self) -> None:
        """Close the client and its connections. Closing it again has no effect.

        Requests in flight are completed; new calls and retries are refused. Tasks that wait for an
        operation get a ClientStateError, and the operation continues at Sikoia.

        Raises:
            ClientStateError: the client belongs to another event loop or process.
        """
        lifecycle = self._api.context.lifecycle
        if not lifecycle.closed:
            lifecycle.check()
        lifecycle.closed = True
        context = self._api.context
        context.registry.close()
        if context.observers is not None:
            context.observers.tell_released()
        try:
            for pool in self._parts.get().pools:
                await pool.aclose()
        finally:
            await context.aclose()

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

    if not TYPE_CHECKING:  # which reports both by itself

        def __getattr__(self, name: str) -> NoReturn:
            raise no_attribute(self, name)

        def __enter__(self) -> NoReturn:
            msg = "Sikoia is an async context manager: use `async with` in an async function"
            raise ArgumentTypeError(msg)

        def __exit__(self, *_: object) -> None:
            """Let `with` find both methods, and call the one that says what to do."""

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.startswith("_")]

    def __repr__(self) -> str:
        environment = getattr(
            self, "_environment", None
        )  # a traceback may show a half-built client
        return f"<Sikoia {environment.name}>" if environment else "<Sikoia>"
