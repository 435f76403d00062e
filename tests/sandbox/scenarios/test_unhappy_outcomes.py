"""The outcomes that only scenarios reach, over HTTP and with a clock that tests advance."""

from collections.abc import Callable, Generator
from datetime import date
from itertools import pairwise
from typing import Any

import attrs
import httpx
import pytest

from sikoia_async.sandbox import Credentials, Rate, Sandbox, Scenario, Time
from sikoia_async.sandbox.ledger.prices import CHARGEABLE

_WORK = 60
_PDF = "JVBERi0xLjc="
_OWN = [
    Scenario(name=f"paid {one}", person=f"Percy {one}", pay_frequency=one)
    for one in ("TwoWeekly", "FourWeekly")
] + [
    Scenario(name=f"has {one}", person=f"Iris {one}", income_type=one)
    for one in ("Benefits", "Property", "Dividends", "Other")
]


@attrs.frozen
class Local:
    """A local Sikoia and a client of it."""

    sandbox: Sandbox
    client: httpx.Client

    def post(self, path: str, body: Any) -> Any:
        """Send a request that succeeds, and return the body of the response."""
        response = self.client.post(path, json=body)
        assert response.is_success, response.text
        return response.json()

    def get(self, path: str) -> Any:
        """Return the body of a response."""
        response = self.client.get(path)
        assert response.is_success, response.text
        return response.json()

    def case(self, **entities: Any) -> Any:
        """Create a case."""
        return self.post("/v2/cases", {"name": "Loan", "case_type": "Business", **entities})

    def person(self, name: str) -> str:
        """Create a person in a case of their own, and return their id."""
        first, last = name.split()
        persons = self.case(persons=[{"first_name": first, "last_name": last}])["persons"]
        person_id: str = persons[0]["person_id"]
        return person_id

    def company(self, **fields: Any) -> str:
        """Create a company in a case of its own, and return its id."""
        company_id: str = self.case(companies=[fields])["companies"][0]["company_id"]
        return company_id

    def upload(self, person_id: str, kind: str, file_name: str = "file.pdf") -> Any:
        """Upload a document of a person."""
        document = {
            "entity_id": person_id,
            "entity_type": "person",
            "file": _PDF,
            "document_type": kind,
            "display_name": "A file",
            "file_name": file_name,
        }
        return self.post("/v2/documents", document)

    def income(self, person_id: str) -> tuple[Any, Any]:
        """Request an income report, and return it with its details."""
        entity = {"entity_id": person_id, "entity_type": "person"}
        path = f"/v2/income-employer/{self.post('/v2/income-employer', entity)['request_id']}"
        self.sandbox.clock.advance(_WORK)
        return self.get(path)["data"], self.get(f"{path}/additional-details")["data"]


@pytest.fixture(scope="module")
def local(connect: Callable[[Sandbox], httpx.Client]) -> Generator[Local]:
    """Run a local Sikoia with a paused clock."""
    with Sandbox(
        time=Time(speed=0),
        work_time=_WORK,
        credentials=Credentials(token_life=10**9),
        rate=Rate(requests_per_window=10**6),
        scenarios=_OWN,
    ) as sandbox:
        yield Local(sandbox, connect(sandbox))


def _requests(company_id: str, person_id: str, name: str) -> dict[str, tuple[str, Any]]:
    company, person = {"company_id": company_id}, {"entity_id": person_id, "entity_type": "person"}
    search = {"company_name": name, "country_code": "GB", **company}
    check = {"validation_type_id": "unknown", **person}
    return {
        "POST /v2/adverse-media": ("/v2/adverse-media", person),
        "POST /v2/affordability-insights": ("/v2/affordability-insights", person),
        "POST /v2/company-credit-reports": ("/v2/company-credit-reports", company),
        "POST /v2/company-online-data": ("/v2/company-online-data", company),
        "POST /v2/company-registry-data": ("/v2/company-registry-data", company),
        "POST /v2/company-registry-data/search": ("/v2/company-registry-data/search", search),
        "POST /v2/completeness-income-checks": ("/v2/completeness-income-checks", check),
        "POST /v2/identity": ("/v2/identity", {"person_id": person_id}),
        "POST /v2/income-employer": ("/v2/income-employer", person),
        "POST /v2/peps-sanctions": ("/v2/peps-sanctions", person),
    }


@pytest.mark.parametrize(
    ("company", "person", "detail", "free"),
    [
        ("Creditless Example Ltd", "Carla Creditless", "Insufficient credits.", True),
        ("Disabled Example Ltd", "Denis Disabled", "Service is not currently enabled.", False),
    ],
)
def test_every_chargeable_operation_is_refused(
    local: Local, company: str, person: str, detail: str, free: bool
) -> None:
    """Whatever it is about: the company, the person, or the case that they are in."""
    first, last = person.split()
    case = local.case(
        companies=[{"company_name": company, "jurisdiction_code": "GB", "company_number": "1"}],
        persons=[{"first_name": first, "last_name": last}],
    )
    company_id, person_id = case["companies"][0]["company_id"], case["persons"][0]["person_id"]
    requests = _requests(company_id, person_id, "Any Ltd")
    # With a picklist, the earlier request would have been refused already.
    picklists = {name for name in CHARGEABLE if name.endswith("/picklist")}
    excel = {name for name in CHARGEABLE if name.endswith("/excel-report")}
    assert requests.keys() | picklists | excel == set(CHARGEABLE)

    of_case = {"entity_id": case["case_id"], "entity_type": "case", "search_term": "Any"}
    refused = [local.client.post(path, json=body) for path, body in requests.values()]
    refused.append(local.client.post("/v2/peps-sanctions", json=of_case))
    paths = (f"Companies/{company_id}", f"Persons/{person_id}", f"Cases/{case['case_id']}")
    refused.extend(local.client.get(f"/v2/{path}/excel-report") for path in paths)
    upload = {
        "entity_id": person_id,
        "entity_type": "person",
        "file": _PDF,
        "display_name": "A file",
        "file_name": "a.pdf",
    }
    uploaded = local.client.post("/v2/documents", json=upload)

    for response in refused:
        assert response.status_code == 403, response.url
        assert response.json()["type"] == "InsufficientPermissions"
        assert response.json()["detail"] == detail
    assert uploaded.status_code == (201 if free else 403)
    assert not any(one.cost for one in local.sandbox.ledger)


@pytest.mark.parametrize(
    ("number", "status", "in_register"),
    [("99000011", "Restricted", "In administration"), ("99000012", "Other", "Converted")],
)
def test_a_company_is_neither_active_nor_closed(
    local: Local, number: str, status: str, in_register: str
) -> None:
    """In registry data, in searches and in cases."""
    named = {"company_name": "Some Ltd", "company_number": number, "jurisdiction_code": "GB"}
    case = local.case(companies=[{**named, "registry_search": True}])
    company_id = case["companies"][0]["company_id"]
    request = local.post("/v2/company-registry-data", {"company_id": company_id})
    data = local.get(f"/v2/company-registry-data/{request['request_id']}")["data"]

    assert case["companies"][0]["status"] == status
    assert (data["status"], data["registry_status"]) == (status, in_register)
    assert data["date_dissolved"] is None


def test_a_search_fails(local: Local) -> None:
    """With a status in its response and in the list, and without a certificate."""
    person_id = local.person("Una Unsearchable")
    for kind in ("peps-sanctions", "adverse-media"):
        entity = {"entity_id": person_id, "entity_type": "person"}
        found = local.post(f"/v2/{kind}", entity)
        (listed,) = local.get(f"/v2/Persons/{person_id}/{kind}")

        for search in (found, listed):
            assert search["status"] == "Failed"
            assert search["total_matches"] == 0
            assert search["search_certificate_uri"] is None


def test_a_company_lacks_the_information_for_online_data(local: Local) -> None:
    """A request about another name is accepted."""
    company_id = local.company(company_name="Missing Example Ltd")
    path, body = "/v2/company-online-data", {"company_id": company_id}
    refused = local.client.post(path, json=body)

    assert refused.status_code == 422
    assert refused.json()["type"] == "UnprocessableRequest"
    assert local.post(path, {**body, "company_name": "Acme Ltd"})["status"] == "Complete"


@pytest.mark.parametrize(
    ("name", "frequency", "days", "in_three_months"),
    [
        ("Sample Person", "Monthly", 31, 3),
        ("Walter Weekly", "Weekly", 7, 13),
        ("Percy TwoWeekly", "TwoWeekly", 14, 6),
        ("Percy FourWeekly", "FourWeekly", 28, 3),
    ],
)
def test_pay_has_a_frequency(
    local: Local, name: str, frequency: str, days: int, in_three_months: int
) -> None:
    """Payslips follow one another; the overview has monthly and yearly amounts."""
    person_id = local.person(name)
    for _ in range(3):
        local.upload(person_id, "Payslip")
    local.upload(person_id, "BankStatement")
    local.sandbox.clock.advance(_WORK)
    data, details = local.income(person_id)
    paid, banked = data["income_details"]
    slips = [one["income_source_data"] for one in details[0]["details"]]
    shown = details[1]["details"][0]["income_source_data"]

    assert paid["pay_frequencies"] == [frequency]
    assert {slip["pay_frequency"] for slip in slips} == {frequency}
    periods = [(slip["pay_period_start_date"], slip["pay_period_end_date"]) for slip in slips]
    assert periods == sorted(periods)
    for (_, end), (start, _) in pairwise(periods):
        assert _days(end, start) == 2
    assert all(days - 3 <= _days(*period) <= days for period in periods)
    for slip in slips:
        assert slip["ytd_gross_pay"] == pytest.approx(slip["gross_pay"] * slip["pay_period"])
        assert slip["gross_pay"] - slip["total_deductions"] == pytest.approx(slip["net_pay"])
    assert paid["annual_gross_pay"] == pytest.approx(paid["monthly_gross_pay"] * 12, abs=0.1)
    assert banked["monthly_net_pay"] == pytest.approx(paid["monthly_net_pay"], abs=0.01)
    assert len(shown["detailed_pay_items"]) == in_three_months


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Sample Person", "Employment and/or Self-employment"),
        ("Penelope Pensioner", "Pensions"),
        ("Iris Benefits", "Benefits"),
        ("Iris Property", "Property"),
        ("Iris Dividends", "Dividends"),
        ("Iris Other", "Other"),
    ],
)
def test_a_bank_account_shows_income_of_a_type(local: Local, name: str, kind: str) -> None:
    """With its source, also beside a tax document, whose income is of the type Other."""
    person_id = local.person(name)
    for document_type in ("BankStatement", "SA302"):
        local.upload(person_id, document_type)
    local.sandbox.clock.advance(_WORK)
    data, details = local.income(person_id)

    assert [one["income_type"] for one in data["income_details"]] == [kind, "Other"]
    assert [one["income_type"] for one in details] == [kind, "Other"]
    assert data["income_details"][0]["income_source"]


@pytest.mark.parametrize(("name", "is_short"), [("Derek Deficit", True), ("Any Body", False)])
def test_expenditure_exceeds_income(local: Local, name: str, is_short: bool) -> None:
    """In affordability insights, in each of the three months."""
    person_id = local.person(name)
    local.upload(person_id, "BankStatement")
    local.sandbox.clock.advance(_WORK)
    entity = {"entity_id": person_id, "entity_type": "person"}
    request = local.post("/v2/affordability-insights", entity)
    local.sandbox.clock.advance(_WORK)
    path = f"/v2/affordability-insights/{request['request_id']}"
    rows = local.get(f"{path}/transaction-details")["data"]
    months = {row["date"][:7] for row in rows}
    totals = [sum(row["amount"] for row in rows if row["date"][:7] == one) for one in months]

    assert len(totals) == 3
    assert [total < 0 for total in totals] == [is_short] * 3
    groups = local.get(path)["data"]["cashflow"]
    assert sum(group["value"] for group in groups) == pytest.approx(sum(totals))


def _days(first: str, last: str) -> int:
    """Return the number of days from one to the other, both included."""
    return (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
