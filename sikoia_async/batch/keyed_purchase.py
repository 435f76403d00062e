"""A purchase under one key: a durable intent before the request, and its outcome after it.

A process may be killed between any two steps. What the journal says then decides:

- nothing: the request was not sent;
- intended: it may have been sent. Once it cannot be in progress any more, its result is looked
  for, or it is sent again with the same idempotency key, or it is in doubt;
- known or done: it was bought, and its result is fetched, which is free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from uuid import uuid4

import anyio
import attrs

from sikoia_async._calls.api import Api
from sikoia_async._calls.usage import Spend
from sikoia_async._errors import ArgumentError, CallError, ConflictError
from sikoia_async._hooks import correlation
from sikoia_async.batch.adoption import LOOKING, Adoption
from sikoia_async.batch.classes import LISTED, fetch, listing, operation_kind, purchase_ids
from sikoia_async.batch.doubt import (
    IN_PROGRESS,
    KEY_KNOWN,
    NOT_LISTED,
    RESULT_GONE,
    doubt_error,
    nobody_knows,
)
from sikoia_async.batch.hashes import CHANGED, hash_of_arguments, is_hash_of, new_owner
from sikoia_async.models import ResponseInfo
from sikoia_async.stores.protocols import Purchase

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sikoia_async.batch.guarded import ChargeableRequest
    from sikoia_async.batch.journal import Journal
    from sikoia_async.batch.sikoia_time import SikoiaTime
    from sikoia_async.batch.state import GuardSettings

__all__ = ["KeyedPurchase"]

T = TypeVar("T")

_SENT_AGAIN: Final = "sent again"
_SHORTEST: Final = 0.001
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0
_SLACK: Final = 5.0
"""Seconds for what is not part of a call's timeout, such as changes of the journal."""


class KeyedPurchase:
    """A purchase under one key.

    Args:
        api: makes calls without a guard.
        journal: where it is recorded.
        time: Sikoia's time.
        settings: how to buy.
        key: the journal's key.
        request: what is requested.
    """

    def __init__(
        self,
        api: Api,
        journal: Journal,
        time: SikoiaTime,
        settings: GuardSettings,
        *,
        key: str,
        request: ChargeableRequest,
    ) -> None:
        self._api = api
        self._journal = journal
        self._time = time
        self._settings = settings
        self._key = key
        self._request = request
        self._signer = api.context.registry.signer

    async def make(self, send: Callable[[Api], Awaitable[T]]) -> T:
        """Buy, or return the result of what was bought under this key.

        Args:
            send: sends the request with an `Api`.

        Raises what `Guard.buy` documents.
        """
        await self._learn_time()
        while True:
            mine = self._new_intent()
            found = await self._intend(mine)
            if found.owner == mine.owner:
                return await self._send(found, send)
            self._check_arguments(found)
            if found.state in {"known", "done"}:
                return cast("T", await self._recall(found))
            if found.state == "doubt" and not self._settings.buy_in_doubt:
                raise doubt_error(found, nobody_knows(found.operation))
            if found.state == "intended" and not await self._is_over(found):
                continue
            taken = self._prolonged(found, LOOKING)
            if await self._journal.change(taken, owner=found.owner):
                return await self._resolve(found, taken, send)

    async def _learn_time(self) -> None:
        """Learn Sikoia's time from a free request, once, before it dates an intent."""
        if self._time.is_known or self._request.operation not in LISTED:
            return
        try:
            listed = await listing(self._api, self._request.operation, self._request.subject)
        except CallError as error:
            self._time.observe(error.headers)
        else:
            self._observe(listed)

    async def _intend(self, mine: Purchase) -> Purchase:
        try:
            return await self._journal.intend(mine)
        except Exception:
            raise
        except BaseException:  # cancelled: the intent may have been recorded
            withdrawn = attrs.evolve(mine, owner=new_owner(), state="refused")
            await self._journal.note(withdrawn, owner=mine.owner)
            raise

    def _new_intent(self) -> Purchase:
        now, request = self._time.now(), self._request
        options = self._api.options
        token = None
        if request.operation in LISTED:
            token = self._signer.token("purchase", (request.operation, *request.subject))
        return Purchase(
            key=self._key,
            operation=request.operation,
            arguments=hash_of_arguments(self._signer, request.content),
            owner=new_owner(),
            intended_at=now,
            ends_at=now + options.timeout,
            idempotency_key=self._new_idempotency_key(),
            token=token,
            correlation_id=options.correlation_id or correlation.current(),
        )

    def _new_idempotency_key(self) -> str | None:
        if not self._request.takes_key:
            return None
        return self._api.options.idempotency_key or str(uuid4())

    def _check_arguments(self, found: Purchase) -> None:
        if not is_hash_of(self._signer, self._request.content, found.arguments):
            raise ArgumentError(CHANGED)

    async def _is_over(self, found: Purchase) -> bool:
        """Wait until the request of another owner has ended, recorded or not.

        Returns:
            Whether it must have ended without being recorded.

        Raises:
            PurchaseInDoubtError: that takes longer than a call may take.
        """
        needs_no_grace = self._can_resend(found) and found.operation not in LISTED
        grace = 0.0 if needs_no_grace else self._settings.grace
        latest = anyio.current_time() + self._api.options.timeout + grace + _SLACK
        pause = _FIRST_PAUSE
        while (left := found.ends_at + grace - self._time.now()) > 0:
            if anyio.current_time() > latest:
                raise doubt_error(found, IN_PROGRESS)
            await anyio.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_PAUSE)
            current = await self._journal.get(self._key)
            if current is None or current.owner != found.owner:
                return False
        return True

    def _can_resend(self, purchase: Purchase) -> bool:
        return self._api.context.keys is not None and purchase.idempotency_key is not None

    def _prolonged(self, purchase: Purchase, resolution: str) -> Purchase:
        """Return a purchase with a new owner, who may need as long as a call may take."""
        return attrs.evolve(
            purchase,
            owner=new_owner(),
            ends_at=self._time.now() + self._api.options.timeout,
            state="intended",
            resolution=resolution,
        )

    async def _resolve(
        self, found: Purchase, taken: Purchase, send: Callable[[Api], Awaitable[T]]
    ) -> T:
        """Find out what became of a purchase whose owner is gone, and buy it if it was not made."""
        is_listed = taken.operation in LISTED
        is_known = False
        if is_listed and (adopted := await self._adopt(found, taken)) is not None:
            return cast("T", await self._recall(adopted))
        if self._can_resend(taken):
            taken = await self._prepared(taken, _SENT_AGAIN)
            try:
                return await self._send(taken, send)
            except ConflictError:
                is_known = True  # Sikoia has had the request, and may have been busy with it
            if is_listed:
                await anyio.sleep(self._settings.grace)
                if (adopted := await self._adopt(found, taken)) is not None:
                    return cast("T", await self._recall(adopted))
        elif is_listed:
            taken = await self._prepared(taken, "not found", self._new_idempotency_key())
            return await self._send(taken, send)
        if self._settings.buy_in_doubt:
            taken = await self._prepared(taken, "bought again", self._new_idempotency_key())
            return await self._send(taken, send)
        doubtful = attrs.evolve(taken, state="doubt", owner=new_owner())
        await self._journal.change(doubtful, owner=taken.owner)
        raise doubt_error(doubtful, KEY_KNOWN if is_known else nobody_knows(taken.operation))

    async def _prepared(
        self, taken: Purchase, resolution: str, idempotency_key: str | None = None
    ) -> Purchase:
        """Record that the request of a purchase that was taken over is about to be sent."""
        prepared = attrs.evolve(
            self._prolonged(taken, resolution),
            idempotency_key=idempotency_key or taken.idempotency_key,
        )
        if not await self._journal.change(prepared, owner=taken.owner):
            raise doubt_error(taken, IN_PROGRESS)
        return prepared

    async def _adopt(self, found: Purchase, taken: Purchase) -> Purchase | None:
        """Return the purchase with the request that Sikoia lists for it; None if it lists none."""
        adoption = Adoption(self._api, self._journal, self._time, self._request)
        try:
            request_id = await adoption.find(taken)
        except BaseException:
            await self._journal.note(attrs.evolve(found, owner=new_owner()), owner=taken.owner)
            raise
        if request_id is None:
            return None
        adopted = self._bought(attrs.evolve(taken, resolution="adopted"), request_id)
        await self._journal.note(adopted, owner=taken.owner)
        return adopted

    async def _send(self, purchase: Purchase, send: Callable[[Api], Awaitable[T]]) -> T:
        """Send the request of an intent that is this process's, and record the outcome."""
        left = purchase.ends_at - self._time.now()
        context, options = self._api.context, self._api.options
        spend = Spend(within=context.spend)
        api = Api(
            attrs.evolve(context, spend=spend),
            attrs.evolve(
                options,
                timeout=max(min(options.timeout, left), _SHORTEST),
                idempotency_key=purchase.idempotency_key,
                correlation_id=purchase.correlation_id,
            ),
        )
        try:
            result = await send(api)
        except GeneratorExit:  # pragma: no cover - a loop that is torn down: nothing can be awaited
            raise
        except BaseException as error:
            if purchase.resolution == _SENT_AGAIN and isinstance(error, ConflictError):
                raise  # the caller goes on with this purchase
            ended = self._failed(purchase, error, may_be_bought=sum(spend.values()) > 0)
            await self._journal.note(ended, owner=purchase.owner)
            raise
        self._observe(result)
        ended = self._bought(purchase, purchase_ids(purchase.operation, result))
        await self._journal.note(ended, owner=purchase.owner)
        return result

    def _failed(self, purchase: Purchase, error: BaseException, *, may_be_bought: bool) -> Purchase:
        """Return a purchase whose request gave no result."""
        ended = attrs.evolve(purchase, owner=new_owner(), ends_at=self._time.now())
        if isinstance(error, CallError):
            ended = attrs.evolve(ended, correlation_id=error.correlation_id)
        if not may_be_bought and purchase.resolution is None:
            return attrs.evolve(ended, state="refused")
        # An earlier request of a purchase that was resolved may turn up late.
        can_resolve = purchase.operation in LISTED or self._can_resend(purchase)
        return attrs.evolve(ended, state="intended" if can_resolve else "doubt")

    def _bought(self, purchase: Purchase, request_id: str | None) -> Purchase:
        kind = operation_kind(purchase.operation)
        token = None
        if kind is not None and request_id is not None:
            token = self._signer.token(kind, (request_id,))
        return attrs.evolve(
            purchase,
            owner=new_owner(),
            state="done" if token is None else "known",
            request_id=request_id,
            token=token,
        )

    async def _recall(self, found: Purchase) -> Any:
        """Return the result of what was bought; free."""
        if found.request_id is None:
            raise doubt_error(found, RESULT_GONE)
        request = self._request
        result = await fetch(self._api, request.operation, request.subject, found.request_id)
        if result is None:
            raise doubt_error(found, NOT_LISTED)
        return result

    def _observe(self, result: object) -> None:
        """Learn Sikoia's time from a response."""
        response = getattr(result, "_response", None)
        if isinstance(response, ResponseInfo):
            self._time.observe(response.headers)
