"""Lists to pick a company from, as registry data and credit reports offer them.

Which requests end in one, and how many companies it has: a scenario tells. They are counted from 1
unless `picklist_base` says otherwise.
"""

import random

from sikoia_async.sandbox.errors import invalid_request
from sikoia_async.sandbox.scenarios.scenario import Scenario
from sikoia_async.sandbox.state import Record

# How the names of several companies end that could be meant by one; after them, they are counted.
_ENDINGS = ("Holdings Ltd", "Services Ltd", "Trading Ltd")
# The scenarios of the catalogue have numbers above these.
_NUMBERS = range(10_000_000, 90_000_000)


def make(
    draw: random.Random, scenario: Scenario, company: Record, *, first: int = 1
) -> list[Record]:
    """Make up the companies that could be meant by a `company_name` in a `country_code`.

    The fields are those that every picklist has; whoever answers one adds its own. `first` is the
    index of the first. A company that is the only one has the number of its scenario.
    """
    numbers = [str(number) for number in draw.sample(_NUMBERS, scenario.matches)]
    name = str(company["company_name"]).removesuffix(" Ltd")
    if scenario.matches == 1:
        number = scenario.company_number or numbers[0]
        only = scenario.company_name or f"{name} Ltd"
        return [_match(only, number, company["country_code"], first)]
    return [
        _match(f"{name} {_ending(count)}", number, company["country_code"], first + count)
        for count, number in enumerate(numbers)
    ]


def registered_address(number: str, country_code: str | None) -> Record:
    """Make up where a company has its seat: always the same for the same number."""
    # To repeat, nothing to keep secret.
    return address(random.Random(number), country_code)  # noqa: S311


def pick(picklist: list[Record] | None, index: int) -> Record:
    """Find an item by its index.

    Raises:
        ApiError: There is no list, or no such item in it.
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
    """Make up an address as registers spell it."""
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
