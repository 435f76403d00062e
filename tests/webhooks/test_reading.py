"""Reading deliveries from the requests of web frameworks, up to a limit."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, TypeAlias

import anyio.lowlevel
import attrs
import pytest
from starlette.datastructures import Headers
from starlette.requests import Request

from sikoia_async.errors import ArgumentTypeError, ConfigurationError, WebhookVerificationError
from sikoia_async.webhooks import SIGNATURE_HEADER, Router, read_delivery, sign

pytestmark = pytest.mark.anyio

SECRET = "0123456789abcdef0123456789abcdef"
CANARY = b"canary-value"
MIB = 1 << 20
SIGNATURE = sign(b"{}", SECRET)


@attrs.define
class Sender:
    """Sends chunks, and counts how many were read."""

    chunks: list[bytes]
    headers: dict[str, str] = attrs.field(factory=lambda: {SIGNATURE_HEADER: SIGNATURE})
    read: int = 0

    def starlette(self) -> Request:
        """Return the request as Starlette passes it."""
        raw = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        return Request({"type": "http", "headers": raw}, self._receive)

    def aiohttp(self) -> Any:
        """Return the request as aiohttp passes it, as far as it is read."""

        class Content:
            def __init__(self, sender: Sender) -> None:
                self.sender = sender

            def iter_any(self) -> Content:
                return self  # an iterator, and not a generator

            def __aiter__(self) -> Content:
                return self

            async def __anext__(self) -> bytes:
                if self.sender.read == len(self.sender.chunks):
                    raise StopAsyncIteration
                body: bytes = (await self.sender._receive())["body"]
                return body

        @attrs.frozen
        class Asked:
            headers: Headers
            content: Content

        return Asked(Headers(self.headers), Content(self))

    async def _receive(self) -> dict[str, Any]:
        await anyio.lowlevel.checkpoint()
        self.read += 1
        more = self.read < len(self.chunks)
        return {"type": "http.request", "body": self.chunks[self.read - 1], "more_body": more}


FRAMEWORKS = pytest.mark.parametrize("framework", [Sender.starlette, Sender.aiohttp])
Framework: TypeAlias = Callable[[Sender], Any]


@FRAMEWORKS
async def test_a_delivery_is_read_and_handled(framework: Framework) -> None:
    """In as many chunks as it comes."""
    body = b'{"event_type": "IdentityVerification.Completed"}'
    signature = sign(body, SECRET)
    sender = Sender([body[:10], b"", body[10:]], {SIGNATURE_HEADER.lower(): signature})

    read = await read_delivery(framework(sender))

    assert read == (body, signature)
    assert (await Router(SECRET).receive(*read)).secret == 0


@FRAMEWORKS
@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "header is missing"),
        ({SIGNATURE_HEADER: ""}, "header is missing"),
        ({SIGNATURE_HEADER: "junk"}, "not one Base64 string"),
        ({SIGNATURE_HEADER: "A" * 44}, "not one Base64 string"),
        ({SIGNATURE_HEADER: SIGNATURE * 2}, "not one Base64 string"),
        ({SIGNATURE_HEADER: SIGNATURE, "Content-Length": str(MIB + 1)}, "larger than max_body"),
        ({SIGNATURE_HEADER: SIGNATURE, "Content-Length": "9" * 5000}, "larger than max_body"),
    ],
)
async def test_nothing_is_read_of_what_cannot_be_genuine(
    framework: Framework, headers: dict[str, str], words: str
) -> None:
    """An unsigned body costs nothing, however large it is."""
    sender = Sender([bytes(MIB)] * 200, headers)

    with pytest.raises(WebhookVerificationError, match=words) as caught:
        await read_delivery(framework(sender))

    assert sender.read == 0
    assert caught.value.response_status == 401


@FRAMEWORKS
@pytest.mark.parametrize("length", [None, "junk", "7", "-1"])
async def test_no_more_than_the_limit_is_read(framework: Framework, length: str | None) -> None:
    """Whatever the request says about its length."""
    headers = {SIGNATURE_HEADER: SIGNATURE} | ({} if length is None else {"Content-Length": length})
    sender = Sender([bytes(MIB // 4)] * 200, headers)

    with pytest.raises(WebhookVerificationError, match="larger than max_body"):
        await read_delivery(framework(sender))

    assert sender.read == 5


@FRAMEWORKS
async def test_the_limit_can_be_chosen(framework: Framework) -> None:
    """A body of just that size is accepted."""
    assert (await read_delivery(framework(Sender([b"12", b"34"])), max_body=4))[0] == b"1234"
    with pytest.raises(WebhookVerificationError, match="larger than max_body"):
        await read_delivery(framework(Sender([b"12", b"345"])), max_body=4)
    wrong: list[Any] = [0, -1, "1", None, 1.5, True]
    for value in wrong:
        with pytest.raises(ConfigurationError, match=r"^max_body: "):
            await read_delivery(framework(Sender([b"{}"])), max_body=value)


async def test_nothing_of_a_refused_delivery_is_in_its_error() -> None:
    """Error reporters record local variables."""
    with pytest.raises(WebhookVerificationError) as caught:
        await read_delivery(Sender([CANARY, bytes(MIB)]).starlette())

    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert CANARY.decode() not in str([frame.locals for frame in trace.stack[1:]])


@attrs.frozen
class Other:
    """Something that only looks like a request."""

    headers: Any = attrs.field(factory=dict[str, str])
    stream: Any = None
    content: Any = None


@pytest.mark.parametrize(
    "request_",
    [
        None,
        b"{}",
        {},
        Other(),
        Other(stream=b"{}"),
        Other(stream=lambda: [b"{}"]),
        Other(headers=[], stream=lambda: None),
        Other(content=b"{}"),
    ],
    ids=["None", "bytes", "dict", "nothing", "bytes as stream", "list", "headers", "content"],
)
async def test_only_requests_can_be_read(request_: Any) -> None:
    """Others are to be read by the application."""
    with pytest.raises(ArgumentTypeError, match=r"^request: expected a request of Starlette"):
        await read_delivery(request_)
