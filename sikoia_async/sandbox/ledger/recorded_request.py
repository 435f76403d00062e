"""What the ledger records of a request: the request itself, and its headers and bodies."""

import re
from collections.abc import Iterator
from datetime import datetime

import attrs

__all__ = ["Content", "Headers", "RecordedRequest"]

Headers = tuple[tuple[str, str], ...]

_PLAIN_ID = re.compile(r"[A-Za-z0-9._~:-]{1,128}")


@attrs.frozen(kw_only=True, weakref_slot=False)
class RecordedRequest:
    """A request to the local Sikoia and its outcome."""

    number: int
    """Counts from 1. Numbers are never reused, not even after a reset."""
    moment: datetime
    """When the request arrived, by the clock of the local Sikoia."""
    seconds: float | None
    """Real time until the response was complete; None while the request is in progress."""
    method: str
    path: str
    """As sent, percent-encoded, without the query."""
    query: str
    """As sent, percent-encoded, with secrets redacted."""
    operation: str | None
    """As the API reference names it, such as `GET /v2/cases/{case_id}`. None if the path or the
    method does not exist."""
    sent_correlation_id: str | None
    """From the request; None if it had none."""
    correlation_id: str | None
    """From the response; None if there was no response."""
    status: int | None
    """Of the response as the client received it; None if there was no response, or not yet."""
    cost: int
    """In credits. Work that was done costs credits even if the client never got the response."""
    fault: str | None
    """What the fault plan did to this request."""
    charged_for: tuple[str, ...] = ()
    """The ids in the path and the body of a charged request; empty if nothing was charged."""
    fingerprint: bytes = attrs.field(default=b"", repr=False)
    """Equal for charged requests with the same method, path, query and body; empty if nothing was
    charged."""

    def __str__(self) -> str:
        """Describe the request without anything that could be personal."""
        outcome = "no response" if self.status is None else self.status
        details = [f"{self.cost} {'credit' if self.cost == 1 else 'credits'}", *self._ids()]
        if self.fault:
            details.append(f"fault: {self.fault}")
        name = self.operation or f"{self.method} of an unknown path"
        return f"#{self.number} {name}: {outcome}, {', '.join(details)}"

    def _ids(self) -> Iterator[str]:
        if self.sent_correlation_id and self.sent_correlation_id != self.correlation_id:
            yield f"sent correlation id {_printable(self.sent_correlation_id)}"
        if self.correlation_id:
            yield f"correlation id {_printable(self.correlation_id)}"


@attrs.frozen(kw_only=True, weakref_slot=False)
class Content:
    """The headers and bodies of a request and its response, with secrets redacted."""

    request_body: bytes = attrs.field(repr=False)
    """As far as the local Sikoia read it."""
    response_body: bytes = attrs.field(repr=False)
    """As far as the local Sikoia sent it."""
    # One header a line: bytes take a tenth of the memory of tuples.
    _request_headers: bytes = attrs.field(alias="request_headers", repr=False)
    _response_headers: bytes = attrs.field(alias="response_headers", repr=False)

    @property
    def request_headers(self) -> Headers:
        """The headers of the request."""
        return _parsed(self._request_headers)

    @property
    def response_headers(self) -> Headers:
        """The headers of the response; empty if no response was started."""
        return _parsed(self._response_headers)

    @property
    def size(self) -> int:
        """The memory that this takes, in bytes, rounded up a little."""
        parts = (
            self.request_body,
            self.response_body,
            self._request_headers,
            self._response_headers,
        )
        return _OVERHEAD + sum(len(part) for part in parts)


# The object itself and its four bytes objects.
_OVERHEAD = 400


def _printable(correlation_id: str) -> str:
    """Hide an id that is not plain letters and digits; a client may send anything."""
    return correlation_id if _PLAIN_ID.fullmatch(correlation_id) else "not shown"


def _parsed(lines: bytes) -> Headers:
    pairs = (line.partition(": ") for line in lines.decode("latin-1").split("\n") if line)
    return tuple((name, value) for name, _, value in pairs)
