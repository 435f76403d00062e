"""Which files `SqliteStores` accepts: each refusal is an error at once, before the first call."""

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from sikoia_async import ConfigurationError
from sikoia_async.errors import ArgumentTypeError
from sikoia_async.stores import Host, SqliteStores
from sikoia_async.stores.sqlite.schema import prepare

as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act as another user"
)

STRANGER: Final = 12_345


def _refusal(path: Any, host: Host | None = None) -> str:
    """Return why a file is refused; the path may be personal data, and is not repeated."""
    with pytest.raises(ConfigurationError) as refused:
        SqliteStores(path, host=host)
    message = str(refused.value)
    assert message.startswith("path: ")
    assert "canary" not in message
    assert refused.value.__cause__ is None
    return message


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "canary.db"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "it is empty"),
        (":memory:", "memory is not shared"),
        ("canary\0.db", "it is not a path"),
        ("/canary/sikoia.db", "the folder does not exist"),
        ("/etc/passwd/canary", "the folder does not exist"),
        ("c" * 300 + "canary", "File name too long"),
        (os.devnull, "not a regular file"),
        ("/", "it is a folder"),
        ("/proc/canary.db", "cannot be created"),
    ],
)
def test_a_place_for_no_file_is_refused(path: str, message: str) -> None:
    """The error says what is wrong with it."""
    assert message in _refusal(path)


@pytest.mark.parametrize("path", [None, 7, b"canary", ["canary"]])
def test_a_path_is_a_string_or_a_path(path: Any) -> None:
    """As for all arguments, a wrong type is an error of its own."""
    with pytest.raises(ArgumentTypeError, match=r"^path: expected a string or a Path$"):
        SqliteStores(path)


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    """SQLite itself would say that it cannot be opened."""
    assert "it is a folder" in _refusal(tmp_path)


def test_names_that_are_special_in_urls_are_names(tmp_path: Path) -> None:
    """SQLite opens the file by a URL, so that it never creates it itself."""
    SqliteStores(tmp_path / "a b?mode=memory#100%25.db")

    assert [one.name for one in tmp_path.iterdir()] == ["a b?mode=memory#100%25.db"]


# Who can read it


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
@pytest.mark.anyio
async def test_the_files_are_private_whatever_the_umask_is(path: Path, umask: int) -> None:
    """Those of the WAL as well, which have the access token first."""
    before = os.umask(umask)
    try:
        stores: Any = SqliteStores(path)
        await stores.token.lock("account", "one", 1.0)
        modes = _modes(path.parent)
        await stores.aclose()
    finally:
        os.umask(before)

    assert modes == dict.fromkeys(["canary.db", "canary.db-wal", "canary.db-shm"], 0o600)


def _modes(folder: Path) -> dict[str, int]:
    return {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_a_file_that_others_can_access_is_refused(path: Path, suffix: str, mode: int) -> None:
    """It is not made private quietly: somebody may have read it, or may be meant to."""
    SqliteStores(path)
    other = path.with_name(path.name + suffix)
    other.touch()
    other.chmod(mode)

    assert "run chmod 600" in _refusal(path)
    other.chmod(0o600)
    SqliteStores(path)


@as_root
def test_a_file_of_another_user_is_refused(path: Path) -> None:
    """In a folder such as /tmp, that user may have created it in order to read the token."""
    SqliteStores(path)
    os.chown(path, STRANGER, STRANGER)

    assert "belongs to another user" in _refusal(path)


@as_root
def test_a_link_of_another_user_is_not_followed(tmp_path: Path) -> None:
    """The same as for saved files; one's own is followed."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    for owner, name in ((STRANGER, "theirs.db"), (os.geteuid(), "mine.db")):
        (shared / name).symlink_to(tmp_path / "sikoia.db")
        os.lchown(shared / name, owner, owner)

    assert "symbolic link" in _refusal(shared / "theirs.db")
    SqliteStores(shared / "mine.db")
    assert (tmp_path / "sikoia.db").exists()


def _denied(*_: object) -> bool:
    return False


def test_a_file_that_cannot_be_written_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite itself would open it for reading only, and fail later."""
    SqliteStores(path)
    path.chmod(0o400)
    if os.geteuid() == 0:  # who may write to every file
        monkeypatch.setattr(os, "access", _denied)

    assert "cannot be written" in _refusal(path)


# Where it is


def _mounts(folder: Path, *mounts: tuple[Path, str]) -> Host:
    """Return a host with these mounts, in the form of proc(5)."""
    lines = ["22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/sda1 rw"]
    for point, kind in mounts:
        escaped = str(point).replace("\\", "\\134").replace(" ", "\\040")
        name, _, source = kind.partition(" ")
        lines.append(f"23 22 0:22 / {escaped} rw,relatime shared:2 - {name} {source or 'any'} rw")
    listed = folder / "mountinfo"
    listed.write_text("\n".join(lines) + "\n", "utf-8")
    return Host(mounts=listed)


@pytest.mark.parametrize(
    "kind",
    [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "ceph", "fuse.ceph-fuse",
        "fuse.glusterfs", "lustre", "fuse.s3fs", "fuse.rclone", "vboxsf", "fuse.vmhgfs-fuse",
        "fuse.juicefs", "fuse.mount-s3", "new server:/export", "new //server/share",
    ],
)  # fmt: skip
def test_a_network_file_system_is_refused(tmp_path: Path, kind: str) -> None:
    """SQLite's WAL needs memory that all processes share, and locks that work."""
    folder = tmp_path / "a b\\c\u2028d\re"
    folder.mkdir()
    host = _mounts(tmp_path, (folder, kind))

    message = _refusal(folder / "x.db", host)

    assert f"network file system ({kind.partition(' ')[0]})" in message
    assert "RedisStores" in message
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "kind",
    ["ext4 /dev/sda1", "xfs", "btrfs", "tmpfs", "overlay", "zfs tank/home:x", "fuseblk /dev/sdb1"],
)
def test_a_local_file_system_is_accepted(tmp_path: Path, kind: str) -> None:
    """Also one inside a network file system, and one that was mounted over it."""
    inner = tmp_path / "nfs" / "local"
    inner.mkdir(parents=True)
    nfs = (tmp_path / "nfs", "nfs4")

    SqliteStores(inner / "x.db", host=_mounts(tmp_path, nfs, (inner, kind)))
    assert "nfs4" in _refusal(tmp_path / "nfs" / "x.db", _mounts(tmp_path, nfs))
    SqliteStores(tmp_path / "nfs" / "x.db", host=_mounts(tmp_path, nfs, (nfs[0], kind)))
    SqliteStores(tmp_path / "y.db", host=_mounts(tmp_path, (tmp_path / "y.d", "nfs")))


def test_a_link_into_a_network_file_system_is_refused(tmp_path: Path) -> None:
    """What counts is where the file is."""
    (tmp_path / "nfs").mkdir()
    (tmp_path / "here").symlink_to(tmp_path / "nfs")

    assert "nfs" in _refusal(
        tmp_path / "here" / "x.db", _mounts(tmp_path, (tmp_path / "nfs", "nfs"))
    )


def test_a_host_without_a_list_of_mounts_is_accepted(tmp_path: Path) -> None:
    """As macOS and Windows are."""
    SqliteStores(tmp_path / "x.db", host=Host(mounts=tmp_path / "none"))


# What is in it


def _database(*statements: str) -> Callable[[Path], None]:
    def create(path: Path) -> None:
        with closing(sqlite3.connect(path)) as file, file:
            for statement in statements:
                file.execute(statement)

    return create


def _file(content: bytes) -> Callable[[Path], None]:
    def create(path: Path) -> None:
        path.write_bytes(content)

    return create


@pytest.mark.parametrize(
    ("create", "message"),
    [
        (_file(b"canary,1\n" * 1000), "not a database of SQLite"),
        (_file(b"\0" * 4096), "not a database of SQLite"),
        (_database("CREATE TABLE canary (x)"), "another application"),
        (_database("PRAGMA application_id = 7"), "another application"),
        (_database("PRAGMA user_version = 3"), "another application"),
    ],
    ids=["text", "zeros", "tables", "application", "version"],
)
def test_a_file_that_is_not_ours_is_refused(
    path: Path, create: Callable[[Path], None], message: str
) -> None:
    """And left as it is."""
    create(path)
    path.chmod(0o600)
    before = path.read_bytes()

    assert message in _refusal(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    """This version would misread it. The other one's host must not be updated back."""
    SqliteStores(path)
    _database("PRAGMA user_version = 2")(path)

    assert "newer version of this SDK" in _refusal(path)


@pytest.mark.parametrize("at", [30, 100, 4096])
def test_a_damaged_file_is_refused(path: Path, at: int) -> None:
    """Rather than read as far as that is possible: purchases may be missing."""
    SqliteStores(path)
    content = path.read_bytes()
    path.write_bytes(content[:at] + b"\xff" * (8192 - at) + content[8192:])

    assert "damaged" in _refusal(path)


def test_an_empty_file_is_used(path: Path) -> None:
    """As `mktemp` creates it."""
    path.touch(0o600)

    SqliteStores(path)

    assert path.stat().st_size > 0


def test_a_place_without_a_wal_is_refused() -> None:
    """Such as memory, or a disk that cannot be mapped."""
    with (
        closing(sqlite3.connect(":memory:", isolation_level=None)) as memory,
        pytest.raises(ConfigurationError, match="does not support SQLite's WAL"),
    ):
        prepare(memory, Host())


def test_a_file_is_prepared_as_a_whole_or_not(path: Path) -> None:
    """What fails in the middle leaves an empty file."""

    def fail() -> float:
        raise OSError

    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        with pytest.raises(OSError, match=r"^$"):
            prepare(file, Host(now=fail))
        assert file.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        assert prepare(file, Host())


def test_other_errors_of_sqlite_pass(path: Path) -> None:
    """The caller knows what to make of them."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as file:
        file.execute("BEGIN EXCLUSIVE")
        with (
            closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            prepare(other, Host())


@pytest.mark.anyio
async def test_a_file_that_is_locked_is_checked_when_it_is_used(path: Path) -> None:
    """A process that starts does not fail because another one is busy."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        os.chmod(path, 0o600)  # noqa: PTH101 - quick
        other.execute("BEGIN EXCLUSIVE")
        stores: Any = SqliteStores(path)
        other.execute("CREATE TABLE foreign_one (x)")
        other.execute("COMMIT")

    with pytest.raises(ConfigurationError, match="another application"):
        await stores.token.load("account")
