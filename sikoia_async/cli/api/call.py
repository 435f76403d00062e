"""Runs `sikoia call`: any request to the API."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, Final

from sikoia_async._calls.operations import OPERATIONS, operation_name
from sikoia_async._hooks.curl import SHOWN
from sikoia_async.cli.api.curl import print_curl
from sikoia_async.cli.api.values import contents
from sikoia_async.cli.client import new_client, run_client
from sikoia_async.cli.consent import ask
from sikoia_async.cli.kinds import is_list, is_object
from sikoia_async.cli.output import Output
from sikoia_async.errors import ArgumentError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

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
        _show(await call(sikoia), options)
        return 0

    if options.curl:
        return print_curl(options, call)
    sikoia = new_client(options)
    if may_cost:
        ask(operation_name(options.method, options.path), yes=options.yes)
    return run_client(sikoia, work)


def _show(received: Any, options: argparse.Namespace) -> None:
    if options.out is not None:
        _write(options.out, received)
        return
    shown = received if options.reveal else _masked("", received)
    Output(options).show(shown)
    if shown != received:
        print("Values are ***; --reveal shows them.", file=sys.stderr)


def _write(path: str, content: bytes) -> None:
    """Write a file that only its owner can read."""
    if path == "-":
        sys.stdout.buffer.write(content)
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    print(f"{len(content):,} bytes", file=sys.stderr)


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
