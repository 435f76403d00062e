"""Who runs a company and who owns it, as credit reports tell."""

from datetime import date
from decimal import Decimal

import attrs

from sikoia_async.models import PERSONAL, Model
from sikoia_async.resources._picklists import OfficialAddress

__all__ = [
    "CompanyOfficer",
    "CompanyOwner",
    "CompanyParty",
    "CompanyShareholder",
    "Officers",
    "Owners",
    "Party",
    "PersonOfficer",
    "PersonOwner",
    "PersonParty",
    "PersonShareholder",
    "Shareholders",
]


@attrs.frozen(kw_only=True)
class Party(Model):
    """Who runs or owns a company: a person or another company."""

    status: str | None = None
    date_appointed: date | None = None
    date_resigned: date | None = None
    """None while the role is held."""
    address: OfficialAddress | None = None


@attrs.frozen(kw_only=True)
class PersonParty(Party):
    """A person who runs or owns a company."""

    first_name: str | None = attrs.field(default=None, **PERSONAL)
    surname: str | None = attrs.field(default=None, **PERSONAL)
    full_name: str | None = attrs.field(default=None, **PERSONAL)
    date_of_birth: date | None = attrs.field(default=None, **PERSONAL)
    """None where the register shows parts of it only: see the three `birth_` fields."""
    birth_year: int | None = attrs.field(default=None, **PERSONAL)
    birth_month: int | None = attrs.field(default=None, **PERSONAL)
    birth_day: int | None = attrs.field(default=None, **PERSONAL)
    nationality: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class CompanyParty(Party):
    """A company that runs or owns a company."""

    name: str | None = None


@attrs.frozen(kw_only=True)
class PersonOfficer(PersonParty):
    """A person who is an officer, such as a director."""

    officer_role: str | None = None


@attrs.frozen(kw_only=True)
class CompanyOfficer(CompanyParty):
    """A company that is an officer."""

    officer_role: str | None = None


@attrs.frozen(kw_only=True)
class PersonOwner(PersonParty):
    """A person who owns a part of the company."""

    holding_percentage: Decimal | None = None
    holding_percentage_band: str | None = None
    """A range, where the register knows no exact part."""
    voting_percentage: Decimal | None = None
    voting_percentage_band: str | None = None


@attrs.frozen(kw_only=True)
class CompanyOwner(CompanyParty):
    """A company that owns a part of the company."""

    holding_percentage: Decimal | None = None
    holding_percentage_band: str | None = None
    """A range, where the register knows no exact part."""
    voting_percentage: Decimal | None = None
    voting_percentage_band: str | None = None


@attrs.frozen(kw_only=True)
class PersonShareholder(PersonOwner):
    """A person who holds shares."""

    number_of_shares: int | None = None
    share_value: Decimal | None = None
    """In the `currency` of the capital structure. The specification does not say whether this is
    the value of one share or of all."""
    officer_role: str | None = None


@attrs.frozen(kw_only=True)
class CompanyShareholder(CompanyOwner):
    """A company that holds shares."""

    number_of_shares: int | None = None
    share_value: Decimal | None = None
    """As for persons: see `PersonShareholder`."""
    officer_role: str | None = None


@attrs.frozen(kw_only=True)
class Officers(Model):
    """All officers."""

    people: tuple[PersonOfficer, ...] | None = None
    companies: tuple[CompanyOfficer, ...] | None = None


@attrs.frozen(kw_only=True)
class Owners(Model):
    """All owners."""

    people: tuple[PersonOwner, ...] | None = None
    companies: tuple[CompanyOwner, ...] | None = None


@attrs.frozen(kw_only=True)
class Shareholders(Model):
    """All shareholders."""

    people: tuple[PersonShareholder, ...] | None = None
    companies: tuple[CompanyShareholder, ...] | None = None
