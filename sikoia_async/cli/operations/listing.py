"""`sikoia operations`: lists the operations of the API, and which may cost money."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import attrs

from sikoia_async._calls.operations import OPERATIONS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

__all__ = ["LONG_RUNNING", "Row", "configure", "rows"]

LONG_RUNNING: Final = frozenset(
    {
        "affordability.request",
        "checks.run",
        "company_registry.request",
        "company_registry.resolve_picklist",
        "credit_reports.request",
        "credit_reports.resolve_picklist",
        "identity.request",
        "income.request",
        "online_data.request",
    }
)
"""The operations whose methods return an `Operation`; a test compares them. To find out, all
resources would have to be loaded."""


@attrs.frozen
class Row:
    """An operation of the API."""

    method: str
    path: str
    """The path as a template."""
    may_cost: bool
    """Whether a call may cost credits or money."""
    long_running: bool
    """Whether it begins work at Sikoia that `sikoia wait` can wait for."""
    command: str | None
    """The command that makes it; None if every command does, when it needs an access token."""


def configure(parser: argparse.ArgumentParser, _words: Sequence[str]) -> None:
    """Add the options of the command."""
    parser.description = (
        "List the operations of the API: the command, whether it may cost credits or money, "
        "whether it begins work that `sikoia wait` can wait for (async), and method and path."
    )
    parser.add_argument("--chargeable", action="store_true", help="only those that may cost money")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_run)


def rows() -> Iterator[Row]:
    """Yield all operations, by command."""
    yield Row("POST", "/token", may_cost=False, long_running=False, command=None)
    for one in OPERATIONS:
        yield Row(
            one.method,
            one.path,
            one.may_cost,
            one.name in LONG_RUNNING,
            one.name.replace(".", " ").replace("_", "-"),
        )


def _run(options: argparse.Namespace) -> int:
    found = [row for row in rows() if row.may_cost or not options.chargeable]
    if options.json:
        print(json.dumps([attrs.asdict(row) for row in found]))
        return 0
    cells = [
        (
            row.command or "(each command)",
            "may cost" if row.may_cost else "",
            "async" if row.long_running else "",
            f"{row.method} {row.path}",
        )
        for row in found
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(map(str.ljust, row, widths)).rstrip())
    return 0
