"""The operations of `sikoia batch`, for the help; it loads nothing."""

from typing import Final

__all__ = ["COMMANDS"]

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
