"""Fixtures for the tests of resources: a local Sikoia per module, and clients of it."""

from collections.abc import Iterator

import pytest
from workbench import WORK_TIME, Workbench

from sikoia_async import Sikoia
from sikoia_async.sandbox import Credentials, Rate, Sandbox, Time, Wire
from sikoia_async.testing import client_of


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run a local Sikoia for the tests of a module; its clock stands still until one advances it.

    Tests advance it by hours altogether, so tokens live longer than that.
    """
    with Sandbox(
        time=Time(speed=0),
        work_time=WORK_TIME,
        credentials=Credentials(token_life=10**9),
        rate=Rate(requests_per_window=10**6),
        wire=Wire(all_completeness_rules=False),
    ) as running:
        yield running


@pytest.fixture
def workbench(sandbox: Sandbox) -> Workbench:
    """Return the steps that tests share, in the local Sikoia of the module."""
    return Workbench(sandbox)


@pytest.fixture
def sikoia(sandbox: Sandbox) -> Sikoia:
    """Make a client as users do, with the polling intervals that operations have by default."""
    return client_of(sandbox, interval=None)
