"""Excel reports: decoded from every encoding, and never requested twice."""

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults import Peer, answer, assert_plain, client, serve
from scripted import Received, Reply, Scripted, scripted

from sikoia_async import (
    ConfigurationError,
    ConnectionFailedError,
    ResourceNotFoundError,
    ServerError,
    Sikoia,
    UnexpectedResponseError,
)
from sikoia_async.models import Entity
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing import client_of

pytestmark = pytest.mark.anyio

_CASE = Entity("case", "c-1")
_BOOK = b"PK\x03\x04" + bytes(range(256)) * 2000


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    """Run a server with scripted responses."""
    with scripted() as running:
        yield running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run a local Sikoia in which work takes no time."""
    with Sandbox(work_time=0) as running:
        yield running


async def get_report(sikoia: Sikoia, method: str, folder: Path, entity: Any = _CASE) -> bytes:
    """Return the report from either method."""
    if method == "excel":
        return await sikoia.reports.excel(entity)
    size = await sikoia.reports.save_excel(entity, folder / "a.xlsx")
    content = (folder / "a.xlsx").read_bytes()
    assert size == len(content)
    return content


def _names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


both_methods = pytest.mark.parametrize("method", ["excel", "save_excel"])


@both_methods
async def test_the_report_is_a_workbook(sandbox: Sandbox, method: str, tmp_path: Path) -> None:
    """It has a sheet for the documents of the case."""
    async with client_of(sandbox, interval=None) as sikoia:
        case = await sikoia.cases.create(name="Loan", case_type="Business")
        await sikoia.documents.upload(
            case, b"%PDF", document_type="Payslip", file_name="a.pdf", display_name="Pay & more"
        )
        content = await get_report(sikoia, method, tmp_path, case)
        with pytest.raises(ResourceNotFoundError):
            await get_report(sikoia, method, tmp_path, Entity("case", "unknown"))

    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert book.testzip() is None
        assert "Pay &amp; more" in book.read("xl/worksheets/sheet1.xml").decode()


def _base64() -> bytes:
    return base64.b64encode(_BOOK)


_ENCODED = {
    "raw": _BOOK,
    "base64": b'"' + _base64() + b'"',
    "escaped slashes": b'"' + _base64().replace(b"/", rb"\/") + b'"',
    "as .NET writes it": b'"' + _base64().replace(b"+", rb"\u002B") + b'"\r\n',
}


@both_methods
@pytest.mark.parametrize("body", _ENCODED.values(), ids=_ENCODED.keys())
@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
async def test_the_encoding_is_detected_from_the_body(
    server: Scripted, body: bytes, media_type: str, method: str, tmp_path: Path
) -> None:
    """Not from the header, because the specification declares every response as JSON."""
    server.respond_with(Reply(200, body, {"Content-Type": media_type}))
    async with server.client() as sikoia:
        assert await get_report(sikoia, method, tmp_path) == _BOOK

    assert server.requests[-1].path == "/v2/Cases/c-1/excel-report"


_NOT_A_WORKBOOK: dict[str, tuple[int, bytes]] = {
    "object": (200, b'{"status": "Pending"}'),
    "string": (200, b'"string"'),
    "HTML": (200, b"<html>"),
    "empty": (200, b""),
    "truncated": (200, b'"' + _base64()),
    "a task": (202, b'{"status": "Pending"}'),
}


@both_methods
@pytest.mark.parametrize(("status", "body"), _NOT_A_WORKBOOK.values(), ids=_NOT_A_WORKBOOK.keys())
async def test_a_body_that_is_not_a_workbook_is_kept(
    server: Scripted, status: int, body: bytes, method: str, tmp_path: Path
) -> None:
    """It may have cost money: the error says so and has the body, and nothing is retried."""
    server.requests.clear()
    server.respond_with(Reply(status, body))
    async with server.client() as sikoia:
        with pytest.raises(UnexpectedResponseError) as caught:
            await get_report(sikoia, method, tmp_path)

    assert_plain(caught.value)
    assert caught.value.may_have_been_processed
    assert caught.value.body == (body if method == "excel" else body[:65_536])
    assert len(server.requests) == 1
    assert _names(tmp_path) == []


@both_methods
async def test_a_truncated_report_is_not_requested_again(method: str, tmp_path: Path) -> None:
    """It is a GET, but may cost money."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(body=_BOOK)[:-100])

    async with serve(script) as server, client(server.url, retries=2) as sikoia:
        with pytest.raises(ConnectionFailedError) as caught:
            await get_report(sikoia, method, tmp_path)

    assert caught.value.may_have_been_processed
    assert len(server.requests) == 1
    assert _names(tmp_path) == []


@both_methods
async def test_a_server_error_is_not_retried(server: Scripted, method: str, tmp_path: Path) -> None:
    """Sikoia may have charged for the request."""
    server.requests.clear()
    server.respond_with(Reply(500))
    async with server.client() as sikoia:
        with pytest.raises(ServerError) as caught:
            await get_report(sikoia, method, tmp_path)

    assert caught.value.may_have_been_processed
    assert len(server.requests) == 1


@both_methods
async def test_a_429_is_retried(server: Scripted, method: str, tmp_path: Path) -> None:
    """Sikoia has not processed the request."""
    server.respond_with(Reply(429, headers={"Retry-After": "0"}), Reply(200, _BOOK))
    async with server.client() as sikoia:
        assert await get_report(sikoia, method, tmp_path) == _BOOK


async def test_an_unwritable_path_is_refused_first(server: Scripted, tmp_path: Path) -> None:
    """Nothing is sent, because the report may cost money and could not be saved."""

    def fail(request: Received) -> Reply:
        raise AssertionError(request)

    server.script = fail
    async with server.client() as sikoia:
        with pytest.raises(ConfigurationError, match="the folder does not exist"):
            await sikoia.reports.save_excel(_CASE, tmp_path / "none" / "a.xlsx")


def test_the_encoded_bodies_are_valid() -> None:
    """The base64 has characters that can be escaped, and is the same JSON in each form."""
    assert b"+" in _base64()
    assert b"/" in _base64()
    assert {json.loads(body) for body in list(_ENCODED.values())[1:]} == {_base64().decode()}
