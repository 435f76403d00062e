"""The users of the organisation."""

import httpx


def test_users_have_names_and_roles(client: httpx.Client) -> None:
    """There is one fictitious user for each documented role."""
    users = client.get("/v2/users").json()

    assert [user["roles"][0]["name"] for user in users] == ["Admin", "Manager", "Agent"]
    assert all(user["email"].endswith("@sandbox.example") for user in users)
    assert users[0].keys() == {
        "user_id",
        "first_name",
        "last_name",
        "email",
        "account_date_created",
        "account_date_updated",
        "roles",
    }
