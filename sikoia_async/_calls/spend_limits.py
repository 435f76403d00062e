"""Limits on chargeable calls: for all or for one operation, in total or per period, by tag."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast, get_args

import attrs

from sikoia_async._calls.operations import OPERATIONS, operation_name
from sikoia_async._errors import ArgumentError, ArgumentTypeError, ChargeLimitError
from sikoia_async._validation import (
    plain_string,
    validate_required,
    validate_seconds,
    validate_type,
    validate_whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["Buckets", "Limits", "Period", "SpendLimit", "limits_of", "spending"]

Period = Literal["hour", "day", "month"]
"""The period of a spend limit; a month has 30 days."""

_SECONDS: Final[dict[str, float]] = {"hour": 3600.0, "day": 86_400.0, "month": 30 * 86_400.0}
_OPERATIONS: Final = frozenset(one.name for one in OPERATIONS if one.may_cost)
_METHODS: Final = ("GET ", "POST ", "PUT ", "PATCH ", "DELETE ")
_LONGEST_TAG: Final = 200
_tag: ContextVar[str] = ContextVar("sikoia_spend_tag", default="")


def _validate_limit(_: object, __: object, value: Any) -> None:
    validate_whole("SpendLimit: limit", value, least=0)


def _validate_operation(_: object, __: object, value: Any) -> None:
    msg = (
        "SpendLimit: operation: expected the name of an operation that may cost money, such as "
        '"credit_reports.request", or None for all'
    )
    if value is not None and not isinstance(value, str):
        raise ArgumentTypeError(msg)
    if value is not None and value not in _OPERATIONS and not value.startswith(_METHODS):
        raise ArgumentError(msg)


def _named(operation: Any) -> Any:
    """Return a method and a path as `Sikoia.spend` names them: without ids."""
    if not isinstance(operation, str) or not operation.startswith(_METHODS):
        return operation
    method, _, path = operation.partition(" ")
    return operation_name(method, path)


def _validate_per(_: object, __: object, value: Any) -> None:
    if value is None or (isinstance(value, str) and value in get_args(Period)):
        return
    if isinstance(value, str):
        msg = 'SpendLimit: per: expected "hour", "day", "month", a number of seconds, or None'
        raise ArgumentError(msg)
    validate_seconds("SpendLimit: per", value)


def _validate_by_tag(_: object, __: object, value: Any) -> None:
    name = "SpendLimit: by_tag"
    validate_type(name, validate_required(name, value), bool, "True or False")


@attrs.frozen
class SpendLimit:
    """A limit on calls that may cost credits or money: `Sikoia(max_chargeable=SpendLimit(...))`.

        SpendLimit(500, per="day")
        SpendLimit(2, operation="identity.request", by_tag=True)

    Raises:
        ConfigurationError: a value is invalid.
    """

    limit: int = attrs.field(validator=_validate_limit)
    """How many calls are allowed."""
    operation: str | None = attrs.field(
        default=None, converter=_named, validator=_validate_operation
    )
    """The operation that is limited, such as `identity.request`; None for all of them together. A
    call of `Sikoia.request` is named by its method and path, with `{id}` for each id, as in
    `Sikoia.spend`."""
    per: Period | float | None = attrs.field(default=None, validator=_validate_per)
    """How long a call counts: an hour, a day, a month of 30 days, or a number of seconds, from when
    it is made; None if it counts for ever."""
    by_tag: bool = attrs.field(default=False, validator=_validate_by_tag)
    """Whether each tag of `spending` has its own limit. Calls without a tag share one."""

    @property
    def seconds(self) -> float | None:
        """How long a call counts; None if for ever."""
        return _SECONDS[self.per] if isinstance(self.per, str) else self.per

    def __str__(self) -> str:
        if self == SpendLimit(self.limit):
            return f"max_chargeable={self.limit}"
        values = {field.name: getattr(self, field.name) for field in attrs.fields(SpendLimit)[1:]}
        more = "".join(f", {name}={value!r}" for name, value in values.items() if value)
        return f"SpendLimit({self.limit}{more})"


Limits: TypeAlias = int | SpendLimit | Sequence[SpendLimit]
"""What `max_chargeable` accepts."""


def limits_of(limits: Limits) -> tuple[SpendLimit, ...]:
    """Return the limits that `max_chargeable` stands for.

    Raises:
        ConfigurationError: it is neither a whole number of at least 0 nor limits.
    """
    if isinstance(limits, SpendLimit):
        return (limits,)
    if isinstance(limits, list | tuple):
        if all(isinstance(one, SpendLimit) for one in limits):  # pyright: ignore[reportUnnecessaryIsInstance] - not every caller is checked
            return tuple(limits)
        msg = "max_chargeable: expected a whole number, a SpendLimit, or a list of them"
        raise ArgumentTypeError(msg)
    return (SpendLimit(validate_whole("max_chargeable", cast("int", limits), least=0)),)


@contextmanager
def spending(tag: str) -> Generator[None]:
    """Count chargeable calls inside the block under a tag, for each `SpendLimit(by_tag=True)`.

        with spending("case-4711"):
            await sikoia.identity.request(...)

    It applies to every client, and to tasks that are started inside the block. An inner block
    replaces the tag. Stores hold a hash of it.

    Args:
        tag: identifies what the calls are for, such as one of your own references.

    Raises:
        ArgumentError: the tag is not a string of 1 to 200 characters.
    """
    msg = f"spending: expected a tag of 1 to {_LONGEST_TAG} characters"
    if not isinstance(tag, str):  # pyright: ignore[reportUnnecessaryIsInstance] - not every caller is checked
        raise ArgumentTypeError(msg)
    if not 0 < len(tag) <= _LONGEST_TAG:
        raise ArgumentError(msg)
    before = _tag.set(plain_string(tag))
    try:
        yield
    finally:
        _tag.reset(before)


def bucket_name(limit: SpendLimit, salt: str = "") -> str:
    """Return a name of what a limit counts at this moment. It reveals nothing about the tag."""
    tag = _tag.get() if limit.by_tag else None
    counted = json.dumps([salt, limit.operation, limit.seconds, tag])
    return hashlib.sha256(counted.encode(errors="surrogatepass")).hexdigest()[:32]


def limits_on(
    operation: str, limits: Sequence[SpendLimit], salt: str = ""
) -> dict[str, SpendLimit]:
    """Return the limits that hold for an operation, the strictest for each bucket."""
    found: dict[str, SpendLimit] = {}
    for limit in sorted(limits, key=lambda one: -one.limit):
        if limit.operation in {None, operation}:
            found[bucket_name(limit, salt)] = limit
    return found


def used_up(operation: str, limit: SpendLimit, seconds: float | None) -> ChargeLimitError:
    """Return the error of a call that a limit does not allow.

    Args:
        operation: its name.
        limit: the limit.
        seconds: when there is room again; None if never.
    """
    again = "" if seconds is None else f"; it has room again in {seconds:.0f} s"
    msg = f"{operation} may cost money, and {limit} is used up{again}"
    return ChargeLimitError(msg, limit=str(limit), retry_after=seconds)


class Buckets:
    """The calls of one process that count in each limit.

    Args:
        limits: the limits.
        clock: returns seconds on a clock that never steps back.
    """

    def __init__(self, limits: tuple[SpendLimit, ...], clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._pending = Counter[str]()
        self._totals = Counter[str]()
        self._times = defaultdict[str, deque[float]](deque)
        """When calls were made that count for a while, the oldest first."""

    def reserve(self, operation: str) -> dict[str, SpendLimit]:
        """Count a call before it is made, and return the limits that it counts in.

        Raises:
            ChargeLimitError: one of them is reached.
        """
        limits, now = limits_on(operation, self._limits), self._clock()
        for name, limit in limits.items():
            times, seconds = self._times[name], limit.seconds
            while times and seconds is not None and times[0] <= now - seconds:
                times.popleft()
            if self._pending[name] + self._totals[name] + len(times) >= limit.limit:
                room = times[0] + seconds - now if times and seconds is not None else None
                raise used_up(operation, limit, room)
        self._pending.update(list(limits))
        return limits

    def settle(self, limits: dict[str, SpendLimit], *, counts: bool) -> None:
        """End a call, which counts unless it cost nothing."""
        self._pending.subtract(list(limits))
        for name, limit in limits.items() if counts else ():
            if limit.seconds is None:
                self._totals[name] += 1
            else:
                self._times[name].append(self._clock())
