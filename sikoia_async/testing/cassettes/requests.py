"""Requests as cassettes see them: the operation, and the parts that may be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from sikoia_async._logging import without_ids
from sikoia_async._schema.json import DecodeError, read_json
from sikoia_async._transport.types import state_of
from sikoia_async.testing.cassettes.file import CassetteError, RecordedRequest
from sikoia_async.testing.cassettes.operations import ApiOperation, find

if TYPE_CHECKING:
    import httpx

    from sikoia_async.testing.cassettes.scrubber import Scrubber

__all__ = ["Request", "describe"]

_LINK: Final = "GET (link)"


@attrs.frozen
class Request:
    """A request that a cassette can contain."""

    recorded: RecordedRequest
    into: Any
    """The type that its response is decoded into; bytes for files."""


def describe(request: httpx.Request, scrubber: Scrubber) -> Request | None:
    """Describe a request. Returns None for a request for an access token, which is never kept.

    Requests without an access token or API key are those for tokens and for files.

    Raises:
        CassetteError: the operation is unknown, so its personal data could not be removed.
    """
    if not {"authorization", "apikey"} & request.headers.keys():
        if request.method == "POST":
            return None
        ids = {"link": scrubber.link_number(str(request.url))}
        return Request(RecordedRequest(operation=_LINK, ids=ids), bytes)
    match = find(request.method, request.url.path)
    if match is None:
        path = without_ids(request.url.path)
        msg = (
            f"{request.method} {path}: cassettes support only operations that this SDK has methods "
            "for, because personal data of others cannot be removed. Nothing was sent"
        )
        raise CassetteError(msg)
    operation, ids = match
    recorded = RecordedRequest(
        operation=operation.name,
        ids=scrubber.path(ids),
        query=scrubber.query(dict(request.url.params), operation),
        body=_body(state_of(request).read(), operation, scrubber),
    )
    return Request(recorded, operation.into)


def _body(content: bytes, operation: ApiOperation, scrubber: Scrubber) -> Any:
    try:
        plain: Any = read_json(content)
    except DecodeError:  # there is no body
        return None
    return scrubber.fields(plain, operation.parameters)
