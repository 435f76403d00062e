"""Hostile URLs, ids and headers are refused before anything is sent."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from faults import SECRET, TOKEN, answer, certified, client, serve, trusting
from reliability.harness import CallOf, Played, ask, healthy, plan, sends, talking
from reliability.oracle import assert_ours, watched

from sikoia_async import (
    ArgumentError,
    ConfigurationError,
    Sikoia,
    UnexpectedResponseError,
    correlation_id,
)
from sikoia_async.environments import PRODUCTION, local

pytestmark = pytest.mark.anyio

_HOME: Final = "https://127.0.0.1:8400"
_ASTRAY: Final = (
    "../canary",
    "..%2fcanary",
    "%2e%2e",
    "..;/canary",
    "..;",
    ".",
    "..",
    "",
    "canary/b",
    "canary?b=1",
    "canary#b",
    "canary\\b",
    "canary\r\nX: 1",
    "canary\x00",
    "canary\u202e",
    "canary\uff0fb",
    "canary" * 1700,
    "{company_id}",
    "canary%00",
    " canary",
)
_RETRIEVALS: Final[tuple[Callable[[str, Sikoia], Any], ...]] = (
    lambda given, sikoia: sikoia.cases.retrieve(given),
    lambda given, sikoia: sikoia.cases.delete(given),
    lambda given, sikoia: sikoia.webhooks.retrieve(given),
    lambda given, sikoia: sikoia.credit_reports.retrieve(given),
)


@pytest.mark.virtual_time
@pytest.mark.parametrize("given", _ASTRAY, ids=lambda given: ascii(given)[:20])
async def test_an_id_that_changes_the_url_sends_nothing(given: str) -> None:
    """H1: it takes no rate-limit slot, and is not repeated."""
    server = Played(httpx.Response(200, content=b"{}"))
    sikoia = client(_HOME, transport=server)
    async with watched(sikoia, server) as watch:
        for retrieve in _RETRIEVALS:
            error = await watch.fails(ArgumentError, partial(retrieve, given), requests=0)
            assert "canary" not in str(error)


@pytest.mark.virtual_time
@pytest.mark.parametrize("given", ["/v2/../admin", "/v2/%2e%2e/admin", "//evil.example/", "/a b"])
async def test_a_path_that_leaves_the_api_sends_nothing(given: str) -> None:
    """H1: `request` stays on Sikoia's API."""
    server = Played(httpx.Response(200, content=b"{}"))
    async with watched(client(_HOME, transport=server), server) as watch:
        await watch.fails(ArgumentError, CallOf("GET", given), requests=0)


_BAD_VALUES: Final = (
    "canary\r\nX: 1",
    "canary\n",
    "canary\x00",
    "canary\x7f",
    "canaryé",
    " canary",
    "canary b",
    "",
    "canary\ud800",
    "canary" * 1500,
)


@pytest.mark.virtual_time
@pytest.mark.parametrize("value", _BAD_VALUES, ids=lambda value: ascii(value)[:20])
async def test_an_invalid_header_value_sends_nothing(value: str) -> None:
    """H3: header values are validated where they are passed in."""
    server = Played(httpx.Response(200, content=b"[]"))
    sikoia = client(_HOME, transport=server, idempotency_header="Idempotency-Key")
    async with watched(sikoia, server):
        wrong: list[Callable[[], Sikoia]] = [
            lambda: sikoia.with_options(correlation_id=value),
            lambda: sikoia.with_options(idempotency_key=value),
            lambda: client(_HOME, token=value),
            lambda: client(_HOME, token=None, api_key=value),
            lambda: client(_HOME, token=None, client_id=value, client_secret=SECRET),
            lambda: client(_HOME, token=None, client_id="an-id", client_secret=value),
        ]
        for refuses in wrong:
            with pytest.raises(ConfigurationError) as caught:
                refuses()
            assert "canary" not in str(caught.value)
        with pytest.raises(ConfigurationError), correlation_id(value):
            pass
        assert server.seen == 0


@pytest.mark.parametrize(
    "name",
    ["Authorization", "host", "Content-Length", "Transfer-Encoding", "Cookie", "apikey",
     "X-Correlation-Id", "Connection", "Content-Type", "a b", "a:", "a\r\nb", "é"],
    ids=ascii,
)  # fmt: skip
def test_the_idempotency_header_cannot_replace_another(name: str) -> None:
    """H3: its name is refused if the client or HTTP uses it."""
    with pytest.raises(ConfigurationError, match=r"^idempotency_header: "):
        client(_HOME, idempotency_header=name)


@pytest.mark.parametrize("to", ["host", "other port", "in front of @", "no scheme"])
async def test_a_next_page_on_another_host_is_not_requested(to: str) -> None:
    """H4: the access token stays with the API, which is asked for the page instead."""
    async with serve(healthy) as evil:
        port = evil.url.rpartition(":")[2]
        address = {
            "host": f"http://localhost:{port}/v2/webhooks/w-1/requests?after_request_id=a",
            "other port": f"{evil.url}/v2/webhooks/w-1/requests?after_request_id=a",
            "in front of @": f"http://127.0.0.1@127.0.0.1:{port}/?after_request_id=a",
            "no scheme": f"//127.0.0.1:{port}/?after_request_id=a",
        }[to]
        page = (
            f'{{"pagination_meta_data": {{"next_page_url": "{address}"}}, "webhook_requests": []}}'
        )
        async with (
            plan(sends(answer(body=page.encode())), sends(answer(body=b"{}"))) as planned,
            watched(talking(planned), planned, next_call=False) as watch,
        ):
            await watch.works(_read_all, requests=2)
            assert b"?after_request_id=a " in planned.server.requests[1]
        assert evil.connections == 0


async def _read_all(sikoia: Sikoia) -> list[object]:
    return [one async for one in sikoia.webhooks.log("w-1")]


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "//evil.example/latest/meta-data/",
    ],
)
async def test_a_location_on_another_host_is_not_polled(location: str) -> None:
    """H5: for example a cloud's metadata service; polls go to the API's origin."""
    scripts = sends(answer(202, b"", Location=location)), sends(answer(body=b"{}"))
    async with (
        plan(*scripts) as planned,
        watched(talking(planned), planned, next_call=False) as watch,
    ):
        await watch.works(CallOf("POST", "/v2/reports"), requests=2)
        assert planned.server.requests[1].startswith(b"GET /latest/meta-data/ ")


async def test_a_location_with_another_scheme_is_an_error() -> None:
    """H5: the request may have been processed."""
    script = sends(answer(202, b"", Location="file:///etc/passwd"))
    async with (
        plan(script) as planned,
        watched(talking(planned, retries=0), planned, next_call=False) as watch,
    ):
        error = await watch.fails(
            UnexpectedResponseError,
            CallOf("POST", "/v2/reports"),
            requests=1,
            match="Location that cannot be read",
        )
    assert error.may_have_been_processed


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:1/canary",
        "http://localhost:1/canary",
        "http://[::1]:1/canary",
        "http://169.254.169.254/canary",
        "http://files.example/canary",
        "file:///canary",
        "gopher://files.example/canary",
    ],
)
async def test_a_link_to_this_machine_is_not_followed(link: str) -> None:
    """H6: only the local Sikoia has its files on this machine; other links are https."""
    server = Played(httpx.Response(200, content=b"%PDF"))
    async with watched(client(PRODUCTION, transport=server), server) as watch:
        error = await watch.fails(ArgumentError, lambda sikoia: sikoia.download(link), requests=0)
    assert "canary" not in str(error)


async def test_a_redirected_link_is_not_followed() -> None:
    """H6: and neither host gets the access token."""
    async with serve(healthy) as evil:
        script = sends(answer(302, b"", Location=f"{evil.url}/a.pdf"))
        async with serve(script) as files, client(files.url) as sikoia:
            with pytest.raises(UnexpectedResponseError) as caught:
                await sikoia.download(f"{files.url}/a.pdf?sig=canary")
            assert_ours(caught.value)
            assert "canary" not in str(caught.value)
            assert TOKEN.encode() not in files.received
        assert evil.connections == 0


async def test_a_host_needs_a_certificate_for_its_name(tmp_path: Path) -> None:
    """H7: whatever address the name of a link resolves to."""
    async with serve(healthy, certified("files.example")) as inside:
        there = inside.url.replace("127.0.0.1", "localhost")
        sikoia = client(local("https://127.0.0.1:1"), link_tls=trusting(tmp_path))
        async with sikoia:
            with pytest.raises(Exception, match="certificate is not valid") as caught:
                await sikoia.download(f"{there}/a.pdf")
        assert type(caught.value).__module__ == "sikoia_async.errors"
        assert inside.requests == []


@pytest.mark.parametrize(
    "cookie",
    [
        "canary=1",
        "canary=1; Domain=127.0.0.1",
        "canary=1; Domain=.0.0.1",
        "canary=1; Path=/; Max-Age=9999",
        "canary=1; Domain=localhost",
    ],
)
@pytest.mark.parametrize("whose", ["ours", "the caller's"])
async def test_cookies_are_never_sent_back(cookie: str, whose: str) -> None:
    """H11: neither by another call nor by the user's own httpx client."""

    async def script(peer: Any) -> None:
        while True:
            await peer.request()
            await peer.send(answer(Set_Cookie=cookie))

    async with serve(script) as server, httpx.AsyncClient() as own:
        brought = {} if whose == "ours" else {"http_client": own}
        async with client(server.url, **brought) as sikoia:
            for _ in range(3):
                await ask(sikoia)

    assert len(server.requests) == 3
    assert not [one for one in server.requests if b"cookie" in one.lower()]
