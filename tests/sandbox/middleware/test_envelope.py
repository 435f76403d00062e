"""Correlation ids and the error envelope."""

from collections.abc import Callable
from uuid import UUID

import httpx
import pytest

from sikoia_async.sandbox import Sandbox, Wire


def test_a_well_formed_correlation_id_is_echoed(client: httpx.Client) -> None:
    """In the header, and in the body of an error."""
    response = client.get("/v2/nowhere", headers={"X-Correlation-Id": "trace-1.a_B"})

    assert response.headers["X-Correlation-Id"] == "trace-1.a_B"
    assert response.json()["correlation_id"] == "trace-1.a_B"


@pytest.mark.parametrize("given", ["", "two words", "x" * 129], ids=["none", "space", "long"])
def test_any_other_correlation_id_is_replaced(client: httpx.Client, given: str) -> None:
    """By a new UUID."""
    response = client.get("/v2/users", headers={"X-Correlation-Id": given})

    assert UUID(response.headers["X-Correlation-Id"]).version == 4


def test_echoing_can_be_switched_off(connect: Callable[[Sandbox], httpx.Client]) -> None:
    """Every response then has a new id."""
    with Sandbox(wire=Wire(echo_correlation=False)) as sandbox:
        client = connect(sandbox)
        response = client.get("/v2/users", headers={"X-Correlation-Id": "mine"})

    assert UUID(response.headers["X-Correlation-Id"]).version == 4


def test_errors_have_the_documented_envelope(client: httpx.Client) -> None:
    """With five fields; its status is that of the response."""
    response = client.get("/v2/nowhere")

    assert response.json() == {
        "type": "ResourceNotFound",
        "status": 404,
        "title": "Resource Not Found",
        "detail": "There is nothing at /v2/nowhere.",
        "correlation_id": response.headers["X-Correlation-Id"],
    }


def test_a_bug_in_a_handler_is_logged(
    connect: Callable[[Sandbox], httpx.Client], caplog: pytest.LogCaptureFixture
) -> None:
    """The response is a 500 without details."""
    with Sandbox() as sandbox:
        client = connect(sandbox)
        sandbox.state.users = ({"not json": object()},)
        response = client.get("/v2/users")

    assert (response.status_code, response.json()["type"]) == (500, "ServerError")
    assert "serializable" not in response.text
    assert "serializable" in caplog.text
