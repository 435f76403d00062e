"""Official addresses and picklists, which registry data and credit reports share.

A request that matches several companies has the status `TooManyResults` and a picklist. That is a
result, not an error: resolve it with an item of the list.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from inspect import isawaitable
from typing import Any, Final, Protocol, TypeVar

import attrs

from sikoia_async._errors import ArgumentError, ArgumentTypeError, ConfigurationError
from sikoia_async._validation import plain_number
from sikoia_async.models import PERSONAL, Model
from sikoia_async.operations.operation import RequestedOperation, TooManyResultsError
from sikoia_async.operations.statuses import is_among

__all__ = [
    "OfficialAddress",
    "WithPicklist",
    "pick_and_wait",
    "validate_choice",
    "validate_pick",
    "with_resolver",
]


@attrs.frozen(kw_only=True)
class OfficialAddress(Model):
    """A company's official address."""

    address_line_1: str | None = attrs.field(default=None, **PERSONAL)
    address_line_2: str | None = attrs.field(default=None, **PERSONAL)
    address_line_3: str | None = attrs.field(default=None, **PERSONAL)
    address_line_4: str | None = attrs.field(default=None, **PERSONAL)
    city: str | None = attrs.field(default=None, **PERSONAL)
    region: str | None = attrs.field(default=None, **PERSONAL)
    country: str | None = None
    post_code: str | None = attrs.field(default=None, **PERSONAL)
    full_address: str | None = attrs.field(default=None, **PERSONAL)
    """The whole address in one string."""


class _Item(Protocol):
    """An item of a picklist."""

    @property
    def index(self) -> int | None: ...


class WithPicklist(Model):
    """Base of requests that may match several companies.

    Subclasses have the fields `request_id` and `status`; those that can be resolved also have
    `picklist` and `resolve`. The root of a hierarchy of models must be the one to derive from this
    class, because two bases with slots cannot be combined.
    """

    # A plain slot, like that of `Model`: not a field, so it is not decoded, compared or pickled.
    __slots__ = ("_resolve",)
    _resolve: Callable[[Any], Awaitable[Any]]

    @property
    def has_too_many_results(self) -> bool:
        """Whether several companies match, so that you have to choose one with `resolve`.

        Requests in lists have neither `picklist` nor `resolve`: `retrieve` the request first.
        """
        return is_among(getattr(self, "status", None), _TOO_MANY)

    def _resolver(self) -> Callable[[Any], Awaitable[Any]]:
        if not self.has_too_many_results:
            msg = "there is nothing to resolve: the status is not TooManyResults"
            raise ConfigurationError(msg)
        try:
            return self._resolve
        except AttributeError:
            problem = "this model has no client: call resolve_picklist(request_id, index) instead"
        raise ConfigurationError(problem)


P = TypeVar("P", bound=WithPicklist)


def with_resolver(request: P, resolve_picklist: Callable[[str, Any], Awaitable[Any]]) -> P:
    """Give a request the method that resolves its picklist, and return the request."""
    request_id: str = getattr(request, "request_id")  # noqa: B009 - a field of the subclasses
    # The models are frozen, and `_resolve` is not one of their fields.
    object.__setattr__(request, "_resolve", partial(resolve_picklist, request_id))
    return request


def validate_pick(pick: object) -> None:
    """Check the function that chooses from a picklist, before anything is sent.

    Raises:
        ArgumentTypeError: it is neither a function nor None.
    """
    if pick is not None and not callable(pick):
        msg = "pick: expected a function that takes a picklist and returns an item, or None"
        raise ArgumentTypeError(msg)


async def pick_and_wait(
    operation: RequestedOperation[P],
    pick: Callable[[Any], Any] | None,
    resolve_picklist: Callable[[P, Any], Awaitable[RequestedOperation[P]]],
) -> P:
    """Wait for a report; if several companies match, resolve the picklist once.

    Raises:
        TooManyResultsError: several companies match and none was chosen.
        ArgumentTypeError: `pick` returned something that is not in the picklist.
    """
    report = await operation
    if pick is not None and report.has_too_many_results:
        picklist = _picklist_of(report)
        choice = pick(picklist)
        choice = await choice if isawaitable(choice) else choice
        if choice is not None:
            if validate_choice(choice) not in {one.index for one in picklist}:
                msg = "pick: expected an item of the picklist, its index, or None"
                raise ArgumentTypeError(msg)
            operation = await resolve_picklist(report, choice)
            report = await operation
    if not report.has_too_many_results:
        return report
    picklist = _picklist_of(report)
    msg = (
        f"{len(picklist)} companies match: give pick=..., or choose from error.picklist and call "
        "resolve_picklist(error.request_id, item)"
    )
    raise TooManyResultsError(
        msg,
        picklist=picklist,
        operation=operation,
        kind=operation.kind,
        ids=operation.ids,
        correlation_ids=operation.correlation_ids,
    )


def _picklist_of(report: Any) -> tuple[_Item, ...]:
    return report.picklist or ()


def validate_choice(choice: _Item | int) -> int:
    """Return the index of a chosen item, which Sikoia may count from 0 or 1.

    Raises:
        ArgumentError: the index is negative.
        ArgumentTypeError: the choice is neither an item with an index nor an index.
    """
    index = plain_number(getattr(choice, "index", choice))
    if not isinstance(index, int):
        msg = "picklist_index: expected an item of the picklist, or its index"
        raise ArgumentTypeError(msg)
    if index < 0:
        msg = "picklist_index: expected the index of an item, 0 or more"
        raise ArgumentError(msg)
    return index


_TOO_MANY: Final = ("TooManyResults",)
