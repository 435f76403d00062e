"""Time that is not what it seems: deadlines that are none, clocks that are set, loops that stand.

What waits how long for what is in `../calls/test_deadline.py`.
"""

import random
import time
from typing import Any

import anyio
import httpx
import pytest
from faults import SECRET, Peer, answer, client, guards, serve
from reliability.harness import act, ask
from reliability.oracle import overrun

from sikoia_async import ConfigurationError, DeadlineExceededError, Environment, Quota, Sikoia
from sikoia_async.environments import local

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "5", True, None])
def test_an_invalid_timeout_is_refused(timeout: Any) -> None:
    """D6: where it is passed in; every call has a deadline."""
    with pytest.raises(ConfigurationError, match="timeout"):
        client("http://127.0.0.1:1", timeout=timeout)
    if timeout is not None:  # which leaves it as it is
        with pytest.raises(ConfigurationError, match="timeout"):
            client("http://127.0.0.1:1").with_options(timeout=timeout)


async def _hours() -> tuple[float, list[float]]:
    """Use a client for some hours: access token, quota, retries, and a polled operation."""
    began, asked, tokens = anyio.current_time(), list[float](), 0

    async def reply(request: httpx.Request) -> httpx.Response:
        nonlocal tokens
        await anyio.sleep(0.5)
        if request.url.path == "/token":
            tokens += 1
            grant = {"access_token": f"token-{tokens}", "expires_in": 3600}
            return httpx.Response(201, json=grant)
        asked.append(anyio.current_time() - began)
        if len(asked) % 5 == 0:
            return httpx.Response(503, headers={"Retry-After": "3"})
        return httpx.Response(202 if len(asked) % 7 == 0 else 200, content=b"[]")

    environment = Environment(
        name="test", api="https://api.example", token_url="https://login.example/token", scope="all"
    )
    sikoia = Sikoia(
        "an-id",
        SECRET,
        environment=environment,
        quota=Quota(3, per=60),
        transport=httpx.MockTransport(reply),
        timeout=600,
    )
    async with sikoia:
        for _ in range(12):
            await ask(sikoia)
            await anyio.sleep(600)
    return float(tokens), asked


@pytest.mark.virtual_time
@pytest.mark.parametrize("step", [3600, -3600, 86_400, -86_400])
async def test_changes_of_the_system_clock_have_no_effect(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D7: the system clock jumps by a day each time it is read."""
    random.seed(7)
    usual = await _hours()
    wrong = time.time()

    def stepping() -> float:
        nonlocal wrong
        wrong += step
        return wrong

    monkeypatch.setattr(time, "time", stepping)
    random.seed(7)
    tokens, asked = await _hours()

    assert tokens == usual[0] > 1
    assert asked == pytest.approx(usual[1])


@pytest.mark.parametrize("seconds", [0.6, 0.0], ids=["too late", "at the last moment"])
async def test_a_blocked_event_loop_sends_nothing_twice(seconds: float) -> None:
    """D8: both the response and the deadline have arrived when the loop continues; one wins."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(answer(body=b"[1]"))
            time.sleep(seconds)  # noqa: ASYNC251 - this is the mistake that is tested

    async with serve(script) as server, client(server.url, timeout=0.3, retries=2) as sikoia:
        error: DeadlineExceededError | None = None
        with overrun(0.3):
            try:
                await act(sikoia)
            except DeadlineExceededError as late:
                error = late
        assert error is None or error.may_have_been_processed
        assert error is None or sum(error.spent.values()) >= 0.3
        assert len(server.requests) == 1
        assert guards(sikoia)[0].free == 16
        assert await ask(sikoia.with_options(timeout=60)) == [1]


async def test_a_silent_token_endpoint_is_retried() -> None:
    """D1, F3: after half of the remaining time."""
    grants = answer(201, b'{"access_token": "a-token", "expires_in": 3600}')

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            if server.connections == 1:
                await peer.gone()
            await peer.send(grants if b"/token " in request else answer(body=b"[1]"))

    async with serve(script) as server:
        sikoia = Sikoia("an-id", SECRET, environment=local(server.url), quota=None, timeout=3)
        async with sikoia:
            assert await ask(sikoia) == [1]

    assert server.lines == ["POST /token", "POST /token", "GET /v2/cases"]
