"""NaN, infinity and times without a zone are found wherever a Decimal or a datetime may be."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import attrs
import pytest

from sikoia_async._codec.soundness import soundness_check
from sikoia_async._schema.shapes import shape_of
from sikoia_async.models import Items, Model
from sikoia_async.resources.users import Role

_NAN = Decimal("NaN")
_ONE = Decimal(1)
_UTC = datetime(2024, 1, 31, tzinfo=UTC)
_OPTIONALS = tuple[Decimal | None, ...]
_NONE: Any = None
_ZERO: Any = 0


@attrs.frozen(kw_only=True)
class Amount(Model):
    """Money."""

    value: Decimal | None = None
    since: datetime | None = None


@attrs.frozen(kw_only=True)
class Account:
    """A caller's class with money in many places, and accounts within accounts."""

    balance: Amount | None = None
    history: tuple[Amount, ...] | None = None
    inner: "Account | None" = None
    kind: Annotated[str, Literal["a"]] | None = None
    rates: dict[str, Decimal] | None = None
    pair: tuple[Decimal, str] | None = None
    either: Decimal | int | None = None


def account(**fields: Any) -> Account:
    """Return an account with finite amounts, except for these fields."""
    defaults: dict[str, Any] = {"balance": Amount(value=_ONE), "history": (Amount(value=_ONE),)}
    return Account(**(defaults | fields))


@pytest.mark.parametrize(
    ("fields", "finite"),
    [
        ({}, True),
        ({"balance": None, "history": None}, True),
        ({"inner": account(), "rates": {"a": _ONE}, "pair": (_ONE, "x"), "either": 5}, True),
        ({"balance": Amount(value=_NAN)}, False),
        ({"history": (Amount(), Amount(value=Decimal("Infinity")))}, False),
        ({"inner": account(balance=Amount(value=Decimal("-Infinity")))}, False),
        ({"inner": account(inner=account(history=(Amount(value=Decimal("sNaN")),)))}, False),
        ({"rates": {"a": _ONE, "b": _NAN}}, False),
        ({"pair": (_NAN, "x")}, False),
        ({"either": _NAN}, False),
        ({"balance": Amount(since=_UTC)}, True),
        ({"balance": Amount(since=_UTC.replace(tzinfo=None))}, False),
        ({"rates": {"a": _UTC}}, True),
        ({"rates": {"a": _UTC.replace(tzinfo=None)}}, False),
    ],
)
def test_every_decimal_is_checked(fields: dict[str, Any], finite: bool) -> None:
    """A value that is not finite is found at any depth, without false positives."""
    check = soundness_check(shape_of(Account))

    assert check is not None
    assert check(account(**fields)) is finite


@pytest.mark.parametrize("wanted", [Role, str, tuple[Role, ...], dict[str, Any]], ids=str)
def test_types_without_either_are_not_checked(wanted: object) -> None:
    """A type that cannot contain either has no check."""
    assert soundness_check(shape_of(wanted)) is None


def test_lists_and_plain_decimals_are_checked() -> None:
    """A list of models and a bare Decimal can be checked as well."""
    rows, one = soundness_check(shape_of(tuple[Amount, ...])), soundness_check(shape_of(Decimal))

    assert rows is not None
    assert one is not None
    assert rows((Amount(value=_ONE), Amount()))
    assert not rows(Items([Amount(value=_NAN)]))
    assert one(_ONE)
    assert not one(_NAN)


def test_models_in_open_containers_are_checked() -> None:
    """The values of a mapping are checked as well."""
    check = soundness_check(shape_of(dict[str, Amount]))

    assert check is not None
    assert check({"a": Amount(value=_ONE), "b": None})
    assert not check({"a": Amount(value=_NAN)})


def test_an_optional_decimal_may_be_none() -> None:
    """None is accepted at the top and in lists, where the type allows it."""
    one, rows = (soundness_check(shape_of(wanted)) for wanted in (Decimal | None, _OPTIONALS))

    assert one is not None
    assert rows is not None
    assert one(None)
    assert not one(_NAN)
    assert rows((None, _ONE))
    assert not rows((None, _NAN))


@attrs.frozen(kw_only=True)
class Careless:
    """A caller's class whose defaults are not of the types of its fields."""

    total: Decimal = _NONE
    limit: Decimal = _ZERO
    since: datetime = _NONE
    amount: Amount = _NONE
    amounts: tuple[Amount, ...] = _NONE
    inner: "Careless" = _NONE


def test_a_default_need_not_be_of_the_type_of_its_field() -> None:
    """Fields that a response does not have are left alone, and the others are checked."""
    check = soundness_check(shape_of(Careless))

    assert check is not None
    assert check(Careless(inner=Careless(total=_ONE)))
    assert not check(Careless(inner=Careless(total=_NAN)))
