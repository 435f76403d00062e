"""What operations cost."""

import ast
from pathlib import Path
from typing import Any

import pytest
import spec

from sikoia_async import resources
from sikoia_async.sandbox import create_app
from sikoia_async.sandbox.ledger.prices import CHARGEABLE

# The methods by which the SDK's resources ask for what may cost something.
BUYING = {"buy": "POST", "workbook": "GET", "save_workbook": "GET"}


def test_what_may_cost_something_is_there() -> None:
    """Each chargeable operation is one of the specification's."""
    known = {f"{method} {path}" for method, path in spec.operations()}

    assert set(CHARGEABLE) <= known
    assert list(CHARGEABLE) == sorted(CHARGEABLE)


@pytest.mark.parametrize(
    ("prices", "complaint"),
    [
        ({"POST /v2/identities": 1}, "no operation is called .*; the nearest are POST /v2/ident"),
        ({"*": 1}, "no operation is called"),
        ({"POST /v2/identity": -1}, "give POST /v2/identity a whole number of credits, 0 or more"),
        ({"POST /v2/identity": 1.5}, "a whole number"),
        ({"POST /v2/identity": True}, "a whole number"),
        ({"POST /v2/identity": "1"}, "a whole number"),
    ],
)
def test_a_price_makes_sense(prices: Any, complaint: str) -> None:
    """Anything else is refused when the local Sikoia is made."""
    with pytest.raises(ValueError, match=complaint):
        create_app(prices=prices)


def test_both_sides_know_what_may_cost_something() -> None:
    """The SDK has a table of its own, spread over its resources: what is bought is the same."""
    assert sorted(bought()) == list(CHARGEABLE)


def bought() -> set[str]:
    """Read from the SDK's source what it asks for as chargeable."""
    found: set[str] = set()
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
                    found.add(f"{BUYING[attr]} {ast.literal_eval(path)}")
                case _:
                    """It buys nothing."""
    return found
