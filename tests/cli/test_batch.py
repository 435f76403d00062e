"""`sikoia batch`, run as a user runs it, against a local Sikoia."""

import io
import json
import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from batch.companies import client_of, companies_of

from sikoia_async import NewPerson, Sikoia
from sikoia_async.cli import main as cli
from sikoia_async.sandbox import Rate, Sandbox
from sikoia_async.stores import SqliteStores

REPORTS = "POST /v2/company-credit-reports"
PATIENCE = 60


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Generator[Sandbox]:
    """Run a local Sikoia, export its variables, and change to an empty folder."""
    monkeypatch.chdir(tmp_path)
    with Sandbox(rate=Rate(requests_per_window=100_000)) as running:
        for name, value in running.variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SIKOIA_MAX_CHARGEABLE", "1000")  # so that runs need no --yes
        yield running


def write_csv(ids: Sequence[str], header: str = "company_id") -> None:
    """Write the input."""
    Path("in.csv").write_text("\n".join([header, *ids]) + "\n", "utf-8")


def person_of(sandbox: Sandbox) -> str:
    """Create a person, and return the id."""

    async def create() -> str:
        async with client_of(sandbox) as sikoia:
            person = NewPerson(first_name="Wilma", last_name="Example")
            case = await sikoia.cases.create(name="Loan", case_type="Business", persons=[person])
            return case.persons[0].person_id

    return anyio.run(create)


def lines(name: str = "out.jsonl") -> list[dict[str, Any]]:
    """Return the objects in the output."""
    return [json.loads(line) for line in Path(name).read_text("utf-8").splitlines()]


def batch(*arguments: str) -> int:
    """Run a command in this process."""
    return cli.main(["batch", *arguments])


def reports(*arguments: str) -> int:
    """Request credit reports."""
    return batch("credit-reports", "in.csv", "--out", "out.jsonl", *arguments)


def test_a_file_of_companies(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each, for its owner only; a second run buys nothing and changes nothing."""
    ids = companies_of(12, sandbox)
    write_csv(ids)

    assert reports("--max-chargeable", "12") == 0

    written = lines()
    assert sorted(one["key"] for one in written) == sorted(ids)
    assert all(one["value"]["company_id"] == one["key"] for one in written)
    assert {(one["state"], *one["bought"]) for one in written} == {("done", "credit-reports")}
    assert stat.S_IMODE(Path("out.jsonl").stat().st_mode) == 0o600
    printed = capsys.readouterr().err
    assert "sikoia batch: 12 calls of credit_reports.request may have cost money" in printed
    assert "sikoia batch: 12 done, 0 failed" in printed
    before = Path("out.jsonl").read_bytes()
    assert reports() == 0
    assert Path("out.jsonl").read_bytes() == before
    assert sandbox.ledger.spend == 12
    assert batch("status", "out.db") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("12 done, 0 failed, 0 in doubt\n")
    assert "credit_reports.request, 12 times" in printed


@pytest.mark.parametrize("options", [("--yes",), ("--max-chargeable", "2")])
def test_a_run_without_a_limit_needs_a_yes(
    sandbox: Sandbox,
    options: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing is sent before. A dry run needs none, nor does a retry of what was agreed to."""
    write_csv(companies_of(2, sandbox))
    asked = len(sandbox.ledger)
    monkeypatch.delenv("SIKOIA_MAX_CHARGEABLE")

    assert reports("--dry-run") == 0
    assert reports() == 2

    printed = capsys.readouterr().err
    assert "up to 2 calls of credit_reports.request may cost credits or money: add --yes" in printed
    assert "set a limit: --max-chargeable" in printed
    assert len(sandbox.ledger) == asked
    assert not Path("out.jsonl").exists()
    sandbox.faults.add(REPORTS, status=400)
    assert reports(*options) == 1
    assert batch("retry", "out.db") == 0
    assert sandbox.ledger.spend == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("SIKOIA_CLIENT_SECRET", "wrong"), ("SIKOIA_ENVIRONMENT", "https://127.0.0.1:1")],
)
def test_a_run_that_cannot_reach_sikoia_fails_no_row(
    sandbox: Sandbox,
    name: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Wrong credentials, for example: one line says so, and the next run has all rows."""
    write_csv(companies_of(3, sandbox))
    right = os.environ[name]
    monkeypatch.setenv(name, value)

    assert reports() == 1

    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(("sikoia batch: TokenError: ", "sikoia batch: ConnectionFailedError: "))
    assert lines() == []
    monkeypatch.setenv(name, right)
    assert reports() == 0
    assert len(lines()) == 3


class Terminal(io.StringIO):
    """Standard input or error on which somebody answers."""

    def isatty(self) -> bool:
        """Return that somebody does."""
        return True


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 3)])
def test_a_terminal_is_asked(
    sandbox: Sandbox, answer: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many calls may cost money, after any warning. With a no, nothing is bought."""
    write_csv(companies_of(1, sandbox))
    monkeypatch.delenv("SIKOIA_MAX_CHARGEABLE")
    monkeypatch.setenv("SIKOIA_MAX_CHARGABLE", "1")
    shown = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", shown)

    assert reports() == code

    warned, _, _ = shown.getvalue().partition("Go on?")
    assert "SIKOIA_MAX_CHARGABLE is not read; did you mean SIKOIA_MAX_CHARGEABLE?" in warned
    assert "up to 1 calls" not in shown.getvalue()
    assert "up to 1 call of credit_reports.request may cost credits or money. Go on? [y/N]" in (
        shown.getvalue()
    )
    assert sandbox.ledger.spend == (code == 0)


def test_only_rows_that_are_left_are_asked_about(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that are done cost nothing, nor do failed ones unless they are to be repeated."""
    ids = companies_of(4, sandbox)
    write_csv(ids[:2])
    sandbox.faults.add(REPORTS, status=400)
    assert reports() == 1
    monkeypatch.delenv("SIKOIA_MAX_CHARGEABLE")
    capsys.readouterr()

    def asked(*options: str) -> str:
        assert reports(*options) == 2
        return capsys.readouterr().err

    assert reports() == 1
    assert batch("retry", "out.db") == 2
    assert "up to 1 call of credit" in capsys.readouterr().err
    write_csv(ids)
    assert "up to 2 calls of credit" in asked()
    assert "up to 3 calls of credit" in asked("--retry-failed")
    assert reports("--dry-run", "--retry-failed", "--json") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {
        "rows": 4,
        "left": 3,
        "left_out": 0,
        "requests": 6,
        "chargeable": 3,
    }
    assert "4 rows, 3 left, at least 6 requests, at most 3 calls" in printed.err
    assert reports("--retry-failed", "--yes") == 0
    assert sandbox.ledger.spend == 4


@pytest.mark.parametrize("agreed", [True, False])
def test_a_retry_needs_the_yes_of_the_first_run(
    sandbox: Sandbox,
    agreed: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Given on a terminal. A variable with the limit may be set no longer."""
    write_csv(companies_of(1, sandbox))
    sandbox.faults.add(REPORTS, status=400)
    with monkeypatch.context() as terminal:
        if agreed:
            terminal.delenv("SIKOIA_MAX_CHARGEABLE")
            terminal.setattr(sys, "stdin", Terminal("y\n"))
            terminal.setattr(sys, "stderr", Terminal())
        assert reports() == 1
    monkeypatch.delenv("SIKOIA_MAX_CHARGEABLE")

    if not agreed:
        assert batch("retry", "out.db") == 2
        assert "may cost credits or money: add --yes" in capsys.readouterr().err
        assert sandbox.ledger.spend == 0
    assert batch("retry", "out.db", *(() if agreed else ("--yes",))) == 0
    assert batch("retry", "out.db") == 0
    assert sandbox.ledger.spend == 1


def test_the_help_lists_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the operation, and which of them a row needs."""
    with pytest.raises(SystemExit):
        batch("credit-reports", "--help")

    printed = " ".join(capsys.readouterr().out.split())
    assert "A row needs company_id, the id that Sikoia gave it" in printed
    assert "Optional columns: company_number, company_name, country_code, provider_id." in printed


def test_json_for_scripts(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """The plan, the end of each run, the state of the journal and what is in doubt."""
    ids = companies_of(3, sandbox)
    write_csv(ids)
    sandbox.faults.add(REPORTS, status=400)
    spent = {"credit_reports.request": 3}

    def printed() -> Any:
        return json.loads(capsys.readouterr().out)

    assert reports("--dry-run", "--json") == 0
    assert printed() == {"rows": 3, "left": 3, "left_out": 0, "requests": 6, "chargeable": 3}
    assert reports("--json") == 1
    end = printed()
    assert (end["total"], end["done"], end["failed"], end["left_out"]) == (3, 2, 1, 0)
    assert batch("status", "out.db", "--json") == 0
    state = printed()
    assert (state["done"], state["failed"], state["in_doubt"], state["started"]) == (2, 1, 0, 0)
    [failure] = state["failures"]
    assert (failure["error"], failure["status"]) == ("InvalidRequestError", 400)
    assert batch("retry", "out.db", "--json") == 0
    end = printed()
    assert (end["done"], end["failed"], end["spent"]) == (3, 0, spent)
    assert batch("doubts", "out.db", "--json") == 0
    assert printed() == []
    write_csv(companies_of(1, sandbox))
    piped = batch("credit-reports", "in.csv", "--out", "-", "--journal", "new.db", "--json")
    output = capsys.readouterr()
    assert piped == 0
    assert [json.loads(line)["state"] for line in output.out.splitlines()] == ["done"]
    assert '"left_out": 0' in output.err


def test_jsonl_and_columns_of_other_names(sandbox: Sandbox) -> None:
    """The format is found out; a key of its own is possible."""
    ids = companies_of(3, sandbox)
    rows = [{"id": one, "ref": f"r{number}", "x": 1} for number, one in enumerate(ids)]
    Path("in.txt").write_text("\n".join(map(json.dumps, rows)), "utf-8")

    assert batch(
        "company-registry", "in.txt", "--out", "out.jsonl", "--map", "id=company_id",
        "--key", "ref",
    ) == 0  # fmt: skip

    assert sorted(one["key"] for one in lines()) == ["r0", "r1", "r2"]


@pytest.mark.parametrize(("as_file", "last"), [(True, '"open'), (False, '"open'), (False, "")])
def test_standard_input_and_output(sandbox: Sandbox, last: str, *, as_file: bool) -> None:
    """A pipe is read as it arrives, and a file that is redirected is checked first."""
    ids = companies_of(4, sandbox)
    content = "\n".join(["company_id", *ids, "bad id", last]).encode()
    Path("in.csv").write_bytes(content)
    with Path("in.csv").open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "sikoia_async", "batch", "online-data", "-", "--out", "-",
             "--journal", "j.db"],
            capture_output=True, check=False, timeout=PATIENCE,
            stdin=file if as_file else None, input=None if as_file else content,
        )  # fmt: skip

    assert done.returncode == 1, done.stderr  # a row was left out
    assert sorted(json.loads(line)["key"] for line in done.stdout.splitlines()) == sorted(ids)
    assert b"standard input, line 6: left out: column company_id: not a valid id" in done.stderr
    problem = b"standard input, line 7: left out: a quotation mark is not closed"
    assert (problem in done.stderr) == bool(last)


def test_json_values_that_are_no_scalars(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are ignored in a field that means nothing; other rows with one are left out."""
    ids = companies_of(2, sandbox)
    rows: list[Any] = [
        {"company_id": ids[0], "tags": ["a"], "more": {"b": 1}, "none": None, "empty": ""},
        {"company_id": [ids[1]]},
        {"company_id": {"id": ids[1]}},
        {"company_id": ids[1], "country_code": ["GB"]},
    ]
    Path("in.csv").write_text("\n".join(map(json.dumps, rows)), "utf-8")

    assert reports() == 1

    assert [one["key"] for one in lines()] == [ids[0]]
    assert "line 4: left out: column country_code: expected a string" in capsys.readouterr().err


def test_a_dry_run_sends_nothing(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """It says how much there is to do."""
    write_csv([f"id-{number}" for number in range(300)])

    assert reports("--dry-run", "--max-chargeable", "200") == 0

    printed = capsys.readouterr().err
    assert "300 rows, at least 600 requests, at most 200 calls of credit_reports.request" in printed
    assert "3 min 20 s or more" in printed
    assert not Path("out.jsonl").exists()
    assert len(sandbox.ledger) == 0


def test_an_output_that_nobody_reads_ends_the_run_quietly(sandbox: Sandbox) -> None:
    """As with `| head`. The next run has everything that was not read, bought once."""
    ids = companies_of(3, sandbox)
    write_csv(ids)
    command = [sys.executable, "-m", "sikoia_async", "batch", "credit-reports", "in.csv",
               "--out", "-", "--journal", "j.db"]  # fmt: skip
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=PATIENCE
    )
    os.close(writer)
    assert done.returncode == 128 + signal.SIGPIPE
    assert b"Traceback" not in done.stderr
    assert b"Broken pipe" not in done.stderr

    again = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)

    assert again.returncode == 0
    assert sorted(json.loads(line)["key"] for line in again.stdout.splitlines()) == sorted(ids)
    assert sandbox.ledger.spend == 3


@pytest.mark.parametrize("command", ["identity", "peps-sanctions"])
def test_results_that_are_there_at_once(sandbox: Sandbox, command: str) -> None:
    """An identity check waits for the person, and a search has its matches in the response."""
    person = person_of(sandbox)
    write_csv([person], "person_id")

    assert batch(command, "in.csv", "--out", "out.jsonl") == 0

    [line] = lines()
    assert (line["key"], line["state"], line["bought"]) == (person, "done", [command])
    assert line["value"]
    assert sandbox.ledger.spend == 1


def test_other_arguments_for_a_key_in_doubt_are_refused(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is sent for that row. Its status has the type of the error only."""
    first, second = companies_of(2, sandbox)
    write_csv([f"{first},k"], "company_id,ref")
    sandbox.faults.add(REPORTS, reset="after")
    assert reports("--key", "ref") == 1
    write_csv([f"{second},k"], "company_id,ref")
    capsys.readouterr()

    assert reports("--key", "ref") == 1

    assert [one["state"] for one in lines()] == ["in doubt", "failed"]
    error = lines()[1]["error"]
    assert error.keys() == {"type", "message"}
    assert error["type"] == "ArgumentError"
    assert second not in error["message"]
    assert batch("status", "out.db") == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(": ArgumentError")
    assert sandbox.ledger.spend == 1


def test_a_pipe_without_a_limit_needs_a_yes(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows how many calls there will be."""
    monkeypatch.delenv("SIKOIA_MAX_CHARGEABLE")
    command = [sys.executable, "-m", "sikoia_async", "batch", "credit-reports", "-", "--out", "o"]

    done = subprocess.run(
        command, input="company_id\na\n", capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "sikoia batch: calls of credit_reports.request may cost credits" in done.stderr
    assert len(sandbox.ledger) == 0


def test_a_dry_run_of_a_pipe_says_nothing(sandbox: Sandbox) -> None:
    """It would have to read everything that arrives."""
    done = subprocess.run(
        [sys.executable, "-m", "sikoia_async", "batch", "income", "-", "--out", "x", "--dry-run"],
        capture_output=True, check=False, timeout=PATIENCE, input=b"person_id\n1\n",
    )  # fmt: skip
    assert done.returncode == 0
    assert b"standard input is read as it arrives" in done.stderr
    assert len(sandbox.ledger) == 0


def test_bad_rows_do_not_stop_the_rest(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are reported with line and column, and without their values."""
    ids = companies_of(2, sandbox)
    write_csv([ids[0], "Wilma Example", "a,b", ids[1], '"open'])

    assert reports() == 1

    printed = capsys.readouterr().err
    assert "in.csv, line 3: left out: column company_id: not a valid id" in printed
    assert "in.csv, line 4: left out: 2 fields, but the header has 1" in printed
    assert "in.csv, line 6: left out: a quotation mark is not closed" in printed
    assert "2 done, 0 failed, 3 rows left out" in printed
    assert "Wilma" not in printed
    assert len(lines()) == 2


def test_rows_that_fail_can_be_retried(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line for each attempt; the last one counts. Errors have type, status and correlation id."""
    ids = companies_of(3, sandbox)
    write_csv(ids)
    sandbox.faults.add(REPORTS, status=400)

    assert reports() == 1

    printed = capsys.readouterr().err
    assert "to retry those that failed: sikoia batch retry out.db" in printed
    assert "sikoia batch: 1 row: InvalidRequestError, first in line " in printed
    [failed] = [one for one in lines() if one["state"] == "failed"]
    assert (failed["error"]["type"], failed["error"]["status"]) == ("InvalidRequestError", 400)
    assert failed["error"]["correlation_id"]
    assert "detail" not in failed["error"]
    assert failed["error"]["message"].startswith("400 ")
    assert reports() == 1
    assert batch("status", "out.db") == 0
    assert f"correlation id {failed['error']['correlation_id']}" in capsys.readouterr().out
    journal = str(Path("out.db").resolve())
    monkeypatch.chdir("/")
    assert batch("retry", journal) == 0
    assert [one["state"] for one in lines() if one["key"] == failed["key"]] == ["failed", "done"]
    assert sandbox.ledger.spend == 3


def test_the_limit_has_an_exit_code(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """3, and a line that says how to go on."""
    write_csv(companies_of(4, sandbox))

    assert reports("--max-chargeable", "3") == 3

    assert (
        "1 left; to go on, run it again with a higher --max-chargeable" in capsys.readouterr().err
    )
    assert len(lines()) == 3
    assert reports("--max-chargeable", "4") == 0
    assert len(lines()) == sandbox.ledger.spend == 4


def test_doubts_are_listed_and_looked_for(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """A lost response is in doubt until it is looked for, which is free."""
    [company] = companies_of(1, sandbox)
    write_csv([company])
    sandbox.faults.add(REPORTS, reset="after")

    assert reports() == 1

    assert "1 in doubt; to see what is in doubt: sikoia batch doubts" in capsys.readouterr().err
    assert [one["state"] for one in lines()] == ["in doubt"]
    assert batch("doubts", "out.db") == 1
    printed = capsys.readouterr()
    assert "credit_reports.request" in printed.out
    assert "1 in doubt" in printed.err
    assert batch("doubts", "out.db", "--json") == 1
    [doubt] = json.loads(capsys.readouterr().out)
    assert (doubt["operation"], doubt["intended_at"][:2]) == ("credit_reports.request", "20")
    assert batch("doubts", "out.db", "--look") in {0, 1}
    assert sandbox.ledger.spend == 1


@pytest.mark.parametrize(
    ("content", "arguments", "problem"),
    [
        (b"", (), "in.csv: the input is empty"),
        (b"\n \n", (), "in.csv: the input is empty"),
        (b"company_id\n", (), "in.csv: has no rows that can be used"),
        (b"id,name\n1,x\n", (), "line 1: there is no column company_id; the columns are id, name"),
        (b"company_id\na\nb\na\n", (), "line 4, column company_id: the same key as line 2"),
        (b"company_id,r\na,1\nb,1\n", ("--key", "r"), "line 3, column r: the same key as line 2"),
        (b"company_id\na\n", ("--key", "r"), "there is no column r"),
        (b"id\na\n", ("--map", "x=company_id"), "there is no column x"),
        (b"id\na\n", ("--map", "id"), "--map: expected COLUMN=PARAMETER"),
        (b"id\na\n", ("--map", "id=nothing"), "the parameters are company_id, company_number"),
        (b"company_id,name\na,ok\nb,M\xfcller\n", (), "line 3, column 4: not valid utf-8"),
        ("company_id\na\n".encode("utf-16"), (), "line 1, column 1: UTF-16"),
        (b"company_id\na\n", ("--encoding", "utf-16"), "--encoding: expected one that extends"),
        (b"company_id\na\n", ("--encoding", "klingon"), "--encoding: expected one that extends"),
        (b"company_id,\na,b\n", (), "line 1: column 2 has no name"),
        (b"company_id,company_id\na,b\n", (), "column 2 has the name of an earlier one"),
        (b'"company_id\n', (), "there is no column company_id|not valid CSV|can be used"),
        (b"company_id\na\n", ("--at-once", "0"), "--at-once: expected a whole number"),
        (b"company_id\na\n", ("--at-once", "1001", "--dry-run"), "--at-once: expected a whole"),
        (b"company_id\na\n", ("--max-chargeable", "-1"), "--max-chargeable: expected"),
    ],
)
def test_an_input_that_cannot_be_used(
    sandbox: Sandbox,
    content: bytes,
    arguments: tuple[str, ...],
    problem: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line that names line and column, before anything is bought."""
    Path("in.csv").write_bytes(content)

    assert reports(*arguments) == 2

    printed = capsys.readouterr().err
    assert any(part in printed for part in problem.split("|"))
    assert "Traceback" not in printed
    assert len(sandbox.ledger) == 0


@pytest.mark.parametrize(
    ("content", "arguments"),
    [
        (b"\xef\xbb\xbfcompany_id;note\r\n%s;x\r\n", ()),
        (b"company_id\tnote\n%s\tM\xfcller\n", ("--encoding", "latin-1")),
        (b'note,company_id\n"two\nlines",%s\n', ()),
    ],
)
def test_what_spreadsheets_write(
    sandbox: Sandbox, content: bytes, arguments: tuple[str, ...]
) -> None:
    """A byte order mark, semicolons, tabs, line breaks in quotes, and other encodings."""
    [company] = companies_of(1, sandbox)
    Path("in.csv").write_bytes(content.replace(b"%s", company.encode()))

    assert reports(*arguments) == 0

    assert [one["key"] for one in lines()] == [company]


def test_the_output_of_something_else_is_not_touched(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is one that is shorter than the journal says, or no file."""
    write_csv(companies_of(2, sandbox))
    Path("out.jsonl").write_text("mine\n", "utf-8")
    assert reports() == 2
    assert "out.jsonl: exists, and is not the output of this journal" in capsys.readouterr().err
    assert Path("out.jsonl").read_text("utf-8") == "mine\n"

    Path("out.jsonl").unlink()
    assert reports() == 0
    Path("out.jsonl").write_bytes(b"")
    assert reports() == 2
    assert "out.jsonl: shorter than when the journal was last written" in capsys.readouterr().err

    Path("folder").mkdir()
    assert batch("credit-reports", "in.csv", "--out", "folder") == 2
    assert batch("credit-reports", "in.csv", "--out", "/dev/null", "--journal", "j.db") == 2
    assert batch("credit-reports", "missing.csv", "--out", "x.jsonl") == 2
    assert batch("credit-reports", "in.csv", "--out", "-") == 2
    printed = capsys.readouterr().err
    assert "missing.csv: No such file or directory" in printed
    assert "--journal: required with --out -" in printed


@pytest.mark.parametrize("arguments", [("status",), ("doubts",), ("retry",)])
def test_a_journal_that_is_none(
    sandbox: Sandbox, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says so."""
    del sandbox
    assert batch(*arguments, "missing.db") == 2
    assert "missing.db: there is no such journal" in capsys.readouterr().err
    Path("text.db").write_text("nothing of ours\n" * 100, "utf-8")
    assert batch(*arguments, "text.db") == 2
    assert capsys.readouterr().err == "sikoia batch: text.db: not the journal of a batch\n"
    Path("text.jsonl").write_text("nothing of ours\n" * 100, "utf-8")
    assert batch(*arguments, "text.jsonl") == 2
    assert "batch; did you mean text.db?" in capsys.readouterr().err


def test_the_journal_of_something_else_is_refused(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a batch in Python, which cannot be repeated here, or of other stores."""
    del sandbox

    async def create() -> None:
        async with Sikoia() as sikoia, sikoia.batch("python.db") as journal:
            assert [one async for one in journal.map(work, ["a"], key=str)]

    async def work(_run: Any, item: str) -> str:
        await anyio.lowlevel.checkpoint()
        return item

    anyio.run(create)
    SqliteStores("stores.db")

    assert batch("retry", "python.db") == 2
    assert "python.db: the journal of a batch that was not started" in capsys.readouterr().err
    for command in ("status", "doubts", "retry"):
        assert batch(command, "stores.db") == 2
        assert "stores.db: not the journal of a batch" in capsys.readouterr().err


async def leave_started(path: str, key: str) -> None:
    """Leave an item in a journal as a killed run does."""
    async with Sikoia() as sikoia, sikoia.batch(path) as one:
        with suppress(RuntimeError):
            async for _ in one.map(nothing, [key], key=str, name="sikoia batch credit-reports"):
                raise RuntimeError
        one.stop()
        raise EOFError


async def nothing(_run: Any, _item: str) -> None:
    """Buy nothing."""
    await anyio.lowlevel.checkpoint()


def test_rows_that_were_in_progress_are_mentioned(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the next run, which may have to wait before it finds out, and by `doubts`."""
    ids = companies_of(2, sandbox)
    write_csv(ids)
    with pytest.raises(EOFError):
        anyio.run(leave_started, "out.db", ids[0])

    assert batch("doubts", "out.db") == 0
    assert "1 row started and not ended; the next run finds out" in capsys.readouterr().err
    assert reports() == 0
    assert "1 row in progress when the last run ended" in capsys.readouterr().err
    assert len(lines()) == sandbox.ledger.spend == 2


def test_rows_of_another_run_are_its_own(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that joins leaves them, and says so."""
    ids = companies_of(2, sandbox)
    write_csv(ids)

    async def share() -> int:
        async with Sikoia() as sikoia, sikoia.batch("out.db", on_conflict="join") as one:
            async for _ in one.map(nothing, ids[:1], key=str, name="sikoia batch credit-reports"):
                return await anyio.to_thread.run_sync(reports, "--join")
        raise AssertionError

    assert anyio.run(share) == 1
    assert "1 done, 0 failed, 1 left; other runs are working on those that are left" in (
        capsys.readouterr().err
    )
    assert [one["key"] for one in lines()] == ids[1:]


def test_the_journal_of_another_operation_is_refused(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before its output is looked at, which is another file."""
    write_csv(companies_of(1, sandbox))
    assert reports() == 0

    code = batch("company-registry", "in.csv", "--out", "new.jsonl", "--journal", "out.db")

    assert code == 2
    assert "out.db: the journal of another batch (its work differs)" in capsys.readouterr().err


def test_a_torn_line_is_cut_and_written_lines_are_noted(sandbox: Sandbox) -> None:
    """What a killed process had written and not noted is neither lost nor written again."""
    ids = companies_of(6, sandbox)
    write_csv(ids[:3])
    assert reports() == 0
    complete = Path("out.jsonl").read_bytes()
    journal = Path("out.db").read_bytes()
    write_csv(ids)
    assert reports() == 0
    # As if the second run had been killed before its notes, in the middle of a line.
    later = Path("out.jsonl").read_bytes()[len(complete) :]
    Path("out.jsonl").write_bytes(complete + later[: len(later) // 2])
    Path("out.db").write_bytes(journal)

    assert reports() == 0

    assert sorted(one["key"] for one in lines()) == sorted(ids)


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """Start a command in another process."""
    command = [sys.executable, "-m", "sikoia_async", "batch", "credit-reports", "in.csv"]
    return subprocess.Popen(
        [*command, "--out", "out.jsonl", "--at-once", "4", *arguments], stderr=subprocess.PIPE
    )


def wait_for(condition: Any) -> None:
    """Wait until a condition is true."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("signals", "code"),
    [([signal.SIGINT], 130), ([signal.SIGTERM], 143), ([signal.SIGINT, signal.SIGINT], 130)],
)
def test_a_stop_is_followed_by_a_run_that_goes_on(
    sandbox: Sandbox, signals: list[signal.Signals], code: int
) -> None:
    """The exit code says what it was, and one line how to go on. The rest is bought then, once."""
    ids = companies_of(20, sandbox)
    write_csv(ids)
    sandbox.faults.add(REPORTS, delay=0.3 if len(signals) == 1 else 1.0, times=8)
    with start() as process:
        wait_for(lambda: sum(one.method == "POST" for one in sandbox.ledger) >= 6)
        for one in signals:
            process.send_signal(one)
            time.sleep(0.1)
        error = (process.stderr.read() if process.stderr else b"").decode()
        assert process.wait(PATIENCE) == code, error

    assert "Traceback" not in error
    assert error.splitlines()[-1].startswith("sikoia batch: stopped by ")
    assert "to go on, run the same again: sikoia batch credit-reports in.csv" in error
    seen = lines() if Path("out.jsonl").exists() else []
    assert len(seen) < len(ids)
    assert "batch: stopping, " not in error or "again cancels them" in error
    assert batch("doubts", "out.db") in {0, 1}
    assert reports() == 0
    assert sorted(one["key"] for one in lines()) == sorted(ids)
    sandbox.ledger.assert_nothing_charged_twice()


def limited(size: int) -> "subprocess.CompletedProcess[str]":
    """Request credit reports in another process, none of whose files can become longer."""
    run = (
        "import resource, sys\n"
        "from sikoia_async.cli.main import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)\n"
        "sys.exit(main(sys.argv[2:]))\n"
    )
    arguments = ["batch", "credit-reports", "in.csv", "--out", "out.jsonl"]
    # The coverage of the child would not fit either.
    environment = {name: one for name, one in os.environ.items() if "COV" not in name}
    return subprocess.run(
        [sys.executable, "-c", run, str(size), *arguments], env=environment,
        capture_output=True, check=False, timeout=PATIENCE, text=True,
    )  # fmt: skip


@contextmanager
def small_files(size: int) -> Generator[None]:
    """Let no file of this process become longer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("is_child", [True, False])
def test_a_run_whose_output_does_not_fit_can_be_continued(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str], *, is_child: bool
) -> None:
    """One line says so. The next run has everything, bought once, and cuts the torn line."""
    ids = companies_of(8, sandbox)
    write_csv(ids[:1])
    assert reports() == 0
    # Longer than the journal, which fits: a line that a killed process has written.
    long: dict[str, Any] = {"key": "long", "state": "done", "value": "x" * 8_000_000, "bought": []}
    with Path("out.jsonl").open("a", encoding="utf-8") as out:
        out.write(f"{json.dumps(long)}\n")
    write_csv(ids)

    size = Path("out.jsonl").stat().st_size + 1_000
    if is_child:
        done = limited(size)
        code, printed = done.returncode, done.stderr
    else:
        capsys.readouterr()
        with small_files(size):
            code = reports()
        printed = capsys.readouterr().err

    assert code == 1
    assert printed.splitlines()[-1] == (
        "sikoia batch credit-reports: out.jsonl: File too large; what was bought is not lost: "
        "make it writable again, then run the same again"
    )
    assert Path("out.jsonl").stat().st_size == size
    assert reports() == 0
    assert sorted(one["key"] for one in lines()) == sorted([*ids, "long"])
    assert sandbox.ledger.spend == len(ids)
    sandbox.ledger.assert_nothing_charged_twice()


@pytest.mark.parametrize("size", [0, 20_000, 100_000])
def test_a_run_whose_journal_does_not_fit_can_be_continued(
    sandbox: Sandbox, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with one line about the journal, without a traceback."""
    ids = companies_of(8, sandbox)
    write_csv(ids)
    if not size:
        with small_files(0):
            assert reports() == 1
        assert capsys.readouterr().err.startswith("sikoia batch: StoreError: journal: out.db")

    done = limited(size)

    assert done.returncode in {1, 2}
    assert done.stderr.splitlines()[-1].startswith("sikoia batch: ")
    assert "cannot be read or written" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert reports() in {0, 1}
    assert reports("--retry-failed") == 0
    assert sorted(one["key"] for one in lines() if one["state"] == "done") == sorted(ids)
    assert sandbox.ledger.spend == len(ids)
    sandbox.ledger.assert_nothing_charged_twice()


@contextmanager
def as_stranger() -> Generator[None]:
    """Act as a user who may write nowhere here; root could write everywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(12_345)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("name", ["out.jsonl", "folder/out.jsonl"])
def test_an_output_that_cannot_be_written_is_refused(
    sandbox: Sandbox,
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file or a folder that is read-only, before anything is sent. It stays as it was."""
    with tempfile.TemporaryDirectory() as folder:  # a stranger cannot reach that of pytest
        monkeypatch.chdir(folder)
        write_csv(["id-1"])
        assert reports("--dry-run") == 0  # loads what a stranger may not be able to read
        Path("out.jsonl").write_text("mine\n", "utf-8")
        Path("folder").mkdir()
        for one, mode in ((".", 0o755), ("in.csv", 0o444), ("out.jsonl", 0o444), ("folder", 0o555)):
            Path(one).chmod(mode)
        capsys.readouterr()

        with as_stranger():
            code = batch("credit-reports", "in.csv", "--out", name)

        printed = capsys.readouterr().err
        assert printed == f"sikoia batch: {name}: Permission denied\n"
        assert code == 2
        assert Path("out.jsonl").read_text("utf-8") == "mine\n"
        assert not Path("out.db").exists()
        monkeypatch.chdir("/")
    assert len(sandbox.ledger) == 0
