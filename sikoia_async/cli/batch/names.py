"""The operations of `sikoia batch`, for the help; it loads nothing."""

from typing import Final

__all__ = ["COLUMNS", "COMMANDS"]

COMMANDS: Final = {
    "credit-reports": "the credit report of a company",
    "company-registry": "the registry data of a company",
    "online-data": "the online data of a company",
    "identity": "an identity verification with its link, which the person then follows",
    "income": "an income verification",
    "affordability": "affordability insights",
    "peps-sanctions": "a search for politically exposed persons and sanctions",
    "adverse-media": "a search for adverse media",
}
"""What each row gets, by command."""

_ENTITY: Final = "person_id, company_id, case_id, or entity_id and entity_type"
_SEARCH: Final = "search_term, birth_date, monitored, fuzziness"
COLUMNS: Final = {
    "credit-reports": ("company_id", "company_number, company_name, country_code, provider_id"),
    "company-registry": ("company_id", "company_number, company_name, country_code"),
    "online-data": ("company_id", "company_name"),
    "identity": ("person_id", "country_code"),
    "income": (_ENTITY, ""),
    "affordability": (_ENTITY, ""),
    "peps-sanctions": (_ENTITY, _SEARCH),
    "adverse-media": (_ENTITY, _SEARCH),
}
"""The columns of the input, by command: those that say what a row is about, and the others."""
