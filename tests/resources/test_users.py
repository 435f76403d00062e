"""Users, against the local Sikoia."""

import pytest

from sikoia_async import Sikoia
from sikoia_async.environments import local
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_users_are_listed_with_their_roles() -> None:
    """Each user comes with an id, and with what the user may do."""
    with Sandbox() as sandbox:
        async with Sikoia(
            sandbox.client_id,
            sandbox.client_secret,
            environment=local(sandbox.url),
            tls=sandbox.ca_file,
        ) as sikoia:
            users = await sikoia.users.list()

    assert users.response.path == "/v2/users"
    assert {role.name for user in users for role in user.roles or ()} <= {
        "Admin",
        "Manager",
        "Agent",
    }
    assert all(user.user_id and user.account_date_created for user in users)
    assert str(users[0].first_name) not in repr(users)
