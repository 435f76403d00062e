"""The operations on registry data."""

from typing import Any

import httpx
import pytest
import spec

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SEVERAL = "Several Example Ltd"
REGISTRY = "/v2/company-registry-data"
ACME = {"company_name": "Acme Example", "company_number": "12345678", "jurisdiction_code": "GB"}


def company(client: httpx.Client, **changes: str | None) -> str:
    """Create a case with a company, and return the company's id."""
    case = {"name": "Loan", "case_type": "Business", "companies": [{**ACME, **changes}]}
    company_id: str = client.post("/v2/cases", json=case).json()["companies"][0]["company_id"]
    return company_id


def request_data(client: httpx.Client, company_id: str, **body: str) -> Any:
    """Request registry data, and return the response."""
    return client.post(REGISTRY, json={"company_id": company_id, **body}).json()


def violations(method: str, path: str, response: Any) -> list[str]:
    """Return where a response differs from the specification."""
    responses = spec.operation(method, path).responses.items()
    schema = next(result["schema"] for status, result in responses if status < 300)
    return spec.violations(schema, response)


@pytest.mark.parametrize("number", ["12345678", "99000005"], ids=["active", "closed"])
def test_responses_have_every_field(client: httpx.Client, number: str) -> None:
    """All fields of the specification and no others."""
    company_id = company(client, company_number=number)
    requested = request_data(client, company_id)
    picklist = request_data(client, company_id, company_name=SEVERAL)
    report = client.get(f"{REGISTRY}/{requested['request_id']}").json()
    listed = client.get(f"/v2/companies/{company_id}/registry-data").json()
    search = {"company_name": SEVERAL, "country_code": "GB"}
    result = client.post(f"{REGISTRY}/search", json=search).json()

    assert violations("POST", REGISTRY, requested) == []
    assert violations("POST", REGISTRY, picklist) == []
    assert violations("GET", f"{REGISTRY}/{{request_id}}", report) == []
    assert violations("GET", "/v2/companies/{company_id}/registry-data", listed) == []
    assert violations("POST", f"{REGISTRY}/search", result) == []


def test_the_details_of_the_company_are_used(client: httpx.Client) -> None:
    """The response is a 201; the data is returned by a GET."""
    company_id = company(client)

    response = client.post(REGISTRY, json={"company_id": company_id})

    assert response.status_code == 201
    requested = response.json()
    assert requested == {
        "request_id": requested["request_id"],
        "status": "Complete",
        "company_id": company_id,
        "datetime_requested": requested["datetime_requested"],
        "message": None,
        "company_number": "12345678",
        "company_name": "Acme Example",
        "country_code": "GB",
        "picklist": [],
    }
    report = client.get(f"{REGISTRY}/{requested['request_id']}").json()
    assert report["data"]["company_number"] == "12345678"
    assert report["picklist"] == []


def test_requests_are_listed_newest_first(client: httpx.Client) -> None:
    """Without data and picklists."""
    company_id = company(client)
    older, newer = (request_data(client, company_id) for _ in range(2))

    response = client.get(f"/v2/companies/{company_id}/registry-data").json()

    assert response["company_id"] == company_id
    ids = [one["request_id"] for one in response["registry_data_requests"]]
    assert ids == [newer["request_id"], older["request_id"]]


@pytest.mark.parametrize("number", ["12345678", "99000005"], ids=["active", "closed"])
def test_a_number_always_has_the_same_data(client: httpx.Client, number: str) -> None:
    """In cases and in all requests."""
    added = {**ACME, "company_number": number, "registry_search": True, "add_directors": True}
    case = {"name": "Loan", "case_type": "Business", "companies": [added]}
    created = client.post("/v2/cases", json=case).json()
    mine = created["companies"][0]
    first, again = (
        client.get(f"{REGISTRY}/{request_data(client, company_id)['request_id']}").json()["data"]
        for company_id in (mine["company_id"], company(client, company_number=number))
    )

    assert first == again
    assert first["status"] == mine["status"]
    people = first["officers"]["people"]
    assert len(people) == mine["number_of_officers"]
    assert [one["full_name"] for one in people] == [one["name"] for one in created["persons"]]
    assert sum(map(len, first["owners"].values())) == mine["number_of_owners"]


def test_details_in_the_request_take_precedence(client: httpx.Client) -> None:
    """Number, name and country override those of the company."""
    given = {"company_number": "87654321", "company_name": "Other Example", "country_code": "US"}

    response = request_data(client, company(client), **given)

    assert response.items() >= given.items()


def test_the_jurisdiction_gives_the_country(client: httpx.Client) -> None:
    """Its first two letters."""
    response = request_data(client, company(client, jurisdiction_code="US_DE"))

    assert response["country_code"] == "US"


def test_a_request_for_an_unregistered_company_fails(client: httpx.Client) -> None:
    """The response is a 201 with the status Failed and a message."""
    response = request_data(client, company(client), company_number="99000004")

    assert response["status"] == "Failed"
    assert response["message"]
    assert client.get(f"{REGISTRY}/{response['request_id']}").json()["data"] is None


@pytest.mark.parametrize(
    ("own", "given", "missing"),
    [
        ({"company_number": None}, {}, "company_number"),
        ({"jurisdiction_code": None}, {}, "country_code"),
        ({"jurisdiction_code": None}, {"company_name": "Acme"}, "country_code"),
    ],
)
def test_missing_details_are_refused(
    client: httpx.Client, own: dict[str, None], given: dict[str, str], missing: str
) -> None:
    """If neither the request nor the company has them, with 422."""
    body = {"company_id": company(client, **own), **given}

    response = client.post(REGISTRY, json=body)

    assert response.status_code == 422
    assert response.json()["type"] == "UnprocessableRequest"
    assert missing in response.json()["detail"]


@pytest.mark.parametrize(
    ("own", "given"),
    [({}, {"company_name": SEVERAL}), ({"company_name": SEVERAL}, {})],
    ids=["requested for", "its own"],
)
def test_a_picklist_can_be_resolved(
    client: httpx.Client, own: dict[str, str], given: dict[str, str]
) -> None:
    """Three companies match; choosing one creates a new, complete request."""
    company_id = company(client, **own)
    requested = request_data(client, company_id, **given)
    picked = requested["picklist"][1]
    body = {"request_id": requested["request_id"], "picklist_index": picked["index"]}

    response = client.post(f"{REGISTRY}/picklist", json=body)

    assert (requested["status"], len(requested["picklist"])) == ("TooManyResults", 3)
    assert response.status_code == 201
    resolved = response.json()
    assert (resolved["status"], resolved["picklist"]) == ("Complete", [])
    assert resolved["request_id"] != requested["request_id"]
    assert resolved["company_id"] == company_id
    result = client.get(f"{REGISTRY}/{resolved['request_id']}").json()["data"]
    shared = ("company_name", "company_number", "date_established", "official_address")
    assert {name: result[name] for name in shared} == {name: picked[name] for name in shared}
    assert len(client.get(f"/v2/companies/{company_id}/registry-data").json()) == 2


def test_only_a_picklist_can_be_resolved(client: httpx.Client) -> None:
    """Without a picklist, or with an unknown index or id, the response is a 400."""
    company_id = company(client)
    complete = request_data(client, company_id)["request_id"]
    open_ = request_data(client, company_id, company_name=SEVERAL)["request_id"]

    responses = [
        client.post(f"{REGISTRY}/picklist", json={"request_id": one, "picklist_index": index})
        for one, index in ((complete, 1), (open_, 0), (UNKNOWN, 1), (open_, -1))
    ]

    assert [one.status_code for one in responses] == [400] * 4
    details = [one.json()["detail"] for one in responses]
    assert "did not produce picklist" in details[0]
    assert all("picklist_index" in details[index] for index in (1, 3))
    assert "request_id" in details[2]


def test_a_search_finds_the_companies_of_the_picklist(client: httpx.Client) -> None:
    """The same three companies, one of them closed."""
    body = {"company_name": SEVERAL, "jurisdiction_code": "GB", "company_id": company(client)}

    response = client.post(f"{REGISTRY}/search", json=body)

    assert response.status_code == 200
    assert (
        response.json() == request_data(client, company(client), company_name=SEVERAL)["picklist"]
    )
    assert [one["company_status"] for one in response.json()] == ["Active", "Active", "Closed"]


def test_a_search_can_be_narrowed(client: httpx.Client) -> None:
    """Closed companies can be excluded, and the number of results limited."""
    body = {"company_name": SEVERAL, "country_code": "GB"}

    active = client.post(f"{REGISTRY}/search", json={**body, "exclude_inactive": True}).json()
    one = client.post(f"{REGISTRY}/search", json=body, params={"items_per_page": 1}).json()

    assert [one["company_status"] for one in active] == ["Active", "Active"]
    assert one == active[:1]


def test_the_jurisdiction_takes_precedence_over_the_country(client: httpx.Client) -> None:
    """If a search has both."""
    body = {"company_name": "Acme", "country_code": "GB", "jurisdiction_code": "US_DE"}

    result = client.post(f"{REGISTRY}/search", json=body).json()

    assert {one["country_code"] for one in result} == {"US"}


def test_a_search_without_matches_is_not_found(client: httpx.Client) -> None:
    """The response is a 404."""
    body = {"company_name": "Unregistered Example Ltd", "country_code": "GB"}

    response = client.post(f"{REGISTRY}/search", json=body)

    assert response.status_code == 404
    assert response.json()["type"] == "ResourceNotFound"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (REGISTRY, {"company_id": UNKNOWN}, "company_id"),
        (REGISTRY, {}, "company_id"),
        (REGISTRY, {"company_id": UNKNOWN, "country_code": "ZZ"}, "country_code"),
        (REGISTRY, {"company_id": UNKNOWN, "country_code": "UK"}, "country_code"),
        (
            f"{REGISTRY}/search",
            {"company_name": "A", "jurisdiction_code": "UK"},
            "jurisdiction_code",
        ),
        (REGISTRY, {"company_id": UNKNOWN, "provider_id": "1"}, "provider_id"),
        (f"{REGISTRY}/picklist", {"request_id": UNKNOWN}, "picklist_index"),
        (f"{REGISTRY}/search", {"country_code": "GB"}, "company_name"),
        (f"{REGISTRY}/search", {"company_name": "Acme"}, "jurisdiction_code"),
        (f"{REGISTRY}/search", {"company_name": "Acme", "country_code": "gbr"}, "country_code"),
        (
            f"{REGISTRY}/search",
            {"company_name": "Acme", "country_code": "GB", "company_id": UNKNOWN},
            "company_id",
        ),
        (
            f"{REGISTRY}/search?items_per_page=0",
            {"company_name": "Acme", "country_code": "GB"},
            "items_per_page",
        ),
        (
            f"{REGISTRY}/search?items_per_page=some",
            {"company_name": "Acme", "country_code": "GB"},
            "items_per_page",
        ),
    ],
)
def test_invalid_requests_are_refused(
    client: httpx.Client, path: str, body: dict[str, str], field: str
) -> None:
    """The detail names the field."""
    response = client.post(path, json=body)

    assert response.status_code == 400
    assert field in response.json()["detail"]


def test_requests_are_deleted_with_their_company(client: httpx.Client, case: str) -> None:
    """A GET responds with 404, a POST with 400."""
    added = client.post(f"{case}/entities", json={"companies": [ACME]}).json()
    company_id = added["companies"][0]["company_id"]
    requested = request_data(client, company_id, company_name=SEVERAL)["request_id"]
    client.delete(case)

    deleted = [
        client.get(f"{REGISTRY}/{requested}"),
        client.get(f"/v2/companies/{company_id}/registry-data"),
        client.post(REGISTRY, json={"company_id": company_id}),
        client.post(f"{REGISTRY}/picklist", json={"request_id": requested, "picklist_index": 1}),
    ]

    assert [one.status_code for one in deleted] == [404, 404, 400, 400]
    assert [one.json()["type"] for one in deleted[:2]] == ["ResourceDeleted"] * 2
