"""A process ends, whatever its calls were doing."""

import subprocess
import sys
from pathlib import Path
from socket import create_server

_PROGRAM = """
import asyncio, sys
from sikoia_async import Sikoia, local
from sikoia_async.stores import SqliteStores

async def main():
    async with Sikoia(
        token="t", environment=local(sys.argv[1]), shared=SqliteStores("sikoia.db")
    ) as sikoia:
        task = asyncio.create_task(
            sikoia.purchases.once("key", sikoia.credit_reports.request, "company")
        )
        await asyncio.sleep(1)
    return task

asyncio.run(main())
"""


def test_a_call_in_progress_does_not_keep_the_process(tmp_path: Path) -> None:
    """The client is closed, and asyncio cancels the call when it ends."""
    with create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        ended = subprocess.run(
            [sys.executable, "-P", "-c", _PROGRAM, url],
            cwd=tmp_path,
            capture_output=True,
            timeout=60,
            check=False,
        )

    assert (ended.returncode, ended.stderr) == (0, b"")
