"""Runs `sikoia call`: any request to the API."""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sikoia_async._calls.operations import OPERATIONS, operation_name
from sikoia_async._files.sinks import FileSink
from sikoia_async._hooks.curl import SHOWN
from sikoia_async._transport.body import BodyError
from sikoia_async.cli.api.curl import print_curl
from sikoia_async.cli.api.values import contents
from sikoia_async.cli.client import new_client, run_client
from sikoia_async.cli.consent import ask
from sikoia_async.cli.kinds import is_list, is_object
from sikoia_async.cli.output import Output
from sikoia_async.errors import ArgumentError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable, Sequence

    from sikoia_async import Sikoia

__all__ = ["run"]

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORD: Final = re.compile(r"[A-Za-z]{1,40}")
_WORDS: Final = SHOWN | {"status", "type"}
"""The fields whose values are shown if they are words."""
_HIDDEN: Final = "***"


def run(options: argparse.Namespace) -> int:
    """Make the request and print the response.

    Raises:
        SikoiaError: an argument is invalid, or the call failed.
        OSError: a file cannot be read or written.
    """
    body = None if options.body is None else _body(options.body)
    may_cost = _may_cost(options.method, options.path)
    into: Any = object if options.out is None else bytes

    def call(sikoia: Sikoia) -> Any:
        return sikoia.request(
            options.method,
            options.path,
            into=into,
            query=_query(options.query),
            body=body,
            chargeable=may_cost,
        )

    async def work(sikoia: Sikoia) -> int:
        if options.out in {None, "-"}:
            _show(await call(sikoia), options)
        else:
            await _save(partial(call, sikoia), options.out)
        return 0

    if options.curl:
        return print_curl(options, call)
    sikoia = new_client(options)
    if may_cost:
        ask(operation_name(options.method, options.path), yes=options.yes)
    return run_client(sikoia, work)


def _show(received: Any, options: argparse.Namespace) -> None:
    if options.out is not None:
        sys.stdout.buffer.write(received)
        return
    shown = received if options.reveal else _masked("", received)
    Output(options).show(shown)
    if shown != received:
        print("Values are ***; --reveal shows them.", file=sys.stderr)


async def _save(call: Callable[[], Awaitable[bytes]], path: str) -> None:
    """Write the response to a file, which appears once it is complete.

    Raises:
        ArgumentError: the file cannot be written there; nothing was sent.
        OSError: the disk failed while it was written.
    """
    async with FileSink(path, sys.maxsize) as sink:
        await sink.open()
        await sink.start()
        content = await call()
        with suppress(BodyError):
            await sink.take(content)
            await sink.end()
        if sink.failure is not None:
            raise OSError(sink.failure)
    print(f"{sink.size:,} bytes", file=sys.stderr)


def _may_cost(method: str, path: str) -> bool:
    """Return whether a request may cost money; True if that is not known."""
    plain = path.partition("?")[0]
    for one in OPERATIONS:
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(one.path))
        if one.method == method and re.fullmatch(pattern, plain):
            return one.may_cost
    return method != "GET"


def _masked(name: str, value: Any) -> Any:
    """Return JSON in which only ids, switches and words such as a status are shown."""
    if is_object(value):
        return {key: _masked(key, one) for key, one in value.items()}
    if is_list(value):
        return [_masked(name, one) for one in value]
    if value is None or value == "" or isinstance(value, bool):
        return value
    if isinstance(value, str):
        is_word = name in _WORDS and _WORD.fullmatch(value)
        return value if is_word or _UUID.fullmatch(value) else _HIDDEN
    return _HIDDEN


def _query(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the parameters; one that is repeated has several values."""
    values = dict[str, list[str]]()
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: one[0] if len(one) == 1 else one for name, one in values.items()}


def _body(value: str) -> dict[str, Any]:
    text = contents("--body", value)
    try:
        body: object = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    if is_object(body):
        return body
    msg = "--body: expected a JSON object, @ and the name of a file with one, or - for stdin"
    raise ArgumentError(msg)
