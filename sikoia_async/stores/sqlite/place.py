"""Where the file is: checked and created before SQLite opens it."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

from sikoia_async._errors import ArgumentTypeError, ConfigurationError
from sikoia_async._settings.links import PlantedLinkError, follow_links

__all__ = ["checked_path", "create_private"]

_NETWORK: Final = re.compile(
    r"(fuse\.)?("
    r"9p|acfs|afs|beegfs\w*|blobfuse2?|ceph[\w-]*|cifs|curlftpfs|dav\w*|gcsfuse|gfs2|glusterfs"
    r"|goofys|gpfs|juicefs|lizardfs|lustre|m(oose)?fs|mount-s3|mountpoint-s3|ncpfs|nfs\d?|ocfs2"
    r"|orangefs|panfs|prl_fs|pvfs2|rclone|s3fs|seaweedfs|smb\w*|sshfs|vboxsf|vmhgfs(-fuse)?|weka\w*)"
)
"""File systems that several hosts see, or a virtual machine and its host. The shared memory that
SQLite's WAL needs works within one kernel only, and their locks are often missing or broken:
https://sqlite.org/wal.html, https://sqlite.org/faq.html#q5."""
_ON_A_HOST: Final = re.compile(r"//[^/].*|[^/\s]+:/.*")
"""The source of a network file system of any type: `//host/share` or `host:/folder`."""
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_PRIVATE: Final = stat.S_IRUSR | stat.S_IWUSR


def checked_path(path: str | os.PathLike[str], mounts: Path) -> Path:
    """Return where the file is or will be, without symbolic links.

    Args:
        path: as the user gives it.
        mounts: the mounts of this host, as in `/proc/self/mountinfo`.

    Raises:
        ArgumentTypeError: it is not a path.
        ConfigurationError: a private file cannot be there, or several hosts may see it.
    """
    problem = "it is empty"
    try:
        if os.fspath(path) == ":memory:":
            problem = "memory is not shared between processes; use MemoryStores for tests"
        elif os.fspath(path):
            place = follow_links(Path(path))
            problem = _problem(place, mounts)
            if not problem:
                return place
    except TypeError:
        problem = ""
    except PlantedLinkError:
        problem = "a symbolic link in it belongs to another user, and is not followed"
    except (OSError, ValueError) as error:
        problem = _reason(error)
    if not problem:
        msg = "path: expected a string or a Path"
        raise ArgumentTypeError(msg)
    msg = f"path: {problem}"
    raise ConfigurationError(msg)


def create_private(place: Path) -> str:
    """Create the file, unless it exists; return why it cannot be used, empty if it can.

    Nobody else can read it, whatever the umask is. SQLite gives its files `-wal` and `-shm` the
    same permissions. An existing file that others can read is refused rather than changed: somebody
    may have read it, or may be meant to.
    """
    try:
        os.close(os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL, _PRIVATE))
        place.chmod(_PRIVATE)
    except FileExistsError:
        return _file_problem(place)
    except OSError as error:
        return f"it cannot be created: {_reason(error)}"
    return ""


def _problem(place: Path, mounts: Path) -> str:
    if not place.parent.is_dir():
        return "the folder does not exist"
    if place.is_dir():
        return "it is a folder, and not a file in one"
    if (kind := _network_type(place, mounts)) is not None:
        return (
            f"it is on a network file system ({kind}), where SQLite is not safe; use a local disk, "
            "or RedisStores or PostgresStores for several hosts"
        )
    return ""


def _file_problem(place: Path) -> str:
    """Return why an existing file cannot be used; empty if it can."""
    for name in (place.name, f"{place.name}-wal", f"{place.name}-shm"):
        try:
            found = os.lstat(place.with_name(name))
        except FileNotFoundError:  # SQLite creates it, unless another process has just deleted it
            continue
        if not stat.S_ISREG(found.st_mode):
            return "the path exists and is not a regular file"
        if os.name == "posix" and found.st_uid != os.geteuid():
            return "the file belongs to another user; run as that user, or choose another path"
        if os.name == "posix" and found.st_mode & _OTHERS:
            return "other users can access the file, which holds an access token; run chmod 600"
    return "" if os.access(place, os.R_OK | os.W_OK) else "the file cannot be written to"


def _network_type(place: Path, mounts: Path) -> str | None:
    """Return the type of the network file system that a place is on; None if it is on another."""
    try:
        lines = os.fsdecode(mounts.read_bytes()).split("\n")
    except OSError:
        return None
    on, kind, device = -1, "", ""
    for line in filter(None, lines):
        fields, _, source = line.partition(" - ")
        point = Path(_ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields.split(" ")[4]))
        depth = len(point.parts)
        if depth >= on and place.is_relative_to(point):  # of several on one point, the last counts
            on, (kind, device) = depth, source.split(" ")[:2]
    return kind if _NETWORK.fullmatch(kind) or _ON_A_HOST.fullmatch(device) else None


def _reason(error: Exception) -> str:
    """Return the message of an error without the path, which may be personal data."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else "it is not a path that the system knows"
