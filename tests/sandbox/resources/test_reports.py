"""The Excel report: a small workbook of the existing data."""

import io
import zipfile
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import httpx

from sikoia_async.sandbox.resources.workbook import workbook


def _cells(content: bytes, sheet: int) -> list[str]:
    """Return the cells of a sheet."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        tree = ET.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))  # noqa: S314 - our own
    return [cell.text or "" for cell in tree.iter() if cell.tag.endswith("}t")]


def _tabs(response: httpx.Response) -> dict[str, list[str]]:
    """Return the cells of each tab by its title."""
    with zipfile.ZipFile(io.BytesIO(response.content)) as book:
        tree = ET.fromstring(book.read("xl/workbook.xml"))  # noqa: S314 - our own
    titles = [one.attrib["name"] for one in tree.iter() if one.tag.endswith("}sheet")]
    return {title: _cells(response.content, number) for number, title in enumerate(titles, 1)}


def test_a_report_has_a_tab_for_each_kind_of_result(
    client: httpx.Client, clock: SimpleNamespace, person: str, case_id: str
) -> None:
    """When it exists, and for a case also those of its people."""
    path, of_case = f"/v2/Persons/{person}/excel-report", f"/v2/Cases/{case_id}/excel-report"
    entity = {"entity_id": person, "entity_type": "person"}

    def post(path: str, **body: str) -> Any:
        response = client.post(path, json=entity | body)
        assert response.is_success
        clock.now += 1
        return response.json()

    def titles() -> list[str]:
        return list(_tabs(client.get(path)))

    def upload(kind: str) -> None:
        file = {"file": "JVBERg==", "display_name": f"My {kind}", "file_name": "a.pdf"}
        post("/v2/documents", document_type=kind, **file)

    seen = [titles()]
    upload("UtilityBill")
    seen.append(titles())
    upload("Payslip")
    seen.append(titles())
    post("/v2/income-employer")
    seen.append(titles())
    upload("BankStatement")
    post("/v2/affordability-insights")
    seen.append(titles())
    for kind in client.get("/v2/validation-checks/validation-types").json():
        if kind["entity_type"] == "person":
            post("/v2/validation-checks", validation_type_id=kind["validation_type_id"])
            seen.append(titles())

    assert seen == [
        ["Summary"],
        ["Summary"],
        ["Integrity checks"],
        ["Income", "Integrity checks"],
        ["Income", "Affordability", "Integrity checks"],
        ["Income", "Affordability", "Payslip completeness", "Integrity checks"],
        [
            "Income",
            "Affordability",
            "Payslip completeness",
            "Bank statement completeness",
            "Integrity checks",
        ],
    ]
    tabs = _tabs(client.get(path))
    assert "Employment" in tabs["Income"]
    assert "Mortgage and rent" in tabs["Affordability"]
    assert "Payslips are there" in tabs["Payslip completeness"]
    assert "Bank transactions cover 3 months" in tabs["Bank statement completeness"]
    assert "My Payslip" in tabs["Integrity checks"]
    assert _tabs(client.get(of_case)) == tabs
    assert client.get(path).headers["Content-Type"] == "application/json"


def test_unknown_entities_have_no_report(client: httpx.Client) -> None:
    """And neither have unknown types."""
    assert client.get("/v2/Cases/nobody/excel-report").status_code == 404
    assert client.get("/v2/Banks/nobody/excel-report").status_code == 404


def test_a_workbook_is_valid_and_reproducible() -> None:
    """Each part is XML, whatever the cells contain, and does not depend on the time."""
    sheets = {"A & B": [("<x>", None, 'a"b', "bell\x07")], "C": []}

    content = workbook(sheets)

    assert content == workbook(sheets)
    assert _cells(content, 1) == ["<x>", "", 'a"b', "bell"]
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert book.testzip() is None
        for name in book.namelist():
            ET.fromstring(book.read(name))  # noqa: S314 - our own
        assert 'name="A &amp; B"' in book.read("xl/workbook.xml").decode()
