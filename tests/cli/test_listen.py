"""`sikoia listen` and `sikoia events`: what is in a delivery log arrives on this machine, once."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from faults import Peer, Script, Server, answer, serve
from servers import RedisServer, free_port

from sikoia_async import Sikoia
from sikoia_async._errors import ResourceNotFoundError
from sikoia_async.cli import main as cli
from sikoia_async.cli.exit_codes import ExitCode
from sikoia_async.cli.webhooks.following import Entry, follow, webhooks_of
from sikoia_async.cli.webhooks.forwarding import PAUSES, Attempt, Forwarder
from sikoia_async.cli.webhooks.places import Places, default_file
from sikoia_async.environments import local
from sikoia_async.errors import ArgumentError
from sikoia_async.resources.webhooks import WebhookRequest
from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.resources import webhook_log
from sikoia_async.stores import PostgresStores, RedisStores, SqliteStores, Stores
from sikoia_async.stores.account import account_key
from sikoia_async.webhooks import parse, verify

pytestmark = pytest.mark.anyio

_SECRET: Final = "canary-secret-9a3c-7e21-55d0"
_EVENT: Final = "IdentityVerification.Completed"


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio only, as the commands do."""
    return "asyncio"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    """Run a local Sikoia for all tests."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sandbox:
    """Return a local Sikoia in its initial state, which the variables name."""
    running.reset()
    given = {"SIKOIA_WEBHOOK_SECRETS": _SECRET, "XDG_STATE_HOME": str(tmp_path)}
    for name, value in (running.variables | given).items():
        monkeypatch.setenv(name, value)
    return running


@pytest.fixture
async def sikoia(sandbox: Sandbox) -> AsyncIterator[Sikoia]:
    """Return a client of the local Sikoia."""
    options: Any = {"environment": local(sandbox.url), "tls": sandbox.ca_file}
    credentials = sandbox.client_id, sandbox.client_secret
    async with Sikoia(*credentials, retries=0, quota=None, **options) as client:
        yield client


async def _subscribe(sikoia: Sikoia, url: str = "http://127.0.0.1:9/webhooks") -> str:
    webhook = await sikoia.webhooks.create(
        webhook_name="All", webhook_callback_url=url, event_types=[_EVENT]
    )
    return webhook.webhook_id


def _log(sandbox: Sandbox, webhook_id: str, *numbers: int) -> list[str]:
    """Add requests to a webhook's log, and return their ids."""
    return [
        webhook_log.record(
            sandbox.state,
            webhook_id,
            event_type=_EVENT,
            event_data={"number": one, "name": "Wilma\x1b", "share": 0.1},
        )["request_id"]
        for one in numbers
    ]


class _Enough(Exception):  # noqa: N818 - how tests end what runs for ever
    pass


def _then(*steps: Callable[[], object]) -> Callable[[float], Awaitable[None]]:
    """Return a `sleep` that does one thing in each pause, and then ends what sleeps."""
    left = list(steps)

    async def sleep(seconds: float) -> None:
        assert seconds == 5
        if not left:
            raise _Enough
        left.pop(0)()

    return sleep


async def _followed(
    sikoia: Sikoia, places: dict[str, str | None], *steps: Callable[[], object]
) -> list[int]:
    """Return the numbers of the events that are yielded until the steps are done."""
    numbers: list[int] = []

    async def handle(entry: Entry) -> None:
        numbers.append(entry.request.event_data["number"])

    with suppress(_Enough):
        await follow(sikoia, places, handle, interval=5, sleep=_then(*steps))
    return numbers


# Following


async def test_a_log_is_followed_from_a_place(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """Over several pages, the oldest first, and each request once."""
    webhook_id = await _subscribe(sikoia)
    ids = _log(sandbox, webhook_id, *range(60))

    numbers = await _followed(
        sikoia,
        {webhook_id: ids[3]},
        lambda: None,
        lambda: _log(sandbox, webhook_id, 60, 61),
        lambda: _log(sandbox, webhook_id, 62),
    )

    assert numbers == list(range(4, 63))


async def test_logs_are_followed_from_their_beginning(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """Those of several webhooks, one after the other; an empty one is looked into again."""
    one, other = await _subscribe(sikoia), await _subscribe(sikoia)
    _log(sandbox, one, *range(30))

    numbers = await _followed(
        sikoia, {one: None, other: None}, lambda: _log(sandbox, other, 98, 99)
    )

    assert numbers == [*range(30), 98, 99]


async def test_an_outage_is_mentioned_once_and_waited_through(
    sandbox: Sandbox, sikoia: Sikoia, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is lost by it."""
    webhook_id = await _subscribe(sikoia)
    sandbox.faults.add("GET /v2/webhooks/{webhook_id}/requests", times=3, status=503)

    numbers = await _followed(
        sikoia,
        {webhook_id: None},
        lambda: _log(sandbox, webhook_id, 1),
        lambda: None,
        lambda: None,
    )

    assert numbers == [1]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: 503")
    assert line.endswith("; trying again")


async def test_a_place_that_left_the_log_is_given_up(
    sandbox: Sandbox, sikoia: Sikoia, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is in the log may have been seen before, so only what comes next is yielded."""
    webhook_id = await _subscribe(sikoia)
    _log(sandbox, webhook_id, 1)

    other = await _subscribe(sikoia)  # its log is empty

    numbers = await _followed(
        sikoia, {webhook_id: "gone", other: "gone"}, lambda: _log(sandbox, webhook_id, 2)
    )

    assert numbers == [2]
    assert "no longer in the log" in capsys.readouterr().err


async def test_a_deleted_webhook_ends_it(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """With the error of the call."""
    assert sandbox.url
    for place in (None, "gone"):
        with pytest.raises(ResourceNotFoundError):
            await _followed(sikoia, {"00000000-0000-4000-8000-000000000000": place})


async def test_webhooks_are_found(sikoia: Sikoia) -> None:
    """All of them, or those that are named; none is an error."""
    with pytest.raises(ArgumentError, match="no webhooks: create one"):
        await webhooks_of(sikoia, [])
    one, other = await _subscribe(sikoia), await _subscribe(sikoia)

    every = {webhook.webhook_id for webhook in await webhooks_of(sikoia, [])}
    named = [webhook.webhook_id for webhook in await webhooks_of(sikoia, [other, other])]

    assert every == {one, other}
    assert named == [other]


# Delivering


def _responds(*statuses: int) -> Script:
    """Return the script of a server that responds with these, one for each connection."""
    left = list(statuses)

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            status = left.pop(0)
            if not status:
                return
            await peer.send(answer(status, connection="close"))

    return script


def _entry(number: int = 1) -> Entry:
    return Entry(
        "webhook",
        WebhookRequest(
            request_id=f"request-{number}", event_type=_EVENT, event_data={"number": number}
        ),
    )


@asynccontextmanager
async def _forwarder(
    server: Server, places: Places, **options: Any
) -> AsyncGenerator[tuple[Forwarder, list[Attempt], list[float]]]:
    attempts: list[Attempt] = []
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        assert places.begun("webhook") is None  # the attempt before has failed
        pauses.append(seconds)

    url = f"{server.url}/webhooks"
    places.start("webhook", None)
    async with Forwarder(url, _SECRET, places, attempts.append, sleep=sleep, **options) as one:
        yield one, attempts, pauses


async def test_a_delivery_is_signed_and_retried_until_it_is_accepted(tmp_path: Path) -> None:
    """Like one of Sikoia's, with the local secret; the place moves when it was accepted."""
    with Places(tmp_path / "places.db") as places:
        async with (
            serve(_responds(500, 302, 0, 204)) as server,
            _forwarder(server, places) as (forwarder, attempts, pauses),
        ):
            await forwarder.deliver(_entry())
        place = places.settled("webhook"), places.begun("webhook")

    head, _, body = server.requests[-1].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    signature = next(one for one in lines if one.lower().startswith("x-hmac")).split(": ")[1]
    assert lines[0] == "POST /webhooks HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert verify(body, signature, _SECRET) == 0
    assert parse(body, event_type=_EVENT).data == {"number": 1}
    assert [(one.state, one.status) for one in attempts] == [
        *(("failed", 500), ("failed", 302), ("failed", None), ("delivered", 204))
    ]
    assert attempts[2].reason == "the server closed the connection early, or does not speak HTTP"
    assert pauses == list(islice(PAUSES, 3))
    assert place == ("request-1", None)


async def test_an_event_that_is_never_accepted_is_given_up(tmp_path: Path) -> None:
    """And the next one is delivered."""
    with Places(tmp_path / "places.db") as places:
        async with (
            serve(_responds(500, 500, 200)) as server,
            _forwarder(server, places, pauses=(1,)) as (forwarder, attempts, _),
        ):
            await forwarder.deliver(_entry(1))
            await forwarder.deliver(_entry(2))

    assert [one.state for one in attempts] == ["failed", "given up", "delivered"]


async def test_a_delivery_that_was_interrupted_is_not_repeated(tmp_path: Path) -> None:
    """Nobody knows whether the receiver has accepted it. After a failed attempt it is repeated."""
    with Places(tmp_path / "places.db") as places:
        async with (
            serve(_responds(200)) as server,
            _forwarder(server, places) as (forwarder, attempts, _),
        ):
            places.begin("webhook", "request-1")
            await forwarder.deliver(_entry(1))
            await forwarder.deliver(_entry(2))
        place = places.settled("webhook")

    assert [(one.request_id, one.state) for one in attempts] == [
        *(("request-1", "skipped"), ("request-2", "delivered"))
    ]
    assert attempts[0].reason
    assert "is not sent again" in attempts[0].reason
    assert place == "request-2"


# Places


def test_places_are_kept_for_one_process_at_a_time(tmp_path: Path) -> None:
    """Only their owner can read the file."""
    file = tmp_path / "state" / "places.db"
    with Places(file) as places:
        places.start("one", "a")
        places.start("one", "b")
        places.settle("one", "c")
        with pytest.raises(ValueError, match="another `sikoia listen` delivers to this URL"):
            Places(file)
    with Places(file) as again:
        kept = again.settled("one"), again.knows("one"), again.knows("two"), again.begun("two")

    assert kept == ("c", True, False, None)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_other_files_are_refused(tmp_path: Path) -> None:
    """Those of other applications, other files, and folders."""
    other, text = tmp_path / "other.db", tmp_path / "text"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE other (name TEXT)")
    database.close()
    text.write_text("no database, but a text of more than a hundred characters " * 9, "utf-8")

    for file in (other, text):
        with pytest.raises(ValueError, match="was not written by `sikoia listen`"):
            Places(file)
    with pytest.raises(OSError, match="directory"):
        Places(tmp_path)
    (tmp_path / "new.db-journal").mkdir()  # where SQLite has to write a file
    with pytest.raises(OSError, match="cannot be written"):
        Places(tmp_path / "new.db")


def test_each_receiver_has_a_place_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the folder for state."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    one, other = default_file("a", "http://127.0.0.1:1"), default_file("a", "http://127.0.0.1:2")
    monkeypatch.delenv("XDG_STATE_HOME")

    assert one != other
    assert one.parent == tmp_path / "sikoia"
    assert default_file("a", "u").parent == Path.home() / ".local" / "state" / "sikoia"


# The commands


@contextmanager
def _command(*words: str) -> Generator[subprocess.Popen[str]]:
    """Run a command until it is ready, and interrupt it at the end."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "sikoia_async", *words]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert line.endswith("Press Ctrl-C to stop.\n"), line + process.stderr.read()
            yield process
            process.send_signal(signal.SIGINT)
            rest = process.communicate(timeout=60)
            assert (rest, process.returncode) == (("", ""), 130)
        finally:
            process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _end(sandbox: Sandbox, look: int) -> None:
    """Let commands that run in this process end with an error, at a look into the log."""
    operation = "GET /v2/webhooks/{webhook_id}/requests"
    sandbox.faults.add(operation, nth=look, times=9, status=404)


async def test_events_arrive_once_over_two_runs(
    sandbox: Sandbox, sikoia: Sikoia, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second run goes on where the first one ended; neither repeats what is in the log."""
    webhook_id = await _subscribe(sikoia)
    _log(sandbox, webhook_id, 1)

    async with serve(_responds(200, 200)) as server:
        words = ("listen", "--forward-to", f"{server.url}/webhooks", "--interval", "1")

        def run() -> str:
            with _command(*words) as process:
                _log(sandbox, webhook_id, 2)
                return _line(process)

        first = await anyio.to_thread.run_sync(run)
        _log(sandbox, webhook_id, 3)
        _end(sandbox, 2)
        code = await anyio.to_thread.run_sync(cli.main, [*words, "--json"])

    second = json.loads(capsys.readouterr().out)
    bodies = [json.loads(one.partition(b"\r\n\r\n")[2])["number"] for one in server.requests]
    assert bodies == [2, 3]
    assert f"  {_EVENT}  " in first
    assert "  delivered: 200 in " in first
    assert (code, second["state"], second["status"]) == (6, "delivered", 200)
    assert second["webhook_id"] == webhook_id
    assert len([*(tmp_path / "sikoia").iterdir()]) == 1


async def test_what_happens_to_an_event_is_printed(
    sandbox: Sandbox, sikoia: Sikoia, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also that it was skipped, or that nothing listens; an event may have no name."""
    webhook_id = await _subscribe(sikoia)
    await _subscribe(sikoia)
    (first,) = _log(sandbox, webhook_id, 1)
    sandbox.state.store("webhook_requests").get(first).record["event_type"] = None
    file = tmp_path / "places.db"
    with Places(file) as places:
        places.start(webhook_id, None)
        places.begin(webhook_id, first)
    _end(sandbox, 3)

    words = ("listen", "--forward-to", "http://127.0.0.1:9/", "--all", "--state", str(file))
    code = await anyio.to_thread.run_sync(cli.main, [*words, "--interval", "1"])

    printed = capsys.readouterr()
    assert code == 6
    assert f"  unknown event  {first}  skipped: may have been delivered" in printed.out
    assert "events of 2 webhooks" in printed.err


async def test_events_are_printed_as_they_come(
    sandbox: Sandbox, sikoia: Sikoia, capsys: pytest.CaptureFixture[str]
) -> None:
    """Masked; before them, as many old ones as wanted."""
    webhook_id = await _subscribe(sikoia)
    *_, last = _log(sandbox, webhook_id, 1, 2, 3)
    record = sandbox.state.store("webhook_requests").get(last).record
    record["request_attempts"].append(webhook_log.attempt(sandbox.state, 503))

    async def run(*options: str) -> list[str]:
        sandbox.faults.clear()
        _end(sandbox, 2)
        code = await anyio.to_thread.run_sync(cli.main, ["events", *options])
        printed = capsys.readouterr()
        assert code == 6
        assert "Waiting for events of 1 webhook." in printed.err
        return printed.out.splitlines()

    lines = await run("--last", "2")
    as_json = json.loads((await run("--last", "1", "--json"))[0])
    revealed = await run("--last", "9", "--reveal", "--webhook", webhook_id)

    assert [line.split("  ")[1] for line in lines] == [_EVENT, _EVENT]
    assert lines[0].endswith("  Complete")
    assert lines[1].endswith("  Complete (503)")
    assert (as_json["event_data"], as_json["webhook_id"]) == ("***", webhook_id)
    assert r'"number": 1, "name": "Wilma\u001b", "share": 0.1}' in revealed[0]
    assert "Wilma" not in "".join(lines)


async def test_new_events_are_printed(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """As soon as they are in the log, until Ctrl-C."""
    webhook_id = await _subscribe(sikoia)
    _log(sandbox, webhook_id, 1)

    def run() -> str:
        with _command("events", "--interval", "1", "--json") as process:
            _log(sandbox, webhook_id, 2)
            return _line(process)

    event = json.loads(await anyio.to_thread.run_sync(run))

    assert (event["webhook_id"], event["event_type"]) == (webhook_id, _EVENT)


@asynccontextmanager
async def _store(kind: str, request: pytest.FixtureRequest) -> AsyncGenerator[tuple[str, Stores]]:
    """Open stores, and return how the command line names them."""
    if kind == "sqlite":
        name = str(request.getfixturevalue("tmp_path") / "sikoia.db")
        stores: Stores = SqliteStores(name)
    elif kind == "redis":
        pytest.importorskip("redis")
        name = request.getfixturevalue("redis_server").url
        stores = RedisStores.from_url(name)
    else:
        create = pytest.importorskip("asyncpg").create_pool
        name = request.getfixturevalue("postgres_url")
        async with create(name, min_size=1) as pool:
            yield name, PostgresStores(pool)
        return
    yield name, stores
    await stores.aclose()


@pytest.mark.parametrize("kind", ["sqlite", "redis", "postgresql"])
async def test_events_of_a_shared_store_are_printed(
    kind: str, sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Their type and a hash; messages of others are ignored."""
    account = account_key(local(sandbox.url), sandbox.client_id)
    message = json.dumps({"e": "5e1f", "t": _EVENT, "d": ""})

    async def publish(*messages: str) -> None:
        assert stores.events is not None
        for one in messages:
            await stores.events.publish(account, one)

    def run() -> tuple[str, str]:
        (tmp_path / "name").write_text(f"{name}\n")
        words = ("events", "--store")
        with (
            _command(*words, name) as process,
            _command(*words, f"@{tmp_path / 'name'}", "--json") as other,
        ):
            anyio.from_thread.run(publish, "{", "[]", "{}", message)
            return _line(process), _line(other)

    async with _store(kind, request) as (name, stores):
        await publish(message)  # before anybody listens
        line, as_json = await anyio.to_thread.run_sync(run)

    assert line.split("  ")[1:] == [_EVENT, "5e1f\n"]
    assert json.loads(as_json) == {"event_type": _EVENT, "key": "5e1f"}


def test_the_end_of_a_shared_store_is_one_line(sandbox: Sandbox, redis_server: RedisServer) -> None:
    """Without its URL, which may have a password."""
    pytest.importorskip("redis")
    url = f"redis://default:{_SECRET}@127.0.0.1:{redis_server.port}/0"
    redis_server.command("CONFIG", "SET", "requirepass", _SECRET)
    command = [sys.executable, "-m", "sikoia_async", "events", "--store", url]
    assert sandbox.url
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().endswith("Press Ctrl-C to stop.\n")
        redis_server.kill()
        (line,) = process.stderr.read().splitlines()

    assert process.returncode == ExitCode.CONFIGURATION
    assert "--store: the store failed with ConnectionError" in line
    assert _SECRET not in line


def test_a_store_that_cannot_be_reached_is_one_line(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """As above."""
    pytest.importorskip("asyncpg")
    url = f"postgresql://me:{_SECRET}@127.0.0.1:{free_port()}/sikoia"

    assert sandbox.url
    assert cli.main(["events", "--store", url]) == ExitCode.CONFIGURATION

    (line,) = capsys.readouterr().err.splitlines()
    assert "--store: the store failed with ConnectionRefusedError" in line
    assert _SECRET not in line


@pytest.mark.usefixtures("sandbox")
def test_a_store_whose_package_is_missing_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "asyncpg", None)

    assert cli.main(["events", "--store", "postgresql://127.0.0.1/x"]) == ExitCode.CONFIGURATION

    assert "pip install 'sikoia-async[postgres]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("listen", "--forward-to", "https://example.com/"), "expected a URL of this machine"),
        (("listen", "--forward-to", f"http://me:{_SECRET}@127.0.0.1/"), "expected a URL of this"),
        (("listen", "--forward-to", "8000"), "expected a URL of this machine"),
        (("listen", "--forward-to", "http://127.0.0.1:9/"), "no webhooks: create one"),
        (("events",), "no webhooks: create one"),
        (("events", "--store", "/nowhere"), "--store: expected the file of SqliteStores"),
        (("events", "--store", f"mysql://me:{_SECRET}@127.0.0.1/"), "--store: expected the file"),
        (
            ("listen", "--forward-to", "http://127.0.0.1:9/", "--environment", "production"),
            "for staging and a local Sikoia only",
        ),
    ],
    ids=[
        "elsewhere",
        "a password",
        "a port",
        "no webhooks",
        "no events",
        "no store",
        "a strange store",
        "production",
    ],
)
def test_bad_arguments_are_refused(
    words: tuple[str, ...],
    message: str,
    sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In one line."""
    assert sandbox.url
    assert cli.main(list(words)) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert _SECRET not in line


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("secrets", "message"),
    [
        (None, "no webhook secrets: pass them, or set SIKOIA_WEBHOOK_SECRETS"),
        (f"{_SECRET} short", "SIKOIA_WEBHOOK_SECRETS, secret 2: expected a webhook secret, but"),
    ],
    ids=["none", "short"],
)
def test_secrets_that_cannot_sign_are_refused(
    secrets: str | None,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before anything is read."""
    monkeypatch.delenv("SIKOIA_WEBHOOK_SECRETS")
    if secrets is not None:
        monkeypatch.setenv("SIKOIA_WEBHOOK_SECRETS", secrets)

    assert cli.main(["listen", "--forward-to", "http://127.0.0.1:9/"]) == 4

    printed = capsys.readouterr().err
    assert message in printed
    assert "short " not in printed


def test_a_webhook_that_leads_here_already_is_refused(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would get each event twice."""
    url = "http://127.0.0.1:9/webhooks"

    async def subscribe() -> None:
        async with Sikoia() as sikoia:
            await _subscribe(sikoia, url)

    anyio.run(subscribe)

    assert cli.main(["listen", "--forward-to", url]) == 2
    assert "Sikoia delivers there itself" in capsys.readouterr().err
    assert sandbox.url


@pytest.mark.parametrize("seconds", ["0.5", "nan", "often"])
def test_an_interval_is_a_second_at_least(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each look is a request."""
    with pytest.raises(SystemExit):
        cli.main(["events", "--interval", seconds])

    assert "expected " in capsys.readouterr().err
