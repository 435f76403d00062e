"""The users of the organisation, who can be listed and nothing else."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .state import State


class Users:
    """Answers for `/v2/users`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def find(self, _request: Request) -> Response:
        """Answer all users."""
        return JSONResponse(self._state.users)
