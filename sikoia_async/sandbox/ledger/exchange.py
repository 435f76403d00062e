"""A request and its response while they are in progress, as the ledger records them."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Any, cast
from urllib.parse import quote

from starlette.types import Message, Scope

from sikoia_async.sandbox.faults.injector import FAULT
from sikoia_async.sandbox.ledger.recorded_request import Content, RecordedRequest
from sikoia_async.sandbox.ledger.redaction import (
    redacted_form,
    redacted_headers,
    redacted_request_body,
    redacted_response_body,
)

__all__ = ["Exchange"]

_CORRELATION_ID = b"x-correlation-id"


class Exchange:
    """One request and its response; any thread may read how far they have come.

    Args:
        scope: The ASGI scope of the request.
        number: The number of the request in the ledger.
        moment: When the request arrived.
        operation: What it requests; None if that does not exist.
        price: What the operation costs when it succeeds, in credits.
    """

    def __init__(
        self, scope: Scope, *, number: int, moment: datetime, operation: str | None, price: int
    ) -> None:
        self.number = number
        self.price = price
        self._scope = scope
        self._moment = moment
        self._operation = operation
        self._started = time.perf_counter()
        self._seconds: float | None = None
        raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        self._path = raw_path.decode("latin-1")
        self._sent_id = _correlation_id(scope["headers"])
        self._request_body: list[bytes] = []
        self._is_connected = True
        self._response_start: Message | None = None
        self._response_body: list[bytes] = []
        self._charged_for: tuple[str, ...] = ()
        self._fingerprint = b""

    def record_received(self, message: Message) -> None:
        """Record a message from the client."""
        self._is_connected = message["type"] != "http.disconnect"
        if body := message.get("body"):
            self._request_body.append(body)

    def record_sent(self, message: Message) -> None:
        """Record a message to the client, unless the client has disconnected."""
        if not self._is_connected:
            return
        if message["type"] == "http.response.start":
            self._response_start = message
        elif body := message.get("body"):
            self._response_body.append(body)

    def charge(self) -> None:
        """Record that the operation succeeded and costs its price."""
        body = b"".join(self._request_body)
        fields = _fields(body)
        self._charged_for = (*self._ids_in_path(), *_ids_in(fields))
        target = (self._scope["method"], self._path.lower(), self._scope["query_string"])
        normalised = body if fields is None else json.dumps(fields, sort_keys=True)
        self._fingerprint = blake2b(repr((*target, normalised)).encode(), digest_size=16).digest()

    def end(self) -> None:
        """Record that the exchange is over."""
        self._seconds = time.perf_counter() - self._started

    @property
    def cost(self) -> int:
        """What the request has cost so far, in credits."""
        return self.price if self._fingerprint else 0

    def recorded(self) -> RecordedRequest:
        """Return the request and its outcome so far."""
        start = self._response_start
        response_id = _correlation_id(start["headers"]) if start else None
        return RecordedRequest(
            number=self.number,
            moment=self._moment,
            seconds=self._seconds,
            method=self._scope["method"],
            path=self._path,
            query=redacted_form(self._scope["query_string"].decode("latin-1")),
            operation=self._operation,
            # Usually they are equal; sharing one string saves memory over many requests.
            sent_correlation_id=response_id if response_id == self._sent_id else self._sent_id,
            correlation_id=response_id,
            status=start["status"] if start else None,
            cost=self.cost,
            fault=self._scope.get(FAULT),
            charged_for=self._charged_for,
            fingerprint=self._fingerprint,
        )

    def content(self) -> Content:
        """Return the headers and bodies so far, with secrets redacted."""
        request_headers = self._scope["headers"]
        response_headers = self._response_start["headers"] if self._response_start else ()
        media_type = dict(request_headers).get(b"content-type", b"").decode("latin-1").lower()
        return Content(
            request_body=redacted_request_body(b"".join(self._request_body), media_type),
            response_body=redacted_response_body(b"".join(self._response_body)),
            request_headers=redacted_headers(request_headers),
            response_headers=redacted_headers(response_headers),
        )

    def _ids_in_path(self) -> Iterator[str]:
        # Only existing operations are charged, so there is a template.
        template = str(self._operation).partition(" ")[2].split("/")
        for word, part in zip(template, self._path.split("/"), strict=False):
            if word.endswith("_id}"):
                yield part


def _correlation_id(headers: list[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name.lower() == _CORRELATION_ID:
            return value.decode("latin-1")
    return None


def _fields(body: bytes) -> dict[str, Any] | None:
    """Return the fields of a JSON object; None for any other body."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", fields) if isinstance(fields, dict) else None


def _ids_in(fields: dict[str, Any] | None) -> Iterator[str]:
    for name, value in (fields or {}).items():
        if name.endswith("_id") and isinstance(value, str):
            yield value
