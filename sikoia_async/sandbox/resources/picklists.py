"""Picklists of matching companies, for registry data and credit reports.

The scenario decides how many companies match. Their indexes start at 1 unless `picklist_base` says
otherwise.
"""

import random

from sikoia_async.sandbox.errors import invalid_request
from sikoia_async.sandbox.scenarios.scenario import Scenario
from sikoia_async.sandbox.state import Record

# The endings of the names of matching companies; further ones are numbered.
_ENDINGS = ("Holdings Ltd", "Services Ltd", "Trading Ltd")
# Below the numbers of the scenarios in the catalogue.
_NUMBERS = range(10_000_000, 90_000_000)


def make(
    draw: random.Random, scenario: Scenario, company: Record, *, first: int = 1
) -> list[Record]:
    """Return the companies that match a `company_name` in a `country_code`.

    They have the fields that all picklists share. `first` is the index of the first one. A single
    match has the number of its scenario.
    """
    numbers = [str(number) for number in draw.sample(_NUMBERS, scenario.matches)]
    name = str(company["company_name"]).removesuffix(" Ltd")
    if scenario.matches == 1:
        number = scenario.company_number or numbers[0]
        full_name = scenario.company_name or f"{name} Ltd"
        return [_match(full_name, number, company["country_code"], first)]
    return [
        _match(f"{name} {_ending(count)}", number, company["country_code"], first + count)
        for count, number in enumerate(numbers)
    ]


def registered_address(number: str, country_code: str | None) -> Record:
    """Return the registered address of a company, which is always the same for a number."""
    # Reproducible, not secret.
    return address(random.Random(number), country_code)  # noqa: S311


def pick(picklist: list[Record] | None, index: int) -> Record:
    """Return an item of a picklist by its index.

    Raises:
        ApiError: There is no picklist, or no such item.
    """
    if not picklist:
        detail = "The request did not produce picklist results."
        raise invalid_request(detail)
    for item in picklist:
        if item["index"] == index:
            return item
    detail = "picklist_index must be the index of an item of the picklist."
    raise invalid_request(detail)


def address(draw: random.Random, country_code: str | None) -> Record:
    """Return a fictitious address as registers write it."""
    street = f"{draw.randint(1, 99)} Placeholder Street"
    post_code = f"ZZ{draw.randint(1, 99)} {draw.randint(1, 9)}ZZ"
    return {
        "address_line_1": street,
        "address_line_2": None,
        "address_line_3": None,
        "address_line_4": None,
        "city": "Exampleton",
        "region": None,
        "country": country_code,
        "post_code": post_code,
        "full_address": f"{street}, Exampleton, {post_code}",
    }


def _ending(count: int) -> str:
    return _ENDINGS[count] if count < len(_ENDINGS) else f"{count + 1} Ltd"


def _match(name: str, number: str, country_code: str | None, index: int) -> Record:
    return {
        "index": index,
        "company_name": name,
        "company_number": number,
        "country_code": country_code,
        "provider_id": f"{country_code}-{number}",
        "official_address": registered_address(number, country_code),
    }
