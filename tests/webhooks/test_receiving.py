"""Webhooks from end to end: the local Sikoia delivers over real sockets, a `Router` receives."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Final

import anyio
import anyio.lowlevel
import attrs
import h11
import pytest
from anyio.abc import SocketAttribute, SocketStream

from sikoia_async import NewPerson, Operation, Received, ReplayGuard, Router, Sikoia, WebhookError
from sikoia_async.resources.cases import Person
from sikoia_async.resources.webhooks import WebhookRequest
from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.deliveries import sender
from sikoia_async.sandbox.faults.deliveries import Forgery
from sikoia_async.testing import client_of
from sikoia_async.webhooks.events import Event, WebhookEventName, from_request
from sikoia_async.webhooks.signing import SIGNATURE_HEADER

pytestmark = pytest.mark.anyio

VERIFIED: Final = "IdentityVerification.Completed"
EXPIRED: Final = "IdentityVerification.Expired"
DOCUMENT: Final = "DocumentProcessing.Completed"
PAYSLIP: Final = "PayslipProcessing.Completed"
PATIENCE = 60
"""Seconds until a test gives up on what has to come; it comes within a fraction of one."""


class Handled(list[Event]):
    """A handler that keeps what it gets, and may be told to fail."""

    fails = False

    async def __call__(self, event: Event) -> None:
        """Handle an event."""
        await anyio.lowlevel.checkpoint()
        if self.fails:
            raise LookupError
        self.append(event)

    @property
    def ids(self) -> list[str | None]:
        """What the events are about."""
        return [one.find("request_id") for one in self]


async def nothing() -> None:
    """Do nothing before a delivery is looked at."""
    await anyio.lowlevel.checkpoint()


@attrs.define
class Receiver:
    """What receives: the server of an application, as the documentation has it."""

    router: Router
    feed: Callable[[Event], object]
    url: str = ""
    hangs_up: bool = False
    """Whether connections are dropped in place of being answered."""
    before: Callable[[], Awaitable[None]] = nothing
    """What happens between the arrival of a delivery and its verification."""
    answers: list[int] = attrs.field(factory=list[int])
    received: list[Received] = attrs.field(factory=list[Received])
    _news: anyio.Event = attrs.field(factory=anyio.Event)

    @property
    def outcomes(self) -> list[str]:
        """What became of the deliveries that were taken."""
        return [one.outcome for one in self.received]

    async def answered(self, count: int) -> list[int]:
        """Wait until so many deliveries have been answered, and return all answers."""
        with anyio.fail_after(PATIENCE):
            while len(self.answers) < count:
                await self._news.wait()
        return self.answers

    async def serve(self, stream: SocketStream) -> None:
        """Answer one request of one connection."""
        async with stream:
            path, headers, body = await read(stream)
            if self.hangs_up:
                return
            await self.before()
            status = await self.status(path, headers, body)
            await stream.send(b"HTTP/1.1 %d .\r\nContent-Length: 0\r\n\r\n" % status)
            self.answers.append(status)
            self._news.set()
            self._news = anyio.Event()

    async def status(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Have a delivery handled, and say what to answer."""
        event_type = path.rpartition("/")[2] or None
        try:
            received = await self.router.receive(
                body, headers.get(SIGNATURE_HEADER.lower()), event_type=event_type, feed=self.feed
            )
        except WebhookError as error:
            return error.response_status
        self.received.append(received)
        return 200


async def read(stream: SocketStream) -> tuple[str, dict[str, str], bytes]:
    """Read a request: its path, its headers and its body."""
    connection, body, path, headers = h11.Connection(h11.SERVER), b"", "", dict[str, str]()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.receive())
        elif isinstance(event, h11.Request):
            path = event.target.decode()
            headers = {name.decode(): value.decode() for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return path, headers, body


@attrs.frozen
class Site:
    """A client, and its receiver, which a local Sikoia delivers to."""

    sandbox: Sandbox
    clock: SimpleNamespace
    sikoia: Sikoia
    receiver: Receiver
    person: Person

    async def subscribe(self, *event_types: WebhookEventName, path: str = "/hooks/") -> str:
        """Subscribe the receiver to events, and return the webhook's id."""
        webhook = await self.sikoia.webhooks.create(
            webhook_name="Receiver",
            webhook_callback_url=f"{self.receiver.url}{path}",
            event_types=event_types,
        )
        return webhook.webhook_id

    async def verify(self) -> Operation[Any]:
        """Have the person verified."""
        return await self.sikoia.identity.request(self.person.person_id)

    async def verified(self, count: int = 1) -> list[str]:
        """Have them verified several times, all done by now; return the ids of the requests."""
        operations = [await self.verify() for _ in range(count)]
        self.turn()
        return [operation.ids[0] for operation in operations]

    def turn(self) -> None:
        """Let all work end that was begun."""
        self.clock.now += 1

    async def log(
        self, webhook_id: str, status: str, attempts: int = 1, newest: int | None = None
    ) -> list[WebhookRequest]:
        """Wait until a webhook's log stands so, or what is newest of it, and return it."""
        with anyio.fail_after(PATIENCE):
            while True:
                log = [one async for one in self.sikoia.webhooks.requests(webhook_id)][:newest]
                states = [(one.webhook_event_status, len(attempts_of(one))) for one in log]
                if set(states) == {(status, attempts)}:
                    return log
                await anyio.sleep(0.01)

    async def again(self, webhook_id: str) -> None:
        """Wait until it is settled that the newest delivery is to be tried again; then it is."""
        await self.log(webhook_id, "Pending", newest=1)
        self.turn()

    async def held(self, count: int) -> None:
        """Wait until so many deliveries are held back."""
        with anyio.fail_after(PATIENCE):
            while True:
                if self.sandbox.deliveries.held_count == count:
                    return
                await anyio.sleep(0.01)


def attempts_of(request: WebhookRequest) -> list[int | None]:
    """Return what the receiver answered to each attempt; 0 where it did not."""
    return [one.http_response_code for one in request.request_attempts or ()]


@pytest.fixture
def clock() -> SimpleNamespace:
    """Give a clock whose `now` tests turn by hand: nothing ends or is tried again before."""
    return SimpleNamespace(now=0.0)


@pytest.fixture
def sandbox(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Run a sandbox on that clock; no attempt ends because this machine is slow."""
    monkeypatch.setattr(sender, "_TIMEOUT", 10 * PATIENCE)
    with Sandbox(clock=lambda: clock.now, work_time=1, delivery_retries=(1, 1)) as running:
        yield running


@asynccontextmanager
async def site(sandbox: Sandbox, clock: SimpleNamespace, router: Router) -> AsyncGenerator[Site]:
    """Open a client that relies on events, and serve its receiver in the same event loop."""
    client = client_of(sandbox, interval=None, quota=None, rely_on_events=True)
    async with client as sikoia, await anyio.create_tcp_listener(local_host="127.0.0.1") as server:
        port = server.extra(SocketAttribute.local_port)  # noqa: S610 - no Django
        receiver = Receiver(router, sikoia.events.feed)
        receiver.url = f"http://127.0.0.1:{port}"
        wilma = NewPerson(first_name="Wilma", last_name="Example")
        case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
        assert case.persons
        person = case.persons[0]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, receiver.serve)
            yield Site(sandbox, clock, sikoia, receiver, person)
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def routed(
    sandbox: Sandbox, clock: SimpleNamespace, *event_types: WebhookEventName, **options: Any
) -> AsyncGenerator[tuple[Site, Handled, list[str]]]:
    """Serve a router with one handler for these types, and give the secrets that hold."""
    handled, keys = Handled(), list[str]()
    router = Router(lambda: keys, **options)
    for event_type in event_types:
        router.on(event_type)(handled)
    async with site(sandbox, clock, router) as made:
        keys.append((await made.sikoia.webhooks.create_secret()).shared_key)
        yield made, handled, keys


async def test_a_delivery_is_handled_and_wakes_who_waits(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Nobody asks before it comes, and then once: the answer confirms what the event says."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        await here.subscribe(VERIFIED)
        operation = await here.verify()
        here.turn()

        with anyio.fail_after(PATIENCE):
            result = await operation

        assert await here.receiver.answered(1) == [200]
        assert result.status == "Complete"
        assert len(operation.correlation_ids) == 2  # the request, and one poll
        assert handled.ids == [result.request_id]
        assert [type(one).__name__ for one in handled] == ["IdentityVerificationCompleted"]
        assert here.receiver.received[0].secret == 0
        assert not here.receiver.received[0].unguarded


async def test_what_is_delivered_again_is_handled_once(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """It is answered as if it were, so that it does not come for ever."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        await here.subscribe(VERIFIED)
        sandbox.deliveries.faults.add(VERIFIED, repeat=2)

        ids = await here.verified()

        assert await here.receiver.answered(3) == [200] * 3
        assert here.receiver.outcomes == ["handled", "duplicate", "duplicate"]
        assert handled.ids == ids


async def test_the_order_of_deliveries_does_not_matter(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """The newest comes first; each wakes its own operation and is handled once."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        await here.subscribe(VERIFIED)
        sandbox.deliveries.faults.add(VERIFIED, hold=True, times=3)
        operations = [await here.verify() for _ in range(3)]
        here.turn()
        await here.held(3)
        assert handled == []

        sandbox.deliveries.release()
        with anyio.fail_after(PATIENCE):
            results = [await operation for operation in operations]

        assert await here.receiver.answered(3) == [200] * 3
        assert handled.ids == [one.request_id for one in results][::-1]
        assert [len(operation.correlation_ids) for operation in operations] == [2] * 3


async def test_parent_and_child_are_handled_once(sandbox: Sandbox, clock: SimpleNamespace) -> None:
    """One document, two subscriptions, one handler; and so with each further document."""
    async with routed(sandbox, clock, DOCUMENT, PAYSLIP) as (here, handled, _):
        webhook_id = await here.subscribe(DOCUMENT, PAYSLIP)
        for count in (1, 2):
            await here.sikoia.documents.upload(
                here.person, b"%PDF-1.7", document_type="Payslip", file_name="p.pdf"
            )
            here.turn()
            assert await here.receiver.answered(2 * count) == [200] * 2 * count

        log = await here.log(webhook_id, "Complete")

        assert sorted(here.receiver.outcomes) == ["folded", "folded", "handled", "handled"]
        assert {one.grouping_id for one in handled} == {one.grouping_id for one in log}
        assert len(handled) == 2


async def test_what_was_missed_is_found_and_handled(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """What was lost on its way, and what was given up; afterwards nothing is missing."""
    guard = ReplayGuard()
    async with routed(sandbox, clock, VERIFIED, replay=guard) as (here, handled, _):
        webhook_id = await here.subscribe(VERIFIED)
        sandbox.deliveries.faults.add(VERIFIED, nth=2, drop=True)
        came, lost, came_too = await here.verified(3)
        assert await here.receiver.answered(2) == [200] * 2
        newest = (await here.log(webhook_id, "Complete"))[0].request_id
        here.receiver.hangs_up = True
        (given_up,) = await here.verified()
        for status, attempts in (("Pending", 1), ("Pending", 2), ("Failed", 3)):
            await here.log(webhook_id, status, attempts, newest=1)
            here.turn()

        since = await here.sikoia.webhooks.reconcile(webhook_id, guard, after_request_id=newest)
        missed = await here.sikoia.webhooks.reconcile(webhook_id, guard)
        outcomes = [
            (await here.receiver.router.handle(from_request(one))).outcome for one in missed
        ]

        assert [one.event_data["request_id"] for one in missed] == [lost, given_up]
        assert [one.event_data["request_id"] for one in since] == [given_up]
        assert [one.webhook_event_status for one in missed] == ["Complete", "Failed"]
        assert outcomes == ["handled"] * 2
        assert handled.ids == [came, came_too, lost, given_up]
        assert await here.sikoia.webhooks.reconcile(webhook_id, guard) == []


@pytest.mark.parametrize("forgery", ["key", "body", "signature", "unsigned"])
async def test_what_is_forged_is_refused(
    sandbox: Sandbox, clock: SimpleNamespace, forgery: Forgery
) -> None:
    """Nobody hears of it, and the genuine one that comes after it is not lost."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        heard = list[Event]()
        here.receiver.feed = heard.append
        webhook_id = await here.subscribe(VERIFIED)
        sandbox.deliveries.faults.add(VERIFIED, forge=forgery)
        ids = await here.verified()
        assert await here.receiver.answered(1) == [401]
        assert (handled, heard) == ([], [])

        await here.again(webhook_id)

        assert await here.receiver.answered(2) == [401, 200]
        assert handled.ids == ids
        assert heard == handled


async def test_a_handler_that_fails_gets_the_event_again(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Who waits for the operation is woken all the same."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        webhook_id = await here.subscribe(VERIFIED)
        handled.fails = True
        operation = await here.verify()
        here.turn()
        with anyio.fail_after(PATIENCE):
            assert (await operation).status == "Complete"
        assert await here.receiver.answered(1) == [500]

        handled.fails = False
        await here.again(webhook_id)

        assert await here.receiver.answered(2) == [500, 200]
        assert handled.ids == [operation.ids[0]]


async def test_the_secret_is_rotated_while_deliveries_are_on_their_way(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Both keys count; who knows the old one alone refuses, and gets the event again."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, keys):
        webhook_id = await here.subscribe(VERIFIED)

        async def rotate() -> None:
            keys.insert(0, (await here.sikoia.webhooks.rotate_secret()).shared_key)
            here.receiver.before = nothing

        here.receiver.before = rotate
        ids = await here.verified()
        assert await here.receiver.answered(1) == [200]
        ids += await here.verified()
        assert await here.receiver.answered(2) == [200] * 2
        assert [one.secret for one in here.receiver.received] == [1, 0]

        del keys[0]
        ids += await here.verified()
        assert await here.receiver.answered(3) == [200, 200, 401]
        keys[:] = [(await here.sikoia.webhooks.secret()).shared_key]
        await here.again(webhook_id)

        assert await here.receiver.answered(4) == [200, 200, 401, 200]
        assert handled.ids == ids


async def test_a_bare_body_is_known_by_its_address(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """One address for each type; and what was handled is known in Sikoia's log, too."""
    guard = ReplayGuard()
    sandbox.deliveries.shape = "bare"
    async with routed(sandbox, clock, VERIFIED, DOCUMENT, replay=guard) as (here, handled, _):
        kinds: tuple[WebhookEventName, ...] = (VERIFIED, DOCUMENT, EXPIRED)
        webhooks = [await here.subscribe(kind, path=f"/hooks/{kind}") for kind in kinds]
        sandbox.deliveries.faults.add(VERIFIED, repeat=1)
        await here.sikoia.documents.upload(
            here.person, b"%PDF-1.7", document_type="Payslip", file_name="p.pdf"
        )
        operation = await here.verify()
        here.turn()
        with anyio.fail_after(PATIENCE):
            await operation

        assert await here.receiver.answered(3) == [200] * 3

        for webhook_id in webhooks[:2]:
            await here.log(webhook_id, "Complete", 2 if webhook_id == webhooks[0] else 1)
        assert sorted(here.receiver.outcomes) == ["duplicate", "handled", "handled"]
        assert sorted(str(one.type) for one in handled) == [DOCUMENT, VERIFIED]
        assert {one.grouping_id for one in handled} == {None}
        for webhook_id in webhooks:
            assert await here.sikoia.webhooks.reconcile(webhook_id, guard) == []


async def test_an_id_is_found_wherever_it_stands(sandbox: Sandbox, clock: SimpleNamespace) -> None:
    """Deep inside, in an address, in a body that names no event: who waits is woken."""
    sandbox.deliveries.shape = lambda payload: [
        {"n": 1.50, "links": [{"self": {"href": f"/v2/identity/{payload.get('request_id')}?a=b"}}]}
    ]
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        here.receiver.router.otherwise(handled)
        await here.subscribe(VERIFIED)
        operation = await here.verify()
        here.turn()

        with anyio.fail_after(PATIENCE):
            result = await operation

        assert await here.receiver.answered(1) == [200]
        assert result.status == "Complete"
        assert len(operation.correlation_ids) == 2
        assert [one.type for one in handled] == [None]
        assert result.request_id in handled[0].mentions()


async def test_a_receiver_that_was_down_gets_what_came_meanwhile(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Sikoia tries again, until it is taken."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        here.receiver.hangs_up = True
        webhook_id = await here.subscribe(VERIFIED)
        ids = await here.verified(2)
        await here.log(webhook_id, "Pending", 1)
        here.turn()
        await here.log(webhook_id, "Pending", 2)
        assert handled == []

        here.receiver.hangs_up = False
        here.turn()

        assert await here.receiver.answered(2) == [200] * 2
        log = await here.log(webhook_id, "Complete", 3)
        assert handled.ids == ids
        assert [attempts_of(one) for one in log] == [[0, 0, 200]] * 2


class Store:
    """A replay store that may be down."""

    is_down = False

    def __init__(self) -> None:
        self.keys = set[str]()

    async def seen(self, key: str) -> bool:
        """Return whether the key is there."""
        await self._reach()
        return key in self.keys

    async def add(self, key: str, *, ttl: float) -> None:
        """Keep the key."""
        assert ttl
        await self._reach()
        self.keys.add(key)

    async def _reach(self) -> None:
        await anyio.lowlevel.checkpoint()
        if self.is_down:
            raise ConnectionError


async def test_what_a_closed_guard_refuses_comes_again(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """While its store is down nothing is handled, and nothing is lost."""
    store = Store()
    guard = ReplayGuard(store, on_failure="closed")
    guard._clock = lambda: 10 * clock.now  # so that a turn is longer than a store is let be
    async with routed(sandbox, clock, VERIFIED, replay=guard) as (here, handled, _):
        webhook_id = await here.subscribe(VERIFIED)
        store.is_down = True
        ids = await here.verified()
        assert await here.receiver.answered(1) == [503]
        assert handled == []

        store.is_down = False
        await here.again(webhook_id)

        assert await here.receiver.answered(2) == [503, 200]
        assert handled.ids == ids
        assert handled[0].key in store.keys
