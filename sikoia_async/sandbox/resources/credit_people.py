"""The fictitious officers, owners and shareholders in credit reports."""

import random

from sikoia_async.sandbox.resources.picklists import address
from sikoia_async.sandbox.state import Record

# Each worth one unit of the currency.
_SHARES = 100


def stakeholders(draw: random.Random, country_code: str, currency: str) -> Record:
    """Return the `officers`, `owners` and `capital_structure` of a report.

    One person is a director and owns three quarters; a company owns the rest.
    """
    founder = _person(draw, country_code, "Directa")
    former = _person(draw, country_code, "Boardwell")
    secretary = _company(draw, country_code, "Secretarial Example Ltd")
    parent = _company(draw, country_code, "Holding Example Ltd")
    director = {"officer_role": "Director"}
    resigned = {"status": "Resigned", "date_resigned": "2022-09-30"}
    owners = {
        "people": [founder | _holding(75, "75-100%")],
        "companies": [parent | _holding(25, "25-50%")],
    }
    return {
        "officers": {
            "people": [founder | director, former | director | resigned],
            "companies": [secretary | {"officer_role": "Secretary"}],
        },
        "owners": owners,
        "capital_structure": {
            "currency": currency,
            "nominal_capital": _SHARES,
            "issued_capital": _SHARES,
            "number_of_shares": _SHARES,
            "shareholders": {
                "people": [_share(one) | director for one in owners["people"]],
                "companies": [_share(one) for one in owners["companies"]],
            },
        },
    }


def _holding(percentage: int, band: str) -> Record:
    return {
        "holding_percentage": percentage,
        "holding_percentage_band": band,
        "voting_percentage": percentage,
        "voting_percentage_band": band,
    }


def _share(owner: Record) -> Record:
    shares = _SHARES * owner["holding_percentage"] // 100
    return owner | {"number_of_shares": shares, "share_value": 1, "officer_role": None}


def _person(draw: random.Random, country_code: str, first_name: str) -> Record:
    """Return a person; registers show the year and month of birth, but not the day."""
    return {
        "first_name": first_name,
        "surname": "Placeholder",
        "full_name": f"{first_name} Placeholder",
        "date_of_birth": None,
        "birth_year": draw.randint(1950, 1995),
        "birth_month": draw.randint(1, 12),
        "birth_day": None,
        "nationality": "Exemplarian",
        **_party(draw, country_code),
    }


def _company(draw: random.Random, country_code: str, name: str) -> Record:
    return {"name": name, **_party(draw, country_code)}


def _party(draw: random.Random, country_code: str) -> Record:
    return {
        "status": "Active",
        "date_appointed": f"{draw.randint(2012, 2020)}-04-01",
        "date_resigned": None,
        "address": address(draw, country_code),
    }
