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
    """Create a company in a case of its own, and give its id."""
    body = {"name": "Loan", "case_type": "Business", "companies": [ACME | changes]}
    company_id: str = client.post("/v2/cases", json=body).json()["companies"][0]["company_id"]
    return company_id


def _request(client: httpx.Client, company_id: str, **more: str) -> dict[str, Any]:
    body = {"company_id": company_id, **more}
    response = client.post("/v2/company-credit-reports", json=body)
    assert response.status_code == 201
    made: dict[str, Any] = response.json()
    return made


def _report(client: httpx.Client, company_id: str) -> dict[str, Any]:
    made = _request(client, company_id)
    found: dict[str, Any] = client.get(f"/v2/company-credit-reports/{made['request_id']}").json()
    return found


def test_a_request_is_complete_at_once(client: httpx.Client) -> None:
    """The company alone is enough, where it has a number and a jurisdiction."""
    company_id = _company(client, jurisdiction_code="US_DE")

    made = _request(client, company_id)

    assert made == {
        "request_id": made["request_id"],
        "status": "Complete",
        "company_id": company_id,
        "datetime_requested": made["datetime_requested"],
        "message": None,
        "company_number": "12345678",
        "company_name": "Acme Example Ltd",
        "country_code": "US",
        "provider_id": None,
        "picklist": [],
    }


def test_the_report_is_read_with_its_id(client: httpx.Client) -> None:
    """It is the request and its data, in the same words each time."""
    company_id = _company(client)
    first, second = _report(client, company_id), _report(client, company_id)

    assert first["request_id"] != second["request_id"]
    assert first["data"] == second["data"]
    assert first["data"]["company_information"]["company_name"] == "Acme Example Ltd"


def test_requests_are_listed_newest_first(client: httpx.Client) -> None:
    """The list has neither data nor picklists, and the company once."""
    company_id = _company(client)
    older, newer = _request(client, company_id), _request(client, company_id)

    found = client.get(f"/v2/companies/{company_id}/credit-reports").json()

    assert found["company_id"] == company_id
    assert [one["request_id"] for one in found["credit_report_requests"]] == [
        newer["request_id"],
        older["request_id"],
    ]
    assert found["credit_report_requests"][0].keys() == newer.keys() - {"company_id", "picklist"}


def test_details_of_the_request_go_before_those_of_the_company(client: httpx.Client) -> None:
    """The report is about whom the request names, and filed under the company."""
    company_id = _company(client)
    named = {"company_number": "87654321", "company_name": "Other Example", "country_code": "FR"}

    made = _request(client, company_id, **named)

    assert made.items() >= named.items()
    assert (made["status"], made["company_id"]) == ("Complete", company_id)


@pytest.mark.parametrize("missing", ["company_number", "jurisdiction_code"])
def test_a_company_without_details_is_refused(client: httpx.Client, missing: str) -> None:
    """What neither the company nor the request has is named."""
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
def test_what_the_company_lacks_can_be_given(
    client: httpx.Client, missing: str, given: dict[str, str]
) -> None:
    """The missing detail completes the request, and so does the provider's own id."""
    made = _request(client, _company(client, **{missing: None}), **given)

    assert made["status"] == "Complete"


def test_a_provider_id_alone_makes_a_report(client: httpx.Client) -> None:
    """A report that nobody named a country for has the defaults of one."""
    company_id = _company(client, jurisdiction_code=None)
    made = _request(client, company_id, provider_id="P-1")

    found = client.get(f"/v2/company-credit-reports/{made['request_id']}").json()

    assert (found["provider_id"], found["country_code"]) == ("P-1", None)
    assert found["data"]["company_information"]["country_code"] == "GB"


def test_a_company_that_nobody_knows_fails(client: httpx.Client) -> None:
    """The request is kept, says why it failed, and has no data."""
    found = _report(client, _company(client, company_number="99000004"))

    assert (found["status"], found["data"]) == ("Failed", None)
    assert "no such company" in found["message"]


@pytest.mark.parametrize(
    ("company", "given"),
    [
        ({}, {"company_name": "Several Example Ltd"}),
        ({"company_name": "Several Example Ltd"}, {}),
        ({"company_number": None}, {"company_name": "Several Example Ltd"}),
    ],
)
def test_a_name_alone_gives_a_list_to_pick_from(
    client: httpx.Client, company: dict[str, str | None], given: dict[str, str]
) -> None:
    """Several companies could be meant by the name, whoever names it."""
    made = _request(client, _company(client, **company), **given)

    assert made["status"] == "TooManyResults"
    assert [match["index"] for match in made["picklist"]] == [1, 2, 3]
    assert made["picklist"][0].keys() == {
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
    """The new request is about the chosen company, and both requests are listed."""
    company_id = _company(client)
    earlier = _request(client, company_id, company_name="Several Example Ltd")
    match = earlier["picklist"][1]
    body = {"request_id": earlier["request_id"], "picklist_index": match["index"]}

    response = client.post("/v2/company-credit-reports/picklist", json=body)

    assert response.status_code == 201
    made = response.json()
    assert (made["status"], made["picklist"]) == ("Complete", [])
    assert {name: made[name] for name in ("company_name", "company_number", "provider_id")} == {
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
def test_there_must_be_such_an_item(
    client: httpx.Client, given: dict[str, str], index: int
) -> None:
    """A request without a picklist is refused, and an index that its picklist has not."""
    made = _request(client, _company(client), **given)
    body = {"request_id": made["request_id"], "picklist_index": index}

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
def test_a_body_that_breaks_a_rule_is_refused(
    client: httpx.Client, path: str, body: dict[str, Any], named: str
) -> None:
    """The refusal is a 400 and names the field; unknown ids in a body are no 404."""
    response = client.post(f"/v2/company-credit-reports{path}", json=body)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert named in response.json()["detail"]


@pytest.mark.parametrize(
    "path", [f"companies/{UNKNOWN}/credit-reports", f"company-credit-reports/{UNKNOWN}"]
)
def test_what_never_was_is_not_found(client: httpx.Client, path: str) -> None:
    """An unknown id in a path is a 404."""
    response = client.get(f"/v2/{path}")

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")


def test_a_deleted_company_takes_its_reports_along(client: httpx.Client) -> None:
    """The list, the report and the picklist are gone with it."""
    body = {"name": "Loan", "case_type": "Business", "companies": [ACME]}
    case = client.post("/v2/cases", json=body).json()
    company_id = case["companies"][0]["company_id"]
    made = _request(client, company_id, company_name="Several Example Ltd")
    client.delete(f"/v2/cases/{case['case_id']}")
    chosen = {"request_id": made["request_id"], "picklist_index": 1}

    gone = client.get(f"/v2/company-credit-reports/{made['request_id']}")
    unlisted = client.get(f"/v2/companies/{company_id}/credit-reports")
    refused = client.post("/v2/company-credit-reports/picklist", json=chosen)

    assert (gone.status_code, gone.json()["type"]) == (404, "ResourceDeleted")
    assert (unlisted.status_code, refused.status_code) == (404, 400)


@pytest.mark.parametrize("name", ["Acme Example Ltd", "Insolvent Example Ltd"])
def test_a_report_has_every_field_of_the_specification(client: httpx.Client, name: str) -> None:
    """Fields that nothing is known for are null, and none is left out or made up."""
    operation = spec.operation("GET", "/v2/company-credit-reports/{request_id}")

    found = _report(client, _company(client, company_name=name))

    assert spec.violations(operation.responses[200]["schema"], found) == []


def test_the_insolvent_are_rated_badly(client: httpx.Client) -> None:
    """They have no credit, a loss, and debts."""
    sound = _report(client, _company(client))["data"]
    weak = _report(client, _company(client, company_name="Insolvent Example Ltd"))["data"]

    assert weak["credit_rating"]["credit_limit"] < sound["credit_rating"]["credit_limit"]
    assert int(weak["credit_rating"]["local_credit_rating"]) < 20
    assert (len(sound["judgments"]), len(sound["bad_debts"])) == (0, 0)
    assert (len(weak["judgments"]), len(weak["bad_debts"])) == (1, 1)
    assert sound["commentaries"][0]["sentiment"] == "Positive"
    assert weak["commentaries"][0]["sentiment"] == "Negative"


@pytest.mark.parametrize("name", ["Acme Example Ltd", "Insolvent Example Ltd"])
def test_accounts_add_up(client: httpx.Client, name: str) -> None:
    """Assets are what is owed and what is owned, and a year follows the other."""
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


def test_a_seed_decides_what_reports_say(
    client: httpx.Client, connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """Sandboxes of one seed say the same of a company, and one of another seed does not."""
    with Sandbox() as same, Sandbox(seed=1) as other:
        first, second, third = (
            _report(one, _company(one))["data"] for one in (client, connect(same), connect(other))
        )

    assert first == second != third
