"""What the local Sikoia remembers: plain records in memory, one clock, and ids from a seed."""

import random
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sikoia_async.sandbox.clock import Clock
from sikoia_async.sandbox.errors import deleted, not_found, unknown_entity_type
from sikoia_async.sandbox.scenarios.scenario import Scenario
from sikoia_async.sandbox.scenarios.scenarios import Scenarios
from sikoia_async.sandbox.snapshot import Saved
from sikoia_async.sandbox.store import Entry, Record, Store
from sikoia_async.sandbox.timestamps import long_timestamp

__all__ = ["Record", "State"]

_TYPES = {
    "case": "case",
    "cases": "case",
    "company": "company",
    "companies": "company",
    "person": "person",
    "persons": "person",
}

# What changes as requests come in, but for the stores and for what they share.
_CHANGING = (
    "_correlation_ids",
    "_random",
    "_secrets",
    "_uncalled",
    "_under_way",
    "_work",
    "cases",
    "closed_numbers",
    "tasks",
    "users",
)

# Nobody is called this, and RFC 2606 keeps the domain free of mailboxes.
_USERS = (
    ("Adminia", "Example", "Admin", "May change everything."),
    ("Managus", "Example", "Manager", "May change cases and see users."),
    ("Agentia", "Example", "Agent", "May work on cases."),
)


class State:
    """The records of one local Sikoia.

    Args:
        clock: Windows, tokens and time stamps all follow it; a function is made a clock of.
        seed: The same seed gives the same ids in the same order, and the same data for them.
        work_time: Seconds that work takes which is answered as pending at first.
        url: Where this sandbox is reached; its links begin with it.
        picklist_base: The index of the first company of a picklist.
        scenarios: How to answer for companies, persons and files that are named there.
    """

    def __init__(
        self,
        *,
        clock: Clock | Callable[[], float] | None = None,
        seed: int = 0,
        work_time: float = 0.5,
        url: str = "https://sandbox.example",
        picklist_base: int = 1,
        scenarios: Scenarios | None = None,
    ) -> None:
        self.clock: Clock = clock if isinstance(clock, Clock) else Clock(source=clock)
        self.url = url
        self.picklist_base = picklist_base
        self.scenarios: Scenarios = scenarios or Scenarios()
        self._seed = seed
        self._work_time = work_time
        self._stores: dict[str, Store] = {}
        self._random = random.Random(seed)  # noqa: S311 - ids to repeat, nothing to keep secret
        self._uncalled = self.draw("what nobody asks for")
        self._correlation_ids = self.draw("correlation ids")
        self._secrets = self.draw("secrets", url)
        self._work: list[tuple[str, str]] = []
        self._under_way: OrderedDict[tuple[str, str], Entry] = OrderedDict()
        self.cases: dict[str, Record] = {}
        self.closed_numbers: set[str] = set()
        self.tasks: dict[str, Record] = {}
        # The id of the case that an entity was in last: only a hint, for it may have gone.
        self._homes: dict[str, str] = {}
        self.deleted: set[str] = set()
        self.answers: dict[str, Any] = {}
        self.users: tuple[Record, ...] = tuple(self._new_users())

    def now(self) -> datetime:
        """Tell the time of day."""
        return self.clock.now

    def new_id(self) -> str:
        """Draw the next id."""
        return _id(self._random)

    def new_uncalled_id(self) -> str:
        """Draw the next id of what nobody asks for, so that what is asked for keeps its ids."""
        return _id(self._uncalled)

    def new_correlation_id(self) -> str:
        """Draw the next id of an answer."""
        return _id(self._correlation_ids)

    def new_secret(self, size: int) -> str:
        """Draw the next token or signature; another address has others, whatever the seed.

        Nobody should rely on it: it is as fictitious as the rest, and can be foretold.
        """
        return urlsafe_b64encode(self._secrets.randbytes(size)).rstrip(b"=").decode()

    def draw(self, *about: object) -> random.Random:
        """Return a source of choices that are always the same for the same things."""
        return random.Random(repr((self._seed, *about)))  # noqa: S311 - to repeat, nothing secret

    def store(self, kind: str) -> Store:
        """Return the records of a kind, such as `documents`."""
        return self._stores.setdefault(kind, Store(self.clock, self.deleted))

    def is_worked_out(self, entry: Entry) -> bool:
        """Tell whether work that began with this record is done, or was ended by hand."""
        return entry.is_ended or self.clock() - entry.since >= self._work_time

    def due(self, entry: Entry) -> datetime | None:
        """Tell when work that began with this record ends by itself; None if it never does."""
        try:
            return self.clock.at(entry.since + self._work_time)
        except OverflowError:
            return None

    def begin(self, kind: str, key: str) -> None:
        """Count a record as work that comes to its end by itself; `ended` will name it."""
        self._work.append((kind, key))
        self._under_way[kind, key] = self.store(kind).get(key)

    def end(self, kind: str, key: str, failure: str | None = None) -> None:
        """Let work that is under way end now; `ended` names it next.

        Args:
            kind: The name of the store that it is in.
            key: Its id.
            failure: What it fails for; without, it ends as it would have.
        """
        entry = self._under_way[kind, key]
        entry.is_ended, entry.failure = True, failure
        self._under_way.move_to_end((kind, key), last=False)

    def ended(self) -> Iterator[tuple[str, str]]:
        """Name, once, the kind and the key of all work that has come to its end by now.

        What was deleted in the meantime is left out.
        """
        # All work takes the same time, and what was ended by hand stands at the front.
        while self._under_way:
            (kind, key), entry = next(iter(self._under_way.items()))
            if not self.is_worked_out(entry):
                return
            del self._under_way[kind, key]
            if key not in self.deleted:
                yield kind, key

    def work(self) -> list[tuple[str, str]]:
        """Name the kind and the key of all work, in the order in which it began."""
        return self._there(self._work)

    def under_way(self) -> list[tuple[str, str]]:
        """Name the work that `ended` has not named yet, in the order in which it began."""
        return self._there(self._under_way)

    def case(self, case_id: str) -> Record:
        """Find a case.

        Raises:
            ApiError: It was deleted, or never was.
        """
        return self.entity("case", case_id)

    def entity(self, entity_type: str, entity_id: str) -> Record:
        """Find a case, a company or a person.

        Args:
            entity_type: As bodies or as paths spell it, in any case of letters.
            entity_id: Its id.

        Raises:
            ApiError: It was deleted, or never was; or there is no such type.
        """
        kind = self.type_of(entity_type)
        if entity_id in self.deleted:
            raise deleted(entity_id)
        for case in self._cases_to_look_in(entity_id):
            for entity in _of_kind(case, kind):
                if entity[f"{kind}_id"] == entity_id:
                    self._homes[entity_id] = case["case_id"]
                    return entity
        raise not_found(entity_id)

    def scenario_of(self, document: Record) -> Scenario:
        """Find the scenario of a document: that of its file, and else that of its person."""
        owner = self.entity(document["entity_type"], document["entity_id"])
        return self.scenarios.of_document(document["file_name"], owner)

    def type_of(self, entity_type: str) -> str:
        """Return an entity's type as bodies spell it: case, company or person.

        Raises:
            ApiError: There is no such type.
        """
        kind = _TYPES.get(entity_type.lower())
        if kind is None:
            raise unknown_entity_type()
        return kind

    def forget(self, case_id: str) -> None:
        """Delete a case, its companies and persons, and all that is about them."""
        case = self.case(case_id)
        del self.cases[case_id]
        companies = {company["company_id"] for company in case["companies"]}
        persons = {person["person_id"] for person in case["persons"]}
        self.forget_entities({case_id} | companies | persons)

    def forget_entities(self, entity_ids: set[str]) -> None:
        """Count entities as deleted, and delete all that is about them."""
        for store in self._stores.values():
            store.forget(entity_ids)
        for entity_id in entity_ids:
            self._homes.pop(entity_id, None)
        self.deleted.update(entity_ids)

    def settle(self, case: Record) -> None:
        """Note which case its companies and persons are in, so that they are found at once."""
        for kind in ("company", "person"):
            for entity in _of_kind(case, kind):
                self._homes[entity[f"{kind}_id"]] = case["case_id"]

    def records(self) -> Iterator[Record]:
        """Give all records, but for the users."""
        yield from self.cases.values()
        for store in self._stores.values():
            yield from (entry.record for entry in store)

    def save(self) -> Saved:
        """Give all records, and where the next ids come from."""
        stores = {kind: store.save() for kind, store in self._stores.items()}
        changing = {name: getattr(self, name) for name in _CHANGING}
        return Saved(copied=(stores, changing, self.deleted, self.answers))

    def restore(self, saved: Saved) -> None:
        """Remember what was saved, and nothing else."""
        stores, changing, gone, answers = saved.copied
        for kind in self._stores.keys() | stores.keys():
            self.store(kind).restore(stores.get(kind, {}))
        for name, value in changing.items():
            setattr(self, name, value)
        self._homes.clear()
        for case in self.cases.values():
            self.settle(case)
        # Others hold on to these two.
        self.deleted.clear()
        self.deleted.update(gone)
        self.answers.clear()
        self.answers.update(answers)

    def _there(self, work: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Leave out what was deleted."""
        return [(kind, key) for kind, key in work if key not in self.deleted]

    def _cases_to_look_in(self, entity_id: str) -> Iterator[Record]:
        """Give the case that an entity was in last, and then the others, newest first."""
        home = self._homes.get(entity_id, entity_id)
        if home in self.cases:
            yield self.cases[home]
        # Whoever has just made something asks for it next.
        yield from reversed(self.cases.values())

    def _new_users(self) -> Iterator[Record]:
        created = long_timestamp(self.now())
        for first_name, last_name, role, description in _USERS:
            yield {
                "user_id": self.new_id(),
                "first_name": first_name,
                "last_name": last_name,
                "email": f"{first_name}@sandbox.example".lower(),
                "account_date_created": created,
                "account_date_updated": created,
                "roles": [{"name": role, "description": description}],
            }


def _of_kind(case: Record, kind: str) -> Iterable[Record]:
    if kind == "case":
        return (case,)
    found: Iterable[Record] = case["companies" if kind == "company" else "persons"]
    return found


def _id(source: random.Random) -> str:
    return str(UUID(int=source.getrandbits(128), version=4))
