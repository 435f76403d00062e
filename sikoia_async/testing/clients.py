"""Clients of a local Sikoia or a cassette, which need no configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from sikoia_async import Interval, Sikoia
from sikoia_async._transport.connector import local_authorities, validate_environment
from sikoia_async._transport.tracebacks import without_frames_sync
from sikoia_async.environments import Environment, local
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing.sandboxes import MemorySandbox

if TYPE_CHECKING:
    from sikoia_async._transport.pool import ConnectionPool
    from sikoia_async.testing.cassettes import Cassette

__all__ = ["client_of"]

_SHORT: Final = Interval(first=0.1)
_SHORTEST: Final = Interval(first=0.1, most=0.1)


@without_frames_sync
def client_of(
    source: Sandbox | Cassette, *, interval: Interval | None = _SHORT, **options: Any
) -> Sikoia:
    """Return a client of a local Sikoia or a cassette. Close it after use.

        async with client_of(sandbox, retries=0) as sikoia:
            users = await sikoia.users.list()

    Args:
        source: a running `MemorySandbox` or `Sandbox`, or a `Cassette`. While a cassette records,
            credentials and environment come from `options` or from environment variables, as for
            `Sikoia`. While it replays, none are needed, and there is no rate limit.
        interval: when operations are polled. By default the first poll comes after 0.1 seconds, so
            that tests are fast. None for the default interval of each operation, which is also used
            while a cassette records.
        options: other arguments of `Sikoia`.
    """
    if not isinstance(source, Sandbox):
        if interval is _SHORT:
            interval = None if source.records else _SHORTEST
        make = _recording if source.records else _replaying
        return _polling(make(source, options), interval)
    if isinstance(source, MemorySandbox):
        options["transport"] = source.transport
    else:
        options["tls"] = source.ca_file
    credentials = (source.client_id, source.client_secret)
    return _polling(Sikoia(*credentials, environment=local(source.url), **options), interval)


def _polling(sikoia: Sikoia, interval: Interval | None) -> Sikoia:
    return sikoia if interval is None else sikoia.with_options(interval=interval)


def _replaying(cassette: Cassette, options: dict[str, Any]) -> Sikoia:
    kept: dict[str, Any] = {"quota": None, "transport": cassette.transport()}
    kept |= {name: one for name, one in options.items() if name not in _NETWORK}
    return Sikoia("cassette", "cassette", environment=_NOWHERE, **kept)


def _recording(cassette: Cassette, options: dict[str, Any]) -> Sikoia:
    """Return a client that closes the connections of the cassette's transport with its own."""
    connection = {name: options.pop(name) for name in _CONNECTION if name in options}
    beneath = options.pop("transport", None)
    if beneath is None and not connection.get("tls") and options.get("environment") is None:
        connection["tls"] = local_authorities(validate_environment(None))
    transport = cassette.transport(beneath, **connection)
    sikoia = Sikoia(**options, transport=transport)
    # A recorder has the attributes of a pool that a client uses.
    sikoia._parts.get().pools.append(cast("ConnectionPool", transport))  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return sikoia


_CONNECTION: Final = ("tls", "proxy", "trust_env")
_NETWORK: Final = frozenset(
    {*_CONNECTION, "client_id", "client_secret", "token", "api_key", "environment", "transport"}
    | {"http_client", "token_store"}
)
"""Arguments of `Sikoia` that replaying ignores, because there is no network."""
_NOWHERE: Final = Environment(
    name="cassette",
    api="https://cassette.invalid",
    token_url="https://cassette.invalid/token",  # noqa: S106 - a URL
    scope="https://cassette.invalid/.default",
)
