"""A request and its answer while they pass: what the ledger shows of them until they are over."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Any, cast
from urllib.parse import quote

from starlette.types import Message, Scope

from sikoia_async.sandbox.faults.injector import FAULT
from sikoia_async.sandbox.ledger.asked import Asked, Content
from sikoia_async.sandbox.ledger.redaction import (
    redacted_form,
    redacted_headers,
    redacted_sent,
    redacted_text,
)

__all__ = ["Exchange"]

_CORRELATION_ID = b"x-correlation-id"


class Exchange:
    """One request, of which another thread may look at any moment how far it has come.

    Args:
        scope: The request.
        number: Its number.
        moment: When it came.
        operation: What it asks for, if that is served.
        price: What that costs when it is done.
    """

    def __init__(
        self, scope: Scope, *, number: int, moment: datetime, operation: str | None, price: int
    ) -> None:
        self.number = number
        self.price = price
        self._scope = scope
        self._moment = moment
        self._operation = operation
        self._began = time.perf_counter()
        self._seconds: float | None = None
        raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        self._path = raw_path.decode("latin-1")
        self._sent_id = _correlation_id(scope["headers"])
        self._sent: list[bytes] = []
        self._is_heard = True
        self._start: Message | None = None
        self._answered: list[bytes] = []
        self._charged_for: tuple[str, ...] = ()
        self._target = b""

    def came(self, message: Message) -> None:
        """Note a message of the client."""
        self._is_heard = message["type"] != "http.disconnect"
        if body := message.get("body"):
            self._sent.append(body)

    def goes(self, message: Message) -> None:
        """Note a message to the client, before it goes out; one that has hung up gets none."""
        if not self._is_heard:
            return
        if message["type"] == "http.response.start":
            self._start = message
        elif body := message.get("body"):
            self._answered.append(body)

    def charge(self) -> None:
        """Note that the work is done, and so is to be paid for."""
        body = b"".join(self._sent)
        fields = _fields(body)
        self._charged_for = (*self._ids_in_path(), *_ids_in(fields))
        asked = (self._scope["method"], self._path.lower(), self._scope["query_string"])
        said = body if fields is None else json.dumps(fields, sort_keys=True)
        self._target = blake2b(repr((*asked, said)).encode(), digest_size=16).digest()

    def end(self) -> None:
        """Note that no more comes of it."""
        self._seconds = time.perf_counter() - self._began

    @property
    def cost(self) -> int:
        """What it has cost so far, in credits."""
        return self.price if self._target else 0

    def asked(self) -> Asked:
        """Tell what it is and how far it has come."""
        start = self._start
        answered_id = _correlation_id(start["headers"]) if start else None
        return Asked(
            number=self.number,
            moment=self._moment,
            seconds=self._seconds,
            method=self._scope["method"],
            path=self._path,
            query=redacted_form(self._scope["query_string"].decode("latin-1")),
            operation=self._operation,
            # Mostly one is the echo of the other: two of a hundred thousand are worth one.
            sent_correlation_id=answered_id if answered_id == self._sent_id else self._sent_id,
            correlation_id=answered_id,
            status=start["status"] if start else None,
            cost=self.cost,
            fault=self._scope.get(FAULT),
            charged_for=self._charged_for,
            target=self._target,
        )

    def content(self) -> Content:
        """Give what was sent and answered so far, without secrets."""
        sent_headers = self._scope["headers"]
        media_type = dict(sent_headers).get(b"content-type", b"").decode("latin-1").lower()
        return Content(
            sent=redacted_sent(b"".join(self._sent), media_type),
            answered=redacted_text(b"".join(self._answered)),
            sent_headers=redacted_headers(sent_headers),
            answered_headers=redacted_headers(self._start["headers"] if self._start else ()),
        )

    def _ids_in_path(self) -> Iterator[str]:
        # Only what is served is ever charged.
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
    """Return the fields of a JSON body; None of any other."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", fields) if isinstance(fields, dict) else None


def _ids_in(fields: dict[str, Any] | None) -> Iterator[str]:
    for name, value in (fields or {}).items():
        if name.endswith("_id") and isinstance(value, str):
            yield value
