"""A parser of command lines whose errors name the nearest option, and never repeat a value."""

from __future__ import annotations

import argparse
import sys
from difflib import get_close_matches
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TextIO

__all__ = [
    "Command",
    "Parser",
    "add_commands",
    "choice",
    "complete_with",
    "nearest",
    "number",
    "print_help",
    "seconds",
]

_CUTOFF: Final = 0.5


class Parser(argparse.ArgumentParser):
    """A parser without abbreviated options, so that a new option never changes an old script."""

    def __init__(self, *, allow_abbrev: bool = False, **options: Any) -> None:
        super().__init__(allow_abbrev=allow_abbrev, **options)

    def parse(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """Parse a command line; exit with 2 and one line if it is invalid."""
        parsed: tuple[argparse.Namespace, list[str]] = self.parse_known_args(arguments)
        options, unknown = parsed
        if unknown:
            parser: Parser = getattr(options, "parser", self)
            parser.error(parser.describe_unknown(unknown))
        return options

    # One signature for the overloads of argparse.
    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride] - as above
        self, args: Any = None, namespace: Any = None
    ) -> Any:
        """Keep the arguments for messages; called by argparse."""
        self._given: list[str] = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def describe_unknown(self, unknown: Sequence[str]) -> str:
        """Say which option is unknown; values are counted only."""
        for argument in unknown:
            name = argument.partition("=")[0]
            if name in self._option_string_actions:
                return f"{name}: expected after the command"
            if name.startswith("-") and name.strip("-"):
                return f"unknown option {name}{nearest(name, self._option_string_actions)}"
        return f"{len(unknown)} more {'value' if len(unknown) == 1 else 'values'} than expected"

    def _unknown_options(self) -> list[str]:
        names = [one.partition("=")[0] for one in self._given if one.startswith("--")]
        return [one for one in names if one.strip("-") and one not in self._option_string_actions]

    def error(self, message: str) -> NoReturn:
        """Print one line, and exit with 2."""
        if "required" in message and (unknown := self._unknown_options()):
            message = self.describe_unknown(unknown)  # rather than what it was meant to be
        # argparse repeats the value of an option that takes none.
        shown = message.partition(": ignored explicit argument")
        message = f"{shown[0]}: takes no value" if shown[1] else message
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")

    # These two do not ignore that nobody reads the output any more, as those of argparse do.

    def print_help(self, file: Any = None) -> None:
        """Print the help."""
        print(self.format_help(), end="", file=cast("TextIO | None", file))

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Print a message to standard error, and exit."""
        if message:
            print(message, end="", file=sys.stderr)
        raise SystemExit(status)

    # argparse has no public function that decides what to say about an unknown command.
    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Name the nearest command instead of all; called by argparse."""
        # Only commands have choices here: options that have a few values use `choice`.
        commands = cast("Mapping[str, object] | None", action.choices)
        if commands is not None and value not in commands:
            before = takewhile(lambda one: one != value, self._given)
            names = [one for one in before if one.startswith("-")]
            unknown = [one for one in names if one.split("=")[0] not in self._option_string_actions]
            if unknown:  # the value belongs to it
                raise argparse.ArgumentError(None, self.describe_unknown(unknown))
            if any(one in str(value) for one in "./\\"):  # a file, as in `sikoia batch rows.csv`
                msg = f"expected a command before the file, such as {next(iter(commands))}"
                raise argparse.ArgumentError(None, msg)
            raise argparse.ArgumentError(None, f"unknown command{nearest(value, commands)}")


class Command(NamedTuple):
    """A command whose arguments are added once it is chosen."""

    help: str
    """What it does, for the help of its group."""
    configure: Callable[[Parser, Sequence[str]], None]
    """Adds its arguments, given its parser and the words that follow on the command line."""


def add_commands(parser: Parser, commands: Mapping[str, Command], words: Sequence[str]) -> None:
    """Add commands to a parser, and configure the one that is chosen.

    Args:
        parser: the parser of the group.
        commands: the commands of the group, by name.
        words: the command line after the name of the group. Options of the group take no values.
    """
    added = parser.add_subparsers(metavar="command")
    at = next((number for number, word in enumerate(words) if not word.startswith("-")), None)
    for name, command in commands.items():
        one = added.add_parser(name, help=command.help)
        one.set_defaults(run=print_help, parser=one)
        if at is not None and words[at] == name:
            command.configure(one, words[at + 1 :])


def print_help(options: argparse.Namespace) -> int:
    """Print the help of the command that was given."""
    options.parser.print_help()
    return 0


def complete_with(action: argparse.Action, names: Iterable[str]) -> None:
    """Let shells complete the values of an argument."""
    known = tuple(names)

    def complete(**_context: object) -> tuple[str, ...]:
        return known

    vars(action)["completer"] = complete  # argcomplete looks for it


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a question for the nearest known name; empty if none is near."""
    close = get_close_matches(name, list(known), n=1, cutoff=_CUTOFF)
    return f"; did you mean {close[0]}?" if close else ""


def choice(*names: str) -> Callable[[str], str]:
    """Return a type of argument that has a few values."""

    def parse(value: str) -> str:
        if value not in names:
            msg = f"expected {' or '.join(names)}"
            raise argparse.ArgumentTypeError(msg)
        return value

    return parse


def number(value: str) -> int:
    """Parse a whole number."""
    try:
        return int(value)
    except ValueError:
        msg = "expected a whole number"
        raise argparse.ArgumentTypeError(msg) from None


def seconds(value: str) -> float:
    """Parse a number, such as seconds."""
    try:
        return float(value)
    except ValueError:
        msg = "expected a number"
        raise argparse.ArgumentTypeError(msg) from None
