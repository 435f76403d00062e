"""The integrations with Starlette, FastAPI and aiohttp, on real servers and a local Sikoia."""

import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, cast, get_args
from uuid import UUID

import anyio
import httpx
import pytest
from aiohttp import web
from replaying import MemoryReplay
from webapps import APPS, PATIENCE, Spec, running, serving

from sikoia_async import Entity, NewPerson, ReplayGuard, Router, Sikoia, errors
from sikoia_async.integrations import aiohttp, starlette
from sikoia_async.sandbox import Rate, Sandbox
from sikoia_async.webhooks import SIGNATURE_HEADER, Event, WebhookEventName, sign

HEADER = "X-Correlation-Id"
SECRET = "a-webhook-secret-of-the-tests"
EVENT = "AffordabilityInsights.Completed"
NAMES: tuple[str, ...] = get_args(WebhookEventName)


@pytest.fixture(params=APPS)
def framework(request: pytest.FixtureRequest) -> Callable[[Spec], Any]:
    """Make applications with one of the frameworks."""
    return APPS[request.param]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Run a local Sikoia, and export its variables."""
    with Sandbox(work_time=0.3, rate=Rate(requests_per_window=10_000)) as sandbox:
        for name, value in sandbox.variables.items():
            monkeypatch.setenv(name, value)
        yield sandbox


def offline() -> Sikoia:
    """Make a client that calls nobody."""
    return Sikoia(token="no-calls-are-made")


def http(url: str) -> httpx.Client:
    """Return a browser."""
    return httpx.Client(base_url=url, timeout=PATIENCE)


@pytest.mark.usefixtures("sandbox")
def test_a_call_carries_the_correlation_id_of_the_request(
    framework: Callable[[Spec], Any],
) -> None:
    """Sikoia gets it, and the response has it; concurrent requests keep theirs apart."""
    ids = [f"click-{number}" for number in range(30)]
    with serving(framework(Spec())) as url, http(url) as browser, ThreadPoolExecutor(8) as pool:

        def click(one: str) -> httpx.Response:
            return browser.get("/users", headers={HEADER: one})

        responses = list(pool.map(click, ids))

    assert [one.headers.get_list(HEADER) for one in responses] == [[one] for one in ids]
    assert [one.json()["correlation_id"] for one in responses] == ids


HOSTILE: list[list[bytes]] = [
    [],
    [b""],
    [b"a b"],
    [b"x" * 129],
    [b"id%0d%0aSet-Cookie: a=b"],
    [b"\xe9t\xe9"],
    [b"<script>"],
    [b"first", b"second"],
    [b"first, second"],
]


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("values", HOSTILE)
def test_a_request_without_one_valid_id_gets_a_new_one(
    framework: Callable[[Spec], Any], values: list[bytes]
) -> None:
    """What comes from outside is not repeated, neither to Sikoia nor in the response."""
    headers = [(HEADER.encode(), value) for value in values]
    with serving(framework(Spec())) as url, http(url) as browser:
        response = browser.get("/users", headers=headers)

    (used,) = response.headers.get_list(HEADER)
    assert UUID(used).version == 4
    assert response.json()["correlation_id"] == used


@pytest.mark.parametrize(("path", "status"), [("/error", 500), ("/nowhere", 404), ("/stream", 200)])
def test_every_response_has_the_correlation_id(
    framework: Callable[[Spec], Any],
    path: str,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also that to a bug, that of the framework itself, and one that is streamed."""
    caplog.set_level(logging.CRITICAL)
    spec = Spec(client=offline, error=lambda: RuntimeError("a bug"))
    with serving(framework(spec)) as url, http(url) as browser:
        response = browser.get(path, headers={HEADER: "click-1"})

    assert response.status_code == status
    assert response.headers.get_list(HEADER) == ["click-1"]


def test_an_error_becomes_a_problem(
    framework: Callable[[Spec], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The response has the status only; the log has the error."""
    spec = Spec(client=offline, error=lambda: errors.ChargeLimitError("the limit of 5 is used up"))
    with serving(framework(spec)) as url, http(url) as browser:
        response = browser.get("/error", headers={HEADER: "click-1"})

    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Retry-After"] == "60"
    assert response.json() == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
    }
    (record,) = [one for one in caplog.records if one.name == "sikoia_async"]
    expected = "responded with 503: ChargeLimitError: the limit of 5 is used up"
    expected += " (correlation id click-1)"
    assert (record.levelname, record.getMessage()) == ("WARNING", expected)
    fields: Any = record
    assert (fields.status, fields.correlation_id) == (503, "click-1")


def test_an_application_chooses_other_statuses(framework: Callable[[Spec], Any]) -> None:
    """By class of error; subclasses with a row of their own keep it."""
    spec = Spec(
        client=offline,
        statuses={errors.SikoiaError: 418},
        error=lambda: errors.SikoiaError("tea"),
    )
    with serving(framework(spec)) as url, http(url) as browser:
        assert browser.get("/error").status_code == 418


@pytest.mark.parametrize("statuses", [{ValueError: 404}, {errors.APIError: 200}, {"x": 404}])
def test_wrong_statuses_are_refused(framework: Callable[[Spec], Any], statuses: Any) -> None:
    """When the application is made."""
    with pytest.raises(errors.ConfigurationError, match="statuses: expected classes of SikoiaErro"):
        framework(Spec(client=offline, statuses=statuses))


class Noting(Sikoia):
    """A client that notes when it is opened and closed."""

    def __init__(self, steps: list[str]) -> None:
        super().__init__(token="no-calls-are-made")
        self.steps = steps

    async def __aenter__(self) -> Self:
        self.steps.append("open")
        return await super().__aenter__()

    async def aclose(self) -> None:
        """Close it."""
        self.steps.append("close")
        await super().aclose()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_the_applications_own_lifespan_runs_inside_that_of_the_client(
    framework: Callable[[Spec], Any],
) -> None:
    """So it can use the client."""
    steps: list[str] = []
    spec = Spec(client=lambda: Noting(steps), steps=steps)

    async with running(framework(spec)):
        assert steps == ["open", "start"]

    assert steps == ["open", "start", "stop", "close"]
    assert isinstance(spec.seen[0], Noting)


@pytest.mark.parametrize("step", ["start", "stop"])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_the_client_is_closed_if_the_applications_own_lifespan_fails(
    framework: Callable[[Spec], Any], step: str
) -> None:
    """And the error reaches the server."""
    steps: list[str] = []
    spec = Spec(client=lambda: Noting(steps), steps=steps, fails_at=step)

    with pytest.raises(LookupError, match=f"failed at its {step}"):
        async with running(framework(spec)):
            assert step == "stop"

    assert steps[-2:] == [step, "close"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_an_application_does_not_start_without_credentials(
    framework: Callable[[Spec], Any],
) -> None:
    """Its own lifespan does not run."""
    spec = Spec()

    with pytest.raises(errors.ConfigurationError, match="SIKOIA_CLIENT_ID"):
        async with running(framework(spec)):
            pass

    assert spec.steps == []


def test_a_client_instead_of_a_function_is_refused(framework: Callable[[Spec], Any]) -> None:
    """It would belong to no event loop, or to another one."""
    with pytest.raises(errors.ArgumentTypeError, match="a function that returns a new client"):
        framework(Spec(client=cast("Any", offline())))


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_a_function_that_returns_no_client_is_refused(
    framework: Callable[[Spec], Any],
) -> None:
    """The application does not start."""
    client: Any = lambda: None  # noqa: E731 - a function that returns no client

    with pytest.raises(errors.ArgumentTypeError, match="a function that returns a new client"):
        async with running(framework(Spec(client=client))):
            pass


def test_an_application_is_set_up_once(framework: Callable[[Spec], Any]) -> None:
    """A second client would be opened, and never used."""
    app = framework(Spec(client=offline))
    setup: Any = aiohttp.setup if isinstance(app, web.Application) else starlette.setup

    with pytest.raises(errors.ConfigurationError, match="neither set up nor started"):
        setup(app)


# Webhooks


def deliver(browser: httpx.Client, body: bytes, signature: str | None, name: str = EVENT) -> int:
    """Post a delivery, and return the status."""
    headers = {} if signature is None else {SIGNATURE_HEADER: signature}
    return browser.post(f"/webhooks/{name}", content=body, headers=headers).status_code


def test_each_event_type_has_a_webhook_url(framework: Callable[[Spec], Any]) -> None:
    """And no other URL exists; the type of the URL counts if the body names none."""
    router, handled = Router(SECRET), list[str]()

    @router.otherwise
    def handle(event: Event) -> None:
        handled.append(type(event).__name__)

    with (
        serving(framework(Spec(client=offline, webhooks=router))) as url,
        http(url) as browser,
    ):
        for number, name in enumerate(NAMES):
            body = json.dumps({"number": number}).encode()
            assert deliver(browser, body, sign(body, SECRET), name) == 204
        for name in ("", "x", "Invented.Name", EVENT.lower(), EVENT.replace(".", "x")):
            assert deliver(browser, b"{}", sign(b"{}", SECRET), name) == 404
        assert browser.get(f"/webhooks/{EVENT}").status_code == 405

    assert handled == [name.replace(".", "") for name in NAMES]


def test_an_application_without_a_router_has_no_webhook_urls(
    framework: Callable[[Spec], Any],
) -> None:
    """Nothing could be verified."""
    with serving(framework(Spec(client=offline))) as url, http(url) as browser:
        assert deliver(browser, b"{}", sign(b"{}", SECRET)) == 404


class _BrokenStore(MemoryReplay):
    """A replay store whose database is unavailable."""

    async def work(self) -> None:
        """Fail."""
        raise ConnectionError


def test_a_delivery_gets_the_status_of_its_error(framework: Callable[[Spec], Any]) -> None:
    """So Sikoia delivers it again where that may help."""
    router, failures = Router(SECRET, max_body=100), [LookupError("Wilma Example")]

    @router.otherwise
    def handle(_: Event) -> None:
        if failures:
            raise failures.pop()

    app = framework(Spec(client=offline, webhooks=router))
    event, large = b'{"n": 1}', b'"%s"' % (b"x" * 100)
    with serving(app) as url, http(url) as browser:
        assert deliver(browser, event, None) == 401
        assert deliver(browser, event, "sha256=00") == 401
        assert deliver(browser, event, sign(event, "another-secret-of-somebody")) == 401
        assert deliver(browser, large, sign(large, SECRET)) == 401
        assert deliver(browser, b"no JSON", sign(b"no JSON", SECRET)) == 400
        assert deliver(browser, event, sign(event, SECRET)) == 500
        assert deliver(browser, event, sign(event, SECRET)) == 204


def test_an_event_is_delivered_again_if_the_replay_store_fails(
    framework: Callable[[Spec], Any],
) -> None:
    """If the guard fails closed."""
    router = Router(SECRET, replay=ReplayGuard(_BrokenStore(), on_failure="closed"))
    router.otherwise(repr)
    with (
        serving(framework(Spec(client=offline, webhooks=router))) as url,
        http(url) as browser,
    ):
        assert deliver(browser, b"{}", sign(b"{}", SECRET)) == 503


def test_a_router_may_accept_larger_bodies_than_usual(framework: Callable[[Spec], Any]) -> None:
    """Its `max_body` counts."""
    body = b'"%s"' % (b"x" * (1 << 20))
    app = framework(Spec(client=offline, webhooks=Router(SECRET, max_body=2 << 20)))
    with serving(app) as url, http(url) as browser:
        assert deliver(browser, body, sign(body, SECRET)) == 204


def test_a_delivery_that_breaks_off_is_not_logged_as_a_bug(
    framework: Callable[[Spec], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A stranger cannot fill the log with tracebacks."""
    app = framework(Spec(client=offline, webhooks=Router(SECRET)))
    head = f"POST /webhooks/{EVENT} HTTP/1.1\r\nHost: app\r\n{SIGNATURE_HEADER}: "
    head += f"{sign(b'', SECRET)}\r\n"
    begun = ("Content-Length: 9\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
    with serving(app) as url, http(url) as browser:
        address = (browser.base_url.host, cast("int", browser.base_url.port))
        for rest in begun:
            with socket.create_connection(address) as client:
                client.sendall((head + rest).encode())
                time.sleep(0.1)
        assert deliver(browser, b"{}", sign(b"{}", SECRET)) == 204

    assert [one.getMessage() for one in caplog.records if one.exc_info] == []


async def _prepared() -> tuple[str, str]:
    """Return the id of a person with a bank statement, and the token of running insights."""
    async with Sikoia() as sikoia:
        wilma = NewPerson(first_name="Wilma", last_name="Example")
        case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
        person = Entity("person", case.persons[0].person_id)
        await sikoia.documents.upload(
            person, b"%PDF-1.7", file_name="statement.pdf", document_type="BankStatement"
        )
        await sikoia.data_sources.until_complete(person)
        operation = await sikoia.affordability.request(person)
        return operation.ids[0], operation.token


@pytest.mark.usefixtures("sandbox")
def test_an_event_wakes_a_request_that_waits(framework: Callable[[Spec], Any]) -> None:
    """It responds long before the next poll is due."""
    app = framework(
        Spec(client=lambda: Sikoia(rely_on_events=True), webhooks=Router(SECRET)),
    )
    request_id, token = anyio.run(_prepared)
    body = json.dumps({"event_type": EVENT, "request_id": request_id}).encode()
    with serving(app) as url, http(url) as browser, ThreadPoolExecutor(1) as pool:
        pending = pool.submit(browser.get, f"/wait/{token}")
        time.sleep(1)  # the first poll finds it running, and the work ends after that
        began = time.monotonic()
        assert deliver(browser, body, sign(body, SECRET)) == 204

        assert pending.result().json() == {"status": "Complete"}
        assert time.monotonic() - began < 10
