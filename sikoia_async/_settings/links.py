"""Follows the symbolic links in a path, except those that another user may have planted."""

import errno
import os
import stat
from pathlib import Path
from typing import Final

__all__ = ["PlantedLinkError", "follow_links"]

_MOST_LINKS: Final = 40
_WRITABLE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_ROOT: Final = 0


class PlantedLinkError(Exception):
    """A symbolic link may have been planted by another user."""


def follow_links(path: Path) -> Path:
    """Return where a path leads to, without symbolic links; the last part need not exist.

    In a folder such as `/tmp`, everybody can create a link under the name that another user will
    write to, and so choose which of that user's files is replaced. Linux refuses to open such links
    (`fs.protected_symlinks`), but not to read where they lead to. So a link in a folder that others
    can write to must belong to this process's user, to the folder's owner, or to root.

    Raises:
        PlantedLinkError: a link belongs to another user.
        OSError: the path cannot be followed.
        ValueError: it is not a path that the system knows.
    """
    place = Path(path.absolute().anchor)
    parts = [*reversed(path.absolute().parts[1:])]
    links = 0
    while parts:
        part = parts.pop()
        if part == os.pardir:
            place = place.parent
            continue
        target = _target(place, part)
        if target is None:
            place /= part
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, "")
        if target.is_absolute():
            place = Path(target.anchor)
        parts.extend(reversed(target.relative_to(target.anchor).parts))
    return place


def _target(folder: Path, name: str) -> Path | None:
    """Return the target of a link, or None if the name is not one."""
    try:
        link = os.lstat(folder / name)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISLNK(link.st_mode):
        return None
    if _is_planted(link, folder.stat()):
        raise PlantedLinkError
    return (folder / name).readlink()


def _is_planted(link: os.stat_result, folder: os.stat_result) -> bool:
    own = os.geteuid() if hasattr(os, "geteuid") else _ROOT  # Windows has no such ids
    trusted = {_ROOT, folder.st_uid, own}
    return bool(folder.st_mode & _WRITABLE_BY_OTHERS) and link.st_uid not in trusted
