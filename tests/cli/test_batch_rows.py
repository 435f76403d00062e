"""The rows of `sikoia batch`: their arguments, and the lines that cannot be used."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sikoia_async import ArgumentError, Entity, Sikoia
from sikoia_async.batch.items import hash_of
from sikoia_async.batch.results import Failed
from sikoia_async.cli import main as cli
from sikoia_async.cli.batch.input import Row
from sikoia_async.cli.batch.names import COLUMNS, COMMANDS
from sikoia_async.cli.batch.operations import OPERATIONS
from sikoia_async.cli.batch.output import Output
from sikoia_async.cli.batch.records import BadRecord, Parser, Record, parse


def test_the_help_knows_the_columns() -> None:
    """It names those of each operation without loading it."""
    assert list(COLUMNS) == list(OPERATIONS)
    for command, columns in COLUMNS.items():
        named = set(re.findall(r"\w+", " ".join(columns))) - {"or", "and"}
        assert named == set(OPERATIONS[command].columns())


@pytest.mark.anyio
async def test_every_command_has_a_method() -> None:
    """Its columns are the parameters of a chargeable method."""
    assert COMMANDS.keys() == OPERATIONS.keys()
    async with Sikoia("id", "secret") as sikoia:
        for operation in OPERATIONS.values():
            assert callable(operation.bound(sikoia))
            assert operation.name.endswith(f".{operation.method}")
    assert OPERATIONS["credit-reports"].columns() == (
        "company_id", "company_number", "company_name", "country_code", "provider_id",
    )  # fmt: skip
    assert "entity_type" in OPERATIONS["income"].columns()


@pytest.mark.parametrize(
    ("command", "row", "subject", "options"),
    [
        ("credit-reports", {"company_id": "c", "company_name": ""}, "c", {}),
        ("identity", {"person_id": "p", "country_code": "GB"}, "p", {"country_code": "GB"}),
        ("income", {"person_id": "p"}, Entity("person", "p"), {}),
        ("income", {"entity_id": "x", "entity_type": "case"}, Entity("case", "x"), {}),
        (
            "peps-sanctions",
            {"company_id": "c", "monitored": "yes", "fuzziness": "0.5", "birth_date": "1980-12-31"},
            Entity("company", "c"),
            {"monitored": True, "fuzziness": 0.5, "birth_date": date(1980, 12, 31)},
        ),
        ("adverse-media", {"case_id": "c", "monitored": False, "fuzziness": 1},
         Entity("case", "c"), {"monitored": False, "fuzziness": 1.0}),
    ],
)  # fmt: skip
def test_the_arguments_of_a_row(
    command: str, row: dict[str, Any], subject: Any, options: dict[str, Any]
) -> None:
    """Values of CSV are read as the method expects them; empty ones are left out."""
    arguments = OPERATIONS[command].arguments(row)

    assert (arguments.subject, arguments.options) == (subject, options)


@pytest.mark.parametrize(
    ("command", "row", "problem"),
    [
        ("credit-reports", {}, "company_id: missing"),
        ("income", {"person_id": "p", "company_id": "c"}, "person_id: given, but so is company_id"),
        ("income", {"entity_id": "x", "entity_type": "dog"}, "entity_type: expected one of case"),
        ("credit-reports", {"company_id": "c", "company_name": 7}, "company_name: expected a str"),
        ("peps-sanctions", {"case_id": "c", "monitored": "ja"}, "monitored: expected true or fal"),
        ("peps-sanctions", {"case_id": "c", "fuzziness": "x"}, "fuzziness: expected a number"),
        ("peps-sanctions", {"case_id": "c", "fuzziness": True}, "fuzziness: expected a number"),
        ("peps-sanctions", {"case_id": "c", "birth_date": "31.12.80"}, "birth_date: expected a d"),
    ],
)
def test_a_row_that_cannot_be_used(command: str, row: dict[str, Any], problem: str) -> None:
    """The message begins with the column, and has no value."""
    with pytest.raises(ArgumentError, match=f"^{problem}"):
        OPERATIONS[command].arguments(row)


def test_lines_of_json() -> None:
    """Each is an object; others are reported with line and column."""
    lines = ['{"a": 1}\n', "\n", "[1]\n", '{"a": x\n', "[" * 100_000 + "\n"]

    records = list(parse(lines, Parser("in", "jsonl")))

    assert records[0] == Record(1, {"a": 1})
    assert records[1:3] == [
        BadRecord(3, "expected a JSON object"),
        BadRecord(4, "column 7: not valid JSON"),
    ]
    assert isinstance(records[3], BadRecord)


def test_lines_of_csv() -> None:
    """What is not valid is reported with its line."""
    lines = ["a,b\n", '"x"y,1\n', '"two\n', 'lines",2\n', "x\0,3\n"]

    records = list(parse(lines, Parser("in")))

    assert records[0] == BadRecord(2, "not valid CSV")
    assert records[1] == Record(3, {"a": "two\nlines", "b": "2"})


def run(*arguments: str) -> int:
    """Run a command."""
    return cli.main(["batch", *arguments])


def test_a_header_that_is_not_csv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor are many bad rows listed one by one; keys of JSON are strings."""
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text('"x"y\n1\n', "utf-8")
    assert run("credit-reports", "a.csv", "--out", "o", "--dry-run") == 2
    assert "a.csv, line 1: the header is not valid CSV" in capsys.readouterr().err

    Path("b.csv").write_text("company_id\n" + "bad id\n" * 30 + "good\n", "utf-8")
    assert run("credit-reports", "b.csv", "--out", "o", "--dry-run") == 0
    printed = capsys.readouterr().err
    assert "b.csv: 10 more rows like these" in printed
    assert "1 row, at least 2 requests, at most 1 call of " in printed

    keys = ("7", '"\\ud800"', '" "', '"x"')
    Path("c.jsonl").write_text("".join(f'{{"company_id": "a", "k": {one}}}\n' for one in keys))
    assert run("credit-reports", "c.jsonl", "--out", "o", "--key", "k", "--dry-run") == 0
    printed = capsys.readouterr().err
    for line in (1, 2, 3):
        assert f"c.jsonl, line {line}: left out: column k: expected a key" in printed
    assert "1 row, at least 2 requests" in printed
    assert not Path("o").exists()


def test_an_error_of_the_sdk_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as credentials that are missing, or a help."""
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("company_id\nx\n", "utf-8")
    assert run("credit-reports", "a.csv", "--out", "o.jsonl", "--yes") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert run() == 0
    assert "credit-reports" in capsys.readouterr().out


def test_the_text_of_a_foreign_error_is_not_written(tmp_path: Path) -> None:
    """It may repeat a value; an error of the SDK does not."""
    path = tmp_path / "out.jsonl"
    output = Output(str(path))
    row = Row(2, "k", OPERATIONS["identity"].arguments({"person_id": "k"}))

    for error in (KeyError("Wilma"), ArgumentError("name: expected a string")):
        output.write(Failed(row, error, key="k", requests=0, bought=()))
    output.close()

    messages = [json.loads(line)["error"]["message"] for line in path.read_text().splitlines()]
    assert messages == ["KeyError", "name: expected a string"]


def test_many_written_lines_are_noted(tmp_path: Path) -> None:
    """In parts, up to the first that is not a line of ours."""
    path = tmp_path / "o.jsonl"
    line = '{"key": "%d", "state": "done", "value": 1, "bought": []}\n'
    written = "".join(line % number for number in range(1_100))
    path.write_text(written + '{"key": 1}\n' + line % 9, "utf-8")
    output, notes, calls = Output(str(path)), list[bytes](), 0

    def settle(some: Any) -> None:
        nonlocal calls
        calls += 1
        notes.extend(one.key for one in some)

    output.continue_from(None, is_new=False, settle=settle)
    output.close()

    assert (calls, notes) == (3, [hash_of(str(number)) for number in range(1_100)])
    assert path.read_text("utf-8") == written
