"""Income and employer verification from payslips, bank data and tax documents.

The models of tax information are in `income.tax`.

Sources: https://docs.sikoia.com/docs/retrieving-income-employer-verification, and the operation
named in each method.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from sikoia_async._calls.api import Api
from sikoia_async.models import HasEntity, Items
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation, RequestedOperation
from sikoia_async.resources._entities import in_body, in_path
from sikoia_async.resources._insights import InsightRequest, InsightRequestSummary, InsightStatus
from sikoia_async.resources._latest import newest
from sikoia_async.resources._resource import Resource
from sikoia_async.resources._subjects import Subject
from sikoia_async.resources.income.details import (
    DetailedIncome,
    IncomeDetails,
    IncomeEvidence,
    IncomeSourceData,
    PayItem,
)
from sikoia_async.resources.income.reports import (
    AdditionalInformation,
    AverageItem,
    Bonus,
    DeductionItem,
    IncomeAddress,
    IncomeData,
    IncomeDataSource,
    IncomeReport,
    IncomeRequests,
    IncomeSource,
    IncomeSourceType,
    IncomeType,
    MonthlyItem,
    PayFrequency,
    VerifiedIncome,
)
from sikoia_async.resources.income.tax import TaxInformation

__all__ = [
    "AdditionalInformation",
    "AverageItem",
    "Bonus",
    "DeductionItem",
    "DetailedIncome",
    "Income",
    "IncomeAddress",
    "IncomeData",
    "IncomeDataSource",
    "IncomeDetails",
    "IncomeEvidence",
    "IncomeReport",
    "IncomeSource",
    "IncomeSourceData",
    "IncomeSourceType",
    "IncomeType",
    "InsightRequest",
    "InsightRequestSummary",
    "InsightStatus",
    "MonthlyItem",
    "PayFrequency",
    "PayItem",
    "TaxInformation",
    "VerifiedIncome",
]


class Income(Resource):
    """Income and employer verification, as `sikoia.income`."""

    async def request(self, entity: HasEntity, /) -> RequestedOperation[IncomeReport]:
        """Request a verification of income and employer (`POST /v2/income-employer`).

            operation = await sikoia.income.request(person)
            report = await operation

        The entity needs at least one payslip, tax document, bank statement or bank account whose
        data source is `Complete`. Await the operation for the report: it waits up to 600 s by
        default, and raises OperationFailedError if Sikoia could not verify the income.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            entity: the case, company or person to verify.

        Returns:
            The operation; awaiting it gives the report.

        Raises:
            ArgumentError: the argument is not an entity.
            InvalidRequestError: the entity does not exist or was deleted.
            InsufficientPermissionsError: income verification is not enabled for you.
        """
        first = await self._api.buy("/v2/income-employer", IncomeReport, body={**in_body(entity)})
        return self._api.requested(
            _OPERATION, (first.request_id,), _retrieve(first.request_id), first
        )

    def operation(self, request: InsightRequestSummary | str | UUID, /) -> Operation[IncomeReport]:
        """Return the operation of an earlier verification, to wait for its report.

            report = await sikoia.income.operation(request_id)

        Args:
            request: the verification, or its `request_id`.

        Raises:
            ArgumentError: the argument is neither a verification nor a valid id.
        """
        request_id = _REQUEST.id_of(request)
        return self._api.operation(_OPERATION, (request_id,), _retrieve(request_id))

    async def latest(self, entity: HasEntity, /) -> IncomeReport | None:
        """Return the newest complete report on an entity, which was requested before.

            report = await sikoia.income.latest(person)

        Sends two GET requests, which are free.

        Args:
            entity: the case, company or person.

        Returns:
            The report; None if no verification of the entity is complete.

        Raises:
            ArgumentError: the argument is not an entity.
            ResourceNotFoundError: the entity does not exist.
        """
        request = newest(await self.list(entity))
        return None if request is None else await self.retrieve(request)

    async def list(self, entity: HasEntity, /) -> Items[InsightRequestSummary]:
        """List the income verifications of an entity.

            requests = await sikoia.income.list(person)

        Operation: `GET /v2/{entity_type}/{entity_id}/income-employer`.

        Args:
            entity: the case, company or person.

        Raises:
            ArgumentError: the argument is not an entity.
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.items(
            "/v2/{entity_type}/{entity_id}/income-employer",
            IncomeRequests,
            lambda response: response.income_employer_requests,
            **in_path(entity),
        )

    async def retrieve(self, request: InsightRequestSummary | str | UUID, /) -> IncomeReport:
        """Return a verification in its current state (`GET /v2/income-employer/{request_id}`).

            report = await sikoia.income.retrieve(request_id)

        Args:
            request: the verification, or its `request_id`.

        Raises:
            ArgumentError: the argument is neither a verification nor a valid id.
            ResourceNotFoundError: the request does not exist.
        """
        return await self._api.get(
            "/v2/income-employer/{request_id}", IncomeReport, request_id=_REQUEST.id_of(request)
        )

    async def details(self, request: InsightRequestSummary | str | UUID, /) -> IncomeDetails:
        """Return the figures of a verification, source by source.

            details = await sikoia.income.details(report)

        Operation: `GET /v2/income-employer/{request_id}/additional-details`.

        Args:
            request: the verification, or its `request_id`.

        Raises:
            ArgumentError: the argument is neither a verification nor a valid id.
            ResourceNotFoundError: the request does not exist.
        """
        return await self._api.get(
            "/v2/income-employer/{request_id}/additional-details",
            IncomeDetails,
            request_id=_REQUEST.id_of(request),
        )


def _retrieve(request_id: str) -> Callable[[Api], Awaitable[IncomeReport]]:
    return lambda api: Income(api).retrieve(request_id)


_REQUEST: Final = Subject("request", "request_id", InsightRequestSummary)
_OPERATION = OperationKind(
    name="income",
    timeout=600.0,
    retrieved=frozenset({"Complete"}),
    events=frozenset({"IncomeEmployerInsights.Completed"}),
    opener=lambda api, ids: Income(api).operation(*ids),
)
OPERATION_KINDS = (_OPERATION,)
