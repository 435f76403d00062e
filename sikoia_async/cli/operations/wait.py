"""`sikoia wait`: waits for operations by their tokens, and prints their results."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final

from sikoia_async._errors import ArgumentError
from sikoia_async.cli.options import add_environment, add_output, duration

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sikoia_async import Operation, Sikoia
    from sikoia_async.cli.operations.several import Outcome
    from sikoia_async.cli.output import Output

__all__ = ["configure", "tokens_in"]

_TOKEN: Final = re.compile(r"\bop[0-9]+\.[A-Za-z0-9_.-]+")
_INPUT: Final = "-"


def configure(parser: argparse.ArgumentParser, _words: Sequence[str]) -> None:
    """Add the arguments of the command."""
    parser.description = (
        "Wait for operations, and print their results. A token is `operation.token` in Python, or "
        "the `token` that request commands print. Waiting costs nothing, and can be repeated."
    )
    parser.add_argument(
        "tokens",
        nargs="+",
        metavar="TOKEN",
        help="an operation token, or - to find them in standard input, such as the output of a "
        "request command",
    )
    parser.add_argument(
        "--timeout",
        dest="seconds",
        type=duration,
        metavar="SECONDS",
        help="how long to wait at most (default: as long as operations of the kind usually take)",
    )
    add_output(parser, ("table", "json", "jsonl"))
    add_environment(parser)
    parser.set_defaults(run=_run)


def tokens_in(text: str) -> list[str]:
    """Return the operation tokens in a text, such as lines or JSON."""
    return _TOKEN.findall(text)


def _run(options: argparse.Namespace) -> int:
    from sikoia_async.cli.client import run_with_client  # noqa: PLC0415 - not loaded for the help

    tokens = _tokens(options.tokens)

    async def wait(sikoia: Sikoia) -> int:
        # One that was signed with the secret before has another token than it has now.
        operations = {one.token: one for one in map(sikoia.operation, tokens)}
        return await _wait(list(operations.values()), options)

    return run_with_client(options, wait)


def _tokens(given: Sequence[str]) -> list[str]:
    """Return the tokens of the command line and those in standard input."""
    found = list[str]()
    for one in given:
        if one != _INPUT:
            found.append(one)
            continue
        piped = tokens_in(sys.stdin.read())
        if not piped:
            msg = "-: no operation token in standard input"
            raise ArgumentError(msg)
        found += piped
    return found


async def _wait(operations: Sequence[Operation[Any]], options: argparse.Namespace) -> int:
    from sikoia_async.cli.output import Output  # noqa: PLC0415 - as above
    from sikoia_async.cli.waiting import wait  # noqa: PLC0415
    from sikoia_async.errors import OperationFailedError  # noqa: PLC0415

    output = Output(options)
    if len(operations) > 1:
        return await _wait_for_several(operations, options, output)
    try:
        output.show(await wait(operations[0], options.seconds))
    except OperationFailedError as error:
        output.show(error.result)
        raise
    return 0


async def _wait_for_several(
    operations: Sequence[Operation[Any]], options: argparse.Namespace, output: Output
) -> int:
    """Print what became of each, JSON lines as they end, and return the code of the first error."""
    from sikoia_async.cli.operations.several import wait_for_several  # noqa: PLC0415 - as above

    rows = dict[str, dict[str, Any]]()
    codes = dict[str, int]()

    def ended(outcome: Outcome) -> None:
        token = outcome.operation.token
        rows[token], codes[token] = outcome.row(output.plain), outcome.code
        if output.format == "jsonl":
            output.show_line(rows[token])

    await wait_for_several(operations, options.seconds, ended)
    in_order = [one.token for one in operations]
    if output.format == "json":
        output.show([rows[token] for token in in_order])
    elif output.format == "table":
        shown = ("kind", "state", "status", "error")
        output.show([{name: rows[token][name] for name in shown} for token in in_order])
    return next((codes[token] for token in in_order if codes[token]), 0)
