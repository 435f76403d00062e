"""The operations of the API as commands, against a local Sikoia."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.terminal import Terminal, new_case
from every_method import MARK

from sikoia_async import Sikoia
from sikoia_async._calls.operations import OPERATIONS
from sikoia_async.cli import main as cli
from sikoia_async.cli.api.names import RESOURCES
from sikoia_async.cli.api.signatures import Method, methods_of
from sikoia_async.sandbox import Sandbox

METHODS = [method for name in RESOURCES for method in methods_of(name.replace("-", "_"))]


Get = Callable[..., Any]


def test_every_operation_has_a_command_that_shows_no_personal_data(
    terminal: Terminal, server: Sandbox, tmp_path: Path
) -> None:
    """All 71 are made, in an order in which each finds what it needs."""
    case, company, person = new_case(terminal, email=f"{MARK}@example.com")

    _cases(terminal.get, case)
    document = _documents(terminal.get, person, tmp_path / f"{MARK}.pdf")
    _bank_data(terminal.get, person)
    _checks(terminal.get, person)
    _companies(terminal.get, company)
    _persons(terminal.get, person)
    _webhooks(terminal.get, server.url)
    report = tmp_path / "report.xlsx"
    terminal.get(f"reports excel --case {case} --out {report} --yes")
    terminal.get(f"documents delete {document}")
    terminal.get(f"cases delete {case}")

    assert report.read_bytes().startswith(b"PK")
    made = {one.operation for one in server.ledger}
    assert {f"{one.method} {one.path}" for one in OPERATIONS} <= made
    assert MARK not in terminal.printed


def _cases(get: Get, case: str) -> None:
    get("users list")
    get(f"cases list --stage New --stage approved --keyword {MARK}")
    get(f"cases retrieve {case}")
    get(f"cases update {case} --stage Approved --name {MARK} --description", "")
    added = get(f"cases add-entities {case} --persons", '{"first_name":"A","last_name":"B"}')
    second = added["persons"][1]["person_id"]
    update = json.dumps({"person_id": second, "first_name": MARK})
    get(f"cases update-entities {case} --persons", update)
    get(f"cases remove-entities {case} --persons {second}")


def _documents(get: Get, person: str, statement: Path) -> str:
    statement.write_bytes(b"%PDF-1.7\n%%EOF\n")
    document: str = get(
        f"documents upload --person {person} {statement} --document-type bankstatement "
        f"--display-name {MARK}.pdf"
    )["document_id"]
    get(f"documents until-classified {document} --wait 30")
    get(f"documents retrieve {document}")
    get(f"documents list --person {person}")
    get(f"documents integrity-checks --person {person}")
    get(f"documents until-checked {document} --wait 30")
    get(f"documents integrity-check {document}")
    get(f"data-sources until-complete --person {person} --wait 30")
    get(f"data-sources list --person {person}")
    return document


def _bank_data(get: Get, person: str) -> None:
    connection = get(f"banking connect --person {person} --country-code GB")
    id_ = connection["bank_connection_id"]
    get(f"banking connection {id_}")
    get(f"banking connections --person {person} --no-completed")
    account = get(f"banking accounts --person {person}")[0]["account_connection_id"]
    for name in ("account", "balances", "transactions", "refresh"):
        get(f"banking {name} {account}")
    get(f"banking disconnect {id_}")
    affordability = get(f"affordability request --person {person} --yes --wait 30")["request_id"]
    for name in ("retrieve", "monthly-transactions", "transactions", "operation"):
        get(f"affordability {name} {affordability}")
    income = get(f"income request --person {person} --yes --wait")["request_id"]
    for name in ("retrieve", "details", "operation"):
        get(f"income {name} {income}")
    for resource in ("affordability", "income"):
        get(f"{resource} list --person {person}")
        get(f"{resource} latest --person {person}")


def _checks(get: Get, person: str) -> None:
    type_ = next(
        one["validation_type_id"]
        for one in get("checks types")
        if one["entity_type"] == "person" and "bank" in str(one["validation_check_name"])
    )
    check = get(f"checks run --person {person} {type_} --wait 30")["validation_instance_id"]
    get(f"checks retrieve {check}")
    get(f"checks list --person {person}")
    get(f"checks run-with-income --person {person} {type_} --yes")


def _companies(get: Get, company: str) -> None:
    for resource in ("company-registry", "credit-reports"):
        several = get(
            f"{resource} request {company} --yes --country-code GB --company-name",
            "Several Example Ltd",
        )["first"]
        get(f"{resource} resolve-picklist {several['request_id']} 1 --yes --wait 30")
    get("company-registry search --company-name Acme --country-code GB --yes")
    for resource in ("company-registry", "credit-reports", "online-data"):
        request = get(f"{resource} request {company} --yes --wait 30")["request_id"]
        get(f"{resource} retrieve {request}")
        get(f"{resource} list {company}")


def _persons(get: Get, person: str) -> None:
    identity = get(f"identity request {person} --yes")["first"]["request_id"]
    get(f"identity retrieve {identity}")
    get(f"identity list {person} --complete --verification-status approved")
    for name in ("peps-sanctions", "adverse-media"):
        get(
            f"screening search-{name} --person {person} --yes --search-term {MARK} "
            "--birth-date 1980-12-31 --no-monitored --fuzziness 0.5"
        )
        get(f"screening list-{name} --person {person}")


def _webhooks(get: Get, url: str) -> None:
    events = "--event-types documentprocessing.completed"
    webhook = get(f"webhooks create --webhook-name Mine --webhook-callback-url {url}/x {events}")
    id_ = webhook["webhook_id"]
    get("webhooks list")
    get("webhooks event-types")
    for line in (f"retrieve {id_}", f"update {id_} --webhook-name Yours", f"log {id_}"):
        get(f"webhooks {line}")
    for name in ("create", "retrieve", "rotate", "delete"):
        get(f"webhooks {name}-secret")
    get(f"webhooks delete {id_}")


def _id(method: Method) -> str:
    return f"{method.resource} {method.command}"


@pytest.mark.parametrize("method", METHODS, ids=_id)
def test_the_help_of_every_command_says_what_it_takes(
    method: Method, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the docstring: no argument is without a text, and no Python is in it."""
    with pytest.raises(SystemExit) as caught:
        cli.main([method.resource.replace("_", "-"), method.command, "--help"])

    printed = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0
    assert " ".join(method.about.summary.split()) in printed
    for parameter in method.parameters:
        if parameter.kind == "entity":
            assert "--person ID" in printed
        elif parameter.is_subject:
            assert re.search(r"(FILE|INDEX|[A-Z]+_ID) the \w+", printed)
        else:
            assert re.search(rf"{parameter.flag}\b.* \w+", printed)
    assert "await " not in printed
    assert ("--yes" in printed) == method.may_cost


def test_the_resources_are_those_of_the_client() -> None:
    """With the same words."""
    described = {name.replace("-", "_"): about.lower() for name, about in RESOURCES.items()}

    for name, about in described.items():
        doc = str(vars(Sikoia)[name].__doc__)
        assert doc.lower().removesuffix(".") == about
    assert {one.name.partition(".")[0] for one in OPERATIONS} == set(described)


def test_the_methods_without_a_command_are_known() -> None:
    """They take what only Python can express, or another command does the same."""
    commands = {f"{one.resource}.{one.name}" for one in METHODS}

    assert {one.name for one in OPERATIONS} <= commands
    assert {"credit_reports.find", "income.latest", "checks.operation"} <= commands
    assert commands.isdisjoint(
        {"webhooks.reconcile", "banking.until_refreshed", "reports.save_excel"}
    )
