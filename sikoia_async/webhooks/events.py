"""Webhook events, with a class for each of Sikoia's event types.

    event = parse(body)  # after verify(body, signature, secret)

Sikoia documents the names of its events, but neither their fields nor which field holds the name.
Therefore the name is looked for under the usual field names, any JSON is an event, and no part of
the body is lost. `Router` verifies, parses and deduplicates deliveries.

Nothing here does I/O or verifies anything. The body is decoded when `data` is first read.
Sources: https://docs.sikoia.com/docs/webhooks, and the operations on `/v2/webhooks`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from hashlib import sha256
from itertools import islice
from typing import Any, Final, Literal, Protocol, cast

import attrs
from msgspec import Raw

from sikoia_async._errors import ArgumentTypeError, WebhookEventTypeError, WebhookPayloadError
from sikoia_async._schema.json import DecodeError, read_patiently
from sikoia_async._validation import (
    plain_string,
    validate_required,
    validate_type,
    validate_whole,
)
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
    "from_request",
    "parse",
    "validate_event_type",
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
    """An event that a webhook delivered. Its repr does not show the body."""

    type: Open[WebhookEventName] | None
    """Sikoia's name of the event; None if neither the body nor the caller gave one."""
    body: bytes
    """The raw body. May hold personal data."""
    _logged_grouping: str | None = attrs.field(default=None, eq=False)

    @cached_property
    def data(self) -> Any:
        """The body as plain JSON, with fractions as Decimals. Sikoia does not document its fields.

        Whole numbers with thousands of digits are Decimals too, and a number too large for a
        Decimal is a string. Strings may contain lone surrogates, as with Python's own parser.

        Raises:
            WebhookPayloadError: lists are nested too deeply to decode.
        """
        try:
            return read_patiently(self.body)
        except DecodeError:
            pass
        raise WebhookPayloadError(_UNREADABLE)

    @cached_property
    def grouping_id(self) -> str | None:
        """Shared by all deliveries that one occurrence caused; None if the body has none.

        It is looked for at the top level of the body and one level below, in case of an envelope.
        """
        if self._logged_grouping is not None:
            return self._logged_grouping
        return next(
            payload.short_strings(payload.read_fields(self.body) or {}, _GROUPING_FIELDS), None
        )

    @cached_property
    def key(self) -> str:
        """A hash of the body, which identifies the event.

        The key depends on the JSON value, not on white space, the order of fields, or whether `1`
        is written as `1.0`. So an event from Sikoia's log has the same key as its delivery. The
        type does not affect the key, because it may come from the URL, which is not signed.
        """
        return sha256(payload.canonical(self.body)).hexdigest()

    def find(self, name: str) -> str | None:
        """Return the first string in a field of this name, at any depth, the outermost first.

        `find("request_id")` also finds `requestId` and `RequestId`. Returns None if there is none,
        or if `data` cannot be decoded.

        Raises:
            ArgumentTypeError: the name is not a string.
        """
        validate_type("name", validate_required("name", name), str, "the name of a field")
        wanted = payload.normalise_name(name)
        for value in self._walk():
            if isinstance(value, dict):
                for key, field in cast("dict[str, Any]", value).items():
                    if type(field) is str and payload.normalise_name(key) == wanted:
                        return field
        return None

    def mentions(self) -> Iterator[str]:
        """Yield the strings that may be ids, each once, the outermost first.

        These are the strings of up to 128 characters, at any depth, and the words of paths and
        URLs; a thousand at most. Yields nothing if `data` cannot be decoded.
        """
        strings = (value for value in self._walk() if type(value) is str)  # and not a NumberText
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
    """A bank statement was processed, or could not be processed; the body says which."""

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
    """An event without a class in this SDK, or whose body gives no type."""

    __slots__ = ()


def name_of(event: Event) -> str:
    """Return Sikoia's name of an event, or `unknown`: other names may be anything."""
    return "unknown" if isinstance(event, UnknownEvent) or event.type is None else event.type


_MAX_BODY: Final = 1 << 20


def parse(body: bytes, *, event_type: str | None = None, max_body: int = _MAX_BODY) -> Event:
    """Return the event in a body. Verify the body first, with `verify`.

    Args:
        body: the raw body.
        event_type: one of Sikoia's event types, if you know it, for example because each has its
            own URL. It is used only if the body names no event: the signature covers the body, but
            not the URL, so anyone who has recorded a delivery can send it to any of your URLs.
        max_body: the largest body to accept, in bytes.

    Raises:
        WebhookPayloadError: the body is not JSON, or too large.
        WebhookEventTypeError: `event_type` is not one of Sikoia's event types.
        ArgumentTypeError: the body is a string or parsed JSON, or `event_type` is not a string.
    """
    if type(body) is not bytes:
        validate_type("body", validate_required("body", body), bytes, "the raw body, as bytes")
    hint = None if event_type is None else validate_event_type(event_type)
    limit = validate_whole("max_body", max_body, least=1)
    event = _event(body, hint) if len(body) <= limit else _TOO_LARGE
    # Error reporters record local variables, and a body is personal data.
    del body
    if isinstance(event, Event):
        return event
    raise WebhookPayloadError(event)


def from_request(request: LoggedRequest) -> Event:
    """Return the event of a delivery in Sikoia's log, to handle missed events.

        async for request in sikoia.webhooks.log(webhook, event_status="Failed"):
            await router.handle(from_request(request))

    Its body is the log's data, encoded again, so its bytes may differ from those that were
    delivered. Its `key` is the same.

    Raises:
        ArgumentTypeError: this is not a request from the log, or its data is not plain JSON.
    """
    data = getattr(validate_required("request", request), "event_data", _MISSING)
    body = None if data is _MISSING else payload.encode(data)
    logged = getattr(request, "event_type", None)
    # The log comes from the API, so its name counts unless the body has one of Sikoia's names.
    name = logged if isinstance(logged, str) and _NAME.fullmatch(logged) else None
    grouping_id = getattr(request, "grouping_id", None)
    event = None if body is None else _event(body, name, grouping_id, is_logged=True)
    del request, body, data
    if isinstance(event, Event):
        return event
    msg = "request: expected a WebhookRequest from Sikoia's log, with plain JSON as event_data"
    raise ArgumentTypeError(msg)


def validate_event_type(event_type: object) -> str | None:
    """Return one of Sikoia's event types, or None if there is none.

    Raises:
        WebhookEventTypeError: the string is not one of Sikoia's event types.
        ArgumentTypeError: this is not a string.
    """
    if event_type is None:
        return None
    if not isinstance(event_type, str):
        msg = "event_type: expected the name of one of Sikoia's events"
        raise ArgumentTypeError(msg)
    name = plain_string(event_type)
    if name in _CLASSES:
        return name
    del event_type, name  # it may come from a URL
    raise WebhookEventTypeError(_UNKNOWN_TYPE)


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
_BY_JSON: Final = {b'"%b"' % name.encode(): name for name in _CLASSES}
_USUAL_FIELD: Final = "event_type"
"""How the API spells its fields. Most events end here."""
_TYPE_FIELDS: Final = ("eventtype", "eventname", "type", "event")
_GROUPING_FIELDS: Final = ("groupingid",)
_MAX_MENTIONS: Final = 1000
_MISSING: Final = object()

_TOO_LARGE: Final = "the body is larger than max_body"
_NOT_JSON: Final = (
    "the body is not JSON, or is nested too deeply: respond with 400, and retrieve what you wait "
    "for"
)
_UNKNOWN_TYPE: Final = (
    "event_type: not one of Sikoia's event types; give a name such as "
    "IdentityVerification.Completed, and respond with 404 to other URLs"
)
_UNREADABLE: Final = "the body is nested too deeply: use event.body"


def _event(
    body: bytes, hint: str | None, grouping_id: str | None = None, *, is_logged: bool = False
) -> Event | str:
    """Return the event, or an error message."""
    fields = payload.read_fields(body)
    if fields is None:
        return _NOT_JSON
    name = _name(fields, hint, is_logged=is_logged)
    return _CLASSES.get(name or "", UnknownEvent)(name, body, grouping_id)


def _name(fields: Mapping[str, Raw], hint: str | None, *, is_logged: bool) -> str | None:
    """Return one of Sikoia's names in the body, else the hint unless the body contradicts it."""
    if (name := _BY_JSON.get(bytes(fields.get(_USUAL_FIELD, b"")))) is not None:
        return name
    others: list[tuple[str, Raw]] = []
    for field, value in payload.named_values(fields, _TYPE_FIELDS):
        if (string := payload.short_string(value)) in _CLASSES:
            return string  # without a look into envelopes, which reads them again
        others.append((field, value))
    if hint is not None and (
        is_logged or not any(_contradicts(field, value, hint) for field, value in others)
    ):
        return hint
    strings = (payload.short_string(value) for _, value in others)
    return next((string for string in strings if _NAME.fullmatch(string)), None)


def _contradicts(field: str, value: Raw, hint: str) -> bool:
    """Return whether a field of a body says that the event is another than the hint."""
    if string := payload.short_string(value):
        # `type` may be anything, such as the type of a document.
        return (field != "type" or _NAME.fullmatch(string) is not None) and not (
            payload.is_same_name(string, hint)
        )
    content = bytes(value)
    is_envelope = field == "event" and content.startswith(b"{")
    return field != "type" and content not in {b"null", b'""'} and not is_envelope


def _unique(strings: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for string in strings:
        if string not in seen:
            seen.add(string)
            yield string
