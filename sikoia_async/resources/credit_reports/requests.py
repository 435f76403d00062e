"""Requests for credit reports, and the methods of `sikoia.credit_reports`.

Source: the operation named in each method.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._validation import plain_id_or_none, validate_codes, validate_strings
from sikoia_async.models import PERSONAL, Items, Model, Open
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation, RequestedOperation
from sikoia_async.resources._latest import newest
from sikoia_async.resources._picklists import (
    OfficialAddress,
    WithPicklist,
    pick_and_wait,
    validate_choice,
    validate_pick,
    with_resolver,
)
from sikoia_async.resources._resource import Resource
from sikoia_async.resources._subjects import Subject
from sikoia_async.resources.cases import Company
from sikoia_async.resources.credit_reports.report import CreditReportData

__all__ = [
    "CreditMatch",
    "CreditReport",
    "CreditReportRequestSummary",
    "CreditReportStatus",
    "CreditReports",
]

CreditReportStatus = Literal["Complete", "Failed", "TooManyResults"]
"""The status of a request: `Complete`, `Failed`, or `TooManyResults` with a picklist."""


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
class CreditReport(CreditReportRequestSummary):
    """A request for a credit report with the report."""

    company_id: str | None = None
    picklist: tuple[CreditMatch, ...] | None = None
    """The companies that match, if the status is `TooManyResults`."""
    data: CreditReportData | None = None
    """None unless the status is `Complete`, and in the response to a request."""

    async def resolve(self, choice: CreditMatch | int) -> "RequestedOperation[CreditReport]":
        """Request the report of one company from the picklist, as `resolve_picklist` does.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            choice: an item of the picklist, or its `index`.

        Returns:
            The operation of a new request; awaiting it gives the report.

        Raises:
            ConfigurationError: the status is not `TooManyResults`, this model was not returned by
                a client, or the choice is not valid.
        """
        operation: RequestedOperation[CreditReport] = await self._resolver()(choice)
        return operation


@attrs.frozen(kw_only=True)
class CreditReportRequests(Model):
    """The response of `list`."""

    company_id: str | None = None
    credit_report_requests: tuple[CreditReportRequestSummary, ...] | None = None


class CreditReports(Resource):
    """Credit reports on companies, as `sikoia.credit_reports`."""

    async def request(
        self,
        company: Company | str | UUID,
        /,
        *,
        company_number: str | None = None,
        company_name: str | None = None,
        country_code: str | None = None,
        provider_id: str | UUID | None = None,
    ) -> RequestedOperation[CreditReport]:
        """Request the credit report of a company (`POST /v2/company-credit-reports`).

            operation = await sikoia.credit_reports.request(company)
            report = await operation

        Sikoia has usually finished when it responds, and awaiting the operation retrieves the
        report. If several companies match, the status is `TooManyResults`, which is a result too:
        `operation.first.picklist` has the companies, and `resolve_picklist` continues with one.
        `find` does all this in one call. Waits up to 300 s by default.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            company: the company in a case to store the report with, or its id. Its own number and
                jurisdiction are looked up unless one of the arguments below is given.
            company_number: the number to look up.
            company_name: the name to look up.
            country_code: the country to look in: ISO 3166-1 alpha-2, such as `GB`.
            provider_id: the data provider's id for the company, instead of the three above.

        Returns:
            The operation; awaiting it gives the report.

        Raises:
            ArgumentError: an argument is not valid.
            InvalidRequestError: the company does not exist, or the country is not recognised.
            UnprocessableRequestError: the company has no number or no jurisdiction, and none was
                given.
            InsufficientPermissionsError: no credits left, or reports are not enabled for you.
        """
        first = await self._api.buy(
            "/v2/company-credit-reports",
            CreditReport,
            body={
                "company_id": _COMPANY.id_of(company),
                **validate_strings(
                    company_number=company_number,
                    company_name=company_name,
                    provider_id=plain_id_or_none(provider_id),
                ),
                **validate_codes(country_code=country_code),
            },
        )
        return self._requested(first)

    async def find(
        self,
        company: Company | str | UUID,
        /,
        *,
        company_number: str | None = None,
        company_name: str | None = None,
        country_code: str | None = None,
        provider_id: str | UUID | None = None,
        pick: Callable[
            [tuple[CreditMatch, ...]],
            CreditMatch | int | Awaitable[CreditMatch | int | None] | None,
        ]
        | None = None,
    ) -> CreditReport:
        """Request the credit report of a company, choose a match if there are several, and wait.

            report = await sikoia.credit_reports.find(company, pick=lambda matches: matches[0])

        May cost credits, and once more if several companies match: never retried automatically
        once Sikoia may have processed it.

        Args:
            company: the company in a case to store the report with, or its id. Its own number and
                jurisdiction are looked up unless one of the arguments below is given.
            company_number: the number to look up.
            company_name: the name to look up.
            country_code: the country to look in: ISO 3166-1 alpha-2, such as `GB`.
            provider_id: the data provider's id for the company, instead of the three above.
            pick: takes the picklist, and returns an item of it, its `index`, or None if none is
                right. It may be async.

        Returns:
            The report.

        Raises:
            ArgumentError: an argument is not valid.
            TooManyResultsError: several companies match, and there is no `pick` or it returned
                None. The error has the picklist and the operation.
            ArgumentTypeError: `pick` returned something that is not in the picklist. The request
                is in `list`.
            OperationFailedError: Sikoia could not get the report.
            InvalidRequestError: the company does not exist, or the country is not recognised.
            UnprocessableRequestError: the company has no number or no jurisdiction, and none was
                given.
            InsufficientPermissionsError: no credits left, or reports are not enabled for you.
        """
        validate_pick(pick)
        operation = await self.request(
            company,
            company_number=company_number,
            company_name=company_name,
            country_code=country_code,
            provider_id=provider_id,
        )
        return await pick_and_wait(operation, pick, self.resolve_picklist)

    async def latest(self, company: Company | str | UUID, /) -> CreditReport | None:
        """Return the newest complete report that you have already bought for a company.

            report = await sikoia.credit_reports.latest(company)
            if report is None:
                report = await sikoia.credit_reports.find(company)

        Sends two GET requests, which are free.

        Args:
            company: the company, or its id.

        Returns:
            The report; None if no request for the company is complete.

        Raises:
            ArgumentError: the argument is neither a company nor a valid id.
            ResourceNotFoundError: the company does not exist.
        """
        request = newest(await self.list(company))
        return None if request is None else await self.retrieve(request)

    async def list(self, company: Company | str | UUID, /) -> Items[CreditReportRequestSummary]:
        """List the requests for a company (`GET /v2/companies/{company_id}/credit-reports`).

            requests = await sikoia.credit_reports.list(company)

        Args:
            company: the company, or its id.

        Raises:
            ArgumentError: the argument is neither a company nor a valid id.
            ResourceNotFoundError: the company does not exist.
        """
        return await self._api.items(
            "/v2/companies/{company_id}/credit-reports",
            CreditReportRequests,
            lambda response: response.credit_report_requests,
            company_id=_COMPANY.id_of(company),
        )

    async def retrieve(self, request: CreditReportRequestSummary | str | UUID, /) -> CreditReport:
        """Return a request with its report (`GET /v2/company-credit-reports/{request_id}`).

            report = await sikoia.credit_reports.retrieve(request_id)

        Args:
            request: the request, or its id.

        Raises:
            ArgumentError: the argument is neither a request nor a valid id.
            ResourceNotFoundError: the request does not exist.
        """
        report = await self._api.get(
            "/v2/company-credit-reports/{request_id}",
            CreditReport,
            request_id=_REQUEST.id_of(request),
        )
        return with_resolver(report, self.resolve_picklist)

    def operation(
        self, request: CreditReportRequestSummary | str | UUID, /
    ) -> Operation[CreditReport]:
        """Return the operation of an earlier request, to wait for its report.

            report = await sikoia.credit_reports.operation(request_id)

        `TooManyResults` is a result too. Waits up to 300 s by default.

        Args:
            request: the request, or its id.

        Raises:
            ArgumentError: the argument is neither a request nor a valid id.
        """
        request_id = _REQUEST.id_of(request)
        return self._api.operation(_OPERATION, (request_id,), _retrieve(request_id))

    async def resolve_picklist(
        self, request: CreditReportRequestSummary | str | UUID, /, picklist_index: CreditMatch | int
    ) -> RequestedOperation[CreditReport]:
        """Choose a company from a picklist (`POST /v2/company-credit-reports/picklist`).

            operation = await sikoia.credit_reports.request(company, company_name="Acme")
            if operation.first.picklist:
                match = operation.first.picklist[0]
                operation = await sikoia.credit_reports.resolve_picklist(operation.first, match)
            report = await operation

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            request: the request whose status is `TooManyResults`, or its id.
            picklist_index: an item of its picklist, or the item's `index`.

        Returns:
            The operation of a new request, with its own `request_id`; awaiting it gives the report.

        Raises:
            ArgumentError: the request, the item or the index is not valid.
            InvalidRequestError: the request does not exist, or its picklist has no such item.
            InsufficientPermissionsError: no credits left, or reports are not enabled for you.
        """
        first = await self._api.buy(
            "/v2/company-credit-reports/picklist",
            CreditReport,
            body={
                "request_id": _REQUEST.id_of(request),
                "picklist_index": validate_choice(picklist_index),
            },
        )
        return self._requested(first)

    def _requested(self, first: CreditReport) -> RequestedOperation[CreditReport]:
        request_id = first.request_id
        report = with_resolver(first, self.resolve_picklist)
        return self._api.requested(_OPERATION, (request_id,), _retrieve(request_id), report)


def _retrieve(request_id: str) -> Callable[[Api], Awaitable[CreditReport]]:
    return lambda api: CreditReports(api).retrieve(request_id)


_COMPANY: Final = Subject("company", "company_id", Company)
_REQUEST: Final = Subject("request", "request_id", CreditReportRequestSummary)
_OPERATION = OperationKind(
    name="credit-report",
    done=frozenset({"Complete", "TooManyResults"}),
    retrieved=frozenset({"Complete"}),
    running=frozenset(),
    opener=lambda api, ids: CreditReports(api).operation(*ids),
)
OPERATION_KINDS = (_OPERATION,)
