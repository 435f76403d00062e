"""Validation checks, against the local Sikoia."""

from datetime import timedelta

import pytest
from scripted import Reply, scripted
from workbench import UNKNOWN_ID, WORK_TIME, Workbench

from sikoia_async import (
    ArgumentTypeError,
    ConfigurationError,
    InvalidRequestError,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async.models import Entity
from sikoia_async.resources.cases import Person
from sikoia_async.resources.checks import ChecklistParameter

pytestmark = pytest.mark.anyio

UNKNOWN = Entity("person", UNKNOWN_ID)
PAYSLIPS = "Last 3 months of payslips"


async def upload_payslip(client: Sikoia, person: Person, workbench: Workbench) -> str:
    """Upload a payslip, let Sikoia read it, and return the document's id."""
    document = await client.documents.upload(
        person, b"%PDF-1.4\n%%EOF\n", document_type="Payslip", file_name="payslip.pdf"
    )
    workbench.pass_time()
    return document.document_id


async def payslip_check(client: Sikoia) -> str:
    """Return the id of the check for payslips of persons."""
    types = await client.checks.types()
    return next(
        one.validation_type_id
        for one in types
        if (one.validation_check_name, one.entity_type) == (PAYSLIPS, "person")
    )


async def test_there_are_checks_for_each_type_of_entity(sikoia: Sikoia) -> None:
    """A type of check has a name, a description and a type of entity."""
    async with sikoia as client:
        types = await client.checks.types()

    assert {one.entity_type for one in types} == {"case", "company", "person"}
    assert PAYSLIPS in {one.validation_check_name for one in types}
    assert all(one.validation_description for one in types)


async def test_a_check_that_fails_is_a_result(sikoia: Sikoia, workbench: Workbench) -> None:
    """`Failed` means that a rule failed, and raises no error."""
    async with sikoia as client:
        operation = await client.checks.run(
            await workbench.person(client), await payslip_check(client)
        )
        assert operation.last
        pending, is_done = operation.last, operation.done
        check = (await workbench.finish(operation)).result()

    assert (pending.status, pending.rules, is_done) == ("Pending", None, False)
    assert pending.response.status == 201
    assert check.status == "Failed"
    assert check.rules
    assert check.rules[0].decision == "Fail"
    assert check.rules[0].sources == ()


async def test_rules_name_their_sources(sikoia: Sikoia, workbench: Workbench) -> None:
    """A rule lists the sources it examined, with the date of each."""
    async with sikoia as client:
        person = await workbench.person(client)
        document_id = await upload_payslip(client, person, workbench)
        operation = await client.checks.run(person, await payslip_check(client))
        check = (await workbench.finish(operation)).result()

    assert (check.status, check.validation_check_name) == ("Complete", PAYSLIPS)
    assert check.datetime_requested is not None
    assert check.datetime_completed is not None
    assert check.datetime_completed - check.datetime_requested >= timedelta(seconds=WORK_TIME)
    assert check.rules
    assert [rule.decision for rule in check.rules] == ["Pass", "Refer"]
    assert check.rules[0].sources
    source = check.rules[0].sources[0]
    assert (source.source_id, source.source_category_type) == (document_id, "Document")
    assert str(source.source_uri).endswith(document_id)
    assert source.date is not None


async def test_a_check_can_be_limited_to_sources(sikoia: Sikoia, workbench: Workbench) -> None:
    """The sources to examine are sent, and returned with the check."""
    async with sikoia as client:
        person = await workbench.person(client)
        documents = [await upload_payslip(client, person, workbench) for _ in range(3)]
        chosen = ChecklistParameter(source_id=documents[1], source_category_type="Document")
        operation = await client.checks.run(
            person, await payslip_check(client), checklist_params=[chosen]
        )
        check = (await workbench.finish(operation)).result()

    assert check.checklist_params == (chosen,)
    assert check.rules
    assert check.rules[0].sources
    assert [source.source_id for source in check.rules[0].sources] == [documents[1]]


async def test_checks_are_listed_and_retrieved(sikoia: Sikoia, workbench: Workbench) -> None:
    """Lists are newest first."""
    async with sikoia as client:
        person, type_id = await workbench.person(client), await payslip_check(client)
        older = (await workbench.finish(await client.checks.run(person, type_id))).result()
        newer = await client.checks.run(person, type_id)
        checks = await client.checks.list(person)
        again = await client.checks.retrieve(older.validation_instance_id)

    assert newer.last
    assert [(one.validation_instance_id, one.status) for one in checks] == [
        (newer.last.validation_instance_id, "Pending"),
        (older.validation_instance_id, "Failed"),
    ]
    assert again == older


async def test_an_income_verification_starts_if_the_check_passes(
    sikoia: Sikoia, workbench: Workbench
) -> None:
    """If the check fails there is none; if it passes, it is pending and can be retrieved."""
    async with sikoia as client:
        person, type_id = await workbench.person(client), await payslip_check(client)
        without = await client.checks.run_with_income(person, type_id)
        document_id = await upload_payslip(client, person, workbench)
        chosen = ChecklistParameter(source_id=document_id, source_category_type="Document")
        both = await client.checks.run_with_income(person, type_id, checklist_params=[chosen])
        assert both.income_verification
        pending = both.income_verification
        workbench.pass_time()
        report = await client.income.retrieve(pending.request_id)

    assert without.completeness_verification is not None
    assert without.completeness_verification.status == "Failed"
    assert without.income_verification is None
    assert both.response.status == 200
    assert both.completeness_verification is both.completness_verification
    assert both.completeness_verification is not None
    assert both.completeness_verification.status == "Complete"
    assert both.completeness_verification.checklist_params == (chosen,)
    assert (pending.status, pending.data) == ("Pending", None)
    assert (report.request_id, report.status) == (pending.request_id, "Complete")


async def test_all_arguments_are_sent() -> None:
    """Both methods send the same body."""
    check = {"validation_instance_id": "v-1", "status": "Complete"}
    parameter = ChecklistParameter(source_id="d-1", source_category_type="Document")
    with scripted() as server:
        server.respond_with(Reply(200, check | {"completness_verification": check}))
        async with server.client() as client:
            case = Entity("case", "c-1")
            operation = await client.checks.run(case, "t-1", checklist_params=[parameter])
            await client.checks.run_with_income(case, "t-1", checklist_params=[parameter])

    assert operation.done
    assert [request.path for request in server.requests] == [
        "/v2/validation-checks",
        "/v2/completeness-income-checks",
    ]
    for request in server.requests:
        assert request.json == {
            "validation_type_id": "t-1",
            "entity_type": "case",
            "entity_id": "c-1",
            "checklist_params": [{"source_id": "d-1", "source_category_type": "Document"}],
        }


async def test_an_unknown_check_or_entity_is_refused(sikoia: Sikoia, workbench: Workbench) -> None:
    """Sikoia returns 400 for runs, and 404 for lists and results."""
    async with sikoia as client:
        person, type_id = await workbench.person(client), await payslip_check(client)
        for entity, check in ((person, "no-such-check"), (UNKNOWN, type_id)):
            with pytest.raises(InvalidRequestError):
                await client.checks.run(entity, check)
            with pytest.raises(InvalidRequestError):
                await client.checks.run_with_income(entity, check)
        with pytest.raises(ResourceNotFoundError):
            await client.checks.list(UNKNOWN)
        with pytest.raises(ResourceNotFoundError):
            await client.checks.retrieve(UNKNOWN.id)


async def test_invalid_arguments_are_refused(sikoia: Sikoia) -> None:
    """Nothing is sent for an invalid id, or for an id instead of an entity."""
    case_id: object = "c-1"
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="check: not a valid id"):
            await client.checks.retrieve("..")
        with pytest.raises(ArgumentTypeError, match="entity: expected a case"):
            await client.checks.run(case_id, "t-1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - that is the test


async def test_reprs_mask_the_recipient(sikoia: Sikoia, workbench: Workbench) -> None:
    """A rule names the person whose documents it examined; its repr does not."""
    async with sikoia as client:
        person = await workbench.person(client)
        await upload_payslip(client, person, workbench)
        operation = await client.checks.run(person, await payslip_check(client))
        check = (await workbench.finish(operation)).result()

    assert check.rules
    assert check.rules[0].recipient == "Wilma Example"
    assert "Wilma" not in repr(check)
