"""The resources and entities, for the help, and links to files; it loads nothing."""

from typing import Final

__all__ = ["ENTITIES", "LINKS", "RESOURCES"]

ENTITIES: Final = ("case", "company", "person")
"""What data can be about."""
LINKS: Final = {"documents.retrieve": "document_uri"}
"""The field of the result with a link to a file, which the command of the method can save."""

RESOURCES: Final = {
    "affordability": "affordability insights: cash flow and spending, from bank data",
    "banking": "open banking: connections, accounts, balances and transactions",
    "cases": "cases, with their companies and persons",
    "checks": "validation checks on the completeness of an entity's documents",
    "company-registry": "company registry data",
    "credit-reports": "credit reports on companies",
    "data-sources": "the documents and connections that insights are based on",
    "documents": "documents of an entity, and their integrity checks",
    "identity": "identity verification of persons",
    "income": "income and employer verification",
    "online-data": "online data about a company: website, reviews, social media",
    "reports": "the Excel report on an entity",
    "screening": "screening: politically exposed persons, sanctions and adverse media",
    "users": "the users of your organisation",
    "webhooks": "webhook subscriptions, their secret, and the delivery log",
}
"""What each resource has, by the name of its commands."""
