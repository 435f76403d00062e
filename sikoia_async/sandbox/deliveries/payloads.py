"""The bytes of a delivery: what stands in them, and the signature over them."""

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
"""What is sent of a payload: all of it; all but `event_type` and `grouping_id`, which perhaps do
not stand in Sikoia's; or whatever JSON a function makes of it."""

_HEADER = "X-HMAC-SHA256-Signature"
_SAMPLE: Record = {
    "event_type": "DocumentProcessing.Completed",
    "grouping_id": "00000000-0000-4000-8000-000000000000",
    "datetime_created": "2024-01-18T12:37:35.0000000+00:00",
    "status": "Complete",
    "document_id": "00000000-0000-4000-8000-000000000000",
}


def validate_shape(shape: EventShape) -> EventShape:
    """Refuse a shape that could not be sent, in the thread of whoever gives it.

    Raises:
        ValueError: There is no shape of this name, or what the function makes is no JSON.
    """
    if not callable(shape) and shape not in ("full", "bare"):
        msg = f"event_shape: give 'full', 'bare' or a function, not {shape!r}"
        raise ValueError(msg)
    try:
        to_bytes(apply_shape(dict(_SAMPLE), shape))
    except (TypeError, ValueError) as exc:
        msg = "event_shape: the function has to return what JSON can hold"
        raise ValueError(msg) from exc
    return shape


def apply_shape(payload: Record, shape: EventShape) -> Any:
    """Return what is sent of a payload."""
    if callable(shape):
        return shape(payload)
    hidden = ("event_type", "grouping_id") if shape == "bare" else ()
    return {name: value for name, value in payload.items() if name not in hidden}


def to_bytes(event_data: Any) -> bytes:
    """Write the body of a delivery."""
    text = json.dumps(event_data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def signed(body: bytes, key: str | None, forgery: Forgery | None) -> tuple[bytes, dict[str, str]]:
    """Return a body and its headers as they go out, forged if so planned.

    Args:
        body: What is to be sent.
        key: The shared key of this moment, if there is one.
        forgery: What is to be wrong with it.
    """
    sent = body + b" " if forgery == "body" else body
    return sent, {"Content-Type": "application/json", **_signature(body, key, forgery)}


def _signature(body: bytes, key: str | None, forgery: Forgery | None) -> dict[str, str]:
    if forgery == "signature":
        return {_HEADER: "no signature at all"}
    if forgery == "key":
        key = "a key that nobody shares"
    if key is None or forgery == "unsigned":
        return {}
    digest = hmac.new(key.encode(), body, hashlib.sha256).digest()
    return {_HEADER: base64.b64encode(digest).decode()}
