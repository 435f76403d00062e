"""The register of companies: finds whatever is asked for well enough, and makes up its officers."""

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
    if not number.strip("0"):
        return {}
    total = sum(map(ord, number))
    return {
        "status": "Active",
        "number_of_officers": 1 + total % len(_DIRECTORS),
        "number_of_owners": 1 + total % 3,
    }


def directors(company: Record) -> list[Record]:
    """Name the officers of a company, as persons to add to its case."""
    return [
        {"first_name": first_name, "last_name": last_name, "employer": company["company_name"]}
        for first_name, last_name in _DIRECTORS[: entry(company).get("number_of_officers", 0)]
    ]
