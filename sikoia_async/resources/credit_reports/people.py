"""CreditOfficers, owners and shareholders in credit reports."""

from datetime import date
from decimal import Decimal

import attrs

from sikoia_async.models import PERSONAL, Model
from sikoia_async.resources._picklists import OfficialAddress

__all__ = [
    "CompanyParty",
    "CompanyShareholder",
    "CreditCompanyOfficer",
    "CreditCompanyOwner",
    "CreditOfficers",
    "CreditOwners",
    "CreditPersonOfficer",
    "CreditPersonOwner",
    "Party",
    "PersonParty",
    "PersonShareholder",
    "Shareholders",
]


@attrs.frozen(kw_only=True)
class Party(Model):
    """A person or company that runs or owns the company."""

    status: str | None = None
    date_appointed: date | None = None
    date_resigned: date | None = None
    """None while the party holds the role."""
    address: OfficialAddress | None = None


@attrs.frozen(kw_only=True)
class PersonParty(Party):
    """A person who runs or owns the company."""

    first_name: str | None = attrs.field(default=None, **PERSONAL)
    surname: str | None = attrs.field(default=None, **PERSONAL)
    full_name: str | None = attrs.field(default=None, **PERSONAL)
    date_of_birth: date | None = attrs.field(default=None, **PERSONAL)
    """None if the register gives only a part of it: see the three `birth_` fields."""
    birth_year: int | None = attrs.field(default=None, **PERSONAL)
    birth_month: int | None = attrs.field(default=None, **PERSONAL)
    birth_day: int | None = attrs.field(default=None, **PERSONAL)
    nationality: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class CompanyParty(Party):
    """A company that runs or owns the company."""

    name: str | None = None


@attrs.frozen(kw_only=True)
class CreditPersonOfficer(PersonParty):
    """A person who is an officer, such as a director."""

    officer_role: str | None = None


@attrs.frozen(kw_only=True)
class CreditCompanyOfficer(CompanyParty):
    """A company that is an officer."""

    officer_role: str | None = None


@attrs.frozen(kw_only=True)
class CreditPersonOwner(PersonParty):
    """A person who owns part of the company."""

    holding_percentage: Decimal | None = None
    holding_percentage_band: str | None = None
    """A range, if the register gives no exact percentage."""
    voting_percentage: Decimal | None = None
    voting_percentage_band: str | None = None


@attrs.frozen(kw_only=True)
class CreditCompanyOwner(CompanyParty):
    """A company that owns part of the company."""

    holding_percentage: Decimal | None = None
    holding_percentage_band: str | None = None
    """A range, if the register gives no exact percentage."""
    voting_percentage: Decimal | None = None
    voting_percentage_band: str | None = None


@attrs.frozen(kw_only=True)
class PersonShareholder(CreditPersonOwner):
    """A person who holds shares."""

    number_of_shares: int | None = None
    share_value: Decimal | None = None
    """In the `currency` of the capital structure. The specification does not say whether it is the
    value of one share or of all."""
    officer_role: str | None = None


@attrs.frozen(kw_only=True)
class CompanyShareholder(CreditCompanyOwner):
    """A company that holds shares."""

    number_of_shares: int | None = None
    share_value: Decimal | None = None
    """As for `PersonShareholder`."""
    officer_role: str | None = None


@attrs.frozen(kw_only=True)
class CreditOfficers(Model):
    """The officers of the company."""

    people: tuple[CreditPersonOfficer, ...] | None = None
    companies: tuple[CreditCompanyOfficer, ...] | None = None


@attrs.frozen(kw_only=True)
class CreditOwners(Model):
    """The owners of the company."""

    people: tuple[CreditPersonOwner, ...] | None = None
    companies: tuple[CreditCompanyOwner, ...] | None = None


@attrs.frozen(kw_only=True)
class Shareholders(Model):
    """The shareholders of the company."""

    people: tuple[PersonShareholder, ...] | None = None
    companies: tuple[CompanyShareholder, ...] | None = None
