"""What `batch.map` yields: `Done`, `Failed` or `InDoubt`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

if TYPE_CHECKING:
    from sikoia_async.stores.protocols import Purchase

__all__ = ["Done", "Failed", "InDoubt"]

Item = TypeVar("Item")
Value = TypeVar("Value")


@attrs.frozen(eq=False)
class Done(Generic[Item, Value]):
    """An item whose work succeeded."""

    item: Item
    value: Value
    """What the work returned. The journal does not contain it."""
    key: str = attrs.field(kw_only=True)
    requests: int = attrs.field(kw_only=True, default=0)
    """How many requests were sent for the item in this run."""
    bought: tuple[str, ...] = attrs.field(kw_only=True, default=())
    """The operations that the item has bought, in this run or an earlier one."""


@attrs.frozen(eq=False)
class Failed(Generic[Item]):
    """An item whose work raised an exception. Other items are not affected."""

    item: Item
    error: Exception
    key: str = attrs.field(kw_only=True)
    requests: int = attrs.field(kw_only=True, default=0)
    bought: tuple[str, ...] = attrs.field(kw_only=True, default=())


@attrs.frozen(eq=False)
class InDoubt(Generic[Item]):
    """An item with a purchase that Sikoia may have processed. It is not bought again.

    A later run with the same journal looks for the purchase once more.
    """

    item: Item
    purchase: Purchase
    key: str = attrs.field(kw_only=True)
    error: Exception = attrs.field(kw_only=True)
    requests: int = attrs.field(kw_only=True, default=0)
    bought: tuple[str, ...] = attrs.field(kw_only=True, default=())
