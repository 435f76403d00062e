"""A parser of command lines whose errors name the nearest option, and never repeat a value."""

from __future__ import annotations

import argparse
import sys
from difflib import get_close_matches
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["Parser", "choice", "nearest", "number", "seconds"]

_CUTOFF: Final = 0.5


class Parser(argparse.ArgumentParser):
    """A parser without abbreviated options, so that a new option never changes an old script."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.allow_abbrev = False

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
            if name.startswith("-") and name.strip("-"):
                return f"unknown option {name}{nearest(name, self._option_string_actions)}"
        return f"{len(unknown)} more values than expected"

    def error(self, message: str) -> NoReturn:
        """Print one line, and exit with 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Do not ignore that nobody reads the help any more, as argparse does."""
        print(message, end="", file=file or sys.stderr)

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
            raise argparse.ArgumentError(None, f"unknown command{nearest(value, commands)}")


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
