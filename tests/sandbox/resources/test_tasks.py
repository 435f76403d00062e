"""A task that takes its time."""

from typing import Any

import httpx
import pytest


@pytest.mark.parametrize(
    ("body", "polls", "result"),
    [
        ({}, 2, {}),
        ({"polls": 0}, 0, {}),
        ({"polls": 3, "result": {"total": 1}}, 3, {"total": 1}),
        ({"polls": None, "result": None}, 2, {}),
    ],
)
def test_a_task_is_pending_for_as_many_looks_as_asked(
    client: httpx.Client, body: dict[str, Any], polls: int, result: dict[str, int]
) -> None:
    """Each look answers 202 until they are used up, then 200 and the result."""
    started = client.post("/v2/sandbox-tasks", json=body)
    path = started.headers["Location"]
    looks = [client.get(path) for _ in range(polls + 1)]

    task_id = started.json()["task_id"]
    assert started.status_code == 202
    assert path == f"/v2/sandbox-tasks/{task_id}"
    assert [look.status_code for look in looks] == [202] * polls + [200]
    for pending in (started, *looks[:-1]):
        assert pending.headers["Retry-After"] == "0"
        assert pending.json() == {"task_id": task_id, "status": "Pending"}
    assert looks[-1].json() == {"task_id": task_id, "status": "Complete", "result": result}


@pytest.mark.parametrize("body", [{"polls": -1}, {"polls": "2"}, {"result": []}, {"pols": 2}])
def test_a_task_asks_for_looks_and_a_result_only(
    client: httpx.Client, body: dict[str, Any]
) -> None:
    """Anything else is an invalid request."""
    response = client.post("/v2/sandbox-tasks", json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")


def test_a_task_that_never_was_is_not_found(client: httpx.Client) -> None:
    """An unknown id answers ResourceNotFound."""
    response = client.get("/v2/sandbox-tasks/none")

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")
