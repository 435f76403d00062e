"""Clients of a local Sikoia and of a cassette, which need to be told nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from sikoia_async import Interval, Sikoia
from sikoia_async._transport.connector import local_authorities, validate_environment
from sikoia_async.environments import Environment, local
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing.sandboxes import MemorySandbox

if TYPE_CHECKING:
    from sikoia_async._transport.pool import ConnectionPool
    from sikoia_async.testing.cassettes import Cassette

__all__ = ["client_of"]

_SOON: Final = Interval(first=0.1)
_AT_ONCE: Final = Interval(first=0.1, most=0.1)


def client_of(
    source: Sandbox | Cassette, *, interval: Interval | None = _SOON, **options: Any
) -> Sikoia:
    """Return a client of a local Sikoia, or of a cassette; it is yours to close.

        async with client_of(sandbox, retries=0) as sikoia:
            users = await sikoia.users.list()

    Args:
        source: a `MemorySandbox` or a `Sandbox`, which runs, or a `Cassette`. While that one
            records, credentials and environment are those of `options` or else of the process's
            environment, as for `Sikoia`; while it replays there is no need of any, and no quota.
        interval: how often operations are asked about: after a tenth of a second at first, so that
            no test waits for its next poll. None for what each operation has by itself, as while a
            cassette records.
        options: what else `Sikoia` takes.
    """
    if not isinstance(source, Sandbox):
        pace = (None if source.records else _AT_ONCE) if interval is _SOON else interval
        make = _recording if source.records else _replaying
        return _asking(make(source, options), pace)
    if isinstance(source, MemorySandbox):
        options["transport"] = source.transport
    else:
        options["tls"] = source.ca_file
    credentials = (source.client_id, source.client_secret)
    return _asking(Sikoia(*credentials, environment=local(source.url), **options), interval)


def _asking(sikoia: Sikoia, interval: Interval | None) -> Sikoia:
    return sikoia if interval is None else sikoia.with_options(interval=interval)


def _replaying(cassette: Cassette, options: dict[str, Any]) -> Sikoia:
    kept: dict[str, Any] = {"quota": None, "transport": cassette.transport()}
    kept |= {name: one for name, one in options.items() if name not in _LIVE}
    return Sikoia("cassette", "cassette", environment=_NOWHERE, **kept)


def _recording(cassette: Cassette, options: dict[str, Any]) -> Sikoia:
    """Return a client whose connections, which stand below the cassette, are closed with it."""
    way = {name: options.pop(name) for name in _WAY if name in options}
    beneath = options.pop("transport", None)
    if beneath is None and not way.get("tls") and options.get("environment") is None:
        way["tls"] = local_authorities(validate_environment(None))
    transport = cassette.transport(beneath, **way)
    sikoia = Sikoia(**options, transport=transport)
    # A recorder has what a client asks of the guards that it closes.
    sikoia._pools.append(cast("ConnectionPool", transport))  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return sikoia


_WAY: Final = ("tls", "proxy", "trust_env")
_LIVE: Final = frozenset(
    {*_WAY, "client_id", "client_secret", "token", "api_key", "environment", "transport"}
    | {"http_client", "token_store"}
)
"""What is of no use without a network."""
_NOWHERE: Final = Environment(
    name="cassette",
    api="https://cassette.invalid",
    token_url="https://cassette.invalid/token",  # noqa: S106 - an address
    scope="https://cassette.invalid/.default",
)
