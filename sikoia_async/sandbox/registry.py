"""The register of companies: finds whatever is asked for well enough, and makes up its officers.

A number of zeros only is in no register, and one that ends in 9 is a closed company's.
"""

from .state import Record

# Nobody is called this.
_DIRECTORS = (("Directa", "Placeholder"), ("Boardwell", "Placeholder"))


def entry(company: Record) -> Record:
    """Look a company up; an empty answer says that the register has none like it.

    Name, number and jurisdiction must all be given; a number of zeros only is never found.
    """
    if not all(company.get(name) for name in ("company_name", "jurisdiction_code")):
        return {}
    number: str = company.get("company_number") or ""
    if not is_registered(number):
        return {}
    total = sum(map(ord, number))
    return {
        "status": status(number),
        "number_of_officers": 1 + total % len(_DIRECTORS),
        "number_of_owners": 1 + total % 3,
    }


def is_registered(number: str) -> bool:
    """Tell whether the register has a company of this number."""
    return bool(number.strip("0"))


def status(number: str) -> str:
    """Tell whether a company is active or closed."""
    return "Closed" if number.endswith("9") else "Active"


def directors(company: Record) -> list[Record]:
    """Name the officers of a company, as persons to add to its case."""
    return [
        {"first_name": first_name, "last_name": last_name, "employer": company["company_name"]}
        for first_name, last_name in _DIRECTORS[: entry(company).get("number_of_officers", 0)]
    ]
