"""What the methods of all resources have in common: their arguments, and their examples."""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple, get_origin, get_type_hints

import pytest

import sikoia_async
from sikoia_async import NewCompany, NewPerson, ReplayGuard, Router, Sikoia
from sikoia_async.models import HasEntity, Model
from sikoia_async.operations.operation import Operation
from sikoia_async.sandbox import Rate, Sandbox
from sikoia_async.testing import client_of
from sikoia_async.webhooks import events

RESOURCES = sorted(
    name
    for name, value in vars(Sikoia).items()
    if isinstance(value, cached_property) and name not in {"events", "purchases"}
)
SECOND_TOO = {
    "checks.run": "validation_type",
    "checks.run_with_income": "validation_type",
    "company_registry.resolve_picklist": "picklist_index",
    "credit_reports.resolve_picklist": "picklist_index",
    "documents.upload": "file",
    "reports.save_excel": "path",
}
"""Methods whose second argument is positional as well."""


class Method(NamedTuple):
    """A public method of a resource."""

    resource: str
    name: str
    function: Any

    def __str__(self) -> str:
        return f"{self.resource}.{self.name}"

    @property
    def example(self) -> str:
        """The indented block of code in the docstring."""
        docstring = inspect.cleandoc(str(self.function.__doc__))
        blocks = re.findall(r"\n\n((?: {4}.*(?:\n|$))+)", docstring)
        return dedent(blocks[0]) if blocks else ""


def _methods() -> Iterator[Method]:
    client = Sikoia(token="t", quota=None)
    for resource in RESOURCES:
        kind: Any = getattr(client, resource).__class__
        members = inspect.getmembers(kind, inspect.isfunction)
        yield from (
            Method(resource, name, function) for name, function in members if name[0] != "_"
        )


METHODS = [*_methods()]


def _is_a_subject(annotation: Any) -> bool:
    return annotation is HasEntity or any(
        isinstance(one, type) and issubclass(one, Model)
        for one in getattr(annotation, "__args__", (annotation,))
    )


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_the_first_argument_is_what_the_method_is_about(method: Method) -> None:
    """It is positional-only and a model; all others are keyword-only."""
    hints = get_type_hints(method.function)
    _, *parameters = inspect.signature(method.function).parameters.values()
    positional = [one for one in parameters if one.kind is not one.KEYWORD_ONLY]
    subjects = [one for one in positional if one.name != SECOND_TOO.get(str(method))]

    assert all(one.kind is one.POSITIONAL_ONLY for one in subjects)
    assert len(subjects) <= 1
    assert all(_is_a_subject(hints[one.name]) for one in subjects)


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_methods_that_only_wait_say_until(method: Method) -> None:
    """They return an operation without sending anything, or resume one that was requested."""
    returned = get_type_hints(method.function)["return"]
    is_wait = get_origin(returned) is Operation and not inspect.iscoroutinefunction(method.function)

    assert (method.name == "operation" or method.name.startswith("until_")) == is_wait


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a local Sikoia that does all work at once."""
    with Sandbox(work_time=0, rate=Rate(requests_per_window=10_000)) as running:
        yield running


async def _names(sikoia: Sikoia) -> dict[str, Any]:
    """Return the names that the examples use without defining them."""
    users = await sikoia.users.list()
    case = await sikoia.cases.create(
        name="Loan",
        case_type="Business",
        companies=[
            NewCompany(company_name="Acme Ltd", company_number="12345678", jurisdiction_code="GB")
        ],
        persons=[NewPerson(first_name="Wilma", last_name="Example")],
    )
    person = case.persons[0]
    connection = await sikoia.banking.connect(person)
    account = (await sikoia.banking.accounts(person))[0]
    document = await sikoia.documents.upload(
        person, b"%PDF-1.7", document_type="BankStatement", file_name="statement.pdf"
    )
    webhook = await sikoia.webhooks.create(
        webhook_name="Lending",
        webhook_callback_url="https://127.0.0.1:1/webhooks",
        event_types=["IdentityVerification.Completed"],
    )
    router, public = Router("x" * 32), {n: getattr(sikoia_async, n) for n in sikoia_async.__all__}
    return public | {
        "sikoia": sikoia, "case": case, "case_id": case.case_id, "company": case.companies[0],
        "person": person, "connection": connection, "account": account,
        "account_connection_id": account.account_connection_id, "document": document,
        "webhook": webhook, "webhook_id": webhook.webhook_id, "content": b"%PDF-1.7",
        "email": users[0].email, "guard": ReplayGuard(), "router": router, "events": events,
        "Path": Path,
    }  # fmt: skip


async def _requested(sikoia: Sikoia, method: Method, names: dict[str, Any]) -> dict[str, Any]:
    """Return the names of what the examples of a resource have requested before."""
    if method.resource == "checks":
        kinds = await sikoia.checks.types()
        kind = next(one for one in kinds if one.entity_type == "person")
        check = await (await sikoia.checks.run(names["person"], kind))
        return {"validation_type": kind, "validation_instance_id": check.validation_instance_id}
    if not re.search(r"\((report|request_id)\)", method.example):
        return {}
    of_company = method.resource in {"company_registry", "credit_reports", "online_data"}
    request = getattr(sikoia, method.resource).request
    report = await (await request(names["company" if of_company else "person"]))
    return {"report": report, "request_id": report.request_id}


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # as most readers will run them
@pytest.mark.parametrize("method", METHODS, ids=str)
async def test_each_method_has_an_example_that_runs(
    method: Method, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its docstring, as an indented block, and it calls the method."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "statement.pdf").write_bytes(b"%PDF-1.7 fictitious")
    assert f"sikoia.{method}(" in method.example
    code = method.example.replace("https://lender.example", "https://127.0.0.1:1")

    async with client_of(sandbox) as sikoia:
        names = await _names(sikoia)
        names |= await _requested(sikoia, method, names)
        if method.name in {"retrieve_secret", "rotate_secret", "delete_secret"}:
            await sikoia.webhooks.create_secret()
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        coroutine = eval(compile(code, "example", "exec", flags=flags), names)  # noqa: S307 - our own documentation
        if inspect.iscoroutine(coroutine):
            await coroutine
