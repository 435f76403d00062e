"""Which transports and clients the constructor takes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from sikoia_async import ConfigurationError, Sikoia
from sikoia_async.environments import local
from sikoia_async.testing import Cassette

_URL: Final = "https://127.0.0.1:1"


class _Lookalike:
    """Has the methods of a transport and a client, as those of other libraries."""

    async def handle_async_request(self, request: object) -> object:
        return request

    async def send(self, request: object) -> object:
        return request


class _Synchronous(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """Implements the synchronous half only."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, request=request)


class _Empty(httpx.AsyncBaseTransport):
    """A transport that Python counts as false."""

    def __len__(self) -> int:
        return 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
        return httpx.Response(200, json=[])


_WRONG: Final[dict[str, Callable[[], Any]]] = {
    "a synchronous client": httpx.Client,
    "a synchronous transport": httpx.HTTPTransport,
    "an abstract transport": httpx.AsyncBaseTransport,
    "another library's": _Lookalike,
    "half a transport": _Synchronous,
    "a client's class": lambda: httpx.AsyncClient,
    "a transport's class": lambda: httpx.AsyncHTTPTransport,
    "a function": lambda: local,
    "a URL": lambda: _URL,
    "0": int,
    "False": bool,
    "no text": str,
    "an empty list": list[object],
}
_WRONG_TRANSPORTS: Final = {**_WRONG, "a client": httpx.AsyncClient}
_WRONG_CLIENTS: Final = {**_WRONG, "a transport": _Empty}


@pytest.mark.parametrize("make", _WRONG_TRANSPORTS.values(), ids=_WRONG_TRANSPORTS)
def test_a_wrong_transport_is_refused(make: Callable[[], Any]) -> None:
    """The constructor says what is accepted, for every kind of client."""
    ways: list[dict[str, Any]] = [
        {"token": "t"},
        {"client_id": "a", "client_secret": "b"},
        {"api_key": "k"},
    ]
    for way in ways:
        with pytest.raises(ConfigurationError, match=r"^transport: .*httpx.AsyncBaseTransport"):
            Sikoia(transport=make(), environment=local(_URL), **way)


@pytest.mark.parametrize("make", _WRONG_CLIENTS.values(), ids=_WRONG_CLIENTS)
def test_a_wrong_client_is_refused(make: Callable[[], Any]) -> None:
    """The constructor says what is accepted."""
    with pytest.raises(ConfigurationError, match=r"^http_client: .*httpx.AsyncClient"):
        Sikoia(token="t", http_client=make(), environment=local(_URL))


@pytest.mark.parametrize("make", [_Lookalike, _Synchronous, httpx.HTTPTransport])
def test_a_client_with_a_wrong_transport_is_refused(make: Callable[[], Any]) -> None:
    """Httpx takes any object as the transport of a client."""
    for theirs in (
        httpx.AsyncClient(transport=make()),
        httpx.AsyncClient(mounts={"https://": make()}),
    ):
        with pytest.raises(ConfigurationError, match=r"^http_client: its transports"):
            Sikoia(token="t", http_client=theirs, environment=local(_URL))


@pytest.mark.anyio
async def test_a_false_transport_is_used() -> None:
    """Its truth value does not matter."""
    sikoia = Sikoia(token="t", transport=_Empty(), environment=local(_URL))
    mounted = httpx.AsyncClient(transport=_Empty(), mounts={"http://": None})
    other = Sikoia(token="t", http_client=mounted, environment=local(_URL))

    assert await sikoia.request("GET", "/v2/cases") == []
    assert await other.request("GET", "/v2/cases") == []


def test_both_are_refused_whatever_they_are() -> None:
    """Also if one of them counts as false."""
    with pytest.raises(ConfigurationError, match="not both"):
        Sikoia(token="t", transport=_Empty(), http_client=httpx.AsyncClient())


def test_a_cassette_refuses_a_wrong_transport(tmp_path: Path) -> None:
    """It records through any transport that a client takes."""
    wrong: Any = httpx.AsyncClient()
    with (
        Cassette(tmp_path / "one.json", record=True) as cassette,
        pytest.raises(ConfigurationError, match=r"^transport: "),
    ):
        cassette.transport(wrong)


class _Store:
    async def load(self, account: str) -> None:
        """Return nothing."""

    async def save(self, account: str, token: object) -> None:
        """Keep nothing."""

    async def discard(self, account: str, value: str) -> None:
        """There is nothing to discard."""

    async def lock(self, account: str, owner: str, ttl: float) -> bool:  # noqa: ARG002 - nobody else
        """Always."""
        return True

    async def unlock(self, account: str, owner: str) -> None:
        """There is nobody else."""


_NO_STORE: Final = "token_store: expected a TokenStore, with load, save, discard, lock and unlock"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"token": 5}, "token: expected an access token, or a function"),
        ({"token": ["t"]}, "token: expected an access token, or a function"),
        ({"token_store": object()}, _NO_STORE),
        ({"token_store": _Store}, _NO_STORE),
        ({"trust_env": "no"}, "trust_env: expected True or False"),
        ({"idempotency_header": ""}, "idempotency_header: expected the header name"),
        ({"idempotency_header": 5}, "idempotency_header: expected the header name"),
    ],
)
def test_other_wrong_objects_are_refused(options: dict[str, Any], expected: str) -> None:
    """Each would fail in the first call, or be ignored."""
    options = {"token": "t", "environment": local(_URL), **options}
    with pytest.raises(ConfigurationError, match=f"^{expected}"):
        Sikoia(**options)


def test_a_token_store_of_any_class_is_taken() -> None:
    """It needs the methods only."""
    Sikoia("an-id", "a-secret", token_store=_Store(), environment=local(_URL))
