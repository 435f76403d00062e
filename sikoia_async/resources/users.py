"""The users of your organisation.

Source: https://docs.sikoia.com/docs/users-and-permissions
"""

from datetime import datetime

import attrs

from sikoia_async.models import PERSONAL, Items, Model
from sikoia_async.resources._resource import Resource

__all__ = ["Role", "User", "Users"]


@attrs.frozen(kw_only=True)
class Role(Model):
    """A role of a user, which decides what the user may do."""

    name: str | None = None
    """`Admin`, `Manager` or `Agent`."""
    description: str | None = None


@attrs.frozen(kw_only=True)
class User(Model):
    """A person in your organisation with a Sikoia account."""

    user_id: str
    first_name: str | None = attrs.field(default=None, **PERSONAL)
    last_name: str | None = attrs.field(default=None, **PERSONAL)
    email: str | None = attrs.field(default=None, **PERSONAL)
    account_date_created: datetime | None = None
    account_date_updated: datetime | None = None
    roles: tuple[Role, ...] | None = None


class Users(Resource):
    """The users of your organisation, as `sikoia.users`."""

    async def list(self) -> Items[User]:
        """List all users of your organisation (`GET /v2/users`).

            owner = next(user for user in await sikoia.users.list() if user.email == email)

        Returns:
            The users, with the response they came in.
        """
        return await self._api.get("/v2/users", Items[User])
