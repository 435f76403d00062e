"""The users of the organisation, who can be listed and nothing else."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.resources.routing import Resource
from sikoia_async.sandbox.state import State


def routes(state: State) -> list[Route]:
    """Serve the users."""
    return [Route("/v2/users", Resource(get=Users(state).find))]


class Users:
    """Answers for `/v2/users`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def find(self, _request: Request) -> Response:
        """Answer all users."""
        return JSONResponse(self._state.users)
