"""The operations on validation checks."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.resources.check_rules import kinds
from sikoia_async.sandbox.state import State

UNKNOWN = "00000000-0000-4000-8000-000000000000"
PAYSLIPS = "Last 3 months of payslips"
TRANSACTIONS = "Last 3 months of bank transactions"
RUN, RUN_WITH_INCOME = "/v2/validation-checks", "/v2/completeness-income-checks"
INSTANCE = {
    "validation_instance_id",
    "validation_type_id",
    "validation_check_name",
    "status",
    "entity_id",
    "entity_type",
    "checklist_params",
    "datetime_requested",
    "datetime_completed",
    "message",
    "rules",
}
Upload = Callable[..., str]


@pytest.fixture(scope="module")
def clock() -> SimpleNamespace:
    """Give a clock whose `now` tests turn by hand."""
    return SimpleNamespace(now=0.0)


@pytest.fixture(scope="module")
def sandbox(clock: SimpleNamespace) -> Iterator[Sandbox]:
    """Run a sandbox on that clock, with tokens and windows that outlive the tests."""
    with Sandbox(clock=lambda: clock.now, token_life=9999, limit=9999) as running:
        yield running


@pytest.fixture
def case_id(case: str) -> str:
    """Give the id of a case."""
    return case.rpartition("/")[2]


@pytest.fixture
def upload(client: httpx.Client, case_id: str, clock: SimpleNamespace) -> Upload:
    """Upload a document of the case, let it be read, and give its id."""

    def upload_document(document_type: str, *, is_read: bool = True) -> str:
        body = {
            "entity_type": "case",
            "entity_id": case_id,
            "document_type": document_type,
            "display_name": "A document",
            "file_name": "document.pdf",
            "file": b64encode(b"%PDF-1.4\n%%EOF\n").decode(),
        }
        document_id: str = client.post("/v2/documents", json=body).json()["document_id"]
        clock.now += is_read
        return document_id

    return upload_document


@pytest.fixture
def about(client: httpx.Client, case_id: str) -> Callable[..., dict[str, Any]]:
    """Fill the body of a request for a check of the case."""

    def fill(name: str = PAYSLIPS, **fields: Any) -> dict[str, Any]:
        types = client.get("/v2/validation-checks/validation-types").json()
        ids = {(one["validation_check_name"], one["entity_type"]): one for one in types}
        type_id = ids[name, "case"]["validation_type_id"]
        case = {"entity_type": "case", "entity_id": case_id}
        return {"validation_type_id": type_id, **case, **fields}

    return fill


@pytest.fixture
def check(
    client: httpx.Client, about: Callable[..., dict[str, Any]], clock: SimpleNamespace
) -> Callable[..., dict[str, Any]]:
    """Run a check of the case to its end."""

    def run(name: str = PAYSLIPS) -> dict[str, Any]:
        started = client.post(RUN, json=about(name)).json()
        clock.now += 1
        ended: dict[str, Any] = client.get(f"{RUN}/{started['validation_instance_id']}").json()
        return ended

    return run


def test_each_type_of_entity_has_both_checks(client: httpx.Client) -> None:
    """Their ids differ, and stay the same."""
    types = client.get("/v2/validation-checks/validation-types").json()

    assert {(one["validation_check_name"], one["entity_type"]) for one in types} == {
        (name, kind) for name in (PAYSLIPS, TRANSACTIONS) for kind in ("case", "company", "person")
    }
    assert len({one["validation_type_id"] for one in types}) == len(types) == 6
    assert [kind.listed for kind in kinds(State(seed=0)).values()] == types


def test_a_check_is_pending_at_first(
    client: httpx.Client, about: Callable[..., dict[str, Any]]
) -> None:
    """The first answer has neither the check's name nor rules; a later look has both."""
    body = about()

    response = client.post(RUN, json=body)

    check = response.json()
    assert response.status_code == 201
    assert check == {
        "validation_instance_id": check["validation_instance_id"],
        **body,
        "status": "Pending",
        "checklist_params": None,
        "datetime_requested": check["datetime_requested"],
        "datetime_completed": None,
        "message": check["message"],
    }
    again = client.get(f"{RUN}/{check['validation_instance_id']}").json()
    assert again == {**check, "validation_check_name": PAYSLIPS, "rules": None}


@pytest.mark.parametrize(
    ("name", "documents", "expected"),
    [
        (PAYSLIPS, [], ("Failed", ["Fail", "Fail"])),
        (PAYSLIPS, ["BankStatement", "P60"], ("Failed", ["Fail", "Fail"])),
        (PAYSLIPS, ["Payslip"], ("Complete", ["Pass", "Refer"])),
        (PAYSLIPS, ["Payslip"] * 3, ("Complete", ["Pass", "Pass"])),
        (TRANSACTIONS, ["Payslip"], ("Failed", ["Fail", "Fail"])),
        (TRANSACTIONS, ["BankStatement"], ("Complete", ["Pass", "Pass"])),
    ],
)
def test_a_check_fails_when_a_rule_does(
    check: Callable[..., dict[str, Any]],
    upload: Upload,
    name: str,
    documents: list[str],
    expected: tuple[str, list[str]],
) -> None:
    """Documents of the kind are asked for, and enough of them for three months."""
    for document_type in documents:
        upload(document_type)

    ended = check(name)

    assert ended.keys() == INSTANCE
    assert (ended["status"], [rule["decision"] for rule in ended["rules"]]) == expected
    assert ended["datetime_completed"] > ended["datetime_requested"]


def test_a_rule_names_its_sources(
    sandbox: Sandbox, check: Callable[..., dict[str, Any]], upload: Upload
) -> None:
    """A source is given with the place where the API has it."""
    document_id = upload("Payslip")

    rule = check()["rules"][0]

    assert rule.keys() == {"rule_name", "decision", "recipient", "message", "sources"}
    assert rule["sources"] == [
        {
            "source_id": document_id,
            "source_category_type": "Document",
            "source_uri": f"{sandbox.url}/v2/documents/{document_id}",
            "date": rule["sources"][0]["date"],
        }
    ]


def test_a_check_looks_at_what_was_there_and_never_changes(
    client: httpx.Client,
    clock: SimpleNamespace,
    about: Callable[..., dict[str, Any]],
    upload: Upload,
) -> None:
    """A document that comes later is for the next check."""
    path = f"{RUN}/{client.post(RUN, json=about()).json()['validation_instance_id']}"
    upload("Payslip")
    first = client.get(path).json()
    clock.now += 1

    assert first["status"] == "Failed"
    assert client.get(path).json() == first
    assert client.post(RUN_WITH_INCOME, json=about()).json()["income_verification"]


def test_a_check_may_look_at_chosen_sources(
    client: httpx.Client, about: Callable[..., dict[str, Any]], upload: Upload
) -> None:
    """Only the chosen ones count, and one that is not there counts for nothing."""
    chosen, *_ = [upload("Payslip") for _ in range(3)]

    def decisions(source_id: str) -> list[str]:
        parameters = [{"source_id": source_id, "source_category_type": "Document"}]
        answer = client.post(RUN_WITH_INCOME, json=about(checklist_params=parameters)).json()
        check = answer["completness_verification"]
        assert check["checklist_params"] == parameters
        return [rule["decision"] for rule in check["rules"]]

    assert decisions(chosen) == ["Pass", "Refer"]
    assert decisions(UNKNOWN) == ["Fail", "Fail"]


def test_income_follows_when_the_check_passes(
    client: httpx.Client, about: Callable[..., dict[str, Any]], upload: Upload
) -> None:
    """The check is made at once; the income report is pending, and null if the check failed."""
    failed = client.post(RUN_WITH_INCOME, json=about())
    upload("Payslip")
    passed = client.post(RUN_WITH_INCOME, json=about()).json()

    assert failed.status_code == 200
    assert failed.json()["completness_verification"].keys() == INSTANCE
    assert failed.json()["completness_verification"]["status"] == "Failed"
    assert failed.json()["income_verification"] is None
    income = passed["income_verification"]
    assert passed["completness_verification"]["status"] == "Complete"
    assert (income["status"], income["data"]) == ("Pending", None)
    assert client.get(f"/v2/income-employer/{income['request_id']}").status_code == 200


def test_what_is_still_being_read_is_referred(
    client: httpx.Client, about: Callable[..., dict[str, Any]], upload: Upload
) -> None:
    """It is there, but nothing in it counts yet."""
    upload("Payslip", is_read=False)

    check = client.post(RUN_WITH_INCOME, json=about()).json()["completness_verification"]

    assert [rule["decision"] for rule in check["rules"]] == ["Refer", "Fail"]


@pytest.mark.parametrize(("end", "decision"), [("2026-03-31", "Pass"), ("2026-02-28", "Refer")])
def test_transactions_must_span_three_months(end: str, decision: str) -> None:
    """Less than that is for somebody to look at."""
    check = next(kind for kind in kinds(State()).values() if kind.name == TRANSACTIONS)
    statement = {
        "source_id": "d-1",
        "source_type": "BankStatement",
        "source_category_type": "Document",
        "source_uris": ["https://sandbox.example/v2/documents/d-1"],
        "source_date": end,
        "status": "Complete",
        "recipient": "Sample Person",
        "start_date": "2026-01-01",
        "end_date": end,
    }

    _, span = check.rules([statement])

    assert (span["decision"], span["recipient"]) == (decision, "Sample Person")


def test_checks_are_listed_newest_first(
    client: httpx.Client,
    clock: SimpleNamespace,
    about: Callable[..., dict[str, Any]],
    case_id: str,
) -> None:
    """A list has neither the rules nor the names of checks."""
    older, newer = (client.post(RUN, json=about()).json() for _ in range(2))
    clock.now += 1

    found = client.get(f"/v2/Cases/{case_id}/validation-checks").json()

    rows = found.pop("validation_check_requests")
    assert found == {"entity_id": case_id, "entity_type": "case"}
    assert [row["validation_instance_id"] for row in rows] == [
        newer["validation_instance_id"],
        older["validation_instance_id"],
    ]
    assert [row["status"] for row in rows] == ["Failed", "Failed"]
    assert rows[0].keys() == INSTANCE - {
        "validation_check_name", "entity_id", "entity_type", "checklist_params", "rules",
    }  # fmt: skip


@pytest.mark.parametrize("path", [RUN, RUN_WITH_INCOME])
@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("validation_type_id", UNKNOWN),
        ("validation_type_id", ""),
        ("entity_type", "company"),
        ("entity_type", "Cases"),
        ("entity_id", UNKNOWN),
        ("checklist_params", "d-1"),
        ("checklist_params", [{"source_id": "d-1"}]),
        ("checklist_params", [{"source_id": "d-1", "source_category_type": "Letter"}]),
        ("check_params", []),
    ],
)
def test_a_wrong_field_is_refused(
    client: httpx.Client, about: Callable[..., dict[str, Any]], path: str, field: str, wrong: Any
) -> None:
    """All of them are wrong requests, an entity that is not there included."""
    response = client.post(path, json=about() | {field: wrong})

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")


def test_a_check_is_for_one_type_of_entity(
    client: httpx.Client, about: Callable[..., dict[str, Any]]
) -> None:
    """A check for companies cannot be run on a case."""
    types = client.get("/v2/validation-checks/validation-types").json()
    other = next(one for one in types if one["entity_type"] == "company")
    body = about(validation_type_id=other["validation_type_id"])

    response = client.post(RUN, json=body)

    assert response.status_code == 400
    assert "validation_type_id" in response.json()["detail"]


def test_what_goes_with_its_entity_is_gone(
    client: httpx.Client, case: str, case_id: str, about: Callable[..., dict[str, Any]]
) -> None:
    """Deleting the case deletes its checks; an unknown id was never there."""
    check = client.post(RUN, json=about()).json()
    client.delete(case)

    paths = (f"{RUN}/{check['validation_instance_id']}", f"{RUN}/{UNKNOWN}")
    kinds_of_error = [client.get(path).json()["type"] for path in paths]
    assert kinds_of_error == ["ResourceDeleted", "ResourceNotFound"]
    assert client.get(f"/v2/Cases/{case_id}/validation-checks").status_code == 404
