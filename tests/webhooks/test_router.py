"""The router: verifies deliveries and calls the handler of each event, once as a rule."""

import json
import pickle
import traceback
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, get_args

import anyio
import anyio.lowlevel
import pytest
from faults import assert_plain, chain
from hypothesis import given
from hypothesis import strategies as st
from replaying import MemoryReplay

from sikoia_async.errors import (
    ArgumentTypeError,
    ConfigurationError,
    SikoiaError,
    WebhookBusyError,
    WebhookError,
    WebhookEventTypeError,
    WebhookHandlerError,
    WebhookPayloadError,
    WebhookStoreError,
    WebhookVerificationError,
)
from sikoia_async.resources.webhooks import WebhookRequest, WebhookSecret
from sikoia_async.webhooks import (
    Event,
    IdentityVerificationCompleted,
    IdentityVerificationExpired,
    Received,
    ReplayGuard,
    Router,
    UnknownEvent,
    WebhookEventName,
    from_request,
    parse,
    sign,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

SECRET = "0123456789abcdef0123456789abcdef"
OLD = "fedcba9876543210fedcba9876543210"
CANARY = "canary-value"
VERIFIED: Final = "IdentityVerification.Completed"
EXPIRED: Final = "IdentityVerification.Expired"
DOCUMENT: Final = "DocumentProcessing.Completed"
BANKING: Final = "BankingProcessing.Completed"
STATEMENT: Final = "BankStatementProcessing.Completed"
PAYSLIP: Final = "PayslipProcessing.Completed"


def body(event_type: str | None = VERIFIED, **fields: Any) -> bytes:
    """Return the body of a delivery."""
    return json.dumps({"event_type": event_type, **fields}).encode()


def event(event_type: str, **fields: Any) -> Event:
    """Return an event."""
    return parse(body(event_type, **fields))


class Handler(list[Event]):
    """A handler that collects its events, after a hook that may wait or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, event: Event) -> None:
        """Handle an event."""
        if self.before is not None:
            await self.before()
        self.append(event)

    @property
    def types(self) -> list[str | None]:
        """The types of the events."""
        return [event.type for event in self]


def routed(*types: WebhookEventName, replay: Any = "memory") -> tuple[Router, Handler]:
    """Return a router with one handler for these types, and that handler."""
    router, handler = Router(SECRET, replay=replay), Handler()
    for name in types:
        router.on(name)(handler)
    return router, handler


async def deliver(router: Router, content: bytes, **options: Any) -> Received:
    """Deliver a body with its signature."""
    return await router.receive(content, sign(content, SECRET), **options)


async def fail() -> None:
    """Fail as a handler does."""
    raise LookupError(CANARY)


# --- handlers


async def test_a_delivery_reaches_its_handler() -> None:
    """The router returns the event, the outcome and the secret."""
    router, handler = routed(VERIFIED)
    content = body(request_id="r-1")

    received = await deliver(router, content)

    assert received.event is handler[0]
    assert received.event.body == content
    assert (received.outcome, received.deduplicated, received.secret) == ("handled", True, 0)


@pytest.mark.parametrize(
    "field",
    [
        rb'"note":"\ud800"',
        rb'"\udfff":1',
        rb'"grouping_id":"\udc00"',
        b'"n":1e99999999999999999999',
    ],
)
async def test_a_delivery_that_no_decoder_reads_is_handled_once(field: bytes) -> None:
    """Lone surrogates and impossible exponents are JSON."""
    router, handler = routed(PAYSLIP)
    content = b'{"type":"PayslipProcessing.Completed",' + field + b"}"

    outcomes = [(await deliver(router, content)).outcome for _ in range(2)]

    assert outcomes == ["handled", "duplicate"]
    assert [event.type for event in handler] == [PAYSLIP]
    assert len(handler[0].data) == 2


async def test_a_grouping_id_may_be_any_string() -> None:
    """That of the log is not searched for in the body."""
    router, handler = routed(PAYSLIP)
    request = WebhookRequest(
        request_id="r-1", event_type=PAYSLIP, grouping_id="\ud800", event_data={}
    )

    assert (await router.handle(from_request(request))).outcome == "handled"
    assert len(handler) == 1


async def test_handlers_are_sync_or_async_functions() -> None:
    """They are registered by name or by class. The decorator returns the function."""
    router = Router(SECRET)
    seen: list[str] = []

    @router.on(VERIFIED)
    def verified(event: IdentityVerificationCompleted) -> str:
        seen.append(f"sync {event.type}")
        return "ignored"

    @router.on(IdentityVerificationExpired)
    async def expired(event: IdentityVerificationExpired) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(f"async {event.type}")

    @router.otherwise
    def other(event: Event) -> None:
        seen.append(f"other {event.type}")

    outcomes = [
        (await deliver(router, body(name))).outcome for name in (VERIFIED, EXPIRED, PAYSLIP, None)
    ]

    assert outcomes == ["handled"] * 4
    assert seen == [
        "sync IdentityVerification.Completed",
        "async IdentityVerification.Expired",
        "other PayslipProcessing.Completed",
        "other None",
    ]
    assert all(callable(one) for one in (verified, expired, other))


@pytest.mark.parametrize(
    ("registered", "delivered", "handled_by"),
    [
        ([DOCUMENT], PAYSLIP, DOCUMENT),
        ([DOCUMENT, PAYSLIP], PAYSLIP, PAYSLIP),
        ([DOCUMENT, BANKING], STATEMENT, DOCUMENT),
        ([BANKING], STATEMENT, BANKING),
        ([DOCUMENT, BANKING, STATEMENT], STATEMENT, STATEMENT),
        ([STATEMENT, PAYSLIP], DOCUMENT, None),
        ([VERIFIED], EXPIRED, None),
    ],
)
async def test_a_handler_gets_events_of_child_types(
    registered: list[Any], delivered: str, handled_by: str | None
) -> None:
    """Unless the child type has a handler. A handler of a child type gets no parent event."""
    router = Router(SECRET)
    handlers = {name: Handler() for name in registered}
    for name, handler in handlers.items():
        router.on(name)(handler)

    received = await deliver(router, body(delivered))

    assert [name for name, one in handlers.items() if one] == ([handled_by] if handled_by else [])
    assert received.outcome == ("handled" if handled_by else "unhandled")


class Desk:
    """An object whose method is a handler."""

    def __init__(self) -> None:
        self.seen = list[str | None]()

    async def take(self, event: Event) -> None:
        """Handle an event."""
        self.seen.append(event.type)


async def test_a_method_is_one_handler_however_often_it_is_accessed() -> None:
    """Each access makes a new bound method. That of another instance is another handler."""
    router, desk, other = Router(SECRET), Desk(), Desk()
    for name in (DOCUMENT, PAYSLIP):
        router.on(name)(desk.take)
    router.on(STATEMENT)(other.take)

    for name in (PAYSLIP, STATEMENT, DOCUMENT):
        await router.handle(event(name, grouping_id="g-1"))

    assert (desk.seen, other.seen) == ([PAYSLIP], [STATEMENT])


async def test_an_unhandled_event_is_not_remembered() -> None:
    """The next version of the application may have a handler when it is delivered again."""
    router, _ = routed(EXPIRED)

    received = await deliver(router, body())
    assert (received.outcome, received.deduplicated) == ("unhandled", False)

    handler = Handler()
    router.on(VERIFIED)(handler)
    assert (await deliver(router, body())).outcome == "handled"
    assert handler.types == [VERIFIED]


async def test_the_url_may_give_the_event_type() -> None:
    """If the body does not."""
    router, handler = routed(VERIFIED)

    assert (await deliver(router, b"{}", event_type=VERIFIED)).outcome == "handled"
    assert (await deliver(router, b'{"id": 1}', event_type=EXPIRED)).outcome == "unhandled"
    assert handler.types == [VERIFIED]


async def test_an_event_of_the_log_is_handled() -> None:
    """It needs no signature. A delivery of the same event is a duplicate."""
    router, handler = routed(VERIFIED)
    fields: dict[str, Any] = {
        "request_id": "r-1",
        "event_type": VERIFIED,
        "event_data": json.loads(body(id=1)),
    }
    logged = from_request(WebhookRequest(**fields))

    first, second = await router.handle(logged), await deliver(router, body(id=1))

    assert (first.outcome, first.secret) == ("handled", None)
    assert (second.outcome, second.secret) == ("duplicate", 0)
    assert len(handler) == 1
    for wrong in (b"{}", None):
        with pytest.raises(ArgumentTypeError, match=r"^event: "):
            await router.handle(wrong)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


# --- registration


@pytest.mark.parametrize("kind", [VERIFIED, IdentityVerificationCompleted])
async def test_a_type_has_one_handler(kind: Any) -> None:
    """A second one is refused, and the first one stays."""
    router, handler = routed(VERIFIED)

    with pytest.raises(
        ConfigurationError, match=r"on\(IdentityVerificationCompleted\): has a handler already"
    ):
        router.on(kind)(Handler())

    router.otherwise(Handler())
    with pytest.raises(ConfigurationError, match=r"otherwise\(\): has a handler already"):
        router.otherwise(Handler())

    await deliver(router, body())
    assert handler.types == [VERIFIED]


@pytest.mark.parametrize(
    "kind",
    ["", "IdentityVerification", "identityVerification.completed", "A.B", None, 7, Event, str,
     UnknownEvent, IdentityVerificationCompleted(VERIFIED, b""), print],
    ids=lambda kind: repr(kind)[-30:],
)  # fmt: skip
def test_an_unknown_type_cannot_be_registered(kind: Any) -> None:
    """The handler of a misspelt name would never run."""
    with pytest.raises(
        ConfigurationError, match=r"on\(\): unknown event type; use an event class or name"
    ):
        Router(SECRET).on(kind)


@pytest.mark.parametrize("handler", [None, "name", 7, [print]], ids=repr)
def test_only_a_function_can_be_registered(handler: Any) -> None:
    """Anything else would fail with the first event."""
    router = Router(SECRET)

    with pytest.raises(
        ArgumentTypeError, match=r"on\(.*\): expected a function that takes the event"
    ):
        router.on(VERIFIED)(handler)
    with pytest.raises(ArgumentTypeError, match=r"otherwise\(\): expected a function"):
        router.otherwise(handler)


async def _yields(event: Event) -> Any:
    yield event


def _yields_at_once(event: Event) -> Any:
    yield event


@pytest.mark.parametrize("handler", [_yields, _yields_at_once, partial(_yields)])
def test_a_generator_cannot_be_registered(handler: Any) -> None:
    """Calling it would do nothing, and every event would count as handled."""
    router = Router(SECRET)

    with pytest.raises(ArgumentTypeError, match=r"on\(.*\): expected a function .* does not yield"):
        router.on(VERIFIED)(handler)
    with pytest.raises(ArgumentTypeError, match=r"otherwise\(\): expected a function"):
        router.otherwise(handler)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"secrets": ""}, "secrets: expected a webhook secret, but it is empty"),
        ({"secrets": []}, "secrets: expected at least one"),
        (
            {"secrets": [SECRET, "short"]},
            r"secrets\[1\]: expected a webhook secret, but it is shorter",
        ),
        ({"secrets": None}, "secrets: expected the shared_key"),
        ({"replay": True}, "replay: expected a ReplayGuard"),
        ({"replay": "redis"}, "replay: expected a ReplayGuard"),
        ({"max_body": 0}, "max_body: expected a whole number"),
    ],
    ids=str,
)
def test_a_router_validates_its_arguments(options: Any, words: str) -> None:
    """L4: at once, rather than with the first delivery."""
    with pytest.raises(ConfigurationError, match=words):
        Router(**({"secrets": SECRET} | options))


# --- secrets


async def test_a_refused_secret_is_in_no_variable() -> None:
    """L11: error reporters record the variables of the frames of an error."""
    refused = [f"{CANARY * 2}\n"]
    errors: list[ConfigurationError] = []
    with pytest.raises(ConfigurationError, match="malformed") as caught:
        Router(refused)
    errors.append(caught.value)
    with pytest.raises(ConfigurationError, match="malformed") as caught:
        await deliver(Router(lambda: refused), body())
    errors.append(caught.value)

    for error in errors:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert CANARY not in str([frame.locals for frame in trace.stack[1:]])


async def test_secrets_can_be_rotated_without_a_restart() -> None:
    """L5: a function returns them for each delivery. The index says which one matched."""
    current: list[str] = [OLD]

    async def later() -> list[str]:
        await anyio.lowlevel.checkpoint()
        return current

    for give in (lambda: current, later):
        current[:] = [OLD]
        router = Router(give)
        with pytest.raises(WebhookVerificationError):
            await router.receive(body(), sign(body(), SECRET))
        current[:] = [SECRET, OLD]
        matched = [
            (await router.receive(body(), sign(body(), secret))).secret for secret in current
        ]
        assert matched == [0, 1]


async def test_the_response_of_the_api_is_a_secret() -> None:
    """The result of `webhooks.secret` can be passed, or returned by a function."""
    secret = WebhookSecret(shared_key=SECRET)

    for secrets in (secret, [secret], lambda: secret):
        assert (await deliver(Router(secrets), body())).secret == 0


@pytest.mark.parametrize(
    ("give", "words"),
    [
        (lambda: "", "secrets: expected a webhook secret, but it is empty"),
        (lambda: None, "secrets: expected the shared_key"),
        (lambda: 1 / 0, "secrets: the function that returns them failed with ZeroDivisionError"),
        (fail, "secrets: the function that returns them failed with LookupError"),
    ],
)
async def test_a_function_that_returns_no_secret_is_an_error(give: Any, words: str) -> None:
    """No delivery is accepted. The message repeats nothing of the function's error."""
    router = Router(give)

    with pytest.raises(ConfigurationError, match=words) as caught:
        await deliver(router, body(name=CANARY))
    assert_plain(caught.value)
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert CANARY not in str(
        [frame.locals for frame in trace.stack if "sikoia_async/webhooks" in frame.filename]
    )


@pytest.mark.parametrize(
    ("content", "signature", "event_type", "error"),
    [
        (body(), None, None, WebhookVerificationError),
        (body(), "", None, WebhookVerificationError),
        (body(), "junk", None, WebhookVerificationError),
        (body(), b"\xff" * 44, None, WebhookVerificationError),
        (body(), "A" * 10_000_000, None, WebhookVerificationError),
        (body(), ["a list"], None, WebhookVerificationError),
        (bytes(2 << 20), sign(bytes(2 << 20), SECRET), None, WebhookVerificationError),
        (body(), sign(body(), SECRET), "invented", WebhookEventTypeError),
        ("{}", sign(b"{}", SECRET), None, ArgumentTypeError),
    ],
    ids=["none", "empty", "junk", "no ASCII", "long", "list", "large", "event type", "string"],
)
async def test_junk_does_not_ask_for_the_secrets(
    content: Any, signature: Any, event_type: Any, error: type[SikoiaError]
) -> None:
    """Anybody can send it, and the function may read a database."""
    calls = list[str]()

    def give() -> str:
        calls.append("call")
        return SECRET

    with pytest.raises(error):
        await Router(give).receive(content, signature, event_type=event_type)

    assert calls == []


async def test_an_sdk_error_of_that_function_passes_through() -> None:
    """A function that retrieves the secret from Sikoia may find that there is none."""
    error = WebhookVerificationError("words")

    def give() -> str:
        raise error

    with pytest.raises(WebhookVerificationError) as caught:
        await deliver(Router(give), body())
    assert caught.value is error


# --- refused deliveries

NO_UTF8 = b'{"event_type":"IdentityVerification.Completed","name":"\xff"}'
BAD: dict[str, tuple[bytes, Any, type[SikoiaError]]] = {
    "no signature": (body(), None, WebhookVerificationError),
    "junk": (body(), "junk", WebhookVerificationError),
    "no ASCII": (body(), "é" * 44, WebhookVerificationError),
    "no ASCII as bytes": (body(), b"\xff" * 44, WebhookVerificationError),
    "10 MB of signature": (body(), "A" * 10_000_000, WebhookVerificationError),
    "forged": (body(), sign(body(), OLD), WebhookVerificationError),
    "another body's": (body(), sign(b"{}", SECRET), WebhookVerificationError),
    "empty, unsigned": (b"", None, WebhookVerificationError),
    "empty, signed": (b"", sign(b"", SECRET), WebhookPayloadError),
    "10 MB": (bytes(10_000_000), "junk", WebhookVerificationError),
    "10 MB, signed": (bytes(10**7), sign(bytes(10**7), SECRET), WebhookVerificationError),
    "no UTF-8, unsigned": (NO_UTF8, None, WebhookVerificationError),
    "no UTF-8, signed": (NO_UTF8, sign(NO_UTF8, SECRET), WebhookPayloadError),
    "NaN": (b"[NaN]", sign(b"[NaN]", SECRET), WebhookPayloadError),
    "deep": (b"[" * 10**5, sign(b"[" * 10**5, SECRET), WebhookPayloadError),
    "deep, unsigned": (b"[" * 10**5, "junk", WebhookVerificationError),
    "a string": (body().decode(), sign(body(), SECRET), ArgumentTypeError),  # type: ignore[dict-item] # pyright: ignore[reportAssignmentType]
    "a dict": (json.loads(body()), sign(body(), SECRET), ArgumentTypeError),
}


@pytest.mark.parametrize(("content", "signature", "kind"), BAD.values(), ids=list(BAD))
async def test_bad_deliveries_are_refused_and_the_next_one_is_handled(
    content: bytes, signature: Any, kind: type[SikoiaError]
) -> None:
    """L10: a delivery is verified before it is parsed. The next one is not lost."""
    router, handler = routed(VERIFIED)

    with pytest.raises(SikoiaError) as caught:
        await router.receive(content, signature)

    assert type(caught.value) is kind
    assert list(chain(caught.value)) == [caught.value]
    assert (await deliver(router, body())).outcome == "handled"
    assert handler.types == [VERIFIED]


@pytest.mark.parametrize("signed", [True, False])
async def test_nothing_of_a_delivery_is_in_its_error(signed: bool) -> None:
    """L11: neither the body nor the secret, in its message, pickle and variables."""
    content = f'{{"name": "{CANARY}", }}'.encode()
    secret = CANARY * 2
    signature = sign(content, secret) if signed else CANARY
    expected: type[SikoiaError] = WebhookPayloadError if signed else WebhookVerificationError

    for secrets in (secret, lambda: secret):
        with pytest.raises(expected) as caught:
            await Router(secrets).receive(content, signature)

        error = caught.value
        frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack[1:]
        assert_plain(error)
        assert frames
        assert CANARY not in str([frame.locals for frame in frames]) + repr(pickle.dumps(error))


@given(st.binary(max_size=200), st.none() | st.text(max_size=50) | st.binary(max_size=50))
def test_junk_is_refused_or_parsed(content: bytes, signature: Any) -> None:
    """L12: unsigned junk is refused; signed junk is an event, or refused as invalid JSON."""
    router, handler = routed(VERIFIED)

    async def receive() -> None:
        with pytest.raises(WebhookVerificationError):
            await router.receive(content, signature)
        with suppress(WebhookPayloadError):
            await deliver(router, content)
        assert (await deliver(router, body())).outcome == "handled"

    anyio.run(receive)
    assert handler.types == [VERIFIED]


# --- failing handlers


@pytest.mark.parametrize("replay", ["memory", None])
async def test_a_handler_that_fails_gets_the_event_again(replay: Any) -> None:
    """The error holds the event and the cause, but its message repeats neither."""
    router, handler = routed(VERIFIED, replay=replay)
    handler.before = fail

    with pytest.raises(WebhookHandlerError, match="IdentityVerificationCompleted failed") as caught:
        await deliver(router, body(name=CANARY))

    error = caught.value
    assert error.event
    assert error.event.find("name") == CANARY
    assert isinstance(error.__cause__, LookupError)
    assert CANARY not in str(error)
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(twin), twin.event) == (str(error), None)
    assert CANARY not in repr(pickle.dumps(error))

    handler.before = None
    assert (await deliver(router, body(name=CANARY))).outcome == "handled"
    assert handler.types == [VERIFIED]


async def test_a_handler_that_is_cancelled_gets_the_event_again() -> None:
    """The server may be stopped while it runs."""
    router, handler = routed(VERIFIED)
    handler.before = anyio.sleep_forever

    with anyio.move_on_after(1) as scope:
        await deliver(router, body())
    handler.before = None

    assert scope.cancelled_caught
    assert (await deliver(router, body())).outcome == "handled"


@pytest.mark.parametrize("grouping_id", [None, "g-1"])
async def test_a_cancelled_delivery_is_remembered_once_it_was_handled(
    grouping_id: str | None,
) -> None:
    """The sender may hang up while the store is still working."""

    class Slow(MemoryReplay):
        async def confirm(self, key: str, *, ttl: float) -> None:
            await anyio.sleep(0.5)
            await super().confirm(key, ttl=ttl)

    store = Slow()
    (one, first), (other, second) = (routed(DOCUMENT, replay=ReplayGuard(store)) for _ in range(2))
    content, parent = body(PAYSLIP, grouping_id=grouping_id), body(DOCUMENT, grouping_id="g-1")

    with anyio.move_on_after(0.1):
        await deliver(one, content)

    assert (await deliver(one, content)).outcome == "duplicate"
    assert (await deliver(other, content)).outcome == "duplicate"
    assert (await deliver(other, parent)).outcome == ("merged" if grouping_id else "handled")
    assert (len(first), len(second)) == (1, 0 if grouping_id else 1)


async def test_a_sync_handler_may_fail_too() -> None:
    """For example, because it takes no event."""
    router = Router(SECRET)
    takes_nothing: Any = Handler().clear
    router.on(VERIFIED)(takes_nothing)

    with pytest.raises(WebhookHandlerError, match="failed with TypeError"):
        await deliver(router, body())


async def test_a_handler_that_handles_its_own_event_does_not_hang() -> None:
    """It would wait for itself."""
    router = Router(SECRET)
    router.on(VERIFIED)(router.handle)

    with pytest.raises(WebhookHandlerError, match="failed with RuntimeError"):
        await deliver(router, body())


# --- replays


async def test_the_same_delivery_is_handled_once() -> None:
    """L8: also if the JSON is spelt differently."""
    router, handler = routed(VERIFIED)
    again = [body(a=1, b=2), b" " + body(b=2, a=1.0)]

    assert (await deliver(router, again[0])).outcome == "handled"
    assert [(await deliver(router, one)).outcome for one in again] == ["duplicate"] * 2
    assert len(handler) == 1


async def test_a_forgotten_event_is_handled_again() -> None:
    """L8: after the guard's `ttl`."""
    now, outcomes = [0.0], list[str]()
    router, handler = routed(VERIFIED, replay=ReplayGuard(ttl=60, clock=lambda: now[0]))

    for now[0] in (0.0, 59.0, 60.0):
        outcomes.append((await deliver(router, body())).outcome)

    assert outcomes == ["handled", "duplicate", "handled"]
    assert len(handler) == 2


async def test_a_recorded_delivery_is_one_event_at_any_url() -> None:
    """L8: the URL is not signed, so other URLs make no second event of it."""
    router, own, other = Router(SECRET), Handler(), Handler()
    router.on(DOCUMENT)(own)
    router.on(PAYSLIP)(other)
    router.otherwise(other)

    outcomes = [
        (await deliver(router, b"{}", event_type=name)).outcome
        for name in (DOCUMENT, *get_args(WebhookEventName), None)
    ]

    assert outcomes == ["handled"] + ["duplicate"] * 11
    assert (own.types, other.types) == ([DOCUMENT], [])


async def test_invented_urls_neither_run_a_handler_nor_empty_the_guard() -> None:
    """L8: a delivery to a URL that stands for no event type is refused."""
    router, handler = routed(VERIFIED, replay=ReplayGuard(max_keys=3))
    router.otherwise(handler)
    await deliver(router, body())

    for number in range(10):
        with pytest.raises(WebhookEventTypeError):
            await deliver(router, b"{}", event_type=f"Invented.Name{number}")
    for name in get_args(WebhookEventName):
        await deliver(router, b"{}", event_type=name)

    assert (await deliver(router, body())).outcome == "duplicate"
    assert len(handler) == 2


async def test_a_handled_event_stays_handled_at_another_url() -> None:
    """L8: also in another process that shares the store."""
    store = MemoryReplay()
    (one, first), (other, second) = (
        routed(VERIFIED, EXPIRED, replay=ReplayGuard(store)) for _ in range(2)
    )

    assert (await deliver(one, b"{}", event_type=VERIFIED)).outcome == "handled"
    assert (await deliver(other, b"{}", event_type=EXPIRED)).outcome == "duplicate"
    assert (len(first), len(second), len(store.keys)) == (1, 0, 1)


async def test_without_a_guard_every_delivery_is_handled() -> None:
    """The result says that it was not deduplicated."""
    router, handler = routed(VERIFIED, replay=None)

    received = [await deliver(router, body()) for _ in range(2)]

    assert [(one.outcome, one.deduplicated) for one in received] == [("handled", False)] * 2
    assert len(handler) == 2


async def test_concurrent_deliveries_of_one_event_are_handled_once() -> None:
    """The others wait for the first, since its handler may fail."""
    router, handler = routed(VERIFIED)
    handler.before = lambda: anyio.sleep(10)
    outcomes: list[tuple[str, float]] = []

    async def receive() -> None:
        outcome = (await deliver(router, body())).outcome
        outcomes.append((outcome, anyio.current_time() - started))

    started = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(receive)

    assert [outcome for outcome, _ in outcomes] == ["handled", "duplicate", "duplicate"]
    assert [moment for _, moment in outcomes] == [pytest.approx(10)] * 3
    assert len(handler) == 1


async def test_a_delivery_that_waited_for_a_failed_one_handles_the_event() -> None:
    """The outcome of one delivery is never that of another."""
    router, handler = routed(VERIFIED)
    outcomes: list[str] = []

    async def fail_once() -> None:
        await anyio.sleep(1)
        handler.before = None
        await fail()

    async def receive() -> None:
        try:
            outcomes.append((await deliver(router, body())).outcome)
        except WebhookHandlerError:
            outcomes.append("failed")

    handler.before = fail_once
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(receive)

    assert outcomes == ["failed", "handled", "duplicate"]


async def test_different_events_do_not_wait_for_each_other() -> None:
    """A slow handler delays only its own event."""
    router, handler = routed(VERIFIED)
    handler.before = lambda: anyio.sleep(10)

    started = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(deliver, router, body(id=number))

    assert len(handler) == 5
    assert anyio.current_time() - started == pytest.approx(10)


# --- a failing store


class Down(MemoryReplay):
    """A store that is down after some calls."""

    def __init__(self, calls: int = 0) -> None:
        super().__init__()
        self.calls_left = calls

    async def work(self) -> None:
        """Fail, unless there are calls left."""
        self.calls_left -= 1
        if self.calls_left < 0:
            raise ConnectionError


async def test_while_the_store_is_down_events_are_handled_and_flagged() -> None:
    """L9: `open` is the default. The process still knows what it has handled itself."""
    router, handler = routed(VERIFIED, replay=ReplayGuard(Down()))

    first, again = await deliver(router, body()), await deliver(router, body())

    assert (first.outcome, first.deduplicated) == ("handled", False)
    assert (again.outcome, again.deduplicated) == ("duplicate", True)
    assert len(handler) == 1


async def test_while_the_store_is_down_a_closed_guard_refuses() -> None:
    """L9: nothing is handled, and nothing is lost, since it is delivered again."""
    router, handler = routed(VERIFIED, replay=ReplayGuard(Down(), on_failure="closed"))

    with pytest.raises(WebhookStoreError):
        await deliver(router, body())

    assert handler == []


async def test_a_store_that_recovers_during_the_handler_is_flagged() -> None:
    """L9: another process may have handled the event before."""
    store, now = Down(), [0.0]
    router, handler = routed(VERIFIED, replay=ReplayGuard(store, clock=lambda: now[0]))

    async def recover() -> None:
        store.calls_left = 10
        now[0] = 1e12

    handler.before = recover
    received = await deliver(router, body())

    assert (received.outcome, received.deduplicated) == ("handled", False)
    assert store.calls_left == 9


async def test_a_store_that_fails_after_the_handler_is_flagged() -> None:
    """L9: refusing the delivery now would cause the event to be handled twice."""
    router, handler = routed(VERIFIED, replay=ReplayGuard(Down(calls=1), on_failure="closed"))

    received = await deliver(router, body())

    assert (received.outcome, received.deduplicated) == ("handled", False)
    assert len(handler) == 1


# --- parents and children of one occurrence


@pytest.mark.parametrize(
    ("delivered", "handled"),
    [
        ([STATEMENT, DOCUMENT, BANKING], [STATEMENT]),
        ([DOCUMENT, STATEMENT], [DOCUMENT]),
        ([DOCUMENT, DOCUMENT], [DOCUMENT, DOCUMENT]),
        ([STATEMENT, DOCUMENT, STATEMENT, DOCUMENT], [STATEMENT, STATEMENT]),
        ([STATEMENT, STATEMENT, DOCUMENT, DOCUMENT], [STATEMENT, STATEMENT]),
        ([STATEMENT, DOCUMENT, DOCUMENT], [STATEMENT, DOCUMENT]),
        ([DOCUMENT, BANKING], [DOCUMENT, BANKING]),
        ([VERIFIED, EXPIRED], [VERIFIED, EXPIRED]),
    ],
)
async def test_parent_and_child_of_one_occurrence_are_merged(
    delivered: list[str], handled: list[str]
) -> None:
    """If they have the same handler. A third event is never merged into the first."""
    router, handler = routed(DOCUMENT, BANKING, VERIFIED, EXPIRED)

    outcomes = [
        (await router.handle(event(name, grouping_id="g-1", id=number))).outcome
        for number, name in enumerate(delivered)
    ]

    assert handler.types == handled
    assert outcomes.count("merged") == len(delivered) - len(handled)
    assert len(set(outcomes)) <= 2


async def test_events_of_other_groupings_and_handlers_are_not_merged() -> None:
    """Neither are events without a grouping."""
    router, handler = routed(DOCUMENT)
    own = Handler()
    router.on(PAYSLIP)(own)

    for fields in ({"grouping_id": "g-1"}, {"grouping_id": "g-2"}, {}):
        await router.handle(event(DOCUMENT, **fields))
        await router.handle(event(PAYSLIP, **fields))
    await router.handle(event(STATEMENT, grouping_id="g-3"))
    await router.handle(event(DOCUMENT, grouping_id="g-4"))

    assert handler.types == [DOCUMENT] * 3 + [STATEMENT, DOCUMENT]
    assert own.types == [PAYSLIP] * 3


async def test_events_with_different_handlers_are_not_merged() -> None:
    """Not even if two routers share a guard."""
    replay = ReplayGuard()
    (one, first), (other, second) = (routed(name, replay=replay) for name in (PAYSLIP, DOCUMENT))

    assert (await one.handle(event(PAYSLIP, grouping_id="g"))).outcome == "handled"
    assert (await other.handle(event(DOCUMENT, grouping_id="g"))).outcome == "handled"
    assert (len(first), len(second)) == (1, 1)


async def test_unknown_events_are_not_merged() -> None:
    """Their parents and children are not known."""
    router, handler = routed()
    router.otherwise(handler)

    for name in ("Company.Created", "Company.Dissolved", VERIFIED, EXPIRED):
        assert (await router.handle(event(name, grouping_id="g-1"))).outcome == "handled"

    assert len(handler) == 4


async def test_a_merged_event_is_remembered() -> None:
    """Its redelivery does not count as another event of its type."""
    router, handler = routed(DOCUMENT)
    child, parent = event(PAYSLIP, grouping_id="g"), event(DOCUMENT, grouping_id="g")

    outcomes = [(await router.handle(one)).outcome for one in (child, parent, parent, child)]

    assert outcomes == ["handled", "merged", "duplicate", "duplicate"]
    assert len(handler) == 1


async def test_concurrent_parent_and_child_are_merged_after_one_has_succeeded() -> None:
    """The parent waits for the child. If the child fails, the parent is handled itself."""
    router, handler = routed(DOCUMENT)
    outcomes: list[str] = []

    async def slow_failure() -> None:
        await anyio.sleep(1)
        handler.before = lambda: anyio.sleep(1)
        await fail()

    async def handle(name: str, number: int) -> None:
        try:
            outcomes.append((await router.handle(event(name, grouping_id="g", n=number))).outcome)
        except WebhookHandlerError:
            outcomes.append("failed")

    handler.before = slow_failure
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(handle, PAYSLIP, 1)
        await anyio.sleep(0.1)
        tasks.start_soon(handle, DOCUMENT, 2)
        await anyio.sleep(0.1)
        tasks.start_soon(handle, PAYSLIP, 1)

    assert outcomes == ["failed", "handled", "merged"]
    assert handler.types == [DOCUMENT]


async def test_processes_merge_events_through_their_store() -> None:
    """Parent and child often reach different processes."""
    store = MemoryReplay()
    (one, first), (other, second) = (
        routed(DOCUMENT, BANKING, replay=ReplayGuard(store)) for _ in range(2)
    )

    assert (await one.handle(event(STATEMENT, grouping_id="g"))).outcome == "handled"
    assert (await other.handle(event(DOCUMENT, grouping_id="g"))).outcome == "merged"
    assert (await one.handle(event(BANKING, grouping_id="g"))).outcome == "merged"
    assert (len(first), len(second)) == (1, 0)


# --- the feed


async def test_the_feed_gets_every_new_event() -> None:
    """Also if the handler fails, and then once; but no forged event."""
    router, fed = Router(SECRET), list[Event]()

    @router.on(VERIFIED)
    def fail(_: Event) -> None:
        raise ValueError

    for signature in (sign(body(), SECRET), sign(body(), SECRET), sign(body(), OLD)):
        with pytest.raises(WebhookError):
            await router.receive(body(), signature, feed=fed.append)
    await router.receive(body(PAYSLIP), sign(body(PAYSLIP), SECRET), feed=fed.append)

    assert [one.type for one in fed] == [VERIFIED, PAYSLIP]


@pytest.mark.parametrize("types", [(VERIFIED,), ()], ids=["handled", "unhandled"])
async def test_a_repeated_delivery_is_not_fed(types: Any) -> None:
    """Each time would cost polls, with and without a handler, and at any URL."""
    router, _ = routed(*types)
    fed = list[Event]()

    async with anyio.create_task_group() as tasks:
        for name in (VERIFIED, EXPIRED, None) * 10:
            tasks.start_soon(
                partial(deliver, router, b'{"id": 1}', event_type=name, feed=fed.append)
            )

    assert len(fed) == 1
    await deliver(router, b'{"id": 2}', feed=fed.append)
    assert len(fed) == 2


async def test_an_event_that_was_handled_elsewhere_is_not_fed() -> None:
    """Two routers may share a guard, and only one has a handler."""
    replay, fed = ReplayGuard(), list[Event]()
    (one, _), (other, _) = routed(VERIFIED, replay=replay), routed(EXPIRED, replay=replay)

    await deliver(one, body())
    await deliver(other, body(), feed=fed.append)

    assert fed == []


async def test_a_feed_that_failed_is_tried_again() -> None:
    """The client may have been closed; the delivery was not accepted."""
    router, _ = routed()
    fed = list[Event]()

    def fail(_: Event) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await deliver(router, body(), feed=fail)
    await deliver(router, body(), feed=fed.append)

    assert len(fed) == 1


@pytest.mark.parametrize("types", [(VERIFIED,), ()], ids=["handled", "unhandled"])
async def test_without_a_guard_every_event_is_fed(types: Any) -> None:
    """Each wakes an operation once all the same."""
    router, _ = routed(*types, replay=None)
    fed = list[Event]()

    for _ in range(3):
        await deliver(router, body(), feed=fed.append)

    assert len(fed) == 3


async def test_a_feed_may_be_async() -> None:
    """For example, to inform other processes. It ends before the handler starts."""
    router, calls = Router(SECRET), list[str]()

    @router.on(VERIFIED)
    def handle(_: Event) -> None:
        calls.append("handler")

    async def inform(_: Event) -> None:
        await anyio.sleep(1)
        calls.append("feed")

    await deliver(router, body(), feed=inform)

    assert calls == ["feed", "handler"]


def test_an_error_has_the_status_to_respond_with() -> None:
    """Sikoia delivers the event again where that may help."""
    statuses: dict[type[WebhookError], int] = {
        WebhookVerificationError: 401,
        WebhookEventTypeError: 404,
        WebhookPayloadError: 400,
        WebhookHandlerError: 500,
        WebhookStoreError: 503,
        WebhookBusyError: 503,
    }

    assert {kind: kind.response_status for kind in statuses} == statuses
