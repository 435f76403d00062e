"""What many tests need: both event loops, in real or in virtual time."""

import os
from collections.abc import Mapping
from typing import Any

import hypothesis
import pytest
import virtual

# No test fails on a time: these machines are shared. In the gate examples are the same each run.
hypothesis.settings.register_profile(
    "here",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("here")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str | tuple[str, Mapping[str, Any]]:
    """Run each async test on asyncio and on trio; with the marker, in virtual time."""
    if request.node.get_closest_marker("virtual_time"):
        return virtual.BACKENDS[request.param]()
    return str(request.param)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the developer's shell exports away from the tests."""
    for name in ("ENVIRONMENT", "CLIENT_ID", "CLIENT_SECRET", "CA_FILE"):
        monkeypatch.delenv(f"SIKOIA_{name}", raising=False)
