"""The file of a cassette: what is wrong with it is told, and half of it is never there."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import msgspec
import pytest

from sikoia_async.testing.cassettes.files import kind_of, media_of, stand_in
from sikoia_async.testing.cassettes.tape import (
    Asked,
    CassetteError,
    Content,
    Recording,
    Tape,
    ids_in,
    read,
    salt_of,
    write,
)

_ID = "11111111-2222-4333-8444-555555555555"
_TAPE = Tape(
    salt="salt",
    recorded=(
        Recording(asked=Asked(operation="GET /v2/users"), status=204),
        Recording(
            asked=Asked(
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
        Recording(asked=Asked(operation="POST /v2/cases"), fault="ReadError", errno="ECONNRESET"),
    ),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for a file."""
    return tmp_path / "one.json"


def test_what_is_written_is_read(path: Path) -> None:
    """All of it, numbers to their last digit."""
    write(path, _TAPE)

    assert read(path) == _TAPE
    assert ids_in(_TAPE) == {_ID}


def test_the_file_is_for_people(path: Path) -> None:
    """One line for each value, in the order of the models, and none for what is not there."""
    write(path, attrs.evolve(_TAPE, recorded=_TAPE.recorded[:1]))

    assert path.read_text("utf-8") == (
        '{\n  "version": 1,\n  "salt": "salt",\n  "recorded": [\n    {\n      "asked": {\n'
        '        "operation": "GET /v2/users"\n      },\n      "status": 204\n    }\n  ]\n}\n'
    )


def test_each_cassette_has_a_salt_of_its_own(path: Path) -> None:
    """It stays where a cassette is recorded again, unless the old one cannot be read."""
    assert UUID(salt_of(path)).version == 4
    assert salt_of(path) != salt_of(path)

    write(path, _TAPE)
    assert salt_of(path) == "salt"

    path.write_text("{")
    assert salt_of(path) != "salt"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b'{"version": 1, "recorded": [', "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"[]", "it is no JSON"),
        (b"{}", "it is not of version 1"),
        (b'{"version": 2, "salt": "x", "more": []}', "it is not of version 1"),
        (b'{"version": "1"}', "it is not of version 1"),
        (b'{"version": 1, "salt": 5}', r"it is broken at `\$.salt`"),
        (b'{"version": 1, "salt": "x", "recorded": {}}', r"it is broken at `\$.recorded`"),
        (
            b'{"version": 1, "salt": "x", "recorded": [{"asked": {"operation": 5}}]}',
            r"it is broken at `\$.recorded\[0\].asked.operation`",
        ),
        (
            b'{"version": 1, "recorded": [{"asked": {"operation": "a"}, "fault": "Wilma"}]}',
            r"it is broken at `\$.recorded\[0\].fault`",
        ),
        (b'{"version": 1, "recorded": [{"asked": {"operation": "a"}}]}', "it is broken"),
        (
            b'{"version": 1, "recorded": [{"asked": {"operation": "a"}, "status": 20}]}',
            r"it is broken at `\$.recorded\[0\].status`",
        ),
        (b'{"version": 1, "recorded": [{"status": 200}]}', r"it is broken at `\$.recorded\[0\]`"),
    ],
)
def test_a_file_that_is_no_cassette_is_refused(path: Path, text: bytes, told: str) -> None:
    """The error says where, and what to do, and nothing of what stands there."""
    path.write_bytes(text)

    with pytest.raises(CassetteError, match=f"the cassette one.json: {told}") as caught:
        read(path)

    assert str(caught.value).endswith("and may cost money there")
    assert "Wilma" not in str(caught.value)
    assert str(path.parent) not in str(caught.value)


def test_a_folder_is_no_cassette(tmp_path: Path) -> None:
    """Nor can one be written there."""
    with pytest.raises(CassetteError, match="it cannot be read: Is a directory"):
        read(tmp_path)
    with pytest.raises(CassetteError, match="it cannot be written: "):
        write(tmp_path, _TAPE)

    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_leaves_the_old_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing beside it."""
    write(path, _TAPE)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CassetteError, match="it cannot be written: No space left") as caught:
        write(path, Tape())

    assert str(path.parent) not in str(caught.value)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["one.json"]


def test_requests_are_equal_whatever_the_order_of_their_fields() -> None:
    """And different in each part."""
    asked = Asked(operation="o", ids={"a": "1", "b": "2"}, query={"q": "1"}, body={"c": 1, "d": 2})
    same = Asked(operation="o", ids={"b": "2", "a": "1"}, query={"q": "1"}, body={"d": 2, "c": 1})
    changes: tuple[dict[str, Any], ...] = (
        {"operation": "p"},
        {"ids": {"a": "1"}},
        {"query": {}},
        {"body": {"c": 1}},
        {"body": None},
    )

    assert asked.key == same.key
    assert len({attrs.evolve(asked, **one).key for one in ({}, *changes)}) == 1 + len(changes)


@pytest.mark.parametrize("kind", ["pdf", "png", "xlsx", "file"])
def test_a_stand_in_is_of_its_kind(kind: Content) -> None:
    """It is small, and the same each time."""
    content = stand_in(kind)

    assert kind_of(content) == kind
    assert stand_in(kind) == content
    assert 0 < len(content) < 2000
    assert media_of(kind)


def test_the_kind_of_a_file_is_what_it_begins_with() -> None:
    """A workbook may come as a text."""
    assert kind_of(msgspec.json.encode(stand_in("xlsx"))) == "xlsx"
    assert kind_of(b"%PDF-2.0 and so on") == "pdf"
    assert kind_of(b"<html>") == "file"
    assert stand_in("nothing") == b""
    assert media_of("nothing") is None
    assert b"html" in stand_in("text")
