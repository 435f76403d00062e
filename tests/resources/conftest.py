"""What the tests of resources share: a client of their module's sandbox."""

import pytest

from sikoia_async import Sikoia
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing import client_of


@pytest.fixture
def sikoia(sandbox: Sandbox) -> Sikoia:
    """Make a client as users do, at the pace that operations have by themselves."""
    return client_of(sandbox, interval=None)
