"""Makes one call in a separate process, and reports its outcome and its memory use.

Run by the rows about bombs: `python child.py <backend> <url> <JSON of the client's options>`.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

import anyio

from sikoia_async import Sikoia, SikoiaError, UnexpectedResponseError
from sikoia_async.environments import local

__all__ = ["CAN_MEASURE"]

_STATUS: Final = Path("/proc/self/status")
_PEAK: Final = re.compile(r"VmHWM:\s+([0-9]+) kB")

CAN_MEASURE: Final = _STATUS.exists() and _PEAK.search(_STATUS.read_text()) is not None
"""Whether this system reports a process's peak memory."""


def _peak() -> int:
    """Return this process's peak memory in bytes."""
    found = _PEAK.search(_STATUS.read_text())
    return int(found[1]) * 1024 if found else 0


async def _call(url: str, options: dict[str, Any]) -> None:
    async with Sikoia(environment=local(url), token="t", quota=None, **options) as sikoia:
        await sikoia.request("GET", "/v2/cases")  # so that everything is imported
        before, error = _peak(), None
        try:
            await sikoia.request("GET", "/v2/cases")
        except SikoiaError as caught:
            error = caught
        grown = _peak() - before
    report = {"error": type(error).__name__, "message": str(error), "grown": grown}
    held = len(error.body) if isinstance(error, UnexpectedResponseError) else 0
    sys.stdout.write(json.dumps(report | {"held": held}))


if __name__ == "__main__":
    anyio.run(_call, sys.argv[2], json.loads(sys.argv[3]), backend=sys.argv[1])
