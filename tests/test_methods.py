"""The generated table of methods, and the assertions on what each returns."""

import pytest
import surface
from surface import Method

from sikoia_async._calls.operations import OPERATIONS

METHODS = list(surface.methods())


def test_what_is_generated_is_up_to_date() -> None:
    """The page of the documentation, and the module that type checkers read."""
    message = "run `python tests/surface.py`"

    assert surface.PAGE.read_text("utf-8") == surface.page(), message
    assert surface.MODULE.read_text("utf-8") == surface.module(), message


@pytest.mark.parametrize("method", METHODS, ids=lambda one: f"{one.resource}.{one.name}")
def test_methods_that_may_cost_are_marked(method: Method) -> None:
    """In the table of operations, in the page, and in the docstring."""
    operations = {f"{one.method} {one.path}": one.may_cost for one in OPERATIONS}

    if method.operation:
        assert method.may_cost is operations[method.operation]
    if method.may_cost:
        docstring = str(method.function.__doc__)
        assert "cost" in docstring or "credits" in docstring or "charge" in docstring


def test_every_operation_has_a_method() -> None:
    """And is in the page."""
    called = {one.operation for one in METHODS}

    assert called - {""} == {f"{one.method} {one.path}" for one in OPERATIONS}
