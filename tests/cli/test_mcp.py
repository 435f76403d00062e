"""The tools of `sikoia mcp`, against a local Sikoia."""

import json
from importlib import import_module
from typing import Any
from unittest.mock import patch

import pytest
from cli.agents import Agent, agent
from every_method import ID, MARK

from sikoia_async import Entity
from sikoia_async._calls.operations import OPERATIONS
from sikoia_async.cli.api.names import RESOURCES
from sikoia_async.cli.api.signatures import methods_of
from sikoia_async.cli.mcp.rules import effect_of
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio
Validator: Any = import_module("jsonschema").Draft202012Validator  # which has no type stubs
METHODS = [method for name in RESOURCES for method in methods_of(name.replace("-", "_"))]
ALL: dict[str, Any] = {"allow_changes": True, "max_chargeable": 100}


async def new_case(one: Agent) -> tuple[str, str, str]:
    """Create a case, and return its id and those of its company and its person."""
    case = await one.call(
        "cases.create",
        name=MARK,
        case_type="business",
        companies=[{"company_name": "Acme Ltd", "company_number": "1", "jurisdiction_code": "GB"}],
        persons=[{"first_name": MARK, "last_name": MARK, "date_of_birth": "1980-12-31"}],
    )
    created = case["result"]
    return (
        created["case_id"],
        created["companies"][0]["company_id"],
        created["persons"][0]["person_id"],
    )


async def test_the_tools_say_what_they_take_and_whether_they_only_read(server: Sandbox) -> None:
    """They only read, unless something else is allowed."""
    async with agent(server) as one, agent(server, **ALL) as other:
        tools = (await one.client.list_tools()).tools
        allowed = (await other.client.list_tools()).tools

    assert [tool.name for tool in tools] == [
        "search",
        "describe_operation",
        "read_documentation",
        "call_operation",
        "wait_for_operation",
    ]
    for tool in tools:
        Validator.check_schema(tool.input_schema)
        assert tool.input_schema["additionalProperties"] is False
        assert tool.description
    hints = [[tool.annotations.read_only_hint for tool in tools if tool.annotations]]
    hints += [[tool.annotations.read_only_hint for tool in allowed if tool.annotations]]
    assert hints == [[True, True, True, True, True], [True, True, True, False, True]]


async def test_the_documentation_is_found_and_read(server: Sandbox) -> None:
    """By words; then a section, a short page, or the sections of a long one."""
    async with agent(server) as one:
        pages = await one.use("read_documentation")
        found = await one.use("read_documentation", query="Rate limit")
        section = await one.use("read_documentation", query=found["sections"][0]["section"])
        short = await one.use("read_documentation", query="cost-control")
        long = await one.use("read_documentation", query="local")
        asked = await one.use("read_documentation", query="Which purchases are in doubt, zzzz?")
        none = await one.use("read_documentation", query="zzzz of")

    assert {"page": "resources/users", "title": "Users"}.items() <= pages["pages"][-2].items()
    assert section["text"].startswith("## The rate limit\n")
    assert short["text"].startswith("# Cost control\n")
    assert "local#scenarios" in long["sections"]
    assert any(one["section"].startswith("purchases#") for one in asked["sections"])
    assert none == {"sections": [], "next": "use other words, or none for all pages"}


async def test_operations_are_found_by_their_words(server: Sandbox) -> None:
    """Of names, documentation, values and fields of results; rare words count more."""
    async with agent(server) as one:
        deletes = await one.use("search", query="delete a document", limit=1)
        persons = await one.use("search", query="politically exposed persons")
        field = await one.use("search", query="registry_legal_form")
        value = await one.use("search", query="InProgressNeedsReview")
        whole = await one.use("search", query="", limit=3)
        none = await one.use("search", query="zzzz of")

    assert deletes["operations"] == [
        {
            "operation": "documents.delete",
            "does": "Delete a document",
            "effect": "changes",
            "allowed": False,
        }
    ]
    assert persons["operations"][0]["operation"].startswith("screening.")
    assert {row["operation"].partition(".")[0] for row in field["operations"]} <= {
        "company_registry"
    }
    assert "cases.list" in [row["operation"] for row in value["operations"]]
    assert len(whole["operations"]) == 3
    assert whole["more"] == len(METHODS) - 2 - 3  # without the two that wait too
    assert none["operations"] == []
    assert "empty query" in none["next"]


async def test_every_operation_is_described(server: Sandbox) -> None:
    """With the schema of its arguments; what is not allowed says what would allow it."""
    async with agent(server) as one:
        found = [await one.use("describe_operation", operation=m.full_name) for m in METHODS]

    for method, described in zip(METHODS, found, strict=True):
        schema = described["arguments"]
        Validator.check_schema(schema)
        assert set(schema["properties"]) == {one.name for one in method.parameters}
        assert all(one["description"] for one in schema["properties"].values())
        assert described["documentation"]
        assert described["allowed"] == ("to_allow" not in described)
    registry = next(one for one in found if one["operation"] == "company_registry.request")
    assert "--max-chargeable N" in registry["to_allow"]
    assert registry["returns"]["model"] == "RegistryReport"
    assert "data" in registry["returns"]["fields"]


async def test_schemas_accept_what_the_operations_take(server: Sandbox) -> None:
    """Also those of nested models, whose definitions are at the root."""
    async with agent(server) as one:
        create = await one.use("describe_operation", operation="cases.create")
        connect = await one.use("describe_operation", operation="income.request")

    cases, entity = (Validator(one["arguments"]) for one in (create, connect))
    person = {"first_name": "W", "last_name": "E", "postal_address": {"city": "Bath"}}
    assert cases.is_valid({"name": "A", "case_type": "Business", "persons": [person]})
    assert not cases.is_valid({"name": "A", "case_type": "Business", "persons": [{"city": "B"}]})
    assert not cases.is_valid({"name": "A", "case_type": "Loan"})
    assert entity.is_valid({"entity": {"type": "case", "id": ID}})
    assert not entity.is_valid({"entity": {"type": "cases", "id": ID}})


async def test_what_is_not_known_to_read_changes_something() -> None:
    """The methods that read are GETs, and those that look at several."""
    gets = {one.name for one in OPERATIONS if one.method == "GET" and not one.may_cost}
    reads = {one.full_name for one in METHODS if effect_of(one) == "reads"}
    costs = {one.full_name for one in METHODS if effect_of(one) == "may cost money"}

    assert gets <= reads
    assert {name.partition(".")[2] for name in reads - gets} == {
        "latest",
        "operation",
        "until_checked",
        "until_classified",
        "until_complete",
        "until_connected",
    }
    assert costs == {one.name for one in OPERATIONS if one.may_cost} | {
        "company_registry.find",
        "credit_reports.find",
    }


async def test_nothing_is_changed_or_bought_unless_it_is_allowed(server: Sandbox) -> None:
    """Each refusal says what to change, and nothing is sent."""
    before = len(server.ledger)
    refused = [method for method in METHODS if effect_of(method) != "reads"]
    async with agent(server) as one:
        refusals = {method.full_name: await one.refusal(method.full_name) for method in refused}
    async with agent(server, max_chargeable=1) as one:
        changes = await one.refusal("cases.delete", case=ID)
    async with agent(server, allow_changes=True) as one:
        costs = await one.refusal("identity.request", person=ID)

    assert len(server.ledger) == before
    assert "`sikoia documents upload`" in refusals.pop("documents.upload")
    assert "`sikoia reports excel`" in refusals.pop("reports.excel")
    for name, text in refusals.items():
        assert name in text
        what_to_do = ("--allow-changes", "--max-chargeable N", "wait_for_operation")
        assert any(one in text for one in what_to_do)
    assert "--allow-changes" in changes
    assert "--max-chargeable N" in costs


async def test_personal_data_is_masked_unless_it_is_revealed(server: Sandbox) -> None:
    """Secrets always are."""
    async with agent(server, **ALL) as one:
        case, _, _ = await new_case(one)
        masked = await one.call("cases.retrieve", case=case)
    async with agent(server, allow_changes=True, reveal=True) as other:
        revealed = await other.call("cases.retrieve", case=case)
        secret = await other.call("webhooks.create_secret")
        await other.call("webhooks.delete_secret")

    assert masked["result"]["persons"][0]["first_name"] == "***"
    assert MARK not in one.read
    assert revealed["result"]["persons"][0]["first_name"] == MARK
    assert secret["result"]["shared_key"] == "***"


async def test_chargeable_calls_are_counted_up_to_the_limit(server: Sandbox) -> None:
    """The refusal after the last one says who can raise it."""
    async with agent(server, **ALL) as one:
        _, company, person = await new_case(one)
    async with agent(server, max_chargeable=1) as one:
        bought = await one.call("online_data.request", company=company)
        over = await one.fail(
            "call_operation", operation="identity.request", arguments={"person": person}
        )
        latest = await one.call("online_data.latest", company=company)

    assert bought["chargeable_calls"] == "1 of 1"
    assert over["error"].startswith("ChargeLimitError: identity.request may cost money")
    assert "--max-chargeable" in over["next"]
    assert latest["result"]["company_id"] == company


async def test_long_running_work_is_waited_for(server: Sandbox) -> None:
    """With the token of the call; a wait that is too short can be repeated."""
    async with agent(server, **ALL) as one:
        _, company, person = await new_case(one)
        begun = await one.call("company_registry.request", company=company)
        done = await one.use(
            "wait_for_operation", token=begun["operation"]["token"], only=["status", "request_id"]
        )
        endless = await one.call("identity.request", person=person)
        token = endless["operation"]["token"]
        running = await one.use("wait_for_operation", token=token, timeout_seconds=0.05)

    assert begun["next"] == "wait_for_operation"
    assert done == {
        "state": "done",
        "kind": "company-registry",
        "result": {"status": "Complete", "request_id": begun["operation"]["ids"][0]},
    }
    assert running["state"] == "running"
    assert running["token"] == token
    assert "again" in running["next"]


async def test_every_operation_that_reads_works_and_shows_no_personal_data(
    server: Sandbox,
) -> None:
    """With the ids that others return; work that can be waited for ends."""
    async with agent(server, **ALL) as one:
        ids = await _ids(one)
        for method in METHODS:
            if effect_of(method) != "reads":
                continue
            needed = [parameter.name for parameter in method.parameters if parameter.is_required]
            arguments = {
                name: ids.get(f"{method.resource} {name}", ids.get(name)) for name in needed
            }
            called = await one.call(method.full_name, **arguments)
            if method.result == "operation" and method.resource != "identity":
                await one.use("wait_for_operation", token=called["operation"]["token"])
        await one.call("webhooks.delete_secret")
        await one.call("webhooks.delete", webhook=ids["webhook"])

    assert MARK not in one.read


async def _ids(one: Agent) -> dict[str, Any]:
    """Create something of each kind, and return what identifies it, by the name of arguments."""
    case, company, person = await new_case(one)
    entity = {"type": "person", "id": person}
    document = await one.sikoia.documents.upload(
        Entity("person", person),
        b"%PDF-1.7",
        file_name="statement.pdf",
        document_type="BankStatement",
    )
    read = await one.call("data_sources.until_complete", entity=entity)
    await one.use("wait_for_operation", token=read["operation"]["token"])
    connected = await one.call("banking.connect", entity=entity, country_code="GB")
    accounts = await one.call("banking.accounts", entity=entity)
    types = (await one.call("checks.types"))["items"]
    type_ = next(row["validation_type_id"] for row in types if row["entity_type"] == "person")
    webhook = await one.call(
        "webhooks.create",
        webhook_name="Mine",
        webhook_callback_url="https://127.0.0.1:1/x",
        event_types=["documentprocessing.completed"],
    )
    await one.call("webhooks.create_secret")
    begun = {
        "affordability request": await one.call("affordability.request", entity=entity),
        "company_registry request": await one.call("company_registry.request", company=company),
        "credit_reports request": await one.call("credit_reports.request", company=company),
        "online_data request": await one.call("online_data.request", company=company),
        "identity request": await one.call("identity.request", person=person),
        "income request": await one.call("income.request", entity=entity),
        "check": await one.call("checks.run", entity=entity, validation_type=type_),
    }
    for name, called in begun.items():
        if name != "identity request":
            await one.use("wait_for_operation", token=called["operation"]["token"])
    return {
        "case": case,
        "company": company,
        "person": person,
        "entity": entity,
        "document": document.document_id,
        "connection": connected["result"]["bank_connection_id"],
        "account": accounts["items"][0]["account_connection_id"],
        "webhook": webhook["result"]["webhook_id"],
        **{name: called["operation"]["ids"][0] for name, called in begun.items()},
    }


async def test_one_of_several_companies_is_chosen(server: Sandbox) -> None:
    """The result has the matches, and says how."""
    several = {"company_name": "Several Example Ltd", "country_code": "GB"}
    async with agent(server, **ALL) as one:
        _, company, _ = await new_case(one)
        begun = await one.call("credit_reports.request", company=company, **several)
        found = await one.use("wait_for_operation", token=begun["operation"]["token"])
        chosen = await one.call(
            "credit_reports.resolve_picklist",
            request=found["result"]["request_id"],
            picklist_index=found["result"]["picklist"][0]["index"],
        )
        done = await one.use("wait_for_operation", token=chosen["operation"]["token"])

    assert found["result"]["status"] == "TooManyResults"
    assert "resolve_picklist" in found["next"]
    assert done["result"]["status"] == "Complete"
    assert "next" not in done


async def test_a_purchase_and_its_wait_are_two_calls(server: Sandbox) -> None:
    """Otherwise an agent that stops waiting might buy again."""
    before = len(server.ledger)
    async with agent(server, **ALL) as one:
        refused = await one.refusal("credit_reports.find", company=ID)

    assert len(server.ledger) == before
    assert "call credit_reports.request, and wait_for_operation" in refused


async def test_a_failed_operation_has_its_result(server: Sandbox) -> None:
    """So that an agent sees why, masked."""
    async with agent(server, **ALL) as one:
        _, _, person = await new_case(one)
        begun = (await one.call("identity.request", person=person))["operation"]
        server.work.fail(begun["ids"][0], message=MARK)
        failed = await one.fail("wait_for_operation", token=begun["token"])

    assert failed["error"].startswith("OperationFailedError: ")
    assert failed["result"]["status"] == "Failed"
    assert MARK not in one.read


async def test_lists_end_at_the_limit_and_show_chosen_fields(server: Sandbox) -> None:
    """Also those that come in pages."""
    url = f"{server.url}/x"
    async with agent(server, **ALL) as one:
        for _ in range(3):
            await new_case(one)
        cases = await one.use("call_operation", operation="cases.list", only=["case_id"], limit=2)
        created = await one.call(
            "webhooks.create",
            webhook_name="Mine",
            webhook_callback_url=url,
            event_types=["documentprocessing.completed"],
        )
        webhook = created["result"]["webhook_id"]
        _, _, person = await new_case(one)
        for number in range(2):
            await one.sikoia.documents.upload(
                Entity("person", person),
                b"%PDF-1.7\n%%EOF\n",
                file_name=f"{number}.pdf",
                document_type="BankStatement",
            )
        whole = await one.call("webhooks.log", webhook=webhook)
        first = await one.use(
            "call_operation", operation="webhooks.log", arguments={"webhook": webhook}, limit=1
        )
        deleted = await one.call("webhooks.delete", webhook=webhook)

    assert cases["more"] is True
    assert [list(row) for row in cases["items"]] == [["case_id"], ["case_id"]]
    assert (len(first["items"]), first["more"]) == (1, len(whole["items"]) > 1)
    assert whole["more"] is False
    assert deleted == {"done": True}


async def test_fields_are_checked_before_anything_is_sent(server: Sandbox) -> None:
    """An agent would repeat a change of which it got an error only."""
    async with agent(server, **ALL) as one:
        await one.call("users.list")
        before = len(server.ledger)
        arguments = {"name": "A", "case_type": "Business"}
        call: dict[str, Any] = {"operation": "cases.create", "arguments": arguments}
        wrong = await one.fail("call_operation", **call, only=["case_idd"])
        call = {"operation": "identity.request", "arguments": {"person": ID}}
        waited = await one.fail("call_operation", **call, only=["status"])
        call = {"operation": "cases.delete", "arguments": {"case": ID}}
        nothing = await one.fail("call_operation", **call, only=["status"])

    assert len(server.ledger) == before
    assert "did you mean 'case_id'?" in wrong["error"]
    assert "wait_for_operation takes it" in waited["error"]
    assert "leave it out" in nothing["error"]


async def test_a_result_that_is_too_large_is_refused(server: Sandbox) -> None:
    """An agent could not read it, and can ask for less at no cost."""
    async with agent(server, allow_changes=True, reveal=True) as one:
        for _ in range(2):
            await one.call("cases.create", name="A" * 60_000, case_type="Business")
        refused = await one.refusal("cases.list", stage=["New"])
        ids = await one.use("call_operation", operation="cases.list", only=["case_id"])

    assert "name the fields that you need with only, lower the limit, or" in refused
    assert ids["items"]


async def test_sikoias_own_words_are_personal_data(server: Sandbox) -> None:
    """They may repeat values."""
    async with agent(server) as one, agent(server, reveal=True) as other:
        call: dict[str, Any] = {"operation": "cases.retrieve", "arguments": {"case": ID}}
        failed = await one.fail("call_operation", **call)
        revealed = await other.fail("call_operation", **call)

    assert failed["error"].startswith("ResourceNotFoundError: ")
    assert "correlation" in failed["error"]
    assert "detail" not in failed
    assert revealed["detail"]


async def test_a_bug_shows_no_value(server: Sandbox) -> None:
    """Only where it happened."""
    async with agent(server) as one:
        with patch.object(one.sikoia.users, "list", side_effect=ValueError(MARK)):
            failed = await one.refusal("users.list")

    assert failed.startswith("a mistake of this program, please report it: ValueError in ")
    assert MARK not in failed
    assert MARK not in json.dumps(one.read)
