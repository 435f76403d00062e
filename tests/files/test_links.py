"""Symbolic links in the paths of saved files: only those that no stranger can have planted."""

import os
from pathlib import Path
from typing import Final

import pytest

from sikoia_async import ConfigurationError
from sikoia_async._files.sinks import FileSink
from sikoia_async._settings.links import follow_links

pytestmark = pytest.mark.anyio

_STRANGER: Final = 12_345
_STICKY: Final = 0o1777

as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act as another user"
)


async def _save(path: Path) -> None:
    async with FileSink(path, 100) as sink:
        await sink.open()
        await sink.start()
        await sink.take(b"new")
        assert await sink.end() is None


def _planted(link: Path, target: Path, owner: int = _STRANGER) -> Path:
    link.symlink_to(target)
    os.lchown(link, owner, owner)
    return link


@as_root
@pytest.mark.parametrize("mode", [_STICKY, 0o777, 0o775, 0o1770])
@pytest.mark.parametrize("place", ["file", "folder", "second link"])
async def test_a_link_of_another_user_is_not_followed(
    place: str, mode: int, tmp_path: Path
) -> None:
    """The file that it leads to stays as it was, wherever in the path the link is."""
    (tmp_path / "mine").mkdir()
    mine = tmp_path / "mine" / "a.pdf"
    mine.write_bytes(b"old")
    shared = tmp_path / "canary"
    shared.mkdir()
    shared.chmod(mode)
    path = shared / "a.pdf"
    if place == "file":
        _planted(path, mine)
    elif place == "folder":
        path = _planted(shared / "in", mine.parent) / "a.pdf"
    else:
        path = tmp_path / "own.pdf"
        path.symlink_to(_planted(shared / "a.pdf", mine))

    with pytest.raises(ConfigurationError, match="path: a symbolic link in it belongs") as caught:
        await _save(path)

    assert mine.read_bytes() == b"old"
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None
    assert [name for _, _, names in os.walk(tmp_path) for name in names if ".part" in name] == []


@as_root
@pytest.mark.parametrize(
    ("mode", "owner", "of_folder"),
    [(0o755, _STRANGER, 0), (_STICKY, 0, 0), (_STICKY, _STRANGER, _STRANGER)],
    ids=["private folder", "own link", "link of the folder's owner"],
)
async def test_other_links_are_followed(
    mode: int, owner: int, of_folder: int, tmp_path: Path
) -> None:
    """As Linux does: links that nobody else can have planted."""
    target, folder = tmp_path / "mine.pdf", tmp_path / "shared"
    folder.mkdir()
    os.chown(folder, of_folder, of_folder)
    folder.chmod(mode)

    await _save(_planted(folder / "a.pdf", target, owner))

    assert target.read_bytes() == b"new"
    assert (folder / "a.pdf").is_symlink()


async def test_a_link_planted_while_a_file_is_received_is_replaced(tmp_path: Path) -> None:
    """The last step replaces the link, and not the file that it leads to."""
    mine, path = tmp_path / "mine.pdf", tmp_path / "a.pdf"
    mine.write_bytes(b"old")
    async with FileSink(path, 100) as sink:
        await sink.open()
        await sink.start()
        path.symlink_to(mine)
        await sink.take(b"new")
        assert await sink.end() is None

    assert (path.is_symlink(), path.read_bytes(), mine.read_bytes()) == (False, b"new", b"old")


async def test_a_file_is_private_even_if_it_replaces_a_public_one(tmp_path: Path) -> None:
    """The permissions of the old file are not taken over."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"old")
    path.chmod(0o666)

    await _save(path)

    assert path.stat().st_mode & 0o777 == 0o600


def test_paths_are_followed_like_those_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative and absolute links, chains, and parents of folders that links lead to."""
    (tmp_path / "one" / "two").mkdir(parents=True)
    (tmp_path / "to-two").symlink_to("one/two")
    (tmp_path / "one" / "absolute").symlink_to(tmp_path / "to-two")
    (tmp_path / "dots").symlink_to("./one/../to-two/..")
    monkeypatch.chdir(tmp_path)

    for text in (
        "new.pdf",
        "to-two/new.pdf",
        "to-two/../new.pdf",
        "one/absolute/new.pdf",
        "dots/absolute/../new.pdf",
        "missing/folder/new.pdf",
        "..",
        ".",
        str(tmp_path / "dots"),
        "/",
    ):
        assert follow_links(Path(text)) == Path(text).resolve()


async def test_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    """The message has the reason of the operating system."""
    (tmp_path / "a.pdf").symlink_to("b.pdf")
    (tmp_path / "b.pdf").symlink_to("a.pdf")

    with pytest.raises(ConfigurationError, match="cannot be created: Too many levels"):
        await _save(tmp_path / "a.pdf")
