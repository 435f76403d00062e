"""A fake Sikoia for long-running work, without a socket; requests take time and are recorded."""

import copy
from collections.abc import Callable
from typing import Any, Final

import anyio
import attrs
import httpx
from faults import SECRET, TOKEN, core

from sikoia_async import Environment, Sikoia
from sikoia_async.models import Entity

__all__ = ["CASE", "TEST", "Answer", "Working", "held", "reported"]

CASE: Final = Entity("case", "c-1")
TEST: Final = Environment(
    name="test", api="https://api.example", token_url="https://login.example/token", scope="all"
)
"""An environment that is never connected to."""

Answer = httpx.Response | httpx.TransportError
_PENDING: Final[dict[str, Any]] = {"request_id": "r-1", "status": "Pending"}


def reported(status: object = "Complete", **fields: Any) -> httpx.Response:
    """Return a response with an income report in this status."""
    return httpx.Response(200, json={"request_id": "r-1", "status": status, **fields})


@attrs.define(eq=False)
class Working:
    """Starts income reports, grants access tokens, and responds to polls according to its plan.

    The plan is told how many polls came before. Lists of cases are always there.
    """

    plan: Callable[[int], Answer]
    seconds: float = 0.1
    """How long a request takes, in seconds."""
    polls: list[float] = attrs.field(factory=list[float])
    """When each poll arrived."""
    tokens: int = 0
    seen: int = 0
    well: bool = False

    @classmethod
    def saying(cls, *answers: Answer, seconds: float = 0.1) -> "Working":
        """Answer polls with these in turn; with the last one again and again."""
        return cls(lambda before: answers[min(before, len(answers) - 1)], seconds)

    def client(self, secret: str = SECRET, **options: Any) -> Sikoia:
        """Make a client that talks to it, with neither retries nor pacing if not told otherwise."""
        fixed: dict[str, Any] = {"environment": TEST, "quota": None, "retries": 0}
        fixed["transport"] = httpx.MockTransport(self.reply)
        return Sikoia("an-id", secret, **fixed | options)

    async def reply(self, request: httpx.Request) -> httpx.Response:
        """Answer, half of the time after the request arrived."""
        await anyio.sleep(self.seconds / 2)
        if request.url.host == "login.example":
            self.tokens += 1
            grant = {"access_token": f"{TOKEN}-{self.tokens}", "expires_in": 3600}
            return httpx.Response(201, json=grant)
        self.seen += 1
        if request.url.path == "/v2/cases":
            return httpx.Response(200, content=b"[]")
        if request.method == "POST":
            return httpx.Response(201, json=_PENDING)
        before = len(self.polls)
        self.polls.append(anyio.current_time())
        given = self.plan(before)
        await anyio.sleep(self.seconds / 2)
        if isinstance(given, httpx.TransportError):
            # One that is raised again and again would hold the frames of all who saw it.
            raise copy.copy(given)
        # A response is read once, and an answer is given again and again.
        return httpx.Response(given.status_code, headers=given.headers, content=given.content)


def held(sikoia: Sikoia) -> int:
    """Return how many operations a client has registered."""
    return len(core(sikoia).registry.live())
