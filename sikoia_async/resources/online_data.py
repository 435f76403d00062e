"""How a company can be found online: its website, phones, emails and accounts.

Source: the operations named in each method.
"""

from datetime import datetime
from typing import Literal

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._validation import validate_id, validate_strings
from sikoia_async.models import PERSONAL, EntityType, Model, Open

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
    """When it was given up."""
    country_code: str | None = None
    full_number: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class OnlineEmail(Model):
    """A mail address of the company."""

    email_type: str | None = None
    """Such as `Work`."""
    date_from: datetime | None = None
    date_to: datetime | None = None
    """When it was given up."""
    email_address: str | None = attrs.field(default=None, **PERSONAL)
    email_domain: str | None = None


@attrs.frozen(kw_only=True)
class OnlineAccount(Model):
    """An account of the company with a social network or the like."""

    provider_name: str | None = None
    provider_url: str | None = None
    account_name: str | None = attrs.field(default=None, **PERSONAL)
    account_url: str | None = attrs.field(default=None, **PERSONAL)
    date_from: datetime | None = None
    date_to: datetime | None = None
    """When it was closed."""


@attrs.frozen(kw_only=True)
class OnlineContacts(Model):
    """Where the company can be found online."""

    website_url: str | None = None
    phones: tuple[OnlinePhone, ...] | None = None
    emails: tuple[OnlineEmail, ...] | None = None
    online_accounts: tuple[OnlineAccount, ...] | None = None


@attrs.frozen(kw_only=True)
class OnlineDataRequestSummary(Model):
    """A request for online data, as lists show it."""

    request_id: str
    status: Open[OnlineDataRequestStatus] | None = None
    """`Failed` is a result as well: `message` says why."""
    datetime_requested: datetime | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)
    company_name: str | None = None


@attrs.frozen(kw_only=True)
class OnlineDataRequest(OnlineDataRequestSummary):
    """A request for online data, as it is answered."""

    company_id: str | None = None
    entity_type: Open[EntityType] | None = None


@attrs.frozen(kw_only=True)
class OnlineDataReport(OnlineDataRequestSummary):
    """A request for online data, with the data."""

    company_id: str | None = None
    data: OnlineContacts | None = None
    """None unless the status is `Complete`."""


@attrs.frozen(kw_only=True)
class OnlineDataRequests(Model):
    """The requests for online data of a company."""

    company_id: str | None = None
    online_data_requests: tuple[OnlineDataRequestSummary, ...] | None = None


@attrs.frozen
class OnlineData:
    """`sikoia.online_data`."""

    _api: Api

    async def request(
        self, company_id: str, *, company_name: str | None = None
    ) -> OnlineDataRequest:
        """Look for a company online (`POST /v2/company-online-data`).

        The work is done when the answer comes; `retrieve` gives the data. May cost credits: it is
        never sent twice on our own initiative.

        Args:
            company_id: the company of a case that the data is kept with.
            company_name: the name to look for; the company's own if left out.

        Raises:
            InvalidRequestError: there is no such company.
            UnprocessableRequestError: the company lacks what is needed to look for it.
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
        """Return a company's requests (`GET /v2/companies/{company_id}/online-data`).

        Raises:
            ResourceNotFoundError: there is no such company.
        """
        return await self._api.get(
            "/v2/companies/{company_id}/online-data", OnlineDataRequests, company_id=company_id
        )

    async def retrieve(self, request_id: str) -> OnlineDataReport:
        """Return a request with its data (`GET /v2/company-online-data/{request_id}`).

        Raises:
            ResourceNotFoundError: there is no such request.
        """
        return await self._api.get(
            "/v2/company-online-data/{request_id}", OnlineDataReport, request_id=request_id
        )
