"""How creditworthy a company is: ratings, limits, comments, judgments and bad debts."""

import datetime as dt
from decimal import Decimal

import attrs

from sikoia_async.models import Model

__all__ = ["BadDebt", "Commentary", "CreditLimit", "CreditRating", "Judgment", "Rating"]


@attrs.frozen(kw_only=True)
class Rating(Model):
    """A rating on a day: on the scale that all countries share, and on the country's own."""

    international_credit_rating: str | None = None
    international_credit_rating_description: str | None = None
    local_credit_rating: str | None = None
    local_credit_rating_description: str | None = None
    rating_date: dt.date | None = None


@attrs.frozen(kw_only=True)
class CreditLimit(Model):
    """The credit limit from a day on."""

    date: dt.date | None = None
    value: Decimal | None = None
    currency: str | None = None


@attrs.frozen(kw_only=True)
class CreditRating(Rating):
    """The present rating and credit limit, and the past ones."""

    probability_of_default: Decimal | None = None
    """The specification does not say whether it is a fraction or in percent."""
    national_percentile: Decimal | None = None
    credit_limit: Decimal | None = None
    credit_limit_currency: str | None = None
    credit_rating_history: tuple[Rating, ...] | None = None
    credit_limit_history: tuple[CreditLimit, ...] | None = None


@attrs.frozen(kw_only=True)
class Commentary(Model):
    """A sentence on the company, and whether it is good news."""

    commentary: str | None = None
    sentiment: str | None = None


@attrs.frozen(kw_only=True)
class Judgment(Model):
    """A judgment of a court against the company."""

    date: dt.date | None = None
    type: str | None = None
    court_name: str | None = None
    amount: Decimal | None = None
    reference_number: str | None = None
    currency: str | None = None
    status: str | None = None


@attrs.frozen(kw_only=True)
class BadDebt(Model):
    """A debt that was not paid.

    The specification does not say whether the company named here owes it or is owed it.
    """

    date: dt.date | None = None
    company_number: str | None = None
    company_name: str | None = None
    currency: str | None = None
    amount: Decimal | None = None
