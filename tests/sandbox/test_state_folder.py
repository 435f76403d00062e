"""A local Sikoia that is kept in a folder."""

import itertools
import os
import pickle
import sqlite3
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import anyio
import attrs
import httpx
import pytest

from sikoia_async.cli import demo
from sikoia_async.sandbox import Credentials, Sandbox, Time, Wire, create_app
from sikoia_async.sandbox.saver import Saver
from sikoia_async.sandbox.snapshot import Snapshot
from sikoia_async.sandbox.state_folder import SavedState, StateFolder, now

Connect = Callable[[Sandbox], httpx.Client]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_is_there_after_a_restart(tmp_path: Path, connect: Connect) -> None:
    """The authority, credentials, tokens, records, faults and the ledger; on any port."""
    folder = tmp_path / "state"
    with Sandbox(state_dir=folder, seed=7) as first:
        client = connect(first)
        case = client.post("/v2/cases", json={"name": "Loan", "case_type": "Business"}).json()
        first.faults.add("GET /v2/users", status=503, nth=9)
        authority = Path(first.ca_file).read_bytes()
        token = client.headers["Authorization"]
        before = [str(one) for one in first.ledger]

    with Sandbox(state_dir=str(folder)) as second:
        assert (second.client_id, second.client_secret) == (first.client_id, first.client_secret)
        assert Path(second.ca_file).read_bytes() == authority
        assert [str(one) for one in second.ledger] == before
        assert [one.operation for one in second.faults.planned] == ["GET /v2/users"]
        again = connect(second)
        again.headers["Authorization"] = token
        found = again.get(f"/v2/cases/{case['case_id']}")
        assert (found.status_code, found.json()["name"]) == (200, "Loan")


def test_all_kinds_of_records_can_be_read_again(tmp_path: Path) -> None:
    """After the steps of the demo, which use most of the API."""
    with Sandbox(state_dir=tmp_path, work_time=0.1) as first:
        anyio.run(demo._run_steps, first)
        count = len(first.ledger)

    with Sandbox(state_dir=tmp_path) as second:
        assert len(second.ledger) == count


def test_a_state_that_has_members_of_an_enum_can_be_read_again(
    tmp_path: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever Python makes of these; such as `HTTPStatus` in the ledger, with Python 3.11.2."""

    def reduce(self: Enum, _protocol: object) -> Any:
        return getattr, (type(self), self.name)

    monkeypatch.setattr(Enum, "__reduce_ex__", reduce)
    with Sandbox(state_dir=tmp_path) as first:
        assert connect(first).get("/v2/users").status_code == 200

    with Sandbox(state_dir=tmp_path) as second:
        assert len(second.ledger) == len(first.ledger) > 0


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    """Whatever the umask is, and however an empty folder was created."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        with Sandbox(state_dir=folder):
            pass
    finally:
        os.umask(before)

    assert _mode(folder) == 0o700
    assert {one.name: _mode(one) for one in folder.iterdir()} == {
        "state.db": 0o600,
        "ca.pem": 0o600,
    }


def test_a_real_clock_shows_the_real_time_after_a_restart(tmp_path: Path) -> None:
    """Plus what it was advanced by."""
    with Sandbox(state_dir=tmp_path) as sandbox:
        sandbox.clock.advance(3600)
    _change(tmp_path, lambda saved: attrs.evolve(saved, moment=now() - timedelta(days=1)))

    with Sandbox(state_dir=tmp_path) as sandbox:
        late = sandbox.clock.now - datetime.now(UTC)

    assert timedelta(days=1) < late < timedelta(days=1, hours=2)


def test_any_other_clock_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """A paused clock, for example."""
    with Sandbox(state_dir=tmp_path, time=Time(speed=0)) as sandbox:
        sandbox.clock.advance(3600)
        moment = sandbox.clock.now

    with Sandbox(state_dir=tmp_path, time=Time(speed=0)) as sandbox:
        assert sandbox.clock.now == moment


def test_settings_are_those_of_the_last_start(tmp_path: Path) -> None:
    """The shape of events, which may be a function, and credentials."""
    with Sandbox(state_dir=tmp_path, wire=Wire(event_shape=lambda payload: payload)):
        pass
    with Sandbox(state_dir=tmp_path, wire=Wire(event_shape="bare")) as sandbox:
        assert sandbox.deliveries.shape == "bare"
    with Sandbox(state_dir=tmp_path, credentials=Credentials(client_secret="sesame")) as sandbox:
        assert sandbox.client_secret == "sesame"


def test_another_seed_is_refused(tmp_path: Path) -> None:
    """Ids would repeat; the same seed is accepted."""
    with Sandbox(state_dir=tmp_path, seed=7):
        pass
    with Sandbox(state_dir=tmp_path, seed=7):
        pass

    with pytest.raises(ValueError, match="seed: the saved state has the seed 7"):
        Sandbox(state_dir=tmp_path, seed=8).__enter__()


def test_two_cannot_use_a_folder_at_once(tmp_path: Path) -> None:
    """The second one says why, and the first one goes on."""
    with Sandbox(state_dir=tmp_path) as sandbox:
        with pytest.raises(ValueError, match="is in use by another local Sikoia; stop it first"):
            Sandbox(state_dir=tmp_path).__enter__()
        sandbox.clock.advance(1)
    with Sandbox(state_dir=tmp_path):
        pass


def _unknown_file(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine", "utf-8")


def _text(folder: Path) -> None:
    (folder / "state.db").write_text("this is a text and not a database\n" * 99, "utf-8")


def _other_database(folder: Path) -> None:
    with sqlite3.connect(folder / "state.db") as database:
        database.execute("CREATE TABLE mine (one INTEGER)")
    database.close()


def _pragma(assignment: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with Sandbox(state_dir=folder):
            pass
        database = sqlite3.connect(folder / "state.db")
        database.execute(f"PRAGMA {assignment}")
        database.close()

    return change


def _bytes(content: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with Sandbox(state_dir=folder):
            pass
        database = sqlite3.connect(folder / "state.db")
        with database:
            database.execute("UPDATE kept SET content = ? WHERE name = 'state'", (content,))
        database.close()

    return change


class _Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("harmed"),)


def _inner(content: bytes) -> Callable[[Path], None]:
    """Replace what a snapshot has pickled."""

    def change(folder: Path) -> None:
        with Sandbox(state_dir=folder):
            pass
        _change(folder, lambda saved: attrs.evolve(saved, snapshot=_of(saved.snapshot)))

    def _of(snapshot: Snapshot) -> Snapshot:
        return attrs.evolve(snapshot, copied=content)

    return change


def _link(folder: Path) -> None:
    (folder / "state.db").symlink_to(folder.parent / "elsewhere.db")


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (_inner(pickle.dumps(_Harmful())), "expected the state of a local Sikoia"),
        (_unknown_file, "expected an empty folder or a new one"),
        (_text, "expected the state of a local Sikoia, or an empty folder"),
        (_other_database, "expected the state of a local Sikoia, or an empty folder"),
        (_pragma("application_id = 1"), "expected the state of a local Sikoia"),
        (_pragma("user_version = 99"), "a newer version of sikoia-async has written this state"),
        (_pragma("user_version = 0"), "an older version of sikoia-async has written this state"),
        (_bytes(b"nonsense"), "expected the state of a local Sikoia"),
        (_bytes(pickle.dumps(_Harmful())), "expected the state of a local Sikoia"),
        (_bytes(pickle.dumps(os.kill)), "expected the state of a local Sikoia"),
        (_link, "symbolic link"),
    ],
    ids=itertools.count(),
)
def test_a_foreign_folder_is_refused(
    prepare: Callable[[Path], None],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And nothing in it is run or changed."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "state"
    folder.mkdir()
    prepare(folder)
    before = {one.name: one.read_bytes() for one in folder.iterdir() if one.exists()}

    with pytest.raises((ValueError, OSError), match=message):
        Sandbox(state_dir=folder).__enter__()

    after = {one.name: one.read_bytes() for one in folder.iterdir() if one.exists()}
    assert {name: one for name, one in after.items() if name in before} == before
    assert not Path("harmed").exists()
    assert not Path("elsewhere.db").exists()


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in it is trusted."""
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)

    with pytest.raises(ValueError, match="it belongs to another user"):
        Sandbox(state_dir=tmp_path).__enter__()


@pytest.mark.parametrize("path", [7, True, b"state"])
def test_a_folder_is_a_path(path: Any) -> None:
    """The constructor refuses anything else."""
    with pytest.raises(ValueError, match="state_dir: expected the path of a folder"):
        Sandbox(state_dir=path)


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    """The error names it."""
    (tmp_path / "file").touch()

    with pytest.raises(FileExistsError):
        Sandbox(state_dir=tmp_path / "file").__enter__()


def test_a_write_that_breaks_off_keeps_the_last_state(tmp_path: Path) -> None:
    """Where the disk is full, for example; the error says so."""
    with Sandbox(state_dir=tmp_path, time=Time(speed=0)) as sandbox:
        moment = sandbox.clock.now
    app = create_app(time=Time(speed=0))
    app.clock.advance(60)
    app.state.tasks["large"] = {"value": "x" * 1_000_000}
    with StateFolder(tmp_path) as folder:
        folder._database.execute("PRAGMA max_page_count = 1")
        with pytest.raises(OSError, match="database or disk is full"):
            Saver(app, folder).save()

    with Sandbox(state_dir=tmp_path, time=Time(speed=0)) as sandbox:
        assert sandbox.clock.now == moment


@pytest.mark.anyio
async def test_changes_are_saved_while_it_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Time that passes is not a change; a full disk is logged, and saving goes on."""
    app = create_app()
    with StateFolder(tmp_path) as folder:
        saver = Saver(app, folder)
        saver.save()
        first = folder.load()
        saver.save()
        assert folder.load() == first

        folder._database.execute("PRAGMA query_only = 1")
        app.clock.advance(60)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(saver.run)
            await _until(lambda: bool(caplog.records))
            folder._database.execute("PRAGMA query_only = 0")
            await _until(lambda: folder.load() != first)
            tasks.cancel_scope.cancel()
    assert "the state of the local Sikoia cannot be saved" in caplog.text


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - nothing announces it
        await anyio.sleep(0.01)


def _change(folder: Path, change: Callable[[SavedState], SavedState]) -> None:
    with StateFolder(folder) as opened:
        saved = opened.load()
        assert saved
        opened.save(change(saved), "changed")
