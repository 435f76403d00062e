"""Income and employer verification, from payslips, bank data and tax documents.

The parts of the tax information are in `income.tax`.
Source: https://docs.sikoia.com/docs/retrieving-income-employer-verification
"""

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._validation import validate_id
from sikoia_async.models import HasEntity
from sikoia_async.operations.operation import Operation
from sikoia_async.operations.registry import OperationKind
from sikoia_async.resources._entities import in_body, in_path
from sikoia_async.resources.income.details import (
    DeductionItem,
    DetailedIncome,
    IncomeDetails,
    IncomeEvidence,
    IncomeSourceData,
    PayItem,
)
from sikoia_async.resources.income.reports import (
    AdditionalInformation,
    AverageItem,
    AverageTaxItem,
    Bonus,
    DataSource,
    IncomeAddress,
    IncomeData,
    IncomeDataSource,
    IncomeReport,
    IncomeRequest,
    IncomeRequests,
    IncomeRequestSummary,
    IncomeSourceType,
    IncomeStatus,
    IncomeType,
    MonthlyItem,
    PayFrequency,
    VerifiedIncome,
)
from sikoia_async.resources.income.tax import TaxInformation

__all__ = [
    "AdditionalInformation",
    "AverageItem",
    "AverageTaxItem",
    "Bonus",
    "DataSource",
    "DeductionItem",
    "DetailedIncome",
    "Income",
    "IncomeAddress",
    "IncomeData",
    "IncomeDataSource",
    "IncomeDetails",
    "IncomeEvidence",
    "IncomeReport",
    "IncomeRequest",
    "IncomeRequestSummary",
    "IncomeRequests",
    "IncomeSourceData",
    "IncomeSourceType",
    "IncomeStatus",
    "IncomeType",
    "MonthlyItem",
    "PayFrequency",
    "PayItem",
    "TaxInformation",
    "VerifiedIncome",
]


@attrs.frozen
class Income:
    """`sikoia.income`."""

    _api: Api

    async def request(self, entity: HasEntity) -> Operation[IncomeReport]:
        """Ask for a verification (`POST /v2/income-employer`); await the operation for the report.

        The entity needs a payslip, a tax document, a bank statement or a bank account whose data
        source is `Complete`. May cost credits: it is never sent twice on our own initiative. The
        operation waits for 600 s if not told otherwise, and raises OperationFailedError if Sikoia
        cannot verify the income.

        Raises:
            InvalidRequestError: there is no such entity, or not any more.
            InsufficientPermissionsError: it is not enabled for you.
        """
        first = await self._api.buy("/v2/income-employer", IncomeReport, body={**in_body(entity)})
        return self._operation(first.request_id, first)

    def operation(self, request_id: str) -> Operation[IncomeReport]:
        """Return the operation of a verification that was begun before, to wait for it.

        Raises:
            ConfigurationError: this is no id.
        """
        return self._operation(validate_id("request_id", request_id))

    async def list(self, entity: HasEntity) -> IncomeRequests:
        """Return all requests (`GET /v2/{entity_type}/{entity_id}/income-employer`).

        Raises:
            ResourceNotFoundError: there is no such entity.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/income-employer", IncomeRequests, **in_path(entity)
        )

    async def retrieve(self, request_id: str) -> IncomeReport:
        """Return a verification as far as it is (`GET /v2/income-employer/{request_id}`).

        Raises:
            ResourceNotFoundError: there is no such request.
        """
        return await self._api.get(
            "/v2/income-employer/{request_id}", IncomeReport, request_id=request_id
        )

    async def details(self, request_id: str) -> IncomeDetails:
        """Return what each source says (`GET /v2/income-employer/{request_id}/additional-details`).

        Raises:
            ResourceNotFoundError: there is no such request.
        """
        return await self._api.get(
            "/v2/income-employer/{request_id}/additional-details",
            IncomeDetails,
            request_id=request_id,
        )

    def _operation(
        self, request_id: str, first: IncomeReport | None = None
    ) -> Operation[IncomeReport]:
        return self._api.operation(
            _OPERATION, (request_id,), lambda api: Income(api).retrieve(request_id), first
        )


_OPERATION = OperationKind(
    name="income", timeout=600.0, events=frozenset({"IncomeEmployerInsights.Completed"})
)
