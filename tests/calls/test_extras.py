"""Headers, parameters and fields of the caller's: sent, inherited, and never instead of ours."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from faults import client
from scripted import Received, Reply, scripted

from sikoia_async import (
    ArgumentTypeError,
    ConfigurationError,
    Entity,
    Interval,
    LinkExpiredError,
    Sikoia,
)
from sikoia_async.environments import local
from sikoia_async.testing import Cassette, MemorySandbox, client_of

pytestmark = pytest.mark.anyio

_ORIGIN: Final = "https://127.0.0.1:8400"
_CASE: Final = {"case_id": "c-1", "stage": "New", "type": "Business", "name": "Loan"}


class _Recording(httpx.MockTransport):
    """Returns the same response to each request, and keeps the requests."""

    def __init__(self, reply: Any, status: int = 200) -> None:
        self.requests: list[httpx.Request] = []

        def respond(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return httpx.Response(status, json=reply)

        super().__init__(respond)


async def test_headers_of_a_client_and_of_its_views_are_sent() -> None:
    """Those of a view replace those of the client with the same name, in any letter case."""
    with scripted() as server:
        server.respond_with(Reply(200, []))
        async with server.client(headers={"X-Tenant": "one", "X-Region": "eu"}) as sikoia:
            view = sikoia.with_options(headers={"x-tenant": "two", "traceparent": "00-1"})
            await sikoia.users.list()
            await view.with_options(timeout=5).users.list()

    first, second = (request.headers for request in server.requests)
    assert (first["x-tenant"], first["x-region"]) == ("one", "eu")
    assert (second["x-tenant"], second["x-region"], second["traceparent"]) == ("two", "eu", "00-1")
    assert "traceparent" not in first
    assert second["content-type"] == "application/json"


async def test_headers_are_sent_with_every_attempt_page_and_poll() -> None:
    """And the correlation id, the access token and the body stay ours."""
    replies: list[httpx.Response] = [
        httpx.Response(503),
        httpx.Response(202, headers={"Location": "/v2/tasks/1?part=2"}),
        httpx.Response(202),
        httpx.Response(200, json={"done": True}),
    ]
    requests: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return replies.pop(0)

    transport = httpx.MockTransport(reply)
    async with client(_ORIGIN, transport=transport, retries=1) as sikoia:
        view = sikoia.with_options(
            headers={"X-Tenant": "one"},
            extra_query={"part": "9", "preview": True},
            interval=Interval(first=0.1, most=0.1),
        )
        await view.request("PUT", "/v2/reports", body={"case": "7"})

    assert [request.headers["x-tenant"] for request in requests] == ["one"] * 4
    targets = [request.url.raw_path.decode() for request in requests]
    assert (
        targets == ["/v2/reports?part=9&preview=true"] * 2 + ["/v2/tasks/1?part=2&preview=true"] * 2
    )


async def test_token_requests_and_download_links_get_no_header() -> None:
    """A header may be a credential of a gateway, and file hosts are somebody else's."""
    requests: list[Received] = []
    with scripted() as server:

        def script(request: Received) -> Reply:
            requests.append(request)
            return Reply(403 if request.path.startswith("/file") else 200, [])

        server.script = script
        async with server.client(headers={"X-Gateway-Key": "k"}, app_info="loans/1.4") as sikoia:
            view = sikoia.with_options(extra_query={"a": "b"}, extra_body={"c": "d"})
            with pytest.raises(LinkExpiredError):
                await view.download(f"{server.url}/file?sig=1")
            await view.users.list()

    assert [request.path for request in requests] == ["/file?sig=1", "/v2/users?a=b"]
    assert "x-gateway-key" not in requests[0].headers
    assert requests[1].headers["user-agent"].endswith(" loans/1.4")
    assert requests[1].headers["user-agent"].startswith("sikoia-async/")


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "AUTHORIZATION", "apikey", "X-Correlation-Id", "x_correlation_id"),
        *("Content-Type", "content-length", "Host", "Accept", "Accept-Encoding", "User-Agent"),
        *(
            "Transfer-Encoding",
            "Connection",
            "Keep-Alive",
            "Trailer",
            "Upgrade",
            "Cookie",
            "Expect",
        ),
        *("Proxy-Authorization", "Idempotency-Key", "idempotency_key", "X-Our-Key", "Range"),
    ],
)
def test_our_own_headers_cannot_be_overridden(name: str) -> None:
    """Neither by the client nor by a view, however they are spelt; the error says what to use."""
    with pytest.raises(ConfigurationError, match="is set by this SDK") as refused:
        client(_ORIGIN, headers={name: "canary-value"}, idempotency_header="X-Our-Key")
    assert "canary-value" not in str(refused.value)
    sikoia = client(_ORIGIN, idempotency_header="X-Our-Key")
    with pytest.raises(ConfigurationError, match="is set by this SDK"):
        sikoia.with_options(headers={name: "canary-value"})


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"X-A": "canary\r\nX-B: c"}, ConfigurationError),
        ({"X-A": "canary\n"}, ConfigurationError),
        ({"X-A": "canary\x00"}, ConfigurationError),
        ({"X-A": " canary"}, ConfigurationError),
        ({"X-A": "canaryé"}, ConfigurationError),
        ({"X-A": "canary" * 2000}, ConfigurationError),
        ({"X-A\r\nX-B": "canary"}, ConfigurationError),
        ({"X A": "canary"}, ConfigurationError),
        ({"X-A:": "canary"}, ConfigurationError),
        ({"": "canary"}, ConfigurationError),
        ({"X-A": "canary", "x-a": "canary"}, ConfigurationError),
        ({"X-A": 5}, ArgumentTypeError),
        ({"X-A": None}, ArgumentTypeError),
        ({"X-A": b"canary"}, ArgumentTypeError),
        ({5: "canary"}, ArgumentTypeError),
        ({b"X-A": "canary"}, ArgumentTypeError),
        ([("X-A", "canary")], ArgumentTypeError),
        ("X-A: canary", ArgumentTypeError),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused(headers: Any, error: type[Exception]) -> None:
    """Before anything is sent, without repeating its value."""
    for make in (partial(client, _ORIGIN), client(_ORIGIN).with_options):
        with pytest.raises(error, match="headers: ") as refused:
            make(headers=headers)
        assert "canary" not in str(refused.value)


@pytest.mark.parametrize("value", ["loans/1.4", "loans/1.4 (+https://loans.example; x)"])
async def test_app_info_is_added_to_the_user_agent(value: str) -> None:
    """Sikoia's support then sees which application calls."""
    transport = _Recording([])
    async with client(_ORIGIN, transport=transport, app_info=value) as sikoia:
        await sikoia.users.list()
    assert transport.requests[0].headers["user-agent"].endswith(f" {value}")


@pytest.mark.parametrize("value", ["", " a", "a\n", "a\r\nX: b", "é", "a" * 257, 5, ("a", "1")])
def test_other_app_info_is_refused(value: Any) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match="app_info: expected"):
        client(_ORIGIN, app_info=value)


async def test_fields_are_added_to_bodies() -> None:
    """Nested views add to each other, and None leaves a field out."""
    transport = _Recording(_CASE)
    async with client(_ORIGIN, transport=transport) as sikoia:
        view = sikoia.with_options(extra_body={"colour": "red", "size": 3}, extra_query={"a": "1"})
        inner = view.with_options(extra_body={"size": None}, extra_query={"b": ["2", "3"]})
        await inner.cases.create(name="Loan", case_type="Business")
        await inner.cases.update("c-1", name="Other")
        await view.request("POST", "/v2/refresh")
        await sikoia.cases.create(name="Loan", case_type="Business")

    bodies = [json.loads(request.content) for request in transport.requests[:2]]
    assert [body["colour"] for body in bodies] == ["red", "red"]
    assert all("size" not in body and body["name"] for body in bodies)
    assert transport.requests[0].url.query == b"a=1&b=2%2C3"
    assert json.loads(transport.requests[2].content) == {"colour": "red", "size": 3}
    assert b"colour" not in transport.requests[3].content
    assert transport.requests[3].url.query == b""


async def test_a_request_without_a_body_stays_without_one() -> None:
    """GET and DELETE, and so the polls of an operation."""
    transport = _Recording([])
    async with client(_ORIGIN, transport=transport) as sikoia:
        view = sikoia.with_options(extra_body={"colour": "red"})
        await view.users.list()
        await view.request("DELETE", "/v2/cases/c-1")
    assert [request.content for request in transport.requests] == [b"", b""]


async def test_a_field_can_be_all_that_is_updated() -> None:
    """An update with no argument of ours, for a field that this version does not know."""
    transport = _Recording(_CASE)
    async with client(_ORIGIN, transport=transport) as sikoia:
        await sikoia.with_options(extra_body={"colour": "red"}).request("PATCH", "/v2/cases/c-1")
    assert json.loads(transport.requests[0].content) == {"colour": "red"}


_CLASHES: Final[dict[str, tuple[dict[str, Any], Callable[[Sikoia], Any]]]] = {
    "body": (
        {"extra_body": {"name": "canary"}},
        lambda sikoia: sikoia.cases.create(name="Loan", case_type="Business"),
    ),
    "body in other letter case": (
        {"extra_body": {"NAME": "canary"}},
        lambda sikoia: sikoia.cases.create(name="Loan", case_type="Business"),
    ),
    "upload": (
        {"extra_body": {"file": "canary"}},
        lambda sikoia: sikoia.documents.upload(
            Entity("case", "c-1"), b"%PDF", file_name="a.pdf", document_type="Payslip"
        ),
    ),
    "query": (
        {"extra_query": {"stage": "canary"}},
        lambda sikoia: sikoia.cases.list(stage="New"),
    ),
    "request": (
        {"extra_query": {"Page": "canary"}},
        lambda sikoia: sikoia.request("GET", "/v2/x", query={"page": 1}),
    ),
}


@pytest.mark.parametrize("what", _CLASHES)
async def test_an_argument_is_not_replaced(what: str) -> None:
    """The call is refused, with the name and without the value; nothing is sent."""
    options, call = _CLASHES[what]
    transport = _Recording(_CASE)
    async with client(_ORIGIN, transport=transport) as sikoia:
        (option,) = options
        (name,) = options[option]
        with pytest.raises(ConfigurationError, match=f"{option}: {name} is also") as refused:
            await call(sikoia.with_options(**options))
    assert not transport.requests
    assert "canary" not in str(refused.value)


async def test_an_argument_that_is_not_passed_can_be_added() -> None:
    """For example a value that this version refuses."""
    transport = _Recording([])
    async with client(_ORIGIN, transport=transport) as sikoia:
        await sikoia.with_options(extra_query={"stage": "Archived"}).cases.list()
    assert transport.requests[0].url.query == b"stage=Archived"


@pytest.mark.parametrize(
    "options",
    [
        {"extra_query": [("a", "b")]},
        {"extra_query": {5: "b"}},
        {"extra_query": {"": "b"}},
        {"extra_query": {"a": "canary,b"}},
        {"extra_query": {"a": {"canary": 1}}},
        {"extra_query": {"a": 1.5}},
        {"extra_query": {"a": "\ud800"}},
        {"extra_body": [("a", "b")]},
        {"extra_body": {5: "b"}},
        {"extra_body": {"": "b"}},
        {"extra_body": {"a": {"canary"}}},
        {"extra_body": {"a": float("nan")}},
        {"extra_body": {"a": object()}},
    ],
)
def test_extras_that_cannot_be_sent_are_refused(options: dict[str, Any]) -> None:
    """When the view is made, which is where they are written."""
    with pytest.raises(ConfigurationError) as refused:
        client(_ORIGIN).with_options(**options)
    assert "canary" not in str(refused.value)


async def test_pages_keep_added_parameters() -> None:
    """Each page, although the URL of the next page does not repeat them."""
    transport_requests: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        transport_requests.append(request.url.query.decode())
        following = None if len(transport_requests) > 1 else f"{_ORIGIN}/v2/x?cursor=2"
        page: dict[str, Any] = {
            "pagination_meta_data": {"next_page_url": following},
            "webhook_requests": [],
        }
        return httpx.Response(200, json=page)

    async with client(_ORIGIN, transport=httpx.MockTransport(reply)) as sikoia:
        view = sikoia.with_options(extra_query={"preview": True})
        assert [one async for one in view.webhooks.log("w-1")] == []
    assert ["preview=true" in query for query in transport_requests] == [True, True]
    assert all(query.count("preview") == 1 for query in transport_requests)


async def test_an_idempotency_key_covers_what_is_added() -> None:
    """The same key with another field or parameter is another request, and so is refused."""
    transport = _Recording(_CASE)
    async with client(_ORIGIN, transport=transport, idempotency_header="X-Our-Key") as sikoia:
        view = sikoia.with_options(idempotency_key="k-1", extra_body={"colour": "red"})
        await view.cases.create(name="Loan", case_type="Business")
        await view.cases.create(name="Loan", case_type="Business")
        for other in (
            view.with_options(extra_body={"colour": "blue"}),
            view.with_options(extra_query={"a": "b"}),
        ):
            with pytest.raises(ConfigurationError, match="idempotency_key: already used"):
                await other.cases.create(name="Loan", case_type="Business")
    assert [request.headers["x-our-key"] for request in transport.requests] == ["k-1", "k-1"]


async def test_a_cassette_keeps_nothing_of_what_is_added(tmp_path: Path) -> None:
    """It is not known what is personal. Requests that differ only there are equal, in order."""
    path = tmp_path / "extra.json"
    with MemorySandbox() as sandbox, Cassette(path, record=True) as cassette:
        async with client_of(
            cassette,
            transport=sandbox.transport,
            environment=local(sandbox.url),
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
        ) as sikoia:
            view = sikoia.with_options(extra_query={"preview": "canary"}, headers={"X-A": "canary"})
            await view.users.list()
    assert "canary" not in path.read_text("utf-8")
    assert "preview" not in path.read_text("utf-8")

    with Cassette(path) as cassette:
        async with client_of(cassette, headers={"X-B": "c"}) as sikoia:
            assert await sikoia.with_options(extra_query={"preview": "other"}).users.list()
    assert not cassette.unused
