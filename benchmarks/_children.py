"""Child processes that run a piece of source, for measurements that need a new process.

Children find compiled modules, and do not inherit environment variables for Python, certificates
and proxies.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["environment", "printed", "seconds"]

_ROOT: Final = Path(__file__).parent.parent


def seconds(
    source: str,
    environment: Mapping[str, str],
    *arguments: str,
    python: str = sys.executable,
) -> float:
    """Return the time in which a process runs this source."""
    start = time.perf_counter()
    _run(source, environment, arguments, python)
    return time.perf_counter() - start


def printed(
    source: str,
    environment: Mapping[str, str],
    *arguments: str,
    python: str = sys.executable,
) -> float:
    """Return the number that this source prints."""
    return float(_run(source, environment, arguments, python))


def environment(compiled: str) -> dict[str, str]:
    """Return the environment of a child whose compiled modules are in a folder."""
    kept = {name: value for name, value in os.environ.items() if not _is_misleading(name)}
    return {**kept, "PYTHONPYCACHEPREFIX": compiled}


def _run(
    source: str,
    environment: Mapping[str, str],
    arguments: tuple[str, ...],
    python: str,
) -> bytes:
    command = [python, "-c", source, *arguments]
    child = subprocess.run(command, check=True, cwd=_ROOT, env=environment, stdout=subprocess.PIPE)
    return child.stdout


def _is_misleading(name: str) -> bool:
    return name.startswith(("PYTHON", "SIKOIA_", "SSL")) or name.lower().endswith("_proxy")
