"""Shared by all rows: short pauses in real time, and a report on deadlines at the end."""

from collections.abc import Iterator

import pytest
from faults import short_pauses
from reliability.oracle import OVERRUNS


@pytest.fixture(autouse=True)
def _short_pauses(request: pytest.FixtureRequest) -> Iterator[None]:
    """Shorten the pauses between attempts if they take real time: no row is about those."""
    if request.node.get_closest_marker("virtual_time") is not None:
        yield
        return
    with short_pauses():
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report how long after their deadlines the rows ended; this is not a verdict."""
    if OVERRUNS:
        row, late = max(OVERRUNS, key=lambda one: one[1])
        terminalreporter.write_line(
            f"{len(OVERRUNS)} deadlines, at most {late * 1000:.0f} ms late: {row}"
        )
