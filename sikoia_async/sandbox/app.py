"""The local Sikoia as an ASGI application: its routes, and what every request passes through."""

import secrets
import time
from collections.abc import Callable, Sequence

import attrs
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from . import (
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
from .deliveries import Deliveries
from .delivery_shapes import Shape
from .envelope import Envelope
from .errors import not_found
from .faults import Faults
from .gate import Gate
from .resource import Resource
from .sabotage import Sabotage
from .state import State
from .tokens import Application, Tokens
from .window import Window

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
    faults: Faults
    deliveries: Deliveries
    _asgi: ASGIApp = attrs.field(alias="asgi", repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what has ended by then, has ended before it."""
        self.deliveries.notice()
        await self._asgi(scope, receive, send)


def create_app(
    *,
    url: str = "https://sandbox.example",
    client_id: str | None = None,
    client_secret: str | None = None,
    api_key: str | None = None,
    token_life: float = 300,
    limit: int = 200,
    per: float = 60,
    echo_correlation: bool = True,
    clock: Callable[[], float] = time.monotonic,
    seed: int = 0,
    work_time: float = 0.5,
    delivery_retries: Sequence[float] = (1, 5, 25),
    event_shape: Shape = "full",
) -> App:
    """Make a local Sikoia that remembers nothing yet but its users.

    Args:
        url: Where it will be reached; the scope of its tokens follows from this.
        client_id: The id of the one application; by default drawn from the seed.
        client_secret: Its secret; by default a random one.
        api_key: A key that the legacy header `apikey` may carry in place of a token.
        token_life: Seconds until a token expires.
        limit: How many requests a window admits.
        per: Seconds until the window turns.
        echo_correlation: Answer with the correlation id of the request, when it is a sane one.
        clock: Seconds since some moment; windows, tokens and time stamps follow it.
        seed: The same seed gives the same ids in the same order, and the same data for them.
        work_time: Seconds that work takes which is answered as pending at first.
        delivery_retries: Seconds before each further attempt to tell a webhook of something.
        event_shape: What webhooks are sent of a payload: `full`, `bare`, which is all but
            `event_type` and `grouping_id`, or what a function makes of it.

    Raises:
        ValueError: A pause is no number of seconds, or there is no such shape.
    """
    state = State(clock=clock, seed=seed, work_time=work_time, url=url)
    application = Application(
        client_id=client_id or state.new_id(),
        client_secret=client_secret or secrets.token_urlsafe(24),
        resource=url,
    )
    tokens = Tokens(application, life=token_life, state=state)
    window = Window(limit=limit, per=per, clock=clock)
    routes = _routes(state, tokens)
    faults = Faults(routes)
    deliveries = Deliveries(state, retries=delivery_retries, shape=event_shape)
    starlette = Starlette(
        routes=routes,
        middleware=[
            Middleware(Sabotage, faults=faults, echo=echo_correlation),
            Middleware(Envelope, echo=echo_correlation),
            Middleware(Gate, tokens=tokens, window=window, api_key=api_key),
        ],
    )
    starlette.router.redirect_slashes = False
    starlette.router.default = _nowhere
    return App(
        application=application,
        state=state,
        faults=faults,
        deliveries=deliveries,
        asgi=starlette,
    )


def _routes(state: State, tokens: Tokens) -> list[Route]:
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
