"""Which records of httpx and httpcore are logged."""

import logging
from collections.abc import Iterator

import httpx
import pytest
from scripted import Reply, Scripted, scripted

pytestmark = pytest.mark.anyio


@pytest.fixture
def sikoia_server() -> Iterator[Scripted]:
    """Run a Sikoia that returns an empty list of cases."""
    with scripted() as server:
        server.respond_with(Reply(200, []))
        yield server


async def test_httpx_logs_no_url_of_this_sdk(
    sikoia_server: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    """With all loggers enabled, a call is one record of this SDK, without ids and queries."""
    caplog.set_level(logging.DEBUG)

    async with sikoia_server.client() as sikoia:
        await sikoia.cases.list(keyword="canary")

    assert "canary" not in caplog.text
    assert "GET /v2/cases: 200" in caplog.text
    theirs = {r.getMessage() for r in caplog.records if r.name.startswith("http")}
    assert theirs <= {"close.started", "close.complete"}


async def test_other_requests_are_logged_as_before(
    sikoia_server: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    """The application's own use of httpx keeps its records."""
    caplog.set_level(logging.DEBUG)

    async with sikoia_server.client() as sikoia, httpx.AsyncClient(verify=sikoia_server.tls) as own:
        await sikoia.users.list()
        await own.get(f"{sikoia_server.url}/mine")

    assert {"httpx", "httpcore.http11"} <= {record.name for record in caplog.records}
    assert "/mine" in caplog.text
    assert "/v2/users" not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("http")
    )
