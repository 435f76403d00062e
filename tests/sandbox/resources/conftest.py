"""A sandbox whose clock only tests move, and the entities and documents that tests need."""

from collections.abc import Callable, Generator
from types import SimpleNamespace

import httpx
import pytest
from sandbox.documents import add_document as add_document_to

from sikoia_async.sandbox import Credentials, Rate, Sandbox, Time, Wire


@pytest.fixture(scope="module")
def clock() -> SimpleNamespace:
    """Return the clock of a module's sandbox; tests move its `now`."""
    return SimpleNamespace(now=0.0)


@pytest.fixture(scope="module")
def sandbox(clock: SimpleNamespace) -> Generator[Sandbox]:
    """Run a sandbox on that clock, with tokens and rate limits that outlast the tests."""
    with Sandbox(
        time=Time(clock=lambda: clock.now),
        credentials=Credentials(token_life=10**9),
        rate=Rate(requests_per_window=10**6),
        wire=Wire(all_completeness_rules=False),
    ) as running:
        yield running


@pytest.fixture
def case_id(case: str) -> str:
    """Create a case, and return its id."""
    return case.rpartition("/")[2]


@pytest.fixture
def person(client: httpx.Client, case: str) -> str:
    """Add a person to the case, and return their id."""
    body = {"persons": [{"first_name": "Sample", "last_name": "Person"}]}
    persons: list[dict[str, str]] = client.post(f"{case}/entities", json=body).json()["persons"]
    return persons[0]["person_id"]


@pytest.fixture
def add_document(sandbox: Sandbox) -> Callable[..., str]:
    """Add documents to entities without an upload, and return their ids."""

    def add(document_type: str, entity_id: str, entity_type: str = "person") -> str:
        fields = {"display_name": f"{document_type}.pdf", "document_type": document_type}
        return add_document_to(sandbox, entity_type, entity_id, **fields)

    return add


@pytest.fixture
def request_insights(client: httpx.Client, clock: SimpleNamespace) -> Callable[..., str]:
    """Let documents be read, request insights, let them complete, and return their path."""

    def request(path: str, entity_id: str, entity_type: str = "person") -> str:
        body = {"entity_id": entity_id, "entity_type": entity_type}
        clock.now += 1
        request_id = client.post(path, json=body).json()["request_id"]
        clock.now += 1
        return f"{path}/{request_id}"

    return request
