"""The file of a cassette: complete or absent, and problems are reported."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import msgspec
import pytest

from sikoia_async.testing.cassettes.file import (
    CassetteError,
    Content,
    Contents,
    Interaction,
    RecordedRequest,
    ids_in,
    read,
    salt_of,
    write,
)
from sikoia_async.testing.cassettes.placeholders import content_of, media_type, placeholder

_ID = "11111111-2222-4333-8444-555555555555"
_CONTENTS = Contents(
    salt="salt",
    interactions=(
        Interaction(request=RecordedRequest(operation="GET /v2/users"), status=204),
        Interaction(
            request=RecordedRequest(
                operation="PATCH /v2/cases/{case_id}",
                ids={"case_id": _ID},
                query={"case_type": ["Business"]},
                body={"fuzziness": Decimal("0.50"), "n": 3, "none": None, "empty": {}, "é": []},
            ),
            status=200,
            headers={"retry-after": "3"},
            content="json",
            json={},
        ),
        Interaction(
            request=RecordedRequest(operation="POST /v2/cases"),
            fault="ReadError",
            errno="ECONNRESET",
        ),
    ),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a cassette."""
    return tmp_path / "one.json"


def test_contents_are_written_and_read(path: Path) -> None:
    """Nothing is lost, and numbers keep all their digits."""
    write(path, _CONTENTS)

    assert read(path) == _CONTENTS
    assert ids_in(_CONTENTS) == {_ID}


def test_the_file_is_readable(path: Path) -> None:
    """It has one line per value, in the order of the models, and leaves defaults out."""
    write(path, attrs.evolve(_CONTENTS, interactions=_CONTENTS.interactions[:1]))

    assert path.read_text("utf-8") == (
        '{\n  "version": 1,\n  "salt": "salt",\n  "interactions": [\n    {\n      "request": {\n'
        '        "operation": "GET /v2/users"\n      },\n      "status": 204\n    }\n  ]\n}\n'
    )


def test_each_cassette_has_its_own_salt(path: Path) -> None:
    """It is kept when a cassette is recorded again, unless the old file cannot be read."""
    assert UUID(salt_of(path)).version == 4
    assert salt_of(path) != salt_of(path)

    write(path, _CONTENTS)
    assert salt_of(path) == "salt"

    path.write_text("{")
    assert salt_of(path) != "salt"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b'{"version": 1, "interactions": [', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "not valid JSON"),
        (b"{}", "not of version 1"),
        (b'{"version": 2, "salt": "x", "more": []}', "not of version 1"),
        (b'{"version": "1"}', "not of version 1"),
        (b'{"version": 1, "salt": 5}', r"invalid at `\$.salt`"),
        (b'{"version": 1, "salt": "x", "interactions": {}}', r"invalid at `\$.interactions`"),
        (
            b'{"version": 1, "salt": "x", "interactions": [{"request": {"operation": 5}}]}',
            r"invalid at `\$.interactions\[0\].request.operation`",
        ),
        (
            b'{"version": 1, "interactions": [{"request": {"operation": "a"}, "fault": "Wilma"}]}',
            r"invalid at `\$.interactions\[0\].fault`",
        ),
        (b'{"version": 1, "interactions": [{"request": {"operation": "a"}}]}', "invalid"),
        (
            b'{"version": 1, "interactions": [{"request": {"operation": "a"}, "status": 20}]}',
            r"invalid at `\$.interactions\[0\].status`",
        ),
        (
            b'{"version": 1, "interactions": [{"status": 200}]}',
            r"invalid at `\$.interactions\[0\]`",
        ),
    ],
)
def test_an_invalid_file_is_refused(path: Path, content: bytes, problem: str) -> None:
    """The error says where the problem is and what to do, and shows no value."""
    path.write_bytes(content)

    with pytest.raises(CassetteError, match=f"^cassette one.json: {problem}") as caught:
        read(path)

    assert str(caught.value).endswith("and may cost money there")
    assert "Wilma" not in str(caught.value)
    assert str(path.parent) not in str(caught.value)


def test_a_folder_cannot_be_read_or_written(tmp_path: Path) -> None:
    """A path that is a folder is refused."""
    with pytest.raises(CassetteError, match=": cannot be read: Is a directory"):
        read(tmp_path)
    with pytest.raises(CassetteError, match=": cannot be written: "):
        write(tmp_path, _CONTENTS)

    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no temporary file left either."""
    write(path, _CONTENTS)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CassetteError, match=": cannot be written: No space left") as caught:
        write(path, Contents())

    assert str(path.parent) not in str(caught.value)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["one.json"]


def test_the_order_of_fields_does_not_matter() -> None:
    """Requests are equal if all their parts are, in any order of the fields."""
    request = RecordedRequest(
        operation="o", ids={"a": "1", "b": "2"}, query={"q": "1"}, body={"c": 1, "d": 2}
    )
    same = RecordedRequest(
        operation="o", ids={"b": "2", "a": "1"}, query={"q": "1"}, body={"d": 2, "c": 1}
    )
    changes: tuple[dict[str, Any], ...] = (
        {"operation": "p"},
        {"ids": {"a": "1"}},
        {"query": {}},
        {"body": {"c": 1}},
        {"body": None},
    )

    assert request.key == same.key
    assert len({attrs.evolve(request, **one).key for one in ({}, *changes)}) == 1 + len(changes)


@pytest.mark.parametrize("kind", ["pdf", "png", "xlsx", "file"])
def test_a_placeholder_is_a_file_of_its_kind(kind: Content) -> None:
    """It is small, and always the same."""
    content = placeholder(kind)

    assert content_of(content) == kind
    assert placeholder(kind) == content
    assert 0 < len(content) < 2000
    assert media_type(kind)


def test_the_kind_of_a_file_is_recognised() -> None:
    """It is recognised by its first bytes. A workbook may also come as a JSON string."""
    assert content_of(msgspec.json.encode(placeholder("xlsx"))) == "xlsx"
    assert content_of(b"%PDF-2.0 and so on") == "pdf"
    assert content_of(b"<html>") == "file"
    assert placeholder("nothing") == b""
    assert media_type("nothing") is None
    assert b"html" in placeholder("text")
