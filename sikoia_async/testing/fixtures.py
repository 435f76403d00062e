"""What the fixtures of the plugin share, whichever plugin runs the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sikoia_async import Sikoia
    from sikoia_async.sandbox import Sandbox
    from sikoia_async.testing.marker import Wanted

__all__ = ["marker_of", "open_client"]


def open_client(request: pytest.FixtureRequest, sandbox: Sandbox) -> Sikoia:
    """Make the client of a test; it keeps to the limit of the local Sikoia."""
    from sikoia_async import Quota  # noqa: PLC0415 - loaded when first used
    from sikoia_async.testing.clients import client_of  # noqa: PLC0415 - as above

    options = marker_of(request).options
    return client_of(sandbox, quota=Quota(options.get("limit", 200), options.get("per", 60)))


def marker_of(request: pytest.FixtureRequest) -> Wanted:
    """Return what the `sikoia` markers of a test ask for, or fail the test."""
    from sikoia_async.testing.marker import wanted  # noqa: PLC0415 - loaded when first used

    marks = [*request.node.iter_markers("sikoia")]
    try:
        return wanted(reversed(marks))
    except ValueError as error:
        problem = str(error)
    pytest.fail(problem, pytrace=False)
