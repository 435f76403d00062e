"""`Run`: what the work of one item gets."""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from sikoia_async._calls.api import Api
from sikoia_async._errors import CallError, PurchaseInDoubtError
from sikoia_async._validation import validate_required, validate_type
from sikoia_async.batch.hashes import hash_of_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sikoia_async._calls.usage import Tally
    from sikoia_async._errors import SikoiaError
    from sikoia_async.batch.purchases import Purchases

__all__ = ["Run"]

Client = TypeVar("Client")
Result = TypeVar("Result")
P = ParamSpec("P")


class Run(Generic[Client]):
    """The work on one item: a client, and purchases that are made once.

    Args:
        sikoia: a view of the client.
        item: a hash that stands for the key of the item.
        purchases: makes purchases once.
        counted: makes the calls of purchases, which the journal counts.
        tally: counts the requests of the view.
    """

    def __init__(
        self, sikoia: Client, item: str, purchases: Purchases, counted: Api, tally: Tally
    ) -> None:
        self.sikoia: Client = sikoia
        """The client for calls at background priority. Its `timeout` is longer than usual, because
        calls wait for their turn within the rate limit."""
        self._item = item
        self._purchases = purchases
        self._counted = counted
        self._tally = tally
        self._bought: list[str] = []
        self._doubt: tuple[SikoiaError, str] | None = None

    @property
    def requests(self) -> int:
        """How many requests were sent for the item in this run."""
        return self._tally.attempts

    @property
    def bought(self) -> tuple[str, ...]:
        """The names of the purchases that are made."""
        return tuple(self._bought)

    def doubt_of(self, error: Exception) -> str | None:
        """Return the key of the purchase that an error leaves in doubt; None if it leaves none."""
        if self._doubt is None or self._doubt[0] is not error:
            return None
        return self._doubt[1]

    async def once(
        self,
        name: str,
        method: Callable[P, Awaitable[Result]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Result:
        """Make a purchase for this item, or return the one that was made by an earlier run.

            operation = await run.once("report", run.sikoia.credit_reports.request, company_id)

        Args:
            name: distinguishes the purchases of one item.
            method: a chargeable method of `run.sikoia`.
            *args: the arguments of the method.
            **kwargs: its keyword arguments.

        Returns:
            What the method returns.

        Raises:
            PurchaseInDoubtError: an earlier run may have made the purchase.
            ChargeLimitError: the limit of the batch is reached.
            ArgumentError: an earlier run made the purchase with other arguments.
            SikoiaError: any error of the method.
        """
        validate_type("name", validate_required("name", name), str, "a string")
        counted = rebound(method, self._counted)
        key = f"{self._item}/{name}"
        try:
            result = await self._purchases.once(key, counted, *args, **kwargs)
        except PurchaseInDoubtError as error:
            self._doubt = (error, error.key)
            raise
        except CallError as error:
            if error.may_have_been_processed:
                self._doubt = (error, hash_of_key(key))
            raise
        self._bought.append(name)
        return result


def rebound(method: Callable[P, Awaitable[Result]], api: Api) -> Callable[P, Awaitable[Result]]:
    """Return the same method of a view that makes its calls with another `Api`."""
    owner: Any = getattr(method, "__self__", None)
    if not isinstance(method, MethodType) or not isinstance(getattr(owner, "_api", None), Api):
        return method  # the guard refuses it
    view = owner._view(api) if hasattr(owner, "_view") else type(owner)(api)  # noqa: SLF001
    bound: Callable[P, Awaitable[Result]] = MethodType(method.__func__, view)
    return bound
