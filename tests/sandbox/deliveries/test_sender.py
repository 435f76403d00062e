"""Webhook deliveries on real sockets, sent by the server of the local Sikoia."""

import base64
import hmac
import json
import queue
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import attrs
import httpx
import pytest
import trustme

from sikoia_async.sandbox import Credentials, Rate, Sandbox, Time, Wire

VERIFIED = "IdentityVerification.Completed"
WAIT = 60
"""Seconds until a wait fails."""


@attrs.frozen
class Received:
    """A request that the receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes


@attrs.define
class Receiver:
    """A running receiver."""

    url: str
    respond: Callable[[], int] = lambda: 204
    arrived: "queue.Queue[Received]" = attrs.field(factory=queue.Queue["Received"])

    def next(self) -> Received:
        """Return the next request, and wait for it if necessary."""
        return self.arrived.get(timeout=WAIT)


@contextmanager
def receiving(scheme: str) -> Generator[Receiver]:
    """Run a receiver; for https it has a certificate that is not trusted."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.arrived.put(Received(self.path, dict(self.headers), body))
            self.send_response(receiver.respond())
            self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in http.server
            """Do not log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = trustme.CA().issue_cert("127.0.0.1")
        certificate.configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(f"{scheme}://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def clock() -> SimpleNamespace:
    """Return a clock whose `now` tests set."""
    return SimpleNamespace(now=0.0)


@pytest.fixture(scope="module")
def sandbox(clock: SimpleNamespace) -> Iterator[Sandbox]:
    """Run a sandbox on that clock, with limits that the tests do not reach."""
    with Sandbox(
        time=Time(clock=lambda: clock.now),
        credentials=Credentials(token_life=99_999),
        rate=Rate(requests_per_window=9999),
        wire=Wire(delivery_timeout=10 * WAIT),
    ) as running:
        yield running


def subscribe(client: httpx.Client, url: str, *events: str) -> str:
    """Create a webhook, and return its path."""
    body = {"webhook_name": "Test", "webhook_callback_url": url, "event_types": events}
    response = client.post("/v2/webhooks", json=body)
    assert response.status_code == 201, response.text
    return f"/v2/webhooks/{response.json()['webhook_id']}"


def verify(client: httpx.Client, case: str) -> str:
    """Start a verification, and return the id of the request."""
    body = {"persons": [{"first_name": "Sample", "last_name": "Example"}]}
    who = client.post(f"{case}/entities", json=body).json()["persons"][-1]["person_id"]
    return str(client.post("/v2/identity", json={"person_id": who}).json()["request_id"])


def settled(client: httpx.Client, webhook: str, status: str, attempts: int) -> dict[str, Any]:
    """Wait until the newest request in the log has a status and a number of attempts."""
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        log = client.get(f"{webhook}/requests").json()["webhook_requests"]
        if log and (log[0]["webhook_event_status"], len(log[0]["request_attempts"])) == (
            status,
            attempts,
        ):
            newest: dict[str, Any] = log[0]
            return newest
        time.sleep(0.01)
    msg = f"no request to the webhook is {status} after {attempts} attempts"
    raise AssertionError(msg)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_delivery_is_sent_by_the_server(
    client: httpx.Client, case: str, clock: SimpleNamespace, scheme: str
) -> None:
    """It is sent when it is due by the clock, and signed."""
    key = client.post("/v2/webhooks/secrets").json()["shared_key"]
    with receiving(scheme) as receiver:
        webhook = subscribe(client, f"{receiver.url}/hook?part=1", VERIFIED)
        request_id = verify(client, case)
        clock.now += 1

        received = receiver.next()

        logged = settled(client, webhook, "Complete", 1)
    client.delete("/v2/webhooks/secrets")
    client.delete(webhook)
    assert received.path == "/hook?part=1"
    assert received.headers["Content-Type"] == "application/json"
    digest = hmac.digest(key.encode(), received.body, "sha256")
    assert received.headers["X-HMAC-SHA256-Signature"] == base64.b64encode(digest).decode()
    assert json.loads(received.body) == logged["event_data"]
    assert logged["event_data"]["request_id"] == request_id
    assert logged["request_attempts"][0]["http_response_code"] == 204


def test_redirects_are_not_followed(
    client: httpx.Client, case: str, clock: SimpleNamespace
) -> None:
    """A redirect is a failed attempt; the retry goes to the same URL."""
    with receiving("http") as receiver:
        receiver.respond = lambda: 307
        webhook = subscribe(client, f"{receiver.url}/hook", VERIFIED)
        verify(client, case)
        clock.now += 1
        settled(client, webhook, "Pending", 1)
        receiver.respond = lambda: 200
        clock.now += 1

        settled(client, webhook, "Complete", 2)

        assert [receiver.next().path for _ in range(2)] == ["/hook", "/hook"]
        assert receiver.arrived.empty()
    client.delete(webhook)


def test_proxies_are_not_used(
    client: httpx.Client, case: str, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the environment says."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with receiving("http") as receiver:
        webhook = subscribe(client, receiver.url, VERIFIED)
        verify(client, case)
        clock.now += 1

        assert receiver.next().path == "/"
    client.delete(webhook)


def test_a_refused_connection_is_retried(
    client: httpx.Client, case: str, clock: SimpleNamespace
) -> None:
    """The log has the status 0."""
    with receiving("http") as receiver:
        """The receiver stops at the end of the block."""
    webhook = subscribe(client, receiver.url, VERIFIED)
    verify(client, case)
    clock.now += 1

    logged = settled(client, webhook, "Pending", 1)

    assert logged["request_attempts"][0]["http_response_code"] == 0
    client.delete(webhook)


def test_any_thread_can_plan_and_release(
    sandbox: Sandbox, client: httpx.Client, case: str, clock: SimpleNamespace
) -> None:
    """While the server runs."""
    sandbox.deliveries.faults.add(VERIFIED, hold=True, times=3)
    with receiving("http") as receiver:
        webhook = subscribe(client, receiver.url, VERIFIED)
        ids = [verify(client, case) for _ in range(3)]
        clock.now += 1
        until = time.monotonic() + WAIT
        while sandbox.deliveries.held_count < 3 and time.monotonic() < until:
            time.sleep(0.01)

        sandbox.deliveries.release()

        received = [json.loads(receiver.next().body)["request_id"] for _ in range(3)]
    assert received == ids[::-1]
    assert [one.effect for one in sandbox.deliveries.faults.triggered] == ["hold=True"] * 3
    sandbox.deliveries.faults.clear()
    client.delete(webhook)


def test_an_attempt_in_progress_does_not_delay_stopping(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """A receiver that does not respond is abandoned."""
    can_respond, has_responded = threading.Event(), threading.Event()

    def respond() -> int:
        can_respond.wait(WAIT)
        has_responded.set()
        return 200

    with receiving("http") as receiver:
        receiver.respond = respond
        with Sandbox(work_time=0, wire=Wire(delivery_timeout=10 * WAIT)) as sandbox:
            client = connect(sandbox)
            subscribe(client, receiver.url, VERIFIED)
            body = {"name": "Loan", "case_type": "Business"}
            verify(client, f"/v2/cases/{client.post('/v2/cases', json=body).json()['case_id']}")
            receiver.next()
        was_abandoned = not has_responded.is_set()
        can_respond.set()

    assert was_abandoned


def test_a_slow_receiver_does_not_delay_later_deliveries(
    client: httpx.Client, case: str, clock: SimpleNamespace
) -> None:
    """They are sent while the first attempt is in progress."""
    can_respond = threading.Event()
    with receiving("http") as receiver:
        webhook = subscribe(client, receiver.url, VERIFIED)
        receiver.respond = lambda: 200 if can_respond.wait(WAIT) else 500
        first = verify(client, case)
        clock.now += 1
        received = [json.loads(receiver.next().body)["request_id"]]
        second = verify(client, case)
        clock.now += 1

        received.append(json.loads(receiver.next().body)["request_id"])
        can_respond.set()

        assert received == [first, second]
    client.delete(webhook)
