"""Goes on with an operation in a process of its own, and tells how that ended.

Run by the row about restarts: `python resume_child.py <backend> <url>`, with a JSON list of the
client's secret and the operation's token as its input.
"""

import json
import sys
from typing import Any

import anyio

from sikoia_async import Interval, Sikoia
from sikoia_async.environments import local


async def _resume(url: str, secret: str, token: str) -> None:
    async with Sikoia("an-id", secret, environment=local(url), quota=None) as sikoia:
        hasty = sikoia.with_options(interval=Interval(first=0.1, most=0.1))
        report: Any = await hasty.operation(token)
    sys.stdout.write(json.dumps([report.request_id, report.status]))


if __name__ == "__main__":
    given: list[str] = json.load(sys.stdin)
    anyio.run(_resume, sys.argv[2], given[0], given[1], backend=sys.argv[1])
