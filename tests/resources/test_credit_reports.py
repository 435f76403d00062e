"""Credit reports, against the local Sikoia."""

import pickle
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

pytestmark = pytest.mark.anyio

_SEVERAL = "Several Example Ltd"


async def create_company(
    client: Sikoia, name: str = "Acme Example Ltd", jurisdiction_code: str | None = "GB"
) -> str:
    """Create a company in its own case, and return its id."""
    company = NewCompany(
        company_name=name, company_number="12345678", jurisdiction_code=jurisdiction_code
    )
    case = await client.cases.create(name="Loan", case_type="Business", companies=[company])
    assert case.companies
    return case.companies[0].company_id


async def report_on(client: Sikoia, name: str = "Acme Example Ltd") -> CreditReport:
    """Request a credit report on a new company, and return it."""
    made = (await client.credit_reports.request(await create_company(client, name))).first
    return await client.credit_reports.retrieve(made.request_id)


async def test_a_report_is_requested(sikoia: Sikoia) -> None:
    """The company's id is enough, and the request is complete at once."""
    async with sikoia as client:
        company_id = await create_company(client)
        made = (await client.credit_reports.request(company_id)).first

    assert (made.status, made.has_too_many_results) == ("Complete", False)
    assert (made.company_id, made.company_number) == (company_id, "12345678")
    assert made.datetime_requested is not None
    assert made.datetime_requested.tzinfo is not None
    assert made.response.status == 201


async def test_the_details_of_the_request_are_sent(sikoia: Sikoia) -> None:
    """Arguments take precedence over the company's own details."""
    async with sikoia as client:
        made = (
            await client.credit_reports.request(
                await create_company(client),
                company_number="87654321",
                company_name="Other Example",
                country_code="FR",
                provider_id="FR-1",
            )
        ).first

    assert (made.company_number, made.company_name) == ("87654321", "Other Example")
    assert (made.country_code, made.provider_id) == ("FR", "FR-1")


async def test_a_report_is_retrieved(sikoia: Sikoia) -> None:
    """Amounts are decimals, dates are dates, and every part is present."""
    async with sikoia as client:
        report = await report_on(client)

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


async def test_people_and_companies_are_listed_separately(sikoia: Sikoia) -> None:
    """Each has the fields common to all parties and its own."""
    async with sikoia as client:
        data = (await report_on(client)).data

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
    """A financial statement has its period, its sheets and its ratios."""
    async with sikoia as client:
        data = (await report_on(client)).data

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
    """An insolvent company has them, each with a date and an amount."""
    async with sikoia as client:
        data = (await report_on(client, "Insolvent Example Ltd")).data

    assert data is not None
    assert data.judgments
    assert data.judgments[0].date is not None
    assert isinstance(data.judgments[0].amount, Decimal)
    assert data.bad_debts
    assert data.bad_debts[0].date is not None
    assert isinstance(data.bad_debts[0].amount, Decimal)


async def test_responses_cause_no_drift(sikoia: Sikoia) -> None:
    """The local Sikoia and the models agree on every field and value."""
    async with sikoia as client:
        await report_on(client)
        await report_on(client, "Insolvent Example Ltd")
        await report_on(client, _SEVERAL)

    assert not client.drift


async def test_reprs_mask_persons(sikoia: Sikoia) -> None:
    """Names, dates of birth and addresses are masked; companies and amounts are not."""
    async with sikoia as client:
        report = await report_on(client)

    shown = repr(report)
    for personal in ("Directa", "Placeholder Street", "Exampleton,", "Exemplarian"):
        assert personal not in shown
    assert "birth_year=***" in shown
    assert "Secretarial Example Ltd" in shown


async def test_requests_are_listed(sikoia: Sikoia) -> None:
    """The list names the company and has each request with its status."""
    async with sikoia as client:
        company_id = await create_company(client)
        made = (await client.credit_reports.request(company_id)).first
        await client.credit_reports.request(company_id, company_name=_SEVERAL)
        listed = await client.credit_reports.list(company_id)

    ambiguous, complete = listed
    assert listed.response.status == 200
    assert ambiguous.has_too_many_results
    assert (complete.request_id, complete.status) == (made.request_id, "Complete")


async def test_a_picklist_is_resolved_with_an_item(sikoia: Sikoia) -> None:
    """`resolve` takes the item, and returns a new request."""
    async with sikoia as client:
        company_id = await create_company(client)
        request = (await client.credit_reports.request(company_id, company_name=_SEVERAL)).first
        assert request.has_too_many_results
        assert request.picklist
        match = request.picklist[1]
        made = (await request.resolve(match)).first

    assert (made.status, made.company_id) == ("Complete", company_id)
    assert made.company_name == match.company_name
    assert made.request_id != request.request_id


async def test_a_retrieved_picklist_is_resolved_with_an_index(sikoia: Sikoia) -> None:
    """A retrieved request has `resolve` as well."""
    async with sikoia as client:
        report = await report_on(client, _SEVERAL)
        assert report.data is None
        made = (await report.resolve(1)).first
        again = (await client.credit_reports.resolve_picklist(report.request_id, 1)).first

    assert report.picklist
    assert made.company_number == again.company_number == report.picklist[0].company_number


async def test_a_complete_request_cannot_be_resolved(sikoia: Sikoia) -> None:
    """It has no picklist, so nothing is sent."""
    async with sikoia as client:
        made = (await client.credit_reports.request(await create_company(client))).first
        with pytest.raises(ConfigurationError, match="nothing to resolve"):
            await made.resolve(1)


async def test_an_unpickled_request_says_what_to_call_instead(sikoia: Sikoia) -> None:
    """It keeps its picklist, but has no client to resolve it with."""
    async with sikoia as client:
        company_id = await create_company(client, _SEVERAL)
        request = (await client.credit_reports.request(company_id)).first
        restored = pickle.loads(pickle.dumps(request))  # noqa: S301 - pickled on this line
        with pytest.raises(ConfigurationError, match="resolve_picklist"):
            await restored.resolve(1)

    assert restored == request


@pytest.mark.parametrize("choice", [-1, CreditMatch(company_name="Sample Ltd"), "1", True])
async def test_an_invalid_choice_is_refused(sikoia: Sikoia, choice: CreditMatch | int) -> None:
    """Nothing is sent for a negative number, or for a value without an index."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="picklist_index"):
            await client.credit_reports.resolve_picklist("r-1", choice)


async def test_sikoia_rejects_an_unknown_item(sikoia: Sikoia) -> None:
    """And a request without a picklist; the detail gives the reason."""
    async with sikoia as client:
        several = await report_on(client, _SEVERAL)
        complete = await report_on(client)
        for request_id, index in ((several.request_id, 9), (complete.request_id, 1)):
            with pytest.raises(InvalidRequestError, match="picklist"):
                await client.credit_reports.resolve_picklist(request_id, index)


async def test_a_company_without_a_country_is_refused(sikoia: Sikoia) -> None:
    """Sikoia returns 422 and says what is missing."""
    async with sikoia as client:
        company_id = await create_company(client, jurisdiction_code=None)
        with pytest.raises(UnprocessableRequestError, match="country_code"):
            await client.credit_reports.request(company_id)


async def test_unknown_companies_and_requests_are_errors(sikoia: Sikoia) -> None:
    """Sikoia returns 400 for an id in a body, and 404 for one in a path."""
    async with sikoia as client:
        with pytest.raises(InvalidRequestError, match="company_id"):
            await client.credit_reports.request("c-1")
        with pytest.raises(ResourceNotFoundError):
            await client.credit_reports.list("c-1")
        with pytest.raises(ResourceNotFoundError):
            await client.credit_reports.retrieve("r-1")


@pytest.mark.parametrize("method", ["list", "retrieve"])
async def test_an_id_that_changes_the_path_is_refused(sikoia: Sikoia, method: str) -> None:
    """Nothing is sent for an id that is not valid."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="not a valid id"):
            await getattr(client.credit_reports, method)("../users")
