"""Authentication for `/v2`."""

from collections.abc import Callable

import httpx
import pytest

from sikoia_async.sandbox import Credentials, Sandbox


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer invented", "Basic dXNlcjpwYXNz"],
    ids=["none", "empty", "invented", "another scheme"],
)
def test_only_an_issued_token_is_accepted(client: httpx.Client, authorization: str) -> None:
    """Anything else is refused with InvalidToken."""
    response = client.get("/v2/users", headers={"Authorization": authorization})

    assert (response.status_code, response.json()["type"]) == (401, "InvalidToken")


def test_the_scheme_is_case_insensitive(client: httpx.Client) -> None:
    """As HTTP requires."""
    lowered = client.headers["Authorization"].replace("Bearer", "bearer")

    assert client.get("/v2/users", headers={"Authorization": lowered}).status_code == 200


@pytest.mark.parametrize("header", ["Accept", "Content-Type"])
def test_both_headers_are_required(
    sandbox: Sandbox, connect: Callable[[Sandbox], httpx.Client], header: str
) -> None:
    """The error names the missing header."""
    client = connect(sandbox)
    del client.headers[header]

    response = client.get("/v2/users")

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert header in response.json()["detail"]


def test_an_api_key_is_an_alternative_to_a_token(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """The legacy header is accepted only with the right key."""
    with Sandbox(credentials=Credentials(api_key="legacy")) as sandbox:
        client = connect(sandbox)
        del client.headers["Authorization"]
        right = client.get("/v2/users", headers={"apikey": "legacy"})
        wrong = client.get("/v2/users", headers={"apikey": "other"})

    assert right.status_code == 200
    assert wrong.json()["type"] == "InvalidToken"


def test_api_keys_are_refused_by_default(client: httpx.Client) -> None:
    """An empty key too."""
    headers = {"Authorization": "", "apikey": ""}

    assert client.get("/v2/users", headers=headers).status_code == 401


def test_health_needs_no_token(client: httpx.Client) -> None:
    """Paths outside `/v2` are public."""
    response = client.get("/sandbox/health", headers={"Authorization": ""})

    assert response.json() == {"status": "ok"}
