"""The token endpoint."""

from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pytest

from sikoia_async.sandbox import Credentials, Sandbox, Time, create_app

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def form(sandbox: Sandbox, **changes: str) -> dict[str, str]:
    """Return the form of a token request, with changes."""
    return {
        "grant_type": "client_credentials",
        "scope": sandbox.scope,
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        **changes,
    }


def test_a_token_has_its_lifetime(sandbox: Sandbox, client: httpx.Client) -> None:
    """The response is a 201, with lifetimes in whole seconds."""
    response = client.post(
        "/token",
        data=form(sandbox),
        headers=FORM,
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


def test_each_request_returns_a_new_token(sandbox: Sandbox, client: httpx.Client) -> None:
    """Earlier tokens stay valid."""
    first, second = (
        client.post("/token", data=form(sandbox), headers=FORM).json() for _ in range(2)
    )

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
def test_a_wrong_field_has_an_oauth_error(
    sandbox: Sandbox, client: httpx.Client, field: str, value: str, error: str
) -> None:
    """A 400 with an error code of OAuth 2.0, without the error envelope."""
    response = client.post("/token", data=form(sandbox, **{field: value}), headers=FORM)

    assert response.status_code == 400
    assert response.json()["error"] == error
    assert set(response.json()) == {"error", "error_description"}
    assert value not in response.text
    assert response.headers["X-Correlation-Id"]


@pytest.mark.parametrize("field", ["grant_type", "scope", "client_id", "client_secret"])
def test_a_missing_field_is_named(sandbox: Sandbox, client: httpx.Client, field: str) -> None:
    """An invalid request; the description names the field."""
    response = client.post("/token", data=form(sandbox, **{field: ""}), headers=FORM)

    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"
    assert field in response.json()["error_description"]


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain", ""])
def test_only_forms_are_accepted(sandbox: Sandbox, client: httpx.Client, kind: str) -> None:
    """Whatever the body is."""
    headers, body = {"Content-Type": kind}, form(sandbox)
    refusals = [
        client.post("/token", headers=headers, data=body),
        client.post("/token", headers=headers, json=body),
    ]

    for refused in refusals:
        assert refused.status_code == 400
        assert refused.json()["error"] == "invalid_request"


def test_a_large_form_is_refused(client: httpx.Client) -> None:
    """Anybody may send one, so it is not kept."""
    response = client.post("/token", content=(bytes(1 << 16) for _ in range(4)), headers=FORM)

    assert (response.status_code, response.json()["error"]) == (413, "invalid_request")


def test_a_token_expires(
    clock: SimpleNamespace, connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """The error of an expired token differs from that of an unknown one."""
    with Sandbox(
        credentials=Credentials(token_life=30), time=Time(clock=lambda: clock.now)
    ) as sandbox:
        client = connect(sandbox)
        clock.now = 29.9
        before = client.get("/v2/users")
        clock.now = 30.0
        after = client.get("/v2/users")

    assert before.status_code == 200
    assert (after.status_code, after.json()["type"]) == (401, "ExpiredToken")


def test_the_secret_is_not_in_the_repr() -> None:
    """So an application can be logged."""
    app = create_app(credentials=Credentials(client_secret="sesame"))

    assert app.application.client_secret == "sesame"
    assert "sesame" not in repr(app)
