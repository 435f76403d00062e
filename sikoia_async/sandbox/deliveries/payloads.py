"""The body of a delivery, and its signature."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, Literal

from sikoia_async.sandbox.faults.deliveries import Forgery
from sikoia_async.sandbox.state import Record

__all__ = ["EventShape"]

EventShape = Literal["full", "bare"] | Callable[[Record], Any]
"""What is sent of a payload: all of it; everything except `event_type` and `grouping_id`, which
Sikoia may not send; or the JSON value that a function returns."""

_HEADER = "X-HMAC-SHA256-Signature"
_SAMPLE: Record = {
    "event_type": "DocumentProcessing.Completed",
    "grouping_id": "00000000-0000-4000-8000-000000000000",
    "datetime_created": "2024-01-18T12:37:35.0000000+00:00",
    "status": "Complete",
    "document_id": "00000000-0000-4000-8000-000000000000",
}


def validate_shape(shape: EventShape) -> EventShape:
    """Refuse a shape that could not be sent, by trying it on a sample.

    Raises:
        ValueError: The name is unknown, or the function does not return JSON.
    """
    if not callable(shape) and shape not in ("full", "bare"):
        msg = "event_shape: expected 'full', 'bare' or a function"
        raise ValueError(msg)
    try:
        to_bytes(apply_shape(dict(_SAMPLE), shape))
    except (TypeError, ValueError) as exc:
        msg = "event_shape: the function must return a JSON value"
        raise ValueError(msg) from exc
    return shape


def apply_shape(payload: Record, shape: EventShape) -> Any:
    """Return the part of a payload that is sent."""
    if callable(shape):
        return shape(payload)
    hidden = ("event_type", "grouping_id") if shape == "bare" else ()
    return {name: value for name, value in payload.items() if name not in hidden}


def to_bytes(event_data: Any) -> bytes:
    """Encode the body of a delivery."""
    text = json.dumps(event_data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def signed(body: bytes, key: str | None, forgery: Forgery | None) -> tuple[bytes, dict[str, str]]:
    """Return the body and headers to send, forged if a fault says so.

    Args:
        body: The genuine body.
        key: The current shared key, if any.
        forgery: How to forge the delivery, if at all.
    """
    sent = body + b" " if forgery == "body" else body
    return sent, {"Content-Type": "application/json", **_signature(body, key, forgery)}


def _signature(body: bytes, key: str | None, forgery: Forgery | None) -> dict[str, str]:
    if forgery == "signature":
        return {_HEADER: "not a signature"}
    if forgery == "key":
        key = "another key"
    if key is None or forgery == "unsigned":
        return {}
    digest = hmac.new(key.encode(), body, hashlib.sha256).digest()
    return {_HEADER: base64.b64encode(digest).decode()}
