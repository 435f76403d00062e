"""The operation on users, which are read-only."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.resources.routing import Resource
from sikoia_async.sandbox.state import State


def routes(state: State) -> list[Route]:
    """Return the routes for the users."""
    return [Route("/v2/users", Resource(get=Users(state).find))]


class Users:
    """Handlers for `/v2/users`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def find(self, _request: Request) -> Response:
        """Return all users."""
        return JSONResponse(self._state.users)
