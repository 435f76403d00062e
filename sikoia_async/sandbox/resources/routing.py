"""Routes requests to handlers by method, and validates request bodies."""

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
    """The methods of one path, each with a handler: `Resource(get=…, post=…)`."""

    def __init__(self, **handlers: Handler) -> None:
        self.handlers: dict[str, Handler] = {
            method.upper(): handler for method, handler in handlers.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the handler for the method of a request.

        Raises:
            ApiError: The path does not have this method.
        """
        handler = self.handlers.get(scope["method"])
        if handler is None:
            raise method_not_allowed(", ".join(self.handlers))
        response = await handler(Request(scope, receive))
        await response(scope, receive, send)


def operations(route: Route) -> list[str]:
    """Return the operations of a route as the API reference names them: `GET /v2/cases`."""
    # Starlette types endpoints as callables; here, each one is a Resource.
    handlers = cast("Resource", route.endpoint).handlers
    return [f"{method} {route.path}" for method in handlers]


async def read(request: Request, rule: Rule) -> dict[str, Any]:
    """Return the JSON body of a request, validated by a rule.

    Raises:
        ApiError: The body is not valid JSON, or breaks the rule.
    """
    try:
        body: dict[str, Any] = json.loads(await request.body())
        # Python accepts NaN and lone surrogates, but could not send them in a response.
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as exc:
        detail = "The body must be JSON."
        raise invalid_request(detail) from exc
    rule("", body)
    return body
