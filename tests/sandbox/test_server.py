"""The local Sikoia on a real socket."""

import os
import shlex
import signal
import socket
import ssl
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from sikoia_async.sandbox import Credentials, Rate, Sandbox


def test_token_url_and_scope_follow_from_the_url(sandbox: Sandbox) -> None:
    """On loopback, with HTTPS."""
    assert sandbox.url.startswith("https://127.0.0.1:")
    assert sandbox.token_url == f"{sandbox.url}/token"
    assert sandbox.scope == f"{sandbox.url}/.default"


def test_credentials_can_be_chosen() -> None:
    """So an existing configuration can be used."""
    with Sandbox(credentials=Credentials(client_id="known", client_secret="sesame")) as sandbox:
        assert (sandbox.client_id, sandbox.client_secret) == ("known", "sesame")


def test_exports_can_be_read_by_a_shell(sandbox: Sandbox) -> None:
    """Each line exports one of the variables."""
    words = [shlex.split(line) for line in sandbox.exports()]

    assert words == [
        ["export", f"SIKOIA_ENVIRONMENT={sandbox.url}"],
        ["export", f"SIKOIA_CA_FILE={sandbox.ca_file}"],
        ["export", f"SIKOIA_CLIENT_ID={sandbox.client_id}"],
        ["export", f"SIKOIA_CLIENT_SECRET={sandbox.client_secret}"],
    ]
    assert [f"{name}={value}" for name, value in sandbox.variables.items()] == [
        word for _, word in words
    ]


def test_the_certificate_is_not_trusted_by_default(sandbox: Sandbox) -> None:
    """Clients have to load the certificate authority."""
    with (
        httpx.Client(verify=ssl.create_default_context()) as stranger,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        stranger.get(f"{sandbox.url}/sandbox/health")


def test_plain_http_fails(sandbox: Sandbox) -> None:
    """A request without TLS gets no response."""
    with httpx.Client() as careless, pytest.raises(httpx.TransportError):
        careless.get(f"{sandbox.url}/sandbox/health".replace("https", "http"))


def test_nothing_is_left_after_the_block() -> None:
    """The thread, the socket and the certificate are gone."""
    before = threading.active_count()
    with Sandbox() as sandbox:
        assert threading.active_count() == before + 1
        assert Path(sandbox.ca_file).parent.stat().st_mode & 0o077 == 0

    assert threading.active_count() == before
    assert not Path(sandbox.ca_file).parent.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(sandbox.url.rpartition(":")[2])))


def test_an_idle_client_does_not_delay_stopping() -> None:
    """The sandbox closes idle connections."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox())
        trust = ssl.create_default_context(cafile=sandbox.ca_file)
        with httpx.Client(verify=trust) as client:
            assert client.get(f"{sandbox.url}/sandbox/health").status_code == 200
            started = time.monotonic()
            stack.close()

            assert time.monotonic() - started < 5


def test_a_request_in_progress_is_abandoned() -> None:
    """Its client sees a closed connection, and the sandbox does not wait for it."""
    failed = list[type[Exception]]()

    def ask(client: httpx.Client, url: str) -> None:
        with pytest.raises(httpx.TransportError) as caught:
            client.get(url)
        failed.append(caught.type)

    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox())
        sandbox.faults.add("GET /sandbox/health", delay=3600)
        trust = ssl.create_default_context(cafile=sandbox.ca_file)
        with httpx.Client(verify=trust, timeout=60) as client:
            asking = threading.Thread(target=ask, args=(client, f"{sandbox.url}/sandbox/health"))
            asking.start()
            while not sandbox.faults.triggered:
                time.sleep(0.001)
            stack.close()
            asking.join()

    assert len(failed) == 1


def test_a_sandbox_can_run_again() -> None:
    """A second block starts with a new state."""
    sandbox = Sandbox()
    with sandbox:
        first = sandbox.state
    with sandbox:
        assert sandbox.state is not first


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_serving(number: signal.Signals) -> None:
    """Afterwards the previous handlers are restored."""
    before = signal.getsignal(number)

    def interrupt_once_serving() -> None:
        while signal.getsignal(number) is before:
            time.sleep(0)
        os.kill(os.getpid(), number)

    with Sandbox() as sandbox:
        interrupter = threading.Thread(target=interrupt_once_serving, daemon=True)
        interrupter.start()
        sandbox.serve_forever()
        interrupter.join()

        assert not Path(sandbox.ca_file).exists()
    assert signal.getsignal(number) is before


def test_a_public_url_is_served_to_all_addresses() -> None:
    """The certificate and the inspector are valid for its host, and for this machine."""
    with Sandbox(
        host="0.0.0.0",  # noqa: S104 - what is tested
        allow_remote=True,
        url="https://sikoia.test:8400",
        inspector=True,
    ) as sandbox:
        assert sandbox.url == "https://sikoia.test:8400"
        port = int(str(sandbox.inspector_url).rstrip("/").rpartition(":")[2])
        for host in ("sikoia.test", "localhost", "127.0.0.1"):
            page = httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": f"{host}:{port}"})
            assert page.status_code == 200
        other = httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": f"attacker.test:{port}"})
        assert other.status_code == 421


@pytest.mark.parametrize("name", ["sikoia.test", "localhost", "127.0.0.1"])
def test_the_certificate_is_valid_for_each_name(name: str) -> None:
    """A client connects by the public name or by a published port."""
    with Sandbox(
        host="0.0.0.0",  # noqa: S104 - what is tested
        allow_remote=True,
        url="https://sikoia.test:8400",
    ) as sandbox:
        trust = ssl.create_default_context(cafile=sandbox.ca_file)
        address = ("127.0.0.1", sandbox.port)
        with (
            socket.create_connection(address) as connection,
            trust.wrap_socket(connection, server_hostname=name) as verified,
        ):
            assert verified.version()


@pytest.mark.parametrize(
    "url",
    ["http://a.test", "https://", "https://a.test/v2", "https://a.test:0", "https://a:99999", 1],
)
def test_an_invalid_public_url_is_refused(url: str) -> None:
    """The constructor raises."""
    with pytest.raises(ValueError, match="url: expected https, a host and a port"):
        Sandbox(url=url)


def test_remote_hosts_are_allowed_by_a_bool_only() -> None:
    """A string is a mistake."""
    with pytest.raises(ValueError, match="allow_remote: expected True or False"):
        Sandbox(allow_remote="no")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_health_checks_need_nothing_and_leave_no_trace() -> None:
    """No token; they are not in the ledger, trigger no fault and are not limited."""
    with Sandbox(rate=Rate(requests_per_window=1)) as sandbox:
        sandbox.faults.add("*", status=500)
        trust = ssl.create_default_context(cafile=sandbox.ca_file)
        with httpx.Client(base_url=sandbox.url, verify=trust) as client:
            for _ in range(3):
                response = client.get("/healthz")
                assert (response.status_code, response.json()) == (200, {"status": "ok"})
            assert client.head("/healthz").status_code == 200
            refused = client.post("/healthz")
            assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")

        assert len(sandbox.ledger) == 0
        assert sandbox.faults.triggered == ()


def test_a_closed_terminal_is_ignored_after_nohup() -> None:
    """SIGHUP keeps the handler that it has."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    usual = signal.getsignal(signal.SIGTERM)

    def signal_once_serving() -> None:
        while signal.getsignal(signal.SIGTERM) is usual:
            time.sleep(0)
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)

    try:
        with Sandbox() as sandbox:
            thread = threading.Thread(target=signal_once_serving, daemon=True)
            thread.start()
            sandbox.serve_forever()
            thread.join()
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
