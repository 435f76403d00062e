"""`sikoia events`: prints webhook events as they come, from the log or from a shared store."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from sikoia_async._settings import variables
from sikoia_async.cli.options import add_client, at_least
from sikoia_async.cli.webhooks.following import add_following

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sikoia_async import Sikoia
    from sikoia_async.cli.webhooks.following import Entry
    from sikoia_async.resources.webhooks import WebhookRequest

__all__ = ["configure"]


def configure(parser: argparse.ArgumentParser, _words: Sequence[str]) -> None:
    """Add the options of the command."""
    parser.description = (
        "Print webhook events as they come, from the delivery logs of webhooks. Each look into a "
        "log is a free request. With --store, print what processes that share stores tell each "
        "other instead, which has no data."
    )
    add_following(parser)
    parser.add_argument(
        "--last", type=at_least(0), default=0, metavar="N", help="first, the last N of each log"
    )
    parser.add_argument(
        "--store",
        metavar="STORE",
        help="the file of SqliteStores, which is only read, or the URL of Redis or PostgreSQL; or "
        "@ and the name of a file with the URL, which may have a password",
    )
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each event")
    parser.add_argument(
        "--reveal", action="store_true", help="print the data of events, which may be personal"
    )
    add_client(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from sikoia_async.cli.client import run_with_client  # noqa: PLC0415 - not loaded for the help

    if options.store is None:
        return run_with_client(options, partial(_from_logs, options))

    from sikoia_async.cli.webhooks.stores import read_name  # noqa: PLC0415 - as above

    return run_with_client(options, partial(_from_store, options, read_name(options.store)))


async def _from_logs(options: argparse.Namespace, sikoia: Sikoia) -> NoReturn:
    from sikoia_async.cli.webhooks.following import Entry, follow, webhooks_of  # noqa: PLC0415

    webhooks = [one.webhook_id for one in await webhooks_of(sikoia, options.webhook)]
    places = dict[str, str | None]()
    for webhook_id in webhooks:
        last = await _last(sikoia, webhook_id, max(1, options.last))
        places[webhook_id] = last[-1].request_id if last else None
        for request in last[: options.last]:
            _show(Entry(webhook_id, request), options)
    _say_ready(f"{len(webhooks)} webhook{'' if len(webhooks) == 1 else 's'}")

    async def handle(entry: Entry) -> None:
        _show(entry, options)

    await follow(sikoia, places, handle, interval=options.interval)


async def _last(sikoia: Sikoia, webhook_id: str, count: int) -> list[WebhookRequest]:
    """Return the newest requests in a log, the oldest of them first."""
    found = list[Any]()
    async for request in sikoia.webhooks.log(webhook_id):
        found.append(request)
        if len(found) == count:
            break
    return found[::-1]


async def _from_store(options: argparse.Namespace, store: str, sikoia: Sikoia) -> NoReturn:
    from sikoia_async.cli.webhooks.stores import subscribed  # noqa: PLC0415 - loaded if used
    from sikoia_async.stores.account import account_key  # noqa: PLC0415

    account = account_key(sikoia.environment, variables.secret("SIKOIA_CLIENT_ID"))
    async with subscribed(store, account) as messages:
        _say_ready("the store")
        while True:
            _show_message(await anext(messages), options)


def _say_ready(what: str) -> None:
    print(f"Waiting for events of {what}. Press Ctrl-C to stop.", file=sys.stderr, flush=True)


def _show(entry: Entry, options: argparse.Namespace) -> None:
    from sikoia_async.cli.text import to_json_text  # noqa: PLC0415 - not loaded for the help

    fields = entry.request.to_dict(masked=not options.reveal)
    if options.json:
        print(to_json_text({"webhook_id": entry.webhook_id, **fields}), flush=True)
        return
    attempts = entry.request.request_attempts or ()
    last = f" ({attempts[-1].http_response_code})" if attempts else ""
    data = f"  {to_json_text(entry.request.event_data)}" if options.reveal else ""
    _print_line(
        entry.request.event_type,
        f"{entry.request.request_id}  {entry.request.event_status}{last}{data}",
    )


def _show_message(message: str, options: argparse.Namespace) -> None:
    """Show what one process has told the others: the type of an event, and a hash of it."""
    try:
        told: Any = json.loads(message)
        event_type, key = told["t"], str(told["e"])
    except (KeyError, TypeError, ValueError):
        return
    if options.json:
        print(json.dumps({"event_type": event_type, "key": key}), flush=True)
    else:
        _print_line(event_type, key)


def _print_line(event_type: object, rest: str) -> None:
    from sikoia_async.cli.text import printable  # noqa: PLC0415 - not loaded for the help

    now = datetime.now().astimezone()
    print(printable(f"{now:%H:%M:%S}  {event_type or 'unknown event'}  {rest}"), flush=True)
