"""Purchases in doubt: listed for people, resolved where Sikoia's lists say what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from sikoia_async._errors import ArgumentError, InvalidOperationTokenError
from sikoia_async.batch.adoption import claim, tolerance
from sikoia_async.batch.classes import LISTED, listing, operation_kind
from sikoia_async.batch.doubt import moment, nobody_knows
from sikoia_async.batch.hashes import hash_of_key, new_owner
from sikoia_async.batch.matching import candidates

if TYPE_CHECKING:
    from datetime import datetime

    from sikoia_async._calls.api import Api
    from sikoia_async.batch.journal import Journal
    from sikoia_async.batch.sikoia_time import SikoiaTime
    from sikoia_async.stores.protocols import Purchase

__all__ = ["Doubt", "Doubts"]

_LOOK: Final = (
    "use its key again, which looks for it in Sikoia's list, or call sikoia.purchases.look()"
)
_SEND_AGAIN: Final = "use its key again, which sends it again with the same idempotency key"


@attrs.frozen(kw_only=True)
class Doubt:
    """A purchase that nobody can tell about."""

    key: str
    """The hash of its key; `is_for` compares it with a key."""
    operation: str
    """What was requested, such as `credit_reports.request`."""
    intended_at: datetime
    """When the request was about to be sent."""
    advice: str
    """What can be done."""
    correlation_id: str | None = None
    """The id to quote to Sikoia's support; None if it was not recorded."""
    idempotency_key: str | None = None
    """The idempotency key that was sent, if any."""

    def is_for(self, key: str) -> bool:
        """Return whether it is a purchase under this key."""
        return self.key in {hash_of_key(key), *(hash_of_key(key, str(n)) for n in range(2, 10))}


class Doubts:
    """The purchases in doubt of a journal.

    Args:
        api: makes calls without a guard.
        journal: where purchases are recorded.
        time: Sikoia's time.
        grace: seconds that Sikoia may need for a request whose sender is gone.
    """

    def __init__(self, api: Api, journal: Journal, time: SikoiaTime, grace: float) -> None:
        self._api = api
        self._journal = journal
        self._time = time
        self._grace = grace

    async def all(self) -> tuple[Doubt, ...]:
        """Return the purchases in doubt, the oldest first."""
        return tuple([self._described(one) for one in await self._purchases()])

    async def resolve(self, key: str, *, is_bought: bool, request_id: str | None) -> None:
        """Record what became of a purchase in doubt.

        Raises:
            ArgumentError: there is none with this key.
        """
        purchase = next((one for one in await self._purchases() if one.key == key), None)
        if purchase is None or not await self._settle(
            purchase, is_bought=is_bought, request_id=request_id, resolution="resolved by a person"
        ):
            msg = "purchase: none in doubt has this key; sikoia.purchases.doubts() lists them"
            raise ArgumentError(msg)

    async def look(self) -> None:
        """Resolve the purchases in doubt for which Sikoia's lists say what became of them."""
        groups: dict[str, list[Purchase]] = {}
        for one in await self._purchases():
            if one.operation in LISTED and one.token is not None:
                groups.setdefault(one.token, []).append(one)
        for token, purchases in groups.items():
            try:
                _, (operation, *subject) = self._api.context.registry.signer.read(token)
            except InvalidOperationTokenError:  # made with other credentials
                continue
            await self._look(operation, subject, purchases)

    async def _look(self, operation: str, subject: list[str], purchases: list[Purchase]) -> None:
        """Resolve the purchases in doubt of one subject."""
        listed = await listing(self._api, operation, subject)
        self._time.observe(listed.response.headers)
        since = min(one.intended_at for one in purchases) - tolerance(self._time)
        own = {one.key for one in purchases}
        others = {
            one.request_id
            async for one in self._journal.list()
            if one.request_id is not None and one.key not in own
        }
        found = [
            one
            for one in candidates(listed, operation, {}, since)
            if one.datetime_requested is None or one.request_id not in others
        ]
        if not found:
            for one in purchases:
                await self._settle(one, is_bought=False, request_id=None, resolution="not found")
        elif len(found) == len(purchases) == 1 and found[0].datetime_requested is not None:
            [one], request_id = purchases, found[0].request_id
            if await claim(self._journal, request_id, one, self._time.now()):
                await self._settle(one, is_bought=True, request_id=request_id, resolution="adopted")

    async def _settle(
        self, purchase: Purchase, *, is_bought: bool, request_id: str | None, resolution: str
    ) -> bool:
        """Record what became of a purchase, unless another process has just done so."""
        settled = attrs.evolve(purchase, owner=new_owner(), state="refused", resolution=resolution)
        if is_bought:
            kind = operation_kind(purchase.operation)
            token = None
            if kind is not None and request_id is not None:
                token = self._api.context.registry.signer.token(kind, (request_id,))
            settled = attrs.evolve(
                settled,
                state="done" if token is None else "known",
                request_id=request_id,
                token=token,
            )
        return await self._journal.change(settled, owner=purchase.owner)

    async def _purchases(self) -> list[Purchase]:
        latest = self._time.now() - self._grace
        return [
            one
            async for one in self._journal.list(("intended", "doubt"))
            if one.state == "doubt" or one.ends_at <= latest
        ]

    def _described(self, purchase: Purchase) -> Doubt:
        if self._api.context.keys is not None and purchase.idempotency_key is not None:
            advice = _SEND_AGAIN
        elif purchase.state == "intended" and purchase.operation in LISTED:
            advice = _LOOK
        else:
            advice = nobody_knows(purchase.operation)
        return Doubt(
            key=purchase.key,
            operation=purchase.operation,
            intended_at=moment(purchase.intended_at),
            advice=advice,
            correlation_id=purchase.correlation_id,
            idempotency_key=purchase.idempotency_key,
        )
