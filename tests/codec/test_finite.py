"""Numbers that are none are found wherever a Decimal may be."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import attrs
import pytest

from sikoia_async._codec.finite import finite_check
from sikoia_async.models import Items, Model
from sikoia_async.resources.cases import Case

_NOT = Decimal("NaN")
_ONE = Decimal(1)


@attrs.frozen(kw_only=True)
class Amount(Model):
    """Money."""

    value: Decimal | None = None


@attrs.frozen(kw_only=True)
class Account(Model):
    """Money at many places, and accounts within accounts."""

    balance: Amount | None = None
    history: tuple[Amount, ...] | None = None
    inner: "Account | None" = None
    kind: Annotated[str, Literal["a"]] | None = None
    rates: dict[str, Decimal] | None = None
    pair: tuple[Decimal, str] | None = None
    either: Decimal | int | None = None


def account(**fields: Any) -> Account:
    """Make an account that is sound but for these fields."""
    sound: dict[str, Any] = {"balance": Amount(value=_ONE), "history": (Amount(value=_ONE),)}
    return Account(**(sound | fields))


@pytest.mark.parametrize(
    ("fields", "finite"),
    [
        ({}, True),
        ({"balance": None, "history": None}, True),
        ({"inner": account(), "rates": {"a": _ONE}, "pair": (_ONE, "x"), "either": 5}, True),
        ({"balance": Amount(value=_NOT)}, False),
        ({"history": (Amount(), Amount(value=Decimal("Infinity")))}, False),
        ({"inner": account(balance=Amount(value=Decimal("-Infinity")))}, False),
        ({"inner": account(inner=account(history=(Amount(value=Decimal("sNaN")),)))}, False),
        ({"rates": {"a": _ONE, "b": _NOT}}, False),
        ({"pair": (_NOT, "x")}, False),
        ({"either": _NOT}, False),
    ],
)
def test_each_decimal_is_looked_at(fields: dict[str, Any], finite: bool) -> None:
    """A number that is none is found at any depth, and nothing else is taken for one."""
    check = finite_check(Account)

    assert check is not None
    assert check(account(**fields)) is finite


@pytest.mark.parametrize("wanted", [Case, str, tuple[Case, ...], dict[str, Any]], ids=str)
def test_types_without_decimals_are_not_looked_at(wanted: object) -> None:
    """Where there can be no Decimal there is nothing to check."""
    assert finite_check(wanted) is None


def test_lists_and_plain_decimals_are_checked() -> None:
    """A list of models and a bare Decimal are types like others."""
    rows, one = finite_check(tuple[Amount, ...]), finite_check(Decimal)

    assert rows is not None
    assert one is not None
    assert rows((Amount(value=_ONE), Amount()))
    assert not rows(Items([Amount(value=_NOT)]))
    assert one(_ONE)
    assert not one(_NOT)


def test_models_in_open_containers_are_checked() -> None:
    """A mapping of models is looked through as well."""
    check = finite_check(dict[str, Amount])

    assert check is not None
    assert check({"a": Amount(value=_ONE), "b": None})
    assert not check({"a": Amount(value=_NOT)})
