"""The operations of Sikoia's API: one table, by the method of this SDK that calls each."""

from __future__ import annotations

from typing import Final, NamedTuple

from sikoia_async._logging import without_ids

__all__ = ["OPERATIONS", "ApiOperation", "operation_name"]


class ApiOperation(NamedTuple):
    """An operation of Sikoia's API."""

    name: str
    """Resource and method that call it, such as `identity.request`."""
    method: str
    path: str
    """The path as a template."""
    may_cost: bool = False
    """Whether a call may cost credits or money."""


OPERATIONS: Final = (
    ApiOperation("affordability.request", "POST", "/v2/affordability-insights", may_cost=True),
    ApiOperation(
        "affordability.list", "GET", "/v2/{entity_type}/{entity_id}/affordability-insights"
    ),
    ApiOperation("affordability.retrieve", "GET", "/v2/affordability-insights/{request_id}"),
    ApiOperation(
        "affordability.monthly_transactions",
        "GET",
        "/v2/affordability-insights/{request_id}/transactions",
    ),
    ApiOperation(
        "affordability.transactions",
        "GET",
        "/v2/affordability-insights/{request_id}/transaction-details",
    ),
    ApiOperation("banking.connect", "POST", "/v2/openbanking"),
    ApiOperation("banking.connection", "GET", "/v2/openbanking/{bank_connection_id}"),
    ApiOperation("banking.disconnect", "DELETE", "/v2/openbanking/{bank_connection_id}"),
    ApiOperation("banking.connections", "GET", "/v2/{entity_type}/{entity_id}/openbanking"),
    ApiOperation("banking.account", "GET", "/v2/bankaccounts/{account_connection_id}"),
    ApiOperation("banking.accounts", "GET", "/v2/{entity_type}/{entity_id}/bankaccounts"),
    ApiOperation("banking.balances", "GET", "/v2/bankaccounts/{account_connection_id}/balances"),
    ApiOperation(
        "banking.transactions", "GET", "/v2/bankaccounts/{account_connection_id}/transactions"
    ),
    ApiOperation("banking.refresh", "POST", "/v2/bankaccounts/{account_connection_id}/refresh"),
    ApiOperation("cases.list", "GET", "/v2/cases"),
    ApiOperation("cases.create", "POST", "/v2/cases"),
    ApiOperation("cases.retrieve", "GET", "/v2/cases/{case_id}"),
    ApiOperation("cases.update", "PATCH", "/v2/cases/{case_id}"),
    ApiOperation("cases.delete", "DELETE", "/v2/cases/{case_id}"),
    ApiOperation("cases.add_entities", "POST", "/v2/cases/{case_id}/entities"),
    ApiOperation("cases.update_entities", "PATCH", "/v2/cases/{case_id}/entities"),
    ApiOperation("cases.remove_entities", "POST", "/v2/cases/{case_id}/entities/delete"),
    ApiOperation("checks.types", "GET", "/v2/validation-checks/validation-types"),
    ApiOperation("checks.run", "POST", "/v2/validation-checks"),
    ApiOperation("checks.list", "GET", "/v2/{entity_type}/{entity_id}/validation-checks"),
    ApiOperation("checks.retrieve", "GET", "/v2/validation-checks/{validation_instance_id}"),
    ApiOperation("checks.run_with_income", "POST", "/v2/completeness-income-checks", may_cost=True),
    ApiOperation("company_registry.request", "POST", "/v2/company-registry-data", may_cost=True),
    ApiOperation("company_registry.list", "GET", "/v2/companies/{company_id}/registry-data"),
    ApiOperation("company_registry.retrieve", "GET", "/v2/company-registry-data/{request_id}"),
    ApiOperation(
        "company_registry.resolve_picklist",
        "POST",
        "/v2/company-registry-data/picklist",
        may_cost=True,
    ),
    ApiOperation(
        "company_registry.search", "POST", "/v2/company-registry-data/search", may_cost=True
    ),
    ApiOperation("credit_reports.request", "POST", "/v2/company-credit-reports", may_cost=True),
    ApiOperation("credit_reports.list", "GET", "/v2/companies/{company_id}/credit-reports"),
    ApiOperation("credit_reports.retrieve", "GET", "/v2/company-credit-reports/{request_id}"),
    ApiOperation(
        "credit_reports.resolve_picklist",
        "POST",
        "/v2/company-credit-reports/picklist",
        may_cost=True,
    ),
    ApiOperation("data_sources.list", "GET", "/v2/{entity_type}/{entity_id}/insight-data-sources"),
    ApiOperation("documents.upload", "POST", "/v2/documents"),
    ApiOperation("documents.retrieve", "GET", "/v2/documents/{document_id}"),
    ApiOperation("documents.delete", "DELETE", "/v2/documents/{document_id}"),
    ApiOperation("documents.list", "GET", "/v2/{entity_type}/{entity_id}/documents"),
    ApiOperation(
        "documents.integrity_checks", "GET", "/v2/{entity_type}/{entity_id}/integrity-checks"
    ),
    ApiOperation(
        "documents.integrity_check", "GET", "/v2/documents/{document_id}/integrity-checks"
    ),
    ApiOperation("identity.request", "POST", "/v2/identity", may_cost=True),
    ApiOperation("identity.list", "GET", "/v2/persons/{person_id}/identity-verifications"),
    ApiOperation("identity.retrieve", "GET", "/v2/identity/{request_id}"),
    ApiOperation("income.request", "POST", "/v2/income-employer", may_cost=True),
    ApiOperation("income.list", "GET", "/v2/{entity_type}/{entity_id}/income-employer"),
    ApiOperation("income.retrieve", "GET", "/v2/income-employer/{request_id}"),
    ApiOperation("income.details", "GET", "/v2/income-employer/{request_id}/additional-details"),
    ApiOperation("online_data.request", "POST", "/v2/company-online-data", may_cost=True),
    ApiOperation("online_data.list", "GET", "/v2/companies/{company_id}/online-data"),
    ApiOperation("online_data.retrieve", "GET", "/v2/company-online-data/{request_id}"),
    ApiOperation(
        "reports.excel", "GET", "/v2/{entity_type}/{entity_id}/excel-report", may_cost=True
    ),
    ApiOperation("screening.search_peps_sanctions", "POST", "/v2/peps-sanctions", may_cost=True),
    ApiOperation(
        "screening.list_peps_sanctions", "GET", "/v2/{entity_type}/{entity_id}/peps-sanctions"
    ),
    ApiOperation("screening.search_adverse_media", "POST", "/v2/adverse-media", may_cost=True),
    ApiOperation(
        "screening.list_adverse_media", "GET", "/v2/{entity_type}/{entity_id}/adverse-media"
    ),
    ApiOperation("users.list", "GET", "/v2/users"),
    ApiOperation("webhooks.create", "POST", "/v2/webhooks"),
    ApiOperation("webhooks.list", "GET", "/v2/webhooks"),
    ApiOperation("webhooks.retrieve", "GET", "/v2/webhooks/{webhook_id}"),
    ApiOperation("webhooks.update", "PATCH", "/v2/webhooks/{webhook_id}"),
    ApiOperation("webhooks.delete", "DELETE", "/v2/webhooks/{webhook_id}"),
    ApiOperation("webhooks.event_types", "GET", "/v2/webhooks/event-types"),
    ApiOperation("webhooks.log", "GET", "/v2/webhooks/{webhook_id}/requests"),
    ApiOperation("webhooks.retrieve_secret", "GET", "/v2/webhooks/secrets"),
    ApiOperation("webhooks.create_secret", "POST", "/v2/webhooks/secrets"),
    ApiOperation("webhooks.delete_secret", "DELETE", "/v2/webhooks/secrets"),
    ApiOperation("webhooks.rotate_secret", "PATCH", "/v2/webhooks/secrets/rotate"),
)

_NAMES: Final = {(one.method, one.path): one.name for one in OPERATIONS}


def operation_name(method: str, path: str) -> str:
    """Return the name of an operation, or method and path of one that this SDK does not know.

    Args:
        method: the HTTP method.
        path: a path template, or a path, whose ids are not repeated.
    """
    return _NAMES.get((method, path)) or f"{method} {without_ids(path)}"
