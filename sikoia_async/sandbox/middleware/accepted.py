"""Returns 202 when an operation starts, for users who expect Sikoia to do so.

The guide documents a 202 for accepted work, but no published operation returns it: they return
201 with the status `Pending`. So this middleware is off by default.
"""

import json
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The paths that start an operation, with the response field that holds its id.
_ID_FIELDS = {
    "/v2/affordability-insights": "request_id",
    "/v2/identity": "request_id",
    "/v2/income-employer": "request_id",
    "/v2/validation-checks": "validation_instance_id",
}


class AcceptedResponses:
    """Returns 202 with a `Location` instead of 201 when an operation starts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and change its response if it started an operation."""
        path: str = scope.get("path", "")
        if path not in _ID_FIELDS:
            await self._app(scope, receive, send)
            return
        started: list[Message] = []

        async def send_accepted(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            # These operations send their body in one message.
            operation_id = json.loads(message["body"])[_ID_FIELDS[path]]
            MutableHeaders(scope=started[0])["Location"] = f"{path}/{operation_id}"
            await send({**started[0], "status": HTTPStatus.ACCEPTED.value})
            await send(message)

        await self._app(scope, receive, send_accepted)
