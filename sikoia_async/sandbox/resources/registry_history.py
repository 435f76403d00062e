"""Register entries of companies, drawn from the number, so that they are always the same."""

from datetime import date, timedelta
from random import Random
from uuid import UUID

from sikoia_async.sandbox.resources import registry_companies
from sikoia_async.sandbox.resources.picklists import address, registered_address
from sikoia_async.sandbox.state import Record, State

_YEAR = timedelta(days=365)
# What the register itself calls the status that Sikoia standardises.
_REGISTRY_STATUSES = {
    "Active": "Live",
    "Restricted": "In administration",
    "Closed": "Dissolved",
    "Other": "Converted",
}


def match(state: State, item: Record) -> Record:
    """Return a company as picklists and searches list it."""
    number = item["company_number"]
    return {
        **item,
        "company_status": registry_companies.status(state, item),
        "date_established": _established(state, number).isoformat(),
        "branch_status": None,
    }


def full_record(state: State, company: Record) -> Record:
    """Complete a `company_name`, `company_number` and `country_code` with the register's data."""
    number, country_code = company["company_number"], company["country_code"]
    draw = state.draw("register", number)
    established = _established(state, number)
    status = registry_companies.status(state, company)
    is_closed = status == "Closed"
    closed = established + 9 * _YEAR
    return {
        **company,
        "status": status,
        "registry_status": _REGISTRY_STATUSES[status],
        "registry_name": "The Register of Placeholders",
        "registry_url": "https://register.sandbox.example",
        "data_provider": "Sandbox",
        "generic_legal_form": "Limited Company",
        "registry_legal_form": "Private company limited by shares",
        "date_established": established.isoformat(),
        "date_dissolved": closed.isoformat() if is_closed else None,
        "official_address": registered_address(number, country_code),
        "summary_info": {"has_insolvency_history": is_closed},
        "special_characteristics": [],
        "previous_company_names": [_previous_name(established)],
        "accounts": _accounts(state.now().date(), is_closed=is_closed),
        "industry_codes": [{"code": "32990", "description": "Other manufacturing"}],
        "officers": _officers(draw, company, established),
        "owners": _owners(draw, company, established),
        "filings": [_filing(established)],
        "charges": [_charge(number, established)],
        "insolvencies": [_insolvency(closed)] if is_closed else [],
        "controlling_entity": _parent(country_code),
        "foreign_controlling_entity": None,
    }


def _established(state: State, number: str) -> date:
    return date(2000, 1, 1) + timedelta(days=state.draw("established", number).randint(0, 5000))


def _previous_name(established: date) -> Record:
    return {
        "company_name": "Formerly Placeholder Ltd",
        "date_from": established.isoformat(),
        "date_to": (established + _YEAR).isoformat(),
    }


def _accounts(today: date, *, is_closed: bool) -> Record:
    """Return the last and the next accounts; those of a year are due in the next September."""
    filed = today.year - 2
    last = {
        "made_up_to": f"{filed}-12-31",
        "period_start": f"{filed}-01-01",
        "period_end": f"{filed}-12-31",
        "type": "Micro entity",
    }
    next_ = {
        "overdue": is_closed,
        "period_start": f"{filed + 1}-01-01",
        "period_end": f"{filed + 1}-12-31",
        "due_date": f"{filed + 2}-09-30",
    }
    return {"last_accounts": last, "next_accounts": next_}


def _officers(draw: Random, company: Record, established: date) -> Record:
    """Return the directors, who are also added to cases, and a secretary that resigned."""
    directors = [
        {
            **_person(draw, director, company["country_code"]),
            "officer_role": "Director",
            "date_appointed": established.isoformat(),
            "date_resigned": None,
            "status": "Active",
            "tax_id": None,
            "occupation": "Director",
        }
        for director in registry_companies.directors(company)
    ]
    secretary = {
        "source_id": _source_id(draw),
        "officer_role": "Secretary",
        "date_appointed": established.isoformat(),
        "date_resigned": (established + 3 * _YEAR).isoformat(),
        "status": "Resigned",
        "name": "Secretarial Example Ltd",
        "address": address(draw, company["country_code"]),
        "occupation": None,
    }
    return {"people": directors, "companies": [secretary]}


def _owners(draw: Random, company: Record, established: date) -> Record:
    """Return as many owners as the register counts: directors first, then companies."""
    count: int = registry_companies.counts(company["company_number"])["number_of_owners"]
    since = {
        "type": "Person with significant control",
        "date_from": established.isoformat(),
        "date_to": None,
        "natures_of_control": ["Ownership of shares, 25 to 50 per cent"],
    }
    people = [
        {**_person(draw, director, company["country_code"]), **since}
        for director in registry_companies.directors(company)[:count]
    ]
    companies = [
        {
            "source_id": _source_id(draw),
            "name": f"Owner {index} Example Ltd",
            "address": address(draw, company["country_code"]),
            **since,
        }
        for index in range(len(people) + 1, count + 1)
    ]
    return {"people": people, "companies": companies}


def _person(draw: Random, director: Record, country_code: str) -> Record:
    """Return a person; registers publish the year and month of birth, but not the day."""
    return {
        "source_id": _source_id(draw),
        "first_name": director["first_name"],
        "surname": director["last_name"],
        "full_name": f"{director['first_name']} {director['last_name']}",
        "date_of_birth": None,
        "birth_year": draw.randint(1950, 1995),
        "birth_month": draw.randint(1, 12),
        "birth_day": None,
        "nationality": "Exemplarian",
        "address": address(draw, country_code),
    }


def _source_id(draw: Random) -> str:
    return str(UUID(int=draw.getrandbits(128), version=4))


def _filing(established: date) -> Record:
    return {
        "category": "Incorporation",
        "description": "Incorporation of the company",
        "type": "NEWINC",
        "filing_date": established.isoformat(),
    }


def _charge(number: str, established: date) -> Record:
    created, delivered = established + _YEAR, established + _YEAR + timedelta(days=9)
    return {
        "charge_code": f"{number}0001",
        "status": "Satisfied",
        "created_on": created.isoformat(),
        "delivered_on": delivered.isoformat(),
        "satisfied_on": (created + 2 * _YEAR).isoformat(),
        "details": {"type": "Particulars", "description": "All machines of the company"},
        "transactions": [
            {"filing_type": "Registration of a charge", "delivered_on": delivered.isoformat()}
        ],
        "classification": {"type": "Charge", "description": "A registered charge"},
        "persons_entitled": [{"name": "Example Bank"}],
        "secured_details": {"type": "Amount", "description": "All money due to the bank"},
    }


def _insolvency(closed: date) -> Record:
    return {
        "type": "Creditors' voluntary liquidation",
        "dates": [{"date": (closed - _YEAR).isoformat(), "type": "Wound up on"}],
    }


def _parent(country_code: str) -> Record:
    return {
        "company_name": "Holding Example Ltd",
        "company_number": "00000001",
        "country_code": country_code,
        "generic_legal_form": "Limited Company",
    }
