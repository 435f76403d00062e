"""What the gate's own scripts make of what they are told."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

_AUDIT: Final = Path(__file__).parents[1] / ".ci" / "audit.py"


def _audit(tmp_path: Path, said: str) -> subprocess.CompletedProcess[str]:
    """Run the audit with something in place of pip-audit that says this."""
    stand_in = tmp_path / "pip-audit"
    stand_in.write_text(f"#!/bin/sh\nprintf %s {shlex.quote(said)}\nexit 1\n")
    stand_in.chmod(0o700)
    return subprocess.run(
        [sys.executable, str(_AUDIT), sys.executable, str(stand_in)],
        capture_output=True,
        text=True,
        check=False,
    )


def _report(**package: Any) -> str:
    return json.dumps({"dependencies": [{"name": "h11", "version": "0.14.0", **package}]})


def test_a_known_weakness_fails(tmp_path: Path) -> None:
    """It is named, with the package that has it."""
    ended = _audit(tmp_path, _report(vulns=[{"id": "PYSEC-2025-1", "fix_versions": ["0.16.0"]}]))

    assert ended.returncode == 1
    assert "h11 0.14.0: PYSEC-2025-1" in ended.stderr


@pytest.mark.parametrize(
    "said",
    ["", "Traceback (most recent call last):", _report(skip_reason="not found on PyPI")],
    ids=["nothing", "a traceback", "nothing is known"],
)
def test_silence_is_told_and_does_not_fail(said: str, tmp_path: Path) -> None:
    """Without the network the gate goes on, and says that nobody was asked."""
    ended = _audit(tmp_path, said)

    assert ended.returncode == 0
    assert ended.stdout.startswith("NOT AUDITED: ")
    assert "in 0 of " in ended.stdout


def test_what_was_looked_at_is_counted(tmp_path: Path) -> None:
    """A package of which nothing bad is known counts as audited."""
    ended = _audit(tmp_path, _report(vulns=[]))

    assert ended.returncode == 0
    assert "in 1 of " in ended.stdout
