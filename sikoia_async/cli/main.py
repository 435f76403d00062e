"""Command line: the operations of the API, batches of files, and a local Sikoia to develop with."""

from __future__ import annotations

import os
import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Final

from sikoia_async._version import __version__
from sikoia_async.cli.api.names import RESOURCES
from sikoia_async.cli.endings import run_quietly
from sikoia_async.cli.parser import Command, Parser, add_commands, print_help

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    That is 0; a code of `ExitCode` after printing one line that says why it failed; or 128 and the
    number of the signal that has ended it. An invalid command line raises `SystemExit(2)`.

    Args:
        arguments: the command line without the program's name; `sys.argv` if left out.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "_ARGCOMPLETE" in os.environ:  # the shell completes a command line
        _complete()
    running = ["sikoia"]

    def run() -> int:
        options = _parser(words).parse(words)
        options.arguments = words
        running.append(options.parser.prog)
        if options.version:
            print(f"sikoia-async {__version__}")
            return 0
        code: int = options.run(options)
        return code

    return run_quietly(lambda: running[-1], run)


def _configure(module: str, parser: Parser, words: Sequence[str]) -> None:
    """Let the module of a command add its arguments; it is imported if the command is chosen."""
    import_module(f"{__package__}.{module}").configure(parser, words)


def _configure_demo(parser: Parser, _words: Sequence[str]) -> None:
    parser.set_defaults(run=_demo)


def _demo(_options: argparse.Namespace) -> int:
    from sikoia_async.cli.demo import run  # noqa: PLC0415 - loaded by this command only

    return run()


def _command(module: str, about: str) -> Command:
    return Command(about, partial(_configure, module))


_COMMANDS: Final[Mapping[str, Command]] = {
    **{name: _command("api.group", about) for name, about in RESOURCES.items()},
    "call": _command("call", "make any request to the API"),
    "batch": _command("batch.entry", "make one operation for each row of a file"),
    "doctor": _command(
        "doctor.command", "check variables, network, credentials and webhooks; spends nothing"
    ),
    "listen": _command(
        "webhooks.listen", "deliver webhook events from the log to a server on this machine"
    ),
    "events": _command("webhooks.events", "print webhook events as they come"),
    "wait": _command("operations.wait", "wait for operations by their tokens"),
    "operations": _command(
        "operations.listing", "list the operations of the API, and which may cost money"
    ),
    "docs": _command("docs.command", "print this documentation as Markdown, or search it"),
    "completion": _command("completion", "print a script that completes commands in your shell"),
    "mcp": _command(
        "mcp.command", "serve the operations to an agent; read-only and local at first"
    ),
    "sandbox": _command("sandbox.serve", "run a local Sikoia on https://127.0.0.1"),
    "demo": Command("demonstrate the SDK on a local Sikoia; takes a few seconds", _configure_demo),
}
"""The commands. The module of each has a function `configure(parser, words)`, which adds its
arguments and calls `parser.set_defaults(run=...)` with a function that returns the exit code."""


def _complete() -> None:
    import argcomplete  # noqa: PLC0415 - for completion only

    words = os.environ["COMP_LINE"].split()[1:]
    argcomplete.autocomplete(_parser(words), always_complete_options="long", exit_method=sys.exit)


def _parser(words: Sequence[str]) -> Parser:
    parser = Parser(
        prog="sikoia",
        description="The operations of the Sikoia API, batches of files, and a local Sikoia.",
    )
    parser.add_argument("--version", action="store_true", help="print the version, and exit")
    parser.set_defaults(run=print_help, parser=parser)
    add_commands(parser, _COMMANDS, words)
    return parser
