"""Lists to pick a company from, as registry data and credit reports offer them.

Which requests end in one: those that ask by a name and without a number, and those whose company
has `Several` in its name. A list has three companies, counted from 1
unless `picklist_base` says otherwise.
"""

import random

from .errors import invalid_request
from .state import Record

# Three companies that could be meant by one name: how their names end, and their numbers. The
# register counts a number that ends in 9 as a closed company's.
_ENDINGS = (("Ltd", 1), ("Holdings Ltd", 2), ("Services Ltd", 9))


def is_needed(name: str | None, number: str | None) -> bool:
    """Tell whether several companies could be meant."""
    return bool(name) and (not number or "several" in str(name).lower())


def make(draw: random.Random, company: Record, *, first: int = 1) -> list[Record]:
    """Make up the companies that could be meant by a `company_name` in a `country_code`.

    The fields are those that every picklist has; whoever answers one adds its own. `first` is the
    index of the first.
    """
    return [_match(draw, company, index, ending) for index, ending in enumerate(_ENDINGS, first)]


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


def _match(draw: random.Random, company: Record, index: int, kind: tuple[str, int]) -> Record:
    country_code = company.get("country_code")
    name = str(company["company_name"]).removesuffix(" Ltd")
    ending, digit = kind
    number = f"{draw.randint(1, 9_999_999):07}{digit}"
    return {
        "index": index,
        "company_name": f"{name} {ending}",
        "company_number": number,
        "country_code": country_code,
        "provider_id": f"{country_code}-{number}",
        "official_address": registered_address(number, country_code),
    }
