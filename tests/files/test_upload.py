"""Files on their way out: read, named, and encoded while they are sent."""

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
from sikoia_async._files.upload import Encoded, encoded
from sikoia_async.environments import local
from sikoia_async.models import Entity

pytestmark = pytest.mark.anyio

_PERSON = Entity("person", "p-1")


async def _encoded(file: Any, **fields: Any) -> Any:
    """Encode an upload, and read it as its receiver will."""
    body = {"file": file, "document_type": None, "display_name": None, "file_name": None} | fields
    return json.loads(b"".join(await encoded(body)))


async def _pieces(*pieces: Any) -> AsyncGenerator[Any]:
    for piece in pieces:
        await anyio.lowlevel.checkpoint()
        yield piece


@given(st.binary(min_size=1), st.integers(0, 3))
def test_the_encoding_is_right_and_its_length_exact(content: bytes, pieces: int) -> None:
    """The base64 is that of the whole file, also of one that takes several pieces."""
    file = content + bytes(pieces * 3 * 16 * 1024)
    body = Encoded(b'{"file":"', file, b'"}')

    once, twice = b"".join(body), b"".join(body)

    assert once == twice == b'{"file":"' + base64.b64encode(file) + b'"}'
    assert len(body) == len(once)
    assert max(map(len, body)) <= 65_536


def test_a_body_does_not_show_what_is_in_it() -> None:
    """Names of files are personal, and the file is."""
    assert repr(Encoded(b"canary", b"canary", b"canary")) == "Encoded()"


async def test_a_path_brings_its_name(tmp_path: Path) -> None:
    """The file's name is both names, unless others are given."""
    file = tmp_path / "March 2025.pdf"
    file.write_bytes(b"%PDF")

    plain = await _encoded(file, document_type="Payslip")
    named = await _encoded(file, file_name="a.pdf", display_name="Pay")

    assert plain == {
        "file": "JVBERg==",
        "document_type": "Payslip",
        "file_name": "March 2025.pdf",
        "display_name": "March 2025.pdf",
    }
    assert (named["file_name"], named["display_name"]) == ("a.pdf", "Pay")


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_bytes_are_taken_as_they_are_now(kind: Any) -> None:
    """Bytes of any kind will do; they need a name."""
    body = await _encoded(kind(b"%PDF"), file_name="a.pdf")

    assert base64.b64decode(body["file"]) == b"%PDF"
    assert body["display_name"] == "a.pdf"


async def test_a_stream_is_collected() -> None:
    """What comes in pieces is one file."""
    stream = _pieces(b"%P", bytearray(b"D"), memoryview(b"F"), b"")
    body = await _encoded(stream, file_name="a.pdf")

    assert base64.b64decode(body["file"]) == b"%PDF"


async def test_names_may_hold_what_looks_like_the_body() -> None:
    """The file goes into its own place, whatever the other fields are."""
    body = await _encoded(b"%PDF", file_name='"".pdf', display_name='{"file":""}')

    assert body["display_name"] == '{"file":""}'
    assert body["file"] == "JVBERg=="


_REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "text": ("canary.pdf", {}, r"give Path\("),
    "number": (7, {"file_name": "a.pdf"}, "give a Path, bytes"),
    "file object": (open(os.devnull), {"file_name": "a.pdf"}, "give a Path, bytes"),  # noqa: SIM115, PTH123 - closed below
    "missing": (Path("/nowhere/canary.pdf"), {}, "there is no such file"),
    "folder": (Path(__file__).parent, {"file_name": "a.pdf"}, "it is a folder"),
    "no path": (Path("canary\0.pdf"), {"file_name": "a.pdf"}, "no such file"),
    "a name with a folder": (b"x", {"file_name": "a/canary.pdf"}, "without folders"),
    "a name with another folder": (b"x", {"file_name": "a\\canary.pdf"}, "without folders"),
    "a name of two lines": (b"x", {"file_name": "a\ncanary.pdf"}, "without folders and control"),
    "empty": (b"", {"file_name": "a.pdf"}, "it is empty"),
    "empty device": (Path(os.devnull), {"file_name": "a.pdf"}, "no regular file"),
    "bytes without name": (b"x", {}, "file_name: give the file's name"),
    "no extension": (b"x", {"file_name": "canary"}, "file_name: give a name with an extension"),
    "an end in a dot": (b"x", {"file_name": "canary."}, "with an extension"),
    "an extension alone": (b"x", {"file_name": ".pdf"}, "with an extension"),
    "a name that is none": (b"x", {"file_name": 7}, "file_name: give the file's name"),
    "empty display name": (b"x", {"file_name": "a.pdf", "display_name": ""}, "display_name"),
    "a display name that is none": (b"x", {"file_name": "a.pdf", "display_name": 7}, "display_n"),
    "a name that is no text": (b"x", {"file_name": "\ud800.pdf"}, "half of a surrogate pair"),
}
_REFUSED["file object"][0].close()


@pytest.mark.parametrize(("file", "fields", "words"), _REFUSED.values(), ids=_REFUSED.keys())
async def test_what_cannot_be_uploaded_is_refused(
    file: Any, fields: dict[str, Any], words: str
) -> None:
    """It is refused before anything is sent, by words that do not name the file."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        await _encoded(file, **fields)

    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


async def test_an_unreadable_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's words are told, without the path in them."""
    file = tmp_path / "canary.pdf"
    file.touch()

    def read_bytes(_: Path) -> bytes:  # tests may run as one who may read everything
        raise PermissionError(13, "canary", "canary")

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    with pytest.raises(ConfigurationError, match="it cannot be read: Permission denied") as caught:
        await _encoded(file)

    assert "canary" not in str(caught.value)


async def test_a_stream_of_something_else_is_refused() -> None:
    """Text is no bytes."""
    async with aclosing(_pieces(b"x", "y")) as stream:
        with pytest.raises(ArgumentTypeError, match="something else than bytes"):
            await _encoded(stream, file_name="a.pdf")


_LOOSE = {"document_id": "d-1"}


class _Discarding(httpx.AsyncBaseTransport):
    """Reads what is sent, keeps none of it, and answers what it is told to."""

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
        return httpx.Response(status, headers={"Retry-After": "0"}, json=_LOOSE)


def _client(transport: httpx.AsyncBaseTransport) -> Sikoia:
    return Sikoia(token="t", transport=transport, environment=local("https://127.0.0.1:1"))


async def test_an_upload_is_sent_again_whole() -> None:
    """What was refused for the rate limit goes out a second time, to the last byte."""
    transport = _Discarding(429)

    document = await _client(transport).documents.upload(_PERSON, b"%PDF", file_name="a.pdf")

    assert document.document_id == "d-1"
    assert transport.sizes[0] == transport.sizes[1]


async def test_a_large_upload_takes_little_memory(tmp_path: Path) -> None:
    """Beside the file's bytes there is next to nothing: its base64 is never there as a whole."""
    size = 20_000_000
    file = tmp_path / "large.pdf"
    file.write_bytes(bytes(size))
    transport = _Discarding()
    sikoia = _client(transport)
    await sikoia.documents.upload(_PERSON, b"%PDF", file_name="a.pdf")  # loads what there is
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
