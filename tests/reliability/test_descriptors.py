"""A process that runs out of file descriptors: calls wait for one, and no response is lost."""

import errno
import gzip
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
import sniffio
from faults import Peer, Script, answer, client
from reliability.harness import healthy, plan, sends

from sikoia_async import ConnectionFailedError

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no limit to set"),
]

_ID: Final = "64cd8202-2db4-44d5-85be-79438d65eb7b"
_REPORT: Final = {"request_id": _ID, "status": "Pending", "person_id": _ID}
_PROBLEM: Final = {
    "type": "x",
    "title": "Bad",
    "status": 400,
    "detail": "no",
    "errors": {"a": ["b"]},
}


def _json(status: int, body: Any, **headers: str) -> bytes:
    return answer(status, json.dumps(body).encode(), **headers)


_ENDS: Final = {
    "200": (_json(200, _REPORT), "response"),
    "200 with an odd value": (_json(200, _REPORT | {"created_at": "soon", "x": 1}), "response"),
    "200 in gzip": (
        answer(200, gzip.compress(json.dumps(_REPORT).encode()), Content_Encoding="gzip"),
        "response",
    ),
    "200 with HTML": (answer(200, b"<html>", Content_Type="text/html"), "UnexpectedResponseError"),
    "200 of another type": (_json(200, [1, [2]]), "UnexpectedResponseError"),
    "202": (_json(202, _REPORT, Location="/v2/y"), "response"),
    "400": (_json(400, _PROBLEM), "InvalidRequestError"),
    "401": (_json(401, {}), "AuthenticationError"),
    "402": (_json(402, {"title": "credits"}), "APIError"),
    "404": (answer(404, b"<html>", Content_Type="text/html"), "ResourceNotFoundError"),
    "429": (
        _json(
            429,
            {},
            Retry_After="Wed, 21 Oct 2099 07:28:00 GMT",
            Date="Wed, 21 Oct 2099 07:00:00 GMT",
        ),
        "RateLimitError",
    ),
    "503": (answer(503, b"\xff\xfe", Content_Type="text/plain; charset=x"), "ServerError"),
    "half": (answer()[:-1], "ConnectionFailedError"),
}


async def _in_a_child(url: str, what: str) -> dict[str, Any]:
    child = str(Path(__file__).with_name("scarce_child.py"))
    command = [sys.executable, child, sniffio.current_async_library(), url, what]
    done = await anyio.run_process(command, stderr=None)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


_CALLS: Final = [
    *(("model", end) for end in _ENDS if end != "202"),  # which would be polled
    *((call, end) for call in ("plain", "task", "workbook") for end in ("200", "400")),
    ("task", "202"),
]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(("call", "end"), _CALLS)
async def test_nothing_is_loaded_after_a_purchase_was_sent(call: str, end: str) -> None:
    """An import would need a descriptor, and its failure would lose the response."""
    sent, ended = _ENDS[end]
    async with plan(sends(sent)) as planned:
        report = await _in_a_child(planned.server.url, call)

    assert report["late"] == []
    assert "foreign" not in report["ended"]
    assert report["ended"] == ended or call != "model"
    assert planned.seen >= 1


async def _slow(peer: Peer) -> None:
    while True:
        await peer.request()
        await anyio.sleep(0.02)
        await peer.send(answer())


async def _hangs_up(peer: Peer) -> None:
    await peer.request()
    await anyio.sleep(0.02)
    await peer.send(answer(Connection="close"))


@pytest.mark.parametrize("script", [_slow, _hangs_up])
@pytest.mark.parametrize("spare", [1, 3])
async def test_calls_succeed_with_fewer_descriptors_than_connections(
    script: Script, spare: int
) -> None:
    """They share the connections that could be opened, and each purchase is sent once."""
    async with plan(script) as planned:
        report = await _in_a_child(planned.server.url, f"{spare}")

    assert report == {
        "ended": ["response"] * 48,
        "attempts": 48,
        "spend": {"identity.request": 24},
    }
    assert planned.seen == 48 + 1


async def test_calls_without_any_descriptor_fail_as_unsent() -> None:
    """Nothing was sent, and nothing is waited for: no call of this client holds a descriptor."""
    async with plan(_slow) as planned:
        report = await _in_a_child(planned.server.url, "0")

    assert set(report["ended"]) == {
        "unsent: Sikoia could not be reached, and nothing was sent: Too many open files"
    }
    assert report["spend"] == {}
    assert planned.seen == 1


async def test_a_purchase_is_not_sent_if_its_readers_cannot_be_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In this process they are loaded, so that a function in their place has to fail."""

    def fail() -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("sikoia_async._calls.call.load_readers", fail)
    async with plan(healthy) as planned, client(planned.server.url) as sikoia:
        with pytest.raises(ConnectionFailedError, match="nothing was sent") as caught:
            await sikoia.request("POST", "/v2/identity")

    assert not caught.value.may_have_been_processed
    assert planned.seen == 0
