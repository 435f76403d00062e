"""The faults that have a name: the usual ones, with each detail already thought of."""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from sikoia_async.sandbox.faults.plan import unknown_name

__all__ = ["NAMED", "NAMED_DELIVERIES", "NamedFault", "called"]


@attrs.frozen
class NamedFault:
    """What a name stands for."""

    about: str
    """What happens, in a line."""
    arguments: Mapping[str, Any]
    """What `add` is told."""


_HTML = {"Content-Type": "text/html"}

NAMED: Final[Mapping[str, NamedFault]] = {
    "expired token": NamedFault(
        "nothing is done: a 401 says that the token has expired, and from then on it has",
        {"token": "expired"},
    ),
    "burst of 429": NamedFault(
        "two requests are refused with a 429 that does not say when to come back",
        {"status": 429, "times": 2},
    ),
    "burst of 429 with Retry-After": NamedFault(
        "two requests are refused with a 429 that asks to wait for a second",
        {"status": 429, "retry_after": 1, "times": 2},
    ),
    "server error": NamedFault(
        "one request is refused with a 500",
        {"status": 500},
    ),
    "brief outage": NamedFault(
        "two requests are refused with a 503",
        {"status": 503, "times": 2},
    ),
    "outage": NamedFault(
        "twenty requests are refused with a 503",
        {"status": 503, "times": 20},
    ),
    "gateway page": NamedFault(
        "nothing is done: a gateway answers with a 502 and a page of HTML",
        {"status": 502, "body": b"<html><h1>502 Bad Gateway</h1></html>", "headers": _HTML},
    ),
    "page of a proxy": NamedFault(
        "the work is done, and a page of HTML comes in place of the answer's body",
        {"body": b"<html><h1>Please sign in</h1></html>", "headers": _HTML},
    ),
    "other shape": NamedFault(
        "the work is done, and the answer is JSON of another shape",
        {"body": b'["neither", "this", "nor", "that"]'},
    ),
    "empty body": NamedFault(
        "the work is done, and the answer has no body",
        {"body": b""},
    ),
    "slow answer": NamedFault(
        "the work is done, and the answer comes a second later",
        {"delay": 1},
    ),
    "no answer": NamedFault(
        "the work is done, and the answer would come in an hour",
        {"delay": 3600},
    ),
    "dripping body": NamedFault(
        "the body comes at 1000 bytes a second",
        {"drip": 1000},
    ),
    "reset before work": NamedFault(
        "nothing is done: the connection is reset without an answer",
        {"reset": "before"},
    ),
    "reset after work": NamedFault(
        "the work is done, and the connection is reset without an answer",
        {"reset": "after"},
    ),
    "cut answer": NamedFault(
        "the work is done, and the connection ends after one byte of the body",
        {"truncate": 1},
    ),
}
"""What can happen to requests."""

NAMED_DELIVERIES: Final[Mapping[str, NamedFault]] = {
    "lost": NamedFault("the log says that it was delivered, and nothing is sent", {"drop": True}),
    "doubled": NamedFault("it is sent twice, byte for byte", {"repeat": 1}),
    "late": NamedFault("it is sent a minute later", {"delay": 60}),
    "held back": NamedFault("it waits for `sandbox.deliveries.release()`", {"hold": True}),
    "forged": NamedFault("it is signed with another key", {"forge": "key"}),
    "changed": NamedFault("its body was changed after it was signed", {"forge": "body"}),
    "nonsense signature": NamedFault("its signature is none", {"forge": "signature"}),
    "unsigned": NamedFault("it has no signature", {"forge": "unsigned"}),
}
"""What can happen to deliveries to webhooks."""


def called(name: str, table: Mapping[str, NamedFault]) -> NamedFault:
    """Return the fault of a name.

    Raises:
        ValueError: There is none; it says which names are the nearest.
    """
    if name not in table:
        kind = "fault"
        raise unknown_name(kind, name, table)
    return table[name]
