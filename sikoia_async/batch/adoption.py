"""Finds the request of a lost purchase in Sikoia's list, and claims it for that purchase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import attrs

from sikoia_async.batch.classes import LISTED, listing
from sikoia_async.batch.doubt import AMBIGUOUS, NO_TIME, doubt_error
from sikoia_async.batch.hashes import hash_of_key, is_hash_of
from sikoia_async.batch.matching import candidates
from sikoia_async.stores.protocols import Purchase

if TYPE_CHECKING:
    from sikoia_async._calls.api import Api
    from sikoia_async.batch.guarded import ChargeableRequest
    from sikoia_async.batch.journal import Journal
    from sikoia_async.batch.sikoia_time import SikoiaTime

__all__ = ["ADOPTION", "LOOKING", "Adoption", "claim", "tolerance"]

ADOPTION: Final = "adoption"
"""The operation of the journal's records that say for which purchase a request was adopted."""
LOOKING: Final = "looking"
"""How a purchase is being resolved while its owner has not sent anything."""

_CLOCKS: Final = 2.0
"""Seconds by which Sikoia's own clocks may differ."""
_HOST_CLOCK: Final = 60.0
"""Seconds by which the clock of this host may be wrong, if no response shows Sikoia's time."""
_PAUSE: Final = 0.25
_LOOKS: Final = 40
"""How often to wait for others that are looking for requests of the same subject."""


@attrs.frozen
class _Others:
    """What the journal says of other purchases of the same operation."""

    request_ids: frozenset[str]
    """The requests that belong to them."""
    are_in_progress: bool
    """Whether one of them may have made a request that is not recorded yet."""
    are_looking: bool
    """Whether one of them, for the same subject with other arguments, is being resolved."""
    are_in_doubt: bool
    """Whether one of those has not been resolved."""


class Adoption:
    """Finds the request of a purchase.

    Args:
        api: makes calls without a guard.
        journal: where purchases are recorded.
        time: Sikoia's time.
        request: what was requested.
    """

    def __init__(
        self, api: Api, journal: Journal, time: SikoiaTime, request: ChargeableRequest
    ) -> None:
        self._api = api
        self._journal = journal
        self._time = time
        self._request = request

    async def find(self, purchase: Purchase) -> str | None:
        """Return the id of a listed request that is now this purchase's; None if there is none.

        Raises:
            PurchaseInDoubtError: nobody can tell whose request it is.
            SikoiaError: whatever listing the requests raises.
        """
        request = self._request
        looks = 0
        while True:
            listed = await listing(self._api, request.operation, request.subject)
            self._time.observe(listed.response.headers)
            since = purchase.intended_at - tolerance(self._time)
            found = candidates(listed, request.operation, request.body, since)
            if not found:
                return None
            others = await self._others(purchase)
            is_unclear = others.are_in_doubt and not self._is_specific
            looks += others.are_looking and is_unclear
            if not others.are_in_progress and not (is_unclear and 0 < looks < _LOOKS):
                break
            await anyio.sleep(_PAUSE)
        for one in found:
            if one.request_id in others.request_ids:
                continue
            if one.datetime_requested is None:
                raise doubt_error(purchase, NO_TIME)
            if is_unclear:
                raise doubt_error(purchase, AMBIGUOUS)
            if await claim(self._journal, one.request_id, purchase, self._time.now()):
                return str(one.request_id)
        return None

    @property
    def _is_specific(self) -> bool:
        """Whether the request has a parameter that the list shows."""
        compared = LISTED[self._request.operation].compared
        return any(self._request.body.get(name) is not None for name in compared)

    async def _others(self, purchase: Purchase) -> _Others:
        now = self._time.now()
        request_ids = set[str]()
        are_in_progress = are_looking = are_in_doubt = False
        async for one in self._journal.list():
            if one.operation != purchase.operation or one.key == purchase.key:
                continue
            if one.request_id is not None:
                request_ids.add(one.request_id)
            elif one.state == "intended" and one.token == purchase.token:
                is_live, is_looking = now < one.ends_at, one.resolution == LOOKING
                differs = not self._has_same_arguments(one)
                are_in_progress |= is_live and not is_looking
                are_looking |= differs and is_live and is_looking
                are_in_doubt |= differs
        return _Others(frozenset(request_ids), are_in_progress, are_looking, are_in_doubt)

    def _has_same_arguments(self, other: Purchase) -> bool:
        signer = self._api.context.registry.signer
        return is_hash_of(signer, self._request.content, other.arguments)


async def claim(journal: Journal, request_id: str, purchase: Purchase, now: float) -> bool:
    """Reserve a listed request for a purchase, durably; return False if another one has it."""
    record = Purchase(
        key=hash_of_key(ADOPTION, purchase.operation, request_id),
        operation=ADOPTION,
        arguments=purchase.key,
        state="done",
        owner=purchase.owner,
        intended_at=now,
        request_id=request_id,
    )
    return (await journal.intend(record)).arguments == purchase.key


def tolerance(time: SikoiaTime) -> float:
    """Return by how many seconds a request may seem older than its intent."""
    return _CLOCKS if time.is_known else _HOST_CLOCK
