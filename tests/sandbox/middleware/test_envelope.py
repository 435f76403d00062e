"""What every answer has: a correlation id, and when it is a refusal, the error envelope."""

from collections.abc import Callable
from uuid import UUID

import httpx
import pytest

from sikoia_async.sandbox import Sandbox


def test_a_sane_correlation_id_is_echoed(client: httpx.Client) -> None:
    """The id of the request comes back, and a refusal repeats it in its body."""
    response = client.get("/v2/nowhere", headers={"X-Correlation-Id": "trace-1.a_B"})

    assert response.headers["X-Correlation-Id"] == "trace-1.a_B"
    assert response.json()["correlation_id"] == "trace-1.a_B"


@pytest.mark.parametrize("given", ["", "two words", "x" * 129], ids=["none", "space", "long"])
def test_any_other_correlation_id_is_replaced(client: httpx.Client, given: str) -> None:
    """An id that is missing or not fit for a log gives way to a new UUID."""
    response = client.get("/v2/users", headers={"X-Correlation-Id": given})

    assert UUID(response.headers["X-Correlation-Id"]).version == 4


def test_echoing_can_be_switched_off(connect: Callable[[Sandbox], httpx.Client]) -> None:
    """With the switch off, every answer has an id of the server's own."""
    with Sandbox(echo_correlation=False) as sandbox:
        client = connect(sandbox)
        response = client.get("/v2/users", headers={"X-Correlation-Id": "mine"})

    assert UUID(response.headers["X-Correlation-Id"]).version == 4


def test_a_refusal_fills_the_envelope(client: httpx.Client) -> None:
    """A refusal has the five documented fields, and its status is that of the response."""
    response = client.get("/v2/nowhere")

    assert response.json() == {
        "type": "ResourceNotFound",
        "status": 404,
        "title": "Resource Not Found",
        "detail": "There is nothing at /v2/nowhere.",
        "correlation_id": response.headers["X-Correlation-Id"],
    }


def test_a_mistake_of_the_sandbox_stays_in_its_log(
    connect: Callable[[Sandbox], httpx.Client], caplog: pytest.LogCaptureFixture
) -> None:
    """An exception becomes a 500 that shows nothing of it; the log has the traceback."""
    with Sandbox() as sandbox:
        client = connect(sandbox)
        sandbox.state.users = ({"not json": object()},)
        response = client.get("/v2/users")

    assert (response.status_code, response.json()["type"]) == (500, "ServerError")
    assert "serializable" not in response.text
    assert "serializable" in caplog.text
