"""Where the local Sikoia may listen."""

import pytest

from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.loopback import address_of, listen, require_loopback


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
        with pytest.raises(OSError, match=f"port {port} of 127.0.0.1: .*in use") as refused:
            Sandbox(port=port).__enter__()

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_an_address_is_written_as_a_url(host: str, shown: str) -> None:
    """An address of the sixth version stands in brackets."""
    with listen(host, 0) as listener:
        port: int = listener.getsockname()[1]

        assert address_of(host, listener) == f"https://{shown}:{port}"
