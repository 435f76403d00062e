"""`sikoia sandbox ledger` and other commands, which drive a running local Sikoia.

They use the HTTP interface of its inspector, as tests in other languages do.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final, Self

from sikoia_async.cli.parser import number, seconds
from sikoia_async.cli.sandbox.options import given_options

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

__all__ = ["EFFECTS", "add_commands"]

_CONTROL: Final = "SIKOIA_SANDBOX_CONTROL"
_DEFAULT: Final = "http://127.0.0.1:8401"
_TIMEOUT: Final = 60.0
"""Seconds; `settle` waits for receivers."""
EFFECTS: Final[Mapping[str, tuple[Callable[[str], Any], str]]] = {
    "times": (number, "how many requests it applies to"),
    "status": (number, "respond with this status, from 400 to 599, and process nothing"),
    "token": (str, "`expired`: reject the access token, and process nothing"),
    "retry_after": (number, "the Retry-After of such a response, in seconds"),
    "delay": (seconds, "seconds between the processing and the response"),
    "drip": (seconds, "bytes of the body to send per second"),
    "reset": (str, "reset the connection `before` or `after` processing"),
    "truncate": (number, "bytes of the body to send before closing the connection"),
    "body": (str, "the body to send instead"),
}
"""The arguments of `faults.add` that are options, besides `nth` and `after`."""


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands to the parser of `sikoia sandbox`."""
    commands = parser.add_subparsers(
        title="commands for a running one that was started with --inspector",
        metavar="command",
        prog="sikoia sandbox",
    )

    def add(name: str, run: Callable[[_Client, Any], Any], about: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument(
            "--control",
            metavar="URL",
            help=f"URL of its inspector (default: the variable {_CONTROL}, or {_DEFAULT})",
        )
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=_command(run), parser=command)
        return command

    ledger = add("ledger", _ledger, "list its requests, with their outcome and cost")
    ledger.add_argument("--since", type=number, default=0, metavar="N", help="only after number N")
    ledger.add_argument("--clear", action="store_true", help="forget all requests instead")
    ledger.add_argument(
        "--reveal", action="store_true", help="print queries too, which may have personal data"
    )
    _add_fault(add("fault", _fault, "plan a fault, by its name or by its effect"))
    advance = add("advance", _advance, "move its clock forward")
    advance.add_argument("seconds", type=seconds)
    finish = add("finish", _finish, "end pending work, with the outcome that it would have had")
    finish.add_argument("id", nargs="?", help="the id that the API uses (default: all work)")
    finish.add_argument("--kind", help="if a document and its integrity check have the same id")
    fail = add("fail", _fail, "end pending work as failed")
    fail.add_argument("id")
    fail.add_argument("--kind", help="as for finish")
    fail.add_argument("--message", help="the message of the API's responses")
    add("work", _work, "list operations, with their status")
    add("settle", _action("settle"), "wait until deliveries that are due have been attempted")
    for name, about in (("snapshot", "save its state"), ("restore", "restore a saved state")):
        command = add(name, _named(name), f"{about}, in its memory, under a name")
        command.add_argument("name", nargs="?", help="(default: default)")
    add("reset", _action("reset"), "return to the initial state")
    add("scenarios", _scenarios, "list its scenarios")


def _add_fault(fault: argparse.ArgumentParser) -> None:
    fault.add_argument("name", nargs="?", help="a named fault, unless an effect is given")
    fault.add_argument(
        "subject", nargs="?", metavar="operation", help="such as 'POST /v2/identity' (default: all)"
    )
    fault.add_argument("--list", action="store_true", help="list the names and the planned faults")
    fault.add_argument("--clear", action="store_true", help="remove all faults instead")
    fault.add_argument(
        "--delivery", action="store_true", help="a fault of webhook deliveries, for an event"
    )
    fault.add_argument("--nth", type=number, help="the first request that it applies to")
    fault.add_argument("--after", type=seconds, help="clock seconds until it starts to count")
    for name, (parse, about) in EFFECTS.items():
        fault.add_argument(f"--{name.replace('_', '-')}", type=parse, help=about)


class _Client:
    """The HTTP interface of an inspector."""

    def __init__(self, url: str) -> None:
        import httpx  # noqa: PLC0415 - loaded by these commands only

        self._url = url
        try:
            self._http = httpx.Client(base_url=url, timeout=_TIMEOUT, trust_env=False)
        except (httpx.InvalidURL, ValueError):
            raise ValueError(_NO_URL) from None

    def __enter__(self) -> Self:
        self._http.headers["X-Inspector-Token"] = self._send("GET", "token")["token"]
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        """Return data."""
        return self._send("GET", path)

    def do(self, action: str, **form: object) -> Any:
        """Perform an action with the fields that are given."""
        fields = {name: one for name, one in form.items() if one is not None}
        return self._send("POST", f"do/{action}", json=fields)

    def _send(self, method: str, path: str, **body: Any) -> Any:
        import httpx  # noqa: PLC0415 - as above

        try:
            response = self._http.request(method, f"/api/{path}", **body)
            received = response.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            msg = (
                "no local Sikoia responds there; start one with `sikoia sandbox --inspector`, and "
                f"give the URL of its inspector with --control or {_CONTROL}"
            )
            raise ValueError(msg) from None
        if response.is_error:
            raise ValueError(received["error"])
        return received


_NO_URL: Final = "--control: expected a URL such as http://127.0.0.1:8401"


def _command(run: Callable[[_Client, Any], Any]) -> Callable[[Any], int]:
    def command(options: Any) -> int:
        if given_options(options):
            msg = "the options of a start do not go with a command for a running one"
            raise ValueError(msg)
        with _Client(options.control or os.environ.get(_CONTROL) or _DEFAULT) as client:
            result = run(client, options)
        if options.json:
            print(json.dumps(result))
        elif "message" in result:
            print(result["message"])
        else:
            print("\n".join(_lines(result)))
        return 0

    return command


def _action(name: str) -> Callable[[_Client, Any], Any]:
    return lambda client, _options: client.do(name)


def _named(name: str) -> Callable[[_Client, Any], Any]:
    return lambda client, options: client.do(name, name=options.name)


def _ledger(client: _Client, options: Any) -> Any:
    if options.clear:
        return client.do("clear-ledger")
    ledger = client.get(f"ledger?since={options.since}")
    if not options.reveal:
        for request in ledger["requests"]:
            del request["query"]
    return ledger


def _fault(client: _Client, options: Any) -> Any:
    if options.clear:
        return client.do("clear-faults")
    if options.list:
        return {**client.get("choices"), **client.get("state")["faults"]}
    subject = "event" if options.delivery else "operation"
    conditions = {"nth": options.nth, "after": options.after}
    effects = {name: getattr(options, name) for name in EFFECTS}
    plan, add = (
        ("plan-delivery-fault", "add-delivery-fault")
        if options.delivery
        else ("plan-fault", "add-fault")
    )
    if all(one is None for one in effects.values()):
        if options.name is None:
            msg = "expected a name, see --list, or an effect such as --status 503; see --help"
            raise ValueError(msg)
        named = {"name": options.name, subject: options.subject or "*"}
        conditions["nth"] = 1 if options.nth is None else options.nth
        return client.do(plan, **named, **conditions)
    if options.subject is not None:
        msg = "expected a name or an effect, and not both"
        raise ValueError(msg)
    return client.do(add, **{subject: options.name}, **conditions, **effects)


def _advance(client: _Client, options: Any) -> Any:
    return client.do("advance", seconds=options.seconds)


def _finish(client: _Client, options: Any) -> Any:
    if options.id is None:
        return client.do("finish-all")
    return client.do("finish", id=options.id, kind=options.kind)


def _fail(client: _Client, options: Any) -> Any:
    return client.do("fail", id=options.id, kind=options.kind, message=options.message)


def _work(client: _Client, _options: Any) -> Any:
    return client.get("state")["work"]


def _scenarios(client: _Client, _options: Any) -> Any:
    return client.get("scenarios")


def _lines(result: Any) -> list[str]:
    """Return a table of each list in a result, and a line for each number."""
    lines = list[str]()
    for name, value in result.items():
        if isinstance(value, list):
            rows: list[Any] = value  # pyright: ignore[reportUnknownVariableType] - JSON
            lines += _table(rows)
        else:
            lines.append(f"{name}: {value}")
    return lines


_COLUMNS: Final = (
    *("number", "method", "path", "query", "outcome", "cost", "fault", "correlation_id"),
    *("kind", "id", "status", "due"),
    *("subject", "effect", "name", "description", "about"),
)


def _table(rows: list[Any]) -> list[str]:
    if rows and isinstance(rows[0], str):
        return rows
    names = [name for name in _COLUMNS if any(name in row for row in rows)]
    if "outcome" in names:  # which is the status in words
        names.remove("status")
    cells: list[list[str]] = [
        ["" if row.get(name) is None else str(row[name]) for name in names] for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
