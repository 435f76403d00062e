"""The fictitious users of the organisation: one for each role."""

from collections.abc import Callable, Iterator
from datetime import datetime

from sikoia_async.sandbox.store import Record
from sikoia_async.sandbox.timestamps import long_timestamp

__all__ = ["new_users"]

# The names are fictitious, and RFC 2606 reserves the domain.
_USERS = (
    ("Adminia", "Example", "Admin", "May change everything."),
    ("Managus", "Example", "Manager", "May change cases and see users."),
    ("Agentia", "Example", "Agent", "May work on cases."),
)


def new_users(new_id: Callable[[], str], now: datetime) -> Iterator[Record]:
    """Return the records of the users.

    Args:
        new_id: Draws an id.
        now: When the users were created.
    """
    created = long_timestamp(now)
    for first_name, last_name, role, description in _USERS:
        yield {
            "user_id": new_id(),
            "first_name": first_name,
            "last_name": last_name,
            "email": f"{first_name}@sandbox.example".lower(),
            "account_date_created": created,
            "account_date_updated": created,
            "roles": [{"name": role, "description": description}],
        }
