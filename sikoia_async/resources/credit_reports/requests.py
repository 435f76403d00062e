"""Requests for credit reports, and the methods of `sikoia.credit_reports`.

Source: the operation named in each method.
"""

from datetime import datetime
from typing import Literal

import attrs

from sikoia_async._validation import validate_codes, validate_id, validate_strings
from sikoia_async.models import PERSONAL, Model, Open
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation
from sikoia_async.resources._picklists import (
    OfficialAddress,
    WithPicklist,
    validate_choice,
    with_resolver,
)
from sikoia_async.resources._resource import Resource
from sikoia_async.resources.credit_reports.report import CreditReportData

__all__ = [
    "CreditMatch",
    "CreditReport",
    "CreditReportRequest",
    "CreditReportRequestSummary",
    "CreditReportRequests",
    "CreditReportStatus",
    "CreditReports",
]

CreditReportStatus = Literal["Complete", "Failed", "TooManyResults"]


@attrs.frozen(kw_only=True)
class CreditMatch(Model):
    """A company in a picklist."""

    index: int | None = None
    """Identifies the company in its picklist; `resolve` sends it."""
    company_number: str | None = None
    company_name: str | None = None
    country_code: str | None = None
    provider_id: str | None = None
    """The data provider's id for the company. A request can use it instead of number, name and
    country."""
    status: str | None = None
    """The status in the register, such as `Active`."""
    branch: bool | None = None
    official_address: OfficialAddress | None = None
    vat_number: tuple[str, ...] | None = None


@attrs.frozen(kw_only=True)
class CreditReportRequestSummary(WithPicklist):
    """A request for a credit report as it appears in lists."""

    request_id: str
    status: Open[CreditReportStatus] | None = None
    datetime_requested: datetime | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)
    """An explanation of the status, if there is one."""
    company_number: str | None = None
    company_name: str | None = None
    country_code: str | None = None
    """ISO 3166-1 alpha-2, such as `GB`."""
    provider_id: str | None = None
    """The data provider's id for the company."""


@attrs.frozen(kw_only=True)
class CreditReportRequest(CreditReportRequestSummary):
    """A request for a credit report, without the report.

    `credit_reports.retrieve(request_id)` returns the report.
    """

    company_id: str | None = None
    picklist: tuple[CreditMatch, ...] | None = None
    """The companies that match, if the status is `TooManyResults`."""

    async def resolve(self, choice: CreditMatch | int) -> "CreditReportRequest":
        """Request the report of one company from the picklist, as `resolve_picklist` does.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            choice: an item of the picklist, or its `index`.

        Returns:
            A new request, with its own `request_id`.

        Raises:
            ConfigurationError: the status is not `TooManyResults`, this model was not returned by
                a client, or the choice is not valid.
        """
        request: CreditReportRequest = await self._resolver()(choice)
        return request


@attrs.frozen(kw_only=True)
class CreditReport(CreditReportRequest):
    """A request for a credit report with the report."""

    data: CreditReportData | None = None
    """None unless the status is `Complete`."""


@attrs.frozen(kw_only=True)
class CreditReportRequests(Model):
    """All requests for a company's credit report."""

    company_id: str | None = None
    credit_report_requests: tuple[CreditReportRequestSummary, ...] | None = None


class CreditReports(Resource):
    """Credit reports on companies, as `sikoia.credit_reports`."""

    async def request(
        self,
        *,
        company_id: str,
        company_number: str | None = None,
        company_name: str | None = None,
        country_code: str | None = None,
        provider_id: str | None = None,
    ) -> CreditReportRequest:
        """Request the credit report of a company (`POST /v2/company-credit-reports`).

        Sikoia has finished when it responds; `retrieve` returns the report. If several companies
        match, the status is `TooManyResults`: call `resolve` on the request with an item of its
        `picklist`.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            company_id: the company in a case to store the report with. Its own number and
                jurisdiction are looked up unless one of the arguments below is given.
            company_number: the number to look up.
            company_name: the name to look up.
            country_code: the country to look in: ISO 3166-1 alpha-2, such as `GB`.
            provider_id: the data provider's id for the company, instead of the three above.

        Returns:
            The request, without the report.

        Raises:
            InvalidRequestError: the company does not exist, or the country is not recognised.
            UnprocessableRequestError: the company has no number or no jurisdiction.
            InsufficientPermissionsError: no credits left, or reports are not enabled for you.
        """
        request = await self._api.buy(
            "/v2/company-credit-reports",
            CreditReportRequest,
            body={
                "company_id": validate_id("company_id", company_id),
                **validate_strings(
                    company_number=company_number,
                    company_name=company_name,
                    provider_id=provider_id,
                ),
                **validate_codes(country_code=country_code),
            },
        )
        return with_resolver(request, self.resolve_picklist)

    async def list(self, company_id: str) -> CreditReportRequests:
        """List the requests for a company (`GET /v2/companies/{company_id}/credit-reports`).

        Raises:
            ResourceNotFoundError: the company does not exist.
        """
        return await self._api.get(
            "/v2/companies/{company_id}/credit-reports", CreditReportRequests, company_id=company_id
        )

    async def retrieve(self, request_id: str) -> CreditReport:
        """Return a request with its report (`GET /v2/company-credit-reports/{request_id}`).

        Raises:
            ResourceNotFoundError: the request does not exist.
        """
        report = await self._api.get(
            "/v2/company-credit-reports/{request_id}", CreditReport, request_id=request_id
        )
        return with_resolver(report, self.resolve_picklist)

    def operation(self, request_id: str) -> Operation[CreditReport]:
        """Return the operation of an earlier request, to wait for its report.

        Sikoia usually finishes these requests before it responds, so one poll is enough.
        `TooManyResults` is a result too. Waits up to 300 s by default.

        Raises:
            ConfigurationError: the id is not valid.
        """
        request_id = validate_id("request_id", request_id)
        return self._api.operation(
            _OPERATION, (request_id,), lambda api: CreditReports(api).retrieve(request_id)
        )

    async def resolve_picklist(
        self, request_id: str, picklist_index: CreditMatch | int
    ) -> CreditReportRequest:
        """Choose a company from a picklist (`POST /v2/company-credit-reports/picklist`).

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            request_id: the request whose status is `TooManyResults`.
            picklist_index: an item of its picklist, or the item's `index`.

        Returns:
            A new request, with its own `request_id`.

        Raises:
            ConfigurationError: the item or the index is not valid.
            InvalidRequestError: the request does not exist, or its picklist has no such item.
            InsufficientPermissionsError: no credits left, or reports are not enabled for you.
        """
        request = await self._api.buy(
            "/v2/company-credit-reports/picklist",
            CreditReportRequest,
            body={
                "request_id": validate_id("request_id", request_id),
                "picklist_index": validate_choice(picklist_index),
            },
        )
        return with_resolver(request, self.resolve_picklist)


_OPERATION = OperationKind(
    name="credit-report",
    done=frozenset({"Complete", "TooManyResults"}),
    running=frozenset(),
    opener=lambda api, ids: CreditReports(api).operation(*ids),
)
OPERATION_KINDS = (_OPERATION,)
