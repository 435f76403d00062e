"""202 for work that begins, for who assumes that Sikoia answers so.

The guide has a 202 for work that is accepted and not yet completed, and no published operation
answers it: they answer 201 with `Pending`. So this is off until it is asked for.
"""

import json

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What begins work, with the field that names it.
_BEGIN = {
    "/v2/affordability-insights": "request_id",
    "/v2/identity": "request_id",
    "/v2/income-employer": "request_id",
    "/v2/validation-checks": "validation_instance_id",
}


class Accepted:
    """Answers 202 in place of 201 where work begins, with the `Location` to look at."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request down, and change its answer if it has begun work."""
        path: str = scope.get("path", "")
        if path not in _BEGIN:
            await self._app(scope, receive, send)
            return
        started: list[Message] = []

        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            # The answers of these operations come whole.
            name = json.loads(message["body"])[_BEGIN[path]]
            MutableHeaders(scope=started[0])["Location"] = f"{path}/{name}"
            await send({**started[0], "status": 202})
            await send(message)

        await self._app(scope, receive, changed)
