"""`sikoia listen`: webhook events for a server on a developer's machine, without a public URL."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import attrs

from sikoia_async._errors import ArgumentError
from sikoia_async._settings import variables
from sikoia_async._validation import is_loopback, split_url
from sikoia_async.cli.options import add_client
from sikoia_async.cli.webhooks.following import add_following

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sikoia_async import Sikoia
    from sikoia_async.cli.webhooks.forwarding import Attempt
    from sikoia_async.cli.webhooks.places import Places
    from sikoia_async.resources.webhooks import Webhook

__all__ = ["configure"]

_EXAMPLE: Final = "http://127.0.0.1:8000/webhooks"


def configure(parser: argparse.ArgumentParser, _words: Sequence[str]) -> None:
    """Add the options of the command."""
    parser.description = (
        "Read the delivery log of webhooks, and deliver each new event to a server on this "
        "machine, signed with the first secret in SIKOIA_WEBHOOK_SECRETS. For staging and a local "
        "Sikoia. No event that was accepted is delivered again, also by a later run."
    )
    parser.add_argument(
        "--forward-to", required=True, metavar="URL", help=f"such as {_EXAMPLE}; on this machine"
    )
    add_following(parser)
    parser.add_argument(
        "--all", action="store_true", help="at first, deliver what is in the log already"
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="where it remembers how far it got (default: one for each URL, in ~/.local/state)",
    )
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each attempt")
    add_client(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from sikoia_async.cli.client import run_with_client  # noqa: PLC0415 - not loaded for the help
    from sikoia_async.cli.webhooks.secrets import own_secrets  # noqa: PLC0415

    url: str = options.forward_to
    parts = split_url(url)
    if parts is None or not is_loopback(parts) or parts.userinfo is not None:
        msg = f"--forward-to: expected a URL of this machine, such as {_EXAMPLE}"
        raise ArgumentError(msg)
    secret = own_secrets()[0]

    async def listen(sikoia: Sikoia) -> int:
        await _listen(options, sikoia, url, secret)

    return run_with_client(options, listen)


async def _listen(options: argparse.Namespace, sikoia: Sikoia, url: str, secret: str) -> NoReturn:
    from sikoia_async.cli.webhooks.following import follow, webhooks_of  # noqa: PLC0415
    from sikoia_async.cli.webhooks.forwarding import Forwarder  # noqa: PLC0415
    from sikoia_async.cli.webhooks.places import Places, default_file  # noqa: PLC0415
    from sikoia_async.stores.account import account_key  # noqa: PLC0415

    if sikoia.environment.name == "production":
        msg = "listen: for staging and a local Sikoia only; set SIKOIA_ENVIRONMENT or --environment"
        raise ArgumentError(msg)
    webhooks = await webhooks_of(sikoia, options.webhook)
    _check_receivers(webhooks, url)
    account = account_key(sikoia.environment, variables.secret("SIKOIA_CLIENT_ID"))
    show = _show_json if options.json else _show
    with Places(options.state or default_file(account, url)) as places:
        await _start(sikoia, places, webhooks, from_beginning=options.all)
        _say_ready(webhooks, url)
        starts = {one.webhook_id: places.settled(one.webhook_id) for one in webhooks}
        async with Forwarder(url, secret, places, show) as forwarder:
            await follow(sikoia, starts, forwarder.deliver, interval=options.interval)


def _check_receivers(webhooks: Sequence[Webhook], url: str) -> None:
    """Refuse webhooks that Sikoia itself delivers to the URL, which would get events twice."""
    if any(one.webhook_callback_url == url for one in webhooks):
        msg = "--forward-to: a webhook has this URL already, so Sikoia delivers there itself"
        raise ArgumentError(msg)


async def _start(
    sikoia: Sikoia, places: Places, webhooks: Sequence[Webhook], *, from_beginning: bool
) -> None:
    """Begin at the end of logs that were not followed before."""
    from sikoia_async.cli.webhooks.following import newest  # noqa: PLC0415

    for one in webhooks:
        if not places.knows(one.webhook_id):
            last = None if from_beginning else await newest(sikoia, one.webhook_id)
            places.start(one.webhook_id, last)


def _say_ready(webhooks: Sequence[Webhook], url: str) -> None:
    what = "1 webhook" if len(webhooks) == 1 else f"{len(webhooks)} webhooks"
    print(
        f"Forwarding events of {what} to {url}. Press Ctrl-C to stop.", file=sys.stderr, flush=True
    )


def _show(attempt: Attempt) -> None:
    from sikoia_async.cli.text import printable  # noqa: PLC0415 - not loaded for the help

    now = datetime.now().astimezone()
    outcome = f"{attempt.status}" if attempt.reason is None else attempt.reason
    took = f" in {attempt.seconds * 1000:.0f} ms" if attempt.state != "skipped" else ""
    line = (
        f"{now:%H:%M:%S}  {attempt.event_type or 'unknown event'}  {attempt.request_id}  "
        f"{attempt.state}: {outcome}{took}"
    )
    print(printable(line), flush=True)


def _show_json(attempt: Attempt) -> None:
    now = datetime.now().astimezone().isoformat(timespec="milliseconds")
    print(json.dumps({"time": now, **attrs.asdict(attempt)}), flush=True)
