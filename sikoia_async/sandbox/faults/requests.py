"""What goes wrong on purpose: the faults that a test has planned, and those that have happened."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple

import attrs
from starlette.types import Scope

from sikoia_async.sandbox.faults.catalogue import NAMED, called
from sikoia_async.sandbox.faults.operations import Operations
from sikoia_async.sandbox.faults.plan import EVERY, Plan, PlannedFault, out_of_range

__all__ = ["Fault", "Faults", "Moment", "TriggeredFault"]

Moment = Literal["before", "after"]
"""Of the work: before it is begun, or after it is done."""

_LEAST: dict[str, float] = {
    "nth": 1,
    "times": 1,
    "after": 0,
    "retry_after": 0,
    "delay": 0,
    "drip": 1,
    "truncate": 0,
}
_OF_AN_ANSWER = ("status", "token", "retry_after", "drip", "truncate", "body", "headers")
# RFC 9110, 5.1 and 5.5: what a name and a value may consist of.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"([!-~\x80-\xff]([ \t!-~\x80-\xff]*[!-~\x80-\xff])?)?")
_FRAMING = {"content-length", "transfer-encoding", "connection"}


class TriggeredFault(NamedTuple):
    """A fault that a request met."""

    operation: str
    effect: str


@attrs.frozen(kw_only=True)
class Fault(PlannedFault):
    """A planned fault: for which operation, when, and what happens."""

    operation: str
    status: int | None = None
    token: Literal["expired"] | None = None
    retry_after: int | None = None
    delay: float | None = None
    drip: float | None = None
    reset: Moment | None = None
    truncate: int | None = None
    body: bytes | None = None
    headers: Mapping[str, str] | None = None

    @property
    def subject(self) -> str:
        """Which operation it is for, or `*`."""
        return self.operation

    def concerns(self, subject: str) -> bool:
        """Tell whether a request to an operation may meet it; a token's only where one is sent."""
        return super().concerns(subject) and (self.token is None or _has_token(subject))

    @property
    def drops_connection(self) -> bool:
        """Tell whether the connection does not outlive it."""
        return self.reset is not None or self.truncate is not None


class Faults(Plan[Fault, TriggeredFault]):
    """The fault plan of one local Sikoia; any thread may write and read it.

    A request meets one fault at most: of those that are due, the one that was added first.
    The others stay due.
    """

    _place = "sandbox.faults"
    _asked_for = "requests"

    def __init__(self, registered: Operations, *, clock: Callable[[], float]) -> None:
        super().__init__(TriggeredFault, clock=clock)
        self._registered = registered

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that faults can be for, as the API reference writes them."""
        return self._registered.names

    def add(
        self,
        operation: str,
        *,
        nth: int = 1,
        times: int = 1,
        after: float = 0,
        status: int | None = None,
        token: Literal["expired"] | None = None,
        retry_after: int | None = None,
        delay: float | None = None,
        drip: float | None = None,
        reset: Moment | None = None,
        truncate: int | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Plan a fault; by default it happens once, to the next request of the operation.

        Args:
            operation: The method and the path of the API reference, as in
                `GET /v2/cases/{case_id}`, or `*` for every request.
            nth: The first matching request that it happens to, counted from now on.
            times: How many requests it happens to.
            after: Seconds of the clock that go by before it counts requests.
            status: Refuse with this status, from 400 to 599, in place of doing the work.
            token: Refuse the token of the request as `expired`, in place of doing the work: it is
                from then on. Requests that need no token do not meet this.
            retry_after: Seconds that such a refusal asks to wait.
            delay: Seconds between the work and the answer, or the reset.
            drip: Bytes of the body to send each second.
            reset: Reset the connection, `before` the work is done or `after` it, without an answer.
            truncate: Bytes of the body to send under its full `Content-Length` before hanging up.
            body: What to send in place of the body.
            headers: What to add to the headers, or to put in place of them.

        Raises:
            ValueError: There is no such operation, or the rest makes no sense.
        """
        fault = Fault(
            operation=operation if operation == EVERY else self._registered.known(operation),
            nth=nth,
            times=times,
            after=after,
            status=status,
            token=token,
            retry_after=retry_after,
            delay=delay,
            drip=drip,
            reset=reset,
            truncate=truncate,
            # Whoever gives a text learns it here, and not from the server's thread.
            body=None if body is None else bytes(memoryview(body)),
            headers=None if headers is None else dict(headers),
        )
        for complaint in _complaints(fault):
            raise ValueError(complaint)
        self._put(fault)

    def inject(self, name: str, operation: str = EVERY, *, nth: int = 1, after: float = 0) -> None:
        """Plan one of the faults that have a name.

        Args:
            name: Which: one of `sikoia_async.sandbox.faults.catalogue.NAMED`.
            operation: As for `add`.
            nth: As for `add`.
            after: As for `add`.

        Raises:
            ValueError: There is no such fault, or no such operation.
        """
        self.add(operation, nth=nth, after=after, **called(name, NAMED).arguments)

    def take(self, scope: Scope) -> Fault | None:
        """Choose the fault of a request, and note that it happens."""
        return self._choose(lambda: self._operation_of(scope))

    def _operation_of(self, scope: Scope) -> str:
        method, path = scope["method"], scope["path"]
        return self._registered.of(method, path) or f"{method} {path}"


def _has_token(operation: str) -> bool:
    """Tell whether requests to an operation carry a token."""
    return operation.partition(" ")[2].startswith("/v2/")


def _complaints(fault: Fault) -> Iterator[str]:
    yield from out_of_range(fault, _LEAST)
    if fault.status is not None and not 400 <= fault.status <= 599:  # noqa: PLR2004 - RFC 9110
        yield "status: give that of a refusal, from 400 to 599"
    if fault.token not in {None, "expired"}:
        yield "token: give 'expired'"
    if fault.reset not in {None, "before", "after"}:
        yield "reset: give 'before' or 'after'"
    yield from _contradictions(fault)
    yield from _bad_headers(fault.headers or {})
    if not fault.effect:
        yield "say what is to happen: a status, a delay, a reset, …"


def _contradictions(fault: Fault) -> Iterator[str]:
    if fault.retry_after is not None and fault.status is None:
        yield "retry_after: only a refusal has it, so give a status too"
    unsent = [name for name in _OF_AN_ANSWER if getattr(fault, name) is not None]
    if fault.reset is not None and unsent:
        yield f"reset: there is no answer then, so leave out {', '.join(unsent)}"
    if fault.token is not None and fault.status is not None:
        yield "token: it is refused with a 401 then, so leave out status"
    if fault.token is not None and not (fault.operation == EVERY or _has_token(fault.operation)):
        yield f"token: requests to {fault.operation} need none, so none expires"
    if fault.body is not None and fault.truncate is not None and fault.truncate >= len(fault.body):
        yield "truncate: give less than the length of the body"


def _bad_headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            yield f"headers: {name!r} cannot be sent"
        if name.lower() in _FRAMING:
            yield f"headers: {name} is the server's own; truncate makes a body too short"
