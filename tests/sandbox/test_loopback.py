"""Listening sockets and callbacks, limited to loopback."""

import httpx
import hypothesis
import pytest
from hypothesis import strategies as st

from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.loopback import (
    is_loopback_callback,
    listen,
    url_of,
    validate_host,
)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_hosts_are_allowed(host: str) -> None:
    """IPv4, IPv6 and localhost."""
    validate_host(host, allow_remote=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.1", "::", "example.com", ""])  # noqa: S104
def test_other_hosts_are_refused(host: str) -> None:
    """The constructor raises, before anything is opened."""
    with pytest.raises(ValueError, match="its data is fictitious"):
        Sandbox(host=host)


def test_a_port_in_use_is_reported() -> None:
    """The error names the port."""
    with listen("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} of 127.0.0.1: .*in use; use another port"):
            Sandbox(port=port).__enter__()


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    """The constructor raises, before anything is opened."""
    with pytest.raises(ValueError, match="port: expected 1 to 65535, or 0 for any"):
        Sandbox(port=port)


@pytest.mark.parametrize(("host", "authority"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_the_url_of_a_listener(host: str, authority: str) -> None:
    """IPv6 addresses are in brackets."""
    with listen(host, 0) as listener:
        port: int = listener.getsockname()[1]

        assert url_of(host, listener) == f"https://{authority}:{port}"


@hypothesis.given(
    rest=st.from_regex(r"[^\s/?#@]+([/?#]\S{0,20})?", fullmatch=True)
    | st.from_regex(r"(localhost|127\.\d+\.0\.1|\[::1?\]|xn--\w*)[.:\\\w]{0,8}", fullmatch=True)
)
def test_callbacks_are_sent_to_loopback_only(rest: str) -> None:
    """For any URL that the validation of callbacks lets pass."""
    url = f"https://{rest}"
    if is_loopback_callback(url):
        validate_host(httpx.Request("POST", url).url.raw_host.decode(), allow_remote=False)
