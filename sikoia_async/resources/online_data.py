"""A company's online presence: website, phone numbers, email addresses and accounts.

Source: the operation named in each method.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._validation import validate_strings
from sikoia_async.models import PERSONAL, EntityType, Items, Model, Open
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation, RequestedOperation
from sikoia_async.resources._latest import newest
from sikoia_async.resources._resource import Resource
from sikoia_async.resources._subjects import Subject
from sikoia_async.resources.cases import Company

__all__ = [
    "OnlineAccount",
    "OnlineContacts",
    "OnlineData",
    "OnlineDataReport",
    "OnlineDataRequestStatus",
    "OnlineDataRequestSummary",
    "OnlineEmail",
    "OnlinePhone",
]

OnlineDataRequestStatus = Literal["Complete", "Failed"]
"""The status of a request: `Complete` or `Failed`."""


@attrs.frozen(kw_only=True)
class OnlinePhone(Model):
    """A phone number of the company."""

    number_type: str | None = None
    """Such as `Work`."""
    date_from: datetime | None = None
    date_to: datetime | None = None
    """When it went out of use."""
    country_code: str | None = None
    full_number: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class OnlineEmail(Model):
    """An email address of the company."""

    email_type: str | None = None
    """Such as `Work`."""
    date_from: datetime | None = None
    date_to: datetime | None = None
    """When it went out of use."""
    email_address: str | None = attrs.field(default=None, **PERSONAL)
    email_domain: str | None = None


@attrs.frozen(kw_only=True)
class OnlineAccount(Model):
    """An account of the company on a social network or similar service."""

    provider_name: str | None = None
    provider_url: str | None = None
    account_name: str | None = attrs.field(default=None, **PERSONAL)
    account_url: str | None = attrs.field(default=None, **PERSONAL)
    date_from: datetime | None = None
    date_to: datetime | None = None
    """When it was closed."""


@attrs.frozen(kw_only=True)
class OnlineContacts(Model):
    """The company's website, phone numbers, email addresses and online accounts."""

    website_url: str | None = None
    phones: tuple[OnlinePhone, ...] | None = None
    emails: tuple[OnlineEmail, ...] | None = None
    online_accounts: tuple[OnlineAccount, ...] | None = None


@attrs.frozen(kw_only=True)
class OnlineDataRequestSummary(Model):
    """A request for online data as it appears in lists."""

    request_id: str
    status: Open[OnlineDataRequestStatus] | None = None
    """With `Failed`, `message` gives the reason."""
    datetime_requested: datetime | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)
    company_name: str | None = None


@attrs.frozen(kw_only=True)
class OnlineDataReport(OnlineDataRequestSummary):
    """A request for online data with the data."""

    company_id: str | None = None
    entity_type: Open[EntityType] | None = None
    """Only in the response to a request."""
    data: OnlineContacts | None = None
    """None unless the status is `Complete`, and in the response to a request."""


@attrs.frozen(kw_only=True)
class OnlineDataRequests(Model):
    """The response of `list`."""

    company_id: str | None = None
    online_data_requests: tuple[OnlineDataRequestSummary, ...] | None = None


class OnlineData(Resource):
    """The online presence of companies, as `sikoia.online_data`."""

    async def request(
        self, company: Company | str | UUID, /, *, company_name: str | None = None
    ) -> RequestedOperation[OnlineDataReport]:
        """Search for a company online (`POST /v2/company-online-data`).

            report = await (await sikoia.online_data.request(company))

        Sikoia has usually finished when it responds, and awaiting the operation retrieves the
        data. Waits up to 300 s by default.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            company: the company in a case to store the data with, or its id.
            company_name: the name to search for; the company's own by default.

        Returns:
            The operation; awaiting it gives the report.

        Raises:
            ArgumentError: an argument is not valid.
            InvalidRequestError: the company does not exist.
            UnprocessableRequestError: the company lacks details that the search needs.
        """
        first = await self._api.buy(
            "/v2/company-online-data",
            OnlineDataReport,
            body={
                "company_id": _COMPANY.id_of(company),
                **validate_strings(company_name=company_name),
            },
        )
        return self._api.requested(
            _OPERATION, (first.request_id,), _retrieve(first.request_id), first
        )

    def operation(
        self, request: OnlineDataRequestSummary | str | UUID, /
    ) -> Operation[OnlineDataReport]:
        """Return the operation of an earlier request, to wait for its data.

            report = await sikoia.online_data.operation(request_id)

        Args:
            request: the request, or its id.

        Raises:
            ArgumentError: the argument is neither a request nor a valid id.
        """
        request_id = _REQUEST.id_of(request)
        return self._api.operation(_OPERATION, (request_id,), _retrieve(request_id))

    async def latest(self, company: Company | str | UUID, /) -> OnlineDataReport | None:
        """Return the newest complete report that you have already bought for a company.

            report = await sikoia.online_data.latest(company)

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

    async def list(self, company: Company | str | UUID, /) -> Items[OnlineDataRequestSummary]:
        """List the requests for a company (`GET /v2/companies/{company_id}/online-data`).

            requests = await sikoia.online_data.list(company)

        Args:
            company: the company, or its id.

        Raises:
            ArgumentError: the argument is neither a company nor a valid id.
            ResourceNotFoundError: the company does not exist.
        """
        return await self._api.items(
            "/v2/companies/{company_id}/online-data",
            OnlineDataRequests,
            lambda response: response.online_data_requests,
            company_id=_COMPANY.id_of(company),
        )

    async def retrieve(self, request: OnlineDataRequestSummary | str | UUID, /) -> OnlineDataReport:
        """Return a request with its data (`GET /v2/company-online-data/{request_id}`).

            report = await sikoia.online_data.retrieve(request_id)

        Args:
            request: the request, or its id.

        Raises:
            ArgumentError: the argument is neither a request nor a valid id.
            ResourceNotFoundError: the request does not exist.
        """
        return await self._api.get(
            "/v2/company-online-data/{request_id}",
            OnlineDataReport,
            request_id=_REQUEST.id_of(request),
        )


def _retrieve(request_id: str) -> Callable[[Api], Awaitable[OnlineDataReport]]:
    return lambda api: OnlineData(api).retrieve(request_id)


_COMPANY: Final = Subject("company", "company_id", Company)
_REQUEST: Final = Subject("request", "request_id", OnlineDataRequestSummary)
_OPERATION = OperationKind(
    name="online-data",
    retrieved=frozenset({"Complete"}),
    running=frozenset(),
    opener=lambda api, ids: OnlineData(api).operation(*ids),
)
OPERATION_KINDS = (_OPERATION,)
