"""A process ends, whatever its calls were doing."""

import os
import subprocess
import sys
from pathlib import Path

from sikoia_async.sandbox import Sandbox

_PROGRAM = """
import asyncio
from sikoia_async import Sikoia
from sikoia_async.stores import SqliteStores

async def main():
    async with Sikoia(shared=SqliteStores("sikoia.db")) as sikoia:
        company = "00000000-0000-4000-8000-000000000000"
        task = asyncio.create_task(
            sikoia.purchases.once("key", sikoia.credit_reports.request, company)
        )
        await asyncio.sleep(2)
    return task

asyncio.run(main())
"""


def test_a_call_that_outlives_its_client_does_not_keep_the_process(tmp_path: Path) -> None:
    """When asyncio ends, it cancels the call, and lets nothing run that the call starts then."""
    with Sandbox() as sandbox:
        sandbox.faults.add("POST /v2/company-credit-reports", delay=60)
        ended = subprocess.run(
            [sys.executable, "-P", "-c", _PROGRAM],
            cwd=tmp_path,
            env={**os.environ, **sandbox.variables},
            capture_output=True,
            timeout=40,
            check=False,
        )

    assert ended.returncode == 0, ended.stderr.decode()
