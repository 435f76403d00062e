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

    def sources(self, person_id: str) -> Any:
        """Return the data sources of a person."""
        return self.get(f"/v2/Persons/{person_id}/insight-data-sources")["data_sources"]

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


@pytest.mark.parametrize(
    ("person", "file_name"), [("Ugo Unstored", "a.pdf"), ("Any Body", "unstored.pdf")]
)
def test_an_upload_fails(local: Local, person: str, file_name: str) -> None:
    """It is never classified, read or checked."""
    person_id = local.person(person)
    uploaded = local.upload(person_id, "BankStatement", file_name)
    local.sandbox.clock.advance(_WORK)
    path = f"/v2/documents/{uploaded['document_id']}"
    document, sources = local.get(path), local.sources(person_id)

    assert uploaded["status"] == document["status"] == "Failed"
    assert document["sikoia_document_type"] is None
    assert [source["status"] for source in sources] == ["Failed"]
    assert local.client.get(f"{path}/integrity-checks").status_code == 404
    assert not [job for job in local.sandbox.work if job.id == uploaded["document_id"]]
    assert local.client.delete(path).status_code == 204


@pytest.mark.parametrize(
    ("person", "file_name", "status"),
    [
        ("Ursula Unreadable", "a.pdf", "Failed"),
        ("Any Body", "unreadable.pdf", "Failed"),
        ("Edith Excluded", "a.pdf", "Excluded"),
        ("Any Body", "excluded.pdf", "Excluded"),
    ],
)
def test_a_document_is_no_source(local: Local, person: str, file_name: str, status: str) -> None:
    """The upload is complete; insights and accounts have nothing of it."""
    person_id = local.person(person)
    uploaded = local.upload(person_id, "BankStatement", file_name)
    (before,) = local.sources(person_id)
    local.sandbox.clock.advance(_WORK)
    (source,) = local.sources(person_id)

    assert (uploaded["status"], before["status"], source["status"]) == (
        "Complete",
        "Pending",
        status,
    )
    assert source["message"]
    assert local.get(f"/v2/Persons/{person_id}/bankaccounts") == []


@pytest.mark.parametrize(
    ("person", "file_name"), [("Miriam Misfiled", "payslip.pdf"), ("Any Body", "misfiled.pdf")]
)
def test_the_classifier_contradicts_the_claim(local: Local, person: str, file_name: str) -> None:
    """Both types are in the document."""
    person_id = local.person(person)
    uploaded = local.upload(person_id, "Payslip", file_name)
    local.sandbox.clock.advance(_WORK)
    document = local.get(f"/v2/documents/{uploaded['document_id']}")
    (source,) = local.sources(person_id)

    assert (document["document_type"], document["sikoia_document_type"]) == (
        "Payslip",
        "UtilityBill",
    )
    assert (source["source_type"], source["status"]) == ("UtilityBill", "Provided")


@pytest.mark.parametrize(
    ("person", "file_name"), [("Theo Twofold", "a.pdf"), ("Any Body", "twofold.pdf")]
)
def test_a_file_has_two_documents(local: Local, person: str, file_name: str) -> None:
    """They share the source_id; each has its data_source_id, its account and its decisions."""
    person_id = local.person(person)
    uploaded = local.upload(person_id, "BankStatement", file_name)
    local.upload(person_id, "Payslip", file_name)
    local.sandbox.clock.advance(_WORK)
    path = f"/v2/documents/{uploaded['document_id']}"
    sources = [
        one for one in local.sources(person_id) if one["source_id"] == uploaded["document_id"]
    ]
    accounts = local.get(f"/v2/Persons/{person_id}/bankaccounts")
    rules = local.get(f"{path}/integrity-checks")["rules"]
    data, details = local.income(person_id)

    ids = {source["data_source_id"] for source in sources}
    assert len(ids) == len(sources) == 2
    assert {account["data_source_id"] for account in accounts} == ids
    assert len({account["account_connection_id"] for account in accounts}) == 2
    assert len({account["bank_connection_id"] for account in accounts}) == 1
    assert {rule["data_source_id"] for rule in rules} == ids
    assert [one["number_of_sources"] for one in data["income_details"][0]["income_data_sources"]]
    assert len({one["data_source_id"] for one in details[0]["details"]}) == 2

    local.client.delete(path)
    assert local.get(f"/v2/Persons/{person_id}/bankaccounts") == []
    gone = local.client.get(f"/v2/bankaccounts/{accounts[0]['account_connection_id']}")
    assert gone.json()["type"] == "ResourceDeleted"


@pytest.mark.parametrize(
    ("person", "status"),
    [
        ("Any Body", "Connected"),
        ("Rita Rejecting", "Rejected"),
        ("Anna Abandoning", "Authorising"),
        ("Ulla Undecided", "SelectingInstitutions"),
        ("Larry Late", "Deleted"),
    ],
)
def test_a_bank_connection_ends_up(local: Local, person: str, status: str) -> None:
    """With an account only if the holder consents, and an event only if it has ended."""
    person_id = local.person(person)
    body = {"entity_id": person_id, "entity_type": "person"}
    path = f"/v2/openbanking/{local.post('/v2/openbanking', body)['bank_connection_id']}"
    hook = {
        "webhook_name": "Banks",
        "webhook_callback_url": "https://127.0.0.1:9/hook",
        "event_types": ["OpenBankingProcessing.Completed"],
    }
    webhook = f"/v2/webhooks/{local.post('/v2/webhooks', hook)['webhook_id']}"
    assert local.get(path)["status"] == "Created"
    local.sandbox.clock.advance(_WORK)
    connection = local.get(path)
    requests = local.get(f"{webhook}/requests")["webhook_requests"]
    local.client.delete(webhook)

    assert connection["status"] == status
    assert bool(connection["account_connection_ids"]) == (status == "Connected")
    assert (connection["datetime_connected"] is None) == (status != "Connected")
    assert len(requests) == (status not in {"Authorising", "SelectingInstitutions"})


def test_work_ends_in_another_order_than_it_began(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """Each kind of work takes its own time; kinds without one take half a second."""
    work_time = {"documents": 50.0, "identity": 10}
    with Sandbox(time=Time(speed=0), work_time=work_time) as sandbox:
        work_time.clear()
        local = Local(sandbox, connect(sandbox))
        person_id = local.person("Any Body")
        document = local.upload(person_id, "Payslip")["document_id"]
        local.post("/v2/identity", {"person_id": person_id})
        ended: list[list[str]] = []
        for seconds in (1, 9, 40):
            sandbox.clock.advance(seconds)
            ended.append(sorted(job.kind for job in sandbox.work if not job.is_pending))

        assert ended == [["integrity"], ["identity", "integrity"], sorted(["documents", *ended[1]])]
        assert local.get(f"/v2/documents/{document}")["sikoia_document_type"] == "Payslip"


def _days(first: str, last: str) -> int:
    """Return the number of days from one to the other, both included."""
    return (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
