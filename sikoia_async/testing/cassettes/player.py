"""The transport that replays a cassette, without a network."""

from __future__ import annotations

from collections import deque
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Final

import anyio.lowlevel
import attrs
import httpx

from sikoia_async._transport.types import state_of
from sikoia_async.testing.cassettes.file import CassetteError, Interaction, RecordedRequest
from sikoia_async.testing.cassettes.requests import describe
from sikoia_async.testing.cassettes.responses import replay

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sikoia_async.testing.cassettes.scrubber import Scrubber

__all__ = ["Player"]

_TOKEN: Final = {"token_type": "Bearer", "expires_in": "86400"}


@attrs.define
class _Series:
    """The interactions of equal requests, in the order of their recording."""

    remaining: deque[Interaction] = attrs.field(factory=deque[Interaction])
    latest: Interaction | None = None
    """The one replayed last. A GET may be sent more often than it was recorded."""


class Player(httpx.AsyncBaseTransport):
    """Responds with recorded interactions.

    Equal requests get their responses in the order of the recording. A GET gets the last one from
    then on, because the number of polls depends on time. Other requests get as many responses as
    were recorded.

    Args:
        interactions: the recorded interactions.
        scrubber: the scrubber that knows the cassette's pseudonyms.
        name: the name of the cassette, for errors.
    """

    def __init__(self, interactions: Iterable[Interaction], scrubber: Scrubber, name: str) -> None:
        self._scrubber = scrubber
        self._name = name
        self._tokens = count(1)
        self._series = dict[bytes, _Series]()
        self._unused = dict[int, Interaction]()
        self.failure: CassetteError | None = None
        """The error of the first request that the cassette does not contain."""
        for one in interactions:
            self._unused[id(one)] = one
            self._series.setdefault(one.request.key, _Series()).remaining.append(one)

    @property
    def unused(self) -> tuple[str, ...]:
        """The operations of the interactions that have not been replayed, in order."""
        return tuple(one.request.operation for one in self._unused.values())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond with a recorded interaction.

        Raises:
            CassetteError: no such request was recorded.
        """
        state = state_of(request)
        state.is_sent = False
        await anyio.lowlevel.checkpoint()
        try:
            described = describe(request, self._scrubber)
            if described is None:
                token = f"cassette-{next(self._tokens)}"
                return httpx.Response(HTTPStatus.OK, json={"access_token": token, **_TOKEN})
            interaction, keep_pause = self._next(described.recorded)
        except CassetteError as error:
            self.failure = self.failure or error
            raise
        state.is_sent = not interaction.unsent
        return replay(interaction, request, keep_pause=keep_pause)

    def _next(self, request: RecordedRequest) -> tuple[Interaction, bool]:
        """Return the next interaction, and whether to keep the pause that it asks for.

        Pauses that were made during the recording are skipped.
        """
        series = self._series.get(request.key, _Series())
        if series.remaining:
            series.latest = series.remaining.popleft()
            del self._unused[id(series.latest)]
            return series.latest, not series.remaining
        if series.latest is not None and request.operation.startswith("GET "):
            return series.latest, True
        raise self._not_recorded(request, series)

    def _not_recorded(self, request: RecordedRequest, series: _Series) -> CassetteError:
        problem = "was not recorded with these ids, this query and this body"
        if series.latest is not None:
            problem = "was sent more often than it was recorded"
        following = next(iter(self.unused), "nothing")
        return CassetteError(
            f"cassette {self._name}: {request.operation} {problem}; nothing was sent. "
            f"Recorded next: {following}"
        )
