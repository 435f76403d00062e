"""The clients that `peers.py` compares. Each is loaded where it is used, also in new processes.

Each makes the call that is nearest to `cases.retrieve`. The keys are made up.
"""

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from importlib import import_module
from typing import Any, Final

__all__ = ["IMPORTS", "MAKERS", "OURS", "Made"]

OURS: Final = "sikoia_async"
IMPORTS: Final = {
    OURS: "from sikoia_async import Sikoia",
    "openai": "from openai import AsyncOpenAI",
    "anthropic": "from anthropic import AsyncAnthropic",
    "stripe": "from stripe import StripeClient",
    "aiohttp": "from aiohttp import ClientSession",
    "httpx": "from httpx import AsyncClient",
    "httpx2": "from httpx2 import AsyncClient",
}

Made = tuple[Callable[[], Awaitable[object]], Callable[[], Coroutine[Any, Any, None]]]
"""A call, and what closes the client."""

_KEY: Final = "key" * 300
"""As long as the access tokens of common authorization servers."""
_ID: Final = "64cd8202-2db4-44d5-85be-79438d65eb7b"
_PATH: Final = f"/v2/cases/{_ID}"
_HEADERS: Final = {
    "Authorization": f"Bearer {_KEY}",
    "Accept": "application/json",
    "Content-Type": "application/json",
    "X-Correlation-Id": "9a518655-9572-43fa-b747-b282ca41365e",
}


async def _sikoia(url: str) -> Made:
    local = import_module("sikoia_async.environments").local
    sikoia: Any = import_module("sikoia_async").Sikoia(
        token=_KEY, environment=local(url), quota=None
    )
    return partial(sikoia.cases.retrieve, _ID), sikoia.aclose


async def _openai(url: str) -> Made:
    client: Any = import_module("openai").AsyncOpenAI(api_key=_KEY, base_url=url)
    return partial(client.models.retrieve, _ID), client.close


async def _anthropic(url: str) -> Made:
    client: Any = import_module("anthropic").AsyncAnthropic(api_key=_KEY, base_url=url)
    return partial(client.models.retrieve, _ID), client.close


async def _stripe(url: str) -> Made:
    stripe: Any = import_module("stripe")
    http = stripe.HTTPXClient()
    client = stripe.StripeClient(_KEY, base_addresses={"api": url}, http_client=http)
    return partial(client.v1.customers.retrieve_async, _ID), http.close_async


async def _aiohttp(url: str) -> Made:
    session: Any = import_module("aiohttp").ClientSession(url, headers=_HEADERS)

    async def get() -> object:
        async with session.get(_PATH) as response:
            return await response.json()

    return get, session.close


async def _httpx(url: str, name: str = "httpx") -> Made:
    client: Any = import_module(name).AsyncClient(base_url=url, headers=_HEADERS)

    async def get() -> object:
        return (await client.get(_PATH)).json()

    return get, client.aclose


MAKERS: Final[dict[str, Callable[[str], Coroutine[Any, Any, Made]]]] = {
    OURS: _sikoia,
    "openai": _openai,
    "anthropic": _anthropic,
    "stripe": _stripe,
    "aiohttp": _aiohttp,
    "httpx": _httpx,
    "httpx2": partial(_httpx, name="httpx2"),
}
