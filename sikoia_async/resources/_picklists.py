"""What registry data and credit reports share: official addresses, and lists to pick from.

A request that matches several companies ends as `TooManyResults` with a picklist. That is a
result, and no error: choose an item, and resolve the list with it.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import attrs

from sikoia_async._errors import ArgumentTypeError, ConfigurationError
from sikoia_async.models import PERSONAL, Model

__all__ = ["OfficialAddress", "WithPicklist", "bind", "chosen"]


@attrs.frozen(kw_only=True)
class OfficialAddress(Model):
    """An address as a register has it."""

    address_line_1: str | None = attrs.field(default=None, **PERSONAL)
    address_line_2: str | None = attrs.field(default=None, **PERSONAL)
    address_line_3: str | None = attrs.field(default=None, **PERSONAL)
    address_line_4: str | None = attrs.field(default=None, **PERSONAL)
    city: str | None = attrs.field(default=None, **PERSONAL)
    region: str | None = attrs.field(default=None, **PERSONAL)
    country: str | None = None
    post_code: str | None = attrs.field(default=None, **PERSONAL)
    full_address: str | None = attrs.field(default=None, **PERSONAL)
    """The whole address in one text."""


class _Item(Protocol):
    """An item of a picklist."""

    @property
    def index(self) -> int | None: ...


class WithPicklist(Model):
    """Base of answers that may be a list to pick from; they know how to resolve it.

    Subclasses have the fields `request_id` and `status`, and `picklist` where they can resolve it.
    Derive a model's whole line from this, its first class: two bases with fields do not mix.
    """

    # A plain slot, as the one of `Model`: no field, neither decoded nor compared nor pickled.
    __slots__ = ("_resolve",)
    _resolve: Callable[[Any], Awaitable[Any]]

    @property
    def has_too_many_results(self) -> bool:
        """Whether several companies match, so that `resolve` is to be called with one of them.

        An entry of a list has neither `picklist` nor `resolve`: `retrieve` the request first.
        """
        return getattr(self, "status", None) == _TOO_MANY

    def _resolver(self) -> Callable[[Any], Awaitable[Any]]:
        if not self.has_too_many_results:
            msg = "there is nothing to resolve: the status is not TooManyResults"
            raise ConfigurationError(msg)
        try:
            return self._resolve
        except AttributeError:
            problem = "this answer has lost its client: call resolve_picklist(request_id, index)"
        raise ConfigurationError(problem)


P = TypeVar("P", bound=WithPicklist)


def bind(answer: P, resolve_picklist: Callable[[str, Any], Awaitable[Any]]) -> P:
    """Teach an answer to resolve its picklist, and return it."""
    request_id: str = getattr(answer, "request_id")  # noqa: B009 - a field of the subclasses
    # The models are frozen, and this is no field of theirs.
    object.__setattr__(answer, "_resolve", partial(resolve_picklist, request_id))
    return answer


def chosen(choice: _Item | int) -> int:
    """Return the index that a choice stands for: Sikoia's own, whatever it counts from.

    Raises:
        ConfigurationError: it is below 0, or the item has none.
        ArgumentTypeError: it is neither an item nor a number.
    """
    index: object = choice if isinstance(choice, int) else getattr(choice, "index", None)
    if type(index) is not int:
        msg = "picklist_index: give an item of the picklist, or its index"
        raise ArgumentTypeError(msg)
    if index < 0:
        msg = "picklist_index: give the item's own index, 0 or more"
        raise ConfigurationError(msg)
    return index


_TOO_MANY: Final = "TooManyResults"
