"""Builds the sdist and the wheel twice, and compares the two builds byte for byte.

The first build is of this folder. The second one is of the unpacked sdist, somewhere else, with
other times of files, another umask, time zone, locale and order of hashes. So the wheel does not
depend on the machine, and the sdist has all that a build needs. It must also have each file that
git tracks, so that its tests can run.

    python .ci/build.py FOLDER [command that builds]

Times in both archives are SOURCE_DATE_EPOCH, or else the time of the commit.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_BUILD: Final = (sys.executable, "-m", "build", "--no-isolation", "--sdist", "--wheel")
_OTHER: Final = {"LC_ALL": "C", "TZ": "Pacific/Chatham"}
_LONG_AGO: Final = 1_000_000_000


def main() -> None:
    """Exit with an error if the builds differ, or if the sdist lacks a file."""
    folder = Path(sys.argv[1]).resolve()
    command = tuple(sys.argv[2:]) or _BUILD
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{folder.name}: the folder is not empty")
    os.environ.setdefault("SOURCE_DATE_EPOCH", _time_of_commit())
    _run(*command, "--outdir", str(folder), ".")
    (sdist,) = folder.glob("*.tar.gz")
    problems = [f"{sdist.name} lacks {name}" for name in sorted(_tracked() - _unpacked(sdist))]
    with tempfile.TemporaryDirectory() as work:
        with tarfile.open(sdist) as archive:
            archive.extractall(work, filter="data")
        (copy,) = Path(work).iterdir()
        for path in copy.rglob("*"):
            os.utime(path, (_LONG_AGO, _LONG_AGO))
        again = Path(work) / "again"
        _run(*command, "--outdir", str(again), str(copy), umask=0o077, **_OTHER)
        for path in sorted(folder.iterdir()):
            problems += _differences(path, again / path.name)
    if problems:
        sys.exit("\n".join(problems))
    for path in sorted(folder.iterdir()):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")


def _run(*command: str, umask: int = -1, **variables: str) -> None:
    completed = subprocess.run(  # noqa: S603 - our own command
        command,
        env=os.environ | variables,
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode:
        sys.exit(completed.stdout + completed.stderr)


def _git(*arguments: str) -> str:
    """Return the output of git, or nothing if this folder is not a repository."""
    command = ("git", *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603


def _time_of_commit() -> str:
    return _git("log", "-1", "--format=%ct").strip() or str(_LONG_AGO)


def _tracked() -> set[str]:
    return {name for name in _git("ls-files", "-z").split("\0") if name and Path(name).exists()}


def _unpacked(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def _differences(first: Path, second: Path) -> Iterator[str]:
    """Yield what differs between two archives: the names of members, or of the archive itself."""
    if first.read_bytes() == second.read_bytes():
        return
    members = (_members(first), _members(second))
    names = sorted(
        name
        for name in members[0].keys() | members[1]
        if members[0].get(name) != members[1].get(name)
    )
    yield from (f"{first.name}: the second build has another {name}" for name in names)
    if not names:
        yield f"{first.name}: the second build differs in order, times or compression"


def _members(path: Path) -> dict[str, tuple[object, ...]]:
    """Return the content of an archive's members, with what else is kept of each."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            return {
                one.filename: (archive.read(one), one.date_time, one.external_attr)
                for one in archive.infolist()
            }
    with tarfile.open(path) as archive:
        return {
            one.name: (
                (found := archive.extractfile(one)) and found.read(),
                *(one.mtime, one.mode, one.uid, one.gid, one.uname, one.gname),
            )
            for one in archive.getmembers()
        }


main()
