"""A company's online presence: website, phone numbers, email addresses and accounts.

Source: the operation named in each method.
"""

from datetime import datetime
from typing import Literal

import attrs

from sikoia_async._validation import validate_id, validate_strings
from sikoia_async.models import PERSONAL, EntityType, Model, Open
from sikoia_async.resources._resource import Resource

__all__ = [
    "OnlineAccount",
    "OnlineContacts",
    "OnlineData",
    "OnlineDataReport",
    "OnlineDataRequest",
    "OnlineDataRequestStatus",
    "OnlineDataRequestSummary",
    "OnlineDataRequests",
    "OnlineEmail",
    "OnlinePhone",
]

OnlineDataRequestStatus = Literal["Complete", "Failed"]


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
class OnlineDataRequest(OnlineDataRequestSummary):
    """A request for online data, without the data.

    `online_data.retrieve(request_id)` returns the data.
    """

    company_id: str | None = None
    entity_type: Open[EntityType] | None = None


@attrs.frozen(kw_only=True)
class OnlineDataReport(OnlineDataRequestSummary):
    """A request for online data with the data."""

    company_id: str | None = None
    data: OnlineContacts | None = None
    """None unless the status is `Complete`."""


@attrs.frozen(kw_only=True)
class OnlineDataRequests(Model):
    """All requests for a company's online data."""

    company_id: str | None = None
    online_data_requests: tuple[OnlineDataRequestSummary, ...] | None = None


class OnlineData(Resource):
    """The online presence of companies, as `sikoia.online_data`."""

    async def request(
        self, company_id: str, *, company_name: str | None = None
    ) -> OnlineDataRequest:
        """Search for a company online (`POST /v2/company-online-data`).

        Sikoia has finished when it responds; `retrieve` returns the data.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            company_id: the company in a case to store the data with.
            company_name: the name to search for; the company's own by default.

        Returns:
            The request, without the data.

        Raises:
            InvalidRequestError: the company does not exist.
            UnprocessableRequestError: the company lacks details that the search needs.
        """
        return await self._api.buy(
            "/v2/company-online-data",
            OnlineDataRequest,
            body={
                "company_id": validate_id("company_id", company_id),
                **validate_strings(company_name=company_name),
            },
        )

    async def list(self, company_id: str) -> OnlineDataRequests:
        """List the requests for a company (`GET /v2/companies/{company_id}/online-data`).

        Raises:
            ResourceNotFoundError: the company does not exist.
        """
        return await self._api.get(
            "/v2/companies/{company_id}/online-data", OnlineDataRequests, company_id=company_id
        )

    async def retrieve(self, request_id: str) -> OnlineDataReport:
        """Return a request with its data (`GET /v2/company-online-data/{request_id}`).

        Raises:
            ResourceNotFoundError: the request does not exist.
        """
        return await self._api.get(
            "/v2/company-online-data/{request_id}", OnlineDataReport, request_id=request_id
        )
