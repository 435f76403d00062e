"""The Excel report: a small workbook of the existing data."""

import base64
import io
import zipfile
from xml.etree import ElementTree as ET

import httpx

from sikoia_async.sandbox.resources.workbook import workbook


def _cells(content: bytes, sheet: int) -> list[str]:
    """Return the cells of a sheet."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        tree = ET.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))  # noqa: S314 - our own
    return [cell.text or "" for cell in tree.iter() if cell.tag.endswith("}t")]


def test_a_report_has_sheets_for_existing_data(client: httpx.Client, case: str) -> None:
    """Without data sources only a summary; with a document also a sheet of documents."""
    case_id = case.rpartition("/")[2]
    path = f"/v2/Cases/{case_id}/excel-report"
    empty = client.get(path)
    client.post(
        "/v2/documents",
        json={
            "entity_id": case_id,
            "entity_type": "case",
            "file": base64.b64encode(b"%PDF").decode(),
            "display_name": "March",
            "file_name": "a.pdf",
        },
    )
    full = client.get(path)

    assert empty.headers["Content-Type"] == "application/json"
    assert _cells(empty.content, 1) == ["entity", "case", "sources", "0"]
    assert _cells(full.content, 1)[-1] == "1"
    assert "March" in _cells(full.content, 2)


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
