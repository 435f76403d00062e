"""The command line of `sikoia doctor`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

from sikoia_async.cli.options import add_environment, duration

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sikoia_async.cli.doctor.findings import Finding

__all__ = ["configure"]

_TIMEOUT: Final = 30.0


def configure(parser: argparse.ArgumentParser, _words: Sequence[str]) -> None:
    """Add the options of the command."""
    add_environment(parser)
    parser.add_argument(
        "--timeout",
        type=duration,
        default=_TIMEOUT,
        metavar="SECONDS",
        help=f"for all checks together (default {_TIMEOUT:g})",
    )
    parser.add_argument("--json", action="store_true", help="print JSON when all checks are done")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    """Run all checks, and return 0 if none has failed; otherwise 1."""
    import anyio  # noqa: PLC0415 - loaded by this command only

    from sikoia_async.cli.client import environment_named  # noqa: PLC0415
    from sikoia_async.cli.doctor.diagnosis import diagnose  # noqa: PLC0415
    from sikoia_async.cli.doctor.findings import as_json, line, summary  # noqa: PLC0415
    from sikoia_async.cli.doctor.session import Session  # noqa: PLC0415

    def show(finding: Finding) -> None:
        if not options.json:
            print(line(finding, sys.stdout), flush=True)

    async def check() -> list[Finding]:
        return await diagnose(session, show, seconds=options.timeout)

    given = options.environment
    session = Session(None if given is None else environment_named(given))
    findings = anyio.run(check)
    if options.json:
        print(json.dumps(as_json(findings)))
    else:
        print(f"\n{summary(findings)}")
    return 1 if any(one.status == "failed" for one in findings) else 0
