"""Credit reports, against the local Sikoia."""

import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sikoia_async import (
    ConfigurationError,
    InvalidRequestError,
    NewCompany,
    ResourceNotFoundError,
    Sikoia,
    UnprocessableRequestError,
)
from sikoia_async.resources.credit_reports import CreditMatch, CreditReport
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

_SEVERAL = "Several Example Ltd"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run one local Sikoia for all tests: none of them minds what the others left in it."""
    with Sandbox() as running:
        yield running


async def _company(
    client: Sikoia, name: str = "Acme Example Ltd", jurisdiction_code: str | None = "GB"
) -> str:
    """Create a company in a case of its own, and give its id."""
    company = NewCompany(
        company_name=name, company_number="12345678", jurisdiction_code=jurisdiction_code
    )
    case = await client.cases.create(name="Loan", case_type="Business", companies=[company])
    assert case.companies
    return case.companies[0].company_id


async def _report(client: Sikoia, name: str = "Acme Example Ltd") -> CreditReport:
    made = await client.credit_reports.request(company_id=await _company(client, name))
    return await client.credit_reports.retrieve(made.request_id)


async def test_a_report_is_requested(sikoia: Sikoia) -> None:
    """The company's id is enough; the answer is complete at once."""
    async with sikoia as client:
        company_id = await _company(client)
        made = await client.credit_reports.request(company_id=company_id)

    assert (made.status, made.has_too_many_results) == ("Complete", False)
    assert (made.company_id, made.company_number) == (company_id, "12345678")
    assert made.datetime_requested is not None
    assert made.datetime_requested.tzinfo is not None
    assert made.response.status == 201


async def test_the_details_of_the_request_are_sent(sikoia: Sikoia) -> None:
    """What is given goes before what the company has."""
    async with sikoia as client:
        made = await client.credit_reports.request(
            company_id=await _company(client),
            company_number="87654321",
            company_name="Other Example",
            country_code="FR",
            provider_id="FR-1",
        )

    assert (made.company_number, made.company_name) == ("87654321", "Other Example")
    assert (made.country_code, made.provider_id) == ("FR", "FR-1")


async def test_a_report_is_read(sikoia: Sikoia) -> None:
    """Amounts are exact, dates are dates, and every part is there."""
    async with sikoia as client:
        report = await _report(client)

    assert report.data is not None
    assert report.data.company_information is not None
    assert report.data.company_information.company_name == "Acme Example Ltd"
    rating = report.data.credit_rating
    assert rating is not None
    assert (rating.international_credit_rating, rating.credit_limit) == ("A", Decimal(25_000))
    assert rating.probability_of_default == Decimal("0.4")
    assert rating.rating_date is not None
    assert abs((rating.rating_date - datetime.now(UTC).date()).days) <= 1
    assert rating.credit_limit_history is not None
    assert rating.credit_limit_history[0].value == Decimal("12500.50")
    assert rating.credit_limit_history[0].date is not None
    assert rating.credit_rating_history is not None
    assert rating.credit_rating_history[0].international_credit_rating == "B"


async def test_people_and_companies_stand_apart(sikoia: Sikoia) -> None:
    """Each kind has what is common to all parties, and its own fields."""
    async with sikoia as client:
        data = (await _report(client)).data

    assert data is not None
    assert data.officers is not None
    assert data.officers.people is not None
    assert data.officers.people[0].officer_role == "Director"
    assert data.officers.people[1].date_resigned is not None
    assert data.officers.companies is not None
    assert data.officers.companies[0].name == "Secretarial Example Ltd"
    assert data.owners is not None
    assert data.owners.people is not None
    assert data.owners.people[0].holding_percentage == Decimal(75)
    assert data.capital_structure is not None
    shareholders = data.capital_structure.shareholders
    assert shareholders is not None
    assert shareholders.people is not None
    assert shareholders.people[0].number_of_shares == 75
    assert shareholders.companies is not None
    assert shareholders.companies[0].share_value == Decimal(1)


async def test_accounts_are_read(sikoia: Sikoia) -> None:
    """A statement has its period, its sheets and its ratios."""
    async with sikoia as client:
        data = (await _report(client)).data

    assert data is not None
    assert data.financial_statements is not None
    assert data.financial_statements.global_reports
    statement = data.financial_statements.global_reports[0]
    assert statement.start_date is not None
    assert (statement.start_date.month, statement.consolidated_accounts) == (1, False)
    assert statement.profit_and_loss is not None
    assert statement.balance_sheet is not None
    assert statement.other_financials is not None
    assert statement.ratios is not None
    assert isinstance(statement.profit_and_loss.revenue, Decimal)
    assert statement.ratios.debtor_days == Decimal("43.8")


async def test_judgments_and_bad_debts_are_read(sikoia: Sikoia) -> None:
    """A company in trouble has them, each with its day and its amount."""
    async with sikoia as client:
        data = (await _report(client, "Insolvent Example Ltd")).data

    assert data is not None
    assert data.judgments
    assert data.judgments[0].date is not None
    assert isinstance(data.judgments[0].amount, Decimal)
    assert data.bad_debts
    assert data.bad_debts[0].date is not None
    assert isinstance(data.bad_debts[0].amount, Decimal)


async def test_nothing_of_an_answer_is_unknown(sikoia: Sikoia) -> None:
    """The local Sikoia and the models agree on every field and every value."""
    async with sikoia as client:
        await _report(client)
        await _report(client, "Insolvent Example Ltd")
        await _report(client, _SEVERAL)

    assert not client.drift


async def test_a_repr_shows_no_person(sikoia: Sikoia) -> None:
    """Names, birthdays and addresses are masked; companies and amounts are not."""
    async with sikoia as client:
        report = await _report(client)

    shown = repr(report)
    for personal in ("Directa", "Placeholder Street", "Exampleton,", "Exemplarian"):
        assert personal not in shown
    assert "birth_year=***" in shown
    assert "Secretarial Example Ltd" in shown


async def test_requests_are_listed(sikoia: Sikoia) -> None:
    """The list tells the company once, and of each request how it ended."""
    async with sikoia as client:
        company_id = await _company(client)
        made = await client.credit_reports.request(company_id=company_id)
        await client.credit_reports.request(company_id=company_id, company_name=_SEVERAL)
        listed = await client.credit_reports.list(company_id)

    assert listed.company_id == company_id
    assert listed.credit_report_requests is not None
    ambiguous, complete = listed.credit_report_requests
    assert ambiguous.has_too_many_results
    assert (complete.request_id, complete.status) == (made.request_id, "Complete")


async def test_a_picklist_is_resolved_with_an_item(sikoia: Sikoia) -> None:
    """The answer that has the list takes the choice, and gives a new request."""
    async with sikoia as client:
        company_id = await _company(client)
        answer = await client.credit_reports.request(company_id=company_id, company_name=_SEVERAL)
        assert answer.has_too_many_results
        assert answer.picklist
        match = answer.picklist[1]
        made = await answer.resolve(match)

    assert (made.status, made.company_id) == ("Complete", company_id)
    assert made.company_name == match.company_name
    assert made.request_id != answer.request_id


async def test_a_picklist_read_again_is_resolved_with_an_index(sikoia: Sikoia) -> None:
    """A request that was retrieved can resolve its list, too."""
    async with sikoia as client:
        report = await _report(client, _SEVERAL)
        assert report.data is None
        made = await report.resolve(1)
        again = await client.credit_reports.resolve_picklist(report.request_id, 1)

    assert report.picklist
    assert made.company_number == again.company_number == report.picklist[0].company_number


async def test_there_must_be_something_to_resolve(sikoia: Sikoia) -> None:
    """A complete request has no list: nothing is sent."""
    async with sikoia as client:
        made = await client.credit_reports.request(company_id=await _company(client))
        with pytest.raises(ConfigurationError, match="nothing to resolve"):
            await made.resolve(1)


async def test_an_answer_from_elsewhere_has_no_client(sikoia: Sikoia) -> None:
    """One that was pickled keeps its list, and says how to resolve it."""
    async with sikoia as client:
        company_id = await _company(client, _SEVERAL)
        answer = await client.credit_reports.request(company_id=company_id)
        restored = pickle.loads(pickle.dumps(answer))  # noqa: S301 - our own, made a moment ago
        with pytest.raises(ConfigurationError, match="resolve_picklist"):
            await restored.resolve(1)

    assert restored == answer


@pytest.mark.parametrize("choice", [-1, CreditMatch(company_name="Sample Ltd"), "1", True])
async def test_a_choice_that_is_none_is_refused(sikoia: Sikoia, choice: CreditMatch | int) -> None:
    """Nothing is sent for a number below zero, or for what has no index."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="picklist_index"):
            await client.credit_reports.resolve_picklist("r-1", choice)


async def test_an_item_that_is_not_there_is_refused_by_sikoia(sikoia: Sikoia) -> None:
    """So is a list that is none: the detail says it."""
    async with sikoia as client:
        several = await _report(client, _SEVERAL)
        complete = await _report(client)
        for request_id, index in ((several.request_id, 9), (complete.request_id, 1)):
            with pytest.raises(InvalidRequestError, match="picklist"):
                await client.credit_reports.resolve_picklist(request_id, index)


async def test_a_company_without_a_country_is_refused(sikoia: Sikoia) -> None:
    """Sikoia says what is missing."""
    async with sikoia as client:
        company_id = await _company(client, jurisdiction_code=None)
        with pytest.raises(UnprocessableRequestError, match="country_code"):
            await client.credit_reports.request(company_id=company_id)


async def test_a_company_that_is_not_there_is_an_invalid_request(sikoia: Sikoia) -> None:
    """In a body it is a mistake of the request; in a path it is not found."""
    async with sikoia as client:
        with pytest.raises(InvalidRequestError, match="company_id"):
            await client.credit_reports.request(company_id="c-1")
        with pytest.raises(ResourceNotFoundError):
            await client.credit_reports.list("c-1")
        with pytest.raises(ResourceNotFoundError):
            await client.credit_reports.retrieve("r-1")


@pytest.mark.parametrize("method", ["list", "retrieve"])
async def test_an_id_that_leads_elsewhere_is_refused(sikoia: Sikoia, method: str) -> None:
    """Nothing is sent for an id that is none."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="not a valid id"):
            await getattr(client.credit_reports, method)("../users")
