"""Creditworthiness in credit reports: ratings, limits, commentaries, judgments and bad debts."""

import datetime as dt
from decimal import Decimal

import attrs

from sikoia_async.models import Model

__all__ = ["BadDebt", "Commentary", "CreditLimit", "CreditRating", "Judgment", "Rating"]


@attrs.frozen(kw_only=True)
class Rating(Model):
    """A rating on a given day, on the international scale and on the country's own."""

    international_credit_rating: str | None = None
    international_credit_rating_description: str | None = None
    local_credit_rating: str | None = None
    local_credit_rating_description: str | None = None
    rating_date: dt.date | None = None


@attrs.frozen(kw_only=True)
class CreditLimit(Model):
    """A credit limit and the day it was set."""

    date: dt.date | None = None
    value: Decimal | None = None
    currency: str | None = None


@attrs.frozen(kw_only=True)
class CreditRating(Rating):
    """The current rating and credit limit, with their history."""

    probability_of_default: Decimal | None = None
    """The specification does not say whether it is a fraction or a percentage."""
    national_percentile: Decimal | None = None
    credit_limit: Decimal | None = None
    credit_limit_currency: str | None = None
    credit_rating_history: tuple[Rating, ...] | None = None
    credit_limit_history: tuple[CreditLimit, ...] | None = None


@attrs.frozen(kw_only=True)
class Commentary(Model):
    """A remark about the company, with its sentiment."""

    commentary: str | None = None
    sentiment: str | None = None


@attrs.frozen(kw_only=True)
class Judgment(Model):
    """A court judgment against the company."""

    date: dt.date | None = None
    type: str | None = None
    court_name: str | None = None
    amount: Decimal | None = None
    reference_number: str | None = None
    currency: str | None = None
    status: str | None = None


@attrs.frozen(kw_only=True)
class BadDebt(Model):
    """An unpaid debt.

    The specification does not say whether the company named here is the debtor or the creditor.
    """

    date: dt.date | None = None
    company_number: str | None = None
    company_name: str | None = None
    currency: str | None = None
    amount: Decimal | None = None
