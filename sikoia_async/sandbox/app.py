"""The local Sikoia as an ASGI application: its routes, and what every request passes through."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Literal

import attrs
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sikoia_async.sandbox.clock import Clock
from sikoia_async.sandbox.deliveries.payloads import EventShape
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
from sikoia_async.sandbox.middleware.accepted import Accepted
from sikoia_async.sandbox.middleware.authentication import Authentication
from sikoia_async.sandbox.middleware.envelope import Envelope
from sikoia_async.sandbox.middleware.idempotency import IdempotencyKeys
from sikoia_async.sandbox.middleware.rate_limit import RateLimit, WindowKey
from sikoia_async.sandbox.middleware.token_endpoint import AccessTokens, Application
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
from sikoia_async.sandbox.scenarios.file import LoadedScenarios, Source
from sikoia_async.sandbox.scenarios.scenario import Scenario
from sikoia_async.sandbox.scenarios.scenarios import Scenarios
from sikoia_async.sandbox.snapshot import Snapshot, Snapshots
from sikoia_async.sandbox.state import State
from sikoia_async.sandbox.work import Work

_MODULES = (
    affordability,
    banking,
    cases,
    checks,
    company_registry,
    credit_reports,
    data_sources,
    documents,
    files,
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
    """An ASGI application, with what a test wants to know of it."""

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
    _beginning: Snapshot = attrs.field(alias="beginning", repr=False)
    _asgi: ASGIApp = attrs.field(alias="asgi", repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what has ended by then, has ended before it."""
        self.deliveries.notice()
        await self._asgi(scope, receive, send)

    def snapshot(self) -> Snapshot:
        """Keep what there is: records, tokens, windows, faults, deliveries, requests, time.

        A request or delivery that is under way is in it as far as it has come. Without a server,
        call this in the event loop of the application, like the other two.
        """
        return self.event_loop.run(lambda: self._snapshots.take(self.clock.now))

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot, or on from one of another local Sikoia with the same seed.

        What was there before is gone, deliveries that are under way are abandoned. A request that
        is under way is answered, and what it does is lost.

        Raises:
            TypeError: It is no snapshot.
            ValueError: It is of another seed.
        """
        self.event_loop.run(partial(self._snapshots.restore, snapshot))

    def reset(self) -> None:
        """Go back to the beginning: nothing but the users, no token, no fault, the first id next.

        The clock begins again too: at its epoch, and without one at the real time of day. Faults
        out of files of scenarios are planned again.
        """

        def begin_again() -> None:
            self._snapshots.restore(self._beginning)
            self.clock.restart()

        self.event_loop.run(begin_again)


def create_app(
    *,
    url: str = "https://sandbox.example",
    client_id: str | None = None,
    client_secret: str | None = None,
    api_key: str | None = None,
    token_life: float = 300,
    limit: int = 200,
    per: float = 60,
    window_key: WindowKey = "organisation",
    retry_after: bool = True,
    echo_correlation: bool = True,
    idempotency_header: str | None = None,
    accepted: bool = False,
    picklist_base: Literal[0, 1] = 1,
    clock: Callable[[], float] | None = None,
    speed: float = 1,
    epoch: datetime | None = None,
    seed: int = 0,
    work_time: float = 0.5,
    delivery_retries: Sequence[float] = (1, 5, 25),
    event_shape: EventShape = "full",
    prices: Mapping[str, int] | None = None,
    scenarios: Sequence[Scenario | Source] = (),
) -> App:
    """Make a local Sikoia that remembers nothing yet but its users.

    Args:
        url: Where it will be reached; the scope of its tokens follows from this.
        client_id: The id of the one application; by default drawn from the seed.
        client_secret: Its secret; by default drawn from the seed and the address.
        api_key: A key that the legacy header `apikey` may carry in place of a token.
        token_life: Seconds until a token expires.
        limit: How many requests a window admits.
        per: Seconds until the window turns.
        window_key: Whether the limit is for the `organisation` or for each `token`.
        retry_after: Whether a 429 says in how many seconds the window turns.
        echo_correlation: Answer with the correlation id of the request, when it is a sane one.
        idempotency_header: The header for idempotency keys; without one, keys mean nothing.
        accepted: Answer 202 with a `Location` where work begins, in place of 201.
        picklist_base: The index of the first company of a picklist.
        clock: A function that counts seconds, to have windows, tokens and time stamps follow it
            and not a clock that can be moved on.
        speed: How many seconds of the clock pass in one of real time; with 0 it stands still until
            it is moved on.
        epoch: The time of day at which the clock begins; by default the real one.
        seed: The same seed gives the same ids in the same order, and the same data for them.
        work_time: Seconds that work takes which is answered as pending at first.
        delivery_retries: Seconds before each further attempt to tell a webhook of something.
        event_shape: What webhooks are sent of a payload: `full`, `bare`, which is all but
            `event_type` and `grouping_id`, or what a function makes of it.
        prices: What operations cost in credits, by their names in the API reference; by default
            1 for each that may cost something.
        scenarios: Companies, persons and files that are answered for in a way of their own, and
            the paths of TOML files with such scenarios and with faults.

    Raises:
        ValueError: A pause is no number of seconds, or there is no such shape, window key,
            speed or epoch; or a scenario or a file of them is wrong.
        OSError: A file of scenarios cannot be read.
    """
    loaded = LoadedScenarios.load(scenarios)
    the_clock = Clock(speed=speed, epoch=epoch, source=clock)
    state = State(
        clock=the_clock,
        seed=seed,
        work_time=work_time,
        url=url,
        picklist_base=picklist_base,
        scenarios=loaded.scenarios,
    )
    application = Application(
        client_id=client_id or state.new_id(),
        client_secret=client_secret or state.new_secret(24),
        resource=url,
    )
    tokens = AccessTokens(application, life=token_life, state=state)
    window = RateLimit(limit=limit, per=per, clock=the_clock, key=window_key, says_when=retry_after)
    routes = _routes(state, tokens)
    registered = Operations(routes)
    faults = Faults(registered, clock=the_clock)
    deliveries = Deliveries(state, retries=delivery_retries, shape=event_shape)
    event_loop = EventLoop()
    ledger = Ledger(
        registered,
        prices=price_list(prices or {}, registered),
        url=url,
        now=state.now,
        personal_values=lambda: event_loop.run(lambda: set(personal_values(state.records()))),
    )
    loaded.plan_faults(faults, deliveries.faults)
    new_id = state.new_correlation_id
    starlette = Starlette(
        routes=routes,
        middleware=[
            Middleware(Recorder, begin=ledger.begin, end=ledger.end),
            Middleware(
                FaultInjector, faults=faults, tokens=tokens, echo=echo_correlation, new_id=new_id
            ),
            Middleware(Envelope, echo=echo_correlation, new_id=new_id),
            Middleware(Authentication, tokens=tokens, window=window, api_key=api_key),
            *(
                [
                    Middleware(
                        IdempotencyKeys,
                        header=idempotency_header,
                        answers=state.idempotent_responses,
                    )
                ]
                if idempotency_header
                else []
            ),
            *([Middleware(Accepted)] if accepted else []),
            Middleware(Billing),
        ],
    )
    starlette.router.redirect_slashes = False
    starlette.router.default = _nowhere
    the_clock.on_advance(partial(event_loop.run, deliveries.notice))
    # Whatever else remembers something belongs here too.
    snapshots = Snapshots([the_clock, state, tokens, window, faults, deliveries, ledger], seed=seed)
    return App(
        application=application,
        state=state,
        scenarios=state.scenarios,
        faults=faults,
        deliveries=deliveries,
        work=Work(state, event_loop, deliveries.notice),
        ledger=ledger,
        clock=the_clock,
        event_loop=event_loop,
        snapshots=snapshots,
        beginning=snapshots.take(the_clock.now),
        asgi=starlette,
    )


def _routes(state: State, tokens: AccessTokens) -> list[Route]:
    own = [
        Route("/token", Resource(post=tokens.grant)),
        Route("/sandbox/health", Resource(get=_health)),
    ]
    return own + sorted(
        (route for module in _MODULES for route in module.routes(state)), key=_by_words
    )


def _by_words(route: Route) -> list[bool]:
    """Put words before parameters: `webhooks/secrets` is no webhook with the id `secrets`."""
    return [part.startswith("{") for part in route.path.split("/")]


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _nowhere(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise not_found(scope["path"])
