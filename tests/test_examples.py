"""The examples run against a local Sikoia on real sockets: two apps, a batch, a test suite."""

import asyncio
import csv
import importlib.util
import json
import logging
import select
import socket
import subprocess
import sys
import threading
import time
import tomllib
import tracemalloc
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final
from uuid import UUID, uuid4

import anyio
import attrs
import httpx
import pytest
import uvicorn
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from sikoia_async import ConfigurationError, NewPerson, Sikoia
from sikoia_async.environments import local
from sikoia_async.resources.webhooks import WebhookRequest
from sikoia_async.sandbox import Sandbox, Time, Wire
from sikoia_async.sandbox.middleware.envelope import Envelope
from sikoia_async.webhooks import SIGNATURE_HEADER, sign

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
APPS = {"fastapi_app": "fastapi", "aiohttp_app": "aiohttp"}
LONGEST = {
    "aiohttp_app": 120,
    "batch": 65,
    "dbos_batch": 130,
    "fastapi_app": 120,
    "streaq_batch": 115,
    "test_suite": 140,
}
"""The maximum number of lines; a test suite shows more than one thing."""
PATIENCE = 60
"""Seconds until a test gives up waiting for what usually takes a fraction of one."""
_CALLERS: Final = 20
"""Requests that are made to an app at once."""
REQUEST = ("POST", "/v2/affordability-insights")
UPLOAD = ("POST", "/v2/documents")
EVENT: Final = "AffordabilityInsights.Completed"


@attrs.frozen
class Seen:
    """A request that the local Sikoia received."""

    method: str
    path: str
    correlation_id: str


@attrs.define
class Watch:
    """The requests to the local Sikoia, and what a test does before a response is sent."""

    requests: list[Seen] = attrs.field(factory=list[Seen])
    responses: int = 0
    """How many responses have been sent."""
    before: dict[tuple[str, str], Callable[[], None]] = attrs.field(
        factory=dict[tuple[str, str], Callable[[], None]]
    )

    def count(self, method: str, path: str) -> int:
        """Return the number of requests with this method, and a path that starts with this one."""
        return sum(one.method == method and one.path.startswith(path) for one in self.requests)

    @property
    def polls(self) -> int:
        """How often the insights were polled."""
        return self.count("GET", REQUEST[1] + "/")


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Record the requests to the local Sikoia."""
    watch = Watch()
    handle = Envelope.__call__

    async def recording(self: Envelope, scope: Scope, receive: Receive, send: Send) -> None:
        key = (str(scope["method"]), str(scope["path"]))
        watch.requests.append(Seen(*key, Headers(scope=scope).get("X-Correlation-Id", "")))

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                watch.before.get(key, lambda: None)()
            await send(message)

        await handle(self, scope, receive, sending)
        watch.responses += 1

    monkeypatch.setattr(Envelope, "__call__", recording)
    return watch


@pytest.fixture
def clock() -> SimpleNamespace:
    """A clock that stands still until a test advances `now`; then the work is done."""
    return SimpleNamespace(now=0.0)


@pytest.fixture
def sandbox(
    watch: Watch, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> Generator[Sandbox]:
    """Run a local Sikoia whose requests are recorded, and export its variables."""
    assert not watch.requests
    with Sandbox(
        time=Time(clock=lambda: clock.now), work_time=1, wire=Wire(delivery_retries=(0,))
    ) as running:
        for name, value in running.variables.items():
            monkeypatch.setenv(name, value)
        yield running


def load(name: str) -> Any:
    """Load an example as a fresh module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "the condition is still false"
        time.sleep(0.005)


@contextmanager
def serving_fastapi(module: ModuleType, listener: socket.socket) -> Generator[None]:
    """Serve the app with uvicorn in a thread, as the first lines of the example say."""
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
    """Serve the app with aiohttp's own runner in a thread."""
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
    """An app that is being served, with its surroundings."""

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
        response = self.start()
        assert response.status_code == 202, response.text
        return str(response.json()["token"])

    def show(self, token: str) -> httpx.Response:
        """Ask the app for an operation."""
        return self.http.get(f"/operations/{token}")

    def deliver(self, body: bytes, signature: str | None) -> int:
        """Post a delivery to the app, and return the status."""
        headers = {} if signature is None else {SIGNATURE_HEADER: signature}
        return self.http.post(f"/webhooks/{EVENT}", content=body, headers=headers).status_code

    def signed(self, body: bytes) -> int:
        """Post a delivery with a valid signature, and return the status."""
        return self.deliver(body, sign(body, self.secret))

    def log(self) -> list[WebhookRequest]:
        """Return the delivery log."""

        async def read() -> list[WebhookRequest]:
            async with Sikoia() as sikoia:
                return [one async for one in sikoia.webhooks.log(self.webhook_id)]

        return anyio.run(read)

    def delivered(self) -> bool:
        """Return whether there are deliveries, and all of them are complete."""
        log = self.log()
        return bool(log) and all(one.webhook_event_status == "Complete" for one in log)


async def prepared(url: str) -> tuple[str, str, str]:
    """Subscribe the app, create a person, and return webhook id, secret and person id."""
    async with Sikoia() as sikoia:
        secret = await sikoia.webhooks.create_secret()
        webhook = await sikoia.webhooks.create(
            webhook_name="App", webhook_callback_url=f"{url}/webhooks/{EVENT}", event_types=[EVENT]
        )
        wilma = NewPerson(first_name="Wilma", last_name="Example")
        case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
        person = case.persons[0]
        await sikoia.documents.upload(
            person, b"%PDF-1.7", file_name="statement.pdf", document_type="BankStatement"
        )
        return webhook.webhook_id, secret.shared_key, person.person_id


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Keep what the app records in memory, instead of with global providers."""
    pytest.importorskip("opentelemetry.sdk")
    from telemetry import Recorded  # noqa: PLC0415 - the lowest versions are tested without it

    from sikoia_async.integrations import opentelemetry  # noqa: PLC0415 - as above

    recorded = Recorded()
    monkeypatch.setattr(opentelemetry, "Telemetry", lambda: recorded.telemetry)
    return recorded


@pytest.fixture(params=APPS)
def app(  # noqa: PLR0917 - pytest passes them by name
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
        clock.now += 1  # the statement is processed
        monkeypatch.setenv("SIKOIA_WEBHOOK_SECRETS", f"a-key-that-was-rotated {secret}")
        module = load(name)
        with (
            SERVERS[name](module, listener),
            httpx.Client(base_url=url, timeout=PATIENCE) as http,
        ):
            running = Running(module, http, sandbox, clock, watch, person_id, webhook_id, secret)
            yield running
            # asyncio leaves connections open that arrive while a server closes, with a warning.
            wait_until(lambda: all(one.webhook_event_status != "Pending" for one in running.log()))


def test_an_event_wakes_a_waiting_request(app: Running) -> None:
    """The event triggers a poll, whose result is the response."""
    app.module.WAIT = 10 * PATIENCE
    app.http.timeout = 40
    token = app.token()
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(app.show, token)
        wait_until(lambda: app.watch.polls and app.watch.responses == len(app.watch.requests))
        app.clock.now += 1

        assert pending.result().json()["status"] == "Complete"

    assert pending.result().status_code == 200
    assert app.watch.polls >= 2


def test_an_event_that_nobody_waits_for_is_handled(
    app: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """The handler gets it, by the event type in the URL; a later request polls once."""
    app.sandbox.deliveries.shape = "bare"
    token = app.token()
    app.clock.now += 1
    wait_until(app.delivered)

    assert app.show(token).json()["status"] == "Complete"

    assert app.watch.polls == 1
    handled = [one.getMessage() for one in caplog.records if one.name == "app"]
    assert len(handled) == 1
    UUID(handled[0].split()[1])


def test_a_pending_operation_is_a_202(app: Running) -> None:
    """The browser can ask again."""
    app.module.WAIT = 0.1

    assert app.show(app.token()).status_code == 202


def test_a_failed_operation_is_a_200(app: Running) -> None:
    """A failed operation is a result, not an error of the app."""
    case = anyio.run(_bare_person)
    started = app.http.post(f"/persons/{case}/affordability")
    app.clock.now += 1

    shown = app.show(started.json()["token"])

    assert (shown.status_code, shown.json()["status"]) == (200, "Failed")


async def _bare_person() -> str:
    """Create a person without any documents."""
    async with Sikoia() as sikoia:
        nobody = NewPerson(first_name="No", last_name="Body")
        case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[nobody])
        return case.persons[0].person_id


def test_the_correlation_id_is_passed_on(app: Running) -> None:
    """Sikoia gets the id of the app's caller, with the call and with the polls."""
    started = app.start(**{"X-Correlation-Id": "click-1"})
    app.clock.now += 1
    app.http.get(f"/operations/{started.json()['token']}", headers={"X-Correlation-Id": "click-2"})

    assert started.headers["X-Correlation-Id"] == "click-1"
    ids = [one.correlation_id for one in app.watch.requests if one.path.startswith(REQUEST[1])]
    assert ids == ["click-1", "click-2"]


def test_an_invalid_correlation_id_is_replaced(app: Running) -> None:
    """The header comes from outside; the call succeeds with a new id."""
    for invalid in ("a b", "x" * 129, "%0d%0a", ""):
        response = app.start(**{"X-Correlation-Id": invalid})

        used = response.headers["X-Correlation-Id"]
        assert (response.status_code, UUID(used).version) == (202, 4)
        assert app.watch.requests[-1].correlation_id == used


def test_a_forged_delivery_is_refused(app: Running) -> None:
    """Signed with another key it gets 401; the redelivery with a valid signature is accepted."""
    app.sandbox.deliveries.faults.add(EVENT, forge="key")
    app.token()
    app.clock.now += 1
    wait_until(app.delivered)

    [request] = app.log()
    codes = [one.http_response_code for one in request.request_attempts or ()]
    assert sorted(codes, key=str) == [204, 401]


def test_unsigned_and_malformed_deliveries_are_refused(
    app: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """Only events with a valid signature are handled; unknown event types are ignored."""
    event = json.dumps({"event_type": EVENT, "request_id": str(uuid4())}).encode()

    assert app.deliver(event, None) == 401
    assert app.deliver(event, sign(event, "another-key-than-ours")) == 401
    assert app.deliver(event + b" ", sign(event, app.secret)) == 401
    assert app.signed(b"not JSON") == 400
    assert "is ready" not in caplog.text
    assert app.signed(b'{"event_type": "Moon.Completed"}') == 204
    assert app.signed(event) == 204
    assert "is ready" in caplog.text


@pytest.mark.parametrize("is_signed", [False, True])
def test_a_huge_body_is_not_read(app: Running, is_signed: bool) -> None:
    """Of 200 MB without a possible signature nothing is kept, and of others 1 MiB."""
    signature = f"{SIGNATURE_HEADER}: {sign(b'', app.secret)}\r\n" if is_signed else ""
    head = f"POST /webhooks/{EVENT} HTTP/1.1\r\nHost: app\r\n{signature}"
    chunk, sent = b"10000\r\n" + bytes(1 << 16) + b"\r\n", 0
    tracemalloc.start()
    try:
        with socket.create_connection((app.http.base_url.host, app.http.base_url.port)) as client:
            client.settimeout(PATIENCE)
            client.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            with suppress(ConnectionError):
                while sent < 200_000_000 and not select.select([client], [], [], 0)[0]:
                    client.sendall(chunk)
                    sent += len(chunk)
            response = client.recv(100)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert b" 401 " in response.partition(b"\r\n")[0]
    assert sent < 50_000_000
    assert peak < 30_000_000


@pytest.mark.parametrize("name", ["x", "Invented.Name", "identityverification.completed"])
def test_an_invented_url_is_refused(app: Running, name: str) -> None:
    """The routes are a fixed set, and nothing is handled."""
    body = b"{}"
    headers = {SIGNATURE_HEADER: sign(body, app.secret)}

    response = app.http.post(f"/webhooks/{name}", content=body, headers=headers)

    assert response.status_code in {404, 422}


FAULTS: dict[str, tuple[dict[str, Any], int]] = {
    "ServerError": ({"status": 500}, 502),
    "InsufficientPermissionsError": ({"status": 403}, 502),
    "InvalidRequestError": ({"status": 400}, 422),
    "ResourceNotFoundError": ({"status": 404}, 404),
    "RateLimitError": ({"status": 429, "retry_after": 0, "times": 3}, 503),
    "ConnectionFailedError": ({"reset": "after"}, 502),
    "UnexpectedResponseError": ({"body": b"<html>"}, 502),
}


def test_errors_are_mapped_to_a_status(app: Running) -> None:
    """4xx only if the caller made a mistake; the body has the status, and no more."""
    for fault, status in FAULTS.values():
        app.sandbox.faults.add(" ".join(REQUEST), **fault)

        response = app.start()

        assert (response.status_code, response.json()["status"]) == (status, status)
        assert response.json().keys() == {"type", "title", "status"}
        assert not app.sandbox.faults.planned


def test_unknown_ids_and_tokens_are_refused(app: Running) -> None:
    """A malformed id or operation token is not sent; Sikoia refuses an id of nobody with 400."""
    before = len(app.watch.requests)
    assert app.http.post("/persons/nobody/affordability").status_code in {404, 422}
    assert app.show("op1.00000000.affordability.AAAA.AAAAAAAAAAAAAAAAAAAAAA").status_code == 404
    assert app.show("token").status_code == 404
    assert len(app.watch.requests) == before

    assert app.http.post(f"/persons/{uuid4()}/affordability").status_code == 422


@pytest.mark.parametrize("app", ["fastapi_app"], indirect=True)
def test_the_app_records_spans_and_metrics_under_load(recorded: Any, app: Running) -> None:
    """They are printed: calls inside the spans of deliveries and operations, and no ids."""
    app.http.timeout = 2 * PATIENCE
    app.sandbox.faults.add(" ".join(REQUEST), status=429, retry_after=0)
    with ThreadPoolExecutor(_CALLERS) as pool:
        started = [pool.submit(app.start) for _ in range(_CALLERS)]
        tokens = [one.result().json()["token"] for one in started]
        app.clock.now += 1
        shown = list(pool.map(app.show, tokens))
    wait_until(app.delivered)

    print(recorded.summary)  # noqa: T201 - pytest -rP shows it
    assert {response.json()["status"] for response in shown} == {"Complete"}
    assert recorded.names.count("sikoia.affordability.request") == _CALLERS
    assert recorded.names.count("sikoia.operation.affordability") >= _CALLERS
    assert recorded.names.count(f"sikoia.webhook {EVENT}") >= 1
    assert "POST /v2/affordability-insights" in recorded.names
    assert recorded.points("sikoia.purchases") == {("affordability.request", "certain"): _CALLERS}
    assert recorded.points("sikoia.rate_limit.pauses") == {("affordability.request",): 1}
    assert recorded.points("sikoia.operations.active") == {("affordability",): 0}
    for secret in (app.person_id, app.secret, *tokens, app.sandbox.client_secret):
        assert secret not in recorded.text


@pytest.mark.parametrize("name", APPS)
def test_an_app_without_secrets_does_not_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not verify deliveries."""
    pytest.importorskip(APPS[name])
    monkeypatch.delenv("SIKOIA_WEBHOOK_SECRETS", raising=False)

    with pytest.raises(ConfigurationError, match="SIKOIA_WEBHOOK_SECRETS"):
        load(name)


@pytest.fixture
def people(sandbox: Sandbox, tmp_path: Path) -> Path:
    """Write the input of the batch: two people with a bank statement."""
    (tmp_path / "statement.pdf").write_bytes(b"%PDF-1.7 fictitious")
    path = tmp_path / "people.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["person_id", "statement"])
        for person_id in asyncio.run(create_people(sandbox, 2)):
            rows.writerow([person_id, str(tmp_path / "statement.pdf")])
    return path


async def create_people(sandbox: Sandbox, count: int) -> list[str]:
    """Create people, and return their ids."""
    async with Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        tls=sandbox.ca_file,
    ) as sikoia:
        new = [NewPerson(first_name="Wilma", last_name="Example") for _ in range(count)]
        case = await sikoia.cases.create(name="Loans", case_type="Consumer", persons=new)
    return [person.person_id for person in case.persons or ()]


@pytest.fixture
def batch(sandbox: Sandbox, watch: Watch, clock: SimpleNamespace) -> Any:
    """Load the batch; documents and insights are processed at once."""
    assert sandbox.url

    def pass_time() -> None:
        clock.now += 1

    watch.before = {UPLOAD: pass_time, REQUEST: pass_time}
    return load("batch")


def run(batch: Any, people: Path) -> int:
    """Run the batch once, and return how many rows are incomplete."""
    incomplete: int = asyncio.run(batch.main(people))
    return incomplete


def test_a_batch_completes_every_row(
    batch: Any, people: Path, watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second run has nothing left to do, and buys nothing."""
    assert run(batch, people) == 0
    first = capsys.readouterr().out
    assert sorted(line.split(": ", 1)[1][:8] for line in first.splitlines()[:2]) == ["Complete"] * 2
    assert "affordability.request, 2 times" in first
    assert "Example" not in first

    assert run(batch, people) == 0

    assert capsys.readouterr().out.splitlines() == first.splitlines()[2:]
    assert (watch.count(*REQUEST), watch.count(*UPLOAD)) == (2, 2)


def test_a_failed_row_does_not_stop_the_others(
    batch: Any, people: Path, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its line has the error."""
    [third] = asyncio.run(create_people(sandbox, 1))
    with people.open("a", newline="") as file:
        csv.writer(file).writerow([third, "no-such-file.pdf"])

    assert run(batch, people) == 1

    lines = capsys.readouterr().out.splitlines()[:3]
    assert sum("Complete" in line for line in lines) == 2
    assert sum(third in line and "Error" in line for line in lines) == 1


def test_a_slow_row_is_resumed(
    batch: Any, people: Path, watch: Watch, clock: SimpleNamespace
) -> None:
    """The next run waits for what the first one bought."""
    people.write_text("".join(people.read_text().splitlines(keepends=True)[:2]))
    timeout = batch.TIMEOUT
    watch.before[REQUEST] = lambda: setattr(batch, "TIMEOUT", 0.2)
    assert run(batch, people) == 1

    batch.TIMEOUT = timeout
    clock.now += 1
    assert run(batch, people) == 0

    assert watch.count(*REQUEST) == 1


@pytest.mark.parametrize("lost", [REQUEST, UPLOAD])
def test_a_purchase_without_a_response_is_not_repeated(
    batch: Any, people: Path, sandbox: Sandbox, watch: Watch, lost: tuple[str, str]
) -> None:
    """The connection is lost after the work was done; the next run checks before it buys."""
    sandbox.faults.add(" ".join(lost), reset="after", times=2)
    assert run(batch, people) == 2

    assert run(batch, people) == 0

    assert (watch.count(*REQUEST), watch.count(*UPLOAD)) == (2, 2)
    sandbox.ledger.assert_nothing_charged_twice()


def test_the_batch_runs_as_a_command(batch: Any, people: Path, sandbox: Sandbox) -> None:
    """Its exit code is 0 only if every row is complete."""
    assert batch
    command = [sys.executable, str(EXAMPLES / "batch.py"), str(people)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)

    assert done.stdout.count("Complete") == 2
    with people.open("a", newline="") as file:
        csv.writer(file).writerow([*asyncio.run(create_people(sandbox, 1)), "no-such-file.pdf"])
    again = subprocess.run(command, capture_output=True, check=False)
    assert again.returncode == 1


def test_the_test_suite_passes_on_both_event_loops() -> None:
    """Six tests, on asyncio and on trio, in another process, as a user would run them."""
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "examples/test_suite.py"], cwd=ROOT, capture_output=True, check=False, text=True
    )

    assert "12 passed" in done.stdout, done.stdout


def test_the_examples_are_maintained() -> None:
    """They are short, type checked and shipped, and not collected as tests of the SDK."""
    lengths = {
        path.stem: len(path.read_text("utf-8").splitlines()) for path in EXAMPLES.glob("*.py")
    }
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]

    assert lengths.keys() == LONGEST.keys()
    assert [name for name, lines in lengths.items() if lines > LONGEST[name]] == []
    assert "examples" in tool["mypy"]["files"]
    assert "examples" in tool["pyright"]["include"]
    assert "/examples" in tool["hatch"]["build"]["targets"]["sdist"]["include"]
    assert tool["pytest"]["testpaths"] == ["tests"]
