"""Where `sikoia batch` begins; it loads nothing that only some commands need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sikoia_async.cli.batch.arguments import add_commands

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["configure"]


def configure(parser: argparse.ArgumentParser, _words: Sequence[str]) -> None:
    """Add the commands of `sikoia batch` to its parser."""
    add_commands(parser, _run)


def _run(options: argparse.Namespace) -> int:
    from sikoia_async.cli.batch.commands import run  # noqa: PLC0415 - loaded to run one only

    return run(options)
