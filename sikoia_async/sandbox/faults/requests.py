"""Faults of requests: those that a test has planned, and those that have been triggered."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple

import attrs
from starlette.types import Scope

from sikoia_async.sandbox.faults.catalogue import NAMED, named_fault
from sikoia_async.sandbox.faults.operations import Operations
from sikoia_async.sandbox.faults.plan import EVERY, Plan, PlannedFault, out_of_range

__all__ = ["Fault", "Faults", "Moment", "TriggeredFault"]

Moment = Literal["before", "after"]
"""Before or after the request takes effect."""

_MINIMUM: dict[str, float] = {
    "nth": 1,
    "times": 1,
    "after": 0,
    "retry_after": 0,
    "delay": 0,
    "drip": 1,
    "truncate": 0,
}
_RESPONSE_EFFECTS = ("status", "token", "retry_after", "drip", "truncate", "body", "headers")
# RFC 9110, 5.1 and 5.5: the characters of header names and values.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"([!-~\x80-\xff]([ \t!-~\x80-\xff]*[!-~\x80-\xff])?)?")
_FRAMING = {"content-length", "transfer-encoding", "connection"}


class TriggeredFault(NamedTuple):
    """A fault that a request has triggered."""

    operation: str
    effect: str


@attrs.frozen(kw_only=True)
class Fault(PlannedFault):
    """A planned fault of requests: its operation, when it is due, and its effect."""

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
        """The operation that it applies to, or `*`."""
        return self.operation

    def applies_to(self, subject: str) -> bool:
        """Return whether it applies to an operation; a `token` fault needs one with a token."""
        return super().applies_to(subject) and (self.token is None or _has_token(subject))

    @property
    def drops_connection(self) -> bool:
        """Whether it closes the connection."""
        return self.reset is not None or self.truncate is not None


class Faults(Plan[Fault, TriggeredFault]):
    """The fault plan for requests; safe to use from any thread.

    A request triggers at most one fault: of those that are due, the one added first. The others
    stay due.
    """

    _expression = "sandbox.faults"
    _subjects = "requests"

    def __init__(self, operations: Operations, *, clock: Callable[[], float]) -> None:
        super().__init__(TriggeredFault, clock=clock)
        self._operations = operations

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that faults can apply to, named as in the API reference."""
        return self._operations.names

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
        """Plan a fault; by default it applies once, to the next request of the operation.

        Args:
            operation: The method and path from the API reference, as in
                `GET /v2/cases/{case_id}`, or `*` for every request.
            nth: The first matching request that it applies to, counted from now.
            times: How many requests it applies to.
            after: Clock seconds until it starts to count requests.
            status: Return this status, from 400 to 599, instead of processing the request.
            token: Reject the access token as `expired` instead of processing the request; the
                token stays expired. Requests without a token do not trigger this fault.
            retry_after: The `Retry-After` of such a response, in seconds.
            delay: Seconds between the processing and the response, or the reset.
            drip: Bytes of the body to send per second.
            reset: Reset the connection without a response, `before` or `after` processing.
            truncate: Bytes of the body to send, under its full `Content-Length`, before closing
                the connection.
            body: The body to send instead.
            headers: Headers to add or replace.

        Raises:
            ValueError: The operation is unknown, or the other arguments are out of range or
                contradictory.
        """
        fault = Fault(
            operation=operation if operation == EVERY else self._operations.known(operation),
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
            # Converted here, so that a string fails in the caller and not in the server.
            body=None if body is None else bytes(memoryview(body)),
            headers=None if headers is None else dict(headers),
        )
        for error in _errors(fault):
            raise ValueError(error)
        self._add(fault)

    def inject(self, name: str, operation: str = EVERY, *, nth: int = 1, after: float = 0) -> None:
        """Plan a named fault.

        Args:
            name: A key of `sikoia_async.sandbox.faults.catalogue.NAMED`.
            operation: As for `add`.
            nth: As for `add`.
            after: As for `add`.

        Raises:
            ValueError: The fault or the operation is unknown.
        """
        self.add(operation, nth=nth, after=after, **named_fault(name, NAMED).arguments)

    def take(self, scope: Scope) -> Fault | None:
        """Return the fault that a request triggers, if any, and record it."""
        return self._take(lambda: self._operation_of(scope))

    def _operation_of(self, scope: Scope) -> str:
        method, path = scope["method"], scope["path"]
        return self._operations.of(method, path) or f"{method} {path}"


def _has_token(operation: str) -> bool:
    """Return whether requests to an operation have an access token."""
    return operation.partition(" ")[2].startswith("/v2/")


def _errors(fault: Fault) -> Iterator[str]:
    yield from out_of_range(fault, _MINIMUM)
    if fault.status is not None and not 400 <= fault.status <= 599:  # noqa: PLR2004 - RFC 9110
        yield "status: expected an error status, from 400 to 599"
    if fault.token not in {None, "expired"}:
        yield "token: expected 'expired'"
    if fault.reset not in {None, "before", "after"}:
        yield "reset: expected 'before' or 'after'"
    yield from _contradictions(fault)
    yield from _bad_headers(fault.headers or {})
    if not fault.effect:
        yield "expected an effect, such as status, delay or reset"


def _contradictions(fault: Fault) -> Iterator[str]:
    if fault.retry_after is not None and fault.status is None:
        yield "retry_after: requires a status"
    unused = [name for name in _RESPONSE_EFFECTS if getattr(fault, name) is not None]
    if fault.reset is not None and unused:
        yield f"reset: no response is sent, so omit {', '.join(unused)}"
    if fault.token is not None and fault.status is not None:
        yield "token: the status is 401, so omit status"
    if fault.token is not None and not (fault.operation == EVERY or _has_token(fault.operation)):
        yield f"token: requests to {fault.operation} have no token"
    if fault.body is not None and fault.truncate is not None and fault.truncate >= len(fault.body):
        yield "truncate: expected less than the length of the body"


def _bad_headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            yield f"headers: {name!r} or its value is not valid in HTTP"
        if name.lower() in _FRAMING:
            yield f"headers: {name} is set by the server; use truncate to shorten a body"
