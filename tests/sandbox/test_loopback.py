"""Where the local Sikoia may listen."""

import httpx
import hypothesis
import pytest
from hypothesis import strategies as st

from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.loopback import (
    address_of,
    is_callback_here,
    listen,
    require_loopback,
)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_is_allowed(host: str) -> None:
    """This machine may speak to itself, whatever it calls itself."""
    require_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.1", "::", "example.com", ""])  # noqa: S104
def test_any_other_host_is_refused(host: str) -> None:
    """A sandbox cannot be reached from elsewhere, and says why before it opens anything."""
    with pytest.raises(ValueError, match="its data is fictitious"):
        Sandbox(host=host)


def test_a_port_in_use_is_named() -> None:
    """Two sandboxes cannot share a port, and one line says which."""
    with listen("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} of 127.0.0.1: .*in use; give another one"):
            Sandbox(port=port).__enter__()


@pytest.mark.parametrize("port", [-1, 65_536])
def test_what_is_no_port_is_refused(port: int) -> None:
    """Before anything is opened, and with the range of those that are."""
    with pytest.raises(ValueError, match="port: give one from 1 to 65535, or 0 for any"):
        Sandbox(port=port)


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_an_address_is_written_as_a_url(host: str, shown: str) -> None:
    """An address of the sixth version stands in brackets."""
    with listen(host, 0) as listener:
        port: int = listener.getsockname()[1]

        assert address_of(host, listener) == f"https://{shown}:{port}"


@hypothesis.given(
    rest=st.from_regex(r"[^\s/?#@]+([/?#]\S{0,20})?", fullmatch=True)
    | st.from_regex(r"(localhost|127\.\d+\.0\.1|\[::1?\]|xn--\w*)[.:\\\w]{0,8}", fullmatch=True)
)
def test_a_callback_is_here_or_elsewhere(rest: str) -> None:
    """Whatever the rules for callbacks let pass gets an answer, and goes to loopback or nowhere."""
    url = f"https://{rest}"
    if is_callback_here(url):
        require_loopback(httpx.Request("POST", url).url.raw_host.decode())
