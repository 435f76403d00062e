"""Validation checks, against the local Sikoia."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from scripted import Reply, scripted

from sikoia_async import (
    ArgumentTypeError,
    ConfigurationError,
    InvalidRequestError,
    NewPerson,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async.models import Entity
from sikoia_async.operations.operation import Operation
from sikoia_async.resources.cases import Person
from sikoia_async.resources.checks import Check, ChecklistParameter
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

NOBODY = Entity("person", "00000000-0000-4000-8000-000000000000")
PAYSLIPS = "Last 3 months of payslips"


@pytest.fixture(scope="module")
def clock() -> SimpleNamespace:
    """Give the local Sikoia a clock that tests turn by hand."""
    return SimpleNamespace(now=0.0)


@pytest.fixture(scope="module")
def sandbox(clock: SimpleNamespace) -> Iterator[Sandbox]:
    """Run a local Sikoia for all tests of this module."""
    with Sandbox(clock=lambda: clock.now, limit=100_000) as running:
        yield running


async def _person(client: Sikoia) -> Person:
    person = NewPerson(first_name="Wilma", last_name="Example")
    case = await client.cases.create(name="Loan", case_type="Consumer", persons=[person])
    assert case.persons
    return case.persons[0]


async def _payslip(client: Sikoia, person: Person, clock: SimpleNamespace) -> str:
    """Upload a payslip, and let it be read."""
    document = await client.request(
        "POST",
        "/v2/documents",
        body={
            "entity_type": "person",
            "entity_id": person.person_id,
            "document_type": "Payslip",
            "display_name": "Payslip",
            "file_name": "payslip.pdf",
            "file": b64encode(b"%PDF-1.4\n%%EOF\n").decode(),
        },
    )
    clock.now += 1
    return str(document["document_id"])


async def _type_id(client: Sikoia) -> str:
    types = await client.checks.types()
    return next(
        one.validation_type_id
        for one in types
        if (one.validation_check_name, one.entity_type) == (PAYSLIPS, "person")
    )


async def _finished(operation: Operation[Check], clock: SimpleNamespace) -> Check:
    clock.now += 1
    await operation.refresh()
    return operation.result()


async def test_there_are_checks_for_each_type_of_entity(sikoia: Sikoia) -> None:
    """A check says what it asks for, and of whom."""
    async with sikoia as client:
        types = await client.checks.types()

    assert {one.entity_type for one in types} == {"case", "company", "person"}
    assert PAYSLIPS in {one.validation_check_name for one in types}
    assert all(one.validation_description for one in types)


async def test_a_check_that_fails_is_a_result(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """`Failed` says that a rule was broken, and raises nothing."""
    async with sikoia as client:
        operation = await client.checks.run(await _person(client), await _type_id(client))
        assert operation.last
        pending, is_done = operation.last, operation.done
        check = await _finished(operation, clock)

    assert (pending.status, pending.rules, is_done) == ("Pending", None, False)
    assert pending.response.status == 201
    assert check.status == "Failed"
    assert check.rules
    assert check.rules[0].decision == "Fail"
    assert check.rules[0].sources == ()


async def test_a_check_tells_what_its_rules_looked_at(
    sikoia: Sikoia, clock: SimpleNamespace
) -> None:
    """A rule names its sources, with the day that each one bears."""
    async with sikoia as client:
        person = await _person(client)
        document_id = await _payslip(client, person, clock)
        operation = await client.checks.run(person, await _type_id(client))
        check = await _finished(operation, clock)

    assert (check.status, check.validation_check_name) == ("Complete", PAYSLIPS)
    assert check.datetime_requested is not None
    assert check.datetime_completed is not None
    assert check.datetime_completed - check.datetime_requested >= timedelta(seconds=1)
    assert check.rules
    assert [rule.decision for rule in check.rules] == ["Pass", "Refer"]
    assert check.rules[0].sources
    source = check.rules[0].sources[0]
    assert (source.source_id, source.source_category_type) == (document_id, "Document")
    assert str(source.source_uri).endswith(document_id)
    assert source.date is not None


async def test_a_check_may_look_at_chosen_sources(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """Sources are named by models, and come back with the check."""
    async with sikoia as client:
        person = await _person(client)
        documents = [await _payslip(client, person, clock) for _ in range(3)]
        chosen = ChecklistParameter(source_id=documents[1], source_category_type="Document")
        operation = await client.checks.run(
            person, await _type_id(client), checklist_params=[chosen]
        )
        check = await _finished(operation, clock)

    assert check.checklist_params == (chosen,)
    assert check.rules
    assert check.rules[0].sources
    assert [source.source_id for source in check.rules[0].sources] == [documents[1]]


async def test_checks_are_listed_and_retrieved(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """The newest comes first."""
    async with sikoia as client:
        person, type_id = await _person(client), await _type_id(client)
        older = await _finished(await client.checks.run(person, type_id), clock)
        newer = await client.checks.run(person, type_id)
        found = await client.checks.list(person)
        again = await client.checks.retrieve(older.validation_instance_id)

    assert newer.last
    assert (found.entity_id, found.entity_type) == (person.person_id, "person")
    assert found.validation_check_requests
    assert [
        (one.validation_instance_id, one.status) for one in found.validation_check_requests
    ] == [
        (newer.last.validation_instance_id, "Pending"),
        (older.validation_instance_id, "Failed"),
    ]
    assert again == older


async def test_income_follows_on_completeness(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """Where the check passes, an income report has been begun, to be asked for again."""
    async with sikoia as client:
        person, type_id = await _person(client), await _type_id(client)
        without = await client.checks.completeness_and_income(person, type_id)
        document_id = await _payslip(client, person, clock)
        chosen = ChecklistParameter(source_id=document_id, source_category_type="Document")
        both = await client.checks.completeness_and_income(
            person, type_id, checklist_params=[chosen]
        )
        assert both.income_verification
        pending = both.income_verification
        clock.now += 1
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


async def test_what_is_given_is_sent() -> None:
    """Both requests have the same body."""
    check = {"validation_instance_id": "v-1", "status": "Complete"}
    parameter = ChecklistParameter(source_id="d-1", source_category_type="Document")
    with scripted() as server:
        server.says(Reply(200, check | {"completness_verification": check}))
        async with server.client() as client:
            case = Entity("case", "c-1")
            operation = await client.checks.run(case, "t-1", checklist_params=[parameter])
            await client.checks.completeness_and_income(case, "t-1", checklist_params=[parameter])

    assert operation.done
    assert [asked.path for asked in server.asked] == [
        "/v2/validation-checks",
        "/v2/completeness-income-checks",
    ]
    for asked in server.asked:
        assert asked.json == {
            "validation_type_id": "t-1",
            "entity_type": "case",
            "entity_id": "c-1",
            "checklist_params": [{"source_id": "d-1", "source_category_type": "Document"}],
        }


async def test_a_check_that_does_not_fit_is_refused(sikoia: Sikoia) -> None:
    """An unknown check, and an entity that is not there, are wrong requests."""
    async with sikoia as client:
        person, type_id = await _person(client), await _type_id(client)
        for entity, check in ((person, "no-such-check"), (NOBODY, type_id)):
            with pytest.raises(InvalidRequestError):
                await client.checks.run(entity, check)
            with pytest.raises(InvalidRequestError):
                await client.checks.completeness_and_income(entity, check)
        with pytest.raises(ResourceNotFoundError):
            await client.checks.list(NOBODY)
        with pytest.raises(ResourceNotFoundError):
            await client.checks.retrieve(NOBODY.id)


async def test_what_cannot_be_sent_is_refused(sikoia: Sikoia) -> None:
    """Neither an id that is none nor an entity that is none goes out."""
    nothing: object = "c-1"
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="validation_instance_id: not a valid id"):
            await client.checks.retrieve("..")
        with pytest.raises(ArgumentTypeError, match="entity: expected a case"):
            await client.checks.run(nothing, "t-1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - it is refused for that


async def test_a_repr_shows_nobody(sikoia: Sikoia, clock: SimpleNamespace) -> None:
    """A rule names the person whose documents it is about; the repr does not."""
    async with sikoia as client:
        person = await _person(client)
        await _payslip(client, person, clock)
        operation = await client.checks.run(person, await _type_id(client))
        check = await _finished(operation, clock)

    assert check.rules
    assert check.rules[0].recipient == "Wilma Example"
    assert "Wilma" not in repr(check)
