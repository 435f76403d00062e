"""Follows the delivery logs of webhooks: what Sikoia has just sent, or tried to send."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final, NoReturn

import anyio
import attrs

from sikoia_async._errors import (
    ArgumentError,
    RateLimitError,
    ResourceNotFoundError,
    ServerError,
    TransportError,
)
from sikoia_async.cli.parser import seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sikoia_async import Sikoia
    from sikoia_async.resources.webhooks import Webhook, WebhookRequest

__all__ = ["Entry", "add_following", "follow", "newest", "webhooks_of"]

_INTERVAL: Final = 5.0
_SHORTEST: Final = 1.0
_PASSING: Final = (TransportError, ServerError, RateLimitError)


@attrs.frozen
class Entry:
    """A request in the log of a webhook."""

    webhook_id: str
    request: WebhookRequest


def add_following(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is followed: `webhook` and `interval`."""
    parser.add_argument(
        "--webhook",
        action="append",
        default=[],
        metavar="ID",
        help="the webhook whose log is read; can be repeated (default: all)",
    )
    parser.add_argument(
        "--interval",
        type=_interval,
        default=_INTERVAL,
        metavar="SECONDS",
        help=f"between two looks into a log, {_SHORTEST:g} or more (default {_INTERVAL:g})",
    )


def _interval(value: str) -> float:
    parsed = seconds(value)
    if not parsed >= _SHORTEST:
        msg = f"expected {_SHORTEST:g} or more seconds, because each look is a request"
        raise argparse.ArgumentTypeError(msg)
    return parsed


async def webhooks_of(sikoia: Sikoia, ids: Sequence[str]) -> list[Webhook]:
    """Return webhooks by their ids, or all webhooks of the organisation.

    Raises:
        ArgumentError: there are none.
        SikoiaError: whatever a call raises.
    """
    if ids:
        return [await sikoia.webhooks.retrieve(one) for one in dict.fromkeys(ids)]
    webhooks = list(await sikoia.webhooks.list())
    if not webhooks:
        msg = "no webhooks: create one with `sikoia webhooks create` first"
        raise ArgumentError(msg)
    return webhooks


async def newest(sikoia: Sikoia, webhook_id: str) -> str | None:
    """Return the newest request in a log; None if the log is empty."""
    async for request in sikoia.webhooks.log(webhook_id):
        return request.request_id
    return None


async def follow(
    sikoia: Sikoia,
    places: Mapping[str, str | None],
    handle: Callable[[Entry], Awaitable[None]],
    *,
    interval: float,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
) -> NoReturn:
    """Handle what is new in the logs of webhooks, for ever: of each webhook the oldest first.

    Outages are waited through; they are mentioned on standard error, once.

    Args:
        sikoia: the client.
        places: the request after which to begin, by webhook; None for the beginning of the log.
        handle: called with each request, once.
        interval: seconds between two looks.
        sleep: waits.

    Raises:
        SikoiaError: whatever a call raises that will not pass by itself.
    """
    calm, places = sikoia.with_options(priority="background"), dict(places)
    is_out = False
    while True:
        for webhook_id, place in places.items():
            try:
                found = await _after(calm, webhook_id, place)
                is_out = False
            except ResourceNotFoundError:
                if place is None:
                    raise
                # It has left the log, or a local Sikoia was started anew.
                _warn("the last request is no longer in the log; going on with what comes next")
                places[webhook_id] = await newest(calm, webhook_id)
                continue
            except _PASSING as error:
                if not is_out:
                    _warn(f"{error}; trying again")
                is_out = True
                continue
            for request in found:
                await handle(Entry(webhook_id, request))
                places[webhook_id] = request.request_id
        await sleep(interval)


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr, flush=True)


async def _after(sikoia: Sikoia, webhook_id: str, place: str | None) -> list[WebhookRequest]:
    log = sikoia.webhooks.log(
        webhook_id,
        after_request_id=place,
        pagination_direction=None if place is None else "Backward",
    )
    pages = [page.webhook_requests or () async for page in log.pages()]
    if place is None:  # pages are newest first
        pages.reverse()
    return [request for page in pages for request in reversed(page)]
