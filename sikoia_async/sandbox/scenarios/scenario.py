"""A scenario: how the local Sikoia answers for a company, a person or a file that it names."""

from collections.abc import Iterator
from typing import Literal, get_type_hints

import attrs

from sikoia_async.sandbox.scenarios.fitting import is_fit, wording

__all__ = ["Choice", "Decision", "Identity", "Scenario", "choice"]

Identity = Literal["Approved", "Declined", "ResubmissionRequested", "Expired", "Failed"]
"""How the verification of an identity ends."""
Decision = Literal["Pass", "Refer", "Fail"]
"""What a rule of a check decides."""
Choice = tuple[str, str]
"""One of the fields that choose a scenario, and its value as it is compared."""

_COMPANY, _PERSON, _FILE = {"company_number", "company_name"}, {"person"}, {"file_name"}
_CHOOSING = ("company_number", "company_name", "person", "file_name")
# What a consequence is one for: chosen by something else, it would have no effect.
_MATTERS_TO = {
    "matches": _COMPANY,
    "closed": _COMPANY,
    "solvent": _COMPANY,
    "online": _COMPANY,
    "peps_sanctions": _COMPANY | _PERSON,
    "adverse_media": _COMPANY | _PERSON,
    "identity": _PERSON,
    "integrity": _PERSON | _FILE,
    "payslips": _PERSON | _FILE,
    "credits": _COMPANY | _PERSON,
}
_COUNTS = ("matches", "peps_sanctions", "adverse_media")
_MOST = 1_000


@attrs.frozen(kw_only=True)
class Scenario:
    """A company, a person or a file, and what comes of it when the local Sikoia is asked.

    What is compared has to be the same but for the case of letters and for space around it. A
    scenario with several of these is chosen by any of them.

    Raises:
        ValueError: Nothing chooses it, a field has no such value, or a consequence would be none
            for what it is chosen by.
    """

    name: str
    """What the scenario is called."""
    about: str = ""
    """What happens, in one line, for who reads a list of scenarios."""
    company_number: str | None = None
    """Chooses it: the number of a company, which counts before any name."""
    company_name: str | None = None
    """Chooses it: the name of a company."""
    person: str | None = None
    """Chooses it: the first and the last name of a person, with a space between."""
    file_name: str | None = None
    """Chooses it: the name of a file that is uploaded, which counts before the person's."""
    matches: int = 1
    """How many companies registers and providers of credit reports have. None: requests end as
    `Failed`, and a search as 404. More than one: `TooManyResults`, with a picklist."""
    closed: bool = False
    """Whether the company was wound up."""
    solvent: bool = True
    """Whether its credit report is a good one."""
    online: bool = True
    """Whether the company is found online: without it, requests for online data end as `Failed`."""
    peps_sanctions: int = 0
    """The `total_matches` of searches for politically exposed persons and sanctions."""
    adverse_media: int = 0
    """The `total_matches` of searches for adverse media."""
    identity: Identity = "Approved"
    """How a verification ends: with a decision, as `Expired` or as `Failed`."""
    integrity: Literal["Pass", "Fail"] = "Pass"
    """What the integrity check of a document decides on whether its file was edited."""
    payslips: Decision | None = None
    """What validation checks decide on whether payslips cover three months; by default, that is
    for their number to tell."""
    credits: bool = True
    """Whether credits are left. Without: 403, for what costs them."""
    source: str = attrs.field(default="", eq=False, repr=False)
    """Where it was read: the file and the line; empty for what was made in Python."""

    def __attrs_post_init__(self) -> None:
        for complaint in _complaints(self):
            raise ValueError(complaint)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What chooses it, as it is compared."""
        given = ((name, getattr(self, name)) for name in _CHOOSING)
        return tuple(choice(name, value) for name, value in given if value is not None)

    @property
    def chosen_by(self) -> str:
        """Say what chooses it: `99000002 or Insolvent Example Ltd`."""
        given = (getattr(self, name) for name in _CHOOSING)
        return " or ".join(value for value in given if value is not None)

    @property
    def what(self) -> str:
        """Say what happens: in the words of `about`, and else by the names of the fields."""
        return self.about or ", ".join(f"{name}={value!r}" for name, value in _consequences(self))


def choice(name: str, value: str) -> Choice:
    """Return what chooses a scenario as it is compared: in any case, and without space around."""
    return name, value.strip().casefold()


def _consequences(scenario: Scenario) -> Iterator[tuple[str, object]]:
    """Name what is not as it is for everybody."""
    for field in attrs.fields(Scenario):
        value = getattr(scenario, field.name)
        if field.name in _MATTERS_TO and value != field.default:
            yield field.name, value


def _complaints(scenario: Scenario) -> Iterator[str]:
    for name, kind in _KINDS.items():
        if not is_fit(kind, getattr(scenario, name)):
            yield f"{name}: give {wording(kind)}"
    for name in ("name", *_CHOOSING):
        value = getattr(scenario, name)
        if value is not None and not value.strip():
            yield f"{name}: give a text that is not empty"
    for name in ("name", "about", *_CHOOSING):
        if not (getattr(scenario, name) or "").isprintable():
            yield f"{name}: give one line"
    for name in _COUNTS:
        if not 0 <= getattr(scenario, name) <= _MOST:
            yield f"{name}: give a number from 0 to {_MOST}"
    yield from _without_effect(scenario)


def _without_effect(scenario: Scenario) -> Iterator[str]:
    choosing = {name for name, _ in scenario.choices}
    if not choosing:
        yield f"say what chooses it: {', '.join(_CHOOSING)}"
    for name, _ in _consequences(scenario):
        if not _MATTERS_TO[name] & choosing:
            fitting = (one for one in _CHOOSING if one in _MATTERS_TO[name])
            yield f"{name}: this needs one of {', '.join(fitting)}"


_KINDS = get_type_hints(Scenario)
