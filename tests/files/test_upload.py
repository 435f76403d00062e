"""Uploads: files are read, named, and encoded while they are sent."""

import base64
import io
import os
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from faults import assert_plain
from hypothesis import given
from hypothesis import strategies as st
from uploads import pieces, uploaded

from sikoia_async import ConfigurationError, DeadlineExceededError, Limits, Sikoia
from sikoia_async._files.upload import UploadBody
from sikoia_async.environments import local
from sikoia_async.models import Entity

pytestmark = pytest.mark.anyio

_PERSON = Entity("person", "p-1")


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

    plain = await uploaded(file, document_type="Payslip")
    named = await uploaded(file, file_name="a.pdf", display_name="Pay")

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
    body = await uploaded(kind(b"%PDF"), file_name="a.pdf")

    assert base64.b64decode(body["file"]) == b"%PDF"
    assert body["display_name"] == "a.pdf"


async def test_a_stream_is_collected() -> None:
    """The pieces of an async iterable are one file."""
    stream = pieces(b"%P", bytearray(b"D"), memoryview(b"F"), b"")
    body = await uploaded(stream, file_name="a.pdf")

    assert base64.b64decode(body["file"]) == b"%PDF"


async def test_names_may_look_like_json() -> None:
    """The file is inserted in its own field, whatever the other fields contain."""
    body = await uploaded(b"%PDF", file_name='"".pdf', display_name='{"file":""}')

    assert body["display_name"] == '{"file":""}'
    assert body["file"] == "JVBERg=="


_REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "string": ("canary.pdf", {}, r"wrap a path in Path\("),
    "number": (7, {"file_name": "a.pdf"}, "expected a Path, bytes, a binary file or an iterable"),
    "nothing": (None, {"file_name": "a.pdf"}, "file: expected a Path"),
    "numbers": ([7], {"file_name": "a.pdf"}, "yielded another type"),
    "strings": (["canary"], {"file_name": "a.pdf"}, "yielded another type"),
    "a class": (io.BytesIO, {"file_name": "a.pdf"}, "file: expected a Path"),
    "a set": ({b"x"}, {"file_name": "a.pdf"}, "file: expected a Path"),
    "a dict": ({b"x": 1}, {"file_name": "a.pdf"}, "file: expected a Path"),
    "text": (io.StringIO("canary"), {"file_name": "a.pdf"}, "open it in binary mode, with 'rb'"),
    "missing": (Path("/nowhere/canary.pdf"), {}, "the file does not exist"),
    "folder": (Path(__file__).parent, {"file_name": "a.pdf"}, "the path is a folder"),
    "invalid path": (Path("canary\0.pdf"), {"file_name": "a.pdf"}, "does not exist"),
    "a name with a folder": (b"x", {"file_name": "a/canary.pdf"}, "without folders"),
    "a name with another folder": (b"x", {"file_name": "a\\canary.pdf"}, "without folders"),
    "a name of two lines": (b"x", {"file_name": "a\ncanary.pdf"}, "file_name: .* control char"),
    "empty": (b"", {"file_name": "a.pdf"}, "the file is empty"),
    "empty device": (Path(os.devnull), {"file_name": "a.pdf"}, "not a regular file"),
    "bytes without name": (b"x", {}, "file_name: required, because"),
    "a buffer without name": (io.BytesIO(b"x"), {}, "file_name: required, because"),
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
    "a blank display name": (b"x", {"file_name": "a.pdf", "display_name": " "}, "display_name"),
    "a lone surrogate": (b"x", {"file_name": "\ud800.pdf"}, "file_name: expected valid Unicode"),
    "a name that is not UTF-8": (Path("canary\udcff.pdf"), {}, "file_name: expected valid Unicode"),
    "a display name with a surrogate": (
        b"x",
        {"file_name": "a.pdf", "display_name": "canary\udc80"},
        "display_name: expected valid Unicode",
    ),
    "only dots": (b"x", {"file_name": "..pdf"}, "with an extension"),
    "dots and spaces": (b"x", {"file_name": ". . .pdf"}, "with an extension"),
    "a space at the end": (b"x", {"file_name": "a.pdf "}, "with an extension"),
    "a long name": (
        b"x",
        {"file_name": "x" * 252 + ".pdf"},
        "file_name: .* at most 255 characters",
    ),
    "a long display name": (
        b"x",
        {"file_name": "a.pdf", "display_name": "x" * 256},
        "display_name: expected at most 255 characters",
    ),
}


@pytest.mark.parametrize(("file", "fields", "message"), _REFUSED.values(), ids=_REFUSED.keys())
async def test_invalid_uploads_are_refused(file: Any, fields: dict[str, Any], message: str) -> None:
    """Before anything is sent, with a message that does not name the file."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        await uploaded(file, **fields)

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
        await uploaded(file)

    assert "canary" not in str(caught.value)


# What is not visible can mislead: fdp.exe turned around, a name in two lines, a hidden mark.
@pytest.mark.parametrize(
    "invisible", "\u202e\u202a\u2066\u2069\u200e\u061c\u200b\u2060\u2028\ufeff\x85\x00"
)
@pytest.mark.parametrize("field", ["file_name", "display_name"])
async def test_invisible_characters_are_refused(field: str, invisible: str) -> None:
    """In each name, and without repeating it."""
    names: dict[str, Any] = {"file_name": "a.pdf"} | {field: f"canary{invisible}fdp.exe"}
    with pytest.raises(ConfigurationError, match=f"{field}: .* invisible char") as caught:
        await uploaded(b"x", **names)

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "x" * 251 + ".pdf",
        "\u0646\u0627\u0645\u0647\u200c\u0647\u0627.pdf",  # Persian, with a joiner
        "Statement 12:30\u202fPM.pdf",  # a screenshot's narrow space
        "M\u00fcller & S\u00f6hne (2).tar.gz",
        "\U0001f600.pdf",
        "..a.pdf",
    ],
)
async def test_names_of_all_languages_are_sent_unchanged(name: str) -> None:
    """Also long ones."""
    assert (await uploaded(b"x", file_name=name))["file_name"] == name


async def test_the_limit_is_an_option_of_the_client() -> None:
    """Nothing is sent above it."""
    transport = _Discarding()
    sikoia = Sikoia(
        token="t",
        transport=transport,
        environment=local("https://127.0.0.1:1"),
        limits=Limits(max_file=3),
    )
    with pytest.raises(ConfigurationError, match="larger than 3 bytes"):
        await sikoia.documents.upload(_PERSON, io.BytesIO(b"%PDF"), file_name="a.pdf")

    assert transport.sizes == []


class _Slow:
    """A file on a disk that hangs."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def read(self, _: int) -> bytes:
        """Wait until the disk is back."""
        self.reached.set()
        assert self.released.wait(30)
        return b""


async def test_a_slow_file_does_not_block_the_event_loop() -> None:
    """Other tasks run while it is read, and its time counts."""
    file, transport = _Slow(), _Discarding()
    sikoia = _client(transport).with_options(timeout=0.3)

    with pytest.raises(DeadlineExceededError, match=r"no response within 0\.3 s") as caught:
        await sikoia.documents.upload(_PERSON, file, file_name="a.pdf")

    assert not file.released.is_set()
    file.released.set()
    assert transport.sizes == []
    assert not caught.value.may_have_been_processed
    assert caught.value.call.reached == "unsent"
    assert caught.value.spent["file"] >= 0.3
    assert_plain(caught.value)


async def test_a_cancelled_upload_does_not_wait_for_its_file() -> None:
    """The thread is left behind."""
    file = _Slow()
    async with anyio.create_task_group() as tasks:

        async def upload() -> None:
            await _client(_Discarding()).documents.upload(_PERSON, file, file_name="a.pdf")

        tasks.start_soon(upload)
        with anyio.fail_after(30):
            while not file.reached.is_set():  # noqa: ASYNC110 - an event of threads
                await anyio.sleep(0.001)
        tasks.cancel_scope.cancel()

    assert not file.released.is_set()
    file.released.set()


async def test_an_open_file_is_sent_again_after_a_429() -> None:
    """Its bytes are in memory, so it need not be rewound."""
    transport = _Discarding(429)
    file = io.BytesIO(b"12%PDF")
    file.seek(2)

    await _client(transport).documents.upload(_PERSON, file, file_name="a.pdf")

    assert transport.sizes[0] == transport.sizes[1]
    assert file.tell() == 6


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
    stream = pieces(*[bytes(1_000_000)] * (size // 1_000_000))
    await sikoia.documents.upload(_PERSON, stream, file_name="a.pdf")
    of_stream = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    encoded_size = transport.sizes[1]
    assert encoded_size > size * 4 // 3
    assert of_path < 0.8 * encoded_size
    assert of_stream < 1.2 * encoded_size
