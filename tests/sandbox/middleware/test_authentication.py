"""Who gets in to `/v2`."""

from collections.abc import Callable

import httpx
import pytest

from sikoia_async.sandbox import Sandbox


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer invented", "Basic dXNlcjpwYXNz"],
    ids=["none", "empty", "invented", "another scheme"],
)
def test_only_an_issued_token_gets_in(client: httpx.Client, authorization: str) -> None:
    """Whatever is not a token issued here is refused with InvalidToken."""
    response = client.get("/v2/users", headers={"Authorization": authorization})

    assert (response.status_code, response.json()["type"]) == (401, "InvalidToken")


def test_the_scheme_may_be_written_in_any_case(client: httpx.Client) -> None:
    """The word Bearer is not sensitive to case, as HTTP has it."""
    lowered = client.headers["Authorization"].replace("Bearer", "bearer")

    assert client.get("/v2/users", headers={"Authorization": lowered}).status_code == 200


@pytest.mark.parametrize("header", ["Accept", "Content-Type"])
def test_both_headers_are_needed(
    sandbox: Sandbox, connect: Callable[[Sandbox], httpx.Client], header: str
) -> None:
    """A request without one of the documented headers is refused, and the refusal names it."""
    client = connect(sandbox)
    del client.headers[header]

    response = client.get("/v2/users")

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert header in response.json()["detail"]


def test_an_api_key_is_an_alternative_to_a_token(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """The legacy header gets in with the right key, and not with another."""
    with Sandbox(api_key="legacy") as sandbox:
        client = connect(sandbox)
        del client.headers["Authorization"]
        right = client.get("/v2/users", headers={"apikey": "legacy"})
        wrong = client.get("/v2/users", headers={"apikey": "other"})

    assert right.status_code == 200
    assert wrong.json()["type"] == "InvalidToken"


def test_without_a_key_of_its_own_the_sandbox_takes_none(client: httpx.Client) -> None:
    """An empty api key gets nobody in when the sandbox was given none."""
    headers = {"Authorization": "", "apikey": ""}

    assert client.get("/v2/users", headers=headers).status_code == 401


def test_health_needs_no_token(client: httpx.Client) -> None:
    """What is not below `/v2` is open."""
    response = client.get("/sandbox/health", headers={"Authorization": ""})

    assert response.json() == {"status": "ok"}
