"""Webhook events, with a class for each of Sikoia's event types.

    event = parse(body)  # after verify(body, signature, secret)

Sikoia publishes the names of its events, but neither their fields nor which field holds the name.
So the name is looked for under the usual field names, any JSON is an event, and nothing of the body
is lost. `Router` verifies, parses and deduplicates deliveries.

Nothing here does I/O or verifies anything. The body is decoded when `data` is first read.
Sources: https://docs.sikoia.com/docs/webhooks, and the operations on `/v2/webhooks`.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from itertools import islice
from typing import Any, Final, Literal, Protocol, cast

import attrs

from sikoia_async._codec.json import DecodeError, read_json
from sikoia_async._errors import ArgumentTypeError, ConfigurationError, WebhookPayloadError
from sikoia_async._validation import validate_required, validate_type, validate_whole
from sikoia_async.models import Open
from sikoia_async.webhooks import payload

__all__ = [
    "AffordabilityInsightsCompleted",
    "BankStatementProcessingCompleted",
    "BankingProcessingCompleted",
    "DocumentProcessingCompleted",
    "Event",
    "IdentityVerificationCompleted",
    "IdentityVerificationExpired",
    "IncomeEmployerInsightsCompleted",
    "LoggedRequest",
    "OpenBankingProcessingCompleted",
    "PayslipProcessingCompleted",
    "TaxOverviewProcessingCompleted",
    "UnknownEvent",
    "WebhookEventName",
    "event_class",
    "from_request",
    "parse",
    "related",
]

WebhookEventName = Literal[
    "DocumentProcessing.Completed",
    "BankStatementProcessing.Completed",
    "PayslipProcessing.Completed",
    "TaxOverviewProcessing.Completed",
    "BankingProcessing.Completed",
    "OpenBankingProcessing.Completed",
    "IdentityVerification.Completed",
    "IdentityVerification.Expired",
    "AffordabilityInsights.Completed",
    "IncomeEmployerInsights.Completed",
]


class LoggedRequest(Protocol):
    """A delivery in Sikoia's log, such as a `WebhookRequest`."""

    @property
    def grouping_id(self) -> str | None:
        """Shared by all requests that one occurrence caused."""
        ...

    @property
    def event_type(self) -> Open[WebhookEventName] | None:
        """The name of the event."""
        ...

    @property
    def event_data(self) -> Any:
        """The body, as plain JSON or as a string of it."""
        ...


@attrs.frozen(repr=False)
class Event:
    """An event that a webhook delivered. Its repr shows nothing of the body."""

    type: Open[WebhookEventName] | None
    """Sikoia's name of the event; None if neither the body nor the caller gave one."""
    body: bytes
    """The raw body. May hold personal data."""
    _logged_grouping: str | None = attrs.field(default=None, eq=False)

    @cached_property
    def data(self) -> Any:
        """The body as plain JSON, with fractions as Decimals. Sikoia does not publish its fields.

        Raises:
            WebhookPayloadError: the exponent of a number is too large for a Decimal, or lists are
                nested too deeply to decode.
        """
        try:
            return read_json(self.body)
        except DecodeError:
            pass
        raise WebhookPayloadError(_UNREADABLE)

    @cached_property
    def grouping_id(self) -> str | None:
        """Shared by all deliveries that one occurrence caused; None if the body has none.

        It is looked for at the top of the body and one level below, in what may be an envelope.
        """
        if self._logged_grouping is not None:
            return self._logged_grouping
        return next(
            payload.short_strings(payload.read_fields(self.body) or {}, _GROUPING_FIELDS), None
        )

    @cached_property
    def key(self) -> str:
        """A hash of the type and the body, which identifies the event.

        The body counts as JSON: other white space, another order of fields or `1.0` for `1` do not
        change the key. So an event from Sikoia's log has the key that its delivery had.
        """
        # Names contain no zero byte, so no two events give the same bytes.
        name = (self.type or "").encode()
        return sha256(name + b"\0" + payload.canonical(self.body)).hexdigest()

    def find(self, name: str) -> str | None:
        """Return the first string in a field of this name, at any depth, the outermost first.

        `find("request_id")` also finds `requestId` and `RequestId`. Returns None if there is none,
        or if `data` cannot be decoded.
        """
        wanted = payload.normalise_name(name)
        for value in self._walk():
            if isinstance(value, dict):
                for key, field in cast("dict[str, Any]", value).items():
                    if isinstance(field, str) and payload.normalise_name(key) == wanted:
                        return field
        return None

    def mentions(self) -> Iterator[str]:
        """Yield the strings that may be ids, each once, the outermost first.

        These are the strings of up to 128 characters, at any depth, and the words of paths and
        URLs; a thousand at most. Yields nothing if `data` cannot be decoded.
        """
        strings = (value for value in self._walk() if isinstance(value, str))
        ids = (possible for string in strings for possible in payload.possible_ids(string))
        return islice(_unique(ids), _MAX_MENTIONS)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(type={self.type!r}, body={len(self.body):,} bytes)"

    def _walk(self) -> Iterator[Any]:
        try:
            return payload.walk(self.data)
        except WebhookPayloadError:
            return iter(())


# The class hierarchy is Sikoia's hierarchy of events. The parents of bank statements and payslips
# are documented; those of tax overviews and open banking follow from their names.


class DocumentProcessingCompleted(Event):
    """A document was processed, or could not be processed."""

    __slots__ = ()


class BankingProcessingCompleted(Event):
    """The data of a bank account was processed, or could not be processed."""

    __slots__ = ()


class BankStatementProcessingCompleted(DocumentProcessingCompleted, BankingProcessingCompleted):
    """A bank statement was processed, or could not be processed: the body says which."""

    __slots__ = ()


class PayslipProcessingCompleted(DocumentProcessingCompleted):
    """A payslip was processed, or could not be processed."""

    __slots__ = ()


class TaxOverviewProcessingCompleted(DocumentProcessingCompleted):
    """A tax overview was processed, or could not be processed."""

    __slots__ = ()


class OpenBankingProcessingCompleted(BankingProcessingCompleted):
    """The data of a connected bank account was processed, or could not be processed."""

    __slots__ = ()


class IdentityVerificationCompleted(Event):
    """An identity verification has ended: retrieve the request for its outcome."""

    __slots__ = ()


class IdentityVerificationExpired(Event):
    """A person did not verify their identity in time."""

    __slots__ = ()


class AffordabilityInsightsCompleted(Event):
    """A request for affordability insights has ended."""

    __slots__ = ()


class IncomeEmployerInsightsCompleted(Event):
    """A request for income and employer insights has ended."""

    __slots__ = ()


class UnknownEvent(Event):
    """An event that this SDK has no class for, or whose body gives no type."""

    __slots__ = ()


_MAX_BODY: Final = 1 << 20


def parse(body: bytes, *, event_type: str | None = None, max_body: int = _MAX_BODY) -> Event:
    """Return the event in a body. Verify the body first, with `verify`.

    Args:
        body: the raw body.
        event_type: the name of the event, if you know it, for example because you subscribe each
            event type at a URL of its own. If the body itself names one of Sikoia's events, that
            name is used: the signature covers the body, but not the URL, so a recorded delivery
            could be sent to any of your URLs.
        max_body: the largest body to accept, in bytes.

    Raises:
        WebhookPayloadError: the body is not JSON, or too large.
        ArgumentTypeError: the body is a string or parsed JSON.
        ConfigurationError: `event_type` cannot be the name of an event.
    """
    validate_type("body", validate_required("body", body), bytes, "the raw body, as bytes")
    hint = None if event_type is None else _validate_name(event_type)
    event = (
        _event(body, hint)
        if len(body) <= validate_whole("max_body", max_body, least=1)
        else _TOO_LARGE
    )
    # Error reporters record local variables, and a body is personal data.
    del body
    if isinstance(event, Event):
        return event
    raise WebhookPayloadError(event)


def from_request(request: LoggedRequest) -> Event:
    """Return the event of a delivery in Sikoia's log, to handle events that you missed.

        async for request in sikoia.webhooks.requests(webhook_id, event_status="Failed"):
            await router.handle(from_request(request))

    Its body is the log's data, encoded again, so its bytes may differ from those that were
    delivered. Its `key` is the same.

    Raises:
        ArgumentTypeError: this is not a request from the log, or its data is not plain JSON.
    """
    body = payload.encode(validate_required("request", request).event_data)
    name = request.event_type
    hint = name if isinstance(name, str) and _NAME.fullmatch(name) else None
    event = None if body is None else _event(body, hint, request.grouping_id)
    del request, body
    if isinstance(event, Event):
        return event
    msg = "request: expected a WebhookRequest from Sikoia's log, with plain JSON as event_data"
    raise ArgumentTypeError(msg)


def event_class(event_type: str | type[Event]) -> type[Event] | None:
    """Return the class of an event name, or an event class itself; None for anything else."""
    return next((cls for name, cls in _CLASSES.items() if event_type in (name, cls)), None)


def related(event: type[Event]) -> list[type[Event]]:
    """Return the parents and children of an event class."""
    others = (cls for cls in _CLASSES.values() if cls is not event)
    return [cls for cls in others if issubclass(cls, event) or issubclass(event, cls)]


_CLASSES: Final[dict[str, type[Event]]] = {
    "DocumentProcessing.Completed": DocumentProcessingCompleted,
    "BankStatementProcessing.Completed": BankStatementProcessingCompleted,
    "PayslipProcessing.Completed": PayslipProcessingCompleted,
    "TaxOverviewProcessing.Completed": TaxOverviewProcessingCompleted,
    "BankingProcessing.Completed": BankingProcessingCompleted,
    "OpenBankingProcessing.Completed": OpenBankingProcessingCompleted,
    "IdentityVerification.Completed": IdentityVerificationCompleted,
    "IdentityVerification.Expired": IdentityVerificationExpired,
    "AffordabilityInsights.Completed": AffordabilityInsightsCompleted,
    "IncomeEmployerInsights.Completed": IncomeEmployerInsightsCompleted,
}

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}(?:\.[A-Za-z][A-Za-z0-9_]{0,63}){1,3}")
"""A possible event name: words with dots in between."""
_TYPE_FIELDS: Final = ("event_type", "eventType", "event_name", "eventName", "type", "event")
_GROUPING_FIELDS: Final = ("grouping_id", "groupingId")
_MAX_MENTIONS: Final = 1000

_TOO_LARGE: Final = "the body is larger than max_body"
_NOT_JSON: Final = (
    "the body is not JSON, or is nested too deeply: respond with 400, and retrieve what you wait "
    "for"
)
_UNREADABLE: Final = (
    "the body holds a number that is too large for a Decimal, or is nested too deeply: use "
    "event.body"
)


def _validate_name(event_type: object) -> str:
    msg = "event_type: expected the name of an event, such as IdentityVerification.Completed"
    if not isinstance(event_type, str):
        raise ArgumentTypeError(msg)
    if not _NAME.fullmatch(event_type):
        raise ConfigurationError(msg)
    return event_type


def _event(body: bytes, hint: str | None, grouping_id: str | None = None) -> Event | str:
    """Return the event, or an error message."""
    fields = payload.read_fields(body)
    if fields is None:
        return _NOT_JSON
    name = _name(payload.short_strings(fields, _TYPE_FIELDS), hint)
    return _CLASSES.get(name or "", UnknownEvent)(name, body, grouping_id)


def _name(strings: Iterator[str], hint: str | None) -> str | None:
    """Choose one of Sikoia's names in the body, else the hint, else anything like a name."""
    likely = hint
    for string in strings:
        if string in _CLASSES:
            return string
        if likely is None and _NAME.fullmatch(string):
            likely = string
    return likely


def _unique(strings: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for string in strings:
        if string not in seen:
            seen.add(string)
            yield string
