"""One path and its methods, and how a handler gets at a body it can trust."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sikoia_async.sandbox.errors import invalid_request, method_not_allowed
from sikoia_async.sandbox.resources.field_rules import Rule

Handler = Callable[[Request], Awaitable[Response]]


class Resource:
    """Hands a request to the handler of its method; `Resource(get=…, post=…)`."""

    def __init__(self, **handlers: Handler) -> None:
        self.handlers: dict[str, Handler] = {
            method.upper(): handler for method, handler in handlers.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse its method."""
        handler = self.handlers.get(scope["method"])
        if handler is None:
            raise method_not_allowed(", ".join(self.handlers))
        response = await handler(Request(scope, receive))
        await response(scope, receive, send)


def operations(route: Route) -> list[str]:
    """Name what a route answers as the API reference does: `GET /v2/cases/{case_id}`."""
    # Starlette knows an endpoint as any callable; here, each one is a Resource.
    handlers = cast("Resource", route.endpoint).handlers
    return [f"{method} {route.path}" for method in handlers]


async def read(request: Request, rule: Rule) -> dict[str, Any]:
    """Read the body of a request, once it has passed `rule`.

    Raises:
        ApiError: It is no JSON, or breaks the rule.
    """
    try:
        body: dict[str, Any] = json.loads(await request.body())
        # Python reads NaN and half a surrogate pair, and then no answer could repeat them.
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as exc:
        detail = "The body must be JSON."
        raise invalid_request(detail) from exc
    rule("", body)
    return body
