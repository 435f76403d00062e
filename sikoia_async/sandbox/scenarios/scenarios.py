"""The scenarios of a local Sikoia, looked up by company, person or document."""

from collections.abc import Iterator, Sequence

from sikoia_async.sandbox.scenarios.catalogue import CATALOGUE
from sikoia_async.sandbox.scenarios.scenario import Scenario, Selector, selector
from sikoia_async.sandbox.store import Record

__all__ = ["Scenarios"]

# Every scenario needs a selector, but this one is never looked up by it.
_DEFAULT = Scenario(name="ordinary", file_name="any.other")
"""For everything that no scenario selects."""


class Scenarios:
    """Your scenarios, followed by those of the catalogue.

    Yours take precedence. A scenario with the name of one in the catalogue replaces it.

    Args:
        own: Your scenarios.

    Raises:
        ValueError: Two of yours have the same name or the same selector.
    """

    def __init__(self, own: Sequence[Scenario] = ()) -> None:
        names = _names(own)
        rest = [one for one in CATALOGUE if one.name not in names]
        self._all = (*own, *rest)
        self._layers = (_by_selector(own), _by_selector(rest))

    def __iter__(self) -> Iterator[Scenario]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def table(self) -> Iterator[str]:
        """Return the scenarios as the lines of a table: name, selectors and summary."""
        rows = [(one.name, one.selected_by, one.summary) for one in self._all]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        for name, selected_by, summary in rows:
            yield f"{name:{widths[0]}}  {selected_by:{widths[1]}}  {summary}"

    def of_company(self, number: str | None, name: str | None) -> Scenario:
        """Return the scenario of a company: by its number, or else by its name."""
        return self._find(("company_number", number), ("company_name", name))

    def of_person(self, first_name: str, last_name: str) -> Scenario:
        """Return the scenario of a person."""
        return self._find(("person", _full(first_name, last_name)))

    def of_entity(self, entity: Record) -> Scenario:
        """Return the scenario of a company or a person."""
        if "company_id" in entity:
            return self.of_company(entity["company_number"], entity["company_name"])
        return self.of_person(entity["first_name"], entity["last_name"])

    def of_name(self, name: str) -> Scenario:
        """Return the scenario of a name, which may be a person's or a company's."""
        return self._find(("person", name), ("company_name", name))

    def of_document(self, file_name: str, owner: Record) -> Scenario:
        """Return the scenario of a document: by its file name, or else by its person."""
        values = [("file_name", file_name)]
        if "person_id" in owner:
            values.append(("person", _full(owner["first_name"], owner["last_name"])))
        return self._find(*values)

    def _find(self, *values: tuple[str, str | None]) -> Scenario:
        selectors = [selector(name, value) for name, value in values if value]
        selected = (layer[one] for layer in self._layers for one in selectors if one in layer)
        return next(selected, _DEFAULT)


def _names(scenarios: Sequence[Scenario]) -> set[str]:
    names: set[str] = set()
    for one in scenarios:
        if one.name in names:
            msg = f"two scenarios have the name {one.name!r}"
            raise ValueError(_at(one, msg))
        names.add(one.name)
    return names


def _by_selector(scenarios: Sequence[Scenario]) -> dict[Selector, Scenario]:
    selected: dict[Selector, Scenario] = {}
    for one in scenarios:
        for key in one.selectors:
            other = selected.setdefault(key, one)
            if other is not one:
                msg = f"the scenarios {other.name!r} and {one.name!r} have the same {key[0]}"
                raise ValueError(_at(one, msg))
    return selected


def _at(scenario: Scenario, msg: str) -> str:
    return f"{scenario.source}: {msg}" if scenario.source else msg


def _full(first_name: str, last_name: str) -> str:
    return f"{first_name.strip()} {last_name.strip()}"
