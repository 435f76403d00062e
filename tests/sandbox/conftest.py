"""A running sandbox for each module, clients that trust it, and a clock that tests move."""

import ssl
from collections.abc import Callable, Generator
from contextlib import ExitStack
from types import SimpleNamespace

import httpx
import pytest

from sikoia_async.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Generator[Sandbox]:
    """Run a sandbox that the tests of a module share, with what they leave in it."""
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def connect() -> Generator[Callable[[Sandbox], httpx.Client]]:
    """Return a function that opens clients with a token and the documented headers."""
    with ExitStack() as stack:

        def open_client(sandbox: Sandbox) -> httpx.Client:
            trust = ssl.create_default_context(cafile=sandbox.ca_file)
            client = stack.enter_context(httpx.Client(base_url=sandbox.url, verify=trust))
            token = client.post("/token", data=credentials(sandbox)).json()["access_token"]
            client.headers["Accept"] = client.headers["Content-Type"] = "application/json"
            client.headers["Authorization"] = f"Bearer {token}"
            return client

        yield open_client


@pytest.fixture(scope="module")
def client(sandbox: Sandbox, connect: Callable[[Sandbox], httpx.Client]) -> httpx.Client:
    """Open a client of the module's sandbox."""
    return connect(sandbox)


@pytest.fixture
def case(client: httpx.Client) -> str:
    """Create a case, and return its path."""
    created = client.post("/v2/cases", json={"name": "Loan", "case_type": "Business"}).json()
    return f"/v2/cases/{created['case_id']}"


@pytest.fixture
def clock() -> SimpleNamespace:
    """Return a clock whose `now` tests move."""
    return SimpleNamespace(now=0.0)


def credentials(sandbox: Sandbox) -> dict[str, str]:
    """Return the form for the token endpoint."""
    return {
        "grant_type": "client_credentials",
        "scope": sandbox.scope,
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
    }
