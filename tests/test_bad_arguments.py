"""Arguments of any type: every refusal is an error of ours, and comes before anything is sent.

The methods of resources have tests of their own in `resources/test_types.py`. These are the other
public functions and methods that take values.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx
import pytest

from sikoia_async import (
    Entity,
    Interval,
    Limits,
    Quota,
    ReplayGuard,
    Router,
    Sikoia,
    correlation_id,
)
from sikoia_async.environments import Environment, local
from sikoia_async.errors import (
    ArgumentError,
    ArgumentTypeError,
    ConfigurationError,
    InvalidOperationTokenError,
    SikoiaError,
    WebhookError,
)
from sikoia_async.webhooks import from_request, parse, read_delivery, sign, verify

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

SECRET: Final = "0123456789abcdef0123456789abcdef"
SIGNATURE: Final = sign(b"{}", SECRET)
URL: Final = "https://api.example"
CANARY = "canary"


class Odd:
    """An object of a class that nothing expects."""

    def __init__(self, *_: object) -> None:
        """Take anything, because the class itself may be called."""

    def __repr__(self) -> str:
        return CANARY


ODD: Final[dict[str, Any]] = {
    "object": Odd(),
    "class": Odd,
    "complex": 5j,
    "bytearray": bytearray(b"canary"),
    "range": range(3),
    "dict with an int": {1: 2},
    "dict with a surrogate": {f"{CANARY}\ud800": 1},
}
"""Values that no argument takes."""
ANY: Final[dict[str, Any]] = ODD | {
    "None": None, "True": True, "0": 0, "-1": -1, "huge": 10**400, "1.5": 1.5, "nan": float("nan"),
    "inf": float("inf"), "bytes": b"\xff", "empty": "", "blank": " ", "surrogate": "a\ud800b",
    "zero byte": "\0", "line break": "a\nb", "no ASCII": "é", "long": "x" * 100_000, "list": [],
    "list of None": [None], "list of surrogates": ["\ud800"], "tuple": (), "dict": {}, "set": {1},
    "dots": "..", "slash": "/", "half an IP": "http://[::1", "two hosts": "http://evil.com[::1]",
    "port": "https://a:99999/", "percent": "%", "dict of surrogates": {"a": "\ud800"},
}  # fmt: skip
"""Values that some arguments take."""

Make: TypeAlias = Callable[[Sikoia, dict[str, Any]], Any]
CALLS: Final[dict[str, tuple[Make, dict[str, Any], str]]] = {
    "request": (
        lambda sikoia, fields: sikoia.request(**fields),
        {"method": "POST", "path": "/v2/x"},
        "method path query body chargeable",
    ),
    "start": (
        lambda sikoia, fields: sikoia.start(**fields),
        {"method": "POST", "path": "/v2/x", "into": dict[str, Any]},
        "method path query body chargeable",
    ),
    "download": (lambda sikoia, fields: sikoia.download(**fields), {}, "link"),
    "save": (
        lambda sikoia, fields: sikoia.save(**fields),
        {"path": Path("/nonexistent/file")},
        "link",
    ),
    "operation": (lambda sikoia, fields: sikoia.operation(**fields), {}, "token"),
    "with_options": (
        lambda sikoia, fields: sikoia.with_options(**fields),
        {},
        "timeout retries correlation_id idempotency_key priority interval",
    ),
    "feed": (lambda sikoia, fields: sikoia.events.feed(**fields), {}, "event"),
    "correlation_id": (lambda _, fields: correlation_id(**fields).__enter__(), {}, "value"),
    "Entity": (lambda _, fields: Entity(**fields), {"type": "case", "id": "x"}, "type id"),
    "Quota": (lambda _, fields: Quota(**fields), {}, "limit per store"),
    "Limits": (
        lambda _, fields: Limits(**fields),
        {},
        "max_in_flight max_body max_error_body max_file max_json connect_timeout",
    ),
    "Interval": (lambda _, fields: Interval(**fields), {}, "first factor most"),
    "Environment": (
        lambda _, fields: Environment(**fields),
        {"name": "a", "api": URL, "token_url": URL, "scope": "b"},
        "name api token_url scope",
    ),
    "local": (lambda _, fields: local(**fields), {}, "api"),
    "ReplayGuard": (
        lambda _, fields: ReplayGuard(**fields), {}, "store ttl on_failure max_keys"
    ),
    "has_seen": (lambda _, fields: ReplayGuard().has_seen(**fields), {}, "event"),
    "remember": (lambda _, fields: ReplayGuard().remember(**fields), {}, "event"),
    "Router": (lambda _, fields: Router(**fields), {"secrets": SECRET}, "replay max_body"),
    "receive": (
        lambda _, fields: Router(SECRET).receive(**fields),
        {"body": b"{}", "signature": SIGNATURE},
        "body signature event_type feed",
    ),
    "handle": (lambda _, fields: Router(SECRET).handle(**fields), {}, "event"),
    "on": (lambda _, fields: Router(SECRET).on(**fields), {}, "event_type"),
    "otherwise": (lambda _, fields: Router(SECRET).otherwise(**fields), {}, "handler"),
    "verify": (
        lambda _, fields: verify(**fields),
        {"body": b"{}", "signature": SIGNATURE, "secrets": SECRET},
        "body signature secrets max_body",
    ),
    "sign": (
        lambda _, fields: sign(**fields), {"body": b"{}", "secret": SECRET}, "body secret"
    ),
    "parse": (lambda _, fields: parse(**fields), {"body": b"{}"}, "body event_type max_body"),
    "find": (lambda _, fields: parse(b'{"a": "b"}').find(**fields), {}, "name"),
    "from_request": (lambda _, fields: from_request(**fields), {}, "request"),
    "read_delivery": (
        lambda _, fields: read_delivery(**fields), {"request": None}, "request max_body"
    ),
}  # fmt: skip
"""Functions, valid arguments, and the arguments that are varied."""
SETTINGS: Final = {"Quota", "Limits", "Interval", "Environment", "local", "ReplayGuard", "Router"}
"""What configures an application, rather than one call."""
SECRETS: Final = {"secret", "secrets"}
ARGUMENTS = [
    pytest.param(make, given, name, id=f"{call}-{name}")
    for call, (make, given, names) in CALLS.items()
    for name in names.split()
]
TAKES_ANY: Final = {"range", "class"}
"""A class is callable, as a handler is; a range counts as empty or not."""


async def outcome(make: Make, arguments: dict[str, Any]) -> tuple[Exception | None, int]:
    """Call something, and return its error and how many requests were sent."""
    sent = list[httpx.Request]()

    async def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={})

    transport = httpx.MockTransport(respond)
    async with Sikoia(token="t", quota=None, retries=0, transport=transport) as sikoia:
        try:
            result = make(sikoia, arguments)
            if inspect.isawaitable(result):
                await result
        except Exception as error:  # noqa: BLE001 - the test is about which ones are raised
            return error, len(sent)
    return None, len(sent)


@pytest.mark.parametrize(("make", "given", "name"), ARGUMENTS)
async def test_every_refusal_is_an_error_of_ours(
    make: Make, given: dict[str, Any], name: str
) -> None:
    """Whatever the argument is. Nothing was sent, and no value is repeated."""
    for label, value in ANY.items():
        error, sent = await outcome(make, given | {name: value})

        assert error is None or isinstance(error, SikoiaError), (label, error)
        if isinstance(error, ConfigurationError | WebhookError):
            assert sent == 0, label
            assert CANARY not in str(error), label


@pytest.mark.parametrize("call", CALLS)
async def test_arguments_and_settings_have_errors_of_their_own(call: str) -> None:
    """Code can tell a bad argument of a call from a bad setting, except for its type."""
    make, given, names = CALLS[call]
    for name in set(names.split()) - SECRETS:
        for label, value in ANY.items():
            error, _ = await outcome(make, given | {name: value})

            if call == "operation":
                assert isinstance(error, InvalidOperationTokenError | ArgumentTypeError), label
            elif isinstance(error, ConfigurationError):
                expected = ConfigurationError if call in SETTINGS else ArgumentError
                assert type(error) in (expected, ArgumentTypeError), (name, label)


@pytest.mark.parametrize(("make", "given", "name"), ARGUMENTS)
async def test_values_that_nothing_takes_are_refused(
    make: Make, given: dict[str, Any], name: str
) -> None:
    """They are not taken for something else."""
    for label, value in ODD.items():
        if label not in TAKES_ANY:
            error, sent = await outcome(make, given | {name: value})

            assert isinstance(error, ConfigurationError | WebhookError), label
            assert sent == 0, label
