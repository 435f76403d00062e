"""What the calls of a client share."""

from __future__ import annotations

import logging
from sys import version_info
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio
import attrs
import httpx

from sikoia_async._calls.deprecation import Deprecations
from sikoia_async._retry.policy import RetryPolicy
from sikoia_async._version import __version__
from sikoia_async.stores.background import Background

if TYPE_CHECKING:
    from sikoia_async._calls.hooks import Hooks
    from sikoia_async._calls.idempotency import Keys
    from sikoia_async._calls.lifecycle import Lifecycle
    from sikoia_async._calls.usage import Spend, Tally
    from sikoia_async._codec.drift import Drift
    from sikoia_async._rate_limit.limiter import RateLimiter
    from sikoia_async._retry.budget import RetryBudget
    from sikoia_async._transport.limits import Limits
    from sikoia_async.observers._observers import Observers
    from sikoia_async.operations.fanout import EventFanout
    from sikoia_async.operations.registry import OperationRegistry
    from sikoia_async.stores.shared import Stores

__all__ = ["ClientContext", "close_stores", "request_headers"]

_log = logging.getLogger("sikoia_async")

_CLOSE_TIMEOUT: Final = 1.0


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ClientContext:
    """What all calls of a client share."""

    client: httpx.AsyncClient
    environment: str
    """The name of the environment."""
    origin: str
    headers: httpx.Headers
    limits: Limits
    rate_limiter: RateLimiter | None
    drift: Drift
    lifecycle: Lifecycle
    budget: RetryBudget
    spend: Spend
    tally: Tally
    registry: OperationRegistry
    deprecations: Deprecations = attrs.field(factory=Deprecations)
    hooks: Hooks | None = None
    """The caller's hooks; None if there are none."""
    retry_policy: RetryPolicy = attrs.field(factory=RetryPolicy)
    observers: Observers | None = None
    """The caller's observers; None if there are none."""
    keys: Keys | None = None
    """Idempotency keys; None if none are sent."""
    account: str = ""
    """The key of this client's state in stores."""
    shared: Stores | None = None
    """What the client shares with other processes; None if nothing."""
    fanout: EventFanout | None = None
    """Passes webhook events on to other processes; None without a store for that."""
    background: Background = attrs.field(factory=Background)
    """Runs work that outlives a call; it ends with the client."""

    async def aclose(self) -> None:
        """Tell the stores the rest, end the work in the background, and close the stores."""
        try:
            if self.rate_limiter is not None:
                await self.rate_limiter.aclose()
            await self.background.aclose()
        finally:
            if self.shared is not None:
                await close_stores(self.shared)


async def close_stores(shared: Stores) -> None:
    """Close stores for at most a second, even while being cancelled. Their errors are logged."""
    try:
        with anyio.move_on_after(_CLOSE_TIMEOUT, shield=True):
            await shared.aclose()
    except Exception as error:  # noqa: BLE001 - a store may be the user's and raise anything
        _log.warning("the shared stores failed to close with %s", type(error).__name__)


def request_headers(origin: str, app_info: str | None = None) -> httpx.Headers:
    """Return the headers of every request.

    Source: https://docs.sikoia.com/docs/api-behaviour requires both JSON headers on each request.
    """
    agent = f"sikoia-async/{__version__} Python/{version_info[0]}.{version_info[1]}"
    fields = {
        "Host": urlsplit(origin).netloc,
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Content-Type": "application/json",
        "User-Agent": f"{agent} {app_info}" if app_info else agent,
    }
    return httpx.Headers(fields)
