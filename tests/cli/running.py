"""`sikoia sandbox` in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import attrs

COMMAND = [sys.executable, "-m", "sikoia_async", "sandbox"]


@attrs.frozen
class Running:
    """A running `sikoia sandbox --json`."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]
    """What it printed when it was ready."""


@contextmanager
def running(*options: str) -> Generator[Running]:
    """Run the command on any free port until it is ready, and kill it when the test ends."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--json", *options],
        stdout=pipe,
        stderr=pipe,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            yield Running(process, json.loads(line))
        finally:
            process.kill()
