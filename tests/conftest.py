"""Settings and fixtures of all tests: both event loops, in real or in virtual time."""

import gc
import os
import sys
from collections.abc import Mapping
from typing import Any

import hypothesis
import pytest
import virtual

from sikoia_async._settings.variables import VARIABLES

pytest_plugins = ["servers"]

# Without bytecode, each of the hundreds of processes that tests start compiles all that it imports.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# No deadlines, because machines may be shared. In CI, the examples are the same in every run.
hypothesis.settings.register_profile(
    "here",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("here")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run two workers for each processor, because tests wait longer than they compute."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_finish() -> None:
    """Exclude the tests and their modules from garbage collections, which many tests request."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Save the coverage of a worker, which is killed if its process does not end in time."""
    coverage = sys.modules.get("coverage")
    measured = coverage and coverage.Coverage.current()
    if measured:
        measured.save()


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str | tuple[str, Mapping[str, Any]]:
    """Run async tests on asyncio and on trio; with the marker `virtual_time`, in virtual time."""
    if request.node.get_closest_marker("virtual_time"):
        return virtual.BACKENDS[request.param]()
    return str(request.param)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the variables of the developer's shell from the tests."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
