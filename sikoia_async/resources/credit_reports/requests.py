"""Credit reports: requested, listed, read, and picked where several companies match."""

from datetime import datetime
from typing import Literal

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._validation import validate_id, validate_strings
from sikoia_async.models import PERSONAL, Model, Open
from sikoia_async.operations.operation import Operation
from sikoia_async.operations.registry import OperationKind
from sikoia_async.resources._picklists import OfficialAddress, WithPicklist, bind, chosen
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
    """A company that a request may have meant: an item of a picklist."""

    index: int | None = None
    """Its place in the list as Sikoia counts; `resolve` sends it."""
    company_number: str | None = None
    company_name: str | None = None
    country_code: str | None = None
    provider_id: str | None = None
    """The provider's id of the company; a request may send it in place of the company's data."""
    status: str | None = None
    """What the register says, such as `Active`."""
    branch: bool | None = None
    official_address: OfficialAddress | None = None
    vat_number: tuple[str, ...] | None = None


@attrs.frozen(kw_only=True)
class CreditReportRequestSummary(WithPicklist):
    """A request as lists show it."""

    request_id: str
    status: Open[CreditReportStatus] | None = None
    datetime_requested: datetime | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)
    """More on the status, if there is more to say."""
    company_number: str | None = None
    company_name: str | None = None
    country_code: str | None = None
    """Two letters of ISO 3166, such as `GB`."""
    provider_id: str | None = None
    """The provider's id of the company."""


@attrs.frozen(kw_only=True)
class CreditReportRequest(CreditReportRequestSummary):
    """A request as it is answered: the report is there, it failed, or there is a list to pick from.

    `credit_reports.retrieve(request_id)` gives the report.
    """

    company_id: str | None = None
    picklist: tuple[CreditMatch, ...] | None = None
    """The companies that match, where the status is `TooManyResults`."""

    async def resolve(self, choice: CreditMatch | int) -> "CreditReportRequest":
        """Say which company is meant, and request its report; a new request is the answer.

        May cost credits: it is never sent twice on our own initiative.

        Args:
            choice: an item of the picklist, or its `index`.

        Raises:
            ConfigurationError: the status is not `TooManyResults`, or the choice is none.
        """
        answer: CreditReportRequest = await self._resolver()(choice)
        return answer


@attrs.frozen(kw_only=True)
class CreditReport(CreditReportRequest):
    """A request with its report."""

    data: CreditReportData | None = None
    """None unless the status is `Complete`."""


@attrs.frozen(kw_only=True)
class CreditReportRequests(Model):
    """All requests for a company."""

    company_id: str | None = None
    credit_report_requests: tuple[CreditReportRequestSummary, ...] | None = None


@attrs.frozen
class CreditReports:
    """`sikoia.credit_reports`."""

    _api: Api

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

        May cost credits: it is never sent twice on our own initiative. Where several companies
        match, the status is `TooManyResults`: call `resolve` of the answer with one of them.

        Args:
            company_id: the company that the report is filed under. With nothing else given, its
                own number and jurisdiction say which company to look for.
            company_number: the number to look for instead.
            company_name: the name to look for instead.
            country_code: the country to look in instead, such as `GB`.
            provider_id: the provider's own id of the company, in place of all the above.

        Raises:
            InvalidRequestError: there is no such company, or no such country.
            UnprocessableRequestError: the company lacks its number or its jurisdiction.
            InsufficientPermissionsError: there are no credits left, or reports are not enabled.
        """
        answer = await self._api.buy(
            "/v2/company-credit-reports",
            CreditReportRequest,
            body={
                "company_id": validate_id("company_id", company_id),
                **validate_strings(
                    company_number=company_number,
                    company_name=company_name,
                    country_code=country_code,
                    provider_id=provider_id,
                ),
            },
        )
        return bind(answer, self.resolve_picklist)

    async def list(self, company_id: str) -> CreditReportRequests:
        """Return all requests for a company (`GET /v2/companies/{company_id}/credit-reports`).

        Raises:
            ResourceNotFoundError: there is no such company.
        """
        return await self._api.get(
            "/v2/companies/{company_id}/credit-reports", CreditReportRequests, company_id=company_id
        )

    async def retrieve(self, request_id: str) -> CreditReport:
        """Return a request with its report (`GET /v2/company-credit-reports/{request_id}`).

        Raises:
            ResourceNotFoundError: there is no such request.
        """
        report = await self._api.get(
            "/v2/company-credit-reports/{request_id}", CreditReport, request_id=request_id
        )
        return bind(report, self.resolve_picklist)

    def operation(self, request_id: str) -> Operation[CreditReport]:
        """Return the operation of a request, whose result is its report.

        Sikoia answers such requests when their work is done, so it is as a rule asked once. A list
        to pick from (`TooManyResults`) is a result, too. It waits for 300 s if not told otherwise.

        Raises:
            ConfigurationError: this is no id.
        """
        validate_id("request_id", request_id)
        return self._api.operation(
            _OPERATION, (request_id,), lambda api: CreditReports(api).retrieve(request_id)
        )

    async def resolve_picklist(
        self, request_id: str, picklist_index: CreditMatch | int
    ) -> CreditReportRequest:
        """Say which company was meant (`POST /v2/company-credit-reports/picklist`).

        The answer is a new request, with an id of its own. May cost credits: it is never sent
        twice on our own initiative.

        Args:
            request_id: the request that ended as `TooManyResults`.
            picklist_index: an item of its picklist, or the `index` of one.

        Raises:
            ConfigurationError: the choice is none.
            InvalidRequestError: there is no such request, or it has no such item.
            InsufficientPermissionsError: there are no credits left, or this is not enabled.
        """
        answer = await self._api.buy(
            "/v2/company-credit-reports/picklist",
            CreditReportRequest,
            body={
                "request_id": validate_id("request_id", request_id),
                "picklist_index": chosen(picklist_index),
            },
        )
        return bind(answer, self.resolve_picklist)


_OPERATION = OperationKind(
    name="credit-report", done=frozenset({"Complete", "TooManyResults"}), running=frozenset()
)
