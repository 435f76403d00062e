"""Webhook deliveries in memory: their payloads, their timing and their log."""

import base64
import hmac
import json
import math
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import anyio
import attrs
import httpx
import pytest

from sikoia_async.sandbox import App, Credentials, Rate, Time, Wire, create_app
from sikoia_async.sandbox.deliveries.payloads import EventShape
from sikoia_async.sandbox.faults.deliveries import Forgery
from sikoia_async.sandbox.resources import webhook_log
from sikoia_async.sandbox.resources.webhook_bodies import EVENT_NAMES

PARENT, CHILD = "DocumentProcessing.Completed", "PayslipProcessing.Completed"
BANKING, STATEMENT = "BankingProcessing.Completed", "BankStatementProcessing.Completed"
VERIFIED, EXPIRED = "IdentityVerification.Completed", "IdentityVerification.Expired"
AFFORDABILITY, INCOME = "AffordabilityInsights.Completed", "IncomeEmployerInsights.Completed"
HEADERS = {"apikey": "legacy", "Accept": "application/json", "Content-Type": "application/json"}
NO_JSON: Callable[[Any], Any] = lambda _payload: object()  # noqa: E731 - one of several shapes
NO_NUMBER: Callable[[Any], Any] = lambda _payload: math.nan  # noqa: E731 - as above
CALLBACK = "https://localhost:9/hook"
SHAPES: tuple[EventShape, ...] = (
    "bare",
    lambda _payload: None,
    lambda payload: [payload["event_type"]],
    lambda _payload: "\u00e4",
)
pytestmark = pytest.mark.anyio


@attrs.define
class Local:
    """A local Sikoia in memory, on a clock that tests set, and its receiver."""

    app: App
    api: httpx.AsyncClient
    clock: SimpleNamespace
    respond: Callable[[httpx.Request], httpx.Response] = lambda _request: httpx.Response(200)
    received: list[httpx.Request] = attrs.field(factory=list[httpx.Request])
    person: dict[str, str] = attrs.field(factory=dict[str, str])

    def receive(self, request: httpx.Request) -> httpx.Response:
        """Record a delivery, and respond to it."""
        self.received.append(request)
        return self.respond(request)

    async def deliver(self, seconds: float = 0) -> list[Any]:
        """Advance the clock, deliver what is due, and return the bodies received."""
        self.clock.now += seconds
        before = len(self.received)
        with anyio.fail_after(60):
            await self.app.deliveries.deliver_due(httpx.MockTransport(self.receive))
        return [json.loads(request.content) for request in self.received[before:]]

    async def post(self, path: str, body: Any = None) -> Any:
        """Create something, and return the body of the response."""
        response = await self.api.post(path, json=body)
        assert response.status_code == 201, response.text
        return response.json()

    async def subscribe(self, *events: str, url: str = CALLBACK) -> str:
        """Create a webhook, and return its id."""
        body = {"webhook_name": "Test", "webhook_callback_url": url, "event_types": events}
        return str((await self.post("/v2/webhooks", body))["webhook_id"])

    async def upload(self, document_type: str = "Payslip") -> str:
        """Upload a document of the person, and return its id."""
        body = {
            "file": "JVBERg==",
            "document_type": document_type,
            "display_name": "A document",
            "file_name": "document.pdf",
        }
        return str((await self.post("/v2/documents", body | self.person))["document_id"])

    async def log(self, webhook_id: str) -> list[dict[str, Any]]:
        """Return the log of a webhook, newest first."""
        page = (await self.api.get(f"/v2/webhooks/{webhook_id}/requests")).json()
        requests: list[dict[str, Any]] = page["webhook_requests"]
        return requests

    async def attempts(self, webhook_id: str) -> list[tuple[str, list[int]]]:
        """Return the status of each request in the log, and those of its attempts."""
        return [
            (
                request["webhook_event_status"],
                [attempt["http_response_code"] for attempt in request["request_attempts"]],
            )
            for request in await self.log(webhook_id)
        ]


@pytest.fixture
async def local(clock: SimpleNamespace) -> AsyncIterator[Local]:
    """Return a local Sikoia with a person in a case; operations take ten seconds."""
    app = create_app(
        credentials=Credentials(api_key="legacy"),
        time=Time(clock=lambda: clock.now),
        work_time=10,
        rate=Rate(requests_per_window=9999),
        wire=Wire(delivery_retries=(2, 4)),
    )
    transport = httpx.ASGITransport(app)
    url = "https://local.example"
    async with httpx.AsyncClient(transport=transport, base_url=url, headers=HEADERS) as api:
        local = Local(app, api, clock)
        case = await local.post("/v2/cases", {"name": "Loan", "case_type": "Business"})
        local.person = {"entity_type": "person", "entity_id": await person(local, case["case_id"])}
        yield local


async def person(local: Local, case_id: str, name: str = "Sample Example") -> str:
    """Add a person to a case, and return the id."""
    first_name, last_name = name.split()
    body = {"persons": [{"first_name": first_name, "last_name": last_name}]}
    created = await local.post(f"/v2/cases/{case_id}/entities", body)
    return str(created["persons"][-1]["person_id"])


async def test_a_finished_operation_is_delivered(local: Local) -> None:
    """Once, when its work time is over, without any request to the API."""
    webhook = await local.subscribe(CHILD)
    document = await local.upload()

    early, delivered, later = (
        await local.deliver(9.9),
        await local.deliver(0.2),
        await local.deliver(99),
    )

    assert (early, later) == ([], [])
    (delivery,) = delivered
    assert (delivery["event_type"], delivery["document_id"]) == (CHILD, document)
    (request,) = local.received
    assert (request.method, str(request.url)) == ("POST", CALLBACK)
    assert request.headers["Content-Type"] == "application/json"
    assert "X-HMAC-SHA256-Signature" not in request.headers
    (logged,) = await local.log(webhook)
    assert logged["event_data"] == delivery
    assert (logged["event_type"], logged["grouping_id"]) == (CHILD, delivery["grouping_id"])
    assert logged["webhook_callback_url"] == CALLBACK
    assert logged["datetime_created"] >= logged["request_attempts"][0]["datetime_created"]
    assert await local.attempts(webhook) == [("Complete", [200])]


async def test_events_before_the_subscription_are_not_delivered(local: Local) -> None:
    """Neither before the webhook nor before its change of events."""
    await local.upload()
    local.clock.now += 10
    webhook = await local.subscribe(CHILD)
    await local.upload()
    local.clock.now += 10
    body = {"event_types": [PARENT]}
    assert (await local.api.patch(f"/v2/webhooks/{webhook}", json=body)).status_code == 200
    await local.upload()

    delivered = await local.deliver(10)

    assert [one["event_type"] for one in delivered] == [CHILD, PARENT]


async def test_parent_and_child_are_separate_deliveries(local: Local) -> None:
    """Each subscribed event is one request; they share a grouping id."""
    both, other = await local.subscribe(CHILD, PARENT), await local.subscribe(STATEMENT, PARENT)
    await local.upload()

    delivered = await local.deliver(10)

    assert [one["event_type"] for one in delivered] == [PARENT, CHILD, PARENT]
    assert len({one["grouping_id"] for one in delivered}) == 1
    assert [one["event_type"] for one in await local.log(both)] == [CHILD, PARENT]
    assert [one["event_type"] for one in await local.log(other)] == [PARENT]
    await local.upload()
    assert (await local.deliver(10))[0]["grouping_id"] != delivered[0]["grouping_id"]


async def test_a_failed_delivery_is_retried(local: Local) -> None:
    """After growing pauses by the clock; the log has each attempt."""
    webhook = await local.subscribe(CHILD)
    await local.upload()
    local.respond = lambda _request: httpx.Response(500 if len(local.received) < 3 else 299)
    counts: list[int] = []
    states: list[Any] = []
    for seconds in (10, 1.9, 0.2, 3.9, 0.2, 999):
        counts.append(len(await local.deliver(seconds)))
        states += await local.attempts(webhook)

    assert counts == [1, 0, 1, 0, 1, 0]
    assert states == [
        ("Pending", [500]),
        ("Pending", [500]),
        ("Pending", [500, 500]),
        ("Pending", [500, 500]),
        ("Complete", [500, 500, 299]),
        ("Complete", [500, 500, 299]),
    ]
    assert len({request.content for request in local.received}) == 1


@pytest.mark.parametrize("status", [199, 301, 400, 503])
async def test_a_delivery_fails_after_the_last_retry(local: Local, status: int) -> None:
    """Its time of delivery stays null."""
    webhook = await local.subscribe(CHILD)
    await local.upload()
    headers = {"Location": "https://localhost/elsewhere"}
    local.respond = lambda _request: httpx.Response(status, headers=headers)

    for seconds in (10, 2, 4, 99):
        await local.deliver(seconds)

    assert await local.attempts(webhook) == [("Failed", [status] * 3)]
    assert (await local.log(webhook))[0]["datetime_created"] is None


async def test_an_attempt_without_a_response_has_the_status_0(local: Local) -> None:
    """The specification requires a number."""

    def fail(_request: httpx.Request) -> httpx.Response:
        msg = "nobody listens"
        raise httpx.ConnectError(msg)

    webhook = await local.subscribe(CHILD)
    await local.upload()
    local.respond = fail

    await local.deliver(10)

    assert await local.attempts(webhook) == [("Pending", [0])]


@pytest.mark.virtual_time
async def test_an_attempt_times_out_after_five_seconds(local: Local) -> None:
    """Other receivers are served meanwhile."""
    started = anyio.current_time()
    at: dict[str, float] = {}

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            at[request.url.host] = anyio.current_time() - started
            if request.url.host == "localhost":
                await anyio.sleep_forever()
            return httpx.Response(200)

    slow, quick = (
        await local.subscribe(CHILD),
        await local.subscribe(CHILD, url="http://[::1]/hook"),
    )
    await local.upload()
    local.clock.now += 10

    await local.app.deliveries.deliver_due(Slow())

    assert anyio.current_time() - started == pytest.approx(5)
    assert at == {"localhost": 0, "::1": 0}
    assert await local.attempts(slow) == [("Pending", [0])]
    assert await local.attempts(quick) == [("Complete", [200])]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/hook", "http://[::1]:9", "http://localhost", "http://LOCALHOST/"]
)
async def test_loopback_callbacks_may_use_http(local: Local, url: str) -> None:
    """Under any name of loopback."""
    await local.subscribe(CHILD, url=url)
    await local.upload()

    assert len(await local.deliver(10)) == 1


async def test_a_deleted_webhook_gets_no_more_deliveries(local: Local) -> None:
    """Retries and new events are dropped."""
    webhook = await local.subscribe(CHILD)
    await local.upload()
    local.respond = lambda _request: httpx.Response(500)
    await local.deliver(10)
    await local.upload()

    assert (await local.api.delete(f"/v2/webhooks/{webhook}")).status_code == 204

    assert await local.deliver(10) == []
    assert len(local.received) == 1


@pytest.mark.parametrize("gone", ["document", "case"])
async def test_operations_on_deleted_records_are_not_delivered(local: Local, gone: str) -> None:
    """They never end."""
    await local.subscribe(PARENT)
    document = await local.upload()
    case_id = next(iter(local.app.state.cases))
    path = f"/v2/documents/{document}" if gone == "document" else f"/v2/cases/{case_id}"

    await local.api.delete(path)

    assert await local.deliver(10) == []


async def test_deliveries_are_signed_with_the_current_key(local: Local) -> None:
    """Even if the key was rotated after the first attempt."""
    await local.subscribe(CHILD)
    keys = [(await local.post("/v2/webhooks/secrets"))["shared_key"]]
    await local.upload()
    local.respond = lambda _request: httpx.Response(500)
    await local.deliver(10)
    rotated = await local.api.patch("/v2/webhooks/secrets/rotate")
    keys.append(rotated.json()["shared_key"])
    await local.deliver(2)
    await local.api.delete("/v2/webhooks/secrets")
    await local.deliver(4)

    signatures = [request.headers.get("X-HMAC-SHA256-Signature") for request in local.received]

    assert signatures == [
        *(
            signature(request.content, key)
            for request, key in zip(local.received, keys, strict=False)
        ),
        None,
    ]
    assert signatures[0] != signatures[1]


async def test_ids_do_not_depend_on_deliveries() -> None:
    """The API returns the same ids whatever was delivered before."""
    following: list[str] = []
    for codes in ((), (500, 200)):
        app = create_app()
        app.state.store("webhooks").add("w", {"webhook_callback_url": CALLBACK})
        for _ in codes:
            webhook_log.record(app.state, "w", event_type=PARENT, event_data=None, codes=codes)
        following.append(app.state.new_id())

    assert following[0] == following[1]


async def test_operations_are_settled_without_webhooks(local: Local) -> None:
    """Their outcome does not depend on what comes after their end."""
    await local.post("/v2/income-employer", local.person)
    assert await local.deliver(10) == []
    await local.upload("Payslip")
    local.clock.now += 10

    url = f"/v2/Persons/{local.person['entity_id']}/income-employer"
    (insight,) = (await local.api.get(url)).json()["income_employer_requests"]

    assert insight["status"] == "Failed"


async def test_each_statement_has_its_own_account(local: Local) -> None:
    """Two statements of a person are distinct."""
    await local.subscribe(STATEMENT)
    for _ in range(2):
        await local.upload("BankStatement")
    await local.post("/v2/openbanking", local.person)

    first, second = await local.deliver(10)

    ids = [*first["account_connection_ids"], *second["account_connection_ids"]]
    assert len(set(ids)) == len(ids) == 2


@pytest.mark.parametrize(
    ("document_type", "events"),
    [
        ("Payslip", [PARENT, CHILD]),
        ("TaxOverview", [PARENT, "TaxOverviewProcessing.Completed"]),
        ("BankStatement", [PARENT, BANKING, STATEMENT]),
        ("SA302", [PARENT]),
        ("Other", [PARENT]),
    ],
)
async def test_the_events_of_a_document_depend_on_its_type(
    local: Local, document_type: str, events: list[str]
) -> None:
    """All are documents; three types have more specific events, and statements are banking too."""
    await local.subscribe(*EVENT_NAMES)
    document = await local.upload(document_type)

    delivered = await local.deliver(10)

    assert [one["event_type"] for one in delivered] == events
    accounts = (await local.api.get(f"/v2/Persons/{local.person['entity_id']}/bankaccounts")).json()
    read = {
        name: one
        for account in accounts
        for name, one in {
            "bank_connection_id": account["bank_connection_id"],
            "account_connection_ids": [account["account_connection_id"]],
        }.items()
    }
    assert bool(read) == (document_type == "BankStatement")
    for one in delivered:
        assert one == local.person | read | {
            "event_type": one["event_type"],
            "grouping_id": delivered[0]["grouping_id"],
            "datetime_created": delivered[0]["datetime_created"],
            "status": "Complete",
            "document_id": document,
            "document_type": document_type,
        }


async def test_a_connection_is_delivered_with_its_accounts(local: Local) -> None:
    """Once it is connected."""
    await local.subscribe(*EVENT_NAMES)
    connection = await local.post("/v2/openbanking", local.person)

    delivered = await local.deliver(10)

    assert [one["event_type"] for one in delivered] == [BANKING, "OpenBankingProcessing.Completed"]
    url = f"/v2/openbanking/{connection['bank_connection_id']}"
    now = (await local.api.get(url)).json()
    assert (now["status"], len(now["account_connection_ids"])) == ("Connected", 2)
    names = ("status", "bank_connection_id", "account_connection_ids", *local.person)
    assert delivered[1].items() >= {name: now[name] for name in names}.items()


@pytest.mark.parametrize(
    ("name", "event", "status"),
    [
        ("Sample Example", VERIFIED, "Complete"),
        ("Dora Declined", VERIFIED, "Complete"),
        ("Fiona Failed", VERIFIED, "Failed"),
        ("Edgar Expired", EXPIRED, "Expired"),
    ],
)
async def test_a_verification_is_delivered_with_its_outcome(
    local: Local, name: str, event: str, status: str
) -> None:
    """A failed one is completed too; its end is the time of the event."""
    await local.subscribe(*EVENT_NAMES)
    who = await person(local, next(iter(local.app.state.cases)), name)
    started = await local.post("/v2/identity", {"person_id": who})

    (delivered,) = await local.deliver(10)
    local.clock.now += 100

    assert (delivered["event_type"], delivered["status"]) == (event, status)
    assert (delivered["request_id"], delivered["person_id"]) == (started["request_id"], who)
    now = (await local.api.get(f"/v2/identity/{started['request_id']}")).json()
    assert now["status"] == status
    assert now["datetime_completed"][:19] == delivered["datetime_created"][:19]
    assert now.keys() >= started.keys()
    assert not [name for name in now if name.startswith("_")]


@pytest.mark.parametrize("status", ["Complete", "Failed"])
@pytest.mark.parametrize(
    ("path", "event"),
    [("affordability-insights", AFFORDABILITY), ("income-employer", INCOME)],
)
async def test_insights_are_delivered_with_their_outcome(
    local: Local, path: str, event: str, status: str
) -> None:
    """Also if they failed; later documents change nothing."""
    await local.subscribe(AFFORDABILITY, INCOME)
    if status == "Complete":
        await local.upload("BankStatement")
        local.clock.now += 10
    started = await local.post(f"/v2/{path}", local.person)

    (delivered,) = await local.deliver(10)
    await local.upload("BankStatement")
    local.clock.now += 100

    assert delivered == local.person | {
        "event_type": event,
        "grouping_id": delivered["grouping_id"],
        "datetime_created": delivered["datetime_created"],
        "status": status,
        "request_id": started["request_id"],
    }
    now = (await local.api.get(f"/v2/{path}/{started['request_id']}")).json()
    assert (now["status"], now["datetime_completed"]) == (status, delivered["datetime_created"])


async def test_outcomes_are_fixed_before_the_next_request(local: Local) -> None:
    """Later documents do not count, however late the delivery is."""
    await local.subscribe(INCOME)
    await local.post("/v2/income-employer", local.person)
    local.clock.now += 10
    await local.upload("Payslip")
    local.clock.now += 10

    (delivered,) = await local.deliver()

    assert delivered["status"] == "Failed"


async def test_payloads_can_have_another_shape(local: Local) -> None:
    """Any JSON value; the log has what was sent."""
    webhook = await local.subscribe(CHILD)
    deliveries = local.app.deliveries
    assert deliveries.shape == "full"
    for shape in SHAPES:
        deliveries.shape = shape
        await local.upload()
        local.clock.now += 10
        await local.api.get("/v2/users")
    delivered = await local.deliver()

    assert delivered[0].keys() == {
        "datetime_created",
        "status",
        "document_id",
        "document_type",
        *local.person,
    }
    assert delivered[1:] == [None, [CHILD], "\u00e4"]
    assert local.received[3].content == '"ä"'.encode()
    logged = await local.log(webhook)
    assert [one["event_data"] for one in logged] == delivered[::-1]
    assert {one["event_type"] for one in logged} == {CHILD}


@pytest.mark.parametrize(
    "shape", ["round", NO_JSON, NO_NUMBER], ids=["no name", "no JSON", "no number"]
)
async def test_a_shape_must_be_json(local: Local, shape: Any) -> None:
    """Another shape is refused at once."""
    with pytest.raises(ValueError, match="event_shape: "):
        create_app(wire=Wire(event_shape=shape))
    with pytest.raises(ValueError, match="event_shape: "):
        local.app.deliveries.shape = shape

    assert local.app.deliveries.shape == "full"


@pytest.mark.parametrize("pause", [-1, math.inf, math.nan])
async def test_an_invalid_pause_is_refused(pause: float) -> None:
    """It must be finite and not negative."""
    with pytest.raises(ValueError, match="delivery_retries: expected seconds"):
        create_app(wire=Wire(delivery_retries=(1, pause)))


async def test_without_pauses_there_are_no_retries() -> None:
    """With pauses of zero, all attempts are made at once."""
    for pauses, expected in (((), [0]), ((0, 0), [0, 0, 0])):
        app = create_app(wire=Wire(delivery_retries=pauses))
        webhook = {"webhook_id": "w", "webhook_callback_url": CALLBACK, "event_types": [PARENT]}
        app.state.store("webhooks").add("w", webhook)
        app.deliveries.send("w", PARENT)

        await app.deliveries.deliver_due(httpx.MockTransport(lambda _: httpx.Response(500)))

        (logged,) = app.state.store("webhook_requests")
        codes = [one["http_response_code"] for one in logged.record["request_attempts"]]
        assert codes == [500 for _ in expected]
        assert logged.record["webhook_event_status"] == "Failed"


async def test_a_delivery_can_be_repeated(local: Local) -> None:
    """With the same bytes; each time is an attempt."""
    webhook = await local.subscribe(CHILD)
    local.app.deliveries.faults.add(repeat=2)
    for _ in range(2):
        await local.upload()

    delivered = await local.deliver(10)

    assert [delivered[0], delivered[0], delivered[0]] == delivered[:3]
    assert len(delivered) == 4
    assert await local.attempts(webhook) == [("Complete", [200]), ("Complete", [200] * 3)]


async def test_one_successful_attempt_is_enough(local: Local) -> None:
    """A repeated delivery is then complete."""
    webhook = await local.subscribe(CHILD)
    local.app.deliveries.faults.add(repeat=1)
    await local.upload()
    local.respond = lambda _request: httpx.Response(200 if len(local.received) == 1 else 500)

    await local.deliver(10)

    assert await local.attempts(webhook) == [("Complete", [200, 500])]


async def test_held_deliveries_are_released_newest_first(local: Local) -> None:
    """Other deliveries are sent meanwhile."""
    webhook = await local.subscribe(CHILD)
    local.app.deliveries.faults.add(hold=True, times=3)
    ids = [await local.upload() for _ in range(4)]

    first = await local.deliver(10)
    held = local.app.deliveries.held_count
    states = await local.attempts(webhook)
    second = await local.deliver(99)
    local.app.deliveries.release()
    third = await local.deliver()

    assert [one["document_id"] for one in first] == ids[3:]
    assert (held, second) == (3, [])
    assert states == [("Complete", [200]), *[("Pending", [])] * 3]
    assert [one["document_id"] for one in third] == ids[2::-1]
    assert local.app.deliveries.held_count == 0
    assert {status for status, _ in await local.attempts(webhook)} == {"Complete"}


async def test_a_delivery_can_be_lost(local: Local) -> None:
    """It is logged as delivered, but not sent."""
    webhook = await local.subscribe(CHILD)
    local.app.deliveries.faults.add(CHILD, drop=True)
    await local.upload()

    assert await local.deliver(10) == []
    assert await local.attempts(webhook) == [("Complete", [200])]
    assert (await local.log(webhook))[0]["datetime_created"]


async def test_a_delivery_can_be_late(local: Local) -> None:
    """By clock seconds; other deliveries are not delayed."""
    await local.subscribe(CHILD, PARENT)
    local.app.deliveries.faults.add(PARENT, delay=3)
    await local.upload()

    delivered = [await local.deliver(seconds) for seconds in (10, 2.9, 0.2)]

    assert [[one["event_type"] for one in some] for some in delivered] == [[CHILD], [], [PARENT]]


@pytest.mark.parametrize("forgery", ["key", "body", "signature", "unsigned"])
async def test_a_delivery_can_be_forged(local: Local, forgery: Forgery) -> None:
    """A receiver that verifies signatures refuses it, and accepts the retry."""
    webhook = await local.subscribe(CHILD)
    key = (await local.post("/v2/webhooks/secrets"))["shared_key"]
    local.app.deliveries.faults.add(forge=forgery)
    await local.upload()

    def verify(request: httpx.Request) -> httpx.Response:
        given = request.headers.get("X-HMAC-SHA256-Signature")
        return httpx.Response(200 if given == signature(request.content, key) else 401)

    local.respond = verify
    for seconds in (10, 2):
        await local.deliver(seconds)

    assert await local.attempts(webhook) == [("Complete", [401, 200])]
    forged, genuine = local.received
    assert (forged.content == genuine.content) == (forgery != "body")
    assert ("X-HMAC-SHA256-Signature" in forged.headers) == (forgery != "unsigned")
    logged = (await local.log(webhook))[0]["event_data"]
    assert json.loads(forged.content) == json.loads(genuine.content) == logged


@pytest.mark.parametrize(
    ("name", "at_once", "later"),
    [
        ("lost", 0, 0),
        ("doubled", 2, 0),
        ("late", 0, 1),
        ("held", 0, 1),
        ("forged", 1, 0),
        ("changed", 1, 0),
        ("invalid signature", 1, 0),
        ("unsigned", 1, 0),
    ],
)
async def test_named_faults_have_their_effect(
    local: Local, name: str, at_once: int, later: int
) -> None:
    """The delivery is complete in the end."""
    webhook = await local.subscribe(CHILD)
    await local.upload()
    local.app.deliveries.faults.inject(name, CHILD)

    first = await local.deliver(10)
    local.app.deliveries.release()
    second = await local.deliver(60)

    assert (len(first), len(second)) == (at_once, later)
    assert await local.attempts(webhook) == [("Complete", [200] * max(at_once, 1))]


async def test_a_fault_applies_to_matching_deliveries(local: Local) -> None:
    """By event and by number; triggered faults are recorded."""
    await local.subscribe(CHILD, PARENT)
    faults = local.app.deliveries.faults
    faults.add(CHILD, nth=2, repeat=1)
    faults.add("*", drop=True)
    for _ in range(3):
        await local.upload()

    delivered = await local.deliver(10)

    assert [one["event_type"] for one in delivered] == [CHILD, PARENT, CHILD, CHILD, PARENT, CHILD]
    assert faults.triggered == ((PARENT, "drop=True"), (CHILD, "repeat=1"))
    assert faults.triggered[0].event == PARENT
    assert faults.planned == ()


async def test_a_fault_applies_to_the_first_attempt(local: Local) -> None:
    """Retries are sent without faults, and later faults wait for another delivery."""
    webhook = await local.subscribe(CHILD)
    await local.upload()
    local.respond = lambda _request: httpx.Response(500)
    await local.deliver(10)
    local.app.deliveries.faults.add(hold=True)

    await local.deliver(2)

    assert await local.attempts(webhook) == [("Pending", [500, 500])]
    assert len(local.app.deliveries.faults.planned) == 1


async def test_deliveries_can_be_cancelled(local: Local) -> None:
    """A receiver that does not respond is abandoned."""
    webhook = await local.subscribe(CHILD)
    await local.upload()
    local.clock.now += 10
    started = anyio.Event()

    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            started.set()
            await anyio.sleep_forever()
            return httpx.Response(200, request=request)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(local.app.deliveries.deliver_due, Silent())
        await started.wait()
        tasks.cancel_scope.cancel()

    assert await local.attempts(webhook) == [("Pending", [])]


def signature(body: bytes, key: str) -> str:
    """Return the signature that the specification defines."""
    return base64.b64encode(hmac.digest(key.encode(), body, "sha256")).decode()
