"""The operations on credit reports."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import spec

from sikoia_async.sandbox import Sandbox

UNKNOWN = "00000000-0000-4000-8000-000000000000"
CURRENT_ASSETS = ("total_inventories", "total_receivables", "cash", "other_current_assets")
EQUITY = ("called_up_share_capital", "share_premium", "revenue_reserves", "other_reserves")
ACME = {"company_name": "Acme Example Ltd", "company_number": "12345678", "jurisdiction_code": "GB"}


def _company(client: httpx.Client, **changes: str | None) -> str:
    """Create a company in a new case, and return its id."""
    body = {"name": "Loan", "case_type": "Business", "companies": [ACME | changes]}
    company_id: str = client.post("/v2/cases", json=body).json()["companies"][0]["company_id"]
    return company_id


def _request(client: httpx.Client, company_id: str, **more: str) -> dict[str, Any]:
    body = {"company_id": company_id, **more}
    response = client.post("/v2/company-credit-reports", json=body)
    assert response.status_code == 201
    created: dict[str, Any] = response.json()
    return created


def _report(client: httpx.Client, company_id: str) -> dict[str, Any]:
    created = _request(client, company_id)
    result: dict[str, Any] = client.get(
        f"/v2/company-credit-reports/{created['request_id']}"
    ).json()
    return result


def test_a_request_is_complete_at_once(client: httpx.Client) -> None:
    """The company is enough, if it has a number and a jurisdiction."""
    company_id = _company(client, jurisdiction_code="US_DE")

    created = _request(client, company_id)

    assert created == {
        "request_id": created["request_id"],
        "status": "Complete",
        "company_id": company_id,
        "datetime_requested": created["datetime_requested"],
        "message": None,
        "company_number": "12345678",
        "company_name": "Acme Example Ltd",
        "country_code": "US",
        "provider_id": None,
        "picklist": [],
    }


def test_a_report_is_returned_by_id(client: httpx.Client) -> None:
    """With the request's fields, and always the same."""
    company_id = _company(client)
    first, second = _report(client, company_id), _report(client, company_id)

    assert first["request_id"] != second["request_id"]
    assert first["data"] == second["data"]
    assert first["data"]["company_information"]["company_name"] == "Acme Example Ltd"


def test_requests_are_listed_newest_first(client: httpx.Client) -> None:
    """Without data and picklists, and with the company's id only once."""
    company_id = _company(client)
    older, newer = _request(client, company_id), _request(client, company_id)

    result = client.get(f"/v2/companies/{company_id}/credit-reports").json()

    assert result["company_id"] == company_id
    assert [one["request_id"] for one in result["credit_report_requests"]] == [
        newer["request_id"],
        older["request_id"],
    ]
    assert result["credit_report_requests"][0].keys() == newer.keys() - {"company_id", "picklist"}


def test_details_in_the_request_take_precedence(client: httpx.Client) -> None:
    """The report is about the company in the request, but listed under the entity."""
    company_id = _company(client)
    named = {"company_number": "87654321", "company_name": "Other Example", "country_code": "FR"}

    created = _request(client, company_id, **named)

    assert created.items() >= named.items()
    assert (created["status"], created["company_id"]) == ("Complete", company_id)


@pytest.mark.parametrize("missing", ["company_number", "jurisdiction_code"])
def test_missing_details_are_refused(client: httpx.Client, missing: str) -> None:
    """The refusal names what is missing."""
    company_id = _company(client, **{missing: None})

    response = client.post("/v2/company-credit-reports", json={"company_id": company_id})

    assert (response.status_code, response.json()["type"]) == (422, "UnprocessableRequest")
    assert missing.replace("jurisdiction", "country") in response.json()["detail"]


@pytest.mark.parametrize(
    ("missing", "given"),
    [
        ("company_number", {"company_number": "12345678"}),
        ("jurisdiction_code", {"country_code": "GB"}),
        ("company_number", {"provider_id": "GB-0000001"}),
    ],
)
def test_the_request_can_complete_the_details(
    client: httpx.Client, missing: str, given: dict[str, str]
) -> None:
    """A provider id is enough as well."""
    created = _request(client, _company(client, **{missing: None}), **given)

    assert created["status"] == "Complete"


def test_a_provider_id_is_enough(client: httpx.Client) -> None:
    """Without a country, the report has that of the United Kingdom."""
    company_id = _company(client, jurisdiction_code=None)
    created = _request(client, company_id, provider_id="P-1")

    result = client.get(f"/v2/company-credit-reports/{created['request_id']}").json()

    assert (result["provider_id"], result["country_code"]) == ("P-1", None)
    assert result["data"]["company_information"]["country_code"] == "GB"


def test_a_request_for_an_unknown_company_fails(client: httpx.Client) -> None:
    """It is stored with a message and without data."""
    result = _report(client, _company(client, company_number="99000004"))

    assert (result["status"], result["data"]) == ("Failed", None)
    assert "no such company" in result["message"]


@pytest.mark.parametrize(
    ("company", "given"),
    [
        ({}, {"company_name": "Several Example Ltd"}),
        ({"company_name": "Several Example Ltd"}, {}),
        ({"company_number": None}, {"company_name": "Several Example Ltd"}),
    ],
)
def test_a_name_with_several_matches_gives_a_picklist(
    client: httpx.Client, company: dict[str, str | None], given: dict[str, str]
) -> None:
    """Whether the request or the company has the name."""
    created = _request(client, _company(client, **company), **given)

    assert created["status"] == "TooManyResults"
    assert [match["index"] for match in created["picklist"]] == [1, 2, 3]
    assert created["picklist"][0].keys() == {
        "index",
        "company_number",
        "company_name",
        "country_code",
        "provider_id",
        "status",
        "branch",
        "official_address",
        "vat_number",
    }


def test_a_picklist_is_resolved_by_a_new_request(client: httpx.Client) -> None:
    """It is about the chosen company, and both requests are listed."""
    company_id = _company(client)
    earlier = _request(client, company_id, company_name="Several Example Ltd")
    match = earlier["picklist"][1]
    body = {"request_id": earlier["request_id"], "picklist_index": match["index"]}

    response = client.post("/v2/company-credit-reports/picklist", json=body)

    assert response.status_code == 201
    created = response.json()
    assert (created["status"], created["picklist"]) == ("Complete", [])
    assert {name: created[name] for name in ("company_name", "company_number", "provider_id")} == {
        name: match[name] for name in ("company_name", "company_number", "provider_id")
    }
    listed = client.get(f"/v2/companies/{company_id}/credit-reports").json()
    assert [one["status"] for one in listed["credit_report_requests"]] == [
        "Complete",
        "TooManyResults",
    ]


@pytest.mark.parametrize(
    ("given", "index"), [({}, 1), ({"company_name": "Several Example Ltd"}, 9)]
)
def test_an_unknown_item_is_refused(
    client: httpx.Client, given: dict[str, str], index: int
) -> None:
    """And so is a request without a picklist."""
    created = _request(client, _company(client), **given)
    body = {"request_id": created["request_id"], "picklist_index": index}

    response = client.post("/v2/company-credit-reports/picklist", json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert "picklist" in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("", {}, "company_id"),
        ("", {"company_id": UNKNOWN}, "company_id"),
        ("", {"company_id": UNKNOWN, "country_code": "Utopia"}, "country_code"),
        ("", {"company_id": UNKNOWN, "company_number": 1}, "company_number"),
        ("", {"company_id": UNKNOWN, "CompanyId": UNKNOWN}, "CompanyId"),
        ("/picklist", {"request_id": UNKNOWN, "picklist_index": 0}, "request_id"),
        ("/picklist", {"request_id": UNKNOWN, "picklist_index": -1}, "picklist_index"),
        ("/picklist", {"request_id": UNKNOWN}, "picklist_index"),
    ],
)
def test_invalid_requests_are_refused(
    client: httpx.Client, path: str, body: dict[str, Any], named: str
) -> None:
    """With 400 and the name of the field, even for unknown ids."""
    response = client.post(f"/v2/company-credit-reports{path}", json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert named in response.json()["detail"]


@pytest.mark.parametrize(
    "path", [f"companies/{UNKNOWN}/credit-reports", f"company-credit-reports/{UNKNOWN}"]
)
def test_unknown_ids_in_the_path_are_not_found(client: httpx.Client, path: str) -> None:
    """With 404."""
    response = client.get(f"/v2/{path}")

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")


def test_reports_are_deleted_with_their_company(client: httpx.Client) -> None:
    """And so are the list and the picklist."""
    body = {"name": "Loan", "case_type": "Business", "companies": [ACME]}
    case = client.post("/v2/cases", json=body).json()
    company_id = case["companies"][0]["company_id"]
    created = _request(client, company_id, company_name="Several Example Ltd")
    client.delete(f"/v2/cases/{case['case_id']}")
    chosen = {"request_id": created["request_id"], "picklist_index": 1}

    deleted = client.get(f"/v2/company-credit-reports/{created['request_id']}")
    unlisted = client.get(f"/v2/companies/{company_id}/credit-reports")
    refused = client.post("/v2/company-credit-reports/picklist", json=chosen)

    assert (deleted.status_code, deleted.json()["type"]) == (404, "ResourceDeleted")
    assert (unlisted.status_code, refused.status_code) == (404, 400)


@pytest.mark.parametrize("name", ["Acme Example Ltd", "Insolvent Example Ltd"])
def test_a_report_has_every_field_of_the_specification(client: httpx.Client, name: str) -> None:
    """Unknown fields are null, and there are no others."""
    operation = spec.operation("GET", "/v2/company-credit-reports/{request_id}")

    result = _report(client, _company(client, company_name=name))

    assert spec.violations(operation.responses[200]["schema"], result) == []


def test_insolvent_companies_have_a_bad_rating(client: httpx.Client) -> None:
    """No credit limit, a loss, and debts."""
    sound = _report(client, _company(client))["data"]
    weak = _report(client, _company(client, company_name="Insolvent Example Ltd"))["data"]

    assert weak["credit_rating"]["credit_limit"] < sound["credit_rating"]["credit_limit"]
    assert int(weak["credit_rating"]["local_credit_rating"]) < 20
    assert (len(sound["judgments"]), len(sound["bad_debts"])) == (0, 0)
    assert (len(weak["judgments"]), len(weak["bad_debts"])) == (1, 1)
    assert sound["commentaries"][0]["sentiment"] == "Positive"
    assert weak["commentaries"][0]["sentiment"] == "Negative"


@pytest.mark.parametrize("name", ["Acme Example Ltd", "Insolvent Example Ltd"])
def test_financial_statements_add_up(client: httpx.Client, name: str) -> None:
    """Assets equal liabilities and equity, and the years are consecutive."""
    data = _report(client, _company(client, company_name=name))["data"]
    newer, older = data["financial_statements"]["global_reports"]

    assert older["end_date"] < newer["start_date"]
    for statement in (newer, older):
        sheet, earned = statement["balance_sheet"], statement["profit_and_loss"]
        assert sheet["total_fixed_assets"] + sheet["total_current_assets"] == sheet["total_assets"]
        assert sum(sheet[name] for name in CURRENT_ASSETS) == sheet["total_current_assets"]
        assert sum(sheet[name] for name in EQUITY) == sheet["total_shareholders_equity"]
        assert sheet["total_assets"] == (
            sheet["total_liabilities"] + sheet["total_shareholders_equity"]
        )
        assert earned["profit_before_tax"] - earned["tax"] == earned["profit_after_tax"]
        assert (earned["profit_before_tax"] < 0) is name.startswith("Insolvent")


def test_reports_depend_on_the_seed(
    client: httpx.Client, connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """The same seed gives the same report, and another seed a different one."""
    with Sandbox() as same, Sandbox(seed=1) as other:
        first, second, third = (
            _report(one, _company(one))["data"] for one in (client, connect(same), connect(other))
        )

    assert first == second != third
