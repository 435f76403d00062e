"""Named faults: common failures with suitable arguments."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import attrs

from sikoia_async.sandbox.faults.plan import unknown_name

__all__ = ["NAMED", "NAMED_DELIVERIES", "NamedFault", "named_fault"]


@attrs.frozen
class NamedFault:
    """What a name stands for."""

    description: str
    """The effect, in one line."""
    arguments: Mapping[str, Any]
    """The arguments of `add`."""


_HTML = {"Content-Type": "text/html"}

NAMED: Final[Mapping[str, NamedFault]] = {
    "expired token": NamedFault(
        "the request is not processed: a 401 says that the token has expired, and it has",
        {"token": "expired"},
    ),
    "burst of 429": NamedFault(
        "two requests get a 429 without Retry-After",
        {"status": HTTPStatus.TOO_MANY_REQUESTS.value, "times": 2},
    ),
    "burst of 429 with Retry-After": NamedFault(
        "two requests get a 429 with a Retry-After of one second",
        {"status": HTTPStatus.TOO_MANY_REQUESTS.value, "retry_after": 1, "times": 2},
    ),
    "server error": NamedFault(
        "one request gets a 500",
        {"status": HTTPStatus.INTERNAL_SERVER_ERROR.value},
    ),
    "brief outage": NamedFault(
        "two requests get a 503",
        {"status": HTTPStatus.SERVICE_UNAVAILABLE.value, "times": 2},
    ),
    "outage": NamedFault(
        "twenty requests get a 503",
        {"status": HTTPStatus.SERVICE_UNAVAILABLE.value, "times": 20},
    ),
    "gateway page": NamedFault(
        "the request is not processed: a gateway returns a 502 with an HTML page",
        {
            "status": HTTPStatus.BAD_GATEWAY.value,
            "body": b"<html><h1>502 Bad Gateway</h1></html>",
            "headers": _HTML,
        },
    ),
    "proxy page": NamedFault(
        "the request is processed, but a proxy replaces the body with an HTML page",
        {"body": b"<html><h1>Please sign in</h1></html>", "headers": _HTML},
    ),
    "other shape": NamedFault(
        "the request is processed, but the response is JSON of another shape",
        {"body": b'["neither", "this", "nor", "that"]'},
    ),
    "empty body": NamedFault(
        "the request is processed, but the response has no body",
        {"body": b""},
    ),
    "slow response": NamedFault(
        "the request is processed, and the response arrives a second later",
        {"delay": 1},
    ),
    "no response": NamedFault(
        "the request is processed, but the response would take an hour",
        {"delay": 3600},
    ),
    "dripping body": NamedFault(
        "the body arrives at 1000 bytes a second",
        {"drip": 1000},
    ),
    "reset before processing": NamedFault(
        "the request is not processed: the connection is reset without a response",
        {"reset": "before"},
    ),
    "reset after processing": NamedFault(
        "the request is processed, but the connection is reset without a response",
        {"reset": "after"},
    ),
    "truncated response": NamedFault(
        "the request is processed, but the connection closes after one byte of the body",
        {"truncate": 1},
    ),
}
"""Faults of requests."""

NAMED_DELIVERIES: Final[Mapping[str, NamedFault]] = {
    "lost": NamedFault("it is logged as delivered, but not sent", {"drop": True}),
    "doubled": NamedFault("it is sent twice, byte for byte", {"repeat": 1}),
    "late": NamedFault("it is sent a minute later", {"delay": 60}),
    "held": NamedFault("it waits for `sandbox.deliveries.release()`", {"hold": True}),
    "forged": NamedFault("it is signed with another key", {"forge": "key"}),
    "changed": NamedFault("its body is changed after signing", {"forge": "body"}),
    "invalid signature": NamedFault("its signature is malformed", {"forge": "signature"}),
    "unsigned": NamedFault("it has no signature", {"forge": "unsigned"}),
}
"""Faults of webhook deliveries."""


def named_fault(name: str, table: Mapping[str, NamedFault]) -> NamedFault:
    """Return the fault with a name.

    Raises:
        ValueError: The name is unknown; the message has the closest names.
    """
    if name not in table:
        kind = "fault"
        raise unknown_name(kind, name, table)
    return table[name]
