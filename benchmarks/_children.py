"""Child processes that run a piece of source, for what can only be seen in a new process.

All children find everything compiled, and none of the variables by which this machine may have
them look elsewhere for certificates and proxies.
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


def seconds(source: str, environment: Mapping[str, str], *arguments: str) -> float:
    """Return the seconds that a process takes to run this source."""
    began = time.perf_counter()
    _run(source, environment, arguments)
    return time.perf_counter() - began


def printed(source: str, environment: Mapping[str, str]) -> float:
    """Return the one number that this source prints."""
    return float(_run(source, environment, ()))


def environment(compiled: str) -> dict[str, str]:
    """Return this process's environment for a child that keeps its compiled modules in a folder."""
    kept = {name: value for name, value in os.environ.items() if not _is_misleading(name)}
    return {**kept, "PYTHONPYCACHEPREFIX": compiled}


def _run(source: str, environment: Mapping[str, str], arguments: tuple[str, ...]) -> bytes:
    command = [sys.executable, "-c", source, *arguments]
    child = subprocess.run(command, check=True, cwd=_ROOT, env=environment, stdout=subprocess.PIPE)
    return child.stdout


def _is_misleading(name: str) -> bool:
    return name.startswith(("PYTHON", "SIKOIA_", "SSL")) or name.lower().endswith("_proxy")
