"""The documentation: its examples run, and every resource and error is covered."""

import ast
import inspect
import re
import shutil
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import trustme
from servers import RedisServer

from sikoia_async import NewCompany, NewPerson, Sikoia
from sikoia_async._errors import api_error_class
from sikoia_async.environments import local
from sikoia_async.sandbox import Rate, Sandbox

ROOT = Path(__file__).parents[1]
PAGES = {
    str(path.relative_to(ROOT / "docs" / "pages")): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs" / "pages").rglob("*.md"))
}
BLOCKS = {
    name: re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for name, text in PAGES.items()
}
OTHER_BLOCKS = [
    (name, block)
    for name, text in PAGES.items()
    for block in re.findall(r"^```py\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
]
"""Parts of test suites, of which tests/testing/test_plugin.py runs those that are complete."""
PAGES_WITH_SUITES = {"first-tests.md", "testing.md"}
RESOURCES = sorted(
    name
    for name, value in vars(Sikoia).items()
    if isinstance(value, cached_property) and name not in {"events", "purchases"}
)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Run a local Sikoia that does all work at once, and export its variables."""
    with Sandbox(work_time=0, rate=Rate(requests_per_window=10_000)) as running:
        for name, value in running.variables.items():
            monkeypatch.setenv(name, value)
        yield running


async def names_in_scope(sikoia: Sikoia) -> dict[str, Any]:
    """Return the names that the examples use without defining them."""
    acme = NewCompany(company_name="Acme Ltd", company_number="12345678", jurisdiction_code="GB")
    wilma = NewPerson(first_name="Wilma", last_name="Example")
    case = await sikoia.cases.create(
        name="Acme Ltd loan", case_type="Business", companies=[acme], persons=[wilma]
    )
    assert case.companies
    assert case.persons
    person = case.persons[0]
    document = await sikoia.documents.upload(
        person, b"%PDF-1.7", document_type="BankStatement", file_name="statement.pdf"
    )
    models = {"case": case, "company": case.companies[0], "person": person, "document": document}
    return {"sikoia": sikoia, **models}


async def run(block: str, names: dict[str, Any]) -> None:
    """Run an example, which may use `await` at the top level."""
    code = compile(block, "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    coroutine = eval(code, names)  # noqa: S307 - our own documentation
    if inspect.iscoroutine(coroutine):
        await coroutine


@pytest.fixture
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """Run in an empty folder with a bank statement, and certificates of a company."""
    monkeypatch.chdir(tmp_path)
    Path("statement.pdf").write_bytes(b"%PDF-1.7 fictitious")
    shutil.copy(sandbox.ca_file, "company.pem")
    own = trustme.CA().issue_cert("loans.example")
    own.cert_chain_pems[0].write_to_path("client.pem")
    own.private_key_pem.write_to_path("client.key")


@pytest.mark.usefixtures("_files")
@pytest.mark.parametrize("page", [name for name, blocks in BLOCKS.items() if blocks])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # as most readers will run them
@pytest.mark.anyio
async def test_the_examples_run(page: str, sandbox: Sandbox) -> None:
    """The examples of a page run in order, in one scope, as a reader would try them.

    Only the URL of the reader's own server is replaced: the local Sikoia sends to loopback only.
    """
    for framework in ("aiohttp", "fastapi"):
        if any(f"from {framework} import" in block for block in BLOCKS[page]):
            pytest.importorskip(framework, reason="the lowest versions are tested without it")
    async with Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        tls=sandbox.ca_file,
        quota=None,
    ) as sikoia:
        names = await names_in_scope(sikoia)
        for block in BLOCKS[page]:
            if not re.search(r"asyncio\.(run|Runner)\(", block):
                await run(block.replace("https://lender.example", "https://127.0.0.1:1"), names)
        for client in list(names.values()):  # readers close theirs when their program ends
            if isinstance(client, Sikoia):
                await client.aclose()


@pytest.mark.parametrize(("page", "block"), OTHER_BLOCKS)
def test_parts_of_test_suites_compile(page: str, block: str) -> None:
    """And are on the pages about testing only: everywhere else, examples run."""
    compile(block, page, "exec")
    assert page in PAGES_WITH_SUITES


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_picklist_example_works_without_a_number(sandbox: Sandbox) -> None:
    """A name is all that many applications have."""
    async with Sikoia(tls=sandbox.ca_file, quota=None) as sikoia:
        acme = NewCompany(company_name="Several Example Ltd", jurisdiction_code="GB")
        case = await sikoia.cases.create(name="Loan", case_type="Business", companies=[acme])
        assert case.companies
        page = BLOCKS["resources/company_registry.md"]
        (block,) = [one for one in page if "pick=lambda" in one]
        names: dict[str, Any] = {"sikoia": sikoia, "company": case.companies[0]}
        await run(block, names)
    assert names["report"].company_name


@pytest.mark.usefixtures("_files")
def test_the_first_batch_buys_once(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """The program of the page, run twice in a folder with the file of the page."""
    (portfolio,) = re.findall(r"```text\n(company_name.*?)```", PAGES["first-batch.md"], re.DOTALL)
    Path("portfolio.csv").write_text(portfolio, "utf-8")
    (program,) = BLOCKS["first-batch.md"]

    for _ in range(2):
        exec(program, {"__name__": "__main__"})  # noqa: S102 - our own documentation
        assert capsys.readouterr().out == "2 0 0 {'credit_reports.request': 2}\n"

    assert len(Path("reports.jsonl").read_text("utf-8").splitlines()) == 2
    assert sandbox.ledger.spend == 2


@pytest.mark.usefixtures("sandbox")
def test_the_first_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The complete program of the quickstart runs with the variables of the local Sikoia."""
    (program,) = [block for block in BLOCKS["quickstart.md"] if "asyncio.run(" in block]

    exec(program, {"__name__": "__main__"})  # noqa: S102 - our own documentation

    assert len(capsys.readouterr().out.split()) == 2


def test_the_serverless_function_runs(sandbox: Sandbox) -> None:
    """Its client is ready when the program is loaded, and serves one event after the other."""
    (program,) = [block for block in BLOCKS["client.md"] if "asyncio.Runner(" in block]
    names: dict[str, Any] = {}

    async def create() -> str:
        sikoia = names["sikoia"]
        assert sikoia.stats().token_age is not None
        return str((await sikoia.cases.create(name="Loan", case_type="Business")).case_id)

    exec(program, names)  # noqa: S102 - our own documentation
    with names["runner"] as runner:
        event = {"case_id": runner.run(create())}
        stages = [names["handler"](event, None)["stage"] for _ in range(2)]
        runner.run(names["sikoia"].aclose())

    assert stages[0]
    assert stages[0] == stages[1]
    paths = [f"{one.method} {one.path}" for one in sandbox.ledger]
    assert paths[:2] == ["POST /token", "POST /v2/cases"]


@pytest.mark.usefixtures("sandbox")
def test_the_program_for_several_hosts_runs(
    shared_redis: RedisServer, postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a Redis and a PostgreSQL of the test."""
    pytest.importorskip("redis")
    pytest.importorskip("asyncpg")
    (program,) = [block for block in BLOCKS["processes.md"] if "asyncio.run(" in block]
    assert program.count(".internal") == 2
    program = program.replace("redis://redis.internal", shared_redis.url)
    program = program.replace("postgresql://postgres.internal/app", postgres_url)
    shared_redis.command("FLUSHALL")

    exec(program, {"__name__": "__main__"})  # noqa: S102 - our own documentation

    assert capsys.readouterr().out.startswith("(")
    assert shared_redis.command("KEYS", "sikoia*")


def test_each_example_is_included_in_its_page() -> None:
    """The include has the exact form that the site generator reads; formatters may break it."""
    included = re.findall(r'^--8<-- "examples/(\w+)\.py"$', PAGES["examples.md"], re.MULTILINE)

    assert sorted(included) == sorted(path.stem for path in (ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_resource_has_a_page_with_an_example(resource: str) -> None:
    """The page is in the navigation and in the index, and has the reference of the methods."""
    page = PAGES[f"resources/{resource}.md"]

    assert f"::: sikoia_async.resources.{resource}." in page
    assert f"sikoia.{resource}." in "".join(BLOCKS[f"resources/{resource}.md"])
    assert f"]({resource}.md)" in PAGES["resources/index.md"]
    assert f"- resources/{resource}.md" in (ROOT / "docs" / "mkdocs.yml").read_text("utf-8")


@pytest.mark.parametrize("page", [*PAGES])
def test_every_page_begins_with_a_sentence(page: str) -> None:
    """`llms.txt` and `sikoia docs` show it beside the title."""
    title, sentence = PAGES[page].split("\n\n")[:2]

    assert re.fullmatch(r"# .+", title)
    assert re.match(r"[A-Z`[].*[.:?!]$", sentence.splitlines()[0])


def test_every_error_is_in_the_table() -> None:
    """Readers can look up what to do."""
    import sikoia_async.errors as module  # noqa: PLC0415 - for its list of names

    bases = {"APIError", "CallError", "OperationError", "SikoiaError", "TransportError"}
    errors = {name for name in module.__all__ if name.endswith("Error")} - bases

    assert {name for name in errors if f"`{name}`" not in PAGES["errors.md"]} == set()
    assert api_error_class(500, None).__name__ in errors


def test_the_tree_of_errors_is_drawn() -> None:
    """It is that of the module, whose own test compares it with the classes."""
    import sikoia_async.errors as module  # noqa: PLC0415 - for its docstring

    tree = str(module.__doc__).partition("\nSikoiaError\n")[2].partition("\n\nNo error")[0]

    assert f"```text\nSikoiaError\n{tree}\n```" in PAGES["errors.md"]
