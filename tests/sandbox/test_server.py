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

from sikoia_async.sandbox import Sandbox


def test_the_attributes_fit_together(sandbox: Sandbox) -> None:
    """The token endpoint and the scope follow from the address."""
    assert sandbox.url.startswith("https://127.0.0.1:")
    assert sandbox.token_url == f"{sandbox.url}/token"
    assert sandbox.scope == f"{sandbox.url}/.default"


def test_credentials_can_be_chosen() -> None:
    """A sandbox takes the id and the secret that a configuration already names."""
    with Sandbox(client_id="known", client_secret="sesame") as sandbox:
        assert (sandbox.client_id, sandbox.client_secret) == ("known", "sesame")


def test_the_exports_are_lines_for_a_shell(sandbox: Sandbox) -> None:
    """Each line exports one variable, and a shell reads back the value."""
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


def test_strangers_do_not_trust_it(sandbox: Sandbox) -> None:
    """Only who loads the certificate of its authority gets through."""
    with (
        httpx.Client(verify=ssl.create_default_context()) as stranger,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        stranger.get(f"{sandbox.url}/sandbox/health")


def test_plain_http_fails(sandbox: Sandbox) -> None:
    """A call without TLS gets no answer."""
    with httpx.Client() as careless, pytest.raises(httpx.TransportError):
        careless.get(f"{sandbox.url}/sandbox/health".replace("https", "http"))


def test_nothing_is_left_behind() -> None:
    """After the block the thread, the socket and the certificate are gone."""
    before = threading.active_count()
    with Sandbox() as sandbox:
        assert threading.active_count() == before + 1
        assert Path(sandbox.ca_file).parent.stat().st_mode & 0o077 == 0

    assert threading.active_count() == before
    assert not Path(sandbox.ca_file).parent.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(sandbox.url.rpartition(":")[2])))


def test_an_idle_client_does_not_hold_up_the_end() -> None:
    """The sandbox hangs up on connections that are kept alive."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox())
        trust = ssl.create_default_context(cafile=sandbox.ca_file)
        with httpx.Client(verify=trust) as client:
            assert client.get(f"{sandbox.url}/sandbox/health").status_code == 200
            started = time.monotonic()
            stack.close()

            assert time.monotonic() - started < 5


def test_a_sandbox_can_run_again() -> None:
    """A second block starts afresh, with a state of its own."""
    sandbox = Sandbox()
    with sandbox:
        first = sandbox.state
    with sandbox:
        assert sandbox.state is not first


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_with_a_signal(number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM stop the sandbox, and afterwards mean what they meant before."""
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
