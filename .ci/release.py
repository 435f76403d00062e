"""Checks that this commit can be published: its version, changelog, upgrade notes, URLs and tag.

    python .ci/release.py [--notes]

Everything that is missing is listed at once. `--notes` prints the changelog of the version instead.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, NamedTuple

from packaging.version import InvalidVersion, Version

_HEADING: Final = re.compile(r"^## \[(.+?)\](?: - (.+))?$", re.MULTILINE)
_URLS: Final = ("Source", "Documentation", "Changelog", "Issues")


class _Section(NamedTuple):
    """One version of the changelog."""

    name: str
    date: str | None
    entries: str


def main() -> None:
    """Exit with an error that lists all that keeps this commit from being published."""
    version = _version()
    sections = _changelog()
    if sys.argv[1:] == ["--notes"]:
        print(next((one.entries for one in sections if one.name == version), ""))
        return
    problems = [
        *_problems_of_version(version),
        *_problems_of_changelog(version, sections),
        *_problems_of_pages(version),
        *_problems_of_commit(version),
    ]
    if problems:
        sys.exit("not ready to be published:\n" + "\n".join(f"- {one}" for one in problems))
    print(f"ready to be published: {version}")


def _version() -> str:
    source = Path("sikoia_async/_version.py").read_text(encoding="utf-8")
    return source.partition('__version__ = "')[2].partition('"')[0]


def _changelog() -> list[_Section]:
    _, *parts = _HEADING.split(Path("CHANGELOG.md").read_text(encoding="utf-8"))
    return [
        _Section(name, day, entries.strip())
        for name, day, entries in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    ]


def _problems_of_version(version: str) -> Iterator[str]:
    try:
        parsed = Version(version)
    except InvalidVersion:
        yield f"_version.py: {version!r} is not a version"
        return
    if str(parsed) != version or parsed.is_devrelease or parsed.local or len(parsed.release) != 3:  # noqa: PLR2004 - major, minor and patch
        yield f"_version.py: {version}: expected major.minor.patch, as in 1.2.3 or 1.2.3rc1"


def _problems_of_changelog(version: str, sections: list[_Section]) -> Iterator[str]:
    unreleased, *released = sections
    if unreleased.name != "Unreleased":
        yield "CHANGELOG.md: begin with [Unreleased]"
        released = sections
    elif unreleased.entries:
        yield f"CHANGELOG.md: move the entries of [Unreleased] under [{version}] and its date"
    names = [one.name for one in released]
    if names[:1] != [version]:
        yield f"CHANGELOG.md: [{version}] is not the first version below [Unreleased]"
    for one in released:
        if not _is_day(one.date):
            yield f"CHANGELOG.md: [{one.name}]: expected the date, YYYY-MM-DD, not in the future"
        if not one.entries:
            yield f"CHANGELOG.md: [{one.name}] has no entries"
    try:
        in_order = sorted(set(names), key=Version, reverse=True)
    except InvalidVersion:
        yield "CHANGELOG.md: a heading is not a version"
    else:
        if names != in_order:
            yield "CHANGELOG.md: versions are not in order, newest first"


def _is_day(day: str | None) -> bool:
    try:
        return date.fromisoformat(day or "") <= datetime.now(UTC).date()
    except ValueError:
        return False


def _problems_of_pages(version: str) -> Iterator[str]:
    minor = version.rpartition(".")[0]
    page = Path("docs/pages/releases.md").read_text(encoding="utf-8")
    if f"\n### {minor}\n" not in page:
        yield f"docs/pages/releases.md: the upgrade notes have no section {minor}"
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    missing = [name for name in _URLS if name not in project.get("urls", {})]
    if missing:
        yield f"pyproject.toml: project.urls lacks {', '.join(missing)}"


def _problems_of_commit(version: str) -> Iterator[str]:
    if _git("status", "--porcelain"):
        yield "there are changes that are not committed"
    tags = [tag for tag in _git("tag", "--points-at", "HEAD").split() if tag.startswith("v")]
    if tags != [f"v{version}"]:
        yield f"the tags of this commit are {tags}: expected v{version} only"


def _git(*arguments: str) -> str:
    command = ("git", *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603


main()
