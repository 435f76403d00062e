"""The client of commands, as far as variables of the process decide about it."""

import pytest
from cli.terminal import Terminal


def test_commands_use_the_proxy_that_variables_name(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like curl, and unlike a client in code: people set it for all programs."""
    for name in ("https_proxy", "all_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # where nothing listens

    code, _, err = terminal.run("users", "list")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    assert code == 9
    assert "ConnectionFailedError" in err
    assert terminal.get("users list --json") is not None
