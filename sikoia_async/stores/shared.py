"""`Stores`: the stores of one application, one for each kind of state that processes share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import attrs

from sikoia_async._errors import ArgumentTypeError
from sikoia_async._validation import validate_type
from sikoia_async.stores.protocols import (
    EventStore,
    PurchaseStore,
    QuotaStore,
    ReplayStore,
    SpendStore,
    TokenStore,
)

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Stores", "validate_store", "validate_stores"]

_PROTOCOLS: Final[dict[str, type]] = {
    "quota": QuotaStore,
    "token": TokenStore,
    "replay": ReplayStore,
    "events": EventStore,
    "spend": SpendStore,
    "purchases": PurchaseStore,
}
"""The protocol of each kind of state."""
_MISSING: Final = object()
"""Stands for the field of a subclass that did not call the constructor of `Stores`."""


def validate_store(name: str, kind: str, store: object) -> None:
    """Check that a store has the methods of its protocol; None passes.

    Args:
        name: what the message calls the argument.
        kind: the kind of state, such as `token`.
        store: the store.

    Raises:
        ArgumentTypeError: it lacks a method, or is a class.
    """
    protocol = _PROTOCOLS[kind]
    methods = [one for one in vars(protocol) if not one.startswith("_")]
    expected = f"{', '.join(methods[:-1])} and {methods[-1]}"
    article = "an" if protocol.__name__.startswith("E") else "a"
    # Not `isinstance`: a proxy may pass its methods on by `__getattr__`.
    is_complete = all(callable(getattr(store, one, None)) for one in methods)
    if store is not None and (not is_complete or isinstance(store, type)):
        msg = f"{name}: expected {article} {protocol.__name__}, with {expected}"
        raise ArgumentTypeError(msg)


def validate_stores(name: str, shared: object) -> None:
    """Check the argument of a client or a guard that takes stores.

    Raises:
        ArgumentTypeError: it is not a `Stores`, or one of its stores lacks a method.
    """
    what = f'stores, such as {name}=SqliteStores("sikoia.db"), or Stores(token=...)'
    validate_type(name, shared, Stores, what)
    for kind in _PROTOCOLS:
        validate_store(f"{name}: {kind}", kind, getattr(shared, kind, _MISSING))


def _validate_field(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    validate_store(f"Stores: {attribute.name}", attribute.name, value)


@attrs.define(kw_only=True, eq=False)
class Stores:
    """What a client shares with other processes: `Sikoia(shared=...)`.

    A kind of state whose store is None is not shared. Combine stores with `|`: each kind comes from
    the first that has it, as in `RedisStores(redis) | PostgresStores(pool)`.

    Raises:
        ArgumentTypeError: a store lacks a method of its protocol.
    """

    quota: QuotaStore | None = attrs.field(default=None, validator=_validate_field)
    """The rate limit."""
    token: TokenStore | None = attrs.field(default=None, validator=_validate_field)
    """The access token."""
    replay: ReplayStore | None = attrs.field(default=None, validator=_validate_field)
    """Which webhook events were handled."""
    events: EventStore | None = attrs.field(default=None, validator=_validate_field)
    """Webhook events, for operations that wait in other processes."""
    spend: SpendStore | None = attrs.field(default=None, validator=_validate_field)
    """How many chargeable calls were made."""
    purchases: PurchaseStore | None = attrs.field(default=None, validator=_validate_field)
    """Purchases that were intended and made."""

    def __or__(self, other: Stores) -> Stores:
        """Return stores that take each kind from this one or, if it has none, from the other.

        Raises:
            ArgumentTypeError: the other is not a `Stores`.
        """
        validate_type("Stores", other, Stores, "other stores after |")
        return _Combined(self, other)

    async def aclose(self) -> None:
        """Close the connections that these stores opened; they are opened again on use."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


class _Combined(Stores):
    """Two stores, of which the first takes precedence."""

    def __init__(self, first: Stores, second: Stores) -> None:
        super().__init__(
            quota=second.quota if first.quota is None else first.quota,
            token=second.token if first.token is None else first.token,
            replay=second.replay if first.replay is None else first.replay,
            events=second.events if first.events is None else first.events,
            spend=second.spend if first.spend is None else first.spend,
            purchases=second.purchases if first.purchases is None else first.purchases,
        )
        self._parts = (first, second)

    async def aclose(self) -> None:
        """Close both."""
        first, second = self._parts
        try:
            await first.aclose()
        finally:
            await second.aclose()
