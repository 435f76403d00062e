"""What all rows share: short pauses in real time, and a word on deadlines at the end."""

import pytest
from reliability.oracle import OVERRUNS

from sikoia_async._retry import policy


@pytest.fixture(autouse=True)
def _hasty(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses between attempts where they take real time: no row is about those."""
    if request.node.get_closest_marker("virtual_time") is None:
        monkeypatch.setattr(policy, "_BASE", 0.01)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how long after their deadlines the rows ended: a figure, and no verdict."""
    if OVERRUNS:
        row, late = max(OVERRUNS, key=lambda one: one[1])
        terminalreporter.write_line(
            f"{len(OVERRUNS)} deadlines, at most {late * 1000:.0f} ms late: {row}"
        )
