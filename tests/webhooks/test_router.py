"""The router: one handler for each event, at least once and as a rule once, whatever comes."""

import json
import pickle
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import anyio
import anyio.lowlevel
import pytest
from faults import assert_plain, chain
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async import ReplayGuard, Router
from sikoia_async.errors import (
    ArgumentTypeError,
    ConfigurationError,
    ReplayStoreError,
    SikoiaError,
    WebhookError,
    WebhookHandlerError,
    WebhookPayloadError,
    WebhookVerificationError,
)
from sikoia_async.resources.webhooks import WebhookRequest, WebhookSecret
from sikoia_async.webhooks import deduplication, events
from sikoia_async.webhooks.events import Event, WebhookEventName, from_request, parse
from sikoia_async.webhooks.signing import sign

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
    """Write a delivery's body."""
    return json.dumps({"event_type": event_type, **fields}).encode()


def event(event_type: str, **fields: Any) -> Event:
    """Make an event."""
    return parse(body(event_type, **fields))


class Seen(list[Event]):
    """A handler that keeps what it gets, and may be told to fail."""

    def __init__(self, fault: Callable[[], Awaitable[None]] | None = None) -> None:
        super().__init__()
        self.fault = fault

    async def __call__(self, event: Event) -> None:
        """Handle an event."""
        if self.fault is not None:
            await self.fault()
        self.append(event)

    @property
    def types(self) -> list[str | None]:
        """What came, by type."""
        return [one.type for one in self]


def routed(*types: WebhookEventName, replay: Any = "memory") -> tuple[Router, Seen]:
    """Make a router with one handler for these types."""
    router, seen = Router(SECRET, replay=replay), Seen()
    for name in types:
        router.on(name)(seen)
    return router, seen


async def delivered(router: Router, content: bytes, **options: Any) -> Any:
    """Deliver a body with its signature."""
    return await router.receive(content, sign(content, SECRET), **options)


async def fail() -> None:
    """Fail as handlers do."""
    raise LookupError(CANARY)


# --- what is handled


async def test_a_delivery_reaches_its_handler() -> None:
    """And what comes back says all about it."""
    router, seen = routed(VERIFIED)
    content = body(request_id="r-1")

    received = await delivered(router, content)

    assert received.event is seen[0]
    assert received.event.body == content
    assert (received.outcome, received.unguarded, received.secret) == ("handled", False, 0)


async def test_handlers_are_sync_or_async_functions_of_any_kind() -> None:
    """Registered by name or by class; the decorator gives back what it was given."""
    router = Router(SECRET)
    seen: list[str] = []

    @router.on(VERIFIED)
    def verified(event: events.IdentityVerificationCompleted) -> str:
        seen.append(f"sync {event.type}")
        return "what a handler returns is nothing to anybody"

    @router.on(events.IdentityVerificationExpired)
    async def expired(event: events.IdentityVerificationExpired) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(f"async {event.type}")

    @router.otherwise
    def other(event: Event) -> None:
        seen.append(f"other {event.type}")

    outcomes = [
        (await delivered(router, body(name))).outcome for name in (VERIFIED, EXPIRED, PAYSLIP, None)
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
    ("registered", "came", "by"),
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
async def test_parents_catch_their_children(
    registered: list[Any], came: str, by: str | None
) -> None:
    """Unless these have a handler of their own; no child catches its parent."""
    router = Router(SECRET)
    handlers = {name: Seen() for name in registered}
    for name, handler in handlers.items():
        router.on(name)(handler)

    received = await delivered(router, body(came))

    assert [name for name, handler in handlers.items() if handler] == ([by] if by else [])
    assert received.outcome == ("handled" if by else "unhandled")


class Desk:
    """Handles events by a method."""

    def __init__(self) -> None:
        self.seen = list[str | None]()

    async def take(self, event: Event) -> None:
        """Handle an event."""
        self.seen.append(event.type)


async def test_a_method_is_one_handler_however_often_it_is_named() -> None:
    """Python makes a new object each time; of another instance it is another handler."""
    router, desk, other = Router(SECRET), Desk(), Desk()
    for name in (DOCUMENT, PAYSLIP):
        router.on(name)(desk.take)
    router.on(STATEMENT)(other.take)

    for name in (PAYSLIP, STATEMENT, DOCUMENT):
        await router.handle(event(name, grouping_id="g-1"))

    assert (desk.seen, other.seen) == ([PAYSLIP], [STATEMENT])


async def test_what_nobody_handles_is_not_remembered() -> None:
    """With the next version of your code there may be a handler, and it comes again."""
    router, _ = routed(EXPIRED)

    assert (await delivered(router, body())).outcome == "unhandled"

    seen = Seen()
    router.on(VERIFIED)(seen)
    assert (await delivered(router, body())).outcome == "handled"
    assert seen.types == [VERIFIED]


async def test_the_address_tells_the_type() -> None:
    """Where the body does not."""
    router, seen = routed(VERIFIED)

    assert (await delivered(router, b"{}", event_type=VERIFIED)).outcome == "handled"
    assert (await delivered(router, b"{}", event_type=EXPIRED)).outcome == "unhandled"
    with pytest.raises(ConfigurationError, match=r"^event_type: "):
        await delivered(router, b"{}", event_type="junk")
    assert seen.types == [VERIFIED]


async def test_an_event_of_the_log_is_handled() -> None:
    """Without signature, and not when it had been delivered."""
    router, seen = routed(VERIFIED)
    fields: dict[str, Any] = {
        "request_id": "r-1",
        "event_type": VERIFIED,
        "event_data": json.loads(body(id=1)),
    }
    logged = from_request(WebhookRequest(**fields))

    first, second = await router.handle(logged), await delivered(router, body(id=1))

    assert (first.outcome, first.secret) == ("handled", None)
    assert (second.outcome, second.secret) == ("duplicate", 0)
    assert len(seen) == 1
    for wrong in (b"{}", None):
        with pytest.raises(ArgumentTypeError, match=r"^event: "):
            await router.handle(wrong)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


# --- registration


@pytest.mark.parametrize("kind", [VERIFIED, events.IdentityVerificationCompleted])
def test_a_type_has_one_handler(kind: Any) -> None:
    """A second one is refused, by whatever name, and the first one stays."""
    router, seen = routed(VERIFIED)

    with pytest.raises(ConfigurationError, match=r"on IdentityVerificationCompleted: there is a"):
        router.on(kind)(Seen())
    assert router._handler(events.IdentityVerificationCompleted) is seen

    router.otherwise(Seen())
    with pytest.raises(ConfigurationError, match="otherwise: there is a handler"):
        router.otherwise(Seen())


@pytest.mark.parametrize(
    "kind",
    ["", "IdentityVerification", "identityVerification.completed", "A.B", None, 7, Event, str,
     events.UnknownEvent, events.IdentityVerificationCompleted(VERIFIED, b""), print],
    ids=lambda kind: repr(kind)[-30:],
)  # fmt: skip
def test_an_unknown_type_cannot_be_registered(kind: Any) -> None:
    """A misspelt name would wait for ever."""
    with pytest.raises(ConfigurationError, match="on: give one of Sikoia's event types"):
        Router(SECRET).on(kind)


@pytest.mark.parametrize("handler", [None, "name", 7, [print]], ids=repr)
def test_what_is_no_function_cannot_be_registered(handler: Any) -> None:
    """It would fail with the first event."""
    router = Router(SECRET)

    with pytest.raises(ArgumentTypeError, match=r"on .*: give a function that takes the event"):
        router.on(VERIFIED)(handler)
    with pytest.raises(ArgumentTypeError, match="otherwise: give a function"):
        router.otherwise(handler)


async def _yields(event: Event) -> Any:
    yield event


def _yields_at_once(event: Event) -> Any:
    yield event


@pytest.mark.parametrize("handler", [_yields, _yields_at_once, partial(_yields)])
def test_a_generator_cannot_be_registered(handler: Any) -> None:
    """Called, it would do nothing, and each event would count as handled."""
    router = Router(SECRET)

    with pytest.raises(ArgumentTypeError, match=r"on .*: give a function .* no yield"):
        router.on(VERIFIED)(handler)
    with pytest.raises(ArgumentTypeError, match="otherwise: give a function"):
        router.otherwise(handler)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"secrets": ""}, "secrets: a webhook secret is empty"),
        ({"secrets": []}, "secrets: give at least one"),
        ({"secrets": [SECRET, "short"]}, r"secrets\[1\]: a webhook secret is shorter"),
        ({"secrets": None}, "secrets: give the shared_key"),
        ({"replay": True}, "replay: expected a ReplayGuard"),
        ({"replay": "redis"}, "replay: expected a ReplayGuard"),
        ({"max_body": 0}, "max_body: expected a whole number"),
    ],
    ids=str,
)
def test_what_makes_no_router_is_refused(options: Any, words: str) -> None:
    """L4: at once, and not with the first delivery."""
    with pytest.raises(ConfigurationError, match=words):
        Router(**({"secrets": SECRET} | options))


# --- secrets


async def test_a_refused_secret_is_in_no_variable() -> None:
    """L11: whoever makes the router with one has tools that report the error, too."""
    refused = [f"{CANARY * 2}\n"]
    errors: list[ConfigurationError] = []
    with pytest.raises(ConfigurationError, match="malformed") as caught:
        Router(refused)
    errors.append(caught.value)
    with pytest.raises(ConfigurationError, match="malformed") as caught:
        await delivered(Router(lambda: refused), body())
    errors.append(caught.value)

    for error in errors:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert CANARY not in str([frame.locals for frame in trace.stack[1:]])


async def test_secrets_can_be_rotated_without_a_restart() -> None:
    """L5: by a function that is asked with each delivery; the index tells which one fitted."""
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
        fitted = [(await router.receive(body(), sign(body(), secret))).secret for secret in current]
        assert fitted == [0, 1]


async def test_what_sikoia_gives_is_a_secret() -> None:
    """The answer of `webhooks.secret` as it is, or given by a function."""
    secret = WebhookSecret(shared_key=SECRET)

    for secrets in (secret, [secret], lambda: secret):
        assert (await delivered(Router(secrets), body())).secret == 0


@pytest.mark.parametrize(
    ("give", "words"),
    [
        (lambda: "", "secrets: a webhook secret is empty"),
        (lambda: None, "secrets: give the shared_key"),
        (lambda: 1 / 0, "the function that was passed as secrets failed with ZeroDivisionError"),
        (fail, "the function that was passed as secrets failed with LookupError"),
    ],
)
async def test_a_function_that_gives_no_secret_is_heard_of(give: Any, words: str) -> None:
    """Nothing is taken for Sikoia's meanwhile, and nothing of the error is repeated."""
    router = Router(give)

    with pytest.raises(ConfigurationError, match=words) as caught:
        await delivered(router, body())
    assert_plain(caught.value)


async def test_an_error_of_ours_passes_through() -> None:
    """A function that asks Sikoia for the secret may hear that there is none."""
    error = WebhookVerificationError("words")

    def give() -> str:
        raise error

    with pytest.raises(WebhookVerificationError) as caught:
        await delivered(Router(give), body())
    assert caught.value is error


# --- what is refused

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
    "a text": (body().decode(), sign(body(), SECRET), ArgumentTypeError),  # type: ignore[dict-item] # pyright: ignore[reportAssignmentType]
    "a dict": (json.loads(body()), sign(body(), SECRET), ArgumentTypeError),
}


@pytest.mark.parametrize(("content", "signature", "kind"), BAD.values(), ids=list(BAD))
async def test_bad_deliveries_are_refused_and_the_next_one_is_handled(
    content: bytes, signature: Any, kind: type[SikoiaError]
) -> None:
    """L10: verified first, then read; whatever came, what comes after it is not lost."""
    router, seen = routed(VERIFIED)

    with pytest.raises(SikoiaError) as caught:
        await router.receive(content, signature)

    assert type(caught.value) is kind
    assert list(chain(caught.value)) == [caught.value]
    assert (await delivered(router, body())).outcome == "handled"
    assert seen.types == [VERIFIED]


@pytest.mark.parametrize("signed", [True, False])
async def test_nothing_of_a_delivery_is_in_its_error(signed: bool) -> None:
    """L11: neither body nor secret, in no text, pickle or variable of ours."""
    content = f'{{"name": "{CANARY}", }}'.encode()
    secret = CANARY * 2
    signature = sign(content, secret) if signed else CANARY
    expected: type[SikoiaError] = WebhookPayloadError if signed else WebhookVerificationError

    for secrets in (secret, lambda: secret):
        with pytest.raises(expected) as caught:
            await Router(secrets).receive(content, signature)

        error = caught.value
        ours = traceback.TracebackException.from_exception(error, capture_locals=True).stack[1:]
        assert_plain(error)
        assert ours
        assert CANARY not in str([frame.locals for frame in ours]) + repr(pickle.dumps(error))


@given(st.binary(max_size=200), st.none() | st.text(max_size=50) | st.binary(max_size=50))
def test_junk_has_two_outcomes(content: bytes, signature: Any) -> None:
    """L12: it is refused where it is not signed; where it is, it is an event or no JSON."""
    router, seen = routed(VERIFIED)

    async def receive() -> None:
        with pytest.raises(WebhookVerificationError):
            await router.receive(content, signature)
        with suppress(WebhookPayloadError):
            await delivered(router, content)
        assert (await delivered(router, body())).outcome == "handled"

    anyio.run(receive)
    assert seen.types == [VERIFIED]


# --- handlers that fail


@pytest.mark.parametrize("replay", ["memory", None])
async def test_a_handler_that_fails_gets_the_event_again(replay: Any) -> None:
    """Whatever it raises; the error has the event and the cause, and shows nothing of either."""
    router, seen = routed(VERIFIED, replay=replay)
    seen.fault = fail

    with pytest.raises(WebhookHandlerError, match="IdentityVerificationCompleted failed") as caught:
        await delivered(router, body(name=CANARY))

    error = caught.value
    assert error.event
    assert error.event.find("name") == CANARY
    assert isinstance(error.__cause__, LookupError)
    assert CANARY not in str(error)
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(twin), twin.event) == (str(error), None)
    assert CANARY not in repr(pickle.dumps(error))

    seen.fault = None
    assert (await delivered(router, body(name=CANARY))).outcome == "handled"
    assert seen.types == [VERIFIED]


async def test_a_handler_that_is_cancelled_gets_the_event_again() -> None:
    """The server may go down while it runs."""
    router, seen = routed(VERIFIED)
    seen.fault = anyio.sleep_forever

    with anyio.move_on_after(1) as scope:
        await delivered(router, body())
    seen.fault = None

    assert scope.cancelled_caught
    assert (await delivered(router, body())).outcome == "handled"


@pytest.mark.parametrize("grouping_id", [None, "g-1"])
async def test_what_was_handled_is_remembered_though_the_delivery_is_cancelled(
    grouping_id: str | None,
) -> None:
    """The sender may hang up while the store works: that undoes nothing of what was done."""
    keys: set[str] = set()

    class Slow:
        async def seen(self, key: str) -> bool:
            return key in keys

        async def add(self, key: str, *, ttl: float) -> None:
            await anyio.sleep(0.5)
            assert ttl
            keys.add(key)

    (one, first), (other, second) = (routed(DOCUMENT, replay=ReplayGuard(Slow())) for _ in range(2))
    content, parent = body(PAYSLIP, grouping_id=grouping_id), body(DOCUMENT, grouping_id="g-1")

    with anyio.move_on_after(0.1):
        await delivered(one, content)

    assert (await delivered(one, content)).outcome == "duplicate"
    assert (await delivered(other, content)).outcome == "duplicate"
    assert (await delivered(other, parent)).outcome == ("folded" if grouping_id else "handled")
    assert (len(first), len(second)) == (1, 0 if grouping_id else 1)


async def test_a_sync_handler_that_fails_is_no_crash() -> None:
    """Nor is one that takes no event."""
    router = Router(SECRET)
    takes_nothing: Any = Seen().clear
    router.on(VERIFIED)(takes_nothing)

    with pytest.raises(WebhookHandlerError, match="failed with TypeError"):
        await delivered(router, body())


async def test_a_handler_that_calls_for_its_own_event_does_not_hang() -> None:
    """It would wait for itself."""
    router = Router(SECRET)
    router.on(VERIFIED)(router.handle)

    with pytest.raises(WebhookHandlerError, match="failed with RuntimeError"):
        await delivered(router, body())


# --- replays


async def test_the_same_delivery_is_handled_once() -> None:
    """L8: and in another spelling, too."""
    router, seen = routed(VERIFIED)
    again = [body(a=1, b=2), b" " + body(b=2, a=1.0)]

    assert (await delivered(router, again[0])).outcome == "handled"
    assert [(await delivered(router, one)).outcome for one in again] == ["duplicate"] * 2
    assert len(seen) == 1


async def test_after_its_time_it_is_handled_again() -> None:
    """L8: what was forgotten is new."""
    replay = ReplayGuard(ttl=60)
    moments = [0.0, 59.0, 60.0]
    router, seen = routed(VERIFIED, replay=replay)

    outcomes: list[str] = []
    for moment in moments:
        replay._clock = partial(float, moment)
        outcomes.append((await delivered(router, body())).outcome)

    assert outcomes == ["handled", "duplicate", "handled"]
    assert len(seen) == 2


async def test_parent_and_child_are_two_events() -> None:
    """L8: where nothing ties them, though the body be the same."""
    router, seen = routed(DOCUMENT, PAYSLIP)

    for name in (DOCUMENT, PAYSLIP, DOCUMENT):
        await delivered(router, b"{}", event_type=name)

    assert seen.types == [DOCUMENT, PAYSLIP]


async def test_without_a_guard_each_delivery_is_handled() -> None:
    """And says so."""
    router, seen = routed(VERIFIED, replay=None)

    received = [await delivered(router, body()) for _ in range(2)]

    assert [(one.outcome, one.unguarded) for one in received] == [("handled", True)] * 2
    assert len(seen) == 2


async def test_the_same_delivery_twice_at_once_is_handled_once() -> None:
    """The second waits for the end of the first: it must not be taken while that may fail."""
    router, seen = routed(VERIFIED)
    seen.fault = lambda: anyio.sleep(10)
    outcomes: list[tuple[str, float]] = []

    async def deliver() -> None:
        outcome = (await delivered(router, body())).outcome
        outcomes.append((outcome, anyio.current_time() - started))

    started = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(deliver)

    assert [outcome for outcome, _ in outcomes] == ["handled", "duplicate", "duplicate"]
    assert [moment for _, moment in outcomes] == [pytest.approx(10)] * 3
    assert len(seen) == 1
    assert router._once
    assert router._once._turns._turns == {}


async def test_who_waited_for_one_that_failed_does_it_itself() -> None:
    """No delivery is answered by what became of another one."""
    router, seen = routed(VERIFIED)
    outcomes: list[str] = []

    async def fail_once() -> None:
        await anyio.sleep(1)
        seen.fault = None
        await fail()

    async def deliver() -> None:
        try:
            outcomes.append((await delivered(router, body())).outcome)
        except WebhookHandlerError:
            outcomes.append("failed")

    seen.fault = fail_once
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(deliver)

    assert outcomes == ["failed", "handled", "duplicate"]


async def test_different_events_do_not_wait_for_each_other() -> None:
    """A handler that hangs holds up its own event only."""
    router, seen = routed(VERIFIED)
    seen.fault = lambda: anyio.sleep(10)

    started = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(delivered, router, body(id=number))

    assert len(seen) == 5
    assert anyio.current_time() - started == pytest.approx(10)


# --- a store that fails


class Down:
    """A store that is down, from a moment on."""

    def __init__(self, works: int = 0) -> None:
        self.left = works

    async def seen(self, key: str) -> bool:
        """Fail, unless it still works."""
        assert key
        return self._work()

    async def add(self, key: str, *, ttl: float) -> None:
        """Fail, unless it still works."""
        assert ttl
        assert key
        self._work()

    def _work(self) -> bool:
        self.left -= 1
        if self.left < 0:
            raise ConnectionError
        return False


async def test_while_the_store_is_down_events_are_handled_and_flagged() -> None:
    """L9: open is the default; what this process has handled it knows all the same."""
    router, seen = routed(VERIFIED, replay=ReplayGuard(Down()))

    first, again = await delivered(router, body()), await delivered(router, body())

    assert (first.outcome, first.unguarded) == ("handled", True)
    assert (again.outcome, again.unguarded) == ("duplicate", False)
    assert len(seen) == 1


async def test_while_the_store_is_down_a_closed_guard_refuses() -> None:
    """L9: nothing is handled, and nothing is lost: it comes again."""
    router, seen = routed(VERIFIED, replay=ReplayGuard(Down(), on_failure="closed"))

    with pytest.raises(ReplayStoreError):
        await delivered(router, body())

    assert seen == []


async def test_a_store_that_is_back_after_the_handler_is_flagged_all_the_same() -> None:
    """L9: another process may have handled the event before."""
    store = Down()
    replay = ReplayGuard(store)
    router, seen = routed(VERIFIED, replay=replay)

    async def comes_back() -> None:
        store.left = 10
        replay._clock = partial(float, 1e12)

    seen.fault = comes_back
    received = await delivered(router, body())

    assert (received.outcome, received.unguarded) == ("handled", True)
    assert store.left == 9


async def test_a_store_that_fails_after_the_handler_is_flagged() -> None:
    """L9: the event was handled, so that to refuse it would have it handled twice."""
    router, seen = routed(VERIFIED, replay=ReplayGuard(Down(works=1), on_failure="closed"))

    received = await delivered(router, body())

    assert (received.outcome, received.unguarded) == ("handled", True)
    assert len(seen) == 1


# --- parents and children of one occurrence


@pytest.mark.parametrize(
    ("came", "handled"),
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
async def test_parent_and_child_of_one_occurrence_are_folded(
    came: list[str], handled: list[str]
) -> None:
    """Where both lead to one handler; a third event is never taken for a twin of the first."""
    router, seen = routed(DOCUMENT, BANKING, VERIFIED, EXPIRED)

    outcomes = [
        (await router.handle(event(name, grouping_id="g-1", id=number))).outcome
        for number, name in enumerate(came)
    ]

    assert seen.types == handled
    assert outcomes.count("folded") == len(came) - len(handled)
    assert len(set(outcomes)) <= 2


async def test_other_groupings_and_handlers_are_not_folded() -> None:
    """Nor what has no grouping."""
    router, seen = routed(DOCUMENT)
    own = Seen()
    router.on(PAYSLIP)(own)

    for fields in ({"grouping_id": "g-1"}, {"grouping_id": "g-2"}, {}):
        await router.handle(event(DOCUMENT, **fields))
        await router.handle(event(PAYSLIP, **fields))
    await router.handle(event(STATEMENT, grouping_id="g-3"))
    await router.handle(event(DOCUMENT, grouping_id="g-4"))

    assert seen.types == [DOCUMENT] * 3 + [STATEMENT, DOCUMENT]
    assert own.types == [PAYSLIP] * 3


async def test_another_handlers_event_is_no_twin() -> None:
    """Two routers share a guard: what one of them did is nothing to a handler of the other."""
    replay = ReplayGuard()
    (one, first), (other, second) = (routed(name, replay=replay) for name in (PAYSLIP, DOCUMENT))

    assert (await one.handle(event(PAYSLIP, grouping_id="g"))).outcome == "handled"
    assert (await other.handle(event(DOCUMENT, grouping_id="g"))).outcome == "handled"
    assert (len(first), len(second)) == (1, 1)


async def test_unknown_events_are_not_folded() -> None:
    """Nobody knows what is whose parent."""
    router, seen = routed()
    router.otherwise(seen)

    for name in ("Company.Created", "Company.Dissolved", VERIFIED, EXPIRED):
        assert (await router.handle(event(name, grouping_id="g-1"))).outcome == "handled"

    assert len(seen) == 4


async def test_a_folded_event_is_known_again() -> None:
    """A redelivery of it is no further event of its type."""
    router, seen = routed(DOCUMENT)
    child, parent = event(PAYSLIP, grouping_id="g"), event(DOCUMENT, grouping_id="g")

    outcomes = [(await router.handle(one)).outcome for one in (child, parent, parent, child)]

    assert outcomes == ["handled", "folded", "duplicate", "duplicate"]
    assert len(seen) == 1


async def test_parent_and_child_at_once_are_folded_when_one_has_succeeded() -> None:
    """The parent waits for the child's end; where that is no good one, it is handled itself."""
    router, seen = routed(DOCUMENT)
    outcomes: list[str] = []

    async def slow_failure() -> None:
        await anyio.sleep(1)
        seen.fault = lambda: anyio.sleep(1)
        await fail()

    async def handle(name: str, number: int) -> None:
        try:
            outcomes.append((await router.handle(event(name, grouping_id="g", n=number))).outcome)
        except WebhookHandlerError:
            outcomes.append("failed")

    seen.fault = slow_failure
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(handle, PAYSLIP, 1)
        await anyio.sleep(0.1)
        tasks.start_soon(handle, DOCUMENT, 2)
        await anyio.sleep(0.1)
        tasks.start_soon(handle, PAYSLIP, 1)

    assert outcomes == ["failed", "handled", "folded"]
    assert seen.types == [DOCUMENT]


async def test_processes_fold_together() -> None:
    """By the store that they share: the twins reach another process as often as not."""
    keys: set[str] = set()

    class Shared:
        async def seen(self, key: str) -> bool:
            return key in keys

        async def add(self, key: str, *, ttl: float) -> None:
            assert ttl
            keys.add(key)

    (one, first), (other, second) = (
        routed(DOCUMENT, BANKING, replay=ReplayGuard(Shared())) for _ in range(2)
    )

    assert (await one.handle(event(STATEMENT, grouping_id="g"))).outcome == "handled"
    assert (await other.handle(event(DOCUMENT, grouping_id="g"))).outcome == "folded"
    assert (await one.handle(event(BANKING, grouping_id="g"))).outcome == "folded"
    assert (len(first), len(second)) == (1, 0)


async def test_groupings_are_counted_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it each event is handled: there is no end to the counting else."""
    monkeypatch.setattr(deduplication, "_MOST", 3)
    router, seen = routed(DOCUMENT)

    for name, count in ((PAYSLIP, 3), (DOCUMENT, 6)):
        for number in range(count):
            await router.handle(event(name, grouping_id="g", n=number))

    assert seen.types == [PAYSLIP] * 3 + [DOCUMENT] * 4


async def test_a_feed_hears_of_every_verified_event() -> None:
    """Of one whose handler fails and of one that comes again, but not of a forged one."""
    router, heard = Router(SECRET), list[Event]()

    @router.on(VERIFIED)
    def fail(_: Event) -> None:
        raise ValueError

    for signature in (sign(body(), SECRET), sign(body(), SECRET), sign(body(), OLD)):
        with pytest.raises(WebhookError):
            await router.receive(body(), signature, feed=heard.append)
    await router.receive(body(PAYSLIP), sign(body(PAYSLIP), SECRET), feed=heard.append)

    assert [one.type for one in heard] == [VERIFIED, VERIFIED, PAYSLIP]


async def test_a_feed_may_be_async() -> None:
    """It may tell other processes, say; and it has ended before the handler begins."""
    router, heard = Router(SECRET), list[str]()

    @router.on(VERIFIED)
    def handle(_: Event) -> None:
        heard.append("handler")

    async def tell(_: Event) -> None:
        await anyio.sleep(1)
        heard.append("feed")

    await delivered(router, body(), feed=tell)

    assert heard == ["feed", "handler"]


def test_an_error_says_what_to_answer() -> None:
    """A status that has the event delivered again where that may help."""
    answers: dict[type[WebhookError], int] = {
        WebhookVerificationError: 401,
        WebhookPayloadError: 400,
        WebhookHandlerError: 500,
        ReplayStoreError: 503,
    }

    assert {kind: kind.response_status for kind in answers} == answers
