"""The checks of the gate: the audit of dependencies, and the built documentation."""

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


_GOOD_SITE: Final = {
    "index.html": '<h1 id="top">A</h1> <a href="more/b.html#part">b</a> <img src="a.png">',
    "more/b.html": '<h2 id="part">B</h2> <a href="../index.html">a</a> <a href="https://x.test">x</a>',
    "a.png": "",
    "a.md": "[b](more/b.md#part)",
    "more/b.md": "[a](../a.md)",
}


def _check_site(folder: Path, **planted: str) -> subprocess.CompletedProcess[str]:
    """Check a small site, in which the text of some files is followed by another one."""
    for name, text in _GOOD_SITE.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + planted.get(path.suffix[1:], ""), "utf-8")
    return subprocess.run(
        [sys.executable, str(_CI / "check_site.py"), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_site_without_a_broken_link_passes(tmp_path: Path) -> None:
    """Links to other sites may be followed by readers, and are not checked."""
    completed = _check_site(tmp_path)

    assert (completed.returncode, completed.stderr) == (0, "")
    assert completed.stdout.startswith("2 pages: ")


@pytest.mark.parametrize(
    ("suffix", "planted", "found"),
    [
        ("html", '<a href="none.html">', "broken link: none.html"),
        ("html", '<a class="x" href="#none">', "broken anchor: #none"),
        ("html", '<a href="/index.html#none">', "broken anchor: /index.html#none"),
        ("html", '<img src="none.svg">', "broken link: none.svg"),
        ("html", '<script src="https://x.test/a.js">', "loads from another site: <script"),
        ("html", '<link rel="stylesheet" href="//x.test/a.css">', "loads from another site: <link"),
        ("html", "<style>@import url(https://x.test)</style>", "loads from another site: @import"),
        ("md", "[none](none.md)", "broken link: none.md"),
    ],
)
def test_what_is_broken_turns_the_check_red(
    suffix: str, planted: str, found: str, tmp_path: Path
) -> None:
    """With the page, and what is wrong."""
    completed = _check_site(tmp_path, **{suffix: planted})

    assert completed.returncode == 1
    assert found in completed.stderr


def test_an_empty_site_turns_the_check_red(tmp_path: Path) -> None:
    """A build that wrote nothing is not a documentation without errors."""
    completed = subprocess.run(
        [sys.executable, str(_CI / "check_site.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert completed.returncode == 1
    assert "no page found" in completed.stderr
