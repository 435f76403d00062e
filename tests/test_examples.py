"""The examples run against the local Sikoia on real sockets: two apps, a batch, a test suite."""

import asyncio
import csv
import importlib.util
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import anyio
import attrs
import httpx
import pytest
import uvicorn
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from sikoia_async import NewPerson, ReplayGuard, Router, Sikoia
from sikoia_async.resources.webhooks import WebhookRequest
from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.middleware.envelope import Envelope
from sikoia_async.webhooks import SIGNATURE_HEADER, AffordabilityInsightsCompleted, sign

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
APPS = {"fastapi_app": "fastapi", "aiohttp_app": "aiohttp"}
LONGEST = {"aiohttp_app": 120, "batch": 120, "fastapi_app": 120, "test_suite": 140}
"""Lines; a test suite shows more than one thing."""
PATIENCE = 60
"""Seconds until a test gives up on what has to come; it comes within a fraction of one."""
REQUEST = ("POST", "/v2/affordability-insights")
UPLOAD = ("POST", "/v2/documents")
EVENT = "AffordabilityInsights.Completed"


@attrs.frozen
class Seen:
    """A request that came to the local Sikoia."""

    method: str
    path: str
    correlation_id: str


@attrs.define
class Watch:
    """What came to the local Sikoia, and what a test wants done before it is answered."""

    requests: list[Seen] = attrs.field(factory=list[Seen])
    answered: int = 0
    """How many of them have been answered."""
    before: dict[tuple[str, str], Callable[[], None]] = attrs.field(
        factory=dict[tuple[str, str], Callable[[], None]]
    )

    def count(self, method: str, path: str) -> int:
        """Return how often something was asked; what the path goes on with counts as well."""
        return sum(one.method == method and one.path.startswith(path) for one in self.requests)

    @property
    def polls(self) -> int:
        """How often was asked for insights."""
        return self.count("GET", REQUEST[1] + "/")


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Note each request to the local Sikoia."""
    found = Watch()
    handle = Envelope.__call__

    async def noting(self: Envelope, scope: Scope, receive: Receive, send: Send) -> None:
        what = (str(scope["method"]), str(scope["path"]))
        found.requests.append(Seen(*what, Headers(scope=scope).get("X-Correlation-Id", "")))

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                found.before.get(what, lambda: None)()
            await send(message)

        await handle(self, scope, receive, sending)
        found.answered += 1

    monkeypatch.setattr(Envelope, "__call__", noting)
    return found


@pytest.fixture
def clock() -> SimpleNamespace:
    """Give a clock whose `now` tests turn by hand: no work ends before they do."""
    return SimpleNamespace(now=0.0)


@pytest.fixture
def sandbox(
    watch: Watch, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> Generator[Sandbox]:
    """Run a local Sikoia that is watched, and export how to find it."""
    assert not watch.requests
    with Sandbox(clock=lambda: clock.now, work_time=1, delivery_retries=(0,)) as running:
        for name, value in running.variables.items():
            monkeypatch.setenv(name, value)
        yield running


def load(name: str) -> Any:
    """Load an example anew."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for what has to come."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it has not come"
        time.sleep(0.005)


@contextmanager
def serving_fastapi(module: ModuleType, listener: socket.socket) -> Generator[None]:
    """Serve the app by uvicorn, as the example's first lines say, in a thread."""
    config = uvicorn.Config(module.app, lifespan="on", log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def serving_aiohttp(module: ModuleType, listener: socket.socket) -> Generator[None]:
    """Serve the app by aiohttp's own runner, in a thread."""
    from aiohttp import web  # noqa: PLC0415 - the lowest versions are tested without it

    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        runner = web.AppRunner(module.make_app())
        await runner.setup()
        await web.SockSite(runner, listener).start()
        await stop.wait()
        await runner.cleanup()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


SERVERS: dict[str, Callable[[ModuleType, socket.socket], AbstractContextManager[None]]] = {
    "fastapi_app": serving_fastapi,
    "aiohttp_app": serving_aiohttp,
}


@attrs.frozen
class Running:
    """An app that serves, and what is around it."""

    module: Any
    http: httpx.Client
    sandbox: Sandbox
    clock: SimpleNamespace
    watch: Watch
    person_id: str
    webhook_id: str
    secret: str = attrs.field(repr=False)

    def start(self, **headers: str) -> httpx.Response:
        """Ask the app to start an operation."""
        return self.http.post(f"/persons/{self.person_id}/affordability", headers=headers)

    def token(self) -> str:
        """Start an operation and return its token."""
        answer = self.start()
        assert answer.status_code == 202, answer.text
        return str(answer.json()["token"])

    def show(self, token: str) -> httpx.Response:
        """Ask the app for an operation."""
        return self.http.get(f"/operations/{token}")

    def deliver(self, body: bytes, signature: str | None) -> int:
        """Post to the app as a sender of events would, and return the status."""
        headers = {} if signature is None else {SIGNATURE_HEADER: signature}
        return self.http.post(f"/webhooks/{EVENT}", content=body, headers=headers).status_code

    def signed(self, body: bytes) -> int:
        """Post what is signed as it should be, and return the status."""
        return self.deliver(body, sign(body, self.secret))

    def log(self) -> list[WebhookRequest]:
        """Return Sikoia's log of the deliveries."""

        async def read() -> list[WebhookRequest]:
            async with Sikoia() as sikoia:
                return [one async for one in sikoia.webhooks.requests(self.webhook_id)]

        return anyio.run(read)

    def delivered(self) -> bool:
        """Tell whether all deliveries have come to their end, and there are some."""
        log = self.log()
        return bool(log) and all(one.webhook_event_status == "Complete" for one in log)


async def prepared(url: str) -> tuple[str, str, str]:
    """Subscribe the app, and create a person; return webhook's id, secret and person's id."""
    async with Sikoia() as sikoia:
        secret = await sikoia.webhooks.create_secret()
        webhook = await sikoia.webhooks.create(
            webhook_name="App", webhook_callback_url=f"{url}/webhooks/{EVENT}", event_types=[EVENT]
        )
        wilma = NewPerson(first_name="Wilma", last_name="Example")
        case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
        person = (case.persons or [])[0]
        await sikoia.documents.upload(
            person, b"%PDF-1.7", file_name="statement.pdf", document_type="BankStatement"
        )
        return webhook.webhook_id, secret.shared_key, person.person_id


@pytest.fixture(params=APPS)
def app(  # noqa: PLR0917 - pytest gives them by name
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    clock: SimpleNamespace,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Generator[Running]:
    """Serve one of the apps on a free port, subscribed to the local Sikoia's webhooks."""
    name: str = request.param
    pytest.importorskip(APPS[name])
    caplog.set_level(logging.INFO, "app")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        webhook_id, secret, person_id = anyio.run(prepared, url)
        clock.now += 1  # the statement is read
        monkeypatch.setenv("SIKOIA_WEBHOOK_SECRETS", f"a-key-that-was-rotated {secret}")
        module = load(name)
        with (
            SERVERS[name](module, listener),
            httpx.Client(base_url=url, timeout=PATIENCE) as http,
        ):
            running = Running(module, http, sandbox, clock, watch, person_id, webhook_id, secret)
            yield running
            # What connects while a server closes is left open by asyncio, and Python warns of it.
            wait_until(lambda: all(one.webhook_event_status != "Pending" for one in running.log()))


def test_an_event_finishes_what_a_request_began(app: Running) -> None:
    """Whoever waits is answered when the event comes, and Sikoia is asked once to confirm it.

    Without the event it would be asked again after 48 seconds at the earliest, which is more than
    the test would wait for.
    """
    app.module.WAIT = 10 * PATIENCE
    app.http.timeout = 40
    token = app.token()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(app.show, token)
        wait_until(lambda: app.watch.polls and app.watch.answered == len(app.watch.requests))
        app.clock.now += 1

        assert answer.result().json() == {"status": "Complete"}

    assert answer.result().status_code == 200
    assert app.watch.polls == 2


def test_an_event_that_nobody_waits_for_is_handled(
    app: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """The handler is called with it, whose name only the address told; one look answers later."""
    app.sandbox.deliveries.shape = "bare"
    token = app.token()
    app.clock.now += 1
    wait_until(app.delivered)

    assert app.show(token).json() == {"status": "Complete"}

    assert app.watch.polls == 1
    handled = [one.getMessage() for one in caplog.records if one.name == "app"]
    assert len(handled) == 1
    UUID(handled[0].split()[2])


def test_what_is_not_done_yet_is_accepted(app: Running) -> None:
    """The browser is told to ask again."""
    app.module.WAIT = 0.1

    assert app.show(app.token()).status_code == 202


def test_what_came_to_nothing_is_an_answer(app: Running) -> None:
    """An operation that failed is no error of the app."""
    case = anyio.run(_bare_person)
    answer = app.http.post(f"/persons/{case}/affordability")
    app.clock.now += 1

    shown = app.show(answer.json()["token"])

    assert (shown.status_code, shown.json()) == (200, {"status": "Failed"})


async def _bare_person() -> str:
    """Create a person about whom nothing is known."""
    async with Sikoia() as sikoia:
        nobody = NewPerson(first_name="No", last_name="Body")
        case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[nobody])
        return (case.persons or [])[0].person_id


def test_the_correlation_id_is_passed_on(app: Running) -> None:
    """The id of the app's caller is the one that Sikoia gets, for the call and for the polls."""
    started = app.start(**{"X-Correlation-Id": "click-1"})
    app.clock.now += 1
    app.http.get(f"/operations/{started.json()['token']}", headers={"X-Correlation-Id": "click-2"})

    assert started.headers["X-Correlation-Id"] == "click-1"
    ids = [one.correlation_id for one in app.watch.requests if one.path.startswith(REQUEST[1])]
    assert ids == ["click-1", "click-2"]


def test_a_correlation_id_that_is_junk_is_replaced(app: Running) -> None:
    """A stranger chooses the header; the call is made all the same."""
    for junk in ("a b", "x" * 129, "%0d%0a", ""):
        answer = app.start(**{"X-Correlation-Id": junk})

        used = answer.headers["X-Correlation-Id"]
        assert (answer.status_code, UUID(used).version) == (202, 4)
        assert app.watch.requests[-1].correlation_id == used


def test_a_forged_delivery_is_refused_and_the_genuine_one_taken(app: Running) -> None:
    """Signed with another key it gets 401, so that it comes again as it should."""
    app.sandbox.deliveries.faults.add(EVENT, forge="key")
    app.token()
    app.clock.now += 1
    wait_until(app.delivered)

    [request] = app.log()
    codes = [one.http_response_code for one in request.request_attempts or ()]
    assert sorted(codes, key=str) == [204, 401]


def test_what_nobody_signed_is_refused(app: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is handled that is not Sikoia's, and nothing breaks on what is no event."""
    event = json.dumps({"event_type": EVENT, "request_id": str(uuid4())}).encode()

    assert app.deliver(event, None) == 401
    assert app.deliver(event, sign(event, "another-key-than-ours")) == 401
    assert app.deliver(event + b" ", sign(event, app.secret)) == 401
    assert app.signed(b"no JSON") == 400
    assert "are ready" not in caplog.text
    assert app.signed(b'{"event_type": "Moon.Completed"}') == 204
    assert app.signed(event) == 204
    assert "are ready" in caplog.text


def test_a_handler_that_fails_gets_the_event_again(
    app: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer asks for it to be delivered again, and it is handled then."""
    event = json.dumps({"event_type": EVENT}).encode()

    def broken(_: AffordabilityInsightsCompleted) -> None:
        raise LookupError

    with monkeypatch.context() as patch:
        patch.setattr(app.module.router, "_handlers", {AffordabilityInsightsCompleted: broken})
        assert app.signed(event) == 500

    assert app.signed(event) == 204


class _BrokenStore:
    """A replay store whose database is down."""

    async def seen(self, key: str) -> bool:
        """Fail."""
        raise ConnectionError(key)

    async def add(self, key: str, *, ttl: float) -> None:
        """Fail."""
        raise ConnectionError(key, ttl)


def test_a_replay_store_that_fails_gets_the_event_again(app: Running) -> None:
    """A guard that is closed refuses for the time being."""
    guard = ReplayGuard(_BrokenStore(), on_failure="closed")
    app.module.router = Router(app.secret, replay=guard)
    app.module.router.on(EVENT)(app.module.completed)

    assert app.signed(json.dumps({"event_type": EVENT}).encode()) == 503


FAULTS: dict[str, tuple[dict[str, Any], int]] = {
    "ServerError": ({"status": 500}, 502),
    "InsufficientPermissionsError": ({"status": 403}, 502),
    "InvalidRequestError": ({"status": 400}, 404),
    "ResourceNotFoundError": ({"status": 404}, 404),
    "RateLimitError": ({"status": 429, "retry_after": 0, "times": 3}, 503),
    "ConnectionFailedError": ({"reset": "after"}, 502),
    "UnexpectedResponseError": ({"body": b"<html>"}, 502),
}


def test_an_error_is_answered_by_its_kind(app: Running) -> None:
    """What is no fault of the caller's is no 4xx, and the answer says no more than the kind."""
    for kind, (fault, status) in FAULTS.items():
        app.sandbox.faults.add(" ".join(REQUEST), **fault)

        answer = app.start()

        assert (answer.status_code, answer.json()) == (status, {"error": kind})
        assert not app.sandbox.faults.planned


def test_ids_and_tokens_of_a_stranger_are_not_found(app: Running) -> None:
    """Sikoia is asked about nothing that cannot be an id or a token."""
    before = len(app.watch.requests)
    assert app.http.post("/persons/nobody/affordability").status_code in {404, 422}
    assert app.show("op1.00000000.affordability.AAAA.AAAAAAAAAAAAAAAAAAAAAA").status_code == 404
    assert app.show("token").status_code == 404
    assert len(app.watch.requests) == before

    assert app.http.post(f"/persons/{uuid4()}/affordability").status_code == 404


@pytest.mark.parametrize("name", APPS)
def test_an_app_without_secrets_does_not_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take deliveries that it cannot verify."""
    pytest.importorskip(APPS[name])
    monkeypatch.delenv("SIKOIA_WEBHOOK_SECRETS", raising=False)

    with pytest.raises(KeyError, match="SIKOIA_WEBHOOK_SECRETS"):
        load(name)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Write the batch's file: two people with a bank statement."""
    (tmp_path / "statement.pdf").write_bytes(b"%PDF-1.7 fictitious")
    path = tmp_path / "people.csv"
    statement = str(tmp_path / "statement.pdf")
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["reference", "first_name", "last_name", "statement"])
        rows.writerow(["a-1", "Wilma", "Example", statement])
        rows.writerow(["a-2", "Fred", "Example", statement])
    return path


@pytest.fixture
def batch(sandbox: Sandbox, watch: Watch, clock: SimpleNamespace) -> Any:
    """Load the batch; documents are read and insights made as soon as they are asked for."""
    assert sandbox.url

    def pass_time() -> None:
        clock.now += 1

    watch.before = {UPLOAD: pass_time, REQUEST: pass_time}
    return load("batch")


def run(batch: Any, people: Path) -> int:
    """Run the batch once, and return how many rows did not come to their end."""
    missed: int = asyncio.run(batch.main(people))
    return missed


def test_a_batch_goes_through_all(
    batch: Any, people: Path, watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each row comes to its end, and a second run buys nothing and says the same."""
    assert run(batch, people) == 0
    first = capsys.readouterr().out
    assert sorted(line.split(": ", 1)[1][:8] for line in first.splitlines()[:2]) == ["Complete"] * 2
    assert f"{' '.join(REQUEST)}, 2 times" in first
    assert "Example" not in first

    assert run(batch, people) == 0

    assert "cost" not in capsys.readouterr().out
    assert (watch.count(*REQUEST), watch.count(*UPLOAD)) == (2, 2)
    assert watch.count("POST", "/v2/cases") == 2


def test_a_row_that_fails_stops_no_other(
    batch: Any, people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its error stands in its line."""
    with people.open("a", newline="") as file:
        csv.writer(file).writerow(["a-3", "Nobody", "Here", "no-such-file.pdf"])

    assert run(batch, people) == 1

    lines = capsys.readouterr().out.splitlines()[:3]
    assert sum("Complete" in line for line in lines) == 2
    assert sum("a-3" in line and "Error" in line for line in lines) == 1


def test_a_row_that_takes_too_long_is_resumed(
    batch: Any,
    people: Path,
    watch: Watch,
    clock: SimpleNamespace,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its token is noted and told; the next run waits for what the first one bought."""
    people.write_text("".join(people.read_text().splitlines(keepends=True)[:2]))
    timeout = batch.TIMEOUT
    watch.before[REQUEST] = lambda: setattr(batch, "TIMEOUT", 0.2)
    assert run(batch, people) == 1
    said = capsys.readouterr().out.splitlines()[0]
    _, _, noted = json.loads(people.with_name("people.csv.progress").read_text().splitlines()[-1])
    assert said.endswith(f"or resume {noted}")

    batch.TIMEOUT = timeout
    clock.now += 1
    assert run(batch, people) == 0

    assert watch.count(*REQUEST) == 1


@pytest.mark.parametrize("lost", [REQUEST, UPLOAD])
def test_what_was_bought_and_not_answered_is_not_bought_again(
    batch: Any, people: Path, sandbox: Sandbox, watch: Watch, lost: tuple[str, str]
) -> None:
    """The connection is lost after the work was done: the next run looks before it acts."""
    sandbox.faults.add(" ".join(lost), reset="after", times=2)
    assert run(batch, people) == 2

    assert run(batch, people) == 0

    assert (watch.count(*REQUEST), watch.count(*UPLOAD)) == (2, 2)


def test_the_batch_runs_as_its_first_line_says(people: Path) -> None:
    """It is a command, and its exit code tells whether all came to their end."""
    command = [sys.executable, str(EXAMPLES / "batch.py"), str(people)]
    with Sandbox(work_time=0) as sandbox:
        environment = os.environ | sandbox.variables
        done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)

        assert done.stdout.count("Complete") == 2
        with people.open("a", newline="") as file:
            csv.writer(file).writerow(["a-3", "Nobody", "Here", "no-such-file.pdf"])
        again = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert again.returncode == 1


def test_the_test_suite_passes_on_both_event_loops() -> None:
    """Six tests, on asyncio and on trio, in a process of their own as a user would run them."""
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "examples/test_suite.py"], cwd=ROOT, capture_output=True, check=False, text=True
    )

    assert "12 passed" in done.stdout, done.stdout


def test_the_examples_are_looked_after() -> None:
    """They are short and shipped, types are checked, and no test run collects them by accident."""
    lengths = {
        path.stem: len(path.read_text("utf-8").splitlines()) for path in EXAMPLES.glob("*.py")
    }
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]

    assert lengths.keys() == LONGEST.keys()
    assert [name for name, lines in lengths.items() if lines > LONGEST[name]] == []
    assert "examples" in tool["mypy"]["files"]
    assert "examples" in tool["pyright"]["include"]
    assert "examples" in tool["hatch"]["build"]["targets"]["sdist"]["include"]
    assert tool["pytest"]["testpaths"] == ["tests"]
