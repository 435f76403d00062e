"""What many tests need: both event loops, in real or in virtual time."""

from collections.abc import Mapping
from typing import Any

import pytest
import virtual


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
