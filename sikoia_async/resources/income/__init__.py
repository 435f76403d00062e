"""Income and employer verification from payslips, bank data and tax documents.

The models of tax information are in `income.tax`.

Sources: https://docs.sikoia.com/docs/retrieving-income-employer-verification, and the operation
named in each method.
"""

from sikoia_async._validation import validate_id
from sikoia_async.models import HasEntity
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation
from sikoia_async.resources._entities import in_body, in_path
from sikoia_async.resources._resource import Resource
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


class Income(Resource):
    """Income and employer verification, as `sikoia.income`."""

    async def request(self, entity: HasEntity) -> Operation[IncomeReport]:
        """Request a verification of income and employer (`POST /v2/income-employer`).

        The entity needs at least one payslip, tax document, bank statement or bank account whose
        data source is `Complete`. Await the operation for the report: it waits up to 600 s by
        default, and raises OperationFailedError if Sikoia could not verify the income.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            entity: the case, company or person to verify.

        Returns:
            The operation; awaiting it gives the report.

        Raises:
            InvalidRequestError: the entity does not exist or was deleted.
            InsufficientPermissionsError: income verification is not enabled for you.
        """
        first = await self._api.buy("/v2/income-employer", IncomeReport, body={**in_body(entity)})
        return self._operation(first.request_id, first)

    def operation(self, request_id: str) -> Operation[IncomeReport]:
        """Return the operation of an earlier verification, to wait for its report.

        Raises:
            ConfigurationError: the id is not valid.
        """
        return self._operation(validate_id("request_id", request_id))

    async def list(self, entity: HasEntity) -> IncomeRequests:
        """List the income verifications of an entity.

        Operation: `GET /v2/{entity_type}/{entity_id}/income-employer`.

        Raises:
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/income-employer", IncomeRequests, **in_path(entity)
        )

    async def retrieve(self, request_id: str) -> IncomeReport:
        """Return a verification in its current state (`GET /v2/income-employer/{request_id}`).

        Raises:
            ResourceNotFoundError: the request does not exist.
        """
        return await self._api.get(
            "/v2/income-employer/{request_id}", IncomeReport, request_id=request_id
        )

    async def details(self, request_id: str) -> IncomeDetails:
        """Return the figures of a verification, source by source.

        Operation: `GET /v2/income-employer/{request_id}/additional-details`.

        Raises:
            ResourceNotFoundError: the request does not exist.
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
    name="income",
    timeout=600.0,
    events=frozenset({"IncomeEmployerInsights.Completed"}),
    opener=lambda api, ids: Income(api).operation(*ids),
)
OPERATION_KINDS = (_OPERATION,)
