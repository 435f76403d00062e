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
    """Create a webhook, and give its id."""
    return str(client.post("/v2/webhooks", json=GOOD).json()["webhook_id"])


def fill(sandbox: Sandbox, webhook_id: str, count: int, **given: Any) -> list[str]:
    """Write requests down, and give their ids, the oldest first."""
    given = {"event_type": STATEMENTS, "event_data": None} | given
    return [
        webhook_log.record(sandbox.state, webhook_id, **given)["request_id"] for _ in range(count)
    ]


def ids(page: dict[str, Any]) -> list[str]:
    """Return the ids of a page's requests."""
    return [request["request_id"] for request in page["webhook_requests"]]


def test_a_webhook_is_created_with_every_field(client: httpx.Client) -> None:
    """The answer is 201 and the whole webhook; what is read-only is ignored in the request."""
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


def test_the_list_has_the_newest_first(client: httpx.Client) -> None:
    """All webhooks are in it; a name may be there twice."""
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
def test_a_field_that_is_wrong_is_named(
    client: httpx.Client, webhook: str, change: dict[str, Any], named: str
) -> None:
    """Creating and changing hold to the same rules."""
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
def test_a_callback_elsewhere_is_refused(client: httpx.Client, webhook: str, url: str) -> None:
    """When creating and when changing, and without a word of the address; nothing is changed."""
    before = client.get("/v2/webhooks").json()

    created = client.post("/v2/webhooks", json=GOOD | {"webhook_callback_url": url})
    changed = client.patch(f"/v2/webhooks/{webhook}", json={"webhook_callback_url": url})

    for refused in (created, changed):
        assert (refused.status_code, refused.json()["type"]) == (400, "InvalidRequest")
        assert refused.json()["detail"] == (
            "webhook_callback_url must be on loopback, such as https://127.0.0.1:8000/webhooks:"
            " the local Sikoia sends nothing elsewhere."
        )
    assert client.get("/v2/webhooks").json() == before


@pytest.mark.parametrize("name", ["webhook_name", "webhook_callback_url", "event_types"])
def test_a_field_that_is_needed_is_named(client: httpx.Client, name: str) -> None:
    """All but the reference are needed."""
    response = client.post("/v2/webhooks", json={key: GOOD[key] for key in GOOD.keys() - {name}})

    assert (response.status_code, response.json()["detail"]) == (400, f"{name} is required.")


def test_an_update_changes_what_it_names(client: httpx.Client, webhook: str) -> None:
    """Named fields change, null ones do not, and an empty string clears the reference."""
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
def test_an_update_names_a_field(client: httpx.Client, webhook: str, body: dict[str, Any]) -> None:
    """Nothing to change is a mistake."""
    assert client.patch(f"/v2/webhooks/{webhook}", json=body).status_code == 400


def test_a_deleted_webhook_takes_its_log_along(
    sandbox: Sandbox, client: httpx.Client, webhook: str
) -> None:
    """The answer is 204 without a body; from then on the webhook is known as deleted."""
    (request_id,) = fill(sandbox, webhook, 1)

    response = client.delete(f"/v2/webhooks/{webhook}")

    assert (response.status_code, response.content) == (204, b"")
    gone = client.get(f"/v2/webhooks/{webhook}/requests")
    assert (gone.status_code, gone.json()["type"]) == (404, "ResourceDeleted")
    assert {webhook, request_id} <= sandbox.state.deleted


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/requests")]
)
def test_a_webhook_that_never_was_is_not_found(
    client: httpx.Client, method: str, path: str
) -> None:
    """Every operation on an unknown id answers ResourceNotFound."""
    response = client.request(method, f"/v2/webhooks/{UNKNOWN}{path}", json={})

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")


def test_events_come_in_groups(client: httpx.Client) -> None:
    """Four groups, ten names in them, and a kind may stand below two others."""
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
    """Delivered ones know when; the others do not, and have no attempts before the first."""
    data = {"anything": ["at", "all"]}
    fill(sandbox, webhook, 1, event_data=data, codes=(500, 200), grouping_id="g-1")
    fill(sandbox, webhook, 1, status="Pending")

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


def test_the_log_is_walked_both_ways(sandbox: Sandbox, client: httpx.Client, webhook: str) -> None:
    """Addresses are absolute and lead to older and newer pages; at either end there is none."""
    newest_first = fill(sandbox, webhook, 51)[::-1]
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


def test_backward_gives_what_is_nearest(
    sandbox: Sandbox, client: httpx.Client, webhook: str
) -> None:
    """The page before a request holds those that came just after it; without one, the oldest."""
    newest_first = fill(sandbox, webhook, 40)[::-1]
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


def test_a_filter_holds_on_all_pages(sandbox: Sandbox, client: httpx.Client, webhook: str) -> None:
    """Its pages are full, its addresses carry it on, and it may begin at a request it hides."""
    written = [fill(sandbox, webhook, 1, status=one)[0] for one in ["Failed", "Complete"] * 30]
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
def test_a_parameter_that_is_wrong_is_refused(
    client: httpx.Client, webhook: str, query: dict[str, str], status: int
) -> None:
    """Words are of a closed set, and a request to begin at must be in the log."""
    response = client.get(f"/v2/webhooks/{webhook}/requests", params=query)

    assert response.status_code == status


def test_there_is_one_secret(client: httpx.Client) -> None:
    """It is made once, read often, rotated and deleted; then another one can be made."""
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


def test_the_words_are_no_ids(client: httpx.Client) -> None:
    """`event-types` and `secrets` are no webhooks, whatever one does to them."""
    assert client.delete("/v2/webhooks/event-types").status_code == 405
    assert client.patch("/v2/webhooks/secrets", json={}).status_code == 405
