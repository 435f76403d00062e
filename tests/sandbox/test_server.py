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

from sikoia_async.sandbox import Credentials, Sandbox


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
