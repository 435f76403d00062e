"""The local Sikoia as an ASGI application: `create_app` builds its parts and connects them."""

from collections.abc import Sequence
from functools import partial
from typing import Unpack

import attrs
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sikoia_async.sandbox.clock import Clock
from sikoia_async.sandbox.deliveries.queue import Deliveries
from sikoia_async.sandbox.errors import not_found
from sikoia_async.sandbox.event_loop import EventLoop
from sikoia_async.sandbox.faults.injector import FaultInjector
from sikoia_async.sandbox.faults.operations import Operations
from sikoia_async.sandbox.faults.requests import Faults
from sikoia_async.sandbox.ledger.ledger import Ledger
from sikoia_async.sandbox.ledger.personal_data import personal_values
from sikoia_async.sandbox.ledger.prices import price_list
from sikoia_async.sandbox.ledger.recorder import Billing, Recorder
from sikoia_async.sandbox.middleware.accepted import AcceptedResponses
from sikoia_async.sandbox.middleware.authentication import Authentication
from sikoia_async.sandbox.middleware.dated import Dated
from sikoia_async.sandbox.middleware.envelope import Envelope
from sikoia_async.sandbox.middleware.health import Health
from sikoia_async.sandbox.middleware.idempotency import IdempotencyKeys
from sikoia_async.sandbox.middleware.letter_case import LetterCase
from sikoia_async.sandbox.middleware.rate_limit import RateLimit
from sikoia_async.sandbox.middleware.token_endpoint import AccessTokens, Application
from sikoia_async.sandbox.middleware.whole_requests import WholeRequests
from sikoia_async.sandbox.resources import (
    affordability,
    banking,
    cases,
    checks,
    company_registry,
    credit_reports,
    data_sources,
    documents,
    files,
    hosted_pages,
    identity,
    income,
    online_data,
    reports,
    screening,
    tasks,
    users,
    webhooks,
)
from sikoia_async.sandbox.resources.routing import Resource
from sikoia_async.sandbox.scenario_files.loader import LoadedScenarios
from sikoia_async.sandbox.scenarios.scenarios import Scenarios
from sikoia_async.sandbox.settings import Options, Settings
from sikoia_async.sandbox.snapshot import Part, Snapshot, Snapshots
from sikoia_async.sandbox.state import State
from sikoia_async.sandbox.work import Work

_RESOURCES = (
    affordability,
    banking,
    cases,
    checks,
    company_registry,
    credit_reports,
    data_sources,
    documents,
    files,
    hosted_pages,
    identity,
    income,
    online_data,
    reports,
    screening,
    tasks,
    users,
    webhooks,
)


@attrs.frozen(kw_only=True)
class App:
    """An ASGI application, with the parts that tests control and inspect."""

    application: Application
    state: State
    scenarios: Scenarios
    faults: Faults
    deliveries: Deliveries
    work: Work
    ledger: Ledger
    clock: Clock
    event_loop: EventLoop = attrs.field(repr=False)
    _snapshots: Snapshots = attrs.field(alias="snapshots", repr=False)
    _initial: Snapshot = attrs.field(alias="initial", repr=False)
    _asgi: ASGIApp = attrs.field(alias="asgi", repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        await self._asgi(scope, receive, send)

    def snapshot(self) -> Snapshot:
        """Return a copy of the state: records, tokens, windows, faults, deliveries, ledger, clock.

        Requests and deliveries in progress are included as far as they have got. Without a
        server, call this, `restore` and `reset` from the application's event loop.
        """
        return self.event_loop.run(lambda: self._snapshots.take(self.clock.now))

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the state with that of a snapshot, possibly of another local Sikoia.

        Deliveries in progress are abandoned. Requests in progress get a 503 and change
        nothing.

        Raises:
            TypeError: The argument is not a snapshot.
            ValueError: The snapshot was taken with another seed.
        """
        self.event_loop.run(partial(self._snapshots.restore, snapshot))

    def reset(self) -> None:
        """Return to the initial state: only users, no tokens, the same ids as after the start.

        The clock restarts at its epoch, or at the real time if it has none. Faults from scenario
        files are planned again; other faults are cleared.
        """

        def reset() -> None:
            self._snapshots.restore(self._initial)
            self.clock.restart()

        self.event_loop.run(reset)


def create_app(*, url: str = "https://sandbox.example", **options: Unpack[Options]) -> App:
    """Create a local Sikoia whose only records are its users.

    Args:
        url: The base URL at which it will be reached.
        options: The other fields of `sikoia_async.sandbox.settings.Settings`.

    Raises:
        ValueError: An option has the wrong type or is out of range, or a scenario or scenario file
            is invalid.
        OSError: A scenario file cannot be read.
    """
    settings = Settings(url=url, **options)
    parts = _build(settings)
    snapshots = Snapshots(parts.stateful, seed=settings.seed)
    return App(
        application=parts.application,
        state=parts.state,
        scenarios=parts.state.scenarios,
        faults=parts.faults,
        deliveries=parts.deliveries,
        work=Work(parts.state, parts.event_loop, parts.deliveries.queue_events),
        ledger=parts.ledger,
        clock=parts.clock,
        event_loop=parts.event_loop,
        snapshots=snapshots,
        initial=snapshots.take(parts.clock.now),
        asgi=_asgi(parts.routes, _middleware(settings, parts)),
    )


@attrs.frozen(kw_only=True)
class _Parts:
    """The connected parts of one local Sikoia."""

    clock: Clock
    state: State
    application: Application
    tokens: AccessTokens
    rate_limit: RateLimit
    routes: list[Route]
    faults: Faults
    deliveries: Deliveries
    ledger: Ledger
    event_loop: EventLoop

    @property
    def stateful(self) -> Sequence[Part]:
        """Every part that snapshots have to include, the clock first."""
        return (
            self.clock,
            self.state,
            self.tokens,
            self.rate_limit,
            self.faults,
            self.deliveries,
            self.ledger,
        )


def _build(settings: Settings) -> _Parts:
    """Create the parts, each from those above it."""
    loaded = LoadedScenarios.load(settings.scenarios)
    clock = Clock(speed=settings.time.speed, epoch=settings.time.epoch, source=settings.time.clock)
    state = State(
        clock=clock,
        seed=settings.seed,
        work_time=settings.work_time,
        url=settings.url,
        picklist_base=settings.wire.picklist_base,
        refuses_insights_without_data=settings.wire.refuse_insights_without_data,
        refuses_refresh_after_expiry=settings.wire.refuse_refresh_after_expiry,
        return_url=settings.wire.return_url,
        refer_fails=settings.wire.refer_fails,
        all_completeness_rules=settings.wire.all_completeness_rules,
        scenarios=loaded.scenarios,
    )
    application = Application(
        client_id=settings.credentials.client_id or state.new_id(),
        client_secret=settings.credentials.client_secret or state.new_secret(24),
        resource=settings.url,
    )
    tokens = AccessTokens(application, life=settings.credentials.token_life, state=state)
    rate_limit = RateLimit(
        limit=settings.rate.requests_per_window,
        per=settings.rate.window,
        clock=clock,
        key=settings.rate.window_key,
        sends_retry_after=settings.rate.retry_after,
    )
    routes = _routes(state, tokens)
    operations = Operations(routes)
    faults = Faults(operations, clock=clock)
    deliveries = Deliveries(
        state,
        retries=settings.wire.delivery_retries,
        shape=settings.wire.event_shape,
        timeout=settings.wire.delivery_timeout,
    )
    loaded.plan_faults(faults, deliveries.faults)
    event_loop = EventLoop()
    clock.on_advance(partial(event_loop.run, deliveries.queue_events))
    ledger = Ledger(
        operations,
        prices=price_list(settings.prices or {}, operations),
        url=settings.url,
        now=state.now,
        personal_values=lambda: event_loop.run(lambda: set(personal_values(state.records()))),
    )
    return _Parts(
        clock=clock,
        state=state,
        application=application,
        tokens=tokens,
        rate_limit=rate_limit,
        routes=routes,
        faults=faults,
        deliveries=deliveries,
        ledger=ledger,
        event_loop=event_loop,
    )


def _middleware(settings: Settings, parts: _Parts) -> list[Middleware]:
    """Return what each request passes through, outermost first."""
    echo, new_id = settings.wire.echo_correlation, parts.state.new_correlation_id
    key_header = settings.wire.idempotency_header
    layers = [
        Middleware(Health),
        Middleware(Dated, now=parts.state.now),
        Middleware(LetterCase, routes=parts.routes),
        Middleware(Recorder, begin=parts.ledger.begin, end=parts.ledger.end),
        Middleware(
            FaultInjector, faults=parts.faults, tokens=parts.tokens, echo=echo, new_id=new_id
        ),
        Middleware(Envelope, echo=echo, new_id=new_id),
        Middleware(
            Authentication,
            tokens=parts.tokens,
            rate_limit=parts.rate_limit,
            api_key=settings.credentials.api_key,
        ),
        Middleware(WholeRequests, state=parts.state, settle=parts.deliveries.queue_events),
    ]
    if key_header:
        responses = parts.state.idempotent_responses
        reuse = settings.wire.idempotency_reuse
        keys = Middleware(IdempotencyKeys, header=key_header, responses=responses, reuse=reuse)
        layers.append(keys)
    if settings.wire.answers_202:
        layers.append(Middleware(AcceptedResponses))
    return [*layers, Middleware(Billing)]


def _asgi(routes: list[Route], middleware: list[Middleware]) -> ASGIApp:
    starlette = Starlette(routes=routes, middleware=middleware)
    starlette.router.redirect_slashes = False
    starlette.router.default = _no_route
    return starlette


def _routes(state: State, tokens: AccessTokens) -> list[Route]:
    own = [
        Route("/token", Resource(post=tokens.grant)),
        Route("/sandbox/health", Resource(get=_health)),
    ]
    routes = (route for module in _RESOURCES for route in module.routes(state))
    return own + sorted(routes, key=_literals_first)


def _literals_first(route: Route) -> list[bool]:
    """Sort `webhooks/secrets` before `webhooks/{webhook_id}`, which would match it too."""
    return [part.startswith("{") for part in route.path.split("/")]


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _no_route(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise not_found(scope["path"])
