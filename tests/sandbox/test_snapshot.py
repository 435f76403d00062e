"""Snapshots, restores and resets."""

import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest
from sandbox.memory import ALL, EPOCH, begin, in_memory, local

from sikoia_async.sandbox import Credentials, Rate, Sandbox, Time, Wire, create_app
from sikoia_async.sandbox.state import State

HALF = len(ALL) // 2
KEYED: dict[str, Any] = {
    "time": Time(speed=0, epoch=EPOCH),
    "work_time": 60,
    "credentials": Credentials(api_key="legacy"),
}
DOCUMENT = {"file": "JVBERg==", "display_name": "A document", "file_name": "document.pdf"}
VERIFIED = "IdentityVerification.Completed"


def test_the_same_requests_get_the_same_responses_after_a_restore() -> None:
    """Byte for byte, after each restore."""
    one = local()
    one.walk(*ALL[:HALF])
    snapshot = one.app.snapshot()
    responses = one.walk(*ALL[HALF:], *ALL[:HALF])

    for _ in range(2):
        one.app.restore(snapshot)
        assert one.walk(*ALL[HALF:], *ALL[:HALF]) == responses


def test_another_sandbox_can_be_restored() -> None:
    """With the same seed it has the ids, tokens and time of the first."""
    one, other = local(), local(time=Time(speed=0, epoch=datetime(2030, 1, 1, tzinfo=UTC)))
    one.walk(*ALL[:HALF])
    one.app.clock.advance(3600)
    snapshot = one.app.snapshot()
    other.app.restore(pickle.loads(pickle.dumps(snapshot)))  # noqa: S301 - our own

    assert snapshot.moment == one.app.clock.now == other.app.clock.now
    assert other.walk(*ALL[HALF:]) == one.walk(*ALL[HALF:])


def test_a_reset_restores_the_initial_state() -> None:
    """All responses are those of a new sandbox."""
    one, new = local(), local()
    one.walk(*ALL)
    one.app.faults.add("*", status=503, times=9)
    one.app.reset()
    one.authorize()

    assert one.app.clock.now == EPOCH
    assert one.walk(*ALL) == new.walk(*ALL)


def test_a_reset_deletes_everything() -> None:
    """Records, tokens and the responses of idempotency keys."""
    one = local(wire=Wire(idempotency_header="Key"))
    case, twice = {"name": "Loan", "case_type": "Business"}, {"Key": "k1"}
    responses = [one.call("POST", "/v2/cases", case, headers=twice).json() for _ in range(2)]
    assert responses[0] == responses[1]
    one.create("/v2/documents", DOCUMENT | one.person())
    one.app.reset()

    assert one.call("GET", "/v2/cases").status_code == 401
    assert len(one.app.state.store("documents")) == 0
    assert (len(one.app.state.cases), len(one.app.state.idempotent_responses)) == (0, 0)
    one.authorize()
    assert one.call("GET", "/v2/cases").json() == []
    assert one.call("POST", "/v2/cases", case, headers=twice).json() == responses[0]
    assert len(one.app.state.cases) == 1


def test_a_reset_without_an_epoch_shows_the_real_time() -> None:
    """Like a new sandbox."""
    app = create_app(time=Time(speed=0))
    app.clock.advance(10**9)
    before = datetime.now(UTC)
    app.reset()

    assert before <= app.clock.now <= datetime.now(UTC)


def test_a_snapshot_never_changes() -> None:
    """Neither by later changes, nor by changes after a restore."""
    one = local()
    who = one.person()["entity_id"]
    snapshot = one.app.snapshot()

    for _ in range(2):
        (case,) = one.app.state.cases.values()
        case["persons"][0]["last_name"] = "Changed"
        one.app.state.delete_case(case["case_id"])
        one.app.restore(snapshot)

        assert one.app.state.entity("person", who)["last_name"] == "Example"


def test_deleted_records_are_restored() -> None:
    """Records deleted after a restore are known to have existed."""
    one = local()
    path = f"/v2/documents/{one.create('/v2/documents', DOCUMENT | one.person())['document_id']}"
    snapshot = one.app.snapshot()
    types: list[str | None] = []
    for _ in range(2):
        one.call("DELETE", path)
        types.append(one.call("GET", path).json().get("type"))
        one.app.restore(snapshot)
        types.append(one.call("GET", path).json().get("type"))

    assert types == ["ResourceDeleted", None] * 2


def test_the_repr_shows_no_data() -> None:
    """No name, token or secret."""
    one = local()
    one.person()

    assert repr(one.app.snapshot()) == f"Snapshot(moment={EPOCH!r}, seed=0)"


def test_tokens_and_windows_are_restored() -> None:
    """Earlier tokens keep their age, later ones are unknown, and the window has its old count."""
    one = local(
        credentials=Credentials(token_life=300), rate=Rate(requests_per_window=3, window=60)
    )
    early = one.authorize()
    one.call("GET", "/v2/users")
    one.app.clock.advance(10)
    snapshot = one.app.snapshot()
    one.app.clock.advance(1000)
    late = one.authorize()
    for _ in range(2):
        one.call("GET", "/v2/users")
    one.app.restore(snapshot)
    one.use(late)
    refused = one.call("GET", "/v2/users").json()["type"]
    one.use(early)
    responses = [one.call("GET", "/v2/users") for _ in range(3)]
    one.app.clock.advance(289)
    before = one.call("GET", "/v2/users").status_code
    one.app.clock.advance(1)

    assert refused == "InvalidToken"
    assert [one.status_code for one in responses] == [200, 200, 429]
    assert responses[-1].headers["Retry-After"] == "50"
    assert (before, one.call("GET", "/v2/users").json()["type"]) == (200, "ExpiredToken")


def test_fault_plans_are_restored() -> None:
    """With the triggered faults, and how often each planned one still applies."""
    one = local()
    one.app.faults.add("GET /v2/users", nth=2, times=2, status=503)
    one.app.deliveries.faults.add(VERIFIED, drop=True)
    one.call("GET", "/v2/users")
    one.call("GET", "/v2/users")
    snapshot = one.app.snapshot()
    one.call("GET", "/v2/users")
    one.app.faults.add("*", status=418)
    one.app.deliveries.faults.clear()
    one.app.restore(snapshot)
    planned = len(one.app.faults.planned), len(one.app.deliveries.faults.planned)
    triggered = len(one.app.faults.triggered)

    assert (planned, triggered) == ((1, 1), 1)
    assert [one.call("GET", "/v2/users").status_code for _ in range(2)] == [503, 200]


def test_the_shape_of_deliveries_is_restored() -> None:
    """A function too."""

    def shape(_payload: Any) -> None:
        """Send null."""

    one = local(wire=Wire(event_shape=shape))
    snapshot = one.app.snapshot()
    one.app.deliveries.shape = "bare"
    one.app.restore(snapshot)
    back: object = one.app.deliveries.shape

    assert back is shape


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_queued_deliveries_are_restored() -> None:
    """Held ones too; the log shows their outcome."""
    app = create_app(**KEYED)
    app.deliveries.faults.add(VERIFIED, hold=True)
    async with in_memory(app) as client:
        webhook = await begin(client, 3)
        app.clock.advance(60)
        await app.deliveries.deliver_due(httpx.MockTransport(lambda _: httpx.Response(500)))
        snapshot = app.snapshot()
        ends: list[list[str]] = []
        for _ in range(2):
            app.deliveries.release()
            app.clock.advance(1)
            await app.deliveries.deliver_due(httpx.MockTransport(lambda _: httpx.Response(204)))
            page = (await client.get(f"{webhook}/requests")).json()
            ends.append([one["webhook_event_status"] for one in page["webhook_requests"]])
            app.restore(snapshot)

    assert ends == [["Complete"] * 3] * 2
    assert app.deliveries.held_count == 1


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_deliveries_in_progress_are_abandoned() -> None:
    """Those in the snapshot are sent again."""
    app, requests, responses = create_app(**KEYED), list[str](), list[str]()
    after_reset = (0, 0)

    async def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request.method)
        await anyio.sleep(4)
        responses.append(request.method)
        return httpx.Response(500)

    async with in_memory(app) as client, anyio.create_task_group() as tasks:
        await begin(client, 2)
        app.clock.advance(60)
        tasks.start_soon(app.deliveries.deliver_due, httpx.MockTransport(respond))
        await anyio.wait_all_tasks_blocked()
        during = app.snapshot()
        app.reset()
        await anyio.sleep(10)
        after_reset = len(requests), len(responses)
        app.clock.advance(10_000)
        await app.deliveries.deliver_due(httpx.MockTransport(respond))
        app.restore(during)
        await app.deliveries.deliver_due(httpx.MockTransport(respond))

    assert after_reset == (1, 0)
    assert (len(requests), len(responses)) == (3, 2)


@pytest.mark.anyio
@pytest.mark.parametrize(("is_reset", "attempts"), [(False, 2), (True, 1)])
async def test_a_delivery_undone_during_its_attempt_is_not_retried(
    is_reset: bool, attempts: int
) -> None:
    """The response may arrive just when its record is deleted."""
    app, requests = create_app(**KEYED), list[str]()

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request.method)
        if is_reset:
            app.reset()
        return httpx.Response(500)

    async with in_memory(app) as client:
        await begin(client)
        app.clock.advance(60)
        await app.deliveries.deliver_due(httpx.MockTransport(respond))
        app.clock.advance(1)
        await app.deliveries.deliver_due(httpx.MockTransport(respond))

    assert len(requests) == attempts


@pytest.mark.parametrize("thing", [None, b"", {}, "snapshot"])
def test_only_snapshots_can_be_restored(thing: Any) -> None:
    """The error says what is expected, and nothing changes."""
    app = create_app()
    app.state.new_id()
    expected = create_app()
    expected.state.new_id()

    with pytest.raises(
        TypeError, match=rf"expected the result of snapshot\(\), not {type(thing).__name__}"
    ):
        app.restore(thing)
    assert app.state.new_id() == expected.state.new_id()


def test_a_snapshot_of_another_seed_is_refused() -> None:
    """The same ids would have other data."""
    with pytest.raises(ValueError, match="has the seed 1, expected 2"):
        create_app(seed=2).restore(create_app(seed=1).snapshot())


def test_a_clock_function_is_not_restored(clock: SimpleNamespace) -> None:
    """Everything else is."""
    one = local(time=Time(epoch=EPOCH, clock=lambda: clock.now))
    snapshot = one.app.snapshot()
    one.person()
    clock.now = 5
    one.app.restore(snapshot)

    assert (len(one.app.state.cases), one.app.clock()) == (0, 5)


def test_a_running_sandbox_can_be_restored(connect: Callable[[Sandbox], httpx.Client]) -> None:
    """From another thread, any number of times; a second sandbox can continue."""
    body = {"name": "Loan", "case_type": "Business"}
    with Sandbox() as sandbox, Sandbox() as other:
        client = connect(sandbox)
        client.post("/v2/cases", json=body)
        snapshot = sandbox.snapshot()
        ids = [client.post("/v2/cases", json=body).json()["case_id"]]
        sandbox.restore(snapshot)
        ids.append(client.post("/v2/cases", json=body).json()["case_id"])
        other.restore(snapshot)
        there = httpx.URL(other.url).copy_with(path="/v2/cases")
        trust = connect(other)
        ids.append(trust.post(there, json=body).json()["case_id"])
        sandbox.reset()

        assert len(set(ids)) == 1
        assert (len(sandbox.state.cases), len(other.state.cases)) == (0, 2)
        assert client.get("/v2/cases").status_code == 401


def test_every_attribute_of_the_state_is_restored() -> None:
    """Each one is restored, a fixed setting or a count of replacements; add new ones to one."""
    settings = {"generation", "_seed", "clock", "picklist_base", "scenarios", "url"}
    settings |= {"refuses_insights_without_data", "refuses_refresh_after_expiry", "return_url"}
    settings |= {"refer_fails", "all_completeness_rules"}
    in_place = {"_members", "_stores", "deleted", "idempotent_responses", "progress"}
    _, changing, *_ = State().save().copied

    assert vars(State()).keys() == settings | in_place | changing.keys()
