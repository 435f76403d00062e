"""The audit of dependencies in the gate."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.utils import canonicalize_name

_CI: Final = Path(__file__).parents[1] / ".ci"
_AUDIT: Final = _CI / "audit.py"


def _audit(tmp_path: Path, output: str) -> subprocess.CompletedProcess[str]:
    """Run the audit with a script instead of pip-audit that prints this."""
    stand_in = tmp_path / "pip-audit"
    stand_in.write_text(f"#!/bin/sh\nprintf %s {shlex.quote(output)}\nexit 1\n")
    stand_in.chmod(0o700)
    return subprocess.run(
        [sys.executable, str(_AUDIT), sys.executable, str(stand_in)],
        capture_output=True,
        text=True,
        check=False,
    )


def _report(**package: Any) -> str:
    return json.dumps({"dependencies": [{"name": "h11", "version": "0.14.0", **package}]})


def test_a_known_vulnerability_fails(tmp_path: Path) -> None:
    """The output names it and the package."""
    completed = _audit(
        tmp_path, _report(vulns=[{"id": "PYSEC-2025-1", "fix_versions": ["0.16.0"]}])
    )

    assert completed.returncode == 1
    assert "h11 0.14.0: PYSEC-2025-1" in completed.stderr


@pytest.mark.parametrize(
    "output",
    ["", "Traceback (most recent call last):", _report(skip_reason="not found on PyPI")],
    ids=["nothing", "a traceback", "an unknown package"],
)
def test_a_failed_audit_is_reported_and_does_not_fail_the_gate(output: str, tmp_path: Path) -> None:
    """Without a network the gate continues, and says that nothing was audited."""
    completed = _audit(tmp_path, output)

    assert completed.returncode == 0
    assert completed.stdout.startswith("NOT AUDITED: ")
    assert "in 0 of " in completed.stdout


def test_every_pinned_version_has_its_hashes() -> None:
    """The gate installs nothing else under that name, whatever the index serves."""
    names = {
        canonicalize_name(line.split("==")[0]): line.split("==")[1].split(";")[0].strip()
        for line in (_CI / "constraints.txt").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    }
    hashes = (_CI / "hashes.txt").read_text("utf-8")
    blocks = re.findall(
        r"^([a-z0-9.-]+)==([^\s;]+)(.*(?:\n    --hash=sha256:[0-9a-f]{64}.*)+)",
        hashes,
        re.MULTILINE,
    )

    assert {name: version for name, version, _ in blocks} == names
    assert "://" not in hashes


def test_audited_packages_are_counted(tmp_path: Path) -> None:
    """A package without known vulnerabilities counts as audited."""
    completed = _audit(tmp_path, _report(vulns=[]))

    assert completed.returncode == 0
    assert "in 1 of " in completed.stdout
