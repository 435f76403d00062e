"""The Excel report: a small workbook of what there is."""

import base64
import io
import zipfile
from xml.etree import ElementTree as ET

import httpx

from sikoia_async.sandbox.resources.workbook import workbook


def _texts(content: bytes, sheet: int) -> list[str]:
    """Return the texts of a sheet, cell by cell."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        tree = ET.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))  # noqa: S314 - our own
    return [cell.text or "" for cell in tree.iter() if cell.tag.endswith("}t")]


def test_a_report_has_sheets_for_what_there_is(client: httpx.Client, case: str) -> None:
    """A case without sources has a summary; one with a document has a sheet of documents."""
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
    assert _texts(empty.content, 1) == ["entity", "case", "sources", "0"]
    assert _texts(full.content, 1)[-1] == "1"
    assert "March" in _texts(full.content, 2)


def test_nobody_has_no_report(client: httpx.Client) -> None:
    """There has to be an entity, of a type that there is."""
    assert client.get("/v2/Cases/nobody/excel-report").status_code == 404
    assert client.get("/v2/Banks/nobody/excel-report").status_code == 404


def test_a_workbook_is_whole_and_always_the_same() -> None:
    """Each part is XML, whatever the texts are, and nothing depends on the time."""
    sheets = {"A & B": [("<x>", None, 'a"b', "bell\x07")], "C": []}

    content = workbook(sheets)

    assert content == workbook(sheets)
    assert _texts(content, 1) == ["<x>", "", 'a"b', "bell"]
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert book.testzip() is None
        for name in book.namelist():
            ET.fromstring(book.read(name))  # noqa: S314 - our own
        assert 'name="A &amp; B"' in book.read("xl/workbook.xml").decode()
