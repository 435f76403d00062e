"""Affordability insights: cash flow, indicators and transactions from statements and bank accounts.

Amounts are signed: inflows are positive, outflows negative.

Sources: https://docs.sikoia.com/docs/retrieving-affordability-insights, and the operation named in
each method.
"""

import datetime as dt
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

import attrs

from sikoia_async._calls.api import Api
from sikoia_async.models import PERSONAL, EntityType, HasEntity, Items, Model, Open, SourceCategory
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation, RequestedOperation
from sikoia_async.resources._entities import in_body, in_path
from sikoia_async.resources._insights import InsightRequest, InsightRequestSummary, InsightStatus
from sikoia_async.resources._latest import newest
from sikoia_async.resources._resource import Resource
from sikoia_async.resources._subjects import Subject

__all__ = [
    "Affordability",
    "AffordabilityData",
    "AffordabilityReport",
    "AffordabilitySource",
    "CashflowCategory",
    "CashflowGroup",
    "CashflowSubcategory",
    "CategorisedTransaction",
    "CategorisedTransactions",
    "Group",
    "Indicator",
    "IndicatorName",
    "InsightRequest",
    "InsightRequestSummary",
    "InsightStatus",
    "MonthlyTotal",
    "MonthlyTransactions",
    "SourceType",
    "TransactionSummary",
]

Group = Literal["Income", "Essential expenditure", "Non-essential expenditure", "Other"]
"""A group of categories: `Income`, `Essential expenditure`, `Non-essential expenditure` or
`Other`."""
IndicatorName = Literal[
    "Benefits",
    "Children",
    "Gambling",
    "High value transactions",
    "Insurance",
    "Loans (excluding credit cards)",
]
"""What transactions may indicate: `Benefits`, `Children`, `Gambling`, `High value transactions`,
`Insurance` or `Loans (excluding credit cards)`."""
SourceType = Literal["BankStatement", "BankAccount"]
"""The type of a data source: `BankStatement` or `BankAccount`."""


@attrs.frozen(kw_only=True)
class AffordabilityRequests(Model):
    """The response of `list`."""

    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    affordability_insights_requests: tuple[InsightRequestSummary, ...] | None = None


@attrs.frozen(kw_only=True)
class AffordabilitySource(Model):
    """A bank statement or account that the insights are based on."""

    source_id: str | None = None
    """The `document_id` of a statement, or the `account_connection_id` of an account."""
    source_name: str | None = attrs.field(default=None, **PERSONAL)
    """The file name of a statement; None for an account."""
    source_category_type: Open[SourceCategory] | None = None
    source_type: Open[SourceType] | None = None


@attrs.frozen(kw_only=True)
class CashflowSubcategory(Model):
    """Cash flow in one subcategory."""

    name: str | None = None
    value: Decimal | None = None
    """Negative for outflows."""


@attrs.frozen(kw_only=True)
class CashflowCategory(Model):
    """Cash flow in one category, such as `Utilities`."""

    name: str | None = None
    value: Decimal | None = None
    """Negative for outflows."""
    subcategories: tuple[CashflowSubcategory, ...] | None = None


@attrs.frozen(kw_only=True)
class CashflowGroup(Model):
    """Cash flow in one group of categories."""

    group: Open[Group] | None = None
    value: Decimal | None = None
    """Negative for outflows."""
    categories: tuple[CashflowCategory, ...] | None = None


@attrs.frozen(kw_only=True)
class CategorisedTransaction(Model):
    """A transaction with its group, category and subcategory."""

    transaction_id: str | None = None
    account_connection_id: str | None = None
    date: dt.date | None = None
    group: Open[Group] | None = None
    category: str | None = None
    subcategory: str | None = None
    short_description: str | None = attrs.field(default=None, **PERSONAL)
    """Usually the name of the counterparty."""
    long_description: str | None = attrs.field(default=None, **PERSONAL)
    """The description on the statement."""
    amount: Decimal | None = None
    """Negative for outflows."""


@attrs.frozen(kw_only=True)
class Indicator(Model):
    """Whether the transactions show a pattern such as gambling."""

    name: Open[IndicatorName] | None = None
    present: bool | None = None
    transactions: tuple[CategorisedTransaction, ...] | None = None
    """The transactions that show it."""


@attrs.frozen(kw_only=True)
class AffordabilityData(Model):
    """The insights: cash flow by group, indicators, and the data sources used."""

    cashflow: tuple[CashflowGroup, ...] | None = None
    indicators: tuple[Indicator, ...] | None = None
    data_sources: tuple[AffordabilitySource, ...] | None = None


@attrs.frozen(kw_only=True)
class AffordabilityReport(InsightRequest):
    """An affordability request with its insights; `data` is None until it is complete."""

    data: AffordabilityData | None = None


@attrs.frozen(kw_only=True)
class MonthlyTotal(Model):
    """The total of one month's transactions."""

    year: int | None = None
    month: int | None = None
    """1 to 12."""
    total_value: Decimal | None = None
    """Negative for outflows."""


@attrs.frozen(kw_only=True)
class TransactionSummary(Model):
    """Transactions of one category with one counterparty, by month. Outflows are negative."""

    group: Open[Group] | None = None
    category: str | None = None
    subcategory: str | None = None
    short_description: str | None = attrs.field(default=None, **PERSONAL)
    number_of_transactions: int | None = None
    total_value: Decimal | None = None
    average_value: Decimal | None = None
    minimum_value: Decimal | None = None
    """The lowest value; among outflows, the largest payment."""
    maximum_value: Decimal | None = None
    """The highest value; among outflows, the smallest payment."""
    monthly_data: tuple[MonthlyTotal, ...] | None = None


@attrs.frozen(kw_only=True)
class MonthlyTransactions(InsightRequest):
    """The transactions behind the insights, aggregated by month."""

    data: tuple[TransactionSummary, ...] | None = None
    data_sources: tuple[AffordabilitySource, ...] | None = None


@attrs.frozen(kw_only=True)
class CategorisedTransactions(InsightRequest):
    """The transactions behind the insights, each with its category."""

    data: tuple[CategorisedTransaction, ...] | None = None
    data_sources: tuple[AffordabilitySource, ...] | None = None


class Affordability(Resource):
    """Affordability insights about an entity, as `sikoia.affordability`."""

    async def request(self, entity: HasEntity, /) -> RequestedOperation[AffordabilityReport]:
        """Request affordability insights (`POST /v2/affordability-insights`).

            operation = await sikoia.affordability.request(person)
            report = await operation

        The entity needs at least one bank statement or bank account whose data source is
        `Complete`. Await the operation for the report: it waits up to 600 s by default, and raises
        OperationFailedError if Sikoia could not produce the insights.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            entity: the case, company or person to analyse.

        Returns:
            The operation; awaiting it gives the report.

        Raises:
            ArgumentError: the argument is not an entity.
            InvalidRequestError: the entity does not exist or was deleted.
            InsufficientPermissionsError: affordability insights are not enabled for you.
        """
        first = await self._api.buy(
            "/v2/affordability-insights", AffordabilityReport, body={**in_body(entity)}
        )
        return self._api.requested(
            _OPERATION, (first.request_id,), _retrieve(first.request_id), first
        )

    def operation(
        self, request: InsightRequestSummary | str | UUID, /
    ) -> Operation[AffordabilityReport]:
        """Return the operation of an earlier request, to wait for its report.

            report = await sikoia.affordability.operation(request_id)

        Args:
            request: the request, or its id.

        Raises:
            ArgumentError: the argument is neither a request nor a valid id.
        """
        request_id = _REQUEST.id_of(request)
        return self._api.operation(_OPERATION, (request_id,), _retrieve(request_id))

    async def latest(self, entity: HasEntity, /) -> AffordabilityReport | None:
        """Return the newest complete report that was already requested for an entity.

            report = await sikoia.affordability.latest(person)

        Sends two GET requests, which are free.

        Args:
            entity: the case, company or person.

        Returns:
            The report; None if no request for the entity is complete.

        Raises:
            ArgumentError: the argument is not an entity.
            ResourceNotFoundError: the entity does not exist.
        """
        request = newest(await self.list(entity))
        return None if request is None else await self.retrieve(request)

    async def list(self, entity: HasEntity, /) -> Items[InsightRequestSummary]:
        """List the affordability requests for an entity.

            requests = await sikoia.affordability.list(person)

        Operation: `GET /v2/{entity_type}/{entity_id}/affordability-insights`.

        Args:
            entity: the case, company or person.

        Raises:
            ArgumentError: the argument is not an entity.
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.items(
            "/v2/{entity_type}/{entity_id}/affordability-insights",
            AffordabilityRequests,
            lambda response: response.affordability_insights_requests,
            **in_path(entity),
        )

    async def retrieve(self, request: InsightRequestSummary | str | UUID, /) -> AffordabilityReport:
        """Return a request in its current state (`GET /v2/affordability-insights/{request_id}`).

            report = await sikoia.affordability.retrieve(request_id)

        Args:
            request: the request, or its id.

        Raises:
            ArgumentError: the argument is neither a request nor a valid id.
            ResourceNotFoundError: the request does not exist.
        """
        return await self._api.get(
            "/v2/affordability-insights/{request_id}",
            AffordabilityReport,
            request_id=_REQUEST.id_of(request),
        )

    async def monthly_transactions(
        self, request: InsightRequestSummary | str | UUID, /
    ) -> MonthlyTransactions:
        """Return the transactions behind a report, aggregated by month.

            months = await sikoia.affordability.monthly_transactions(report)

        Operation: `GET /v2/affordability-insights/{request_id}/transactions`.

        Args:
            request: the request or the report, or its id.

        Raises:
            ArgumentError: the argument is neither a request nor a valid id.
            ResourceNotFoundError: the request does not exist.
        """
        return await self._api.get(
            "/v2/affordability-insights/{request_id}/transactions",
            MonthlyTransactions,
            request_id=_REQUEST.id_of(request),
        )

    async def transactions(
        self, request: InsightRequestSummary | str | UUID, /
    ) -> CategorisedTransactions:
        """Return every transaction behind a report, with its category.

            transactions = await sikoia.affordability.transactions(report)

        Operation: `GET /v2/affordability-insights/{request_id}/transaction-details`.

        Args:
            request: the request or the report, or its id.

        Raises:
            ArgumentError: the argument is neither a request nor a valid id.
            ResourceNotFoundError: the request does not exist.
        """
        return await self._api.get(
            "/v2/affordability-insights/{request_id}/transaction-details",
            CategorisedTransactions,
            request_id=_REQUEST.id_of(request),
        )


def _retrieve(request_id: str) -> Callable[[Api], Awaitable[AffordabilityReport]]:
    return lambda api: Affordability(api).retrieve(request_id)


_REQUEST: Final = Subject("request", "request_id", InsightRequestSummary)
_OPERATION = OperationKind(
    name="affordability",
    timeout=600.0,
    retrieved=frozenset({"Complete"}),
    events=frozenset({"AffordabilityInsights.Completed"}),
    opener=lambda api, ids: Affordability(api).operation(*ids),
)
OPERATION_KINDS = (_OPERATION,)
