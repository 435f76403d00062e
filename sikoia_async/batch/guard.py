"""The chargeable requests of one guarded call, each under a key of its own."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sikoia_async._errors import ArgumentError, ConfigurationError
from sikoia_async.batch.classes import LISTED, can_fetch, fetch, listing
from sikoia_async.batch.guarded import GuardedApi
from sikoia_async.batch.hashes import CHANGED, hash_of_key
from sikoia_async.batch.keyed_purchase import KeyedPurchase
from sikoia_async.batch.matching import candidates
from sikoia_async.batch.state import Flight
from sikoia_async.operations.statuses import is_failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sikoia_async._calls.api import Api
    from sikoia_async.batch.guarded import ChargeableRequest
    from sikoia_async.batch.journal import Journal
    from sikoia_async.batch.state import GuardSettings, GuardState
    from sikoia_async.stores.protocols import Purchase

__all__ = ["Guard"]

T = TypeVar("T")

_BOUGHT: Final = ("known", "done")


class Guard:
    """Makes the chargeable requests of one guarded call.

    Args:
        api: makes calls without a guard.
        journal: where purchases are recorded.
        state: what the guarded calls of the client share.
        settings: how to buy.
        key: the caller's key; None for one that follows from the request.
    """

    def __init__(
        self,
        api: Api,
        journal: Journal,
        state: GuardState,
        settings: GuardSettings,
        key: str | None,
    ) -> None:
        self._plain = api
        self._journal = journal
        self._state = state
        self._settings = settings
        self._key = key
        self._requests = 0
        self._is_active = True
        self.api: Api = GuardedApi(api.context, api.options, self)

    @property
    def is_active(self) -> bool:
        """Whether the guarded call is in progress."""
        return self._is_active

    @property
    def has_bought(self) -> bool:
        """Whether the guarded call has come to a chargeable request."""
        return self._requests > 0

    def end(self) -> None:
        """End the guarded call. What it returned makes its later calls without the guard."""
        self._is_active = False

    async def buy(
        self,
        request: ChargeableRequest,
        send: Callable[[Api], Awaitable[T]],
        *,
        can_share: bool = True,
    ) -> T:
        """Make a request, or return the result of the one that its key stands for.

        Args:
            request: what would be sent.
            send: sends it with an `Api`.
            can_share: whether concurrent callers may share one result.

        Raises:
            ArgumentError: the key stands for another request.
            PurchaseInDoubtError: the request was made, or may have been, and has no result.
            StoreError: the journal failed; nothing was sent.
            SikoiaError: whatever the request raises.
        """
        self._requests += 1
        _check_type(request)
        key, is_open = await self._next_key(request)
        if self._settings.max_age is not None and self._requests == 1 and is_open:
            result: T | None = await self._recent(request, self._settings.max_age)
            if result is not None:
                return result
        place = (key,) if can_share else (key, self)
        flight = self._state.flights.setdefault(place, Flight(request.content))
        if flight.content != request.content:
            raise ArgumentError(CHANGED)
        purchase = KeyedPurchase(
            self._plain,
            self._journal,
            self._state.time,
            self._settings,
            key=key,
            request=request,
        )
        flight.callers += 1
        try:
            shared: T = await flight.single.run(lambda: purchase.make(send))
        finally:
            flight.callers -= 1
            if not flight.callers:
                del self._state.flights[place]
        return shared

    async def _recent(self, request: ChargeableRequest, max_age: float) -> Any:
        """Return the newest result of such a request; None if there is none of this age."""
        operation = request.operation
        if operation not in LISTED:
            msg = f"ensure: Sikoia does not list what {operation} has requested; use once"
            raise ConfigurationError(msg)
        requests = await listing(self._plain, operation, request.subject)
        self._state.time.observe(requests.response.headers)
        since = self._state.time.now() - max_age
        found = [
            one
            for one in candidates(requests, operation, request.body, since)
            if not is_failure(one.status)
        ]
        if not found:
            return None
        return await fetch(self._plain, operation, request.subject, found[-1].request_id)

    async def _next_key(self, request: ChargeableRequest) -> tuple[str, bool]:
        """Return the journal's key of the next request, and whether it stands for nothing yet."""
        if self._key is not None:
            number = [str(self._requests)] if self._requests > 1 else []
            key = hash_of_key(self._key, *number)
            if self._settings.max_age is None:
                return key, True
            return key, _is_open(await self._journal.get(key))
        digest = self._plain.context.registry.signer.digests(request.content)[0]
        for generation in count():
            key = hash_of_key("ensure", digest, str(generation))
            found = await self._journal.get(key)
            if _is_open(found) or (found is not None and found.state not in _BOUGHT):
                return key, _is_open(found)
        raise AssertionError  # pragma: no cover - `count` does not end


def _check_type(request: ChargeableRequest) -> None:
    """Refuse a request without a model whose result could only be fetched as a model."""
    if can_fetch(request.operation) and not request.has_model:
        msg = f"method: expected sikoia.{request.operation}, which makes this request"
        raise ConfigurationError(msg)


def _is_open(found: Purchase | None) -> bool:
    return found is None or found.state == "refused"
