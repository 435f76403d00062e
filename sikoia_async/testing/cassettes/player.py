"""The transport that replays: what was recorded comes back, and nothing goes anywhere."""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Final

import anyio.lowlevel
import attrs
import httpx

from sikoia_async.testing.cassettes.answers import played
from sikoia_async.testing.cassettes.requests import described
from sikoia_async.testing.cassettes.tape import Asked, CassetteError, Recording

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sikoia_async.testing.cassettes.scrub import Scrubber

__all__ = ["Player"]

_TOKEN: Final = {"token_type": "Bearer", "expires_in": "86400"}


@attrs.define
class _Row:
    """What came of one and the same request, each time that it was made."""

    left: deque[Recording] = attrs.field(factory=deque[Recording])
    last: Recording | None = None
    """What came the last time: whoever only asks may ask more often than was recorded."""


class Player(httpx.AsyncBaseTransport):
    """Answers with what was recorded.

    Equal requests are answered in the order of their recordings. A GET is answered with the last
    of them from then on, for how often an operation is asked about depends on time; anything else
    is answered as often as it was recorded.

    Args:
        recorded: what was recorded.
        scrubber: knows the ids of the recordings.
        name: the cassette's, for errors.
    """

    def __init__(self, recorded: Iterable[Recording], scrubber: Scrubber, name: str) -> None:
        self._scrubber = scrubber
        self._name = name
        self._tokens = count(1)
        self._rows = dict[bytes, _Row]()
        self._left = dict[int, Recording]()
        self.failure: CassetteError | None = None
        """The first request that the cassette could not answer."""
        for recording in recorded:
            self._left[id(recording)] = recording
            self._rows.setdefault(recording.asked.key, _Row()).left.append(recording)

    @property
    def unused(self) -> tuple[str, ...]:
        """The operations of the recordings that nobody has asked for yet, in order."""
        return tuple(one.asked.operation for one in self._left.values())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer with what was recorded.

        Raises:
            CassetteError: nothing is recorded of such a request.
        """
        await anyio.lowlevel.checkpoint()
        try:
            found = await described(request, self._scrubber)
            if found is None:
                token = f"cassette-{next(self._tokens)}"
                return httpx.Response(200, json={"access_token": token, **_TOKEN})
            recording, waits = self._next(found.asked)
        except CassetteError as error:
            self.failure = self.failure or error
            raise
        return played(recording, request, waits=waits)

    def _next(self, asked: Asked) -> tuple[Recording, bool]:
        """Return the recording that is due, and whether a pause that it asks for is to be made.

        A pause that was made while recording need not be made again.
        """
        row = self._rows.get(asked.key, _Row())
        if row.left:
            row.last = row.left.popleft()
            del self._left[id(row.last)]
            return row.last, not row.left
        if row.last is not None and asked.operation.startswith("GET "):
            return row.last, True
        raise self._unknown(asked, row)

    def _unknown(self, asked: Asked, row: _Row) -> CassetteError:
        recorded = "is not recorded with these ids, this query and this body"
        if row.last is not None:
            recorded = "is asked more often than it was recorded"
        following = next(iter(self.unused), "nothing more")
        return CassetteError(
            f"the cassette {self._name}: {asked.operation} {recorded}; nothing was sent. "
            f"Recorded next: {following}"
        )
