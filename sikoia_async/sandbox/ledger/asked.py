"""What the ledger says of a request, and of what was sent with it and answered."""

import re
from collections.abc import Iterator
from datetime import datetime

import attrs

__all__ = ["Asked", "Content", "Headers"]

Headers = tuple[tuple[str, str], ...]

_SANE = re.compile(r"[A-Za-z0-9._~:-]{1,128}")


@attrs.frozen(kw_only=True, weakref_slot=False)
class Asked:
    """A request, and what became of it."""

    number: int
    """The first has 1. It is never given again, not after a reset either."""
    moment: datetime
    """When it came, by the clock of the local Sikoia."""
    seconds: float | None
    """Of real time until the end of the answer; None while it is under way."""
    method: str
    path: str
    """As it was asked for, percent-encoded, without the query."""
    query: str
    """As it was asked for, percent-encoded, without secrets."""
    operation: str | None
    """As the API reference names it: `GET /v2/cases/{case_id}`. None where nothing is served."""
    sent_correlation_id: str | None
    """Of the request; None where it has none."""
    correlation_id: str | None
    """Of the answer; None where none came."""
    status: int | None
    """Of the answer as the client got it; None where none came, or none has come yet."""
    cost: int
    """In credits: what the work costs that was done, whether or not the client learnt of it."""
    fault: str | None
    """What the fault plan did to it."""
    charged_for: tuple[str, ...] = ()
    """The ids in the path and the body of what was charged; empty where nothing was."""
    target: bytes = attrs.field(default=b"", repr=False)
    """The same for requests that ask for the same; empty where nothing was charged."""

    def __str__(self) -> str:
        """Tell of it without anything that could be about a person."""
        came = "no answer" if self.status is None else self.status
        told = [f"{self.cost} {'credit' if self.cost == 1 else 'credits'}", *self._ids()]
        if self.fault:
            told.append(f"fault: {self.fault}")
        name = self.operation or f"{self.method} of what is not served"
        return f"#{self.number} {name}: {came}, {', '.join(told)}"

    def _ids(self) -> Iterator[str]:
        if self.sent_correlation_id and self.sent_correlation_id != self.correlation_id:
            yield f"sent correlation id {_sane(self.sent_correlation_id)}"
        if self.correlation_id:
            yield f"correlation id {_sane(self.correlation_id)}"


@attrs.frozen(kw_only=True, weakref_slot=False)
class Content:
    """The headers and the bodies of a request and of its answer, without secrets."""

    sent: bytes = attrs.field(repr=False)
    """The body of the request, as far as it was read."""
    answered: bytes = attrs.field(repr=False)
    """The body of the answer, as far as it was sent."""
    # A line each: in bytes they take a tenth of the memory.
    _sent_headers: bytes = attrs.field(alias="sent_headers", repr=False)
    _answered_headers: bytes = attrs.field(alias="answered_headers", repr=False)

    @property
    def sent_headers(self) -> Headers:
        """The headers of the request."""
        return _parsed(self._sent_headers)

    @property
    def answered_headers(self) -> Headers:
        """The headers of the answer; none where it was not begun."""
        return _parsed(self._answered_headers)

    @property
    def size(self) -> int:
        """How many bytes it takes, or a few more."""
        parts = (self.sent, self.answered, self._sent_headers, self._answered_headers)
        return _OVERHEAD + sum(len(part) for part in parts)


# Of the object and the four strings of bytes.
_OVERHEAD = 400


def _sane(correlation_id: str) -> str:
    """Return an id as it may be shown; a client may send anything as one."""
    return correlation_id if _SANE.fullmatch(correlation_id) else "not shown"


def _parsed(lines: bytes) -> Headers:
    found = (line.partition(": ") for line in lines.decode("latin-1").split("\n") if line)
    return tuple((name, value) for name, _, value in found)
