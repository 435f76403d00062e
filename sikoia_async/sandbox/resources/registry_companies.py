"""The register of companies, which has every company with a number, a name and a jurisdiction."""

from sikoia_async.sandbox.state import Record, State

# Fictitious names.
_DIRECTORS = (("Directa", "Placeholder"), ("Boardwell", "Placeholder"))


def entry(state: State, company: Record) -> Record:
    """Return the registered details of a company, or nothing if it is not registered.

    A company needs a name, a number and a jurisdiction to be found.
    """
    names = ("company_number", "company_name", "jurisdiction_code")
    number, name, jurisdiction = (company.get(one) for one in names)
    if not (number and name and jurisdiction):
        return {}
    if not state.scenarios.of_company(number, name).matches:
        return {}
    return {"status": status(state, company), **counts(number)}


def counts(number: str) -> Record:
    """Return the number of officers and of owners of a company."""
    total = sum(map(ord, number))
    return {
        "number_of_officers": 1 + total % len(_DIRECTORS),
        "number_of_owners": 1 + total % 3,
    }


def status(state: State, company: Record) -> str:
    """Return the status of a company: `Active`, `Restricted`, `Closed` or `Other`."""
    number = company["company_number"]
    if number in state.closed_numbers:
        return "Closed"
    return state.scenarios.of_company(number, company["company_name"]).registry_status


def directors(company: Record) -> list[Record]:
    """Return the directors of a company, as people to add to its case."""
    return [
        {"first_name": first_name, "last_name": last_name, "employer": company["company_name"]}
        for first_name, last_name in _DIRECTORS[
            : counts(company["company_number"])["number_of_officers"]
        ]
    ]
