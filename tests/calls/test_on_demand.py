"""What a client is built from: settings that are final, and parts that come with the first use."""

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from scripted import Reply, scripted

from sikoia_async import ClientStateError, ConnectionFailedError, Sikoia
from sikoia_async.environments import local

_THREADS = 8


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Let threads take turns as often as possible."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty_threads")
def test_all_threads_get_the_same_parts() -> None:
    """Whichever thread is first builds them; otherwise calls would count in several places."""
    for _ in range(20):
        sikoia, barrier = Sikoia("an-id", "a-secret"), Barrier(_THREADS)

        def spend(sikoia: Sikoia = sikoia, barrier: Barrier = barrier) -> Mapping[str, int]:
            barrier.wait()
            return sikoia.spend

        with ThreadPoolExecutor(_THREADS) as pool:
            found = [one.result() for one in [pool.submit(spend) for _ in range(_THREADS)]]
        assert {id(one) for one in found} == {id(found[0])}


def test_a_view_shares_the_parts_of_a_client_that_was_not_used() -> None:
    """It does not matter which of them is used first."""
    sikoia = Sikoia("an-id", "a-secret")
    view = sikoia.with_options(retries=0)

    assert view.drift is sikoia.drift


@pytest.mark.anyio
async def test_an_unused_client_can_be_closed() -> None:
    """Then it refuses calls like any other closed one."""
    sikoia = Sikoia("an-id", "a-secret")
    await sikoia.aclose()

    with pytest.raises(ClientStateError, match="closed"):
        await sikoia.users.list()


@pytest.mark.anyio
async def test_variables_are_read_when_the_client_is_created(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What they say at the first call has no effect on it."""
    with scripted() as server:
        server.respond_with(Reply(200, []))
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("SIKOIA_CLIENT_ID", "an-id")
        monkeypatch.setenv("SIKOIA_CLIENT_SECRET", "a-secret")
        options: dict[str, Any] = {"environment": local(server.url), "tls": server.tls}
        proxied = Sikoia(trust_env=True, retries=0, **options)
        direct = Sikoia(**options)
        monkeypatch.delenv("HTTPS_PROXY")
        monkeypatch.delenv("SIKOIA_CLIENT_ID")
        monkeypatch.setenv("SIKOIA_CLIENT_SECRET", "another-secret")
        async with proxied, direct:
            with pytest.raises(ConnectionFailedError, match="refused"):
                await proxied.users.list()
            assert list(await direct.users.list()) == []
