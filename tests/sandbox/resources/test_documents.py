"""The operations on documents and their integrity checks."""

import base64
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, get_args

import httpx
import pytest

from sikoia_async.sandbox import Sandbox, Scenario, Time
from sikoia_async.sandbox.scenarios.scenario import Decision

Connect = Callable[[Sandbox], httpx.Client]
_FILE = base64.b64encode(b"%PDF-1.7").decode()


def _body(case_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "entity_id": case_id,
        "entity_type": "case",
        "file": _FILE,
        "display_name": "A document",
        "file_name": "a.pdf",
        **fields,
    }


def test_an_uploaded_document_has_every_field(client: httpx.Client, case_id: str) -> None:
    """But not the bytes of the file."""
    response = client.post("/v2/documents", json=_body(case_id, document_type="Payslip"))
    document = response.json()
    again = client.get(f"/v2/documents/{document['document_id']}").json()

    assert response.status_code == 201
    assert len(document) == 14
    assert (document["file_type"], document["status"]) == (".pdf", "Complete")
    assert document["datetime_created"].endswith("0+00:00")
    for response in (document, again):
        assert "/sandbox/files/documents/" in response.pop("document_uri")
    assert document == again


_BROKEN: dict[str, dict[str, Any]] = {
    "file": {"file": "no base64!"},
    "file is": {"file": 7},
    "file must not": {"file": ""},
    "file_name": {"file_name": "a"},
    "display_name": {"display_name": ""},
    "document_type": {"document_type": "Novel"},
    "entity_type": {"entity_type": "Cases"},
    "entity_id": {"entity_id": "nobody"},
    "surprise": {"surprise": 1},
}


@pytest.mark.parametrize(("field", "fields"), _BROKEN.items(), ids=_BROKEN.keys())
def test_invalid_uploads_are_refused(
    client: httpx.Client, case_id: str, field: str, fields: dict[str, Any]
) -> None:
    """With 400 and the name of the field."""
    response = client.post("/v2/documents", json=_body(case_id, **fields))

    assert response.status_code == 400
    assert field.split(maxsplit=1)[0] in response.json()["detail"]


def test_documents_are_deleted_with_their_entity(client: httpx.Client, case: str) -> None:
    """And no more can be uploaded for it."""
    case_id = case.rpartition("/")[2]
    document = client.post("/v2/documents", json=_body(case_id)).json()
    client.delete(case)

    assert client.post("/v2/documents", json=_body(case_id)).status_code == 400
    deleted = client.get(f"/v2/documents/{document['document_id']}")
    assert (deleted.status_code, deleted.json()["type"]) == (404, "ResourceDeleted")
    assert client.get(f"/v2/Cases/{case_id}/documents").status_code == 404


def test_documents_are_listed_newest_first(client: httpx.Client, case_id: str) -> None:
    """Without deleted ones."""
    ids = [
        client.post("/v2/documents", json=_body(case_id)).json()["document_id"] for _ in range(3)
    ]
    deleted = client.delete(f"/v2/documents/{ids[1]}")
    listed = client.get(f"/v2/Cases/{case_id}/documents").json()

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client.delete(f"/v2/documents/{ids[1]}").status_code == 404
    assert [document["document_id"] for document in listed] == [ids[2], ids[0]]


_CLASSES = [
    ("Bank Statement (March).pdf", None, "BankStatement"),
    ("employment-contract.pdf", "Other", "EmploymentContract"),
    ("contract.pdf", "Payslip", "Contract"),
    ("mother.pdf", "P60", "P60"),
    ("scan.pdf", None, "Other"),
]


@pytest.fixture(scope="module")
def quick(connect: Connect) -> Iterator[httpx.Client]:
    """Open a client of a sandbox whose work takes no time."""
    with Sandbox(work_time=0) as sandbox:
        yield connect(sandbox)


@pytest.mark.parametrize(("name", "claim", "classified"), _CLASSES)
def test_a_document_is_classified(
    quick: httpx.Client, name: str, claim: str | None, classified: str
) -> None:
    """By its file name, or else as claimed, or else as Other."""
    case = quick.post("/v2/cases", json={"name": "Loan", "case_type": "Business"}).json()
    document = _body(case["case_id"], file_name=name, document_type=claim)

    document_id = quick.post("/v2/documents", json=document).json()["document_id"]
    viewed = quick.get(f"/v2/documents/{document_id}").json()

    assert (viewed["document_type"], viewed["sikoia_document_type"]) == (claim, classified)


@pytest.mark.parametrize("decision", get_args(Decision))
def test_classification_and_checks_take_the_work_time(
    connect: Connect, clock: SimpleNamespace, decision: Decision
) -> None:
    """Until then, there is no type and there are no rules."""
    edited = Scenario(name="edited", file_name="edited-payslip.pdf", integrity=decision)
    with Sandbox(time=Time(clock=lambda: clock.now), work_time=5, scenarios=[edited]) as sandbox:
        client = connect(sandbox)
        body = {"name": "Loan", "case_type": "Business"}
        case_id = client.post("/v2/cases", json=body).json()["case_id"]
        for name in ("payslip.pdf", "edited-payslip.pdf", "contract.pdf"):
            client.post("/v2/documents", json=_body(case_id, file_name=name))
        path = f"/v2/Cases/{case_id}"
        early = client.get(f"{path}/documents").json()
        pending = client.get(f"{path}/integrity-checks").json()
        clock.now += 5.0
        late = client.get(f"{path}/documents").json()
        done = client.get(f"{path}/integrity-checks").json()
        checks = [
            client.get(f"/v2/documents/{document['document_id']}/integrity-checks")
            for document in late
        ]
        clock.now += 2.0
        later = client.get(f"{path}/integrity-checks").json()

    assert [document["sikoia_document_type"] for document in early] == [None] * 3
    assert late[0]["sikoia_document_type"] == "Contract"
    assert [one["status"] for one in pending["integrity_check_requests"]] == ["Pending"] * 2
    assert [one["status"] for one in done["integrity_check_requests"]] == ["Complete"] * 2
    assert later == done
    assert checks[0].status_code == 404
    assert [decisions(check) for check in checks[1:]] == [
        [decision, "Pass", "Pass"],
        ["Pass", "Pass", "Pass"],
    ]
    assert messages(checks[1])[1:] == messages(checks[2])[1:] == [None, None]
    assert (messages(checks[1])[0] is None) is (decision == "Pass")
    assert len(checks[1].json()) == 11


def messages(check: httpx.Response) -> list[str | None]:
    """Return the messages of the rules of a check."""
    return [rule["message"] for rule in check.json()["rules"]]


def decisions(check: httpx.Response) -> list[str]:
    """Return the decisions of the rules of a check."""
    return [rule["decision"] for rule in check.json()["rules"]]


def test_the_link_returns_the_file(client: httpx.Client, case_id: str) -> None:
    """Without a token, and with the media type of the file name."""
    for name, media_type in (("a.pdf", "application/pdf"), ("a.x", "application/octet-stream")):
        body = _body(case_id, file_name=name)
        uri = client.post("/v2/documents", json=body).json()["document_uri"]
        request = client.build_request("GET", uri)
        del request.headers["Authorization"]
        response = client.send(request)

        assert response.content == b"%PDF-1.7"
        assert response.headers["Content-Type"] == media_type
