"""Which chargeable operations Sikoia lists, so that one whose response was lost can be found again.

There are three classes of chargeable operations:

- `listed`: a list shows what was requested for a company, a person or an entity.
- `unlisted`: nothing shows whether a request was made.
- `keyed`: any operation, if the client knows the header for idempotency keys.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from sikoia_async.models import Entity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sikoia_async._calls.api import Api
    from sikoia_async.models import Items

__all__ = [
    "LISTED",
    "UNLISTED",
    "Listed",
    "can_fetch",
    "fetch",
    "listing",
    "operation_kind",
    "purchase_ids",
]


@attrs.frozen(kw_only=True)
class Listed:
    """A chargeable operation whose requests Sikoia lists."""

    by: Literal["company", "person", "entity"] = "entity"
    """What the list is of."""
    method: str = "list"
    """The method that lists the requests."""
    has_result: bool = False
    """Whether the list shows the whole result, so that there is nothing to retrieve."""
    compared: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Fields of the request's body, and the fields of the list that show them."""

    def subject(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the ids of what the request with this body is about."""
        if self.by == "entity":
            return body["entity_type"], body["entity_id"]
        return (body[f"{self.by}_id"],)


_COMPANY: Final = {name: name for name in ("company_number", "company_name", "country_code")}
_SEARCH: Final = {"search_term": "search_term", "monitored": "monitored", "birth_date": "birthdate"}

LISTED: Final[Mapping[str, Listed]] = {
    "affordability.request": Listed(),
    "company_registry.request": Listed(by="company", compared=_COMPANY),
    "credit_reports.request": Listed(
        by="company", compared={**_COMPANY, "provider_id": "provider_id"}
    ),
    "identity.request": Listed(by="person"),
    "income.request": Listed(),
    "online_data.request": Listed(by="company", compared={"company_name": "company_name"}),
    "screening.search_adverse_media": Listed(
        method="list_adverse_media", has_result=True, compared=_SEARCH
    ),
    "screening.search_peps_sanctions": Listed(
        method="list_peps_sanctions", has_result=True, compared=_SEARCH
    ),
}
"""Chargeable operations that can be found again, by name."""

UNLISTED: Final[Mapping[str, str]] = {
    "checks.run_with_income": "no list shows which check and which verification belong together",
    "company_registry.resolve_picklist": "no list shows which picklist a request has resolved",
    "company_registry.search": "Sikoia does not list searches",
    "credit_reports.resolve_picklist": "no list shows which picklist a request has resolved",
    "reports.excel": "the API does not list workbooks",
}
"""Chargeable operations that cannot be found again, by name, and why."""

_RESOURCES: Final = {
    "affordability": ("affordability", "Affordability"),
    "checks": ("checks", "Checks"),
    "company_registry": ("company_registry", "CompanyRegistry"),
    "credit_reports": ("credit_reports.requests", "CreditReports"),
    "identity": ("identity", "Identity"),
    "income": ("income", "Income"),
    "online_data": ("online_data", "OnlineData"),
    "screening": ("screening", "Screening"),
}
_CHECK_WITH_INCOME: Final = "checks.run_with_income"
_KINDS: Final = {
    "affordability.request": "affordability",
    "company_registry.request": "company-registry",
    "company_registry.resolve_picklist": "company-registry",
    "credit_reports.request": "credit-report",
    "credit_reports.resolve_picklist": "credit-report",
    "identity.request": "identity",
    "income.request": "income",
    "online_data.request": "online-data",
}


def operation_kind(operation: str) -> str | None:
    """Return the kind of `Operation` that a chargeable request begins; None if it begins none."""
    return _KINDS.get(operation)


def purchase_ids(operation: str, result: Any) -> str | None:
    """Return what the result of a chargeable request can be fetched by later; None if by nothing.

    For a check with an income verification, these are two ids with a space between them.
    """
    if operation == _CHECK_WITH_INCOME:
        check, income = result.completeness_verification, result.income_verification
        ids = (check and check.validation_instance_id, income and income.request_id)
        return " ".join(filter(None, ids)) or None
    if operation in LISTED or operation in _KINDS:
        request_id: str = result.request_id
        return request_id
    return None


def can_fetch(operation: str) -> bool:
    """Return whether the result of a chargeable request can be fetched later, as a model."""
    return operation in LISTED or operation in _KINDS or operation == _CHECK_WITH_INCOME


async def listing(api: Api, operation: str, subject: Sequence[str]) -> Items[Any]:
    """Return the requests that Sikoia lists for a subject; one free GET.

    Args:
        api: makes the calls of the client.
        operation: one of `LISTED`.
        subject: what `Listed.subject` returned.
    """
    listed = LISTED[operation]
    of: Any = subject[0]
    if listed.by == "entity":
        kind: Any = subject[0]
        of = Entity(kind, subject[1])
    requests: Items[Any] = await getattr(_resource(api, operation), listed.method)(of)
    return requests


async def fetch(api: Api, operation: str, subject: Sequence[str], ids: str) -> Any:
    """Return the result of an earlier request; free. None if Sikoia does not have it any more.

    Args:
        api: makes the calls of the client.
        operation: the operation that was requested.
        subject: what `Listed.subject` returned; empty if the operation is not listed.
        ids: what `purchase_ids` returned.
    """
    if operation == _CHECK_WITH_INCOME:
        return await _check_with_income(api, *ids.split(" "))
    if operation in LISTED and LISTED[operation].has_result:
        found = (one for one in await listing(api, operation, subject) if one.request_id == ids)
        return next(found, None)
    return await _resource(api, operation).retrieve(ids)


async def _check_with_income(api: Api, check_id: str, income_id: str | None = None) -> Any:
    from sikoia_async.resources.checks import CompletenessAndIncome  # noqa: PLC0415 - if needed
    from sikoia_async.resources.income import Income  # noqa: PLC0415

    check = await _resource(api, _CHECK_WITH_INCOME).retrieve(check_id)
    income = await Income(api).retrieve(income_id) if income_id else None
    return CompletenessAndIncome(completness_verification=check, income_verification=income)


def _resource(api: Api, operation: str) -> Any:
    module, name = _RESOURCES[operation.partition(".")[0]]
    return getattr(import_module(f"sikoia_async.resources.{module}"), name)(api)
