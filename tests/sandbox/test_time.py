"""Work ends at its time, whether or not anybody looks, and its results never change after it."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import httpx
import pytest

from sikoia_async.sandbox import Credentials, Rate, Sandbox, Time, Wire

EPOCH = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
WORK = 60.0
FILE = b64encode(b"%PDF-1.7\n%%EOF\n").decode()
LATER = 3600.0
OPTIONS: Any = {
    "time": Time(speed=0, epoch=EPOCH),
    "work_time": WORK,
    "credentials": Credentials(token_life=10**9),
    "rate": Rate(requests_per_window=10**6),
}
INSIGHTS = {
    "affordability-insights": "affordability_insights_requests",
    "income-employer": "income_employer_requests",
}
"""The paths of insights, and the fields of their lists."""

Connect = Callable[[Sandbox], httpx.Client]


@attrs.frozen
class Local:
    """A sandbox whose clock stands still until it is advanced, and a person in a case."""

    sandbox: Sandbox
    client: httpx.Client
    case: str
    person: str

    @property
    def subject(self) -> dict[str, str]:
        """The fields that identify the person in bodies."""
        return {"entity_type": "person", "entity_id": self.person}

    def get(self, path: str) -> Any:
        """Return the JSON at a path."""
        response = self.client.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Any) -> Any:
        """Create something, and return the body of the response."""
        response = self.client.post(path, json=body)
        assert response.is_success, response.text
        return response.json()

    def upload(self, kind: str = "BankStatement", **fields: str) -> str:
        """Upload a document of the person, and return its id."""
        names = {"display_name": "A file", "file_name": "file.pdf", "document_type": kind}
        body = {**self.subject, "file": FILE, **names, **fields}
        document_id: str = self.post("/v2/documents", body)["document_id"]
        return document_id

    def check_type(self, name: str) -> str:
        """Return the id of a check for people."""
        [kind] = [
            one["validation_type_id"]
            for one in self.get("/v2/validation-checks/validation-types")
            if one["entity_type"] == "person" and name in one["validation_check_name"]
        ]
        return str(kind)

    def check(self, name: str) -> str:
        """Run a check on the person, and return its path."""
        body = {**self.subject, "validation_type_id": self.check_type(name)}
        check = self.post("/v2/validation-checks", body)
        return f"/v2/validation-checks/{check['validation_instance_id']}"

    def insights(self, kind: str) -> str:
        """Request insights into the person, and return their path."""
        return f"/v2/{kind}/{self.post(f'/v2/{kind}', self.subject)['request_id']}"

    def advance(self, seconds: float = WORK) -> None:
        """Advance the clock."""
        self.sandbox.clock.advance(seconds)

    def rename(self, first_name: str, last_name: str) -> None:
        """Give the person another name."""
        names = {"first_name": first_name, "last_name": last_name}
        body = {"persons": [{"person_id": self.person, **names, "date_of_birth": "1999-09-09"}]}
        assert self.client.patch(f"/v2/cases/{self.case}/entities", json=body).is_success

    def subscribe(self) -> None:
        """Create a webhook for all events; nothing listens at its URL."""
        hook = {
            "webhook_name": "Tests",
            "webhook_callback_url": "https://127.0.0.1:1/webhooks",
            "event_types": ["AffordabilityInsights.Completed", "IdentityVerification.Completed"],
        }
        self.post("/v2/webhooks", hook)


def started(sandbox: Sandbox, client: httpx.Client) -> Local:
    """Create a case with a person."""
    sample = {"first_name": "Sample", "last_name": "Example"}
    body: Any = {"name": "Loan", "case_type": "Consumer", "persons": [sample]}
    case = client.post("/v2/cases", json=body).json()
    return Local(sandbox, client, case["case_id"], case["persons"][0]["person_id"])


@pytest.fixture(params=[False, True], ids=["no webhook", "webhook"])
def local(connect: Connect, request: pytest.FixtureRequest) -> Iterator[Local]:
    """Run a sandbox, with and without a webhook."""
    with Sandbox(**OPTIONS) as sandbox:
        local = started(sandbox, connect(sandbox))
        if request.param:
            local.subscribe()
        yield local


def moment(stamp: str) -> datetime:
    """Return the time in a timestamp of the API."""
    return datetime.fromisoformat(stamp)


def summary(result: Any) -> tuple[str, timedelta]:
    """Return the status of a result, and how long after the start it completed."""
    return result["status"], moment(result["datetime_completed"]) - EPOCH


ON_TIME = timedelta(seconds=WORK)


@pytest.mark.parametrize("kind", INSIGHTS)
def test_insights_end_without_what_came_after_their_end(local: Local, kind: str) -> None:
    """They fail at their time, although nobody looked before a statement was there."""
    path = local.insights(kind)
    local.advance(LATER)
    local.upload()
    local.advance(LATER)

    assert summary(local.get(path)) == ("Failed", ON_TIME)
    listed = local.get(f"/v2/persons/{local.person}/{kind}")
    assert summary(listed[INSIGHTS[kind]][0]) == ("Failed", ON_TIME)


@pytest.mark.parametrize("kind", INSIGHTS)
def test_insights_keep_a_statement_that_is_deleted_after_their_end(local: Local, kind: str) -> None:
    """They are complete at their time."""
    document = local.upload()
    local.advance()
    path = local.insights(kind)
    local.advance(LATER)
    local.client.delete(f"/v2/documents/{document}")
    local.advance(LATER)

    assert summary(local.get(path)) == ("Complete", 2 * ON_TIME)


@pytest.mark.parametrize("kind", INSIGHTS)
def test_insights_need_a_source_that_is_complete_at_the_request(local: Local, kind: str) -> None:
    """They fail if the document is still being read, although it is complete before they end."""
    local.upload()
    local.advance(WORK / 2)
    path = local.insights(kind)
    local.advance(WORK / 2)
    second = local.insights(kind)
    local.advance(LATER)

    assert summary(local.get(path)) == ("Failed", 1.5 * ON_TIME)
    assert summary(local.get(second)) == ("Complete", 2 * ON_TIME)


@pytest.mark.parametrize("kind", INSIGHTS)
def test_insights_of_sources_that_are_gone_at_their_end_fail(local: Local, kind: str) -> None:
    """A statement that was deleted meanwhile is not used."""
    document = local.upload()
    local.advance()
    path = local.insights(kind)
    local.client.delete(f"/v2/documents/{document}")
    local.advance(LATER)

    assert summary(local.get(path)) == ("Failed", 2 * ON_TIME)


@pytest.mark.parametrize("kind", INSIGHTS)
def test_insights_without_data_can_be_refused(connect: Connect, kind: str) -> None:
    """With a 400, and nothing is written."""
    wire = Wire(refuse_insights_without_data=True)
    with Sandbox(**OPTIONS, wire=wire) as sandbox:
        local = started(sandbox, connect(sandbox))
        local.upload()
        refused = local.client.post(f"/v2/{kind}", json=local.subject)
        local.advance()
        path = local.insights(kind)
        local.advance()

        assert (refused.status_code, refused.json()["type"]) == (400, "InvalidRequest")
        assert len(local.get(f"/v2/persons/{local.person}/{kind}")[INSIGHTS[kind]]) == 1
        assert local.get(path)["status"] == "Complete"


def test_a_check_is_decided_at_its_end(local: Local) -> None:
    """A document that is deleted later still counts."""
    document = local.upload()
    path = local.check("bank transactions")
    local.advance(LATER)
    local.client.delete(f"/v2/documents/{document}")
    local.advance(LATER)
    check = local.get(path)

    assert summary(check) == ("Complete", ON_TIME)
    assert [rule["decision"] for rule in check["rules"]] == ["Pass", "Pass"]


def test_a_document_that_is_deleted_before_the_end_of_a_check_does_not_count(local: Local) -> None:
    """The check fails at its time."""
    document = local.upload()
    path = local.check("bank transactions")
    local.advance(WORK / 2)
    local.client.delete(f"/v2/documents/{document}")
    local.advance(LATER)

    assert summary(local.get(path)) == ("Failed", ON_TIME)


def test_identity_and_integrity_complete_at_their_time(local: Local) -> None:
    """However late somebody looks."""
    document = local.upload()
    body = {"person_id": local.person, "country_code": "GB"}
    request_id = local.post("/v2/identity", body)["request_id"]
    local.advance(LATER)
    verification = local.get(f"/v2/identity/{request_id}")

    assert summary(verification) == ("Complete", ON_TIME)
    assert moment(verification["data"]["decision_time"]) == EPOCH + ON_TIME
    assert summary(local.get(f"/v2/documents/{document}/integrity-checks")) == (
        "Complete",
        ON_TIME,
    )


def test_accounts_are_connected_and_refreshed_at_their_time(local: Local) -> None:
    """However late somebody looks."""
    connection = local.post("/v2/openbanking", local.subject)["bank_connection_id"]
    local.advance(LATER)
    connected = local.get(f"/v2/openbanking/{connection}")
    account = f"/v2/bankaccounts/{connected['account_connection_ids'][0]}"
    local.post(f"{account}/refresh", None)
    local.advance(LATER)
    refreshed = moment(local.get(account)["datetime_last_refreshed"])

    assert moment(connected["datetime_connected"]) == EPOCH + ON_TIME
    assert refreshed == EPOCH + timedelta(seconds=LATER) + ON_TIME


def connected(local: Local) -> str:
    """Connect a bank, and return the path of an account."""
    local.post("/v2/openbanking", local.subject)
    local.advance()
    account = local.get(f"/v2/persons/{local.person}/bankaccounts")[0]
    return f"/v2/bankaccounts/{account['account_connection_id']}"


CONSENT = 90 * 24 * 3600.0


@pytest.mark.parametrize("is_refused", [True, False])
def test_consent_runs_out(connect: Connect, *, is_refused: bool) -> None:
    """Nothing is refreshed after that, and what was there can still be read."""
    wire = Wire(refuse_refresh_after_expiry=is_refused)
    with Sandbox(**OPTIONS, wire=wire) as sandbox:
        local = started(sandbox, connect(sandbox))
        account = connected(local)
        before = local.get(account)
        paths = [
            f"{account}/transactions",
            f"/v2/openbanking/{before['bank_connection_id']}",
            f"/v2/persons/{local.person}/insight-data-sources",
        ]
        data = [local.get(path) for path in paths]
        local.advance(CONSENT)
        refused = local.client.post(f"{account}/refresh")
        local.advance(LATER)

        assert moment(before["datetime_expiry"]) == EPOCH + ON_TIME + timedelta(days=90)
        assert refused.status_code == (400 if is_refused else 200)
        assert local.get(account) == before
        assert [local.get(path) for path in paths] == data


def test_a_refresh_that_ends_after_the_consent_changes_nothing(local: Local) -> None:
    """One that ends before it does."""
    account = connected(local)
    local.advance(CONSENT - 1.5 * WORK)
    local.post(f"{account}/refresh", None)
    local.advance()
    refreshed = local.get(account)
    local.post(f"{account}/refresh", None)
    local.advance()

    assert moment(refreshed["datetime_last_refreshed"]) > moment(refreshed["datetime_connected"])
    assert local.get(account) == refreshed


@pytest.mark.parametrize(
    ("claim", "name", "before", "after"),
    [
        ("Payslip", "statement.pdf", "Payslip", ("Payslip", "Complete")),
        ("Payslip", "bank-statement.pdf", "Payslip", ("BankStatement", "Complete")),
        ("Payslip", "p60.pdf", "Payslip", ("P60", "Provided")),
        ("Contract", "file.pdf", "Contract", ("Contract", "Provided")),
        (None, "payslip.pdf", "None", ("Payslip", "Complete")),
        (None, "file.pdf", "None", ("Other", "Provided")),
    ],
)
def test_a_data_source_shows_the_class_with_its_document(
    local: Local, *, claim: str | None, name: str, before: str, after: tuple[str, str]
) -> None:
    """Until then it is pending, and shows what the request said."""
    fields: Any = {"kind": claim, "file_name": name}
    document = local.upload(**fields)
    path = f"/v2/persons/{local.person}/insight-data-sources"
    [pending] = local.get(path)["data_sources"]
    unclassified = local.get(f"/v2/documents/{document}")
    local.advance()
    [source] = local.get(path)["data_sources"]

    assert (pending["source_type"], pending["status"]) == (before, "Pending")
    assert unclassified["sikoia_document_type"] is None
    assert (source["source_type"], source["status"]) == after
    assert local.get(f"/v2/documents/{document}")["sikoia_document_type"] == after[0]


def test_an_event_has_the_moment_of_the_end(connect: Connect) -> None:
    """Not the moment at which it is delivered."""
    with Sandbox(**OPTIONS) as sandbox:
        local = started(sandbox, connect(sandbox))
        local.subscribe()
        local.post("/v2/identity", {"person_id": local.person})
        local.advance(90)
        [webhook] = local.get("/v2/webhooks")
        [log] = local.get(f"/v2/webhooks/{webhook['webhook_id']}/requests")["webhook_requests"]

        assert moment(log["event_data"]["datetime_created"]) == EPOCH + ON_TIME


def test_results_do_not_follow_a_new_name(local: Local) -> None:
    """Neither a new name nor another scenario changes what has ended."""
    statement, payslip = local.upload(), local.upload("Payslip")
    request_id = local.post("/v2/identity", {"person_id": local.person})["request_id"]
    connection = local.post("/v2/openbanking", local.subject)["bank_connection_id"]
    for kind in ("peps-sanctions", "adverse-media"):
        local.post(f"/v2/{kind}", local.subject)
    local.advance()
    accounts = [
        f"/v2/bankaccounts/{one['account_connection_id']}"
        for one in local.get(f"/v2/persons/{local.person}/bankaccounts")
    ]
    insights = [local.insights("affordability-insights"), local.insights("income-employer")]
    paths = [
        f"/v2/identity/{request_id}",
        f"/v2/persons/{local.person}/identity-verifications",
        f"/v2/openbanking/{connection}",
        f"/v2/documents/{statement}/integrity-checks",
        f"/v2/documents/{payslip}/integrity-checks",
        f"/v2/persons/{local.person}/insight-data-sources",
        f"/v2/persons/{local.person}/bankaccounts",
        f"/v2/persons/{local.person}/peps-sanctions",
        f"/v2/persons/{local.person}/adverse-media",
        *accounts,
        *(f"{account}/transactions" for account in accounts),
        local.check("payslips"),
        local.check("bank transactions"),
        *insights,
        f"{insights[0]}/transactions",
        f"{insights[0]}/transaction-details",
        f"{insights[1]}/additional-details",
    ]
    local.advance()
    before = [without_links(local.get(path)) for path in paths]
    assert "Sample Example" in repr(before)

    for name in ("Dora Declined", "Tamara Tampered", "Ingrid Incomplete", "Sandra Sanctioned"):
        local.rename(*name.split())
        assert [without_links(local.get(path)) for path in paths] == before


def test_pending_work_is_about_the_person_as_they_were(local: Local) -> None:
    """A new name in the meantime does not change the outcome."""
    document = local.upload()
    request_id = local.post("/v2/identity", {"person_id": local.person})["request_id"]
    local.rename("Dora", "Declined")
    local.advance(WORK / 2)
    local.rename("Tamara", "Tampered")
    local.advance()

    data = local.get(f"/v2/identity/{request_id}")["data"]
    rules = local.get(f"/v2/documents/{document}/integrity-checks")["rules"]
    [account] = local.get(f"/v2/persons/{local.person}/bankaccounts")
    assert (data["verification_status"], data["person"]["surname"]) == ("Approved", "Example")
    assert {rule["decision"] for rule in rules} == {"Pass"}
    assert account["owners_name"] == ["Sample Example"]


def without_links(value: Any) -> Any:
    """Return a result without its links, which are new in each response."""
    links = ("uri", "document_uri", "search_certificate_uri")

    def shortened(fields: dict[str, Any]) -> dict[str, Any]:
        return {name: one for name, one in fields.items() if name not in links}

    return json.loads(json.dumps(value), object_hook=shortened)
