"""Runs the scripts in .ci."""

import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["run_script"]

_SCRIPTS: Final = Path(__file__).parents[1] / ".ci"


def run_script(script: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder, and return what it printed."""
    return subprocess.run(
        [sys.executable, str(_SCRIPTS / script), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
