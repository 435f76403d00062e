"""`poll` takes sync and async functions, and refuses conditions that are not True or False."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from sikoia_async import ArgumentTypeError, Interval, OperationTimeoutError, poll

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


class _Counting:
    """Functions of every kind that return 1, 2, 3… in turn."""

    def __init__(self) -> None:
        self.calls = 0

    def sync(self) -> int:
        self.calls += 1
        return self.calls

    async def asynchronous(self) -> int:
        await anyio.sleep(0.01)
        return self.sync()

    async def __call__(self) -> int:
        return await self.asynchronous()


class _Condition:
    """An object that is called like an async function."""

    async def __call__(self, number: int) -> bool:
        await anyio.sleep(0.01)
        return number == 3


class _Later:
    """An awaitable that is not a coroutine."""

    def __init__(self, value: bool) -> None:
        self._value = value

    def __await__(self) -> Any:
        yield from anyio.lowlevel.checkpoint().__await__()
        return self._value


async def _is_three(number: int) -> bool:
    return await _Condition()(number)


async def _equals(expected: int, number: int) -> bool:
    return await _is_three(number) and number == expected


_CONDITIONS: dict[str, Callable[[int], bool | Awaitable[bool]]] = {
    "sync": lambda number: number == 3,
    "async": _is_three,
    "lambda": lambda number: _equals(3, number),
    "partial": functools.partial(_equals, 3),
    "object": _Condition(),
    "awaitable": lambda number: _Later(number == 3),
}


@pytest.mark.parametrize("until", _CONDITIONS.values(), ids=_CONDITIONS)
@pytest.mark.parametrize("kind", ["sync", "async", "object", "partial"])
async def test_functions_may_be_sync_or_async(
    kind: str, until: Callable[[int], bool | Awaitable[bool]]
) -> None:
    """Whatever can be awaited is awaited, and is not itself taken for True."""
    counting = _Counting()
    fetch: dict[str, Callable[[], Any]] = {
        "sync": counting.sync,
        "async": counting.asynchronous,
        "object": counting,
        "partial": functools.partial(counting.asynchronous),
    }

    assert await poll(fetch[kind], until=until) == 3
    assert counting.calls == 3


async def test_an_async_condition_that_is_never_met_times_out() -> None:
    """It is called with each result."""
    asked = list[int]()

    async def until(number: int) -> bool:
        await anyio.lowlevel.checkpoint()
        asked.append(number)
        return False

    with pytest.raises(OperationTimeoutError) as caught:
        await poll(_Counting().sync, until=until, interval=Interval(first=1, most=1), timeout=5)

    assert caught.value.last == asked[-1]
    assert len(asked) >= 4


async def test_an_error_of_a_sync_function_ends_the_polling() -> None:
    """Like that of an async one."""
    with pytest.raises(ZeroDivisionError):
        await poll(lambda: 1 / 0, until=lambda _: True)


@pytest.mark.parametrize("value", [None, 0, 1, "canary", [], [1], {"a": 1}], ids=repr)
async def test_a_condition_that_is_not_true_or_false_is_refused(value: Any) -> None:
    """A function that returns nothing would poll until the timeout; the value is not repeated."""

    async def until(_: int) -> Any:
        await anyio.lowlevel.checkpoint()
        return value

    conditions: tuple[Callable[[int], Any], ...] = until, lambda _: value
    for condition in conditions:
        with pytest.raises(ArgumentTypeError, match=r"^until: expected .* True or False") as caught:
            await poll(_Counting().sync, until=condition)

        assert "canary" not in str(caught.value)


class _NumpyBool:
    def __init__(self, value: bool) -> None:
        self._value = value

    def __bool__(self) -> bool:
        return self._value


@pytest.mark.parametrize("name", ["bool", "bool_"])
async def test_a_bool_of_numpy_is_one(name: str) -> None:
    """Comparisons with numpy and pandas return it; its class was renamed in numpy 2."""
    numpy_bool: type[Any] = type(name, (_NumpyBool,), {"__module__": "numpy"})

    assert await poll(_Counting().sync, until=lambda number: numpy_bool(number == 2)) == 2


@pytest.mark.parametrize("name", ["fetch", "until"])
@pytest.mark.parametrize("value", [None, True, "canary", ...], ids=repr)
async def test_anything_but_a_function_is_refused(name: str, value: Any) -> None:
    """A coroutine can be awaited only once, so it is not a function either."""
    given: dict[str, Any] = {"fetch": _Counting().sync, "until": bool}
    given[name] = _is_three(3) if value is ... else value

    with pytest.raises(ArgumentTypeError, match=f"^{name}: expected a function") as caught:
        await poll(given["fetch"], until=given["until"])

    assert "canary" not in str(caught.value)
