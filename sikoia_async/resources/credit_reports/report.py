"""The content of a credit report."""

from datetime import date
from decimal import Decimal

import attrs

from sikoia_async.models import Model
from sikoia_async.resources._picklists import OfficialAddress
from sikoia_async.resources.credit_reports.financials import FinancialStatements
from sikoia_async.resources.credit_reports.people import CreditOfficers, CreditOwners, Shareholders
from sikoia_async.resources.credit_reports.ratings import (
    BadDebt,
    Commentary,
    CreditRating,
    Judgment,
)

__all__ = ["CapitalStructure", "CompanyInformation", "CreditIndustryCode", "CreditReportData"]


@attrs.frozen(kw_only=True)
class CompanyInformation(Model):
    """The company's entry in its register."""

    company_number: str | None = None
    company_name: str | None = None
    country_code: str | None = None
    status: str | None = None
    date_established: date | None = None
    date_dissolved: date | None = None
    generic_legal_form: str | None = None
    """`registry_legal_form` in terms that are the same for all countries."""
    registry_legal_form: str | None = None
    vat_number: str | None = None
    official_address: OfficialAddress | None = None


@attrs.frozen(kw_only=True)
class CreditIndustryCode(Model):
    """The company's industry."""

    code: str | None = None
    description: str | None = None
    classification: str | None = None
    """The classification system that the code belongs to."""


@attrs.frozen(kw_only=True)
class CapitalStructure(Model):
    """The company's share capital and shareholders."""

    currency: str | None = None
    nominal_capital: Decimal | None = None
    issued_capital: Decimal | None = None
    number_of_shares: int | None = None
    shareholders: Shareholders | None = None


@attrs.frozen(kw_only=True)
class CreditReportData(Model):
    """The credit report on a company."""

    company_information: CompanyInformation | None = None
    industry_codes: tuple[CreditIndustryCode, ...] | None = None
    credit_rating: CreditRating | None = None
    officers: CreditOfficers | None = None
    owners: CreditOwners | None = None
    commentaries: tuple[Commentary, ...] | None = None
    capital_structure: CapitalStructure | None = None
    judgments: tuple[Judgment, ...] | None = None
    bad_debts: tuple[BadDebt, ...] | None = None
    financial_statements: FinancialStatements | None = None
