"""The operations on validation checks."""

from base64 import b64encode
from collections.abc import Callable
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


@pytest.fixture
def upload(client: httpx.Client, case_id: str, clock: SimpleNamespace) -> Upload:
    """Upload a document of the case, wait until it is read, and return its id."""

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
def body_of(client: httpx.Client, case_id: str) -> Callable[..., dict[str, Any]]:
    """Return the body of a request for a check of the case."""

    def fill(name: str = PAYSLIPS, **fields: Any) -> dict[str, Any]:
        types = client.get("/v2/validation-checks/validation-types").json()
        ids = {(one["validation_check_name"], one["entity_type"]): one for one in types}
        type_id = ids[name, "case"]["validation_type_id"]
        case = {"entity_type": "case", "entity_id": case_id}
        return {"validation_type_id": type_id, **case, **fields}

    return fill


@pytest.fixture
def check(
    client: httpx.Client, body_of: Callable[..., dict[str, Any]], clock: SimpleNamespace
) -> Callable[..., dict[str, Any]]:
    """Run a check of the case, and return it when it is complete."""

    def run(name: str = PAYSLIPS) -> dict[str, Any]:
        started = client.post(RUN, json=body_of(name)).json()
        clock.now += 1
        ended: dict[str, Any] = client.get(f"{RUN}/{started['validation_instance_id']}").json()
        return ended

    return run


def test_each_type_of_entity_has_both_checks(client: httpx.Client) -> None:
    """With different ids that never change."""
    types = client.get("/v2/validation-checks/validation-types").json()

    assert {(one["validation_check_name"], one["entity_type"]) for one in types} == {
        (name, kind) for name in (PAYSLIPS, TRANSACTIONS) for kind in ("case", "company", "person")
    }
    assert len({one["validation_type_id"] for one in types}) == len(types) == 6
    assert [kind.listed for kind in kinds(State(seed=0)).values()] == types


def test_a_check_is_pending_at_first(
    client: httpx.Client, body_of: Callable[..., dict[str, Any]]
) -> None:
    """The first response has neither its name nor rules; later responses have both."""
    body = body_of()

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
def test_a_check_fails_if_a_rule_fails(
    check: Callable[..., dict[str, Any]],
    upload: Upload,
    name: str,
    documents: list[str],
    expected: tuple[str, list[str]],
) -> None:
    """It needs documents of its kind, and enough of them for three months."""
    for document_type in documents:
        upload(document_type)

    ended = check(name)

    assert ended.keys() == INSTANCE
    assert (ended["status"], [rule["decision"] for rule in ended["rules"]]) == expected
    assert ended["datetime_completed"] > ended["datetime_requested"]


def test_rules_have_their_sources(
    sandbox: Sandbox, check: Callable[..., dict[str, Any]], upload: Upload
) -> None:
    """With their URL in the API."""
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


def test_a_check_uses_the_sources_that_existed_at_its_start(
    client: httpx.Client,
    clock: SimpleNamespace,
    body_of: Callable[..., dict[str, Any]],
    upload: Upload,
) -> None:
    """Later documents do not change it, but count for the next check."""
    path = f"{RUN}/{client.post(RUN, json=body_of()).json()['validation_instance_id']}"
    upload("Payslip")
    first = client.get(path).json()
    clock.now += 1

    assert first["status"] == "Failed"
    assert client.get(path).json() == first
    assert client.post(RUN_WITH_INCOME, json=body_of()).json()["income_verification"]


def test_a_check_can_be_limited_to_sources(
    client: httpx.Client, body_of: Callable[..., dict[str, Any]], upload: Upload
) -> None:
    """Unknown ids are ignored."""
    chosen, *_ = [upload("Payslip") for _ in range(3)]

    def decisions(source_id: str) -> list[str]:
        parameters = [{"source_id": source_id, "source_category_type": "Document"}]
        response = client.post(RUN_WITH_INCOME, json=body_of(checklist_params=parameters)).json()
        check = response["completness_verification"]
        assert check["checklist_params"] == parameters
        return [rule["decision"] for rule in check["rules"]]

    assert decisions(chosen) == ["Pass", "Refer"]
    assert decisions(UNKNOWN) == ["Fail", "Fail"]


def test_a_passed_check_requests_income(
    client: httpx.Client, body_of: Callable[..., dict[str, Any]], upload: Upload
) -> None:
    """The check completes at once. The report is pending, or null if the check failed."""
    failed = client.post(RUN_WITH_INCOME, json=body_of())
    upload("Payslip")
    passed = client.post(RUN_WITH_INCOME, json=body_of()).json()

    assert failed.status_code == 200
    assert failed.json()["completness_verification"].keys() == INSTANCE
    assert failed.json()["completness_verification"]["status"] == "Failed"
    assert failed.json()["income_verification"] is None
    income = passed["income_verification"]
    assert passed["completness_verification"]["status"] == "Complete"
    assert (income["status"], income["data"]) == ("Pending", None)
    assert client.get(f"/v2/income-employer/{income['request_id']}").status_code == 200


def test_a_document_that_is_still_being_read_is_referred(
    client: httpx.Client, body_of: Callable[..., dict[str, Any]], upload: Upload
) -> None:
    """It exists, but does not count towards the three months."""
    upload("Payslip", is_read=False)

    check = client.post(RUN_WITH_INCOME, json=body_of()).json()["completness_verification"]

    assert [rule["decision"] for rule in check["rules"]] == ["Refer", "Fail"]


@pytest.mark.parametrize(("end", "decision"), [("2026-03-31", "Pass"), ("2026-02-28", "Refer")])
def test_transactions_must_span_three_months(end: str, decision: str) -> None:
    """Less is referred for a manual review."""
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
    body_of: Callable[..., dict[str, Any]],
    case_id: str,
) -> None:
    """Without their names and rules."""
    older, newer = (client.post(RUN, json=body_of()).json() for _ in range(2))
    clock.now += 1

    result = client.get(f"/v2/Cases/{case_id}/validation-checks").json()

    rows = result.pop("validation_check_requests")
    assert result == {"entity_id": case_id, "entity_type": "case"}
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
def test_invalid_requests_are_refused(
    client: httpx.Client, body_of: Callable[..., dict[str, Any]], path: str, field: str, wrong: Any
) -> None:
    """With 400, even for an unknown entity."""
    response = client.post(path, json=body_of() | {field: wrong})

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")


def test_a_check_is_for_one_type_of_entity(
    client: httpx.Client, body_of: Callable[..., dict[str, Any]]
) -> None:
    """A check for companies cannot be run for a case."""
    types = client.get("/v2/validation-checks/validation-types").json()
    other = next(one for one in types if one["entity_type"] == "company")
    body = body_of(validation_type_id=other["validation_type_id"])

    response = client.post(RUN, json=body)

    assert response.status_code == 400
    assert "validation_type_id" in response.json()["detail"]


def test_checks_are_deleted_with_their_case(
    client: httpx.Client, case: str, case_id: str, body_of: Callable[..., dict[str, Any]]
) -> None:
    """Their error differs from that for an unknown id."""
    check = client.post(RUN, json=body_of()).json()
    client.delete(case)

    paths = (f"{RUN}/{check['validation_instance_id']}", f"{RUN}/{UNKNOWN}")
    kinds_of_error = [client.get(path).json()["type"] for path in paths]
    assert kinds_of_error == ["ResourceDeleted", "ResourceNotFound"]
    assert client.get(f"/v2/Cases/{case_id}/validation-checks").status_code == 404
