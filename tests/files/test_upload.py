"""Uploads: files are read, named, and encoded while they are sent."""

import base64
import json
import os
import tracemalloc
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async import ArgumentTypeError, ConfigurationError, Sikoia
from sikoia_async._files.upload import UploadBody, upload_body
from sikoia_async.environments import local
from sikoia_async.models import Entity

pytestmark = pytest.mark.anyio

_PERSON = Entity("person", "p-1")


async def _uploaded(file: Any, **fields: Any) -> Any:
    """Encode an upload, and decode it as the server will."""
    body = {"file": file, "document_type": None, "display_name": None, "file_name": None} | fields
    return json.loads(b"".join(await upload_body(body)))


async def _pieces(*pieces: Any) -> AsyncGenerator[Any]:
    for piece in pieces:
        await anyio.lowlevel.checkpoint()
        yield piece


@given(st.binary(min_size=1), st.integers(0, 3))
def test_the_body_is_the_base64_of_the_file_and_has_its_length(content: bytes, pieces: int) -> None:
    """Also if the file takes several pieces, and each time that it is iterated."""
    file = content + bytes(pieces * 3 * 16 * 1024)
    body = UploadBody(b'{"file":"', file, b'"}')

    first, second = b"".join(body), b"".join(body)

    assert first == second == b'{"file":"' + base64.b64encode(file) + b'"}'
    assert len(body) == len(first)
    assert max(map(len, body)) <= 65_536


def test_the_repr_of_a_body_is_empty() -> None:
    """A file and its name may be personal data."""
    assert repr(UploadBody(b"canary", b"canary", b"canary")) == "UploadBody()"


async def test_a_path_names_the_file(tmp_path: Path) -> None:
    """Its name is the file name and the display name, unless the caller passes others."""
    file = tmp_path / "March 2025.pdf"
    file.write_bytes(b"%PDF")

    plain = await _uploaded(file, document_type="Payslip")
    named = await _uploaded(file, file_name="a.pdf", display_name="Pay")

    assert plain == {
        "file": "JVBERg==",
        "document_type": "Payslip",
        "file_name": "March 2025.pdf",
        "display_name": "March 2025.pdf",
    }
    assert (named["file_name"], named["display_name"]) == ("a.pdf", "Pay")


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_bytes_are_copied(kind: Any) -> None:
    """Bytes, bytearrays and memoryviews are accepted, with a file name."""
    body = await _uploaded(kind(b"%PDF"), file_name="a.pdf")

    assert base64.b64decode(body["file"]) == b"%PDF"
    assert body["display_name"] == "a.pdf"


async def test_a_stream_is_collected() -> None:
    """The pieces of an async iterable are one file."""
    stream = _pieces(b"%P", bytearray(b"D"), memoryview(b"F"), b"")
    body = await _uploaded(stream, file_name="a.pdf")

    assert base64.b64decode(body["file"]) == b"%PDF"


async def test_names_may_look_like_json() -> None:
    """The file is inserted in its own field, whatever the other fields contain."""
    body = await _uploaded(b"%PDF", file_name='"".pdf', display_name='{"file":""}')

    assert body["display_name"] == '{"file":""}'
    assert body["file"] == "JVBERg=="


_REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "string": ("canary.pdf", {}, r"wrap a path in Path\("),
    "number": (7, {"file_name": "a.pdf"}, "expected a Path, bytes"),
    "file object": (open(os.devnull), {"file_name": "a.pdf"}, "expected a Path, bytes"),  # noqa: SIM115, PTH123 - closed below
    "missing": (Path("/nowhere/canary.pdf"), {}, "the file does not exist"),
    "folder": (Path(__file__).parent, {"file_name": "a.pdf"}, "the path is a folder"),
    "invalid path": (Path("canary\0.pdf"), {"file_name": "a.pdf"}, "does not exist"),
    "a name with a folder": (b"x", {"file_name": "a/canary.pdf"}, "without folders"),
    "a name with another folder": (b"x", {"file_name": "a\\canary.pdf"}, "without folders"),
    "a name of two lines": (b"x", {"file_name": "a\ncanary.pdf"}, "without folders and control"),
    "empty": (b"", {"file_name": "a.pdf"}, "the file is empty"),
    "empty device": (Path(os.devnull), {"file_name": "a.pdf"}, "not a regular file"),
    "bytes without name": (b"x", {}, "file_name: required, because"),
    "no extension": (b"x", {"file_name": "canary"}, "file_name: expected a name with an extension"),
    "an end in a dot": (b"x", {"file_name": "canary."}, "with an extension"),
    "an extension alone": (b"x", {"file_name": ".pdf"}, "with an extension"),
    "a name that is not a string": (b"x", {"file_name": 7}, "file_name: required, because"),
    "empty display name": (b"x", {"file_name": "a.pdf", "display_name": ""}, "display_name"),
    "a display name of another type": (
        b"x",
        {"file_name": "a.pdf", "display_name": 7},
        "display_n",
    ),
    "a lone surrogate": (b"x", {"file_name": "\ud800.pdf"}, "surrogate"),
}
_REFUSED["file object"][0].close()


@pytest.mark.parametrize(("file", "fields", "message"), _REFUSED.values(), ids=_REFUSED.keys())
async def test_invalid_uploads_are_refused(file: Any, fields: dict[str, Any], message: str) -> None:
    """Before anything is sent, with a message that does not name the file."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        await _uploaded(file, **fields)

    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


async def test_an_unreadable_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has the reason of the operating system, without the path."""
    file = tmp_path / "canary.pdf"
    file.touch()

    def read_bytes(_: Path) -> bytes:  # root can read every file
        raise PermissionError(13, "canary", "canary")

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    with pytest.raises(ConfigurationError, match="cannot be read: Permission denied") as caught:
        await _uploaded(file)

    assert "canary" not in str(caught.value)


async def test_a_stream_of_strings_is_refused() -> None:
    """Every piece must be bytes."""
    async with aclosing(_pieces(b"x", "y")) as stream:
        with pytest.raises(ArgumentTypeError, match="yielded another type"):
            await _uploaded(stream, file_name="a.pdf")


_DOCUMENT = {"document_id": "d-1"}


class _Discarding(httpx.AsyncBaseTransport):
    """Reads and discards requests, and responds with the given statuses."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.sizes: list[int] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        size = 0
        async for piece in request.stream:
            size += len(piece)
        assert request.headers["Content-Length"] == str(size)
        self.sizes.append(size)
        status = self.statuses.pop(0) if self.statuses else 201
        return httpx.Response(status, headers={"Retry-After": "0"}, json=_DOCUMENT)


def _client(transport: httpx.AsyncBaseTransport) -> Sikoia:
    return Sikoia(token="t", transport=transport, environment=local("https://127.0.0.1:1"))


async def test_a_retried_upload_is_complete() -> None:
    """After a 429 the whole body is sent again."""
    transport = _Discarding(429)

    document = await _client(transport).documents.upload(_PERSON, b"%PDF", file_name="a.pdf")

    assert document.document_id == "d-1"
    assert transport.sizes[0] == transport.sizes[1]


async def test_a_large_upload_takes_little_memory(tmp_path: Path) -> None:
    """Only the bytes of the file are in memory, never the whole base64."""
    size = 20_000_000
    file = tmp_path / "large.pdf"
    file.write_bytes(bytes(size))
    transport = _Discarding()
    sikoia = _client(transport)
    await sikoia.documents.upload(_PERSON, b"%PDF", file_name="a.pdf")  # loads all modules
    tracemalloc.start()

    await sikoia.documents.upload(_PERSON, file)
    of_path = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    stream = _pieces(*[bytes(1_000_000)] * (size // 1_000_000))
    await sikoia.documents.upload(_PERSON, stream, file_name="a.pdf")
    of_stream = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    encoded_size = transport.sizes[1]
    assert encoded_size > size * 4 // 3
    assert of_path < 0.8 * encoded_size
    assert of_stream < 1.2 * encoded_size
