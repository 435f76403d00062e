"""A request about one case takes no longer because there are others; a benchmark times it."""

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest
from grown import GROUPS, Grown, new_app


def _steps(work: Callable[[], object]) -> int:
    """Return how many lines of Python a call runs; a loop counts each of its rounds."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def _send(grown: Grown, name: str) -> None:
    asyncio.run(grown.seconds(GROUPS[name]))


@pytest.fixture(scope="module")
def sizes() -> list[Grown]:
    """Fill a local Sikoia with a few cases, and one with many more."""
    few, many = Grown(new_app()), Grown(new_app())
    asyncio.run(few.fill(5))
    asyncio.run(many.fill(100))
    return [few, many]


@pytest.mark.parametrize("name", GROUPS)
def test_requests_take_as_many_steps_with_more_cases(sizes: list[Grown], name: str) -> None:
    """Give or take some for other ids, and for lists of different lengths."""
    few, many = (_steps(partial(_send, one, name)) for one in sizes)

    assert many < 1.1 * few
