"""The operations on webhooks, their secret and their log."""

from typing import Any

import httpx
import pytest

from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.resources import webhook_log

UNKNOWN = "00000000-0000-4000-8000-000000000000"
STATEMENTS = "BankStatementProcessing.Completed"
GOOD: dict[str, Any] = {
    "webhook_name": "Statements",
    "webhook_callback_url": "https://127.0.0.1:1/hook?part=1",
    "external_ref": "R1",
    "event_types": [STATEMENTS],
}


@pytest.fixture
def webhook(client: httpx.Client) -> str:
    """Create a webhook, and return its id."""
    return str(client.post("/v2/webhooks", json=GOOD).json()["webhook_id"])


def log_requests(sandbox: Sandbox, webhook_id: str, count: int, **given: Any) -> list[str]:
    """Log requests, and return their ids, oldest first."""
    given = {"event_type": STATEMENTS, "event_data": None} | given
    return [
        webhook_log.record(sandbox.state, webhook_id, **given)["request_id"] for _ in range(count)
    ]


def ids(page: dict[str, Any]) -> list[str]:
    """Return the ids of the requests on a page."""
    return [request["request_id"] for request in page["webhook_requests"]]


def test_a_webhook_is_created_with_every_field(client: httpx.Client) -> None:
    """The response is a 201; read-only fields in the request are ignored."""
    sent = GOOD | {"webhook_id": "mine", "datetime_created": None}

    response = client.post("/v2/webhooks", json=sent)

    assert response.status_code == 201
    created = response.json()
    now = created["datetime_created"]
    assert now.endswith("+00:00")
    assert created == GOOD | {
        "webhook_id": created["webhook_id"],
        "datetime_created": now,
        "datetime_updated": now,
    }
    assert created["webhook_id"] != "mine"
    assert client.get(f"/v2/webhooks/{created['webhook_id']}").json() == created


def test_webhooks_are_listed_newest_first(client: httpx.Client) -> None:
    """Two of them may have the same name."""
    first, second = (client.post("/v2/webhooks", json=GOOD).json() for _ in range(2))

    assert client.get("/v2/webhooks").json()[:2] == [second, first]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"webhook_name": ""}, "webhook_name"),
        ({"webhook_name": "n" * 51}, "webhook_name"),
        ({"webhook_callback_url": "https://"}, "webhook_callback_url"),
        ({"webhook_callback_url": "/hook"}, "webhook_callback_url"),
        ({"webhook_callback_url": "https://127.0.0.1/a b"}, "webhook_callback_url"),
        ({"webhook_callback_url": "https://127.0.0.1/".ljust(2049, "p")}, "webhook_callback_url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": STATEMENTS}, "event_types"),
        ({"event_types": [STATEMENTS, "Weather.Changed"]}, "event_types[1]"),
        ({"external_ref": 1}, "external_ref"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_invalid_fields_are_refused(
    client: httpx.Client, webhook: str, change: dict[str, Any], named: str
) -> None:
    """The rules for creating and updating are the same."""
    created = client.post("/v2/webhooks", json=GOOD | change)
    updated = client.patch(f"/v2/webhooks/{webhook}", json=change)

    for response in (created, updated):
        assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
        assert response.json()["detail"].startswith(f"{named} ")


@pytest.mark.parametrize(
    "url",
    [
        "https://receiver.example/hook",
        "http://receiver.example/hook",
        "https://127.0.0.1.receiver.example",
        "https://localhost.receiver.example",
        "https://10.0.0.1/",
        "https://0.0.0.0/",
        "https://[::]/",
        "https://xn--/",
        "https://127.0.0.1:99999/",
        "https://127.0.0.1:port/",
    ],
)
def test_callbacks_have_to_be_on_loopback(client: httpx.Client, webhook: str, url: str) -> None:
    """The refusal does not repeat the URL, and nothing is changed."""
    before = client.get("/v2/webhooks").json()

    created = client.post("/v2/webhooks", json=GOOD | {"webhook_callback_url": url})
    changed = client.patch(f"/v2/webhooks/{webhook}", json={"webhook_callback_url": url})

    for refused in (created, changed):
        assert (refused.status_code, refused.json()["type"]) == (400, "InvalidRequest")
        assert refused.json()["detail"] == (
            "webhook_callback_url must be on loopback, such as https://localhost/webhooks:"
            " the local Sikoia sends nothing elsewhere."
        )
    assert client.get("/v2/webhooks").json() == before


@pytest.mark.parametrize("name", ["webhook_name", "webhook_callback_url", "event_types"])
def test_missing_fields_are_refused(client: httpx.Client, name: str) -> None:
    """All except the reference are required."""
    response = client.post("/v2/webhooks", json={key: GOOD[key] for key in GOOD.keys() - {name}})

    assert (response.status_code, response.json()["detail"]) == (400, f"{name} is required.")


def test_an_update_changes_the_fields_it_sends(client: httpx.Client, webhook: str) -> None:
    """Null fields stay, and an empty string clears the reference."""
    before = client.get(f"/v2/webhooks/{webhook}").json()

    change = {"webhook_name": "Renamed", "external_ref": "", "event_types": None}
    response = client.patch(f"/v2/webhooks/{webhook}", json=change)

    assert response.status_code == 200
    after = response.json()
    assert after["datetime_updated"] >= before["datetime_updated"]
    assert after == before | {
        "webhook_name": "Renamed",
        "external_ref": None,
        "datetime_updated": after["datetime_updated"],
    }


@pytest.mark.parametrize("body", [{}, {"webhook_name": None}])
def test_an_empty_update_is_refused(
    client: httpx.Client, webhook: str, body: dict[str, Any]
) -> None:
    """It needs at least one field."""
    assert client.patch(f"/v2/webhooks/{webhook}", json=body).status_code == 400


def test_the_log_is_deleted_with_its_webhook(
    sandbox: Sandbox, client: httpx.Client, webhook: str
) -> None:
    """The response is a 204; later requests say that the webhook was deleted."""
    (request_id,) = log_requests(sandbox, webhook, 1)

    response = client.delete(f"/v2/webhooks/{webhook}")

    assert (response.status_code, response.content) == (204, b"")
    deleted = client.get(f"/v2/webhooks/{webhook}/requests")
    assert (deleted.status_code, deleted.json()["type"]) == (404, "ResourceDeleted")
    assert {webhook, request_id} <= sandbox.state.deleted


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/requests")]
)
def test_an_unknown_webhook_is_not_found(client: httpx.Client, method: str, path: str) -> None:
    """By any operation."""
    response = client.request(method, f"/v2/webhooks/{UNKNOWN}{path}", json={})

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")


def test_event_types_are_grouped(client: httpx.Client) -> None:
    """Four groups with ten names; one type can have two parents."""
    groups = client.get("/v2/webhooks/event-types").json()

    def names(kinds: list[dict[str, Any]]) -> list[str]:
        return [
            name for kind in kinds for name in (kind["event_name"], *names(kind["event_types"]))
        ]

    assert [group["event_group_name"] for group in groups] == [
        "Document Lifecycle", "Banking", "Identity Verification", "Insights"
    ]  # fmt: skip
    everything = [name for group in groups for name in names(group["event_types"])]
    assert (len(everything), len(set(everything))) == (11, 10)
    assert everything.count(STATEMENTS) == 2
    body = GOOD | {"event_types": everything}
    assert client.post("/v2/webhooks", json=body).status_code == 201


def test_a_request_has_every_field(sandbox: Sandbox, client: httpx.Client, webhook: str) -> None:
    """Delivered requests have a time; others do not, and may have no attempts yet."""
    data = {"anything": ["at", "all"]}
    log_requests(sandbox, webhook, 1, event_data=data, codes=(500, 200), grouping_id="g-1")
    log_requests(sandbox, webhook, 1, status="Pending")

    pending, done = client.get(f"/v2/webhooks/{webhook}/requests").json()["webhook_requests"]

    attempts = done["request_attempts"]
    assert done == {
        "request_id": done["request_id"],
        "grouping_id": "g-1",
        "event_type": STATEMENTS,
        "webhook_callback_url": GOOD["webhook_callback_url"],
        "datetime_created": done["datetime_created"],
        "event_data": data,
        "webhook_event_status": "Complete",
        "request_attempts": attempts,
    }
    assert done["datetime_created"] >= attempts[1]["datetime_created"]
    assert [attempt["http_response_code"] for attempt in attempts] == [500, 200]
    assert attempts[0]["attempt_id"] != attempts[1]["attempt_id"]
    assert (pending["datetime_created"], pending["request_attempts"]) == (None, [])
    assert pending["grouping_id"] != done["grouping_id"]


def test_the_log_can_be_paged_both_ways(
    sandbox: Sandbox, client: httpx.Client, webhook: str
) -> None:
    """Page URLs are absolute and null at either end."""
    newest_first = log_requests(sandbox, webhook, 51)[::-1]
    url = f"/v2/webhooks/{webhook}/requests"

    first = client.get(url).json()
    second = client.get(first["pagination_meta_data"]["next_page_url"]).json()
    third = client.get(second["pagination_meta_data"]["next_page_url"]).json()
    back = client.get(third["pagination_meta_data"]["previous_page_url"]).json()

    assert [ids(page) for page in (first, second, third)] == [
        newest_first[:25], newest_first[25:50], newest_first[50:]
    ]  # fmt: skip
    assert back == second
    assert first["pagination_meta_data"]["previous_page_url"] is None
    assert third["pagination_meta_data"] == {
        "next_page_url": None,
        "previous_page_url": third["pagination_meta_data"]["previous_page_url"],
        "page_size": 25,
        "page_count": 1,
    }
    address = httpx.URL(first["pagination_meta_data"]["next_page_url"])
    assert address.copy_with(query=None) == httpx.URL(f"{sandbox.url}{url}")
    assert dict(address.params) == {
        "after_request_id": newest_first[24],
        "pagination_direction": "Forward",
    }


def test_a_backward_page_is_adjacent_to_its_anchor(
    sandbox: Sandbox, client: httpx.Client, webhook: str
) -> None:
    """Without an anchor, it is the page of the oldest requests."""
    newest_first = log_requests(sandbox, webhook, 40)[::-1]
    query = {"pagination_direction": "Backward"}
    url = f"/v2/webhooks/{webhook}/requests"

    oldest = client.get(url, params=query).json()
    before = client.get(url, params=query | {"after_request_id": newest_first[30]}).json()
    empty = client.get(url, params=query | {"after_request_id": newest_first[0]}).json()

    assert ids(oldest) == newest_first[15:]
    assert ids(before) == newest_first[5:30]
    assert empty == {
        "pagination_meta_data": {
            "next_page_url": None,
            "previous_page_url": None,
            "page_size": 25,
            "page_count": 0,
        },
        "webhook_requests": [],
    }


def test_a_filter_applies_to_all_pages(
    sandbox: Sandbox, client: httpx.Client, webhook: str
) -> None:
    """Pages are full, their URLs keep the filter, and the anchor may be a hidden request."""
    written = [
        log_requests(sandbox, webhook, 1, status=one)[0] for one in ["Failed", "Complete"] * 30
    ]
    failed, hidden = written[::2], written[-1]
    url = f"/v2/webhooks/{webhook}/requests"

    query = {"event_status": "Failed", "after_request_id": hidden}
    first = client.get(url, params=query).json()
    second = client.get(first["pagination_meta_data"]["next_page_url"]).json()

    assert ids(first) + ids(second) == failed[::-1]
    assert [len(ids(page)) for page in (first, second)] == [25, 5]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"event_status": "Lost"}, 400),
        ({"pagination_direction": "Sideways"}, 400),
        ({"after_request_id": UNKNOWN}, 404),
    ],
)
def test_invalid_parameters_are_refused(
    client: httpx.Client, webhook: str, query: dict[str, str], status: int
) -> None:
    """Unknown words, and an anchor that is not in the log."""
    response = client.get(f"/v2/webhooks/{webhook}/requests", params=query)

    assert response.status_code == status


def test_a_page_after_a_request_of_another_webhook_is_not_found(
    sandbox: Sandbox, client: httpx.Client, webhook: str
) -> None:
    """Each webhook has its own log."""
    other = str(client.post("/v2/webhooks", json=GOOD).json()["webhook_id"])
    (request_id,) = log_requests(sandbox, other, 1)
    query = {"after_request_id": request_id}

    assert client.get(f"/v2/webhooks/{webhook}/requests", params=query).status_code == 404


def test_there_is_one_secret(client: httpx.Client) -> None:
    """It can be created, read, rotated and deleted, and then created again."""
    url = "/v2/webhooks/secrets"
    missing = [client.get(url), client.delete(url), client.patch(f"{url}/rotate")]

    created = client.post(url)
    second = client.post(url)
    read = client.get(url)
    rotated = client.patch(f"{url}/rotate")
    after = client.get(url)
    deleted = client.delete(url)
    again = client.post(url)

    assert [one.status_code for one in missing] == [404, 404, 404]
    assert {one.json()["type"] for one in missing} == {"ResourceNotFound"}
    assert (created.status_code, read.status_code, rotated.status_code) == (201, 200, 200)
    problem = second.json()
    assert (second.status_code, problem["type"]) == (409, "UnprocessableRequest")
    assert problem["title"] == "Cannot create multiple webhook secrets"
    assert read.json() == created.json()
    assert created.json().keys() == {"shared_key", "date_created", "date_updated"}
    assert created.json()["date_created"].endswith("Z")
    assert rotated.json()["shared_key"] != created.json()["shared_key"]
    assert rotated.json()["date_created"] == created.json()["date_created"]
    assert after.json() == rotated.json()
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert again.status_code == 201
    assert again.json()["shared_key"] not in {
        created.json()["shared_key"],
        rotated.json()["shared_key"],
    }


def test_literal_paths_are_not_ids(client: httpx.Client) -> None:
    """`event-types` and `secrets` are never taken for the id of a webhook."""
    assert client.delete("/v2/webhooks/event-types").status_code == 405
    assert client.patch("/v2/webhooks/secrets", json={}).status_code == 405
