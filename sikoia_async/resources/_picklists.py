"""Official addresses and picklists, which registry data and credit reports share.

A request that matches several companies has the status `TooManyResults` and a picklist. That is a
result, not an error: resolve it with an item of the list.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import attrs

from sikoia_async._errors import ArgumentError, ArgumentTypeError, ConfigurationError
from sikoia_async._validation import plain_number
from sikoia_async.models import PERSONAL, Model
from sikoia_async.operations.statuses import is_among

__all__ = ["OfficialAddress", "WithPicklist", "validate_choice", "with_resolver"]


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
