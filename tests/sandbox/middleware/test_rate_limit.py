"""The rate limit."""

from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pytest

from sikoia_async.sandbox import Rate, Sandbox, Time, create_app
from sikoia_async.sandbox.errors import ApiError
from sikoia_async.sandbox.middleware.rate_limit import RateLimit, WindowKey


def test_a_full_window_returns_429(
    clock: SimpleNamespace, connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """With the seconds until the next window, rounded up."""
    with Sandbox(
        rate=Rate(requests_per_window=2, window=60), time=Time(clock=lambda: clock.now)
    ) as sandbox:
        client = connect(sandbox)
        admitted = [client.get("/v2/users").status_code for _ in range(2)]
        clock.now = 18.5
        refused = client.get("/v2/users")
        clock.now = 60.0
        later = client.get("/v2/users")

    assert admitted == [200, 200]
    assert (refused.status_code, refused.json()["type"]) == (429, "RateLimit")
    assert refused.headers["Retry-After"] == "42"
    assert later.status_code == 200


def test_only_authenticated_requests_count(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """Token and health requests do not, nor requests without a valid token; invalid requests do."""
    with Sandbox(rate=Rate(requests_per_window=1)) as sandbox:
        client = connect(sandbox)
        client.post("/token")
        client.get("/sandbox/health")
        client.get("/v2/users", headers={"Authorization": "Bearer invented"})
        first = client.get("/v2/nowhere")
        second = client.get("/v2/users")

    assert (first.status_code, second.status_code) == (404, 429)


def test_windows_keep_their_phase(clock: SimpleNamespace) -> None:
    """Windows follow one another without gaps, even without requests."""
    rate_limit = RateLimit(limit=1, per=10, clock=lambda: clock.now)
    clock.now = 37.0
    rate_limit.admit()

    with pytest.raises(ApiError) as refused:
        rate_limit.admit()
    assert refused.value.headers == {"Retry-After": "3"}


def test_retry_after_can_be_left_out(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """Sikoia does not promise it."""
    with Sandbox(rate=Rate(requests_per_window=0, retry_after=False)) as sandbox:
        refused = connect(sandbox).get("/v2/users")

    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers


@pytest.mark.parametrize(("key", "statuses"), [("organisation", [200, 429]), ("token", [200, 200])])
def test_the_limit_applies_to_the_organisation_or_to_each_token(
    key: WindowKey, statuses: list[int], connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """Sikoia does not publish which."""
    with Sandbox(rate=Rate(requests_per_window=1, window_key=key)) as sandbox:
        clients = [connect(sandbox), connect(sandbox)]
        first = [client.get("/v2/users").status_code for client in clients]
        again = clients[0].get("/v2/users").status_code

    assert first == statuses
    assert again == 429


def test_an_unknown_window_key_is_refused() -> None:
    """The error lists the known ones."""
    with pytest.raises(ValueError, match="window_key: expected one of organisation, token"):
        create_app(rate=Rate(window_key="client"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
