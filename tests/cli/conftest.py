"""Fixtures for commands that call a local Sikoia."""

import math
from collections.abc import Generator

import pytest
from cli.terminal import Terminal

from sikoia_async.sandbox import Rate, Sandbox
from sikoia_async.sandbox.jobs import KINDS


@pytest.fixture(scope="module")
def server() -> Generator[Sandbox]:
    """Run a local Sikoia, whose work takes no time, but for identity verifications."""
    work_time = dict.fromkeys(KINDS, 0.0) | {"identity": math.inf}
    with Sandbox(rate=Rate(requests_per_window=100_000), work_time=work_time) as running:
        yield running


@pytest.fixture
def terminal(
    server: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """Return a terminal with the variables of a local Sikoia."""
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    return Terminal(capsys)
