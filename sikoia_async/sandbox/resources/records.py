"""Converts requests to records of cases, companies and people, and cases to responses."""

from collections.abc import Sequence

from sikoia_async.sandbox.resources import registry_companies
from sikoia_async.sandbox.resources.case_bodies import ADDRESS_LINES
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.timestamps import long_timestamp, short_timestamp

# The order of the parts in the `summary_line` of an address.
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
    """Return a new case without entities."""
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
    """Return a new company, with its registered details if `registry_search` is set."""
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
    """Return a new person."""
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
    """Return the first and last name of a person."""
    return f"{person['first_name']} {person['last_name']}"


def owners(sent: Sequence[Record]) -> list[Record]:
    """Return owners with both of their fields."""
    return [{name: owner.get(name) for name in ("owner_id", "owner_type")} for owner in sent]


def address(known: Record | None, sent: Record | None) -> Record | None:
    """Return an address with the lines that were sent; an empty line clears one."""
    if sent is None:
        return known or None
    changes = {name: line for name, line in sent.items() if line is not None}
    merged = {**(known or {}), **changes}
    lines = {name: merged.get(name) or None for name in ADDRESS_LINES}
    return {**lines, "summary_line": ", ".join(line for name in _SUMMARY if (line := lines[name]))}


def summary(case: Record) -> Record:
    """Return a case as it is listed: with the number of entities, but without them."""
    return {
        **{name: value for name, value in case.items() if name not in ("companies", "persons")},
        "datetime_created": long_timestamp(case["datetime_created"]),
        "datetime_last_modified": long_timestamp(case["datetime_last_modified"]),
        "number_of_companies": len(case["companies"]),
        "number_of_persons": len(case["persons"]),
    }


def in_full(case: Record) -> Record:
    """Return a case with its entities."""
    return {
        **summary(case),
        "datetime_created": short_timestamp(case["datetime_created"]),
        "datetime_last_modified": short_timestamp(case["datetime_last_modified"]),
        "companies": case["companies"],
        "persons": case["persons"],
    }
