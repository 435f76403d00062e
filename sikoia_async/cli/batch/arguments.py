"""The command line of `sikoia batch`, in argparse."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sikoia_async.cli.batch.names import COLUMNS, COMMANDS
from sikoia_async.cli.batch.records import InputError
from sikoia_async.cli.parser import Parser, choice, number

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from sikoia_async.cli.batch.running import BatchJob

__all__ = ["add_commands", "job_of", "parsed"]


def add_commands(
    parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int] | None = None
) -> None:
    """Add the commands of `sikoia batch` to its parser.

    Args:
        parser: the parser of `sikoia batch`.
        run: runs a command and returns its exit code.
    """
    commands = parser.add_subparsers(metavar="command")
    for command, what in COMMANDS.items():
        job = commands.add_parser(
            command, help=f"for each row: {what}", description=_description(command, what)
        )
        _add_job(job)
        job.set_defaults(run=run, parser=job, batch_command=command)
    for command, what in _ON_JOURNALS.items():
        one = commands.add_parser(command, help=what)
        one.add_argument("journal", type=Path, help="the journal of the batch")
        if command == "doubts":
            one.add_argument("--look", action="store_true", help="look for them first; free")
        if command == "retry":
            one.add_argument("--yes", action="store_true", help="agree to a run without a limit")
        _add_json(one)
        one.set_defaults(run=run, parser=one, batch_command=command)


_ON_JOURNALS: Final = {
    "status": "show how far a batch has got",
    "doubts": "list the purchases that may or may not have been made",
    "retry": "run a batch again, with the rows that have failed",
}


def _description(command: str, what: str) -> str:
    """Return what a command does, and the columns of its input."""
    required, optional = COLUMNS[command]
    more = f" Optional columns: {optional}." if optional else ""
    return (
        f"For each row of a file: {what}. A row needs {required}, the id that Sikoia gave it."
        f"{more} --map takes columns with other names; the rest are ignored."
    )


def _add_job(command: argparse.ArgumentParser) -> None:
    command.add_argument("input", help="a CSV or JSONL file, or - for standard input")
    command.add_argument(
        "--out", required=True, help="the file for the results, or - for standard output"
    )
    command.add_argument(
        "--journal", type=Path, help="the journal (default: the output's name with .db)"
    )
    command.add_argument(
        "--max-chargeable", type=number, help="how many calls may cost money, in all runs together"
    )
    command.add_argument(
        "--yes", action="store_true", help="agree to a run without --max-chargeable"
    )
    command.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="COLUMN=PARAMETER",
        help="the column of a parameter that is not named like it; can be repeated",
    )
    command.add_argument("--key", help="the column with the key of a row, which no other row has")
    command.add_argument("--at-once", type=number, default=50, help="rows in progress (default 50)")
    command.add_argument("--format", type=choice("csv", "jsonl"), help="the format of the input")
    command.add_argument("--encoding", default="utf-8", help="its encoding (default utf-8)")
    command.add_argument("--dry-run", action="store_true", help="check the input, and send nothing")
    command.add_argument(
        "--retry-failed", action="store_true", help="also the rows that have failed before"
    )
    command.add_argument(
        "--join", action="store_true", help="share the journal with other runs that say so"
    )
    _add_json(command)


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON at the end")


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command line that was run before."""
    parser = Parser(prog="sikoia batch")
    add_commands(parser)
    return parser.parse(arguments[1:])


def job_of(options: argparse.Namespace, arguments: Sequence[str]) -> BatchJob:
    """Return what the command line asks for.

    Args:
        options: the parsed options.
        arguments: the command line.

    Raises:
        InputError: an option is not valid.
    """
    from sikoia_async.batch.batch import MOST_AT_ONCE  # noqa: PLC0415 - loaded by this command only
    from sikoia_async.cli.batch.input import Input  # noqa: PLC0415
    from sikoia_async.cli.batch.operations import OPERATIONS  # noqa: PLC0415
    from sikoia_async.cli.batch.running import BatchJob  # noqa: PLC0415

    if options.out == "-" and options.journal is None:
        msg = "--journal: required with --out -"
        raise InputError(msg)
    if not 1 <= options.at_once <= MOST_AT_ONCE:
        msg = f"--at-once: expected a whole number from 1 to {MOST_AT_ONCE:,}"
        raise InputError(msg)
    if options.max_chargeable is not None and options.max_chargeable < 0:
        msg = "--max-chargeable: expected a whole number of at least 0"
        raise InputError(msg)
    operation = OPERATIONS[options.batch_command]
    return BatchJob(
        input=Input(
            path=options.input,
            operation=operation,
            renamed=_renamed(options.map, operation.columns()),
            key=options.key,
            format=options.format,
            encoding=_encoding(options.encoding),
        ),
        out=options.out,
        journal=options.journal or Path(options.out).with_suffix(".db"),
        arguments=arguments,
        max_chargeable=options.max_chargeable,
        yes=options.yes,
        at_once=options.at_once,
        retry_failed=options.retry_failed,
        join=options.join,
        dry_run=options.dry_run,
        json=options.json,
    )


def _renamed(pairs: Sequence[str], parameters: Sequence[str]) -> dict[str, str]:
    renamed = dict[str, str]()
    for pair in pairs:
        column, _, parameter = pair.partition("=")
        if not column or parameter not in parameters:
            msg = f"--map: expected COLUMN=PARAMETER; the parameters are {', '.join(parameters)}"
            raise InputError(msg)
        renamed[column] = parameter
    return renamed


def _encoding(name: str) -> str:
    try:
        found = codecs.lookup(name).name
        is_like_ascii = '\n,"'.encode(found) == b'\n,"'
    except (LookupError, UnicodeError):
        is_like_ascii = False
    if not is_like_ascii:
        msg = "--encoding: expected one that extends ASCII, such as utf-8, latin-1 or cp1252"
        raise InputError(msg)
    return name
