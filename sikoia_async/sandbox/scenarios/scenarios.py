"""The scenarios of a local Sikoia, and which of them a company, a person or a document has."""

from collections.abc import Iterator, Sequence

from sikoia_async.sandbox.scenarios.catalogue import CATALOGUE
from sikoia_async.sandbox.scenarios.scenario import Choice, Scenario, choice
from sikoia_async.sandbox.store import Record

__all__ = ["Scenarios"]

# Something has to choose a scenario; this one is not among those that are looked up.
_ORDINARY = Scenario(name="ordinary", file_name="any.other")
"""What happens where there is no scenario."""


class Scenarios:
    """The scenarios in force: those that were given, then those of the catalogue.

    What was given counts first, and one that is called as one of the catalogue replaces it.

    Args:
        own: The scenarios that were given.

    Raises:
        ValueError: Two of them are called the same, or chosen by the same.
    """

    def __init__(self, own: Sequence[Scenario] = ()) -> None:
        names = _names(own)
        rest = [one for one in CATALOGUE if one.name not in names]
        self._all = (*own, *rest)
        self._layers = (_by_choice(own), _by_choice(rest))

    def __iter__(self) -> Iterator[Scenario]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def table(self) -> Iterator[str]:
        """List them in lines: their name, what chooses each, and what happens."""
        rows = [(one.name, one.chosen_by, one.what) for one in self._all]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        for name, chosen_by, what in rows:
            yield f"{name:{widths[0]}}  {chosen_by:{widths[1]}}  {what}"

    def of_company(self, number: str | None, name: str | None) -> Scenario:
        """Find the scenario of a company: that of its number, and else that of its name."""
        return self._find(("company_number", number), ("company_name", name))

    def of_person(self, first_name: str, last_name: str) -> Scenario:
        """Find the scenario of a person."""
        return self._find(("person", _full(first_name, last_name)))

    def of_entity(self, entity: Record) -> Scenario:
        """Find the scenario of a company or a person."""
        if "company_id" in entity:
            return self.of_company(entity["company_number"], entity["company_name"])
        return self.of_person(entity["first_name"], entity["last_name"])

    def of_name(self, name: str) -> Scenario:
        """Find the scenario of a name that may be a person's or a company's."""
        return self._find(("person", name), ("company_name", name))

    def of_document(self, file_name: str, owner: Record) -> Scenario:
        """Find the scenario of a document: that of its file, and else that of its person."""
        choices = [("file_name", file_name)]
        if "person_id" in owner:
            choices.append(("person", _full(owner["first_name"], owner["last_name"])))
        return self._find(*choices)

    def _find(self, *given: tuple[str, str | None]) -> Scenario:
        choices = [choice(name, value) for name, value in given if value]
        found = (layer[one] for layer in self._layers for one in choices if one in layer)
        return next(found, _ORDINARY)


def _names(scenarios: Sequence[Scenario]) -> set[str]:
    names: set[str] = set()
    for one in scenarios:
        if one.name in names:
            msg = f"two scenarios are called {one.name!r}"
            raise ValueError(_at(one, msg))
        names.add(one.name)
    return names


def _by_choice(scenarios: Sequence[Scenario]) -> dict[Choice, Scenario]:
    found: dict[Choice, Scenario] = {}
    for one in scenarios:
        for chosen in one.choices:
            other = found.setdefault(chosen, one)
            if other is not one:
                msg = f"the same {chosen[0]} chooses both {other.name!r} and {one.name!r}"
                raise ValueError(_at(one, msg))
    return found


def _at(scenario: Scenario, msg: str) -> str:
    return f"{scenario.source}: {msg}" if scenario.source else msg


def _full(first_name: str, last_name: str) -> str:
    return f"{first_name.strip()} {last_name.strip()}"
