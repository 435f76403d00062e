"""The table of the API's operations: method, path, response type, and the method that calls it.

A test compares it with the resources.
"""

from __future__ import annotations

from types import NoneType
from typing import Any, Final

from sikoia_async.models import Items
from sikoia_async.resources.affordability import (
    Affordability,
    AffordabilityReport,
    AffordabilityRequests,
    CategorisedTransactions,
    MonthlyTransactions,
)
from sikoia_async.resources.banking import (
    AccountBalances,
    AccountTransactions,
    BankAccount,
    BankConnection,
    Banking,
)
from sikoia_async.resources.cases import Case, Cases, CaseSummary
from sikoia_async.resources.checks import (
    Check,
    CheckRequests,
    Checks,
    CheckType,
    CompletenessAndIncome,
)
from sikoia_async.resources.company_registry import (
    CompanyRegistry,
    RegistryMatch,
    RegistryReport,
    RegistryRequests,
)
from sikoia_async.resources.credit_reports.requests import (
    CreditReport,
    CreditReportRequests,
    CreditReports,
)
from sikoia_async.resources.data_sources import DataSources, EntityDataSources
from sikoia_async.resources.documents import Document, Documents, IntegrityCheck, IntegrityChecks
from sikoia_async.resources.identity import Identity, IdentityReport, IdentityRequests
from sikoia_async.resources.income import Income
from sikoia_async.resources.income.details import IncomeDetails
from sikoia_async.resources.income.reports import IncomeReport, IncomeRequests
from sikoia_async.resources.online_data import (
    OnlineData,
    OnlineDataReport,
    OnlineDataRequests,
)
from sikoia_async.resources.reports import Reports
from sikoia_async.resources.screening import Screening, ScreeningSearch
from sikoia_async.resources.users import User, Users
from sikoia_async.resources.webhooks import (
    Webhook,
    WebhookEventGroup,
    WebhookRequestsPage,
    Webhooks,
    WebhookSecret,
)

__all__ = ["TABLE"]

TABLE: Final[tuple[tuple[str, str, Any, Any], ...]] = (
    ("POST", "/v2/affordability-insights", AffordabilityReport, Affordability.request),
    (
        "GET",
        "/v2/{entity_type}/{entity_id}/affordability-insights",
        AffordabilityRequests,
        Affordability.list,
    ),
    (
        "GET",
        "/v2/affordability-insights/{request_id}",
        AffordabilityReport,
        Affordability.retrieve,
    ),
    (
        "GET",
        "/v2/affordability-insights/{request_id}/transactions",
        MonthlyTransactions,
        Affordability.monthly_transactions,
    ),
    (
        "GET",
        "/v2/affordability-insights/{request_id}/transaction-details",
        CategorisedTransactions,
        Affordability.transactions,
    ),
    ("POST", "/v2/openbanking", BankConnection, Banking.connect),
    ("GET", "/v2/openbanking/{bank_connection_id}", BankConnection, Banking.connection),
    ("DELETE", "/v2/openbanking/{bank_connection_id}", NoneType, Banking.disconnect),
    (
        "GET",
        "/v2/{entity_type}/{entity_id}/openbanking",
        Items[BankConnection],
        Banking.connections,
    ),
    ("GET", "/v2/bankaccounts/{account_connection_id}", BankAccount, Banking.account),
    ("GET", "/v2/{entity_type}/{entity_id}/bankaccounts", Items[BankAccount], Banking.accounts),
    (
        "GET",
        "/v2/bankaccounts/{account_connection_id}/balances",
        AccountBalances,
        Banking.balances,
    ),
    (
        "GET",
        "/v2/bankaccounts/{account_connection_id}/transactions",
        AccountTransactions,
        Banking.transactions,
    ),
    ("POST", "/v2/bankaccounts/{account_connection_id}/refresh", BankAccount, Banking.refresh),
    ("GET", "/v2/cases", Items[CaseSummary], Cases.list),
    ("POST", "/v2/cases", Case, Cases.create),
    ("GET", "/v2/cases/{case_id}", Case, Cases.retrieve),
    ("PATCH", "/v2/cases/{case_id}", Case, Cases.update),
    ("DELETE", "/v2/cases/{case_id}", NoneType, Cases.delete),
    ("POST", "/v2/cases/{case_id}/entities", Case, Cases.add_entities),
    ("PATCH", "/v2/cases/{case_id}/entities", Case, Cases.update_entities),
    ("POST", "/v2/cases/{case_id}/entities/delete", Case, Cases.remove_entities),
    ("GET", "/v2/validation-checks/validation-types", Items[CheckType], Checks.types),
    ("POST", "/v2/validation-checks", Check, Checks.run),
    ("GET", "/v2/{entity_type}/{entity_id}/validation-checks", CheckRequests, Checks.list),
    ("GET", "/v2/validation-checks/{validation_instance_id}", Check, Checks.retrieve),
    (
        "POST",
        "/v2/completeness-income-checks",
        CompletenessAndIncome,
        Checks.run_with_income,
    ),
    ("POST", "/v2/company-registry-data", RegistryReport, CompanyRegistry.request),
    ("GET", "/v2/companies/{company_id}/registry-data", RegistryRequests, CompanyRegistry.list),
    ("GET", "/v2/company-registry-data/{request_id}", RegistryReport, CompanyRegistry.retrieve),
    (
        "POST",
        "/v2/company-registry-data/picklist",
        RegistryReport,
        CompanyRegistry.resolve_picklist,
    ),
    ("POST", "/v2/company-registry-data/search", Items[RegistryMatch], CompanyRegistry.search),
    ("POST", "/v2/company-credit-reports", CreditReport, CreditReports.request),
    ("GET", "/v2/companies/{company_id}/credit-reports", CreditReportRequests, CreditReports.list),
    ("GET", "/v2/company-credit-reports/{request_id}", CreditReport, CreditReports.retrieve),
    (
        "POST",
        "/v2/company-credit-reports/picklist",
        CreditReport,
        CreditReports.resolve_picklist,
    ),
    (
        "GET",
        "/v2/{entity_type}/{entity_id}/insight-data-sources",
        EntityDataSources,
        DataSources.list,
    ),
    ("POST", "/v2/documents", Document, Documents.upload),
    ("GET", "/v2/documents/{document_id}", Document, Documents.retrieve),
    ("DELETE", "/v2/documents/{document_id}", NoneType, Documents.delete),
    ("GET", "/v2/{entity_type}/{entity_id}/documents", Items[Document], Documents.list),
    (
        "GET",
        "/v2/{entity_type}/{entity_id}/integrity-checks",
        IntegrityChecks,
        Documents.integrity_checks,
    ),
    (
        "GET",
        "/v2/documents/{document_id}/integrity-checks",
        IntegrityCheck,
        Documents.integrity_check,
    ),
    ("POST", "/v2/identity", IdentityReport, Identity.request),
    ("GET", "/v2/persons/{person_id}/identity-verifications", IdentityRequests, Identity.list),
    ("GET", "/v2/identity/{request_id}", IdentityReport, Identity.retrieve),
    ("POST", "/v2/income-employer", IncomeReport, Income.request),
    ("GET", "/v2/{entity_type}/{entity_id}/income-employer", IncomeRequests, Income.list),
    ("GET", "/v2/income-employer/{request_id}", IncomeReport, Income.retrieve),
    ("GET", "/v2/income-employer/{request_id}/additional-details", IncomeDetails, Income.details),
    ("POST", "/v2/company-online-data", OnlineDataReport, OnlineData.request),
    ("GET", "/v2/companies/{company_id}/online-data", OnlineDataRequests, OnlineData.list),
    ("GET", "/v2/company-online-data/{request_id}", OnlineDataReport, OnlineData.retrieve),
    ("GET", "/v2/{entity_type}/{entity_id}/excel-report", bytes, Reports.excel),
    ("POST", "/v2/peps-sanctions", ScreeningSearch, Screening.search_peps_sanctions),
    (
        "GET",
        "/v2/{entity_type}/{entity_id}/peps-sanctions",
        Items[ScreeningSearch],
        Screening.list_peps_sanctions,
    ),
    ("POST", "/v2/adverse-media", ScreeningSearch, Screening.search_adverse_media),
    (
        "GET",
        "/v2/{entity_type}/{entity_id}/adverse-media",
        Items[ScreeningSearch],
        Screening.list_adverse_media,
    ),
    ("GET", "/v2/users", Items[User], Users.list),
    ("POST", "/v2/webhooks", Webhook, Webhooks.create),
    ("GET", "/v2/webhooks", Items[Webhook], Webhooks.list),
    ("GET", "/v2/webhooks/{webhook_id}", Webhook, Webhooks.retrieve),
    ("PATCH", "/v2/webhooks/{webhook_id}", Webhook, Webhooks.update),
    ("DELETE", "/v2/webhooks/{webhook_id}", NoneType, Webhooks.delete),
    ("GET", "/v2/webhooks/event-types", Items[WebhookEventGroup], Webhooks.event_types),
    ("GET", "/v2/webhooks/{webhook_id}/requests", WebhookRequestsPage, Webhooks.log),
    ("GET", "/v2/webhooks/secrets", WebhookSecret, Webhooks.retrieve_secret),
    ("POST", "/v2/webhooks/secrets", WebhookSecret, Webhooks.create_secret),
    ("DELETE", "/v2/webhooks/secrets", NoneType, Webhooks.delete_secret),
    ("PATCH", "/v2/webhooks/secrets/rotate", WebhookSecret, Webhooks.rotate_secret),
)
"""All operations except the one that issues access tokens."""
