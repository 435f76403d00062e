"""Webhooks end to end: the local Sikoia delivers over real sockets to a `Router`."""

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
from replaying import MemoryReplay

from sikoia_async import NewPerson, Operation, Sikoia, WebhookError
from sikoia_async.resources.cases import Person
from sikoia_async.resources.webhooks import WebhookRequest
from sikoia_async.sandbox import Sandbox, Time, Wire
from sikoia_async.sandbox.faults.deliveries import Forgery
from sikoia_async.testing import client_of
from sikoia_async.webhooks import (
    SIGNATURE_HEADER,
    Event,
    Received,
    ReplayGuard,
    Router,
    WebhookEventName,
    from_request,
)

pytestmark = pytest.mark.anyio

VERIFIED: Final = "IdentityVerification.Completed"
EXPIRED: Final = "IdentityVerification.Expired"
DOCUMENT: Final = "DocumentProcessing.Completed"
PAYSLIP: Final = "PayslipProcessing.Completed"
PATIENCE = 60
"""Seconds until a test gives up waiting. Normally it waits for a fraction of one."""


class Handled(list[Event]):
    """A handler that collects its events, and may be told to fail."""

    fails = False

    async def __call__(self, event: Event) -> None:
        """Handle an event."""
        await anyio.lowlevel.checkpoint()
        if self.fails:
            raise LookupError
        self.append(event)

    @property
    def ids(self) -> list[str | None]:
        """The ids in the events."""
        return [event.find("request_id") for event in self]


async def nothing() -> None:
    """Do nothing before a delivery is verified."""
    await anyio.lowlevel.checkpoint()


@attrs.define
class Receiver:
    """The server of an application, as in the documentation."""

    router: Router
    feed: Callable[[Event], object]
    url: str = ""
    hangs_up: bool = False
    """Whether connections are closed without a response."""
    before: Callable[[], Awaitable[None]] = nothing
    """Called between the arrival of a delivery and its verification."""
    statuses: list[int] = attrs.field(factory=list[int])
    received: list[Received] = attrs.field(factory=list[Received])
    _news: anyio.Event = attrs.field(factory=anyio.Event)

    @property
    def outcomes(self) -> list[str]:
        """The outcomes of the accepted deliveries."""
        return [one.outcome for one in self.received]

    async def responded(self, count: int) -> list[int]:
        """Wait for a number of responses, and return the statuses of all."""
        with anyio.fail_after(PATIENCE):
            while len(self.statuses) < count:
                await self._news.wait()
        return self.statuses

    async def serve(self, stream: SocketStream) -> None:
        """Respond to one request of one connection."""
        async with stream:
            path, headers, body = await read(stream)
            if self.hangs_up:
                return
            await self.before()
            status = await self.status(path, headers, body)
            await stream.send(b"HTTP/1.1 %d .\r\nContent-Length: 0\r\n\r\n" % status)
            self.statuses.append(status)
            self._news.set()
            self._news = anyio.Event()

    async def status(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Handle a delivery, and return the status to respond with."""
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
    """A client and its receiver, which the local Sikoia delivers to."""

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
        """Request a verification of the person."""
        return await self.sikoia.identity.request(self.person.person_id)

    async def verified(self, count: int = 1) -> list[str]:
        """Request several verifications, and complete them; return the ids of the requests."""
        operations = [await self.verify() for _ in range(count)]
        self.tick()
        return [operation.ids[0] for operation in operations]

    def tick(self) -> None:
        """Complete all pending work, and make all retries due."""
        self.clock.now += 1

    async def log(
        self, webhook_id: str, status: str, attempts: int = 1, newest: int | None = None
    ) -> list[WebhookRequest]:
        """Wait until all requests in a webhook's log, or the newest ones, have this state."""
        with anyio.fail_after(PATIENCE):
            while True:
                log = [one async for one in self.sikoia.webhooks.log(webhook_id)][:newest]
                states = [(one.webhook_event_status, len(attempts_of(one))) for one in log]
                if set(states) == {(status, attempts)}:
                    return log
                await anyio.sleep(0.01)

    async def retry(self, webhook_id: str) -> None:
        """Wait until a retry of the newest delivery is scheduled, and make it due."""
        await self.log(webhook_id, "Pending", newest=1)
        self.tick()

    async def held(self, count: int) -> None:
        """Wait until a number of deliveries are held back."""
        with anyio.fail_after(PATIENCE):
            while True:
                if self.sandbox.deliveries.held_count == count:
                    return
                await anyio.sleep(0.01)


def attempts_of(request: WebhookRequest) -> list[int | None]:
    """Return the status of each attempt; 0 if there was no response."""
    return [one.http_response_code for one in request.request_attempts or ()]


@pytest.fixture
def clock() -> SimpleNamespace:
    """Return a clock that tests advance: no work ends and no delivery is retried on its own."""
    return SimpleNamespace(now=0.0)


@pytest.fixture
def sandbox(clock: SimpleNamespace) -> Iterator[Sandbox]:
    """Run the local Sikoia on that clock. No attempt times out because the machine is slow."""
    with Sandbox(
        time=Time(clock=lambda: clock.now),
        work_time=1,
        wire=Wire(delivery_retries=(1, 1), delivery_timeout=10 * PATIENCE),
    ) as running:
        yield running


@asynccontextmanager
async def site(sandbox: Sandbox, clock: SimpleNamespace, router: Router) -> AsyncGenerator[Site]:
    """Open a client that relies on events, and run its receiver in the same event loop."""
    client = client_of(sandbox, interval=None, quota=None, rely_on_events="always")
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
    """Run a router with one handler for these types; yield also the list of its secrets."""
    handled, keys = Handled(), list[str]()
    router = Router(lambda: keys, **options)
    for event_type in event_types:
        router.on(event_type)(handled)
    async with site(sandbox, clock, router) as made:
        keys.append((await made.sikoia.webhooks.create_secret()).shared_key)
        yield made, handled, keys


async def test_a_delivery_is_handled_and_wakes_its_operation(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """The operation is polled once, after the event."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        await here.subscribe(VERIFIED)
        operation = await here.verify()
        here.tick()

        with anyio.fail_after(PATIENCE):
            result = await operation

        assert await here.receiver.responded(1) == [200]
        assert result.status == "Complete"
        assert len(operation.correlation_ids) == 2  # the request, and one poll
        assert handled.ids == [result.request_id]
        assert [type(one).__name__ for one in handled] == ["IdentityVerificationCompleted"]
        assert here.receiver.received[0].secret == 0
        assert here.receiver.received[0].deduplicated


async def test_a_redelivered_event_is_handled_once(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Every delivery gets a 200, so that Sikoia stops."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        await here.subscribe(VERIFIED)
        sandbox.deliveries.faults.add(VERIFIED, repeat=2)

        ids = await here.verified()

        assert await here.receiver.responded(3) == [200] * 3
        assert here.receiver.outcomes == ["handled", "duplicate", "duplicate"]
        assert handled.ids == ids


async def test_the_order_of_deliveries_does_not_matter(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """The newest event arrives first. Each wakes its own operation and is handled once."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        await here.subscribe(VERIFIED)
        sandbox.deliveries.faults.add(VERIFIED, hold=True, times=3)
        operations = [await here.verify() for _ in range(3)]
        here.tick()
        await here.held(3)
        assert handled == []

        sandbox.deliveries.release()
        with anyio.fail_after(PATIENCE):
            results = [await operation for operation in operations]

        assert await here.receiver.responded(3) == [200] * 3
        assert handled.ids == [one.request_id for one in results][::-1]
        assert [len(operation.correlation_ids) for operation in operations] == [2] * 3


async def test_parent_and_child_are_handled_once(sandbox: Sandbox, clock: SimpleNamespace) -> None:
    """One document, two subscriptions, one handler; and the same for another document."""
    async with routed(sandbox, clock, DOCUMENT, PAYSLIP) as (here, handled, _):
        webhook_id = await here.subscribe(DOCUMENT, PAYSLIP)
        for count in (1, 2):
            await here.sikoia.documents.upload(
                here.person, b"%PDF-1.7", document_type="Payslip", file_name="p.pdf"
            )
            here.tick()
            assert await here.receiver.responded(2 * count) == [200] * 2 * count

        log = await here.log(webhook_id, "Complete")

        assert sorted(here.receiver.outcomes) == ["handled", "handled", "merged", "merged"]
        assert {one.grouping_id for one in handled} == {one.grouping_id for one in log}
        assert len(handled) == 2


async def test_missed_events_are_found_and_handled(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """One was lost on its way, another was given up. Afterwards none is missing."""
    guard = ReplayGuard()
    async with routed(sandbox, clock, VERIFIED, replay=guard) as (here, handled, _):
        webhook_id = await here.subscribe(VERIFIED)
        sandbox.deliveries.faults.add(VERIFIED, nth=2, drop=True)
        first, lost, third = await here.verified(3)
        assert await here.receiver.responded(2) == [200] * 2
        newest = (await here.log(webhook_id, "Complete"))[0].request_id
        here.receiver.hangs_up = True
        (given_up,) = await here.verified()
        for status, attempts in (("Pending", 1), ("Pending", 2), ("Failed", 3)):
            await here.log(webhook_id, status, attempts, newest=1)
            here.tick()

        since = await here.sikoia.webhooks.reconcile(
            webhook_id, guard=guard, after_request_id=newest
        )
        missed = await here.sikoia.webhooks.reconcile(webhook_id, guard=guard)
        outcomes = [
            (await here.receiver.router.handle(from_request(one))).outcome for one in missed
        ]

        assert [one.event_data["request_id"] for one in missed] == [lost, given_up]
        assert [one.event_data["request_id"] for one in since] == [given_up]
        assert [one.webhook_event_status for one in missed] == ["Complete", "Failed"]
        assert outcomes == ["handled"] * 2
        assert handled.ids == [first, third, lost, given_up]
        assert await here.sikoia.webhooks.reconcile(webhook_id, guard=guard) == []


@pytest.mark.parametrize("forgery", ["key", "body", "signature", "unsigned"])
async def test_a_forged_delivery_is_refused(
    sandbox: Sandbox, clock: SimpleNamespace, forgery: Forgery
) -> None:
    """It reaches neither handler nor feed. The genuine one is not lost."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        fed = list[Event]()
        here.receiver.feed = fed.append
        webhook_id = await here.subscribe(VERIFIED)
        sandbox.deliveries.faults.add(VERIFIED, forge=forgery)
        ids = await here.verified()
        assert await here.receiver.responded(1) == [401]
        assert (handled, fed) == ([], [])

        await here.retry(webhook_id)

        assert await here.receiver.responded(2) == [401, 200]
        assert handled.ids == ids
        assert fed == handled


async def test_a_handler_that_fails_gets_the_event_again(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """The operation is woken by the failed delivery, too."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        webhook_id = await here.subscribe(VERIFIED)
        handled.fails = True
        operation = await here.verify()
        here.tick()
        with anyio.fail_after(PATIENCE):
            assert (await operation).status == "Complete"
        assert await here.receiver.responded(1) == [500]

        handled.fails = False
        await here.retry(webhook_id)

        assert await here.receiver.responded(2) == [500, 200]
        assert handled.ids == [operation.ids[0]]


async def test_the_secret_is_rotated_during_deliveries(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Both keys are accepted. A receiver with only the old one refuses, and gets a retry."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, keys):
        webhook_id = await here.subscribe(VERIFIED)

        async def rotate() -> None:
            keys.insert(0, (await here.sikoia.webhooks.rotate_secret()).shared_key)
            here.receiver.before = nothing

        here.receiver.before = rotate
        ids = await here.verified()
        assert await here.receiver.responded(1) == [200]
        ids += await here.verified()
        assert await here.receiver.responded(2) == [200] * 2
        assert [one.secret for one in here.receiver.received] == [1, 0]

        del keys[0]
        ids += await here.verified()
        assert await here.receiver.responded(3) == [200, 200, 401]
        keys[:] = [(await here.sikoia.webhooks.retrieve_secret()).shared_key]
        await here.retry(webhook_id)

        assert await here.receiver.responded(4) == [200, 200, 401, 200]
        assert handled.ids == ids


async def test_a_body_without_a_type_is_identified_by_its_url(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Each type has its own URL. Handled events are recognised in Sikoia's log, too."""
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
        here.tick()
        with anyio.fail_after(PATIENCE):
            await operation

        assert await here.receiver.responded(3) == [200] * 3

        for webhook_id in webhooks[:2]:
            await here.log(webhook_id, "Complete", 2 if webhook_id == webhooks[0] else 1)
        assert sorted(here.receiver.outcomes) == ["duplicate", "handled", "handled"]
        assert sorted(str(one.type) for one in handled) == [DOCUMENT, VERIFIED]
        assert {one.grouping_id for one in handled} == {None}
        for webhook_id in webhooks:
            assert await here.sikoia.webhooks.reconcile(webhook_id, guard=guard) == []


async def test_an_id_is_found_anywhere(sandbox: Sandbox, clock: SimpleNamespace) -> None:
    """Deep inside, in a URL, in a body without a type: its operation is woken."""
    sandbox.deliveries.shape = lambda payload: [
        {"n": 1.50, "links": [{"self": {"href": f"/v2/identity/{payload.get('request_id')}?a=b"}}]}
    ]
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        here.receiver.router.otherwise(handled)
        await here.subscribe(VERIFIED)
        operation = await here.verify()
        here.tick()

        with anyio.fail_after(PATIENCE):
            result = await operation

        assert await here.receiver.responded(1) == [200]
        assert result.status == "Complete"
        assert len(operation.correlation_ids) == 2
        assert [one.type for one in handled] == [None]
        assert result.request_id in handled[0].mentions()


async def test_a_receiver_that_was_down_gets_the_missed_events(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """Sikoia retries deliveries until they are accepted."""
    async with routed(sandbox, clock, VERIFIED) as (here, handled, _):
        here.receiver.hangs_up = True
        webhook_id = await here.subscribe(VERIFIED)
        ids = await here.verified(2)
        await here.log(webhook_id, "Pending", 1)
        here.tick()
        await here.log(webhook_id, "Pending", 2)
        assert handled == []

        here.receiver.hangs_up = False
        here.tick()

        assert await here.receiver.responded(2) == [200] * 2
        log = await here.log(webhook_id, "Complete", 3)
        assert handled.ids == ids
        assert [attempts_of(one) for one in log] == [[0, 0, 200]] * 2


class Store(MemoryReplay):
    """A replay store that may be down."""

    is_down = False

    async def work(self) -> None:
        """Fail while the store is down."""
        await anyio.lowlevel.checkpoint()
        if self.is_down:
            raise ConnectionError


async def test_an_event_that_a_closed_guard_refuses_is_redelivered(
    sandbox: Sandbox, clock: SimpleNamespace
) -> None:
    """While its store is down, nothing is handled, and nothing is lost."""
    store = Store()
    # Ten times as fast, so that a tick is longer than a failed store is bypassed.
    guard = ReplayGuard(store, on_failure="closed", clock=lambda: 10 * clock.now)
    async with routed(sandbox, clock, VERIFIED, replay=guard) as (here, handled, _):
        webhook_id = await here.subscribe(VERIFIED)
        store.is_down = True
        ids = await here.verified()
        assert await here.receiver.responded(1) == [503]
        assert handled == []

        store.is_down = False
        await here.retry(webhook_id)

        assert await here.receiver.responded(2) == [503, 200]
        assert handled.ids == ids
        assert handled[0].key in store.keys
