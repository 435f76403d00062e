"""An `Api` whose chargeable calls go through the purchase guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, get_origin

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._calls.operations import operation_name
from sikoia_async._errors import ConfigurationError
from sikoia_async.batch.classes import LISTED
from sikoia_async.models import Model

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Mapping

    from sikoia_async._calls.call import Call
    from sikoia_async.operations.operation import Operation

__all__ = ["ChargeableRequest", "GuardedApi"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class ChargeableRequest:
    """A chargeable request that was validated and not sent."""

    operation: str
    """Such as `credit_reports.request`."""
    takes_key: bool
    """Whether an idempotency key makes it safe to repeat; none does for a GET."""
    has_model: bool
    """Whether its response is decoded as a model."""
    body: Mapping[str, Any] = attrs.field(repr=False)
    content: bytes = attrs.field(repr=False)
    """Method, path, query and body: equal for equal requests."""

    @property
    def subject(self) -> tuple[str, ...]:
        """The ids of what it is about; empty if Sikoia does not list such requests."""
        listed = LISTED.get(self.operation)
        return () if listed is None else listed.subject(self.body)


class Buyer(Protocol):
    """Makes the chargeable requests of one guarded call."""

    @property
    def is_active(self) -> bool:
        """Whether the guarded call is in progress; later calls are not its own."""
        ...

    @property
    def has_bought(self) -> bool:
        """Whether the guarded call has come to a chargeable request."""
        ...

    async def buy(
        self,
        request: ChargeableRequest,
        send: Callable[[Api], Awaitable[T]],
        *,
        can_share: bool = True,
    ) -> T:
        """Make a request, or return the result of the one that its key stands for."""
        ...


@attrs.frozen
class GuardedApi(Api):
    """Makes chargeable calls through a `Buyer`, and all others as usual."""

    buyer: Buyer

    async def call(
        self, method: str, path: str, into: type[T], *, chargeable: bool = False, **options: Any
    ) -> T:
        """Make a call, as `Api.call` does."""
        if not (chargeable and self.buyer.is_active):
            return await super().call(method, path, into, chargeable=chargeable, **options)
        request = self._described(method, path, into, **options)
        return await self.buyer.buy(
            request, lambda api: api.call(method, path, into, chargeable=True, **options)
        )

    async def start(
        self, method: str, path: str, into: type[T], *, chargeable: bool = False, **options: Any
    ) -> Operation[T]:
        """Make a call that may be answered by a 202, as `Api.start` does."""
        if not chargeable:
            return await super().start(method, path, into, **options)
        request = self._described(method, path, into, **options)
        return await self.buyer.buy(
            request, lambda api: api.start(method, path, into, chargeable=True, **options)
        )

    async def workbook(self, path: str, into: type[bytes], /, **ids: object) -> bytes:
        """GET a workbook, as `Api.workbook` does."""
        request = self._described("GET", path, bytes, ids=ids)
        return await self.buyer.buy(request, lambda api: api.workbook(path, into, **ids))

    async def save_workbook(
        self, path: str, to: str | os.PathLike[str], max_file: int | None, /, **ids: object
    ) -> int:
        """GET a workbook and write it to a file, as `Api.save_workbook` does."""
        request = self._described("GET", path, bytes, ids=ids)
        return await self.buyer.buy(
            request, lambda api: api.save_workbook(path, to, max_file, **ids), can_share=False
        )

    def new_call(self, method: str, path: str, **options: Any) -> Call:
        """Return a call that is ready to be made, as `Api.new_call` does.

        Raises:
            ConfigurationError: the first call of a guarded method costs nothing.
        """
        buyer = self.buyer
        if buyer.is_active and not buyer.has_bought and not options.get("chargeable"):
            msg = (
                "method: expected one that may cost credits or money, such as "
                "sikoia.credit_reports.request; call others directly"
            )
            raise ConfigurationError(msg)
        return super().new_call(method, path, **options)

    def _described(
        self,
        method: str,
        path: str,
        into: type[Any],
        *,
        body: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> ChargeableRequest:
        """Return a request as it would be sent. Invalid arguments raise here."""
        options.pop("retry_class", None)
        call = self.new_call(method, path, body=body, chargeable=True, **options)
        return ChargeableRequest(
            operation=operation_name(method, path),
            takes_key=self.context.keys is not None and method != "GET",
            has_model=issubclass(get_origin(into) or into, Model),
            body=body or {},
            content=b"".join((f"{method} {call.target}\n".encode(), cast("bytes", call.content))),
        )
