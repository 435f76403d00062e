"""Which class each chargeable operation belongs to, in the code and in the documentation."""

import re
from pathlib import Path

from batch.durable import BUYS

from sikoia_async._calls.operations import OPERATIONS
from sikoia_async.batch.classes import LISTED, UNLISTED

CHARGEABLE = {one.name for one in OPERATIONS if one.may_cost}
PAGE = Path(__file__).parents[2] / "docs" / "pages" / "purchases.md"


def test_each_chargeable_operation_has_one_class() -> None:
    """A new operation has to be given a class, and to be bought in the tests."""
    assert not LISTED.keys() & UNLISTED.keys()
    assert LISTED.keys() | UNLISTED.keys() == CHARGEABLE
    assert BUYS.keys() == CHARGEABLE


def test_the_documentation_has_the_classes() -> None:
    """The table of the page has the same operations."""
    rows = dict(re.findall(r"^\| (\w+) \| ([^|]+) \|", PAGE.read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"[\w.]+\.\w+", rows["listed"])) == set(LISTED)
    assert set(re.findall(r"[\w.]+\.\w+", rows["unlisted"])) == set(UNLISTED)
