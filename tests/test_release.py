"""What a release needs: the checks before it, and the workflow that publishes it."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Final

import pytest
from ci_scripts import run_script

_ROOT: Final = Path(__file__).parents[1]
_CHANGELOG: Final = """
# Changelog

## [Unreleased]

## [1.2.0] - 2026-02-03

### Added

- `Sikoia.new` is new.

## [1.1.0] - 2026-01-02

- The first one.
"""
_PROJECT: Final = """
[project.urls]
Source = "https://example.com"
Documentation = "https://example.com"
Changelog = "https://example.com"
Issues = "https://example.com"
"""


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    settings = (*identity, "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false")
    command = ("git", *settings, *arguments)
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _commit(folder: Path, files: dict[str, str], *tags: str) -> None:
    """Make a repository with these files in one commit."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    _git(folder, "init", "--quiet")
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "--message", "Release")
    for tag in tags:
        _git(folder, "tag", tag)


def _files(version: str = "1.2.0", changelog: str = _CHANGELOG, **more: str) -> dict[str, str]:
    return {
        "sikoia_async/_version.py": f'__version__ = "{version}"\n',
        "CHANGELOG.md": changelog.lstrip(),
        "docs/pages/releases.md": more.get("page", "## Upgrade\n\n### 1.2\n\nNothing.\n"),
        "pyproject.toml": more.get("project", _PROJECT),
    }


def test_a_commit_that_is_ready_passes(tmp_path: Path) -> None:
    """Its notes are the entries of its version."""
    _commit(tmp_path, _files(), "v1.2.0", "another")

    checked = run_script("release.py", tmp_path)
    notes = run_script("release.py", tmp_path, "--notes")

    assert (checked.returncode, checked.stdout) == (0, "ready to be published: 1.2.0\n")
    assert notes.stdout == "### Added\n\n- `Sikoia.new` is new.\n"


def _changed(*changes: tuple[str, str]) -> str:
    changelog = _CHANGELOG
    for old, new in changes:
        changelog = changelog.replace(old, new)
    return changelog


@pytest.mark.parametrize(
    ("files", "problems"),
    [
        (_files("1.2.0.dev1"), ["_version.py: 1.2.0.dev1: expected major.minor.patch"]),
        (_files("next"), ["_version.py: 'next' is not a version"]),
        (
            _files("1.3"),
            [
                "_version.py: 1.3: expected major.minor.patch",
                "[1.3] is not the first version below [Unreleased]",
                "the upgrade notes have no section 1\n",
                "['v1.2.0']: expected v1.3 only",
            ],
        ),
        (
            _files(
                changelog=_changed(
                    ("[Unreleased]\n", "[Unreleased]\n\n- Later.\n"),
                    ("2026-02-03", "9999-02-03"),
                    ("1.1.0", "1.10.0"),
                    ("2026-01-02", "2026-13-02"),
                    ("- The first one.", ""),
                ),
                project=_PROJECT.replace("Issues", "Bugs"),
            ),
            [
                "move the entries of [Unreleased] under [1.2.0]",
                "[1.2.0]: expected the date",
                "[1.10.0]: expected the date",
                "[1.10.0] has no entries",
                "not in order, newest first",
                "project.urls lacks Issues\n",
            ],
        ),
        (
            _files(
                changelog=_changed(
                    ("## [Unreleased]\n", ""), (" - 2026-02-03", ""), ("1.1.0", "1.2.0")
                ),
                project="[project]\n",
            ),
            [
                "begin with [Unreleased]",
                "[1.2.0]: expected the date",
                "not in order, newest first",
                "lacks Source, Documentation, Changelog, Issues",
            ],
        ),
        (_files(changelog=_changed(("1.1.0", "one"))), ["a heading is not a version"]),
    ],
    ids=["development", "not a version", "another version", "entries", "headings", "a word"],
)
def test_what_is_missing_is_named(
    tmp_path: Path, files: dict[str, str], problems: list[str]
) -> None:
    """A commit that lacks something is not published."""
    _commit(tmp_path, files, "v1.2.0")

    checked = run_script("release.py", tmp_path)

    assert checked.returncode == 1
    assert [one for one in problems if one not in checked.stderr] == []


def test_all_that_is_missing_is_listed_at_once(tmp_path: Path) -> None:
    """Also a tag, and changes that are not committed."""
    _commit(tmp_path, _files(page=""))
    (tmp_path / "forgotten.py").touch()

    checked = run_script("release.py", tmp_path)

    assert checked.stderr.splitlines() == [
        "not ready to be published:",
        "- docs/pages/releases.md: the upgrade notes have no section 1.2",
        "- there are changes that are not committed",
        "- the tags of this commit are []: expected v1.2.0 only",
    ]


def test_workflows_run_pinned_actions_only() -> None:
    """A tag can be moved to other code, a commit cannot; a comment names the version."""
    workflows = sorted((_ROOT / ".github" / "workflows").glob("*.yml"))
    used = [
        line
        for path in workflows
        for line in re.findall(r"uses: (.+)", path.read_text("utf-8"))
        if not line.startswith("./")
    ]

    assert len(workflows) == 2
    assert len(used) >= 10
    unpinned = [line for line in used if not re.fullmatch(r"\S+@[0-9a-f]{40} # v[0-9.]+", line)]
    assert unpinned == []


def test_only_the_job_that_publishes_may_do_so() -> None:
    """It runs no code of the repository, and no other job gets a token of the index."""
    workflow = (_ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    jobs = dict(
        re.findall(
            r"^  ([a-z]+):\n((?:    .*\n|\n)+)", workflow.partition("\njobs:\n")[2], re.MULTILINE
        )
    )

    assert list(jobs) == ["ci", "build", "attest", "publish", "announce", "pages"]
    assert [name for name, job in jobs.items() if "environment: release" in job] == ["publish"]
    assert [name for name, job in jobs.items() if "id-token: write" in job] == ["attest", "publish"]
    assert all("checkout" not in jobs[name] for name in ("attest", "publish", "announce"))
    assert "needs: [ci, build]" in jobs["attest"]


def test_the_support_page_lists_the_pythons_that_are_tested() -> None:
    """Each with the end of its support, from the lowest that can be installed on."""
    page = (_ROOT / "docs" / "pages" / "releases.md").read_text("utf-8")
    listed = re.findall(r"^\| (3\.[0-9]+) \| October 20[0-9]{2} \|$", page, re.MULTILINE)
    tested = re.search(
        r"^PYTHONS: Final = \((.+)\)$", (_ROOT / "noxfile.py").read_text(), re.MULTILINE
    )
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    prefix = "Programming Language :: Python :: 3."
    named = [f"3.{one.removeprefix(prefix)}" for one in project["classifiers"] if prefix in one]

    assert tested
    assert listed == re.findall(r"3\.[0-9]+", tested[1])
    assert named == listed
    assert project["requires-python"] == f">={listed[0]}"
