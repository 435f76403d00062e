"""`sikoia.purchases`: chargeable requests that are made once, also across crashes."""

from __future__ import annotations

from datetime import timedelta
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar, cast, overload
from weakref import WeakKeyDictionary

from sikoia_async._calls.api import Api
from sikoia_async._errors import ArgumentError, ArgumentTypeError, ConfigurationError
from sikoia_async._validation import (
    validate_flags,
    validate_id,
    validate_required,
    validate_type,
    validate_wait,
)
from sikoia_async.batch.doubts import Doubt, Doubts
from sikoia_async.batch.guard import Guard
from sikoia_async.batch.hashes import hash_of_key
from sikoia_async.batch.journal import Journal
from sikoia_async.batch.sikoia_time import SikoiaTime
from sikoia_async.batch.state import GRACE, GuardSettings, GuardState
from sikoia_async.resources._resource import Resource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from uuid import UUID

    from sikoia_async.operations.registry import OperationRegistry
    from sikoia_async.stores.protocols import PurchaseStore

__all__ = ["Purchases"]

P = ParamSpec("P")
T = TypeVar("T")

_STATES: WeakKeyDictionary[OperationRegistry, GuardState] = WeakKeyDictionary()
"""What the guarded calls of each client share."""
_MAX_KEY: Final = 1000


class Purchases(Resource):
    """Makes chargeable requests once, also across crashes, as `sikoia.purchases`.

        async with Sikoia(shared=SqliteStores("sikoia.db")) as sikoia:
            operation = await sikoia.purchases.once(
                f"report-{company_id}", sikoia.credit_reports.request, company_id
            )

    Before the request is sent, the intent to send it is recorded durably under the key, and
    afterwards its outcome. If the process is killed in between, the same key finds the request in
    Sikoia's list, or sends it again with the same idempotency key if the client has an
    `idempotency_header`, or raises a PurchaseInDoubtError. It never buys again on its own.

    Args:
        api: makes the calls of the client.
        store: records purchases; the client's `shared.purchases` by default.
        grace: seconds that Sikoia may need for a request whose sender is gone.
    """

    def __init__(
        self, api: Api, *, store: PurchaseStore | None = None, grace: float = GRACE
    ) -> None:
        super().__init__(api)
        self._store: PurchaseStore | None = store
        self._grace = validate_wait("grace", grace)

    def with_options(self, *, grace: float) -> Purchases:
        """Return a copy with another grace period.

        Args:
            grace: seconds that Sikoia may need for a request whose sender is gone, 5 by default. A
                lost request that takes effect later than that would be bought again.

        Raises:
            ArgumentError: it is not a number of seconds.
        """
        return Purchases(self._api, store=self._store, grace=grace)

    @overload
    async def once(
        self,
        key: str,
        method: Callable[..., Awaitable[T]],
        /,
        *args: Any,
        buy_in_doubt: bool,
        **kwargs: Any,
    ) -> T: ...
    @overload
    async def once(
        self, key: str, method: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    async def once(
        self, key: str, method: Callable[..., Awaitable[Any]], /, *args: Any, **kwargs: Any
    ) -> Any:
        """Call a chargeable method once for a key, and return its result.

            operation = await sikoia.purchases.once(
                "identity-4711", sikoia.identity.request, person, country_code="GB"
            )

        The same key returns the same result again, for free. An operation is then already retrieved
        once, so that `first` is its current state. A method that may buy twice, such as
        `credit_reports.find`, records two purchases under its key.

        If another process is making the purchase, this waits for it. If a process was killed while
        making the purchase, this waits until that request can no longer be in progress: for the
        rest of that call's `timeout`, and the grace period.

        Args:
            key: identifies the purchase permanently, in all processes. It is recorded as an unkeyed
                hash, so it should not be a name or a date of birth.
            method: a method of one of this client's resources, or of a view's, that may cost
                credits or money.
            args: its positional arguments.
            kwargs: its other arguments. `buy_in_doubt=True` is not passed on: it buys again if the
                purchase is in doubt.

        Raises:
            ConfigurationError: the client has no durable store, or the method cannot be used.
            ArgumentError: the key was used for a purchase with other arguments, or an argument is
                not valid.
            PurchaseInDoubtError: the purchase was made, or may have been, and its result is lost.
            StoreError: the store failed; nothing was sent.
            SikoiaError: whatever the method raises. If `may_have_been_processed` is False, the
                key may be used again, also with other arguments.
        """
        buy_in_doubt = kwargs.pop("buy_in_doubt", False)
        validate_flags(buy_in_doubt=buy_in_doubt)
        settings = GuardSettings(grace=self._grace, buy_in_doubt=buy_in_doubt)
        return await self._call(settings, _validate_key(key), method, args, kwargs)

    async def ensure(
        self,
        method: Callable[..., Awaitable[T]],
        /,
        *args: Any,
        max_age: timedelta | float,
        key: str | None = None,
        **kwargs: Any,
    ) -> T:
        """Return a recent request, or buy if there is none.

            operation = await sikoia.purchases.ensure(
                sikoia.credit_reports.request, company, max_age=timedelta(days=30)
            )

        It looks in Sikoia's list for the newest request for the same company, person or entity,
        with the same parameters as far as the list shows them, that has not failed. That takes one
        GET request, and one more for the result; both are free. If it buys, it buys once, as `once`
        does.

        Args:
            method: a method whose requests Sikoia lists, as for `once`.
            args: its positional arguments.
            max_age: how old the request may be; a `timedelta`, or seconds.
            key: a key as for `once`, which then always stands for the same purchase. By default, it
                is derived from the arguments.
            kwargs: its other arguments.

        Raises what `once` does.

        Raises:
            ConfigurationError: Sikoia does not list such requests.
        """
        seconds = max_age.total_seconds() if isinstance(max_age, timedelta) else max_age
        settings = GuardSettings(grace=self._grace, max_age=validate_wait("max_age", seconds))
        chosen = None if key is None else _validate_key(key)
        return cast("T", await self._call(settings, chosen, method, args, kwargs))

    async def doubts(self) -> tuple[Doubt, ...]:
        """Return the purchases in doubt, oldest first, without sending anything.

        Raises:
            ConfigurationError: the client has no durable store.
            StoreError: the store failed.
        """
        return await self._doubts().all()

    async def look(self) -> tuple[Doubt, ...]:
        """Look in Sikoia's lists for purchases in doubt, and return those that remain in doubt.

        A purchase that is found is adopted: its key returns it. One that is not listed was not
        made: its key buys it. If several purchases for one subject are in doubt, each is left to
        its key, because the journal does not contain their parameters. Sends one free GET request
        per subject.

        Raises:
            ConfigurationError: the client has no durable store.
            StoreError: the store failed.
            SikoiaError: whatever listing raises.
        """
        doubts = self._doubts()
        await doubts.look()
        return await doubts.all()

    async def resolve(
        self,
        purchase: str | Doubt,
        outcome: Literal["bought", "not bought"],
        *,
        request_id: str | UUID | None = None,
    ) -> None:
        """Record what became of a purchase in doubt, for example after a look at the dashboard.

            await sikoia.purchases.resolve("search-4711", "not bought")

        Args:
            purchase: its key, or one of `doubts()`.
            outcome: `bought`, so that its key does not buy again; or `not bought`, so that it does.
            request_id: the request that was made, so that its key returns it.

        Raises:
            ArgumentError: no purchase with this key is in doubt, or an argument is not valid.
            ConfigurationError: the client has no durable store.
            StoreError: the store failed.
        """
        key = purchase.key if isinstance(purchase, Doubt) else hash_of_key(_validate_key(purchase))
        if outcome not in {"bought", "not bought"}:
            msg = 'outcome: expected "bought" or "not bought"'
            raise ArgumentError(msg)
        if request_id is not None:
            request_id = validate_id("request_id", request_id)
        await self._doubts().resolve(key, is_bought=outcome == "bought", request_id=request_id)

    async def _call(
        self,
        settings: GuardSettings,
        key: str | None,
        method: Callable[..., Awaitable[Any]],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        owner, api = self._owner(method)
        guard = Guard(api, self._journal(), self._state(), settings, key)
        # A method of the client itself, such as `request`, needs a view of the client.
        view = getattr(owner, "_view", cast("Any", type(owner)))(guard.api)
        try:
            return await MethodType(cast("MethodType", method).__func__, view)(*args, **kwargs)
        finally:
            guard.end()

    def _owner(self, method: object) -> tuple[Any, Api]:
        """Return the resource of a method, and what it makes calls with."""
        owner: Any = getattr(method, "__self__", None)
        api = getattr(owner, "_api", None)
        if not isinstance(method, MethodType) or not isinstance(api, Api):
            msg = "method: expected a method of a resource, such as sikoia.credit_reports.request"
            raise ArgumentTypeError(msg)
        if api.context.registry is not self._api.context.registry:
            msg = "method: expected a method of this client, or of a view of it"
            raise ConfigurationError(msg)
        return owner, api

    def _doubts(self) -> Doubts:
        return Doubts(self._api, self._journal(), self._state().time, self._grace)

    def _state(self) -> GuardState:
        context = self._api.context
        return _STATES.setdefault(context.registry, GuardState(SikoiaTime(context.lifecycle.time)))

    def _journal(self) -> Journal:
        context = self._api.context
        store = self._store
        if store is None and context.shared is not None:
            store = context.shared.purchases
        if store is None:
            raise ConfigurationError(_NO_STORE)
        if not getattr(store, "is_durable", True):
            raise ConfigurationError(_NOT_DURABLE)
        return Journal(store, context.account)


def _validate_key(key: object) -> str:
    validate_type("key", validate_required("key", key), str, "a string")
    plain = str(key)
    if not plain or len(plain) > _MAX_KEY:
        msg = f"key: expected 1 to {_MAX_KEY:,} characters"
        raise ArgumentError(msg)
    return plain


_NO_STORE: Final = (
    "purchases: nothing is bought once without a durable store; pass "
    'shared=SqliteStores("sikoia.db") to the client, or PostgresStores(pool) for several hosts'
)
_NOT_DURABLE: Final = (
    "purchases: this store forgets purchases when the process ends; pass "
    'shared=SqliteStores("sikoia.db") or PostgresStores(pool) to the client'
)
