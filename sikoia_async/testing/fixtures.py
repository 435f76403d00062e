"""Shared by the fixtures for anyio and for pytest-asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sikoia_async import Sikoia
    from sikoia_async.sandbox import Sandbox
    from sikoia_async.testing.marker import SandboxSpec

__all__ = ["open_client", "spec_of"]


def open_client(request: pytest.FixtureRequest, sandbox: Sandbox) -> Sikoia:
    """Return the client of a test, with the rate limit of the local Sikoia."""
    from sikoia_async import Quota  # noqa: PLC0415 - loaded when first used
    from sikoia_async.sandbox import Rate  # noqa: PLC0415 - as above
    from sikoia_async.testing.clients import client_of  # noqa: PLC0415 - as above

    rate = spec_of(request).options.get("rate") or Rate()
    return client_of(sandbox, quota=Quota(rate.requests_per_window, rate.window))


def spec_of(request: pytest.FixtureRequest) -> SandboxSpec:
    """Return the local Sikoia that the `sikoia` markers of a test describe, or fail the test."""
    from sikoia_async.testing.marker import spec_from  # noqa: PLC0415 - loaded when first used

    marks = [*request.node.iter_markers("sikoia")]
    try:
        return spec_from(reversed(marks))
    except ValueError as error:
        problem = str(error)
    pytest.fail(problem, pytrace=False)
