"""Documents: kept, classified, listed, checked, and served by links."""

import base64
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from sikoia_async.sandbox import Sandbox, Scenario

Connect = Callable[[Sandbox], httpx.Client]
_FILE = base64.b64encode(b"%PDF-1.7").decode()


@pytest.fixture
def case_id(case: str) -> str:
    """Give the id of a case."""
    return case.rpartition("/")[2]


def _body(case_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "entity_id": case_id,
        "entity_type": "case",
        "file": _FILE,
        "display_name": "A document",
        "file_name": "a.pdf",
        **fields,
    }


def test_an_upload_is_answered_whole(client: httpx.Client, case_id: str) -> None:
    """All fields are there, and the bytes are not."""
    answer = client.post("/v2/documents", json=_body(case_id, document_type="Payslip"))
    document = answer.json()
    again = client.get(f"/v2/documents/{document['document_id']}").json()

    assert answer.status_code == 201
    assert len(document) == 14
    assert (document["file_type"], document["status"]) == (".pdf", "Complete")
    assert document["datetime_created"].endswith("0+00:00")
    assert document.pop("document_uri") != again.pop("document_uri")
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
def test_a_broken_upload_is_refused(
    client: httpx.Client, case_id: str, field: str, fields: dict[str, Any]
) -> None:
    """With 400, naming the field."""
    answer = client.post("/v2/documents", json=_body(case_id, **fields))

    assert answer.status_code == 400
    assert field.split(maxsplit=1)[0] in answer.json()["detail"]


def test_an_entity_that_was_deleted_takes_no_documents(client: httpx.Client, case: str) -> None:
    """And its documents are gone with it."""
    case_id = case.rpartition("/")[2]
    document = client.post("/v2/documents", json=_body(case_id)).json()
    client.delete(case)

    assert client.post("/v2/documents", json=_body(case_id)).status_code == 400
    gone = client.get(f"/v2/documents/{document['document_id']}")
    assert (gone.status_code, gone.json()["type"]) == (404, "ResourceDeleted")
    assert client.get(f"/v2/Cases/{case_id}/documents").status_code == 404


def test_the_newest_is_listed_first(client: httpx.Client, case_id: str) -> None:
    """What was deleted is not listed."""
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


@pytest.mark.parametrize(("name", "claim", "found"), _CLASSES)
def test_a_document_is_classified(
    quick: httpx.Client, name: str, claim: str | None, found: str
) -> None:
    """Its name tells more than the claim; without either it is something else."""
    case = quick.post("/v2/cases", json={"name": "Loan", "case_type": "Business"}).json()
    document = _body(case["case_id"], file_name=name, document_type=claim)

    shown = quick.post("/v2/documents", json=document).json()

    assert (shown["document_type"], shown["sikoia_document_type"]) == (claim, found)


def test_the_finding_and_the_checks_take_their_time(
    connect: Connect, clock: SimpleNamespace
) -> None:
    """Until the work is done there is neither type nor rule."""
    edited = Scenario(name="edited", file_name="edited-payslip.pdf", integrity="Fail")
    with Sandbox(clock=lambda: clock.now, work_time=5, scenarios=[edited]) as sandbox:
        client = connect(sandbox)
        body = {"name": "Loan", "case_type": "Business"}
        case_id = client.post("/v2/cases", json=body).json()["case_id"]
        for name in ("payslip.pdf", "edited-payslip.pdf", "contract.pdf"):
            client.post("/v2/documents", json=_body(case_id, file_name=name))
        path = f"/v2/Cases/{case_id}"
        early = client.get(f"{path}/documents").json()
        pending = client.get(f"{path}/integrity-checks").json()
        clock.now = 5.0
        late = client.get(f"{path}/documents").json()
        done = client.get(f"{path}/integrity-checks").json()
        checks = [
            client.get(f"/v2/documents/{document['document_id']}/integrity-checks")
            for document in late
        ]
        clock.now = 7.0
        later = client.get(f"{path}/integrity-checks").json()

    assert [document["sikoia_document_type"] for document in early] == [None] * 3
    assert late[0]["sikoia_document_type"] == "Contract"
    assert [one["status"] for one in pending["integrity_check_requests"]] == ["Pending"] * 2
    assert [one["status"] for one in done["integrity_check_requests"]] == ["Complete"] * 2
    assert later == done
    assert checks[0].status_code == 404
    assert [decisions(check) for check in checks[1:]] == [
        ["Fail", "Pass", "Pass"],
        ["Pass", "Pass", "Pass"],
    ]
    assert len(checks[1].json()) == 11


def decisions(check: httpx.Response) -> list[str]:
    """Return what the rules of a check came to."""
    return [rule["decision"] for rule in check.json()["rules"]]


def test_a_link_gives_the_bytes(client: httpx.Client, case_id: str) -> None:
    """To whoever holds it, with the type of media that the name says."""
    for name, media_type in (("a.pdf", "application/pdf"), ("a.x", "application/octet-stream")):
        body = _body(case_id, file_name=name)
        uri = client.post("/v2/documents", json=body).json()["document_uri"]
        request = client.build_request("GET", uri)
        del request.headers["Authorization"]
        answer = client.send(request)

        assert answer.content == b"%PDF-1.7"
        assert answer.headers["Content-Type"] == media_type
