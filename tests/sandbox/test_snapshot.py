"""Snapshots: what comes back with one, and what a reset leaves."""

import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest
from sandbox.memory import ALL, EPOCH, begin, in_memory, local

from sikoia_async.sandbox import Sandbox, create_app
from sikoia_async.sandbox import clock as clock_module
from sikoia_async.sandbox.state import State

HALF = len(ALL) // 2
KEYED: dict[str, Any] = {"speed": 0, "epoch": EPOCH, "work_time": 60, "api_key": "legacy"}
DOCUMENT = {"file": "JVBERg==", "display_name": "A document", "file_name": "document.pdf"}
VERIFIED = "IdentityVerification.Completed"


def test_everything_goes_on_as_it_did() -> None:
    """After a restore the same requests get the same answers, byte by byte, each time."""
    one = local()
    one.walk(*ALL[:HALF])
    snapshot = one.app.snapshot()
    answers = one.walk(*ALL[HALF:], *ALL[:HALF])

    for _ in range(2):
        one.app.restore(snapshot)
        assert one.walk(*ALL[HALF:], *ALL[:HALF]) == answers


def test_another_sandbox_goes_on_from_there() -> None:
    """With the same seed it answers alike: with the ids, the tokens and the time of the first."""
    one, other = local(), local(epoch=datetime(2030, 1, 1, tzinfo=UTC))
    one.walk(*ALL[:HALF])
    one.app.clock.advance(3600)
    snapshot = one.app.snapshot()
    other.app.restore(pickle.loads(pickle.dumps(snapshot)))  # noqa: S301 - our own

    assert snapshot.moment == one.app.clock.now == other.app.clock.now
    assert other.walk(*ALL[HALF:]) == one.walk(*ALL[HALF:])


def test_a_reset_is_a_new_beginning() -> None:
    """After it, all answers are those of a sandbox that was just made."""
    one, new = local(), local()
    one.walk(*ALL)
    one.app.faults.add("*", status=503, times=9)
    one.app.reset()
    one.authorize()

    assert one.app.clock.now == EPOCH
    assert one.walk(*ALL) == new.walk(*ALL)


def test_a_reset_forgets() -> None:
    """Nothing is left: no record, no token, no answer under a key."""
    one = local(idempotency_header="Key")
    case, twice = {"name": "Loan", "case_type": "Business"}, {"Key": "k1"}
    answers = [one.ask("POST", "/v2/cases", case, headers=twice).json() for _ in range(2)]
    assert answers[0] == answers[1]
    one.create("/v2/documents", DOCUMENT | one.person())
    one.app.reset()

    assert one.ask("GET", "/v2/cases").status_code == 401
    assert len(one.app.state.store("documents")) == 0
    assert (len(one.app.state.cases), len(one.app.state.idempotent_responses)) == (0, 0)
    one.authorize()
    assert one.ask("GET", "/v2/cases").json() == []
    assert one.ask("POST", "/v2/cases", case, headers=twice).json() == answers[0]
    assert len(one.app.state.cases) == 1


def test_a_reset_without_an_epoch_shows_the_real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a sandbox does that is made at that moment."""
    app = create_app(speed=0)
    app.clock.advance(10**9)
    monkeypatch.setattr(clock_module, "datetime", SimpleNamespace(now=EPOCH.astimezone))
    app.reset()

    assert app.clock.now == EPOCH


def test_a_snapshot_stays_as_it_is() -> None:
    """What is changed later is not changed in it, nor what is changed after it was restored."""
    one = local()
    who = one.person()["entity_id"]
    snapshot = one.app.snapshot()

    for _ in range(2):
        (case,) = one.app.state.cases.values()
        case["persons"][0]["last_name"] = "Changed"
        one.app.state.delete_case(case["case_id"])
        one.app.restore(snapshot)

        assert one.app.state.entity("person", who)["last_name"] == "Example"


def test_what_was_deleted_is_there_again() -> None:
    """And what is deleted after a restore is known to have been there."""
    one = local()
    path = f"/v2/documents/{one.create('/v2/documents', DOCUMENT | one.person())['document_id']}"
    snapshot = one.app.snapshot()
    types: list[str | None] = []
    for _ in range(2):
        one.ask("DELETE", path)
        types.append(one.ask("GET", path).json().get("type"))
        one.app.restore(snapshot)
        types.append(one.ask("GET", path).json().get("type"))

    assert types == ["ResourceDeleted", None] * 2


def test_a_snapshot_keeps_to_itself_what_is_in_it() -> None:
    """It can be printed: there is no name, token or secret to be seen."""
    one = local()
    one.person()

    assert repr(one.app.snapshot()) == f"Snapshot(moment={EPOCH!r}, seed=0)"


def test_tokens_and_windows_come_back() -> None:
    """A token of before is as old as it was, one of later was never issued; the window the same."""
    one = local(token_life=300, limit=3, per=60)
    early = one.authorize()
    one.ask("GET", "/v2/users")
    one.app.clock.advance(10)
    snapshot = one.app.snapshot()
    one.app.clock.advance(1000)
    late = one.authorize()
    for _ in range(2):
        one.ask("GET", "/v2/users")
    one.app.restore(snapshot)
    one.use(late)
    refused = one.ask("GET", "/v2/users").json()["type"]
    one.use(early)
    answers = [one.ask("GET", "/v2/users") for _ in range(3)]
    one.app.clock.advance(289)
    before = one.ask("GET", "/v2/users").status_code
    one.app.clock.advance(1)

    assert refused == "InvalidToken"
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "50"
    assert (before, one.ask("GET", "/v2/users").json()["type"]) == (200, "ExpiredToken")


def test_fault_plans_come_back() -> None:
    """With what has happened, and with how often each fault is still to happen."""
    one = local()
    one.app.faults.add("GET /v2/users", nth=2, times=2, status=503)
    one.app.deliveries.faults.add(VERIFIED, drop=True)
    one.ask("GET", "/v2/users")
    one.ask("GET", "/v2/users")
    snapshot = one.app.snapshot()
    one.ask("GET", "/v2/users")
    one.app.faults.add("*", status=418)
    one.app.deliveries.faults.clear()
    one.app.restore(snapshot)
    planned = len(one.app.faults.planned), len(one.app.deliveries.faults.planned)
    happened = len(one.app.faults.triggered)

    assert (planned, happened) == ((1, 1), 1)
    assert [one.ask("GET", "/v2/users").status_code for _ in range(2)] == [503, 200]


def test_the_shape_of_deliveries_comes_back() -> None:
    """A function, too."""

    def shape(_payload: Any) -> None:
        """Send null."""

    one = local(event_shape=shape)
    snapshot = one.app.snapshot()
    one.app.deliveries.shape = "bare"
    one.app.restore(snapshot)
    back: object = one.app.deliveries.shape

    assert back is shape


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_deliveries_that_wait_come_back() -> None:
    """Those that are held too, and the log shows how they end."""
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
async def test_deliveries_under_way_are_abandoned() -> None:
    """A restore ends them, and one that is in the snapshot is sent anew."""
    app, asked, answered = create_app(**KEYED), list[str](), list[str]()
    after_reset = (0, 0)

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        await anyio.sleep(4)
        answered.append(request.method)
        return httpx.Response(500)

    async with in_memory(app) as client, anyio.create_task_group() as tasks:
        await begin(client, 2)
        app.clock.advance(60)
        tasks.start_soon(app.deliveries.deliver_due, httpx.MockTransport(answer))
        await anyio.wait_all_tasks_blocked()
        during = app.snapshot()
        app.reset()
        await anyio.sleep(10)
        after_reset = len(asked), len(answered)
        app.clock.advance(10_000)
        await app.deliveries.deliver_due(httpx.MockTransport(answer))
        app.restore(during)
        await app.deliveries.deliver_due(httpx.MockTransport(answer))

    assert after_reset == (1, 0)
    assert (len(asked), len(answered)) == (3, 2)


@pytest.mark.anyio
@pytest.mark.parametrize(("is_reset", "attempts"), [(False, 2), (True, 1)])
async def test_what_fails_while_it_is_undone_is_not_tried_again(
    is_reset: bool, attempts: int
) -> None:
    """The answer to a delivery may come at the very moment at which its record goes."""
    app, asked = create_app(**KEYED), list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        if is_reset:
            app.reset()
        return httpx.Response(500)

    async with in_memory(app) as client:
        await begin(client)
        app.clock.advance(60)
        await app.deliveries.deliver_due(httpx.MockTransport(answer))
        app.clock.advance(1)
        await app.deliveries.deliver_due(httpx.MockTransport(answer))

    assert len(asked) == attempts


@pytest.mark.parametrize("thing", [None, b"", {}, "snapshot"])
def test_what_is_no_snapshot_is_refused(thing: Any) -> None:
    """The message says what to give, and nothing is changed."""
    app = create_app()
    app.state.new_id()
    expected = create_app()
    expected.state.new_id()

    with pytest.raises(TypeError, match=rf"what snapshot\(\) returned, not {type(thing).__name__}"):
        app.restore(thing)
    assert app.state.new_id() == expected.state.new_id()


def test_a_snapshot_of_another_seed_is_refused() -> None:
    """The same ids would stand for other data."""
    with pytest.raises(ValueError, match="of the seed 1, and the seed here is 2"):
        create_app(seed=2).restore(create_app(seed=1).snapshot())


def test_a_function_as_a_clock_is_not_turned_back(clock: SimpleNamespace) -> None:
    """What counts the seconds is the test's; the rest comes back."""
    one = local(clock=lambda: clock.now, speed=1)
    snapshot = one.app.snapshot()
    one.person()
    clock.now = 5
    one.app.restore(snapshot)

    assert (len(one.app.state.cases), one.app.clock()) == (0, 5)


def test_a_running_sandbox_goes_back(connect: Callable[[Sandbox], httpx.Client]) -> None:
    """On sockets, from another thread, as often as wanted; and a second one goes on from there."""
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


def test_all_of_the_state_is_thought_of() -> None:
    """Each attribute is either put back, or a setting that stays; add yours to one of the two."""
    settings = {"_seed", "clock", "picklist_base", "scenarios", "url"}
    in_place = {"_last_cases", "_stores", "deleted", "idempotent_responses", "progress"}
    _, changing, *_ = State().save().copied

    assert vars(State()).keys() == settings | in_place | changing.keys()
