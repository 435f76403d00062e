"""What operations cost."""

import ast
from pathlib import Path
from typing import Any

import pytest
import spec

from sikoia_async import resources
from sikoia_async.sandbox import create_app
from sikoia_async.sandbox.ledger.prices import CHARGEABLE

# The methods by which the SDK's resources request chargeable operations.
BUYING = {"buy": "POST", "workbook": "GET", "save_workbook": "GET"}


def test_chargeable_operations_are_in_the_specification() -> None:
    """The list is sorted, so that it is easy to compare."""
    known = {f"{method} {path}" for method, path in spec.operations()}

    assert set(CHARGEABLE) <= known
    assert list(CHARGEABLE) == sorted(CHARGEABLE)


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ({"POST /v2/identities": 1}, "unknown operation .*; the closest are POST /v2/ident"),
        ({"*": 1}, "unknown operation"),
        ({"POST /v2/identity": -1}, "prices: expected a whole number .* for POST /v2/identity"),
        ({"POST /v2/identity": 1.5}, "a whole number"),
        ({"POST /v2/identity": True}, "a whole number"),
        ({"POST /v2/identity": "1"}, "a whole number"),
    ],
)
def test_invalid_prices_are_refused(prices: Any, message: str) -> None:
    """When the local Sikoia is made."""
    with pytest.raises(ValueError, match=message):
        create_app(prices=prices)


def test_the_sdk_and_the_local_sikoia_charge_for_the_same_operations() -> None:
    """The SDK marks chargeable operations in its resource methods."""
    assert sorted(chargeable_in_the_sdk()) == list(CHARGEABLE)


def chargeable_in_the_sdk() -> set[str]:
    """Read the SDK's source for the operations that it marks as chargeable."""
    operations: set[str] = set()
    for source in Path(resources.__path__[0]).rglob("*.py"):
        tree = ast.parse(source.read_text("utf-8"))
        names = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(tree):
            match call:
                case ast.Call(func=ast.Attribute(attr=attr), args=[path, *_]) if attr in BUYING:
                    path = names[path.id] if isinstance(path, ast.Name) else path
                    operations.add(f"{BUYING[attr]} {ast.literal_eval(path)}")
                case _:
                    """Not chargeable."""
    return operations
