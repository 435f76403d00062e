"""`Stores`: the stores of one application, one for each kind of state that processes share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import attrs

if TYPE_CHECKING:
    from types import TracebackType

    from sikoia_async.stores.protocols import (
        EventStore,
        PurchaseStore,
        QuotaStore,
        ReplayStore,
        SpendStore,
        TokenStore,
    )

__all__ = ["Stores"]


@attrs.define(kw_only=True, eq=False)
class Stores:
    """What a client shares with other processes: `Sikoia(shared=...)`.

    A kind of state whose store is None is not shared. Combine stores with `|`: each kind comes from
    the first that has it, as in `RedisStores(redis) | PostgresStores(pool)`.
    """

    quota: QuotaStore | None = None
    """The rate limit."""
    token: TokenStore | None = None
    """The access token."""
    replay: ReplayStore | None = None
    """Which webhook events were handled."""
    events: EventStore | None = None
    """Webhook events, for operations that wait in other processes."""
    spend: SpendStore | None = None
    """How many chargeable calls were made."""
    purchases: PurchaseStore | None = None
    """Purchases that were intended and made."""

    def __or__(self, other: Stores) -> Stores:
        """Return stores that take each kind from this one or, if it has none, from the other."""
        return _Combined(self, other)

    async def aclose(self) -> None:
        """Close what these stores have opened themselves; it is opened again if they are used."""

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
        for part in self._parts:
            await part.aclose()
