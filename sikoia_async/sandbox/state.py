"""The state of a local Sikoia: its records in memory, its clock, and ids drawn from a seed."""

import random
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sikoia_async.sandbox.clock import Clock
from sikoia_async.sandbox.errors import deleted, not_found, unknown_entity_type
from sikoia_async.sandbox.progress import Progress
from sikoia_async.sandbox.scenarios.scenarios import Scenarios
from sikoia_async.sandbox.snapshot import Saved
from sikoia_async.sandbox.store import Record, Store
from sikoia_async.sandbox.users import new_users

__all__ = ["Record", "State"]

_ENTITY_TYPES = ("case", "company", "person")

WORK_TIME = 0.5
"""Seconds that work takes unless an option says otherwise."""
# The companies and people of a case: how bodies spell them, and the field that holds them.
_MEMBERS = (("company", "companies"), ("person", "persons"))
# The attributes that snapshots copy, besides the stores and what they share.
_SAVED = (
    "_correlation_ids",
    "_delivery_ids",
    "_random",
    "_secrets",
    "cases",
    "closed_numbers",
    "tasks",
    "users",
)


class State:
    """The records of one local Sikoia.

    Args:
        clock: Rate limits, tokens and timestamps follow it. A function is wrapped in a clock.
        seed: The same seed gives the same ids in the same order, and the same data for them.
        work_time: How many seconds work takes that is pending at first: one number, or one for each
            kind.
        url: The base URL of this local Sikoia; its links begin with it.
        picklist_base: The index of the first company on a picklist.
        refuses_insights_without_data: Whether insights need a complete data source at the request.
        refuses_refresh_after_expiry: Whether accounts are refreshed only while consent lasts.
        return_url: Where the pages for people lead to when they are done.
        refer_fails: Whether a check with a `Refer` is `Failed`.
        all_completeness_rules: Whether completeness and income checks run the rules of all checks.
        scenarios: How to respond for the companies, people and files that they select.
    """

    def __init__(
        self,
        *,
        clock: Clock | Callable[[], float] | None = None,
        seed: int = 0,
        work_time: float | Mapping[str, float] = WORK_TIME,
        url: str = "https://sandbox.example",
        picklist_base: int = 1,
        refuses_insights_without_data: bool = False,
        refuses_refresh_after_expiry: bool = True,
        return_url: str | None = None,
        refer_fails: bool = False,
        all_completeness_rules: bool = True,
        scenarios: Scenarios | None = None,
    ) -> None:
        self.clock: Clock = clock if isinstance(clock, Clock) else Clock(source=clock)
        self.url = url
        self.picklist_base = picklist_base
        self.refuses_insights_without_data = refuses_insights_without_data
        self.refuses_refresh_after_expiry = refuses_refresh_after_expiry
        self.return_url = return_url
        self.refer_fails = refer_fails
        self.all_completeness_rules = all_completeness_rules
        self.scenarios: Scenarios = scenarios or Scenarios()
        self._seed = seed
        self._stores: dict[str, Store] = {}
        self._random = random.Random(seed)  # noqa: S311 - reproducible ids, not secrets
        self._delivery_ids = self.draw("deliveries")
        self._correlation_ids = self.draw("correlation ids")
        self._secrets = self.draw("secrets", url)
        self.cases: dict[str, Record] = {}
        self.closed_numbers: set[str] = set()
        self.tasks: dict[str, Record] = {}
        self._members: dict[tuple[str, str], Record] = {}
        self.deleted: set[str] = set()
        self.progress: Progress = Progress(
            self.clock, work_time=_work_time(work_time), store=self.store, deleted=self.deleted
        )
        self.idempotent_responses: dict[str, Any] = {}
        self.generation: int = 0
        """How often everything was replaced."""
        self.users: tuple[Record, ...] = tuple(new_users(self.new_id, self.now()))

    def now(self) -> datetime:
        """Return the time of day."""
        return self.clock.now

    def new_id(self) -> str:
        """Draw the id of a record that a request creates."""
        return _id(self._random)

    def new_delivery_id(self) -> str:
        """Draw an id for webhook deliveries; their sequence leaves the other ids as they are."""
        return _id(self._delivery_ids)

    def new_correlation_id(self) -> str:
        """Draw the correlation id of a response."""
        return _id(self._correlation_ids)

    def new_secret(self, size: int) -> str:
        """Draw a token or a signature, which also depends on the URL.

        It is fictitious like everything here, and predictable.
        """
        return urlsafe_b64encode(self._secrets.randbytes(size)).rstrip(b"=").decode()

    def draw(self, *about: object) -> random.Random:
        """Return a random generator that is always the same for the same arguments."""
        return random.Random(repr((self._seed, *about)))  # noqa: S311 - reproducible, not secret

    def store(self, kind: str) -> Store:
        """Return the records of a kind, such as `documents`."""
        return self._stores.setdefault(kind, Store(self.clock, self.deleted))

    def case(self, case_id: str) -> Record:
        """Return a case.

        Raises:
            ApiError: The case was deleted or never existed.
        """
        return self.entity("case", case_id)

    def entity(self, entity_type: str, entity_id: str) -> Record:
        """Return a case, a company or a person.

        Args:
            entity_type: As bodies spell it, in any case.
            entity_id: Its id.

        Raises:
            ApiError: The entity was deleted or never existed, or the type is unknown.
        """
        kind = self.type_of(entity_type)
        if entity_id in self.deleted:
            raise deleted(entity_id)
        entity = (
            self.cases.get(entity_id) if kind == "case" else self._members.get((kind, entity_id))
        )
        if entity is None:
            raise not_found(entity_id)
        return entity

    def type_of(self, entity_type: str) -> str:
        """Return an entity type as bodies spell it: `case`, `company` or `person`.

        Raises:
            ApiError: The type is unknown.
        """
        kind = entity_type.lower()
        if kind not in _ENTITY_TYPES:
            raise unknown_entity_type()
        return kind

    def delete_case(self, case_id: str) -> None:
        """Delete a case, its companies and people, and all records about them."""
        case = self.case(case_id)
        del self.cases[case_id]
        companies = {company["company_id"] for company in case["companies"]}
        persons = {person["person_id"] for person in case["persons"]}
        self.delete_entities({case_id} | companies | persons)

    def delete_entities(self, entity_ids: set[str]) -> None:
        """Mark entities as deleted, and delete all records about them."""
        for store in self._stores.values():
            store.remove_of(entity_ids)
        for entity_id in entity_ids:
            for kind, _ in _MEMBERS:
                self._members.pop((kind, entity_id), None)
        self.deleted.update(entity_ids)

    def index_case(self, case: Record) -> None:
        """Note the companies and people of a case, to find them without a search."""
        for kind, name in _MEMBERS:
            for member in case[name]:
                self._members[kind, member[f"{kind}_id"]] = member

    def records(self) -> Iterator[Record]:
        """Return all records except the users."""
        yield from self.cases.values()
        for store in self._stores.values():
            yield from (entry.record for entry in store)

    def save(self) -> Saved:
        """Return all records and the positions of the id sequences, for a snapshot."""
        stores = {kind: store.save() for kind, store in self._stores.items()}
        attributes = {name: getattr(self, name) for name in _SAVED}
        shared = self.deleted, self.idempotent_responses
        return Saved(copied=(stores, attributes, self.progress.save(), *shared))

    def restore(self, saved: Saved) -> None:
        """Replace everything with the content of a snapshot."""
        self.generation += 1
        stores, attributes, progress, gone, responses = saved.copied
        for kind in self._stores.keys() | stores.keys():
            self.store(kind).restore(stores.get(kind, {}))
        for name, value in attributes.items():
            setattr(self, name, value)
        self.progress.restore(progress)
        self._members.clear()
        for case in self.cases.values():
            self.index_case(case)
        # Changed in place, because other parts hold references to these two.
        self.deleted.clear()
        self.deleted.update(gone)
        self.idempotent_responses.clear()
        self.idempotent_responses.update(responses)


def _work_time(given: float | Mapping[str, float]) -> Callable[[str], float]:
    if isinstance(given, Mapping):
        by_kind = dict(given)
        return lambda kind: by_kind.get(kind, WORK_TIME)
    return lambda _: given


def _id(source: random.Random) -> str:
    return str(UUID(int=source.getrandbits(128), version=4))
