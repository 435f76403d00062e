"""The rate limit, in windows that turn with the clock."""

from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pytest

from sikoia_async.sandbox import Sandbox, create_app
from sikoia_async.sandbox.errors import ApiError
from sikoia_async.sandbox.middleware.rate_limit import RateLimit, WindowKey


def test_a_full_window_says_when_it_turns(
    clock: SimpleNamespace, connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """Over the limit comes 429, with the whole seconds left of the window, rounded up."""
    with Sandbox(limit=2, per=60, clock=lambda: clock.now) as sandbox:
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
    """Tokens, health and refused callers leave the window as it is; a bad request does not."""
    with Sandbox(limit=1) as sandbox:
        client = connect(sandbox)
        client.post("/token")
        client.get("/sandbox/health")
        client.get("/v2/users", headers={"Authorization": "Bearer invented"})
        first = client.get("/v2/nowhere")
        second = client.get("/v2/users")

    assert (first.status_code, second.status_code) == (404, 429)


def test_windows_keep_their_phase(clock: SimpleNamespace) -> None:
    """A window opens when the one before it ends, however long nobody asked."""
    window = RateLimit(limit=1, per=10, clock=lambda: clock.now)
    clock.now = 37.0
    window.admit()

    with pytest.raises(ApiError) as refused:
        window.admit()
    assert refused.value.headers == {"Retry-After": "3"}


def test_a_window_may_keep_silent_about_its_turn(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """Sikoia does not promise a Retry-After, so a client has to do without it too."""
    with Sandbox(limit=0, retry_after=False) as sandbox:
        refused = connect(sandbox).get("/v2/users")

    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers


@pytest.mark.parametrize(("key", "statuses"), [("organisation", [200, 429]), ("token", [200, 200])])
def test_the_limit_is_for_all_or_for_each_token(
    key: WindowKey, statuses: list[int], connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """Whom Sikoia counts together is not published."""
    with Sandbox(limit=1, window_key=key) as sandbox:
        clients = [connect(sandbox), connect(sandbox)]
        answered = [client.get("/v2/users").status_code for client in clients]
        again = clients[0].get("/v2/users").status_code

    assert answered == statuses
    assert again == 429


def test_a_window_needs_a_known_key() -> None:
    """The message names the known ones."""
    with pytest.raises(ValueError, match="window_key: give one of organisation, token"):
        create_app(window_key="client")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
