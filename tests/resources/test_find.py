"""Finding a report in one call: request, picklist and report. And what was bought before."""

import pickle
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from scripted import Reply, scripted

from sikoia_async import (
    ArgumentTypeError,
    InvalidRequestError,
    NewCompany,
    NewPerson,
    OperationFailedError,
    RequestedOperation,
    Sikoia,
    TooManyResultsError,
)
from sikoia_async.resources._latest import newest
from sikoia_async.resources.cases import Case
from sikoia_async.resources.company_registry import RegistryRequestSummary

pytestmark = pytest.mark.anyio

_SEVERAL = "Several Example Ltd"
_RESOURCES = ["company_registry", "credit_reports"]
resources = pytest.mark.parametrize("name", _RESOURCES)
Pick = Callable[[Any], Any]


async def _case(sikoia: Sikoia, **company: Any) -> Case:
    new = NewCompany(company_name="Acme Ltd", **company)
    person = NewPerson(first_name="Wilma", last_name="Example")
    return await sikoia.cases.create(
        name="Acme", case_type="Business", companies=[new], persons=[person]
    )


async def _company(sikoia: Sikoia, **company: Any) -> Any:
    case = await _case(sikoia, **company)
    assert case.companies
    return case.companies[0]


@resources
async def test_a_report_is_found_in_one_call(sikoia: Sikoia, name: str) -> None:
    """One POST and one GET. The company may be a model or its id."""
    async with sikoia:
        company = await _company(sikoia, company_number="12345678", jurisdiction_code="GB")
        resource = getattr(sikoia, name)
        report = await resource.find(company)
        again = await resource.find(company.company_id)

    assert (report.status, report.company_id) == ("Complete", company.company_id)
    assert report.data is not None
    assert again.request_id != report.request_id


def _item(picklist: Any) -> Any:
    return picklist[-1]


def _index(picklist: Any) -> Any:
    return picklist[-1].index


async def _later(picklist: Any) -> Any:
    return picklist[-1]


def _nothing(_: Any) -> None:
    pass


@resources
@pytest.mark.parametrize(
    "pick",
    [_item, _index, _later],
    ids=["item", "index", "async"],
)
async def test_a_match_is_picked(sikoia: Sikoia, name: str, pick: Pick) -> None:
    """As an item or its index, by a function that may be async. The company needs no number."""
    async with sikoia:
        company = await _company(sikoia)
        report = await getattr(sikoia, name).find(
            company, company_name=_SEVERAL, country_code="GB", pick=pick
        )

    assert report.data is not None
    assert report.company_name != "Acme Ltd"


@resources
@pytest.mark.parametrize("pick", [None, _nothing], ids=["no pick", "none picked"])
async def test_several_matches_without_a_choice_are_an_error(
    sikoia: Sikoia, name: str, pick: Any
) -> None:
    """It has what it takes to continue, and travels to another process."""
    async with sikoia:
        company = await _company(sikoia)
        resource = getattr(sikoia, name)
        with pytest.raises(TooManyResultsError, match="3 companies match: give pick=") as caught:
            await resource.find(company, company_name=_SEVERAL, country_code="GB", pick=pick)
        error = caught.value
        assert isinstance(error.operation, RequestedOperation)
        assert error.operation.first.picklist == error.picklist
        operation = await resource.resolve_picklist(error.request_id, error.picklist[0])
        report = await operation
        bought = len(await resource.list(company))

    assert report.data is not None
    assert bought == 2
    assert error.correlation_ids
    travelled = pickle.loads(pickle.dumps(error))  # noqa: S301 - pickled on this line
    assert (travelled.picklist, travelled.operation) == (error.picklist, None)


@resources
@pytest.mark.parametrize("pick", [5, "first", object()], ids=["number", "string", "object"])
async def test_a_pick_that_is_not_a_function_is_refused(
    sikoia: Sikoia, name: str, pick: Any
) -> None:
    """Before anything is bought."""
    async with sikoia:
        company = await _company(sikoia)
        with pytest.raises(ArgumentTypeError, match="pick: expected a function"):
            await getattr(sikoia, name).find(company, pick=pick)
        assert len(await getattr(sikoia, name).list(company)) == 0


@resources
@pytest.mark.parametrize("choice", [99, "first", 1.0, True])
async def test_a_choice_that_is_not_in_the_picklist_is_refused(
    sikoia: Sikoia, name: str, choice: Any
) -> None:
    """Nothing is bought for it, and the request is in the list."""
    async with sikoia:
        company = await _company(sikoia)
        resource = getattr(sikoia, name)

        def pick(picklist: Any) -> Any:
            return choice if picklist else None

        with pytest.raises(ArgumentTypeError, match="expected an item of the picklist"):
            await resource.find(company, company_name=_SEVERAL, country_code="GB", pick=pick)
        assert [one.status for one in await resource.list(company)] == ["TooManyResults"]


async def test_a_choice_with_several_matches_again_is_not_repeated() -> None:
    """A function that always picks the first would buy for ever."""
    several = {
        "request_id": "r-1",
        "status": "TooManyResults",
        "picklist": [{"index": 1, "company_name": "Acme"}],
    }
    with scripted() as server:
        server.respond_with(Reply(201, several))
        async with server.client() as sikoia:
            with pytest.raises(TooManyResultsError):
                await sikoia.company_registry.find("c-1", pick=lambda matches: matches[0])

    assert [one.path for one in server.requests] == [
        "/v2/company-registry-data",
        "/v2/company-registry-data/picklist",
    ]


async def test_a_failed_request_is_an_error_without_a_second_call() -> None:
    """The response to the request says all there is."""
    with scripted() as server:
        server.respond_with(Reply(201, {"request_id": "r-1", "status": "Failed", "message": "no"}))
        async with server.client() as sikoia:
            with pytest.raises(OperationFailedError) as caught:
                await sikoia.company_registry.find("c-1")

    assert caught.value.result.message == "no"
    assert len(server.requests) == 1


async def test_what_was_bought_before_is_returned(sikoia: Sikoia) -> None:
    """The newest complete report, or None. Nothing is bought."""
    async with sikoia:
        case = await _case(sikoia, company_number="12345678", jurisdiction_code="GB")
        assert case.companies
        assert case.persons
        for name in (*_RESOURCES, "online_data"):
            resource: Any = getattr(sikoia, name)
            assert await resource.latest(case.companies[0]) is None
            await (await resource.request(case.companies[0]))
            bought = await (await resource.request(case.companies[0]))
            spent = dict(sikoia.spend)

            report = await resource.latest(case.companies[0])

            assert report == bought
            assert report.data is not None
            assert sikoia.spend == spent
        assert await sikoia.identity.latest(case.persons[0]) is None
        assert await sikoia.income.latest(case.persons[0]) is None
        assert await sikoia.affordability.latest(case.persons[0]) is None


async def test_an_unknown_company_is_refused(sikoia: Sikoia) -> None:
    """Sikoia answers 400 to the request."""
    async with sikoia:
        with pytest.raises(InvalidRequestError):
            await sikoia.company_registry.find("co-unknown")


def _request(request_id: str, status: str, when: str | None) -> RegistryRequestSummary:
    moment = None if when is None else datetime.fromisoformat(when)
    return RegistryRequestSummary(request_id=request_id, status=status, datetime_requested=moment)


def test_the_newest_is_the_one_with_the_latest_time() -> None:
    """Whatever the order, and however the status is spelt. Those without a time come last."""
    requests = [
        _request("a", "Complete", None),
        _request("b", "COMPLETE", "2026-01-02T00:00:00+00:00"),
        _request("c", "Complete", "2026-01-01T00:00:00+00:00"),
        _request("d", "Failed", "2026-01-03T00:00:00+00:00"),
        _request("e", "Complete", "2026-01-02T00:00:00+00:00"),
    ]

    found = newest(requests)

    assert found is not None
    assert found.request_id == "b"
    assert newest(requests[:1]) == requests[0]
    assert newest(requests[3:4]) is None
