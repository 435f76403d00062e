"""The register of companies: finds whatever is asked for well enough, and makes up its officers."""

from sikoia_async.sandbox.state import Record, State

# Nobody is called this.
_DIRECTORS = (("Directa", "Placeholder"), ("Boardwell", "Placeholder"))


def entry(state: State, company: Record) -> Record:
    """Look a company up; an empty answer says that the register has none like it.

    Name, number and jurisdiction must all be given.
    """
    names = ("company_number", "company_name", "jurisdiction_code")
    number, name, jurisdiction = (company.get(one) for one in names)
    if not (number and name and jurisdiction):
        return {}
    if not state.scenarios.of_company(number, name).matches:
        return {}
    return {"status": status(state, company), **counts(number)}


def counts(number: str) -> Record:
    """Count the officers and the owners of a company."""
    total = sum(map(ord, number))
    return {
        "number_of_officers": 1 + total % len(_DIRECTORS),
        "number_of_owners": 1 + total % 3,
    }


def status(state: State, company: Record) -> str:
    """Tell whether a company is active or closed."""
    number = company["company_number"]
    is_closed = state.scenarios.of_company(number, company["company_name"]).closed
    return "Closed" if is_closed or number in state.closed_numbers else "Active"


def directors(company: Record) -> list[Record]:
    """Name the officers of a company, as persons to add to its case."""
    return [
        {"first_name": first_name, "last_name": last_name, "employer": company["company_name"]}
        for first_name, last_name in _DIRECTORS[
            : counts(company["company_number"])["number_of_officers"]
        ]
    ]
