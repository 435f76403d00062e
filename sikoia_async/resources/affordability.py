"""Affordability insights: cash flow, indicators and transactions, from statements and bank data.

What comes in is positive, what goes out is negative.
Sources: https://docs.sikoia.com/docs/retrieving-affordability-insights, and the operations named in
each method.
"""

import datetime as dt
from decimal import Decimal
from typing import Literal

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._validation import validate_id
from sikoia_async.models import PERSONAL, EntityType, HasEntity, Model, Open, SourceCategory
from sikoia_async.operations.operation import Operation
from sikoia_async.operations.registry import OperationKind
from sikoia_async.resources._entities import in_body, in_path

__all__ = [
    "Affordability",
    "AffordabilityData",
    "AffordabilityReport",
    "AffordabilityRequest",
    "AffordabilityRequestSummary",
    "AffordabilityRequests",
    "AffordabilityStatus",
    "CashflowCategory",
    "CashflowGroup",
    "CashflowSubcategory",
    "CategorisedTransaction",
    "CategorisedTransactions",
    "DataSource",
    "Group",
    "Indicator",
    "IndicatorName",
    "MonthlyTotal",
    "MonthlyTransactions",
    "SourceType",
    "TransactionSummary",
]

AffordabilityStatus = Literal["Pending", "Complete", "Failed"]
Group = Literal["Income", "Essential expenditure", "Non-essential expenditure", "Other"]
IndicatorName = Literal[
    "Benefits",
    "Children",
    "Gambling",
    "High value transactions",
    "Insurance",
    "Loans (excluding credit cards)",
]
SourceType = Literal["BankStatement", "BankAccount"]


@attrs.frozen(kw_only=True)
class AffordabilityRequestSummary(Model):
    """A request as lists show it."""

    request_id: str
    status: Open[AffordabilityStatus] | None = None
    datetime_requested: dt.datetime | None = None
    datetime_completed: dt.datetime | None = None
    """Absent while it is pending."""
    message: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class AffordabilityRequest(AffordabilityRequestSummary):
    """A request and whom it is about."""

    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None


@attrs.frozen(kw_only=True)
class AffordabilityRequests(Model):
    """All requests about an entity."""

    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    affordability_insights_requests: tuple[AffordabilityRequestSummary, ...] | None = None


@attrs.frozen(kw_only=True)
class DataSource(Model):
    """A statement or an account that the insights were made from."""

    source_id: str | None = None
    """A document's id, or an account's `account_connection_id`."""
    source_name: str | None = attrs.field(default=None, **PERSONAL)
    """The name of the file; absent where there is none, as with accounts."""
    source_category_type: Open[SourceCategory] | None = None
    source_type: Open[SourceType] | None = None


@attrs.frozen(kw_only=True)
class CashflowSubcategory(Model):
    """What came in or went out under a subcategory."""

    name: str | None = None
    value: Decimal | None = None
    """Negative for outflows."""


@attrs.frozen(kw_only=True)
class CashflowCategory(Model):
    """What came in or went out under a category, such as `Utilities`."""

    name: str | None = None
    value: Decimal | None = None
    """Negative for outflows."""
    subcategories: tuple[CashflowSubcategory, ...] | None = None


@attrs.frozen(kw_only=True)
class CashflowGroup(Model):
    """What came in or went out in a group of categories."""

    group: Open[Group] | None = None
    value: Decimal | None = None
    """Negative for outflows."""
    categories: tuple[CashflowCategory, ...] | None = None


@attrs.frozen(kw_only=True)
class CategorisedTransaction(Model):
    """A transaction, and what it was for."""

    transaction_id: str | None = None
    account_connection_id: str | None = None
    date: dt.date | None = None
    group: Open[Group] | None = None
    category: str | None = None
    subcategory: str | None = None
    short_description: str | None = attrs.field(default=None, **PERSONAL)
    """Whom it was with, as a rule."""
    long_description: str | None = attrs.field(default=None, **PERSONAL)
    """The text of the statement."""
    amount: Decimal | None = None
    """Negative for outflows."""


@attrs.frozen(kw_only=True)
class Indicator(Model):
    """Whether something is to be seen in the transactions, such as gambling."""

    name: Open[IndicatorName] | None = None
    present: bool | None = None
    transactions: tuple[CategorisedTransaction, ...] | None = None
    """Those in which it was seen."""


@attrs.frozen(kw_only=True)
class AffordabilityData(Model):
    """What was found."""

    cashflow: tuple[CashflowGroup, ...] | None = None
    indicators: tuple[Indicator, ...] | None = None
    data_sources: tuple[DataSource, ...] | None = None


@attrs.frozen(kw_only=True)
class AffordabilityReport(AffordabilityRequest):
    """Affordability insights; `data` is absent until they are complete."""

    data: AffordabilityData | None = None


@attrs.frozen(kw_only=True)
class MonthlyTotal(Model):
    """What the transactions of a month come to."""

    year: int | None = None
    month: int | None = None
    """1 to 12."""
    total_value: Decimal | None = None
    """Negative for outflows."""


@attrs.frozen(kw_only=True)
class TransactionSummary(Model):
    """Transactions of one kind with one party, by month; outflows are negative."""

    group: Open[Group] | None = None
    category: str | None = None
    subcategory: str | None = None
    short_description: str | None = attrs.field(default=None, **PERSONAL)
    number_of_transactions: int | None = None
    total_value: Decimal | None = None
    average_value: Decimal | None = None
    minimum_value: Decimal | None = None
    """The lowest number: of outflows, the largest one."""
    maximum_value: Decimal | None = None
    """The highest number: of outflows, the smallest one."""
    monthly_data: tuple[MonthlyTotal, ...] | None = None


@attrs.frozen(kw_only=True)
class MonthlyTransactions(AffordabilityRequest):
    """The transactions behind insights, summed up by month."""

    data: tuple[TransactionSummary, ...] | None = None
    data_sources: tuple[DataSource, ...] | None = None


@attrs.frozen(kw_only=True)
class CategorisedTransactions(AffordabilityRequest):
    """The transactions behind insights, one by one."""

    data: tuple[CategorisedTransaction, ...] | None = None
    data_sources: tuple[DataSource, ...] | None = None


@attrs.frozen
class Affordability:
    """`sikoia.affordability`."""

    _api: Api

    async def request(self, entity: HasEntity) -> Operation[AffordabilityReport]:
        """Ask for insights (`POST /v2/affordability-insights`); await the operation for the report.

        The entity needs a bank statement or a bank account whose data source is `Complete`. May
        cost credits: it is never sent twice on our own initiative. The operation waits for 600 s if
        not told otherwise, and raises OperationFailedError if Sikoia cannot make the insights.

        Raises:
            InvalidRequestError: there is no such entity, or not any more.
            InsufficientPermissionsError: it is not enabled for you.
        """
        first = await self._api.buy(
            "/v2/affordability-insights", AffordabilityReport, body={**in_body(entity)}
        )
        return self._operation(first.request_id, first)

    def operation(self, request_id: str) -> Operation[AffordabilityReport]:
        """Return the operation of a request that was made before, to wait for the insights.

        Raises:
            ConfigurationError: this is no id.
        """
        return self._operation(validate_id("request_id", request_id))

    async def list(self, entity: HasEntity) -> AffordabilityRequests:
        """Return all requests (`GET /v2/{entity_type}/{entity_id}/affordability-insights`).

        Raises:
            ResourceNotFoundError: there is no such entity.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/affordability-insights",
            AffordabilityRequests,
            **in_path(entity),
        )

    async def retrieve(self, request_id: str) -> AffordabilityReport:
        """Return insights as far as they are (`GET /v2/affordability-insights/{request_id}`).

        Raises:
            ResourceNotFoundError: there is no such request.
        """
        return await self._api.get(
            "/v2/affordability-insights/{request_id}", AffordabilityReport, request_id=request_id
        )

    async def monthly_transactions(self, request_id: str) -> MonthlyTransactions:
        """Return monthly sums (`GET /v2/affordability-insights/{request_id}/transactions`).

        Raises:
            ResourceNotFoundError: there is no such request.
        """
        return await self._api.get(
            "/v2/affordability-insights/{request_id}/transactions",
            MonthlyTransactions,
            request_id=request_id,
        )

    async def transactions(self, request_id: str) -> CategorisedTransactions:
        """Return each one (`GET /v2/affordability-insights/{request_id}/transaction-details`).

        Raises:
            ResourceNotFoundError: there is no such request.
        """
        return await self._api.get(
            "/v2/affordability-insights/{request_id}/transaction-details",
            CategorisedTransactions,
            request_id=request_id,
        )

    def _operation(
        self, request_id: str, first: AffordabilityReport | None = None
    ) -> Operation[AffordabilityReport]:
        return self._api.operation(
            _OPERATION, (request_id,), lambda api: Affordability(api).retrieve(request_id), first
        )


_OPERATION = OperationKind(
    name="affordability", timeout=600.0, events=frozenset({"AffordabilityInsights.Completed"})
)
