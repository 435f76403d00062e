"""Every response of the local Sikoia matches the specification: status, fields, types, enums."""

import ssl
from base64 import b64encode
from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any

import attrs
import httpx
import pytest
import spec

from sikoia_async.sandbox import App, Credentials, Rate, Sandbox, Time
from sikoia_async.sandbox.resources import webhook_log

_WORK = 60.0
# Fields that are null although their schema does not allow it, and why.
_NULL = {
    "document_id: NoneType for string": "only accounts that come from a document have one",
}
_PERSON = {"first_name": "Wilma", "last_name": "Example", "date_of_birth": "1985-06-12"}
_COMPANY = {
    "company_name": "Placeholder Widgets Ltd",
    "company_number": "12345678",
    "jurisdiction_code": "GB",
}


@attrs.define
class Walk:
    """Calls the operations of a sandbox, and collects where responses violate the specification."""

    sandbox: Sandbox | App
    client: httpx.Client
    clock: SimpleNamespace
    case: dict[str, Any] = attrs.field(factory=dict[str, Any])
    violations: list[str] = attrs.field(factory=list[str])
    visited: set[tuple[str, str]] = attrs.field(factory=set[tuple[str, str]])

    def call(self, method: str, path: str, body: Any = None, **given: Any) -> Any:
        """Call an operation, which has to succeed; arguments outside its path are its query."""
        operation = spec.operation(method, path)
        status = min(operation.responses)
        query = {name: one for name, one in given.items() if f"{{{name}}}" not in path}
        self.visited.add((method, path))

        response = self.client.request(method, path.format(**given), json=body, params=query)

        assert response.status_code == status, f"{method} {path}: {response.text}"
        if response.content.startswith(b"PK") or not operation.responses[status]:
            return None
        response_body = response.json()
        problems = spec.violations(operation.responses[status]["schema"], response_body)
        self.violations += [
            f"{method} {path}: {one}" for one in problems if not one.endswith(tuple(_NULL))
        ]
        return response_body

    def work(self) -> None:
        """Move the clock until all work is done."""
        self.clock.now += _WORK + 1

    def begin(self) -> None:
        """Create a case with a company and a person."""
        body = {"name": "Loan", "case_type": "Business", "stage": "New"}
        self.case = self.call("POST", "/v2/cases", body | {"companies": [_COMPANY]})
        self.case = self.call(
            "POST", "/v2/cases/{case_id}/entities", {"persons": [_PERSON]}, **self.case_id
        )

    @property
    def case_id(self) -> dict[str, str]:
        """The path parameter for the case."""
        return {"case_id": self.case["case_id"]}

    @property
    def company_id(self) -> dict[str, str]:
        """The path parameter for the company."""
        return {"company_id": self.case["companies"][0]["company_id"]}

    @property
    def person_id(self) -> dict[str, str]:
        """The path parameter for the person."""
        return {"person_id": self.case["persons"][0]["person_id"]}

    @property
    def person(self) -> dict[str, str]:
        """The fields that identify the person in a body."""
        return {"entity_type": "person", "entity_id": self.person_id["person_id"]}

    @property
    def person_in_path(self) -> dict[str, str]:
        """The fields that identify the person in a path."""
        return {**self.person, "entity_type": "Persons"}

    def upload(self, document_type: str) -> dict[str, Any]:
        """Upload a document about the person."""
        body = {
            "file": b64encode(b"%PDF-1.7 nothing").decode(),
            "document_type": document_type,
            "display_name": "A document",
            "file_name": f"{document_type}.pdf",
        }
        found: dict[str, Any] = self.call("POST", "/v2/documents", body | self.person)
        return found

    def connect(self) -> dict[str, Any]:
        """Connect the person's bank."""
        found: dict[str, Any] = self.call(
            "POST", "/v2/openbanking", self.person | {"country_code": "GB"}
        )
        return found

    def add_everything(self) -> None:
        """Add every kind of data that insights use."""
        for document_type in ("BankStatement", "Payslip", "SA302", "TaxOverview", "Other"):
            self.upload(document_type)
        self.connect()
        self.work()


def users(walk: Walk) -> None:
    """Walk through the users."""
    walk.call("GET", "/v2/users")


def cases(walk: Walk) -> None:
    """Walk through cases, companies and people."""
    company = _COMPANY | {"registry_search": True, "add_directors": True}
    user = walk.call("GET", "/v2/users")[0]["user_id"]
    walk.call("GET", "/v2/cases", case_type="Business", keyword="Loan")
    walk.call("GET", "/v2/cases/{case_id}", **walk.case_id)
    owned = {"ownership": [{"owner_id": user, "owner_type": "User"}], "stage": "Approved"}
    walk.call("PATCH", "/v2/cases/{case_id}", owned, **walk.case_id)
    entities = "/v2/cases/{case_id}/entities"
    walk.call("POST", entities, {"companies": [company]}, **walk.case_id)
    walk.call(
        "PATCH", entities, {"persons": [{**walk.person_id, "employer": "None"}]}, **walk.case_id
    )
    deleted = {"persons": [walk.person_id["person_id"]]}
    walk.call("POST", f"{entities}/delete", deleted, **walk.case_id)
    walk.call("GET", "/v2/cases")
    walk.call("DELETE", "/v2/cases/{case_id}", **walk.case_id)


def webhooks(walk: Walk) -> None:
    """Walk through webhooks, their log and their secret."""
    kinds = walk.call("GET", "/v2/webhooks/event-types")
    event = kinds[0]["event_types"][0]["event_name"]
    body = {
        "webhook_name": "All",
        "webhook_callback_url": "https://127.0.0.1:1/hook",
        "event_types": [event],
    }
    one = {"webhook_id": walk.call("POST", "/v2/webhooks", body)["webhook_id"]}
    walk.call("GET", "/v2/webhooks")
    walk.call("GET", "/v2/webhooks/{webhook_id}", **one)
    walk.call("PATCH", "/v2/webhooks/{webhook_id}", {"external_ref": "mine"}, **one)
    for status in ("Complete", "Failed"):
        webhook_log.record(
            walk.sandbox.state,
            one["webhook_id"],
            event_type=event,
            event_data={},
            status=status,
            codes=(500,),
        )
    walk.call("GET", "/v2/webhooks/{webhook_id}/requests", **one)
    walk.call("GET", "/v2/webhooks/{webhook_id}/requests", **one, event_status="Failed")
    walk.call("POST", "/v2/webhooks/secrets")
    walk.call("GET", "/v2/webhooks/secrets")
    walk.call("PATCH", "/v2/webhooks/secrets/rotate")
    walk.call("DELETE", "/v2/webhooks/secrets")
    walk.call("DELETE", "/v2/webhooks/{webhook_id}", **one)


def company_registry(walk: Walk) -> None:
    """Walk through registry data: requests, picklists and searches."""
    company_requests(walk, "/v2/company-registry-data", "registry-data")
    search = {"company_name": "Placeholder", "country_code": "GB"}
    walk.call("POST", "/v2/company-registry-data/search", search, items_per_page=2)


def credit_reports(walk: Walk) -> None:
    """Walk through credit reports and their picklists."""
    company_requests(walk, "/v2/company-credit-reports", "credit-reports")


def company_requests(walk: Walk, path: str, listed: str) -> None:
    """Request a company by number, by a name with several matches, and one that does not exist."""
    given = walk.company_id | {"country_code": "GB"}
    wanted = (
        {"company_number": "99000005"},
        {"company_name": "Several Example Ltd"},
        {"company_number": "99000004"},
    )
    for one in wanted:
        request_id = walk.call("POST", path, given | one)["request_id"]
        result = walk.call("GET", f"{path}/{{request_id}}", request_id=request_id)
        for item in result["picklist"] or ():
            picked = {"request_id": request_id, "picklist_index": item["index"]}
            resolved = walk.call("POST", f"{path}/picklist", picked)
            walk.call("GET", f"{path}/{{request_id}}", request_id=resolved["request_id"])
    walk.call("GET", f"/v2/companies/{{company_id}}/{listed}", **walk.company_id)


def banking(walk: Walk) -> None:
    """Walk through connections and accounts, before and after consent."""
    one = {"bank_connection_id": walk.connect()["bank_connection_id"]}
    walk.upload("BankStatement")
    for _ in range(2):
        walk.call("GET", "/v2/openbanking/{bank_connection_id}", **one)
        walk.call("GET", "/v2/{entity_type}/{entity_id}/openbanking", **walk.person_in_path)
        walk.call("GET", "/v2/{entity_type}/{entity_id}/bankaccounts", **walk.person_in_path)
        walk.work()
    for result in walk.call(
        "GET", "/v2/{entity_type}/{entity_id}/bankaccounts", **walk.person_in_path
    ):
        account = {"account_connection_id": result["account_connection_id"]}
        walk.call("GET", "/v2/bankaccounts/{account_connection_id}", **account)
        walk.call("GET", "/v2/bankaccounts/{account_connection_id}/balances", **account)
        walk.call("GET", "/v2/bankaccounts/{account_connection_id}/transactions", **account)
        if result["source"] == "OpenBanking":
            walk.call("POST", "/v2/bankaccounts/{account_connection_id}/refresh", **account)
    walk.call("DELETE", "/v2/openbanking/{bank_connection_id}", **one)


def screening(walk: Walk) -> None:
    """Walk through searches for politically exposed persons, sanctions and adverse media."""
    body = {"search_term": "Wilma", "birth_date": "1985-06-12T00:00:00Z", "fuzziness": 0.5}
    for path in ("peps-sanctions", "adverse-media"):
        walk.call("POST", f"/v2/{path}", walk.person)
        walk.call("POST", f"/v2/{path}", walk.person | body)
        walk.call("GET", f"/v2/{{entity_type}}/{{entity_id}}/{path}", **walk.person_in_path)


def documents(walk: Walk) -> None:
    """Walk through documents and their integrity checks."""
    one = {"document_id": walk.upload("Payslip")["document_id"]}
    for _ in range(2):
        walk.call("GET", "/v2/documents/{document_id}", **one)
        walk.call("GET", "/v2/documents/{document_id}/integrity-checks", **one)
        walk.call("GET", "/v2/{entity_type}/{entity_id}/documents", **walk.person_in_path)
        walk.call("GET", "/v2/{entity_type}/{entity_id}/integrity-checks", **walk.person_in_path)
        walk.work()
    walk.call("DELETE", "/v2/documents/{document_id}", **one)


def identity(walk: Walk) -> None:
    """Walk through identity verification, before and after the person has taken part."""
    walk.call("POST", "/v2/identity", walk.person_id)
    requested = walk.call("POST", "/v2/identity", walk.person_id | {"country_code": "GB"})
    for _ in range(2):
        walk.call("GET", "/v2/identity/{request_id}", request_id=requested["request_id"])
        walk.call("GET", "/v2/persons/{person_id}/identity-verifications", **walk.person_id)
        walk.work()


def online_data(walk: Walk) -> None:
    """Walk through online data."""
    requested = walk.call("POST", "/v2/company-online-data", walk.company_id)
    walk.call("GET", "/v2/company-online-data/{request_id}", request_id=requested["request_id"])
    walk.call("GET", "/v2/companies/{company_id}/online-data", **walk.company_id)


def affordability(walk: Walk) -> None:
    """Walk through affordability insights, before and after they are complete."""
    insights(walk, "/v2/affordability-insights", "transactions", "transaction-details")


def income(walk: Walk) -> None:
    """Walk through income and employer verification, before and after it is complete."""
    insights(walk, "/v2/income-employer", "additional-details")


def insights(walk: Walk, path: str, *details: str) -> None:
    """Request insights into a person with every kind of data."""
    walk.add_everything()
    requested = walk.call("POST", path, walk.person)
    for _ in range(2):
        walk.call("GET", f"{path}/{{request_id}}", request_id=requested["request_id"])
        listed = path.replace("/v2", "/v2/{entity_type}/{entity_id}")
        walk.call("GET", listed, **walk.person_in_path)
        walk.work()
    for detail in details:
        walk.call("GET", f"{path}/{{request_id}}/{detail}", request_id=requested["request_id"])


def data_sources(walk: Walk) -> None:
    """Walk through data sources."""
    walk.add_everything()
    walk.call("GET", "/v2/{entity_type}/{entity_id}/insight-data-sources", **walk.person_in_path)


def checks(walk: Walk) -> None:
    """Walk through validation checks, for a person without and with data."""
    for is_known in (False, True):
        if is_known:
            walk.add_everything()
        for kind in walk.call("GET", "/v2/validation-checks/validation-types"):
            if kind["entity_type"] != "person":
                continue
            body = walk.person | {"validation_type_id": kind["validation_type_id"]}
            started = walk.call("POST", "/v2/validation-checks", body)
            one = {"validation_instance_id": started["validation_instance_id"]}
            walk.call("POST", "/v2/completeness-income-checks", body)
            for _ in range(2):
                walk.call("GET", "/v2/validation-checks/{validation_instance_id}", **one)
                walk.work()
    walk.call("GET", "/v2/{entity_type}/{entity_id}/validation-checks", **walk.person_in_path)


def reports(walk: Walk) -> None:
    """Walk through the report."""
    walk.call("GET", "/v2/{entity_type}/{entity_id}/excel-report", **walk.person_in_path)


WALKS: tuple[Callable[[Walk], None], ...] = (
    affordability,
    banking,
    cases,
    checks,
    company_registry,
    credit_reports,
    data_sources,
    documents,
    identity,
    income,
    online_data,
    reports,
    screening,
    users,
    webhooks,
)


@pytest.fixture
def walk() -> Generator[Walk]:
    """Run a sandbox with a case, in which all work takes a minute of the clock."""
    clock = SimpleNamespace(now=1000.0)
    # Tokens and rate limits are tested elsewhere.
    with Sandbox(
        time=Time(clock=lambda: clock.now),
        work_time=_WORK,
        credentials=Credentials(token_life=10**9),
        rate=Rate(requests_per_window=10**6),
    ) as sandbox:
        trust = ssl.create_default_context(cafile=sandbox.ca_file)
        form = {
            "grant_type": "client_credentials",
            "scope": sandbox.scope,
            "client_id": sandbox.client_id,
            "client_secret": sandbox.client_secret,
        }
        with httpx.Client(base_url=sandbox.url, verify=trust) as client:
            granted = client.post("/token", data=form)
            assert granted.status_code == 201
            client.headers["Accept"] = client.headers["Content-Type"] = "application/json"
            client.headers["Authorization"] = f"Bearer {granted.json()['access_token']}"
            result = Walk(sandbox, client, clock)
            result.begin()
            yield result


@pytest.mark.parametrize("through", WALKS, ids=lambda through: through.__name__)
def test_responses_match_the_specification(walk: Walk, through: Callable[[Walk], None]) -> None:
    """They have the declared status and every field of their schema."""
    through(walk)

    assert sorted(set(walk.violations)) == []


def test_every_operation_is_walked(walk: Walk) -> None:
    """No operation of the specification is left out."""
    for through in WALKS:
        walk.begin()
        through(walk)

    assert {*walk.visited, ("POST", "/token")} == spec.operations().keys()
