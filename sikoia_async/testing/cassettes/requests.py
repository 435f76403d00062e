"""A request as a cassette knows it: its operation, and of what is asked what may be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from sikoia_async._codec.json import DecodeError, read_json
from sikoia_async._logging import without_ids
from sikoia_async._transport.types import state_of
from sikoia_async.testing.cassettes.operations import Known, find
from sikoia_async.testing.cassettes.tape import Asked, CassetteError

if TYPE_CHECKING:
    import httpx

    from sikoia_async.testing.cassettes.scrub import Scrubber

__all__ = ["Request", "described"]

_LINK: Final = "GET (link)"


@attrs.frozen
class Request:
    """A request that a cassette may hold."""

    asked: Asked
    into: Any
    """What its answer becomes; files become bytes."""


async def described(request: httpx.Request, scrubber: Scrubber) -> Request | None:
    """Describe a request; None for one that asks for a token, which no cassette holds.

    Only requests for tokens and files show neither a token nor a key.

    Raises:
        CassetteError: nobody knows what in it is personal.
    """
    if not {"authorization", "apikey"} & request.headers.keys():
        if request.method == "POST":
            return None
        return Request(
            Asked(operation=_LINK, ids={"link": scrubber.link_number(str(request.url))}), bytes
        )
    found = find(request.method, request.url.path)
    if found is None:
        shown = without_ids(request.url.path)
        msg = (
            f"{request.method} {shown}: a cassette holds the operations that this SDK has methods "
            "for: of others nobody knows what in them is personal. Nothing was sent"
        )
        raise CassetteError(msg)
    known, named = found
    asked = Asked(
        operation=known.name,
        ids=scrubber.path(named),
        query=scrubber.query(dict(request.url.params), known),
        body=_body(await _content(request), known, scrubber),
    )
    return Request(asked, known.into)


def _body(content: bytes, known: Known, scrubber: Scrubber) -> Any:
    try:
        plain: Any = read_json(content)
    except DecodeError:  # there is none
        return None
    return scrubber.fields(plain, known.parameters)


async def _content(request: httpx.Request) -> bytes:
    """Read a request's body, which is made again when it is sent.

    That somebody has read it tells the SDK that it went out; here it does not.
    """
    state = state_of(request)
    is_sent = state.is_sent
    try:
        return b"".join([chunk async for chunk in state])
    finally:
        state.is_sent = is_sent
