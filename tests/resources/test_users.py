"""Users, against the local Sikoia."""

import pytest

from sikoia_async import Sikoia

pytestmark = pytest.mark.anyio


async def test_users_are_listed_with_their_roles(sikoia: Sikoia) -> None:
    """Each user has an id, a date and roles; reprs mask names."""
    async with sikoia:
        users = await sikoia.users.list()

    assert users.response.path == "/v2/users"
    assert {role.name for user in users for role in user.roles or ()} <= {
        "Admin",
        "Manager",
        "Agent",
    }
    assert all(user.user_id and user.account_date_created for user in users)
    assert str(users[0].first_name) not in repr(users)
