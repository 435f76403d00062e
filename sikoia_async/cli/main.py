"""Command line: `sikoia batch` for files of rows, `sikoia sandbox` and `sikoia demo` to develop."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sikoia_async._version import __version__
from sikoia_async.cli.batch.arguments import add_commands
from sikoia_async.cli.endings import run_quietly
from sikoia_async.cli.parser import Parser
from sikoia_async.cli.sandbox.serve import add_arguments, serve

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    That is 0; 1 after printing one line that says why it failed; or 128 and the number of the
    signal that has ended it. An invalid command line raises `SystemExit(2)`.

    Args:
        arguments: the command line without the program's name; `sys.argv` if left out.
    """
    parser = _parser()
    running = [parser.prog]

    def run() -> int:
        options = parser.parse(arguments)
        options.arguments = list(sys.argv[1:] if arguments is None else arguments)
        running.append(options.parser.prog)
        code: int = options.run(options)
        return code

    return run_quietly(lambda: running[-1], run)


def _parser() -> Parser:
    parser = Parser(
        prog="sikoia",
        description="Batches of files, a local Sikoia to develop against, and a demo of the SDK.",
    )
    parser.add_argument("--version", action="version", version=f"sikoia-async {__version__}")
    parser.set_defaults(run=_help, parser=parser)
    commands = parser.add_subparsers(metavar="command")
    batch = commands.add_parser("batch", help="make one operation for each row of a file")
    batch.set_defaults(run=_help, parser=batch)
    add_commands(batch, _batch)
    demo = commands.add_parser(
        "demo", help="demonstrate the SDK on a local Sikoia; takes a few seconds"
    )
    demo.set_defaults(run=_demo, parser=demo)
    sandbox = commands.add_parser(
        "sandbox", help="run a local Sikoia on https://127.0.0.1", usage="%(prog)s [option ...]"
    )
    add_arguments(sandbox)
    sandbox.set_defaults(run=serve, parser=sandbox)
    return parser


def _help(options: argparse.Namespace) -> int:
    options.parser.print_help()
    return 0


def _batch(options: argparse.Namespace) -> int:
    from sikoia_async.cli.batch.commands import run  # noqa: PLC0415 - loaded by this command only

    return run(options)


def _demo(_options: argparse.Namespace) -> int:
    from sikoia_async.cli.demo import run  # noqa: PLC0415 - loaded by this command only

    return run()
