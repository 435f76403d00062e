"""Events: what webhooks deliver, typed by Sikoia's own names and hierarchy of events.

    event = events.parse(body)  # after signing.verify(body, signature, secret)

Sikoia publishes the names of its events, and not what is in them, nor where an event's name stands.
So the name is looked for under the usual spellings and taken where it is one that is known, nothing
of the body is lost, and whatever is JSON is an event. `Router` does all of this and more.

Nothing here does I/O, and nothing is verified here. Only what reading takes is read at once: the
rest of the body is read when `data` is first asked for.
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
    """A delivery in Sikoia's log: a `WebhookRequest` is one."""

    @property
    def grouping_id(self) -> str | None:
        """The same for all requests that one occurrence caused."""
        ...

    @property
    def event_type(self) -> Open[WebhookEventName] | None:
        """What happened."""
        ...

    @property
    def event_data(self) -> Any:
        """The body, as plain JSON or as a text that holds it."""
        ...


@attrs.frozen(repr=False)
class Event:
    """What happened at Sikoia, as far as a delivery tells. A repr shows nothing of the body."""

    type: Open[WebhookEventName] | None
    """Sikoia's name of what happened; None where neither the body nor you told it."""
    body: bytes
    """The raw body. May hold personal data."""
    _logged_grouping: str | None = attrs.field(default=None, eq=False)

    @cached_property
    def data(self) -> Any:
        """The body as plain JSON, fractions as Decimals. Sikoia does not say what is in it.

        Raises:
            WebhookPayloadError: there is a number in it whose exponent no Decimal can hold, or
                lists are nested so deeply that there was no room left to read them.
        """
        try:
            return read_json(self.body)
        except DecodeError:
            pass
        raise WebhookPayloadError(_UNREADABLE)

    @cached_property
    def grouping_id(self) -> str | None:
        """The same for all deliveries that one occurrence caused; None where nothing tells it.

        It is looked for at the top of the body and one level below, in what may be an envelope.
        """
        if self._logged_grouping is not None:
            return self._logged_grouping
        return next(payload.texts(payload.top(self.body) or {}, _GROUPINGS), None)

    @cached_property
    def key(self) -> str:
        """A hash by which the same event is known again: of its type and its body.

        The body counts as JSON: other spaces, another order of fields or `1.0` for `1` make no
        other event, so that one of Sikoia's log has the key that its delivery had.
        """
        # No name has a zero byte in it, so that no two pairs give the same bytes.
        told = (self.type or "").encode()
        return sha256(told + b"\0" + payload.canonical(self.body)).hexdigest()

    def find(self, name: str) -> str | None:
        """Return the first text that stands under a name, at any depth, the outermost first.

        `find("request_id")` finds `requestId` and `RequestId`, too. None where there is none, or
        where `data` cannot be read.
        """
        wanted = payload.folded(name)
        for one in self._walk():
            if isinstance(one, dict):
                for key, value in cast("dict[str, Any]", one).items():
                    if isinstance(value, str) and payload.folded(key) == wanted:
                        return value
        return None

    def mentions(self) -> Iterator[str]:
        """Yield what may be the id of something that is waited for, each once.

        That is every text of at most 128 characters, at any depth, the outermost first, and the
        words of what looks like a path or an address; a thousand of them at most. Nothing where
        `data` cannot be read.
        """
        found = (
            part for one in self._walk() if isinstance(one, str) for part in payload.parts(one)
        )
        return islice(_each_once(found), _MOST_MENTIONS)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(type={self.type!r}, body={len(self.body):,} bytes)"

    def _walk(self) -> Iterator[Any]:
        try:
            return payload.walk(self.data)
        except WebhookPayloadError:
            return iter(())


# The hierarchy of the classes is Sikoia's hierarchy of events, so that `isinstance` and the method
# resolution order say which event is of which finer kind. Documented are the places of bank
# statements and payslips; that tax overviews are documents, and that open banking is banking, is
# what their names say.


class DocumentProcessingCompleted(Event):
    """A document was read, or could not be read."""

    __slots__ = ()


class BankingProcessingCompleted(Event):
    """Data of a bank account was read, or could not be read."""

    __slots__ = ()


class BankStatementProcessingCompleted(DocumentProcessingCompleted, BankingProcessingCompleted):
    """A bank statement was read, or could not be read: the body tells."""

    __slots__ = ()


class PayslipProcessingCompleted(DocumentProcessingCompleted):
    """A payslip was read, or could not be read."""

    __slots__ = ()


class TaxOverviewProcessingCompleted(DocumentProcessingCompleted):
    """A tax overview was read, or could not be read."""

    __slots__ = ()


class OpenBankingProcessingCompleted(BankingProcessingCompleted):
    """Data of a connected bank account was read, or could not be read."""

    __slots__ = ()


class IdentityVerificationCompleted(Event):
    """Somebody's identity was verified, or was not: retrieve the request to see."""

    __slots__ = ()


class IdentityVerificationExpired(Event):
    """Somebody did not verify their identity in time."""

    __slots__ = ()


class AffordabilityInsightsCompleted(Event):
    """A request for affordability insights came to its end."""

    __slots__ = ()


class IncomeEmployerInsightsCompleted(Event):
    """A request for income and employer insights came to its end."""

    __slots__ = ()


class UnknownEvent(Event):
    """Something happened for which this SDK has no class, or nothing told what."""

    __slots__ = ()


_MAX_BODY: Final = 1 << 20


def parse(body: bytes, *, event_type: str | None = None, max_body: int = _MAX_BODY) -> Event:
    """Return the event that a body tells of. Verify the body first: `signing.verify`.

    Args:
        body: the raw body.
        event_type: what you know the event to be, by the address that it came to, say: with one
            address for each type of event you need not rely on what is in the body. Where the body
            names one of Sikoia's events itself, that counts, for the signature covers the body and
            no address: whoever has recorded a delivery can send it to each of your addresses.
        max_body: bytes that a body may have.

    Raises:
        WebhookPayloadError: the body is no JSON, or too large.
        ArgumentTypeError: it is a text or parsed JSON.
        ConfigurationError: `event_type` cannot be the name of an event.
    """
    validate_type("body", validate_required("body", body), bytes, "the raw body, as bytes")
    hint = None if event_type is None else _checked_name(event_type)
    event = (
        _event(body, hint)
        if len(body) <= validate_whole("max_body", max_body, least=1)
        else _TOO_LARGE
    )
    # Tools that report errors write down local variables, and a body is personal data.
    del body
    if isinstance(event, Event):
        return event
    raise WebhookPayloadError(event)


def from_request(request: LoggedRequest) -> Event:
    """Return the event of a delivery in Sikoia's log, to handle what was missed.

        async for request in sikoia.webhooks.requests(webhook_id, event_status="Failed"):
            await router.handle(events.from_request(request))

    Its body is the log's data written as JSON anew, so that its bytes need not be those that were
    delivered; its `key` is the same.

    Raises:
        ArgumentTypeError: it is no request of the log, or its data is no plain JSON.
    """
    body = payload.written(validate_required("request", request).event_data)
    name = request.event_type
    hint = name if isinstance(name, str) and _NAME.fullmatch(name) else None
    event = None if body is None else _event(body, hint, request.grouping_id)
    del request, body
    if isinstance(event, Event):
        return event
    msg = "request: give a WebhookRequest of Sikoia's log, whose event_data is plain JSON"
    raise ArgumentTypeError(msg)


def event_class(event_type: str | type[Event]) -> type[Event] | None:
    """Return the class of one of Sikoia's names, or one of the classes itself; None for others."""
    return next((one for name, one in _CLASSES.items() if event_type in (name, one)), None)


def related(kind: type[Event]) -> list[type[Event]]:
    """Return the classes that this one is finer than, and those that are finer."""
    others = (one for one in _CLASSES.values() if one is not kind)
    return [one for one in others if issubclass(one, kind) or issubclass(kind, one)]


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
"""What looks like the name of an event: words with dots between."""
_TYPES: Final = ("event_type", "eventType", "event_name", "eventName", "type", "event")
_GROUPINGS: Final = ("grouping_id", "groupingId")
_MOST_MENTIONS: Final = 1000

_TOO_LARGE: Final = "the body is larger than max_body"
_NO_JSON: Final = (
    "the body is no JSON, or is nested too deeply: answer 400, and retrieve what you wait for"
)
_UNREADABLE: Final = (
    "the body holds a number that no Decimal can hold, or is nested too deeply: use event.body"
)


def _checked_name(event_type: object) -> str:
    msg = "event_type: give Sikoia's name of the event, such as IdentityVerification.Completed"
    if not isinstance(event_type, str):
        raise ArgumentTypeError(msg)
    if not _NAME.fullmatch(event_type):
        raise ConfigurationError(msg)
    return event_type


def _event(body: bytes, hint: str | None, grouping_id: str | None = None) -> Event | str:
    """Return the event, or what is wrong with the body."""
    fields = payload.top(body)
    if fields is None:
        return _NO_JSON
    name = _name(payload.texts(fields, _TYPES), hint)
    return _CLASSES.get(name or "", UnknownEvent)(name, body, grouping_id)


def _name(texts: Iterator[str], hint: str | None) -> str | None:
    """Choose a name of Sikoia's in the body, else the hint, else what looks like a name."""
    alike = hint
    for text in texts:
        if text in _CLASSES:
            return text
        if alike is None and _NAME.fullmatch(text):
            alike = text
    return alike


def _each_once(texts: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for text in texts:
        if text not in seen:
            seen.add(text)
            yield text
