"""The token endpoint: what it gives, and how it refuses."""

from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pytest

from sikoia_async.sandbox import Sandbox, create_app


def form(sandbox: Sandbox, **changes: str) -> dict[str, str]:
    """Fill the form of the token endpoint, with changes."""
    return {
        "grant_type": "client_credentials",
        "scope": sandbox.scope,
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        **changes,
    }


def test_a_token_comes_with_its_times(sandbox: Sandbox, client: httpx.Client) -> None:
    """The answer is 201, and says in whole seconds how long the token lives."""
    response = client.post(
        "/token",
        data=form(sandbox),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert response.status_code == 201
    token = response.json()
    assert set(token) == {
        "access_token",
        "token_type",
        "not_before",
        "expires_in",
        "expires_on",
        "resource",
    }
    assert token["token_type"] == "Bearer"
    assert token["resource"] == sandbox.url
    assert token["expires_in"] == 300
    assert token["expires_on"] - token["not_before"] == 300


def test_every_token_is_another(sandbox: Sandbox, client: httpx.Client) -> None:
    """Two grants give two tokens, and the first stays good."""
    first, second = (client.post("/token", data=form(sandbox)).json() for _ in range(2))

    assert first["access_token"] != second["access_token"]
    bearer = {"Authorization": f"Bearer {first['access_token']}"}
    assert client.get("/v2/users", headers=bearer).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("grant_type", "password", "unsupported_grant_type"),
        ("scope", "https://api.sikoia.com/.default", "invalid_scope"),
        ("client_id", "somebody-else", "invalid_client"),
        ("client_secret", "s\u00e9same", "invalid_client"),
    ],
)
def test_a_wrong_field_is_refused_in_the_words_of_oauth(
    sandbox: Sandbox, client: httpx.Client, field: str, value: str, error: str
) -> None:
    """A field that is wrong gives 400, its own error code, and no correlation id in the body."""
    response = client.post("/token", data=form(sandbox, **{field: value}))

    assert response.status_code == 400
    assert response.json()["error"] == error
    assert set(response.json()) == {"error", "error_description"}
    assert value not in response.text
    assert response.headers["X-Correlation-Id"]


@pytest.mark.parametrize("field", ["grant_type", "scope", "client_id", "client_secret"])
def test_a_missing_field_is_named(sandbox: Sandbox, client: httpx.Client, field: str) -> None:
    """A form that lacks a field is an invalid request, and the answer names the field."""
    response = client.post("/token", data=form(sandbox, **{field: ""}))

    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"
    assert field in response.json()["error_description"]


def test_a_token_expires(
    clock: SimpleNamespace, connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """A token is good until its life is over, and then is told from an invented one."""
    with Sandbox(token_life=30, clock=lambda: clock.now) as sandbox:
        client = connect(sandbox)
        clock.now = 29.9
        before = client.get("/v2/users")
        clock.now = 30.0
        after = client.get("/v2/users")

    assert before.status_code == 200
    assert (after.status_code, after.json()["type"]) == (401, "ExpiredToken")


def test_the_secret_is_not_in_the_repr() -> None:
    """An application can be logged: its representation keeps the secret to itself."""
    app = create_app(client_secret="sesame")

    assert app.application.client_secret == "sesame"
    assert "sesame" not in repr(app)
