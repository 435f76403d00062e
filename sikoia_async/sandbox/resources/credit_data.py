"""The content of credit reports: plausible, fictitious, and always the same for a company."""

import random
from datetime import date, timedelta

from sikoia_async.sandbox.resources.credit_accounts import statements
from sikoia_async.sandbox.resources.credit_people import stakeholders
from sikoia_async.sandbox.resources.picklists import address
from sikoia_async.sandbox.state import Record

_CURRENCIES = {"GB": "GBP", "US": "USD"}
# Rating, description, lowest and highest local rating, probability of default, percentile, limit.
_SOUND = ("A", "Very low risk", 71, 99, 0.4, 80, 25_000)
_WEAK = ("E", "Very high risk", 1, 15, 60.5, 1, 0)


def report(draw: random.Random, company: Record, today: date, *, status: str, weak: bool) -> Record:
    """Return the report on a company.

    A weak company has a bad rating, judgments and bad debts.
    """
    country_code = company["country_code"] or "GB"
    currency = _CURRENCIES.get(country_code, "EUR")
    return {
        "company_information": _information(draw, company, country_code, status),
        "industry_codes": [
            {"code": "32990", "description": "Other manufacturing", "classification": "UK SIC 2007"}
        ],
        "credit_rating": _rating(draw, today, currency, weak=weak),
        **stakeholders(draw, country_code, currency),
        "commentaries": [_commentary(weak=weak)],
        "judgments": [_judgment(draw, today, currency)] if weak else [],
        "bad_debts": [_bad_debt(draw, today, currency)] if weak else [],
        "financial_statements": statements(draw, today, currency, weak=weak),
    }


def _information(draw: random.Random, company: Record, country_code: str, status: str) -> Record:
    return {
        "company_number": company["company_number"],
        "company_name": company["company_name"],
        "country_code": country_code,
        "status": status,
        "date_established": f"{draw.randint(2005, 2012)}-{draw.randint(1, 12):02}-15",
        "date_dissolved": "2021-06-30" if status == "Closed" else None,
        "generic_legal_form": "Private limited company",
        "registry_legal_form": "Private limited with share capital",
        "vat_number": f"{country_code}000{draw.randint(0, 999_999):06}",
        "official_address": address(draw, country_code),
    }


def _rating(draw: random.Random, today: date, currency: str, *, weak: bool) -> Record:
    letter, meaning, lowest, highest, default, percentile, limit = _WEAK if weak else _SOUND
    before = today - timedelta(days=draw.randint(200, 400))
    return {
        **_grade(draw.randint(lowest, highest), letter, meaning, today),
        "probability_of_default": default,
        "national_percentile": percentile,
        "credit_limit": limit,
        "credit_limit_currency": currency,
        "credit_rating_history": [_grade(60, "B", "Low risk", before)],
        "credit_limit_history": [
            {"date": before.isoformat(), "value": "12500.50", "currency": currency}
        ],
    }


def _grade(local: int, letter: str, meaning: str, day: date) -> Record:
    return {
        "international_credit_rating": letter,
        "international_credit_rating_description": meaning,
        "local_credit_rating": str(local),
        "local_credit_rating_description": meaning,
        "rating_date": day.isoformat(),
    }


def _commentary(*, weak: bool) -> Record:
    if weak:
        return {"commentary": "The company owes more than it has.", "sentiment": "Negative"}
    return {"commentary": "The company made a profit.", "sentiment": "Positive"}


def _judgment(draw: random.Random, today: date, currency: str) -> Record:
    return {
        "date": (today - timedelta(days=draw.randint(30, 300))).isoformat(),
        "type": "County court judgment",
        "court_name": "Court of Exampleton",
        "amount": draw.randint(1_000, 9_000),
        "reference_number": f"XX{draw.randint(0, 999_999):06}",
        "currency": currency,
        "status": "Outstanding",
    }


def _bad_debt(draw: random.Random, today: date, currency: str) -> Record:
    return {
        "date": (today - timedelta(days=draw.randint(30, 300))).isoformat(),
        "company_number": "00000001",
        "company_name": "Unpaid Example Ltd",
        "currency": currency,
        "amount": draw.randint(500, 5_000),
    }
