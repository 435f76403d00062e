"""A scenario: how the local Sikoia responds for one company, person or file."""

from collections.abc import Iterator
from typing import Literal, get_type_hints

import attrs

from sikoia_async.sandbox.scenarios.value_types import describe_type, is_of_type

__all__ = [
    "BankLink",
    "Decision",
    "DocumentType",
    "Identity",
    "IncomeType",
    "PayFrequency",
    "RegistryStatus",
    "Scenario",
    "Selector",
    "selector",
]

Identity = Literal["Approved", "Declined", "ResubmissionRequested", "Expired", "Failed"]
"""The outcome of an identity verification."""
Decision = Literal["Pass", "Refer", "Fail"]
"""The decision of a rule of a check."""
RegistryStatus = Literal["Active", "Restricted", "Closed", "Other"]
"""The status of a company in the register."""
BankLink = Literal["Connected", "Rejected", "SelectingInstitutions", "Authorising", "Deleted"]
"""The status that a bank connection ends up with."""
DocumentType = Literal[
    "BankStatement",
    "Payslip",
    "Identity",
    "Contract",
    "FactFind",
    "Other",
    "CompanyRegistration",
    "StakeholdersDisclosure",
    "UtilityBill",
    "CreditReport",
    "SavingsStatement",
    "SA302",
    "TaxOverview",
    "P45",
    "P60",
    "EmploymentLetter",
    "EmploymentContract",
    "ChildBenefitLetter",
    "BenefitAwardLetter",
    "StudentLoanLetter",
    "PensionStatement",
    "FinancialAccounts",
]
"""A type of documents."""
IncomeType = Literal[
    "Employment and/or Self-employment", "Benefits", "Pensions", "Property", "Dividends", "Other"
]
"""The type of an income that bank accounts and statements show."""
PayFrequency = Literal["Monthly", "Weekly", "TwoWeekly", "FourWeekly"]
"""How often an employee is paid."""
Selector = tuple[str, str]
"""The name of a field that selects a scenario, and its value, normalised for comparison."""

_COMPANY, _PERSON, _FILE = {"company_number", "company_name"}, {"person"}, {"file_name"}
_SELECTORS = ("company_number", "company_name", "person", "file_name")
# Which selectors each effect needs; with any other, it would change nothing.
_EFFECTS = {
    "matches": _COMPANY,
    "registry_status": _COMPANY,
    "solvent": _COMPANY,
    "online": _COMPANY,
    "identifiable": _COMPANY,
    "peps_sanctions": _COMPANY | _PERSON,
    "adverse_media": _COMPANY | _PERSON,
    "identity": _PERSON,
    "integrity": _PERSON | _FILE,
    "payslips": _PERSON | _FILE,
    "screening": _COMPANY | _PERSON,
    "upload": _PERSON | _FILE,
    "reading": _PERSON | _FILE,
    "classified_as": _PERSON | _FILE,
    "documents_in_file": _PERSON | _FILE,
    "bank_link": _COMPANY | _PERSON,
    "income_type": _COMPANY | _PERSON,
    "pay_frequency": _PERSON,
    "deficit": _COMPANY | _PERSON,
    "credits": _COMPANY | _PERSON,
    "enabled": _COMPANY | _PERSON,
}
_COUNTS = ("matches", "peps_sanctions", "adverse_media")
_MAX_COUNT = 1_000


@attrs.frozen(kw_only=True)
class Scenario:
    """How the local Sikoia responds for one company, person or file.

    A scenario needs at least one selector: `company_number`, `company_name`, `person` or
    `file_name`. If it has several, any of them selects it. Case and surrounding space do not
    matter.

    Raises:
        ValueError: There is no selector, a value is invalid, or an effect does not apply to what
            the scenario selects.
    """

    name: str
    """The name of the scenario."""
    about: str = ""
    """What happens, in one line, for lists of scenarios."""
    company_number: str | None = None
    """Selects the company with this number. Takes precedence over names."""
    company_name: str | None = None
    """Selects the company with this name."""
    person: str | None = None
    """Selects the person with this name: first and last name, with a space between them."""
    file_name: str | None = None
    """Selects uploaded files with this name. Takes precedence over the person."""
    matches: int = 1
    """How many companies registers and credit providers find. With 0, requests are `Failed` and a
    search is a 404; with 2 or more, the status is `TooManyResults`, with a picklist."""
    registry_status: RegistryStatus = "Active"
    """The company's status in the register: `Restricted` if it is in administration, `Closed` if it
    was wound up, `Other` if it was converted."""
    solvent: bool = True
    """Whether the company's credit report is good."""
    online: bool = True
    """Whether the company is found online. If not, requests for online data are `Failed`."""
    identifiable: bool = True
    """Whether the company has enough information to be looked up online. If not, requests for
    online data respond with 422."""
    peps_sanctions: int = 0
    """The `total_matches` of searches for politically exposed persons and sanctions."""
    adverse_media: int = 0
    """The `total_matches` of searches for adverse media."""
    screening: Literal["Complete", "Failed"] = "Complete"
    """The status of searches for politically exposed persons, sanctions and adverse media."""
    identity: Identity = "Approved"
    """The outcome of identity verifications: a decision, `Expired` or `Failed`."""
    integrity: Decision = "Pass"
    """The decision of integrity checks on whether a document's file was edited; `Refer` if it may
    have been."""
    upload: Literal["Complete", "Failed"] = "Complete"
    """The status of the upload of a document. If it is `Failed`, nothing is read."""
    reading: Literal["Complete", "Failed", "Excluded"] = "Complete"
    """The status of a document as a data source, once it was read. Only complete ones are used."""
    classified_as: DocumentType | None = None
    """The type that a document is classified as, whatever its name and the claim in the upload."""
    documents_in_file: int = 1
    """How many documents an uploaded file contains; each is a data source of its own."""
    bank_link: BankLink = "Connected"
    """The status that a bank connection ends up with. With `SelectingInstitutions` or
    `Authorising`, the account holder has left; with `Deleted`, the link was never opened."""
    payslips: Decision | None = None
    """The decision of validation checks on whether payslips cover three months. By default, it
    depends on the number of payslips."""
    income_type: IncomeType = "Employment and/or Self-employment"
    """The type of the income that bank accounts and bank statements show."""
    pay_frequency: PayFrequency = "Monthly"
    """How often the person is paid, as payslips and bank accounts show it."""
    deficit: bool = False
    """Whether affordability insights show more expenditure than income."""
    credits: bool = True
    """Whether there are credits left. If not, every chargeable operation responds with 403."""
    enabled: bool = True
    """Whether services are enabled. If not, every chargeable operation and the upload of documents
    respond with 403."""
    source: str = attrs.field(default="", eq=False, repr=False)
    """The file and line that the scenario was read from; empty if it was made in Python."""

    def __attrs_post_init__(self) -> None:
        for problem in _problems(self):
            raise ValueError(problem)

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """The selectors, normalised for comparison."""
        values = ((name, getattr(self, name)) for name in _SELECTORS)
        return tuple(selector(name, value) for name, value in values if value is not None)

    @property
    def selected_by(self) -> str:
        """The selectors in words: `99000002 or Insolvent Example Ltd`."""
        values = (getattr(self, name) for name in _SELECTORS)
        return " or ".join(value for value in values if value is not None)

    @property
    def summary(self) -> str:
        """What happens: `about`, or the fields that differ from their defaults."""
        return self.about or ", ".join(f"{name}={value!r}" for name, value in _effects(self))


def selector(name: str, value: str) -> Selector:
    """Return a selector, normalised for comparison."""
    return name, value.strip().casefold()


def _effects(scenario: Scenario) -> Iterator[tuple[str, object]]:
    """Return the effects that differ from their defaults."""
    for field in attrs.fields(Scenario):
        value = getattr(scenario, field.name)
        if field.name in _EFFECTS and value != field.default:
            yield field.name, value


def _problems(scenario: Scenario) -> Iterator[str]:
    for name, annotation in _TYPES.items():
        if not is_of_type(annotation, getattr(scenario, name)):
            yield f"{name}: expected {describe_type(annotation)}"
    for name in ("name", *_SELECTORS):
        value = getattr(scenario, name)
        if value is not None and not value.strip():
            yield f"{name}: expected a string that is not empty"
    for name in ("name", "about", *_SELECTORS):
        if not (getattr(scenario, name) or "").isprintable():
            yield f"{name}: expected a single line"
    if not 1 <= scenario.documents_in_file <= _MAX_COUNT:
        yield f"documents_in_file: expected a number from 1 to {_MAX_COUNT}"
    for name in _COUNTS:
        if not 0 <= getattr(scenario, name) <= _MAX_COUNT:
            yield f"{name}: expected a number from 0 to {_MAX_COUNT}"
    yield from _misplaced_effects(scenario)


def _misplaced_effects(scenario: Scenario) -> Iterator[str]:
    selectors = {name for name, _ in scenario.selectors}
    if not selectors:
        yield f"a scenario needs one of {', '.join(_SELECTORS)}"
    for name, _ in _effects(scenario):
        if not _EFFECTS[name] & selectors:
            applicable = (one for one in _SELECTORS if one in _EFFECTS[name])
            yield f"{name}: needs one of {', '.join(applicable)}"


_TYPES = get_type_hints(Scenario)
