"""The checks of the gate: the audit of dependencies, and the built documentation."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from browsers import installed
from ci_scripts import run_script
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


_PAGE: Final = """<!doctype html>
<h1>A page</h1>
<input aria-label="Search">
<p class="md-search-result__item"><a href="quickstart.html">Rate limit</a></p>
<p class="md-version">
  <button class="md-version__current">{version}</button>
  <a href="../0.1/quickstart.html">0.1.0</a> <a href="../0.2/quickstart.html">0.2.0</a>
</p>
<p {hidden}>This page is about another version. <a href="../latest/index.html">The latest</a></p>
"""


def _check_browser(
    folder: Path, old: str = "", planted: str = "", *seconds: str
) -> subprocess.CompletedProcess[str]:
    """Open a small site of two versions, in whose pages this text is replaced."""
    site = folder / "site"
    site.mkdir()
    for version, hidden in (("0.1.0", ""), ("0.2.0", "hidden")):
        text = _PAGE.replace(old, planted) if old else _PAGE
        for name in ("index.html", "quickstart.html"):
            (site / name).write_text(text.format(version=version, hidden=hidden), "utf-8")
        assert run_script("publish_site.py", folder, "site", "published", version).returncode == 0
    return run_script("check_browser.py", folder, "published", *seconds)


def test_a_site_that_works_in_a_browser_passes(tmp_path: Path) -> None:
    """From a folder and from a server."""
    installed()

    completed = _check_browser(tmp_path)

    assert (completed.returncode, completed.stderr) == (0, "")
    assert completed.stdout.startswith("search works ")


@pytest.mark.parametrize(
    ("old", "planted", "found", "seconds"),
    [
        ("<h1>", '<script src="http://127.0.0.1:1/a.js"></script><h1>', "loads http://127", ()),
        ("<h1>", "<script>throw Error('planted')</script><h1>", "planted", ()),
        ("<h1>", '<img src="none.svg"><h1>', "not found: ", ()),
        ("Rate limit", "Nothing", "md-search-result__item", ("1",)),
    ],
    ids=["loaded", "error", "missing", "search"],
)
def test_what_a_reader_would_miss_turns_the_check_red(
    old: str, planted: str, found: str, seconds: tuple[str, ...], tmp_path: Path
) -> None:
    """With what is wrong."""
    installed()

    completed = _check_browser(tmp_path, old, planted, *seconds)

    assert completed.returncode == 1
    assert found in completed.stderr


@pytest.mark.parametrize(("required", "code"), [("", 0), ("1", 1)])
def test_without_a_browser_the_check_says_so(
    required: str, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And fails if one is required, as in the gate."""
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setenv("SIKOIA_REQUIRE_BROWSER", required)

    completed = run_script("check_browser.py", tmp_path, ".")

    assert completed.returncode == code
    assert "NOT OPENED" in completed.stdout + completed.stderr
