"""Reading a list page by page: which requests are sent, and which never are."""

import json
from typing import Any, Final

import attrs
import httpx
import pytest
from faults import assert_plain, client

from sikoia_async import ClientStateError, Items, ServerError, Sikoia, UnexpectedResponseError
from sikoia_async.environments import Environment

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_ORIGIN: Final = "https://127.0.0.1:8400"
_PATH: Final = "/v2/webhooks/w-1/requests"
_ENOUGH: Final = 20
_ELSEWHERE: Final = (
    "http://127.0.0.1:8400",
    "https://127.0.0.1:8401",
    "http://backend_7.internal:8080",
    "https://api.sikoia.com",
    "//evil.example",
    "https://127.0.0.1:8400@evil.example",
    "https://user:secret@127.0.0.1:8400",
    "https://évil.example",
    "https://[",
)


@attrs.define
class _Log:
    """Returns the page or status of each target; 404 for others."""

    pages: dict[str, dict[str, Any] | int]
    asked: list[str] = attrs.field(factory=list[str])
    hosts: set[str] = attrs.field(factory=set[str])

    def client(self, **options: Any) -> Sikoia:
        return client(_ORIGIN, transport=httpx.MockTransport(self.reply), **options)

    def reply(self, request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode()
        self.asked.append(target)
        self.hosts.add(f"{request.url.scheme}://{request.url.netloc.decode()}")
        # An endless list fails the test instead of blocking it.
        page = self.pages.get(target, 404) if len(self.asked) < _ENOUGH else 404
        status = page if isinstance(page, int) else 200
        return httpx.Response(status, content=json.dumps(page).encode())


def _page(*request_ids: str, **urls: str | None) -> dict[str, Any]:
    return {
        "pagination_meta_data": urls and {**urls, "page_size": 2, "page_count": len(request_ids)},
        "webhook_requests": [{"request_id": one} for one in request_ids],
    }


def _three_pages() -> _Log:
    return _Log(
        {
            _PATH: _page("a", "b", next_page_url=f"{_ORIGIN}{_PATH}?after_request_id=b"),
            f"{_PATH}?after_request_id=b": _page(
                "c", "d", next_page_url=f"{_ORIGIN}{_PATH}?after_request_id=d"
            ),
            f"{_PATH}?after_request_id=d": _page("e", next_page_url=None),
        }
    )


async def test_the_items_of_all_pages_are_yielded() -> None:
    """`async for` reads on until a page names no next one."""
    log = _three_pages()
    async with log.client() as sikoia:
        read = [request.request_id async for request in sikoia.webhooks.log("w-1")]

    assert read == ["a", "b", "c", "d", "e"]
    assert log.asked == list(log.pages)


async def test_pages_can_be_read_themselves() -> None:
    """`pages` yields the pages, each with its response."""
    log = _three_pages()
    async with log.client() as sikoia:
        pages = [page async for page in sikoia.webhooks.log("w-1").pages()]

    counts = [page.pagination_meta_data.page_count for page in pages if page.pagination_meta_data]
    assert counts == [2, 2, 1]
    assert {(page.response.status, page.response.path) for page in pages} == {
        (200, "/v2/webhooks/{webhook_id}/requests")
    }
    assert len({page.response.correlation_id for page in pages}) == 3


async def test_awaiting_a_list_reads_all_its_pages() -> None:
    """It gives all items as a list, with the response of the last page."""
    log = _three_pages()
    async with log.client() as sikoia:
        requests = await sikoia.webhooks.log("w-1")

    assert isinstance(requests, Items)
    assert [one.request_id for one in requests] == ["a", "b", "c", "d", "e"]
    assert requests.response.status == 200
    assert log.asked == list(log.pages)


async def test_a_list_without_items_is_empty() -> None:
    """A page may have no list at all."""
    log = _Log({_PATH: {}})
    async with log.client() as sikoia:
        requests = await sikoia.webhooks.log("w-1")

    assert len(requests) == 0
    assert requests.response.status == 200


async def test_leaving_early_fetches_no_further_page() -> None:
    """The second page is fetched when the first is used up, and leaving needs no cleanup."""
    log = _three_pages()
    async with log.client() as sikoia:
        async for request in sikoia.webhooks.log("w-1"):
            if request.request_id == "b":
                break

    assert log.asked == [_PATH]


async def test_a_list_can_be_read_again() -> None:
    """`requests` returns a list, not an iterator that is used up."""
    log = _three_pages()
    async with log.client() as sikoia:
        requests = sikoia.webhooks.log("w-1")
        first = [request async for request in requests]
        second = [request async for request in requests]

    assert first == second
    assert len(log.asked) == 6


async def test_a_failed_page_can_be_fetched_again() -> None:
    """An error ends the `async for`; the iterator continues with the same page."""
    log = _three_pages()
    second = f"{_PATH}?after_request_id=b"
    good, log.pages[second] = log.pages[second], 500
    async with log.client() as sikoia:
        walk = aiter(sikoia.webhooks.log("w-1"))
        before = [await anext(walk), await anext(walk)]
        with pytest.raises(ServerError):
            await anext(walk)
        log.pages[second] = good
        after = [request async for request in walk]

    assert [request.request_id for request in before + after] == ["a", "b", "c", "d", "e"]
    assert log.asked[1:3] == [second, second]


async def test_an_exhausted_iterator_stays_exhausted() -> None:
    """After the last page there are no more items."""
    log = _three_pages()
    async with log.client() as sikoia:
        walk = sikoia.webhooks.log("w-1").pages()
        pages = [page async for page in walk]
        more = [page async for page in walk]

    assert (len(pages), more) == (3, [])


@pytest.mark.parametrize(
    "page",
    [
        {"pagination_meta_data": None, "webhook_requests": None},
        {"pagination_meta_data": {"next_page_url": None}, "webhook_requests": []},
        {"pagination_meta_data": {"next_page_url": ""}},
        {"pagination_meta_data": {"next_page_url": " "}},
    ],
    ids=["nulls", "an empty list", "an empty address", "a blank address"],
)
async def test_an_empty_page_is_the_end(page: dict[str, Any]) -> None:
    """No items and no next page is a valid page."""
    async with _Log({_PATH: page}).client() as sikoia:
        assert [request async for request in sikoia.webhooks.log("w-1")] == []


async def test_an_empty_page_may_name_a_next_one() -> None:
    """A page without items is not the end if it names a next one."""
    pages: dict[str, dict[str, Any] | int] = {
        _PATH: _page(next_page_url="?after_request_id=b"),
        f"{_PATH}?after_request_id=b": _page("c", next_page_url=None),
    }
    async with _Log(pages).client() as sikoia:
        read = [request.request_id async for request in sikoia.webhooks.log("w-1")]

    assert read == ["c"]


@pytest.mark.parametrize(
    "address",
    [
        f"{_ORIGIN}{_PATH}?after_request_id=b",
        f"{_PATH}?after_request_id=b",
        "?after_request_id=b",
        f"//127.0.0.1:8400{_PATH}?after_request_id=b#top",
        f"{_ORIGIN}/v2/cases?after_request_id=b",
        f"{_ORIGIN}/v2/{{resource}}?after_request_id=b&event_status=Failed",
        f" {_PATH}?after_request_id=b\n",
        *(f"{origin}{_PATH}?after_request_id=b" for origin in _ELSEWHERE),
    ],
)
async def test_only_the_query_of_a_next_url_is_used(address: str) -> None:
    """It is merged into the first request, whose filters stay in force."""
    second = f"{_PATH}?event_status=Failed&after_request_id=b"
    log = _Log(
        {
            f"{_PATH}?event_status=Failed": _page("a", next_page_url=address),
            second: _page("c", next_page_url=None),
        }
    )
    async with log.client() as sikoia:
        requests = sikoia.webhooks.log("w-1", event_status="Failed")
        read = [request.request_id async for request in requests]

    assert read == ["a", "c"]
    assert log.asked == list(log.pages)


async def test_a_next_url_replaces_the_cursor() -> None:
    """The page decides where to continue, not the caller's argument."""
    log = _Log(
        {
            f"{_PATH}?after_request_id=b": _page("c", next_page_url="?after_request_id=c"),
            f"{_PATH}?after_request_id=c": _page("d", next_page_url=None),
        }
    )
    async with log.client() as sikoia:
        requests = sikoia.webhooks.log("w-1", after_request_id="b")
        read = [request.request_id async for request in requests]

    assert read == ["c", "d"]


async def test_backward_reads_the_previous_pages() -> None:
    """Towards newer requests, the URL of the previous page is used."""
    backward = "pagination_direction=Backward"
    log = _Log(
        {
            f"{_PATH}?after_request_id=d&{backward}": _page(
                "c",
                next_page_url="?after_request_id=c&pagination_direction=Forward",
                previous_page_url=f"?after_request_id=c&{backward}",
            ),
            f"{_PATH}?after_request_id=c&{backward}": _page("a", "b", previous_page_url=None),
        }
    )
    async with log.client() as sikoia:
        requests = sikoia.webhooks.log("w-1", after_request_id="d", pagination_direction="Backward")
        read = [request.request_id async for request in requests]

    assert read == ["c", "a", "b"]


async def test_backward_ends_without_meta_data() -> None:
    """A page without pagination data is the last one in this direction, too."""
    log = _Log({f"{_PATH}?pagination_direction=Backward": _page("a")})
    async with log.client() as sikoia:
        requests = sikoia.webhooks.log("w-1", pagination_direction="Backward")

        assert [request.request_id async for request in requests] == ["a"]


@pytest.mark.parametrize("origin", _ELSEWHERE)
async def test_another_host_in_a_next_url_is_ignored_and_counted(origin: str) -> None:
    """No request leaves for another origin, and `drift` shows what the server sends."""
    log = _Log(
        {
            _PATH: _page("a", "b", next_page_url=f"{origin}{_PATH}?after_request_id=b"),
            f"{_PATH}?after_request_id=b": _page("c", next_page_url=None),
        }
    )
    async with log.client() as sikoia:
        read = [request.request_id async for request in sikoia.webhooks.log("w-1")]
        drift = {key: count for key, count in sikoia.drift.items() if "host" in key}

    assert read == ["a", "b", "c"]
    assert log.hosts == {_ORIGIN}
    assert drift == {"WebhookRequestsPage: next page on another host": 1}


@pytest.mark.parametrize("origin", ["https://gateway.example/sikoia", "https://api.sikoia.com", ""])
async def test_pages_are_read_through_a_gateway_with_a_prefix(origin: str) -> None:
    """Whether the URL of the next page contains the prefix or not, requests do."""
    gateway = Environment(
        name="gateway",
        api="https://gateway.example/sikoia/",
        token_url="https://gateway.example/token",
        scope="s",
    )
    log = _Log(
        {
            f"/sikoia{_PATH}": _page("a", next_page_url=f"{origin}{_PATH}?after_request_id=a"),
            f"/sikoia{_PATH}?after_request_id=a": _page("c", next_page_url=None),
        }
    )
    async with client(gateway, transport=httpx.MockTransport(log.reply)) as sikoia:
        read = [request.request_id async for request in sikoia.webhooks.log("w-1")]

    assert read == ["a", "c"]
    assert log.hosts == {"https://gateway.example"}


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "https:v2", "?a=" + "b" * 200_000],
    ids=["javascript", "no host", "200,000 letters"],
)
async def test_a_next_url_that_cannot_be_read_is_an_error(address: str) -> None:
    """It is not guessed at; the items so far are yielded before the error."""
    log = _Log({_PATH: _page("a", "b", next_page_url=address)})
    async with log.client() as sikoia:
        walk = aiter(sikoia.webhooks.log("w-1"))
        read = [await anext(walk), await anext(walk)]
        with pytest.raises(UnexpectedResponseError, match="URL cannot be read") as caught:
            await anext(walk)

    assert [request.request_id for request in read] == ["a", "b"]
    assert (log.asked, log.hosts) == ([_PATH], {_ORIGIN})
    assert (caught.value.status, caught.value.call.path) == (
        200,
        "/v2/webhooks/{webhook_id}/requests",
    )
    assert "alert" not in str(caught.value)
    assert_plain(caught.value)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", "?never=asked"),
        (f"{_PATH}?", "?never=asked"),
        ("?after_request_id=b", "?after_request_id=b"),
        ("?after_request_id=b", f"{_ORIGIN}{_PATH}?after_request_id=b#again"),
        ("?after_request_id=b", "?after_request_id=a"),
    ],
    ids=["no address", "the first page", "itself", "itself, spelt differently", "two in turn"],
)
async def test_a_page_cycle_is_an_error(first: str, second: str) -> None:
    """A page that was already read is not fetched again, or the list would never end."""
    log = _Log(
        {
            f"{_PATH}?after_request_id=a": _page("b", next_page_url=first or _PATH),
            f"{_PATH}?after_request_id=b": _page("c", next_page_url=second),
        }
    )
    async with log.client() as sikoia:
        requests = sikoia.webhooks.log("w-1", after_request_id="a")
        with pytest.raises(
            UnexpectedResponseError, match="already read, so the list would never end"
        ):
            _ = [request async for request in requests]

    assert len(log.asked) == len(set(log.asked)) <= 2


async def test_a_page_that_names_itself_is_an_error() -> None:
    """Also if the first request had no query."""
    log = _Log({_PATH: _page("a", next_page_url=f"{_ORIGIN}{_PATH}")})
    async with log.client() as sikoia:
        with pytest.raises(UnexpectedResponseError, match="already read"):
            _ = [request async for request in sikoia.webhooks.log("w-1")]

    assert log.asked == [_PATH]


async def test_a_closed_client_fetches_no_further_page() -> None:
    """Closing between two pages ends the iteration with a ClientStateError."""
    log = _three_pages()
    async with log.client() as sikoia:
        walk = sikoia.webhooks.log("w-1").pages()
        await anext(walk)
    with pytest.raises(ClientStateError):
        await anext(walk)

    assert log.asked == [_PATH]
