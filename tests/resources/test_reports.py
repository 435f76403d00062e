"""The Excel report: in whichever wrapping it comes, and never asked for twice."""

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults import Peer, answer, assert_plain, client, serve
from scripted import Asked, Reply, Scripted, scripted

from sikoia_async import (
    ConfigurationError,
    ConnectionFailedError,
    ResourceNotFoundError,
    ServerError,
    Sikoia,
    UnexpectedResponseError,
)
from sikoia_async.environments import local
from sikoia_async.models import Entity
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

_CASE = Entity("case", "c-1")
_BOOK = b"PK\x03\x04" + bytes(range(256)) * 2000


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    """Run a Sikoia that answers what a test tells it to."""
    with scripted() as running:
        yield running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run a local Sikoia."""
    with Sandbox(work_time=0) as running:
        yield running


async def _get(sikoia: Sikoia, way: str, folder: Path, entity: Any = _CASE) -> bytes:
    """Get the report in either way."""
    if way == "excel":
        return await sikoia.reports.excel(entity)
    size = await sikoia.reports.save_excel(entity, folder / "a.xlsx")
    content = (folder / "a.xlsx").read_bytes()
    assert size == len(content)
    return content


def _names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


both_ways = pytest.mark.parametrize("way", ["excel", "save_excel"])


@both_ways
async def test_the_report_is_a_workbook(sandbox: Sandbox, way: str, tmp_path: Path) -> None:
    """It has a sheet for what there is."""
    async with Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        tls=sandbox.ca_file,
    ) as sikoia:
        case = await sikoia.cases.create(name="Loan", case_type="Business")
        await sikoia.documents.upload(
            case, b"%PDF", document_type="Payslip", file_name="a.pdf", display_name="Pay & more"
        )
        content = await _get(sikoia, way, tmp_path, case)
        with pytest.raises(ResourceNotFoundError):
            await _get(sikoia, way, tmp_path, Entity("case", "nobody"))

    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert book.testzip() is None
        assert "Pay &amp; more" in book.read("xl/worksheets/sheet2.xml").decode()


def _base64() -> bytes:
    return base64.b64encode(_BOOK)


_WRAPPED = {
    "raw": _BOOK,
    "base64": b'"' + _base64() + b'"',
    "escaped slashes": b'"' + _base64().replace(b"/", rb"\/") + b'"',
    "as .NET writes it": b'"' + _base64().replace(b"+", rb"\u002B") + b'"\r\n',
}


@both_ways
@pytest.mark.parametrize("body", _WRAPPED.values(), ids=_WRAPPED.keys())
@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
async def test_the_body_tells_what_it_is(
    server: Scripted, body: bytes, media_type: str, way: str, tmp_path: Path
) -> None:
    """The header is not asked, for the specification calls everything JSON."""
    server.says(Reply(200, body, {"Content-Type": media_type}))
    async with server.client() as sikoia:
        assert await _get(sikoia, way, tmp_path) == _BOOK

    assert server.asked[-1].path == "/v2/Cases/c-1/excel-report"


_NONE: dict[str, tuple[int, bytes]] = {
    "JSON": (200, b'{"status": "Pending"}'),
    "text": (200, b'"string"'),
    "HTML": (200, b"<html>"),
    "nothing": (200, b""),
    "half of one": (200, b'"' + _base64()),
    "a task": (202, b'{"status": "Pending"}'),
}


@both_ways
@pytest.mark.parametrize(("status", "body"), _NONE.values(), ids=_NONE.keys())
async def test_what_is_no_workbook_is_kept(
    server: Scripted, status: int, body: bytes, way: str, tmp_path: Path
) -> None:
    """It may have cost money: the error says so and holds it, and nothing is asked for again."""
    server.asked.clear()
    server.says(Reply(status, body))
    async with server.client() as sikoia:
        with pytest.raises(UnexpectedResponseError) as caught:
            await _get(sikoia, way, tmp_path)

    assert_plain(caught.value)
    assert caught.value.may_have_been_processed
    assert caught.value.body == (body if way == "excel" else body[:65_536])
    assert len(server.asked) == 1
    assert _names(tmp_path) == []


@both_ways
async def test_a_report_that_breaks_off_is_not_asked_for_again(way: str, tmp_path: Path) -> None:
    """It is a GET, and may cost money all the same."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(body=_BOOK)[:-100])

    async with serve(script) as server, client(server.url, retries=2) as sikoia:
        with pytest.raises(ConnectionFailedError) as caught:
            await _get(sikoia, way, tmp_path)

    assert caught.value.may_have_been_processed
    assert len(server.requests) == 1
    assert _names(tmp_path) == []


@both_ways
async def test_a_server_error_is_not_asked_about_again(
    server: Scripted, way: str, tmp_path: Path
) -> None:
    """Whether it was charged, nobody knows here."""
    server.asked.clear()
    server.says(Reply(500))
    async with server.client() as sikoia:
        with pytest.raises(ServerError) as caught:
            await _get(sikoia, way, tmp_path)

    assert caught.value.may_have_been_processed
    assert len(server.asked) == 1


@both_ways
async def test_what_was_refused_for_the_rate_limit_is_asked_for_again(
    server: Scripted, way: str, tmp_path: Path
) -> None:
    """For a 429 was not processed."""
    server.says(Reply(429, headers={"Retry-After": "0"}), Reply(200, _BOOK))
    async with server.client() as sikoia:
        assert await _get(sikoia, way, tmp_path) == _BOOK


async def test_nothing_is_bought_that_cannot_be_kept(server: Scripted, tmp_path: Path) -> None:
    """A folder that is missing is found out before the report is asked for."""

    def never(asked: Asked) -> Reply:
        raise AssertionError(asked)

    server.script = never
    async with server.client() as sikoia:
        with pytest.raises(ConfigurationError, match="the folder does not exist"):
            await sikoia.reports.save_excel(_CASE, tmp_path / "none" / "a.xlsx")


def test_the_wrappings_are_what_they_are_said_to_be() -> None:
    """The base64 has signs that are escaped, and is JSON in each form."""
    assert b"+" in _base64()
    assert b"/" in _base64()
    assert {json.loads(body) for body in list(_WRAPPED.values())[1:]} == {_base64().decode()}
