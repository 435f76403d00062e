"""What the local Sikoia remembers: plain records in memory, one clock, and ids from a seed."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from .errors import deleted, not_found
from .stamps import wide

Record = dict[str, Any]

# Nobody is called this, and RFC 2606 keeps the domain free of mailboxes.
_USERS = (
    ("Adminia", "Example", "Admin", "May change everything."),
    ("Managus", "Example", "Manager", "May change cases and see users."),
    ("Agentia", "Example", "Agent", "May work on cases."),
)


class State:
    """The records of one local Sikoia.

    Args:
        clock: Seconds since some moment; windows, tokens and time stamps all follow it.
        seed: The same seed gives the same ids in the same order.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, seed: int = 0) -> None:
        self.clock = clock
        self._epoch = time.time() - clock()
        self._random = random.Random(seed)  # noqa: S311 - ids to repeat, nothing to keep secret
        self.cases: dict[str, Record] = {}
        self.tasks: dict[str, Record] = {}
        self.deleted: set[str] = set()
        self.users: tuple[Record, ...] = tuple(self._new_users())

    def now(self) -> datetime:
        """Tell the time of day: the moment of creation plus what the clock has counted since."""
        return datetime.fromtimestamp(self._epoch + self.clock(), UTC)

    def new_id(self) -> str:
        """Draw the next id."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def case(self, case_id: str) -> Record:
        """Find a case.

        Raises:
            ApiError: It was deleted, or never was.
        """
        if case_id in self.deleted:
            raise deleted(case_id)
        if case_id not in self.cases:
            raise not_found(case_id)
        return self.cases[case_id]

    def forget(self, case_id: str) -> None:
        """Delete a case, and with it its companies and persons."""
        case = self.case(case_id)
        del self.cases[case_id]
        self.deleted.add(case_id)
        self.deleted.update(company["company_id"] for company in case["companies"])
        self.deleted.update(person["person_id"] for person in case["persons"])

    def _new_users(self) -> Iterator[Record]:
        created = wide(self.now())
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
