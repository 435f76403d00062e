"""Cases, companies and persons: how a request becomes a record, and a record an answer."""

from collections.abc import Sequence

from sikoia_async.sandbox.resources import registry_companies
from sikoia_async.sandbox.resources.case_bodies import ADDRESS_LINES
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.timestamps import long_timestamp, short_timestamp

# The order in which the one line that sums an address up names its parts.
_SUMMARY = (
    "house_number",
    "address_line_1",
    "building_name",
    "sub_building_name",
    "address_line_2",
    "locality",
    "city",
    "post_code",
    "country",
)


def new_case(state: State, body: Record) -> Record:
    """Make a case without entities."""
    now = state.now()
    return {
        "case_id": state.new_id(),
        "name": body["name"],
        "case_type": body["case_type"],
        "stage": body.get("stage") or "New",
        "datetime_created": now,
        "datetime_last_modified": now,
        "reference": body.get("reference") or None,
        "reference_customer_id": body.get("reference_customer_id") or None,
        "reference_customer_name": body.get("reference_customer_name") or None,
        "description": body.get("description") or None,
        "source": body.get("source") or "API",
        "owner": body.get("owner") or None,
        "ownership": owners(body.get("ownership") or []),
        "companies": [],
        "persons": [],
    }


def new_company(state: State, body: Record) -> Record:
    """Make a company, with what the register knows of it when that was asked for."""
    return {
        "company_id": state.new_id(),
        "company_name": body["company_name"],
        "company_number": body.get("company_number") or None,
        "jurisdiction_code": body.get("jurisdiction_code") or None,
        "status": "unknown",
        "number_of_officers": 0,
        "number_of_owners": 0,
        "media_adverse_requested": False,
        "pep_sanction_requested": False,
        **(registry_companies.entry(state, body) if body.get("registry_search") else {}),
    }


def new_person(state: State, body: Record, *, is_officer: bool = False) -> Record:
    """Make a person."""
    return {
        "person_id": state.new_id(),
        "first_name": body["first_name"],
        "last_name": body["last_name"],
        "name": full_name(body),
        "email": body.get("email") or None,
        "postal_address": address({}, body.get("postal_address")),
        "date_of_birth": body.get("date_of_birth") or None,
        "employer": body.get("employer") or None,
        "is_officer": is_officer,
        "appointments": None,
        "reference_person_id": body.get("reference_person_id") or None,
        "media_adverse_requested": False,
        "pep_sanction_requested": False,
    }


def full_name(person: Record) -> str:
    """Join the two names of a person."""
    return f"{person['first_name']} {person['last_name']}"


def owners(given: Sequence[Record]) -> list[Record]:
    """Give every owner both of its fields."""
    return [{name: owner.get(name) for name in ("owner_id", "owner_type")} for owner in given]


def address(known: Record | None, given: Record | None) -> Record | None:
    """Lay the given lines of an address over the known ones; an empty line clears."""
    if given is None:
        return known or None
    sent = {name: line for name, line in given.items() if line is not None}
    lines = {**(known or {}), **sent}
    kept = {name: lines.get(name) or None for name in ADDRESS_LINES}
    return {**kept, "summary_line": ", ".join(line for name in _SUMMARY if (line := kept[name]))}


def summary(case: Record) -> Record:
    """Show a case as one line of the list: counts, and no entities."""
    return {
        **{name: value for name, value in case.items() if name not in ("companies", "persons")},
        "datetime_created": long_timestamp(case["datetime_created"]),
        "datetime_last_modified": long_timestamp(case["datetime_last_modified"]),
        "number_of_companies": len(case["companies"]),
        "number_of_persons": len(case["persons"]),
    }


def whole(case: Record) -> Record:
    """Show a case with all that is in it."""
    return {
        **summary(case),
        "datetime_created": short_timestamp(case["datetime_created"]),
        "datetime_last_modified": short_timestamp(case["datetime_last_modified"]),
        "companies": case["companies"],
        "persons": case["persons"],
    }
