"""What commands print, when they ask, and how they end."""

import csv
import io
import json
import resource
import sys
from pathlib import Path

import pytest
from cli.terminal import Terminal, new_case
from every_method import ID, MARK

from sikoia_async.cli import main as cli
from sikoia_async.cli.exit_codes import ExitCode
from sikoia_async.sandbox import Sandbox

HOSTILE = "Wilma\x1b]0;owned\x07\u202e\x9b31m[red]=cmd()"


@pytest.fixture
def case(terminal: Terminal) -> tuple[str, str, str]:
    """Create a case; return its id, and those of its company and its person."""
    return new_case(terminal)


def test_json_is_printed_where_there_is_no_terminal(
    terminal: Terminal, case: tuple[str, str, str]
) -> None:
    """Masked; `--reveal` shows everything."""
    masked = terminal.get(f"cases retrieve {case[0]}")
    revealed = terminal.get(f"cases retrieve {case[0]} --reveal")

    assert masked["persons"][0]["first_name"] == "***"
    assert revealed["persons"][0]["first_name"] == MARK
    assert masked["case_id"] == revealed["case_id"] == case[0]


def test_a_masked_secret_says_how_to_see_it(terminal: Terminal) -> None:
    """It was created to be set somewhere."""
    for command in ("create-secret", "retrieve-secret", "rotate-secret"):
        code, out, err = terminal.run("webhooks", command)
        assert (code, err) == (0, "The key is ***; --reveal shows it.\n")
        assert json.loads(out)["shared_key"] == "***"
    code, out, err = terminal.run("webhooks", "retrieve-secret", "--reveal")
    assert (code, err) == (0, "")
    assert len(json.loads(out)["shared_key"]) > 16


def test_lists_are_json_lines_csv_and_tables(
    terminal: Terminal, case: tuple[str, str, str]
) -> None:
    """A line for each item; `--limit` leaves the rest out."""
    _, lines, _ = terminal.run("cases", "list", "-o", "jsonl", "--limit", "1")
    _, rows, _ = terminal.run("cases", "list", "-o", "csv", "--reveal")
    _, table, _ = terminal.run("cases", "list", "-o", "table")
    _, none, _ = terminal.run("cases", "list", "-o", "csv", "--source", "nowhere")
    _, empty, _ = terminal.run("cases", "list", "-o", "table", "--source", "nowhere")

    (line,) = lines.splitlines()
    assert json.loads(line)["name"] == "***"
    found = {row["case_id"]: row for row in csv.DictReader(io.StringIO(rows))}
    assert found[case[0]]["name"] == MARK
    assert case[0] in table
    assert "more columns: -o json" in table
    assert none.startswith("case_id,")
    assert len(none.splitlines()) == 1
    assert empty.strip() == "none"


def test_a_list_in_a_model_is_a_table_of_its_own(
    terminal: Terminal, case: tuple[str, str, str]
) -> None:
    """With `--of`; as CSV, the only list of a model is meant."""
    person = terminal.get(f"cases retrieve {case[0]} --of persons")
    _, line, _ = terminal.run("cases", "retrieve", case[0], "--of", "companies", "-o", "jsonl")
    _, row, _ = terminal.run("cases", "retrieve", case[0], "-o", "csv")
    _, rows, _ = terminal.run("cases", "retrieve", case[0], "-o", "csv", "--of", "persons")
    code, _, err = terminal.run("cases", "retrieve", case[0], "--of", "person")

    assert person[0]["person_id"] == case[2]
    assert json.loads(line)["company_id"] == case[1]
    assert next(csv.DictReader(io.StringIO(row)))["case_id"] == case[0]
    assert next(csv.DictReader(io.StringIO(rows)))["person_id"] == case[2]
    assert (code, "expected ownership or companies or persons" in err) == (2, True)


def test_a_table_of_a_model_has_a_row_for_each_field(
    terminal: Terminal, case: tuple[str, str, str]
) -> None:
    """With the path of each; those without a value are left out."""
    _, table, _ = terminal.run("cases", "retrieve", case[0], "-o", "table")
    rows = dict(line.split(None, 1) for line in table.splitlines())

    assert rows["persons[0].first_name"].strip() == "***"
    assert rows["number_of_companies"].strip() == "1"
    assert "owner" not in rows


def test_lists_in_lists_are_counted_in_a_table(
    terminal: Terminal, case: tuple[str, str, str], tmp_path: Path
) -> None:
    """Or there would be hundreds of rows. Long names are complete."""
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    line = f"documents upload --person {case[2]} --document-type BankStatement"
    terminal.get(line, str(tmp_path / "a.pdf"))

    _, table, _ = terminal.run(
        *f"affordability request --person {case[2]} --yes --wait -o table".split()
    )

    assert "data.indicators[0].transactions " in table
    assert "transactions[0]" not in table
    assert "…" not in table


@pytest.mark.parametrize("form", ["json", "jsonl", "table"])
def test_what_a_terminal_would_act_on_is_escaped(terminal: Terminal, form: str) -> None:
    """Names are written by strangers."""
    code, out, err = terminal.run(
        *("cases", "create", "--reveal", "-o", form, "--case-type", "Business"),
        *("--name", HOSTILE),
    )

    assert (code, err) == (0, "")
    assert r"Wilma\u001b]0;owned\u0007\u202e\u009b31m[red]=cmd()" in " ".join(out.split())
    assert all(one.isprintable() or one == "\n" for one in out)


def test_ascii_is_printed_where_the_output_has_nothing_else(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the locale C."""
    raw = io.BytesIO()
    output = io.TextIOWrapper(raw, encoding="ascii")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        code = cli.main(
            ["cases", "create", "--reveal", "--name", "Žofie", "--case-type", "Business"]
        )

    assert code == 0
    assert json.loads(raw.getvalue().decode("ascii"))["name"] == "Žofie"
    assert terminal.printed == ""


def test_a_call_that_may_cost_money_needs_consent(
    terminal: Terminal, server: Sandbox, case: tuple[str, str, str]
) -> None:
    """`--yes` where nobody can be asked, and `--max-chargeable` holds; nothing is sent before."""
    before = _calls(server)

    code, _, err = terminal.run("credit-reports", "request", case[1])
    limited, _, _ = terminal.run(
        *("credit-reports", "request", case[1], "--yes", "--max-chargeable", "0")
    )

    assert (code, limited) == (ExitCode.USAGE, ExitCode.NOT_BOUGHT)
    assert "add --yes" in err
    assert _calls(server) == before


def test_an_operation_is_printed_with_its_token(
    terminal: Terminal, case: tuple[str, str, str]
) -> None:
    """And what the first response said; a limit in time ends a wait with how to go on."""
    started = terminal.get(f"identity request {case[2]} --yes")
    code, out, err = terminal.run(
        *("identity", "operation", started["ids"][0], "--wait", "0.05", "-o", "json")
    )

    assert started["kind"] == "identity"
    assert started["first"]["request_id"] == started["ids"][0]
    assert (code, out) == (ExitCode.STILL_RUNNING, "")
    assert f"to go on: sikoia wait {started['token']}" in err
    assert "wait again" not in err


def test_an_operation_has_no_rows(terminal: Terminal, case: tuple[str, str, str]) -> None:
    """As CSV it is refused before anything is bought."""
    code, out, err = terminal.run("income", "operation", ID, "-o", "csv")

    nothing, none, _ = terminal.run("income", "latest", "--person", case[2], "-o", "csv")

    assert (code, out) == (ExitCode.USAGE, "")
    assert "-o csv: an operation has no rows; add --wait, or use -o json" in err
    assert (nothing, none) == (0, "")


def test_several_matches_are_printed_with_what_to_do(
    terminal: Terminal, case: tuple[str, str, str]
) -> None:
    """Exit code 13; the picklist is the output."""
    code, out, err = terminal.run(
        *("credit-reports", "find", case[1], "--yes", "--company-name", "Several Example Ltd")
    )

    assert code == ExitCode.CHOICE_NEEDED
    assert [one["index"] for one in json.loads(out)] == [1, 2, 3]
    assert "3 companies match" in err
    assert "choose one: sikoia credit-reports resolve-picklist " in err
    assert "pick=" not in err


def test_a_failed_operation_is_printed(terminal: Terminal, case: tuple[str, str, str]) -> None:
    """Exit code 12."""
    code, out, err = terminal.run("income", "request", "--person", case[2], "--yes", "--wait", "9")

    assert code == ExitCode.NO_RESULT
    assert json.loads(out)["status"] == "Failed"
    assert err.count("correlation id") == 1
    assert "error.result" not in err


def test_the_detail_of_an_error_is_revealed_on_request(terminal: Terminal) -> None:
    """It may repeat values."""
    _, _, masked = terminal.run("cases", "retrieve", ID)
    code, _, revealed = terminal.run("cases", "retrieve", ID, "--reveal")

    assert code == ExitCode.NOT_FOUND
    assert "in full: --reveal" in masked
    assert ID not in masked
    assert f"There is nothing at {ID}" in revealed


def test_a_log_in_pages_is_printed_as_it_arrives(
    terminal: Terminal, server: Sandbox, tmp_path: Path
) -> None:
    """The first hundred, or as many as are wanted."""
    webhook = terminal.get(
        f"webhooks create --webhook-name Log --webhook-callback-url {server.url}/x "
        "--event-types documentprocessing.completed"
    )["webhook_id"]
    _, _, person = new_case(terminal)
    for number in range(3):
        path = tmp_path / f"{number}.pdf"
        path.write_bytes(b"%PDF-1.7")
        terminal.get(f"documents upload --person {person} {path}")
    server.settle()

    _, two, more = terminal.run("webhooks", "log", webhook, "-o", "jsonl", "--limit", "2")
    _, every, nothing = terminal.run("webhooks", "log", webhook, "-o", "jsonl", "--all")
    listed = terminal.get(f"webhooks log {webhook} --limit 1")
    _, rows, _ = terminal.run("webhooks", "log", webhook, "-o", "csv")

    assert len(two.splitlines()) == 2
    assert more == "There are more than 2; --all shows the whole list.\n"
    assert (len(every.splitlines()), nothing) == (3, "")
    assert len(listed) == 1
    assert len(rows.splitlines()) == 4


def test_models_are_read_from_files_and_standard_input(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one object or a list."""
    (tmp_path / "persons.json").write_text('[{"first_name": "A", "last_name": "B"}]', "utf-8-sig")
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"company_name": "Acme"}'))

    case = terminal.get(
        "cases create --name A --case-type Business --companies - --persons "
        f"@{tmp_path / 'persons.json'}"
    )

    assert (case["number_of_companies"], case["number_of_persons"]) == (1, 1)


def test_models_are_read_from_csv(terminal: Terminal, tmp_path: Path) -> None:
    """Of a file named so: each row is one. Empty cells are left out; true and false are not."""
    (tmp_path / "a.csv").write_text(
        "company_name;company_number;registry_search\nAcme Ltd;1;TRUE\nTrue;;\n", "utf-8-sig"
    )

    case = terminal.get(
        f"cases create --name A --case-type Business --reveal --companies @{tmp_path / 'a.csv'}"
    )

    named = {one["company_name"]: one["company_number"] for one in case["companies"]}
    assert named == {"Acme Ltd": "1", "True": None}


@pytest.mark.parametrize("cell", ["a\u2028b\u0085c\x0bd", "a\nb\r\nc\rd"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_cell_of_csv_may_have_line_breaks(
    terminal: Terminal, tmp_path: Path, cell: str, end: str
) -> None:
    """Those of CSV are in quotes; others do not end a row. They are sent as they are."""
    quoted = f'"{cell}"' if "\n" in cell else cell
    content = "".join(
        f"{row}{end}" for row in ("company_name,company_number", f"{quoted},1", "B,2")
    )
    (tmp_path / "a.csv").write_bytes(content.encode())

    case = terminal.get(
        f"cases create --name A --case-type Business --reveal --companies @{tmp_path / 'a.csv'}"
    )

    assert [one["company_name"] for one in case["companies"]] == [cell, "B"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("name,country\nAcme,GB\n", "[0]: has an unknown field; did you mean company_name?"),
        ("company_name,zz\nAcme,GB\n", "an unknown field; the fields are company_name, company_n"),
        ("company_name\nAcme,GB\n", "line 2: 2 fields, but the header has 1"),
        ("", "a.csv: the input is empty"),
        ("company_name,registry_search\nAcme,maybe\n", "registry_search: expected true or false"),
    ],
)
def test_csv_that_does_not_fit_is_refused(
    content: str, problem: str, terminal: Terminal, tmp_path: Path
) -> None:
    """Nothing is sent."""
    (tmp_path / "a.csv").write_text(content, "utf-8")

    code, _, err = terminal.run(
        *f"cases create --name A --case-type Business --companies @{tmp_path / 'a.csv'}".split()
    )

    assert code == 2
    assert f"--companies: {problem}" in err or problem in err
    assert "Acme" not in err


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('{"first_name": "Wilma"}', "--persons: [0].last_name: required, and missing"),
        ('{"firstname": "Wilma"}', "--persons: [0]: has an unknown field; did you mean first_name"),
        ('{"postal_address": {"strt": "Wilma"}}', "[0].postal_address: has an unknown field"),
        ('["Wilma"]', "--persons: [0]: expected"),
        ("Wilma", "--persons: expected JSON"),
        ("@binary.json", "--persons: expected text in UTF-8"),
        ("@Wilma.json", "No such file"),
    ],
)
def test_json_that_does_not_fit_is_refused(
    value: str, message: str, terminal: Terminal, server: Sandbox, tmp_path: Path
) -> None:
    """Before anything is sent, without its values."""
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    value = value.replace("@", f"@{tmp_path}/")
    before = _cases_made(server)

    code, _, err = terminal.run(
        *("cases", "create", "--name", "Wilma", "--case-type", "Business", "--persons", value)
    )

    assert code in {ExitCode.USAGE, ExitCode.FAILED}
    assert message in err
    assert "@" in value or "Wilma" not in err
    assert _cases_made(server) == before


def _calls(server: Sandbox) -> int:
    """Return how many calls were made; deliveries to itself are none."""
    return sum(one.operation is not None for one in server.ledger)


def _cases_made(server: Sandbox) -> int:
    return sum(one.operation == "POST /v2/cases" for one in server.ledger)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("cases list --stage Wilma", "argument --stage: expected New or "),
        ("cases list --limit Wilma", "argument --limit: expected a whole number"),
        ("cases list --limit 0", "argument --limit: expected 1 or more"),
        ("cases list --timeout -1", "argument --timeout: expected seconds"),
        ("cases list --timeout nan", "argument --timeout: expected seconds"),
        ("cases list -o Wilma", "expected table or json or jsonl or csv"),
        ("cases list --environment Wilma", "--environment: expected production, staging"),
        ("cases create --nme Wilma", "unknown option --nme; did you mean --name?"),
        ("cases create --case-type Business", "the following arguments are required: --name"),
        ("cases retrieve", "the following arguments are required: CASE_ID"),
        ("cases retrieve Wilma/../x", "case: not a valid id"),
        ("cases lst", "unknown command; did you mean list?"),
        ("income request", "one of the arguments --case --company --person is required"),
        ("income request --case 1 --person 2", "argument --person: not allowed with argument"),
        ("screening search-adverse-media --person 1 --birth-date Wilma", "expected a date such as"),
        ("cases update 1 --stage Wilma", "stage: expected"),
        ("cases list --json=Wilma", "argument --json: takes no value"),
        ("call FETCH /v2/cases", "expected GET, POST, PUT, PATCH or DELETE"),
        ("call GET cases", "path: "),
        ("call GET /v2/cases --query Wilma", "expected NAME=VALUE"),
        ("call POST /v2/cases --body Wilma", "--body: expected a JSON object"),
        ("call POST /v2/cases --body []", "--body: expected a JSON object"),
        ("completion Wilma", "expected bash or zsh or fish"),
    ],
)
def test_an_invalid_line_is_refused_without_its_values(
    line: str, message: str, terminal: Terminal
) -> None:
    """In one line, with exit code 2."""
    code, out, err = terminal.run(*line.split())

    assert (code, out) == (ExitCode.USAGE, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert "Wilma" not in err


def test_missing_credentials_are_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variables to set; and a wrong secret is refused."""
    monkeypatch.setenv("SIKOIA_CLIENT_SECRET", "wrong")
    refused, _, _ = terminal.run("users", "list")
    monkeypatch.delenv("SIKOIA_CLIENT_SECRET")
    code, _, err = terminal.run("users", "list")

    assert (code, refused) == (ExitCode.CONFIGURATION, ExitCode.REFUSED)
    assert "set both SIKOIA_CLIENT_ID and SIKOIA_CLIENT_SECRET" in err
    assert "client_id=" not in err


def test_the_environment_is_an_option(
    terminal: Terminal, server: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The URL of a local Sikoia uses its certificate authority."""
    monkeypatch.delenv("SIKOIA_ENVIRONMENT")

    users = terminal.get(f"users list --environment {server.url} --timeout 30")

    assert users


def test_any_request_can_be_made(terminal: Terminal) -> None:
    """Values are hidden unless they are known to be harmless; numbers are exact."""
    code, masked, note = terminal.run(
        *("call", "post", "/v2/cases", "--body"),
        '{"name": "Wilma", "case_type": "Business", "source": "Wilma"}',
    )
    made = json.loads(masked)
    _, revealed, _ = terminal.run("call", "GET", f"/v2/cases/{made['case_id']}", "--reveal")
    listed = terminal.get(
        "call GET /v2/cases --query stage=New --query stage=Approved --query source=Wilma"
    )
    nothing, _, _ = terminal.run("call", "DELETE", f"/v2/cases/{made['case_id']}")

    assert (code, made["name"], made["case_type"]) == (0, "***", "Business")
    assert note == "Values are ***; --reveal shows them.\n"
    assert json.loads(revealed)["name"] == "Wilma"
    assert [one["case_id"] for one in listed] == [made["case_id"]]
    assert nothing == 0


@pytest.mark.parametrize(
    ("line", "asks"),
    [
        ("call POST /v2/identity --body {}", True),
        ("call GET /v2/Cases/1/excel-report", True),
        ("call POST /v2/new-things --body {}", True),
        ("call GET /v2/new-things", False),
    ],
)
def test_a_request_that_may_cost_money_asks(line: str, asks: bool, terminal: Terminal) -> None:
    """Also one that is not known."""
    code, _, err = terminal.run(*line.split())

    assert ("add --yes" in err) == asks
    assert code == (ExitCode.USAGE if asks else ExitCode.NOT_FOUND)


@pytest.fixture
def document(terminal: Terminal, case: tuple[str, str, str], tmp_path: Path) -> str:
    """Upload a document and return its id."""
    statement = tmp_path / "statement.pdf"
    statement.write_bytes(b"%PDF-1.7")
    uploaded = terminal.get(f"documents upload --person {case[2]} {statement}")
    return str(uploaded["document_id"])


FILES = pytest.mark.parametrize(
    ("line", "begin"),
    [
        ("reports excel --case {case} --yes", b"PK"),
        ("call GET /v2/Cases/{case}/excel-report --yes", b"PK"),
        ("documents retrieve {document}", b"%PDF-1.7"),
    ],
    ids=["report", "call", "document"],
)


@FILES
def test_a_file_is_saved_for_its_owner_only(
    line: str,
    begin: bytes,
    terminal: Terminal,
    *,
    case: tuple[str, str, str],
    document: str,
    tmp_path: Path,
) -> None:
    """As it is, even if it replaces a file that others could read."""
    path = tmp_path / "saved"
    path.write_bytes(b"another one")
    path.chmod(0o644)
    words = line.format(case=case[0], document=document).split()
    code, out, err = terminal.run(*words, "--out", str(path))

    assert (code, out, err) == (0, "", f"{path.stat().st_size:,} bytes\n")
    assert path.read_bytes().startswith(begin)
    assert path.stat().st_mode & 0o777 == 0o600
    assert {one.name for one in tmp_path.iterdir()} == {"saved", "statement.pdf"}


@FILES
def test_a_file_is_written_to_standard_output(
    line: str,
    begin: bytes,
    terminal: Terminal,
    *,
    case: tuple[str, str, str],
    document: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With `--out -`."""
    raw = io.BytesIO()
    words = line.format(case=case[0], document=document).split()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(raw))
        assert cli.main([*words, "--out", "-"]) == 0
        sys.stdout.flush()
        assert raw.getvalue().startswith(begin)

    assert terminal.printed != ""


def test_nothing_is_sent_for_a_file_that_cannot_be_written(
    terminal: Terminal, server: Sandbox, case: tuple[str, str, str], tmp_path: Path
) -> None:
    """The request may cost money, and nobody would get what it bought."""
    before = _calls(server)
    line = f"call GET /v2/Cases/{case[0]}/excel-report --yes --out {tmp_path}/nowhere/report.xlsx"
    code, _, err = terminal.run(*line.split())

    assert code == ExitCode.USAGE
    assert "path: the folder does not exist" in err
    assert _calls(server) == before


def test_a_file_that_cannot_be_completed_is_not_there(
    terminal: Terminal, case: tuple[str, str, str], tmp_path: Path
) -> None:
    """As when the disk is full."""
    path = tmp_path / "report.xlsx"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        line = f"call GET /v2/Cases/{case[0]}/excel-report --yes --out {path}"
        code, _, err = terminal.run(*line.split())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert code == ExitCode.FAILED
    assert "the file cannot be written: File too large" in err
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_uploaded_from_standard_input(
    terminal: Terminal, case: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its name."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"%PDF-1.7")))

    document = terminal.get(f"documents upload --person {case[2]} - --file-name a.pdf")

    assert document["document_id"]


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("cases list --stage New", "/v2/cases?stage=New"),
        (f"credit-reports request {ID}", "-X POST"),
        (f"webhooks log {ID}", "/v2/webhooks/"),
        (f"income operation {ID}", "/v2/income-employer/"),
        ("call POST /v2/cases --body {}", "/v2/cases"),
    ],
)
def test_a_request_is_printed_as_a_curl_command(
    line: str, sent: str, terminal: Terminal, server: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent, and no credentials are needed for it."""
    before = _calls(server)
    secret = server.variables["SIKOIA_CLIENT_SECRET"]
    _, masked, _ = terminal.run(*line.split(), "--curl")
    monkeypatch.delenv("SIKOIA_CLIENT_SECRET")
    code, revealed, err = terminal.run(*line.split(), "--curl", "--reveal")

    assert (code, err) == (0, "")
    assert masked.startswith("curl ")
    assert sent in masked
    assert ID not in masked
    assert ID not in line or ID in revealed
    assert '-H "Authorization: Bearer $SIKOIA_TOKEN"' in revealed
    assert secret not in masked + revealed
    assert _calls(server) == before


def test_an_invalid_argument_has_no_curl_command(terminal: Terminal) -> None:
    """It is refused."""
    code, out, _ = terminal.run("cases", "retrieve", "a/b", "--curl")
    late, nothing, _ = terminal.run("cases", "list", "--curl", "--timeout", "0.000001")

    assert (code, out) == (ExitCode.USAGE, "")
    assert (late, nothing) == (ExitCode.UNAVAILABLE, "")
