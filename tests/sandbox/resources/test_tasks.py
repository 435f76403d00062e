"""Tasks that respond with 202 until they are done."""

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
def test_a_task_is_pending_for_the_requested_number_of_polls(
    client: httpx.Client, body: dict[str, Any], polls: int, result: dict[str, int]
) -> None:
    """Each responds with 202; the next one with 200 and the result."""
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
def test_invalid_tasks_are_refused(client: httpx.Client, body: dict[str, Any]) -> None:
    """A task has a number of polls and a result, and nothing else."""
    response = client.post("/v2/sandbox-tasks", json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")


def test_an_unknown_task_is_not_found(client: httpx.Client) -> None:
    """With ResourceNotFound."""
    response = client.get("/v2/sandbox-tasks/none")

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")
