"""Routes requests to handlers by method, and validates request bodies."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sikoia_async.sandbox.errors import invalid_request, method_not_allowed, unknown_entity_type
from sikoia_async.sandbox.resources.field_rules import Rule

_TYPE = "entity_type"
_IN_PATHS = {"cases": "case", "companies": "company", "persons": "person"}
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
            ApiError: The path does not have this method, or the entity type is unknown.
        """
        handler = self.handlers.get(scope["method"])
        if handler is None:
            raise method_not_allowed(", ".join(self.handlers))
        parameters = scope["path_params"]
        if _TYPE in parameters:
            parameters[_TYPE] = _of_path(parameters[_TYPE])
        response = await handler(Request(scope, receive))
        await response(scope, receive, send)


def _of_path(entity_type: str) -> str:
    """Return an entity type as bodies spell it, from a path: `person` for `Persons`."""
    kind = _IN_PATHS.get(entity_type.lower())
    if kind is None:
        raise unknown_entity_type()
    return kind


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
        # Python would detect UTF-16 and UTF-32, which JSON on the web does not use (RFC 8259, 8.1).
        body: dict[str, Any] = json.loads((await request.body()).decode("utf-8-sig"))
        # Python accepts NaN and lone surrogates, but could not send them in a response.
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as exc:
        detail = "The body must be JSON."
        raise invalid_request(detail) from exc
    rule("", body)
    return body
