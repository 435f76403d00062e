"""Truncated, badly encoded, endless or malformed bodies are refused in bounded memory."""

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
import sniffio
from faults import Peer, Script, answer
from reliability.child import CAN_MEASURE
from reliability.harness import CallOf, ask, plan, sends, talking
from reliability.oracle import watched

from sikoia_async import (
    APIError,
    ConnectionFailedError,
    Entity,
    InvalidRequestError,
    Limits,
    ResourceNotFoundError,
    ServerError,
    Sikoia,
    UnexpectedResponseError,
)
from sikoia_async._transport.body import BodyError, BodyReader
from sikoia_async.models import Items
from sikoia_async.resources.users import User

pytestmark = pytest.mark.anyio

_MIB: Final = 1 << 20
_ROWS: Final = b'[{"user_id": "1", "email": "canary@example.com"}]'
_PACKED: Final = gzip.compress(_ROWS, mtime=0)
_CASE: Final = Entity("case", "c-1")

users: Final = CallOf("GET", "/v2/users", into=Items[User])
user: Final = CallOf("GET", "/v2/users/1", into=User)


def _gzipped(body: bytes) -> Script:
    return sends(answer(body=body, Content_Encoding="gzip"))


def _names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


async def _refused(body: bytes, words: str, *calls: CallOf, **headers: str) -> None:
    """Make calls that get such a response: it is refused, and not requested again."""
    planned = sends(answer(200, body, **headers))
    async with plan(planned) as server, watched(talking(server), server) as row:
        for call in calls or (users,):
            error = await row.fails(UnexpectedResponseError, call, requests=1, match=words)

            assert "canary" not in str(error)
            assert "canary" not in "".join(error.problems)
            assert not error.may_have_been_processed


async def _taken(body: bytes, **headers: str) -> Any:
    """List users with this response, and return them."""
    planned = sends(answer(200, body, **headers))
    async with plan(planned) as server, watched(talking(server), server) as row:
        return await row.works(users)


async def test_a_gzip_truncated_anywhere_is_refused() -> None:
    """C1: at every byte, with a matching Content-Length; httpx accepts all of them."""
    cuts = [_gzipped(_PACKED[:at]) for at in range(len(_PACKED))]
    async with plan(*cuts) as planned, watched(talking(planned), planned) as row:
        for _ in cuts:
            error = await row.fails(UnexpectedResponseError, users, requests=1, match="cut short")
            assert _ROWS.startswith(error.body)


async def test_a_gzipped_file_truncated_anywhere_is_not_saved(tmp_path: Path) -> None:
    """C1, C17: not even a part of it."""
    cuts = [_gzipped(_PACKED[:at]) for at in range(len(_PACKED))]
    async with plan(*cuts) as planned, watched(talking(planned), planned) as row:

        async def save(sikoia: Sikoia) -> int:
            return await sikoia.save(f"{planned.server.url}/f", tmp_path / "a.pdf")

        for _ in cuts:
            await row.fails(UnexpectedResponseError, save, requests=1, match="cut short")
            assert _names(tmp_path) == []


def test_every_bit_of_a_gzip_trailer_is_checked() -> None:
    """C2: 32 bits of checksum and 32 bits of size."""
    for bit in range(64):
        broken = bytearray(_PACKED)
        broken[bit // 8 - 8] ^= 1 << bit % 8
        reader = BodyReader("gzip", _MIB)

        with pytest.raises(BodyError, match="not valid gzip"):
            reader.feed(bytes(broken))


@pytest.mark.parametrize("at", [-8, -1], ids=["checksum", "size"])
async def test_a_gzip_with_a_wrong_trailer_is_refused(at: int) -> None:
    """C2: although its JSON is complete."""
    broken = bytearray(_PACKED)
    broken[at] ^= 1

    await _refused(bytes(broken), "not valid gzip", Content_Encoding="gzip")


@pytest.mark.parametrize("more", [b"x", b"\0", _PACKED], ids=["junk", "zero", "second member"])
async def test_bytes_after_a_gzip_are_refused(more: bytes) -> None:
    """C3: junk, a zero byte, or a second member."""
    await _refused(_PACKED + more, "bytes follow the end", Content_Encoding="gzip")


async def test_a_plain_body_declared_as_gzip_is_refused() -> None:
    """C4: it does not match its Content-Encoding."""
    await _refused(_ROWS, "not valid gzip", Content_Encoding="gzip")


async def test_an_undeclared_gzip_is_refused() -> None:
    """C4: without a Content-Encoding, it is not valid JSON."""
    await _refused(_PACKED, "not valid JSON")


@pytest.mark.parametrize(
    "coding", [", ".join(["gzip"] * 7), "gzip, br", "br", "zstd", "deflate", "canary"]
)
async def test_unrequested_encodings_are_refused(coding: str) -> None:
    """C5: neither chains of encodings nor others than gzip are decoded."""
    body = _PACKED
    for _ in range(coding.count("gzip") - 1):
        body = gzip.compress(body)

    await _refused(body, "unsupported content encoding", Content_Encoding=coding)


async def test_encodings_in_two_headers_are_refused() -> None:
    """C5: two headers form one chain."""
    twice = answer(body=_PACKED, Content_Encoding="gzip\r\nContent-Encoding: gzip")
    async with plan(sends(twice)) as planned, watched(talking(planned), planned) as row:
        await row.fails(
            UnexpectedResponseError, users, requests=1, match="unsupported content encoding"
        )


def _bomb() -> tuple[int, Iterator[bytes]]:
    """Return 1 GiB of zeros as a gzip: its length, and its pieces as an iterator."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(_MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    begin, end = b"\x1f\x8b\x08" + bytes(7), b"\x03\x00" + bytes(8)

    def pieces() -> Iterator[bytes]:
        yield begin
        for _ in range(16):
            yield block * 64
        yield end

    return len(begin) + 1024 * len(block) + len(end), pieces()


async def _bombs(peer: Peer) -> None:
    """Send the bomb, gzipped."""
    length, pieces = _bomb()
    await peer.request()
    await peer.send(answer(body=b"", Content_Encoding="gzip", Content_Length=str(length)))
    await peer.send(*pieces)


def _never_ends(status: int, sent: list[int]) -> Script:
    """Send a chunked body of 1 GiB, and record how much of it the client accepted."""

    async def script(peer: Peer) -> None:
        await peer.request()
        head = answer(status, b"", Transfer_Encoding="chunked")
        await peer.send(head.replace(b"content-length: 0\r\n", b""))
        sent.append(0)
        for _ in range(1 << 14):
            await peer.send(b"10000\r\n" + bytes(1 << 16) + b"\r\n")
            sent[-1] += 1 << 16

    return script


async def _in_a_child(url: str, **options: Any) -> dict[str, Any]:
    """Make two calls in a separate process, and return its report on the second."""
    child = str(Path(__file__).with_name("child.py"))
    command = [sys.executable, child, sniffio.current_async_library(), url, json.dumps(options)]
    done = await anyio.run_process(command, stderr=None)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


_first: Final = sends(answer(Connection="close"))
"""The response to a child's first call. Without the header, the child might send its second call on
a connection that the server is about to close, and count that as an attempt."""

measured = pytest.mark.skipif(not CAN_MEASURE, reason="this system does not report peak memory")


@measured
async def test_a_gzip_bomb_is_refused_in_bounded_memory() -> None:
    """C6: 1 GiB in 1 MiB ends at a hundred times the size that was sent."""
    async with plan(_first, _bombs) as planned:
        report = await _in_a_child(planned.server.url)

    assert _bomb()[0] < 1.1 * _MIB
    assert report["error"] == "UnexpectedResponseError"
    assert "more than 100 times as large" in report["message"]
    assert report["held"] < 32 * _MIB
    assert report["grown"] < 40 * _MIB
    assert planned.seen == 2


@measured
async def test_an_endless_body_is_refused_at_the_limit() -> None:
    """C7: not compressed, in chunks."""
    sent: list[int] = []
    async with plan(_first, _never_ends(200, sent)) as planned:
        report = await _in_a_child(planned.server.url)

    assert "larger than 33,554,432 bytes" in report["message"]
    assert report["held"] == 32 * _MIB
    assert report["grown"] < 40 * _MIB
    assert len(sent) == 1
    assert sent[0] < 64 * _MIB


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
async def test_max_body_can_be_set(*, packed: bool) -> None:
    """C6, C7: the connection is closed at the limit, and the next call opens a new one."""
    script = _bombs if packed else _never_ends(200, [])
    async with plan(script) as planned:
        sikoia = talking(planned, limits=Limits(max_body=100_000))
        async with watched(sikoia, planned) as row:
            error = await row.fails(
                UnexpectedResponseError, ask, requests=1, match="larger than 100,000 bytes"
            )
            assert error.body == bytes(100_000)


@measured
async def test_an_endless_error_is_truncated() -> None:
    """C8: 64 KiB of each of three 500s are read."""
    sent: list[int] = []
    async with plan(_first, _never_ends(500, sent)) as planned:
        report = await _in_a_child(planned.server.url, retries=2)

    assert report["error"] == "ServerError"
    assert report["grown"] < 8 * _MIB
    assert len(sent) == 3
    assert max(sent) < 16 * _MIB  # the buffers of both ends of the socket


async def test_the_beginning_of_an_endless_error_is_kept() -> None:
    """C8: the exception has the status and 64 KiB of the body, also of a gzip bomb."""

    async def bomb(peer: Peer) -> None:
        length, pieces = _bomb()
        await peer.request()
        await peer.send(answer(500, b"", Content_Encoding="gzip", Content_Length=str(length)))
        await peer.send(*pieces)

    scripts = _never_ends(500, []), bomb
    async with plan(*scripts) as planned, watched(talking(planned, retries=0), planned) as row:
        for _ in scripts:
            error = await row.fails(ServerError, ask, requests=1)
            assert (error.status, error.body) == (500, bytes(65_536))


async def test_a_login_page_is_refused() -> None:
    """C9: a 200 with a proxy's HTML."""
    page = b"<!doctype html><title>canary</title>"

    await _refused(page, "200 response (text/html)", Content_Type="text/html; charset=utf-8")


async def test_an_invalid_media_type_is_not_repeated() -> None:
    """C9: a header may contain anything, at any length."""
    await _refused(
        b"canary", "200 response cannot be decoded as a list", Content_Type="canary " * 1000
    )


@pytest.mark.parametrize("media", ["utf-8", "utf-16", "canary"])
async def test_the_charset_parameter_is_ignored(media: str) -> None:
    """C10: JSON is UTF-8, whatever the header says."""
    (found,) = await _taken(_ROWS, Content_Type=f"application/json; charset={media}")

    assert found.user_id == "1"


async def test_a_byte_order_mark_is_skipped() -> None:
    """C10: although JSON must not begin with one."""
    (found,) = await _taken(b"\xef\xbb\xbf" + _ROWS)

    assert found.user_id == "1"


@pytest.mark.parametrize(
    "body",
    [
        _ROWS.decode().encode("utf-16"),
        _ROWS.decode().encode("utf-32"),
        '[{"user_id": "canary é"}]'.encode("latin-1"),
        b'[{"user_id": "canary \xff"}]',
        b'[{"user_id": "canary \xed\xa0\x80"}]',
        rb'[{"user_id": "canary \ud800"}]',
        b'[{"user_id": "canary \xc0\x80"}]',
    ],
    ids=[
        "UTF-16",
        "UTF-32",
        "latin",
        "invalid",
        "surrogate",
        "unpaired",
        "overlong",
    ],
)
async def test_other_charsets_are_refused(body: bytes) -> None:
    """C10: they are not valid JSON, and neither an unpaired surrogate nor they are an id."""
    await _refused(body, "cannot be decoded as", users, ask)


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_an_empty_body_is_refused_where_a_model_is_expected(status: int) -> None:
    """C11: with any successful status."""
    script = sends(answer(status, b""))
    async with plan(script) as planned, watched(talking(planned), planned) as row:
        for call in (user, users):
            error = await row.fails(
                UnexpectedResponseError, call, requests=1, match="the body is empty"
            )
            assert error.status == status


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'[{"user_id": "1", "canary": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
        b"[" + b"9" * 1_000_000 + b"]",
        b'[{"user_id": NaN}]',
        b'[{"user_id": -Infinity}]',
    ],
    ids=["open", "list", "object", "unknown", "more", "NaN", "Infinity"],
)
async def test_hostile_json_is_refused(body: bytes) -> None:
    """C12: too deep, too long or not a number; the process survives."""
    await _refused(body, "cannot be decoded as", users, ask)


@pytest.mark.parametrize(
    ("body", "user_id"),
    [
        (b'[{"user_id": ' + b"9" * 5000 + b"}]", "9" * 5000),
        (b'[{"user_id": 1e99999999999999999999}]', "1e99999999999999999999"),
        (b'[{"user_id": "a\tb"}]', "a\tb"),
        (rb'[{"user_id": "1", "\udfff": "canary"}]', "1"),
    ],
    ids=["digits", "exponent", "control", "name"],
)
async def test_odd_json_is_refused_only_without_a_model(body: bytes, user_id: str) -> None:
    """C12, C10: a model has no place for it, or only one that is text."""
    await _refused(body, "not valid JSON", ask)
    (taken,) = await _taken(body)
    assert taken.user_id == user_id


async def test_a_truncated_workbook_is_not_requested_again(tmp_path: Path) -> None:
    """C17: it may cost money; no partial file is left."""
    book = b"PK\x03\x04" + bytes(1000)
    cut = sends(answer(body=book, Content_Length="5000"))
    async with plan(cut) as planned, watched(talking(planned), planned) as row:

        async def save(sikoia: Sikoia) -> int:
            return await sikoia.reports.save_excel(_CASE, tmp_path / "a.xlsx")

        error = await row.fails(
            ConnectionFailedError, save, requests=1, match="the response was incomplete"
        )

    assert error.may_have_been_processed
    assert _names(tmp_path) == []


_ENDLESS: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\nPK\x03\x04cut"


async def test_a_file_delimited_by_its_connection_is_refused(tmp_path: Path) -> None:
    """B16: nothing shows where it should end, so it may be truncated."""
    async with plan(sends(_ENDLESS)) as planned, watched(talking(planned), planned) as row:
        link = f"{planned.server.url}/f"

        async def save(sikoia: Sikoia) -> object:
            return await sikoia.save(link, tmp_path / "a.pdf")

        async def download(sikoia: Sikoia) -> object:
            return await sikoia.download(link)

        async def save_excel(sikoia: Sikoia) -> object:
            return await sikoia.reports.save_excel(_CASE, tmp_path / "a.xlsx")

        async def excel(sikoia: Sikoia) -> object:
            return await sikoia.reports.excel(_CASE)

        for call in (save, download, save_excel, excel):
            error = await row.fails(
                UnexpectedResponseError, call, requests=1, match="declares no length"
            )
            assert error.body == b"PK\x03\x04cut"
            assert error.may_have_been_processed is (call in {save_excel, excel})

    assert _names(tmp_path) == []


@pytest.mark.parametrize(
    "body",
    [b'{"type": "InvalidRequest", "status": 400}', b'"canary"', b"%PDF-1.7", b""],
    ids=["error", "text", "PDF", "nothing"],
)
async def test_a_200_without_a_workbook_leaves_no_file(body: bytes, tmp_path: Path) -> None:
    """C17: the request is not repeated."""
    async with plan(sends(answer(body=body))) as planned, watched(talking(planned), planned) as row:

        async def save(sikoia: Sikoia) -> int:
            return await sikoia.reports.save_excel(_CASE, tmp_path / "a.xlsx")

        error = await row.fails(UnexpectedResponseError, save, requests=1, match="workbook")

    assert error.body == body
    assert error.may_have_been_processed
    assert _names(tmp_path) == []


_ERRORS: Final = (
    b"",
    b"[]",
    b"5",
    b"[1, 2",
    b"<html>",
    b'{"status": "401", "details": "no"}',
    b'{"status": 7, "type": 5, "detail": ["no"]}',
    b"[" * 100_000,
    _PACKED,
)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, InvalidRequestError), (404, ResourceNotFoundError), (418, APIError)],
)
async def test_an_error_keeps_its_status(status: int, kind: type[APIError]) -> None:
    """C16: whatever its body and its declared encoding are."""
    codings = ("identity", "gzip", "br")
    answers = [answer(status, body, Content_Encoding=one) for body in _ERRORS for one in codings]
    async with plan(*map(sends, answers)) as planned, watched(talking(planned), planned) as row:
        for _ in answers:
            error = await row.fails(kind, ask, requests=1)
            assert error.status == status
