"""Asks before a call that may cost money."""

from __future__ import annotations

import sys

from sikoia_async.errors import ArgumentError, ChargeLimitError

__all__ = ["ask"]


def ask(operation: str, *, yes: bool) -> None:
    """Return if the call may be made.

    Args:
        operation: what may cost money.
        yes: whether `--yes` was given.

    Raises:
        ArgumentError: nobody can be asked, and there is no `--yes`.
        ChargeLimitError: the answer was no.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        msg = f"{operation} may cost credits or money: add --yes to agree; nothing was sent"
        raise ArgumentError(msg)
    print(f"{operation} may cost credits or money. Go on? [y/N] ", end="", file=sys.stderr)
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        msg = f"{operation}: you did not agree; nothing was sent"
        raise ChargeLimitError(msg)
