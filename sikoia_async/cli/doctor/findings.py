"""What the checks of `sikoia doctor` find, and how it is printed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal, TextIO

import attrs

from sikoia_async.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Finding", "Status", "as_json", "line", "summary"]

Status = Literal["ok", "warning", "failed", "skipped"]


@attrs.frozen
class Finding:
    """What one check has found. It contains no secret and no personal data."""

    check: str
    status: Status
    message: str
    advice: str = ""
    """What to do; empty if there is nothing to do."""


_COLOURS: Final[dict[Status, str]] = {"ok": "32", "warning": "33", "failed": "31", "skipped": "2"}
_STATUS_WIDTH: Final = 9
_CHECK_WIDTH: Final = 13


def line(finding: Finding, out: TextIO) -> str:
    """Return the line that is printed for a finding."""
    status = finding.status.ljust(_STATUS_WIDTH)
    if out.isatty() and not os.environ.get("NO_COLOR"):
        status = f"\x1b[{_COLOURS[finding.status]}m{status}\x1b[0m"
    advice = f". {finding.advice[0].upper()}{finding.advice[1:]}" if finding.advice else ""
    # Messages may have names from certificates, and words of servers.
    said = printable(f"{finding.message}{advice}")
    return f"{status}{finding.check.ljust(_CHECK_WIDTH)}{said}"


def summary(findings: Sequence[Finding]) -> str:
    """Return the last line."""
    counts = {status: sum(one.status == status for one in findings) for status in _COLOURS}
    parts = [f"{count} {status}" for status, count in counts.items() if count]
    return f"{', '.join(parts)}. Nothing was spent: only free calls were made."


def as_json(findings: Sequence[Finding]) -> dict[str, object]:
    """Return the findings as plain JSON."""
    return {
        "ok": all(one.status != "failed" for one in findings),
        "spent": 0,
        "checks": [attrs.asdict(one) for one in findings],
    }
