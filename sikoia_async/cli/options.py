"""The options that commands have in common."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any, Protocol

from sikoia_async.cli.parser import choice, complete_with, number, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FORMATS",
    "add_chargeable",
    "add_client",
    "add_environment",
    "add_output",
    "at_least",
    "duration",
]


class _Arguments(Protocol):
    """A parser, or a group of arguments."""

    def add_argument(self, *names: str, **settings: Any) -> argparse.Action:
        """Add an argument."""
        ...


FORMATS = ("table", "json", "jsonl", "csv")


def add_output(parser: argparse.ArgumentParser, formats: tuple[str, ...] = FORMATS) -> None:
    """Add `-o`, `--json` and `--reveal`; they become `output` (None if not given) and `reveal`."""
    group = parser.add_argument_group("output")
    output = group.add_argument(
        "-o",
        "--output",
        type=choice(*formats),
        metavar="FORMAT",
        help=f"{', '.join(formats)} (default: table on a terminal, json elsewhere)",
    )
    complete_with(output, formats)
    group.add_argument(
        "--json", dest="output", action="store_const", const="json", help="the same as -o json"
    )
    group.add_argument(
        "--reveal", action="store_true", help="show personal data, which is *** otherwise"
    )


def add_environment(parser: _Arguments) -> None:
    """Add `--environment`; it becomes `environment`, None if not given."""
    environment = parser.add_argument(
        "--environment",
        metavar="NAME",
        help="production, staging, or the URL of a local Sikoia (default: SIKOIA_ENVIRONMENT, or "
        "production)",
    )
    complete_with(environment, ("production", "staging"))


def add_client(parser: argparse.ArgumentParser) -> None:
    """Add the options of the client: `environment` and `timeout`, both None if not given."""
    group = parser.add_argument_group("connection")
    add_environment(group)
    group.add_argument(
        "--timeout", type=duration, metavar="SECONDS", help="how long a call may take (default 60)"
    )


def add_chargeable(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that may cost money: `yes` and `max_chargeable`."""
    group = parser.add_argument_group("money")
    group.add_argument(
        "-y", "--yes", action="store_true", help="do not ask before a call that may cost money"
    )
    group.add_argument(
        "--max-chargeable",
        type=at_least(0),
        metavar="N",
        help="how many calls may cost money (default: SIKOIA_MAX_CHARGEABLE, or no limit)",
    )


def at_least(least: int) -> Callable[[str], int]:
    """Return a type of argument that is a whole number, and not less than this."""

    def parse(value: str) -> int:
        parsed = number(value)
        if parsed < least:
            msg = f"expected {least} or more"
            raise argparse.ArgumentTypeError(msg)
        return parsed

    return parse


def duration(value: str) -> float:
    """Parse seconds: a positive number."""
    parsed = seconds(value)
    if not 0 < parsed < math.inf:
        msg = "expected seconds, as a positive number such as 30"
        raise argparse.ArgumentTypeError(msg)
    return parsed
