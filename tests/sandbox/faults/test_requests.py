"""The fault plan: what a test plans happens to the requests it means, and to no others."""

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import anyio
import httpx
import hypothesis
import pytest
from hypothesis import strategies as st

from sikoia_async import Sikoia
from sikoia_async.environments import local
from sikoia_async.errors import ConnectionFailedError
from sikoia_async.sandbox import Sandbox, create_app
from sikoia_async.sandbox.faults.injector import FAULT

USERS = "GET /v2/users"
CREATE = "POST /v2/cases"
# Before Python 3.13, a reset under TLS looks like an end.
RESET = (httpx.ReadError, httpx.RemoteProtocolError)
FIRST, SECOND = create_app(), create_app()
LOAN = {"name": "Loan", "case_type": "Business"}


@pytest.fixture(autouse=True)
def _no_faults(sandbox: Sandbox) -> Iterator[None]:
    """Leave no fault to the next test."""
    yield
    sandbox.faults.clear()


def statuses(client: httpx.Client, count: int, path: str = "/v2/users") -> list[int]:
    """Ask several times."""
    return [client.get(path).status_code for _ in range(count)]


def connected(sandbox: Sandbox) -> Sikoia:
    """Make an SDK client of a sandbox."""
    return Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        tls=sandbox.ca_file,
        quota=None,
    )


def test_a_refusal_comes_before_the_work(sandbox: Sandbox, client: httpx.Client) -> None:
    """The next request gets the envelope of the status and leaves nothing; then all is well."""
    before = dict(sandbox.state.cases)
    sandbox.faults.add(CREATE, status=429, retry_after=7)

    refused = client.post("/v2/cases", json=LOAN, headers={"X-Correlation-Id": "mine"})

    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "7"
    assert refused.json() == {
        "type": "RateLimit",
        "status": 429,
        "title": "Too Many Requests",
        "detail": "The fault plan of the local Sikoia says so.",
        "correlation_id": "mine",
    }
    assert sandbox.state.cases == before
    assert client.post("/v2/cases", json=LOAN).status_code == 201


@pytest.mark.parametrize(
    ("status", "kind", "title"),
    [
        (404, "ResourceNotFound", "Resource Not Found"),
        (418, "InvalidRequest", "I'm a Teapot"),
        (503, "ServerError", "Service Unavailable"),
        (599, "ServerError", "Refused"),
    ],
)
def test_every_status_has_an_envelope(
    sandbox: Sandbox, client: httpx.Client, status: int, kind: str, title: str
) -> None:
    """A status that Sikoia does not document has the type of its class."""
    sandbox.faults.add(USERS, status=status)

    refused = client.get("/v2/users")

    assert refused.status_code == status
    assert "Retry-After" not in refused.headers
    assert (refused.json()["type"], refused.json()["title"]) == (kind, title)


def test_the_token_endpoint_can_fail(
    sandbox: Sandbox, connect: Callable[[Sandbox], httpx.Client], client: httpx.Client
) -> None:
    """It is one of the operations, and a fault asks for no token."""
    sandbox.faults.add("POST /token", status=500, nth=2)

    connect(sandbox)

    assert client.post("/token").status_code == 500


def test_only_the_operation_is_met(sandbox: Sandbox, client: httpx.Client, case: str) -> None:
    """Another path, another method and another template are left alone."""
    sandbox.faults.add("GET /v2/cases/{case_id}", status=503)

    assert client.get("/v2/cases").status_code == 200
    assert client.patch(case, json={"name": "Renamed"}).status_code == 200
    assert client.get(f"{case}/documents".replace("/v2/cases", "/v2/case")).status_code == 200
    assert client.get(case).status_code == 503


def test_a_star_stands_for_every_request(sandbox: Sandbox, client: httpx.Client) -> None:
    """Even one that no operation would answer."""
    sandbox.faults.add("*", status=503, times=2)

    assert statuses(client, 1) == [503]
    assert statuses(client, 2, "/v2/nowhere") == [503, 404]
    assert [one.operation for one in sandbox.faults.triggered] == [USERS, "GET /v2/nowhere"]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({}, [503, 200, 200, 200]),
        ({"times": 2}, [503, 503, 200, 200]),
        ({"nth": 3}, [200, 200, 503, 200]),
        ({"nth": 2, "times": 2}, [200, 503, 503, 200]),
    ],
)
def test_a_fault_comes_when_it_is_planned(
    sandbox: Sandbox, client: httpx.Client, when: dict[str, Any], expected: list[int]
) -> None:
    """By default the next request meets it, and only that one."""
    sandbox.faults.add(USERS, status=503, **when)

    assert statuses(client, 4) == expected


def test_a_request_meets_one_fault(sandbox: Sandbox, client: httpx.Client) -> None:
    """Those that are due at once follow in the order in which they were added."""
    sandbox.faults.add(USERS, status=500, nth=2)
    sandbox.faults.add(USERS, status=502)
    sandbox.faults.add("*", status=503)

    assert statuses(client, 4) == [502, 500, 503, 200]


def test_an_answer_can_be_late(sandbox: Sandbox, client: httpx.Client) -> None:
    """The work is done at once: who gives up waiting finds it done."""
    sandbox.faults.add(CREATE, delay=30)
    before = len(sandbox.state.cases)

    with pytest.raises(httpx.ReadTimeout):
        client.post("/v2/cases", json=LOAN, timeout=0.2)

    assert len(sandbox.state.cases) == before + 1


def test_a_late_answer_is_whole(sandbox: Sandbox, client: httpx.Client) -> None:
    """It is the answer that it would have been, and comes no sooner than planned."""
    sandbox.faults.add(USERS, delay=0.2)
    started = time.monotonic()

    late = client.get("/v2/users")

    assert time.monotonic() - started >= 0.2
    assert late.json() == list(sandbox.state.users)


def test_a_late_answer_does_not_hold_up_the_end(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """A sandbox stops without waiting for what is delayed."""
    with Sandbox() as sandbox:
        client = connect(sandbox)
        sandbox.faults.add(USERS, delay=600)
        with pytest.raises(httpx.ReadTimeout):
            client.get("/v2/users", timeout=0.2)
        started = time.monotonic()

    assert time.monotonic() - started < 5


@pytest.mark.parametrize("drip", [5, 400], ids=["slow", "fast"])
def test_a_body_can_drip(sandbox: Sandbox, client: httpx.Client, drip: int) -> None:
    """It comes whole, piece by piece, at no more than so many bytes a second."""
    body = b'"abc"' if drip == 5 else b" " * 98 + b"[]"
    sandbox.faults.add(USERS, drip=drip, body=body)
    started = time.monotonic()

    with client.stream("GET", "/v2/users") as response:
        pieces = list(response.iter_raw())

    assert time.monotonic() - started >= len(body) / drip * 0.9
    assert len(pieces) > 1
    assert b"".join(pieces) == body


@pytest.mark.parametrize("operation", [CREATE, "*"])
def test_a_reset_before_the_work(sandbox: Sandbox, client: httpx.Client, operation: str) -> None:
    """The connection ends without an answer, and nothing has been done."""
    before = dict(sandbox.state.cases)
    sandbox.faults.add(operation, reset="before", delay=0.01)

    with pytest.raises(RESET):
        client.post("/v2/cases", json=LOAN)

    assert sandbox.state.cases == before
    assert client.post("/v2/cases", json=LOAN).status_code == 201


def test_a_reset_after_the_work(sandbox: Sandbox, client: httpx.Client) -> None:
    """The connection ends without an answer, and the work is done."""
    before = len(sandbox.state.cases)
    sandbox.faults.add(CREATE, reset="after")

    with pytest.raises(RESET):
        client.post("/v2/cases", json=LOAN)

    assert len(sandbox.state.cases) == before + 1


@pytest.mark.parametrize("size", [0, 10, 1_000_000])
def test_a_body_can_be_cut_off(sandbox: Sandbox, client: httpx.Client, size: int) -> None:
    """So many bytes come, though the header promises all of them."""
    body = b"x" * 2_000_000
    sandbox.faults.add(USERS, body=body, truncate=size)

    with (
        client.stream("GET", "/v2/users") as response,
        pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"),
    ):
        response.read()

    assert response.headers["Content-Length"] == "2000000"
    assert response.num_bytes_downloaded == size


def test_an_answer_can_be_replaced(sandbox: Sandbox, client: httpx.Client) -> None:
    """The body is other bytes, headers are added or replaced, the status stays."""
    headers = {"Content-Type": "text/html", "X-Correlation-Id": "theirs", "X-Empty": ""}
    sandbox.faults.add(USERS, body=b"<html>", headers=headers)

    replaced = client.get("/v2/users")

    assert (replaced.status_code, replaced.content) == (200, b"<html>")
    assert {name: replaced.headers[name] for name in headers} == headers


def test_a_refusal_can_have_another_body(sandbox: Sandbox, client: httpx.Client) -> None:
    """A gateway in front of Sikoia knows nothing of the envelope."""
    sandbox.faults.add(USERS, status=502, body=b"Bad Gateway")

    refused = client.get("/v2/users")

    assert (refused.status_code, refused.text) == (502, "Bad Gateway")


def test_a_body_needs_a_status_that_allows_it(
    sandbox: Sandbox, client: httpx.Client, case: str
) -> None:
    """A 204 has no body, so that one with a body is a 200."""
    sandbox.faults.add("DELETE /v2/cases/{case_id}", body=b"gone")

    deleted = client.delete(case)

    assert (deleted.status_code, deleted.text) == (200, "gone")


@pytest.mark.parametrize("reset", ["before", "after"])
@pytest.mark.anyio
async def test_a_lost_post_is_no_secret(sandbox: Sandbox, reset: Any) -> None:
    """The SDK says that the case may exist, and never sends a second time what may have worked."""
    before = len(sandbox.state.cases)
    sandbox.faults.add(CREATE, reset=reset)

    async with connected(sandbox) as sikoia:
        with pytest.raises(ConnectionFailedError) as caught:
            await sikoia.cases.create(name="Loan", case_type="Business")

    assert caught.value.may_have_been_processed
    assert len(sandbox.state.cases) == before + (reset == "after")
    assert sandbox.faults.triggered == ((CREATE, f"reset='{reset}'"),)


@pytest.mark.anyio
async def test_a_lost_get_is_tried_again(sandbox: Sandbox) -> None:
    """The SDK gets over what happens to a question."""
    sandbox.faults.add(USERS, reset="after")
    sandbox.faults.add(USERS, status=503, retry_after=0)

    async with connected(sandbox) as sikoia:
        users = await sikoia.users.list()

    assert len(users) == len(sandbox.state.users)
    assert [one.effect for one in sandbox.faults.triggered] == [
        "reset='after'",
        "status=503, retry_after=0",
    ]


def test_a_token_can_expire_in_mid_flight(
    sandbox: Sandbox, client: httpx.Client, connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """The work is not done, the token is over for good, and others are as good as before."""
    doomed, before = connect(sandbox), dict(sandbox.state.cases)
    sandbox.faults.add(CREATE, token="expired")

    refused = doomed.post("/v2/cases", json=LOAN, headers={"X-Correlation-Id": "mine"})

    assert refused.status_code == 401
    assert refused.json() == {
        "type": "ExpiredToken",
        "status": 401,
        "title": "Expired Token",
        "detail": "The token has expired; ask for a new one.",
        "correlation_id": "mine",
    }
    again = doomed.get("/v2/users")
    assert (again.status_code, again.json()["type"]) == (401, "ExpiredToken")
    assert sandbox.state.cases == before
    assert client.get("/v2/users").status_code == 200


def test_a_restore_gives_the_token_back(connect: Callable[[Sandbox], httpx.Client]) -> None:
    """That it has expired is part of what there is at a moment."""
    with Sandbox() as sandbox:
        client = connect(sandbox)
        sandbox.faults.add(USERS, token="expired")
        before = sandbox.snapshot()

        assert statuses(client, 2) == [401, 401]
        sandbox.restore(before)
        assert statuses(client, 2) == [401, 401]
        sandbox.restore(before)
        sandbox.faults.clear()
        assert statuses(client, 1) == [200]


def test_only_a_token_can_expire(sandbox: Sandbox, client: httpx.Client) -> None:
    """What needs none is passed over, a stranger learns that it is over, and both get an answer."""
    sandbox.faults.add("*", token="expired")
    assert client.get("/sandbox/health").status_code == 200
    assert client.post("/token").status_code == 400

    refused = client.get("/v2/users", headers={"Authorization": "Bearer stranger"})

    assert (refused.status_code, refused.json()["type"]) == (401, "ExpiredToken")
    assert sandbox.faults.triggered == ((USERS, "token='expired'"),)
    assert client.get("/v2/users").status_code == 200


@pytest.mark.anyio
async def test_an_expired_token_costs_one_more(sandbox: Sandbox) -> None:
    """The SDK asks for a new one and replays, also what must not be done twice."""
    before = len(sandbox.state.cases)

    async with connected(sandbox) as sikoia:
        await sikoia.users.list()
        sandbox.faults.add(CREATE, token="expired")
        case = await sikoia.cases.create(name="Loan", case_type="Business")
        await sikoia.users.list()

    assert case.case_id in sandbox.state.cases
    assert len(sandbox.state.cases) == before + 1
    assert sikoia.stats().attempts == 4


def test_a_fault_can_wait_for_the_clock() -> None:
    """It begins to count when so many seconds have gone by; what came before does not count."""
    with Sandbox(speed=0) as sandbox, httpx.Client(verify=False) as client:  # noqa: S501 - TLS is not the point
        sandbox.faults.add("*", status=503, after=60, nth=2)
        url = f"{sandbox.url}/sandbox/health"

        sandbox.clock.advance(59)
        early = [client.get(url).status_code for _ in range(3)]
        sandbox.clock.advance(1)
        due = [client.get(url).status_code for _ in range(3)]

    assert (early, due) == ([200] * 3, [200, 503, 200])


def test_operations_can_be_listed(sandbox: Sandbox) -> None:
    """All that a fault can be for, as `add` takes it and `happened` shows it."""
    operations = sandbox.faults.operations

    assert len(set(operations)) == len(operations) >= 72
    assert {"POST /token", "GET /v2/cases/{case_id}", USERS} <= {*operations}
    for operation in operations:
        sandbox.faults.add(operation, status=503)
    assert tuple(one.operation for one in sandbox.faults.planned) == operations


_VALUES = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"])).map(str.strip)
_NAMES = st.text("Xx-ab9'`|", min_size=1)
Fields = dict[str, st.SearchStrategy[Any]]
_WHEN: Fields = {
    "nth": st.integers(1, 10**6),
    "times": st.integers(1, 10**6),
    "after": st.floats(0, 1e9),
}
_LATE: Fields = {"delay": st.floats(0, 1e9) | st.integers(0, 99)}
_ANSWER: Fields = {
    "drip": st.floats(1, 1e9),
    "truncate": st.integers(0, 9),
    "body": st.binary(min_size=10),
    "headers": st.dictionaries(_NAMES, _VALUES),
}
_STATUS: Fields = {"status": st.integers(400, 599) | st.sampled_from([HTTPStatus.BAD_GATEWAY])}
_HINT: Fields = {"retry_after": st.integers(0, 99)}
_TOKEN: Fields = {"token": st.just("expired")}
_RESET: Fields = {"reset": st.sampled_from(["before", "after"])}
_FAULTS = st.one_of(
    st.fixed_dictionaries(_STATUS, optional=_ANSWER | _LATE | _WHEN | _HINT),
    st.fixed_dictionaries(_TOKEN, optional=_ANSWER | _LATE | _WHEN),
    st.fixed_dictionaries(_RESET, optional=_LATE | _WHEN),
    st.fixed_dictionaries(_LATE, optional=_ANSWER | _WHEN),
)
_OPERATIONS = st.sampled_from(["*", USERS, "GET /v2/cases/{case_id}"])


@hypothesis.settings(max_examples=300)
@hypothesis.given(st.lists(st.tuples(_OPERATIONS, _FAULTS), max_size=4))
def test_a_script_plans_the_same_again(planned: list[tuple[str, dict[str, Any]]]) -> None:
    """Each fault with all that it has, in the same order, and the script of that is the same."""
    first, second = FIRST.faults, SECOND.faults
    first.clear()
    second.clear()
    for operation, fault in planned:
        first.add(operation, **fault)

    exec(first.script(), {"sandbox": SECOND})  # noqa: S102 - it is for that

    assert second.planned == first.planned
    assert second.script() == first.script()
    assert len(first.script().splitlines()) == len(planned)


def test_a_script_has_what_has_happened(sandbox: Sandbox, client: httpx.Client) -> None:
    """As it was planned; what was planned in the middle says how much there was before it."""
    sandbox.reset()
    sandbox.faults.add("GET /v2/cases/{id}", delay=1, nth=2)
    sandbox.faults.inject("brief outage")
    before = sandbox.snapshot()
    for _ in range(3):
        client.get("/sandbox/health")
    sandbox.faults.add("*", headers={"X-It's": '"odd"'}, body=b"\0'\"")

    assert [one.status for one in sandbox.faults.planned] == [None, None]
    odd = r"""sandbox.faults.add('*', body=b'\x00\'"', headers={"X-It's": '"odd"'})"""
    assert sandbox.faults.script().splitlines() == [
        "sandbox.faults.add('GET /v2/cases/{case_id}', nth=2, delay=1)",
        "sandbox.faults.add('*', times=2, status=503)",
        f"{odd}  # requests before this: 3",
    ]
    sandbox.restore(before)
    assert len(sandbox.faults.script().splitlines()) == 2
    sandbox.faults.clear()
    assert sandbox.faults.script() == ""
    sandbox.faults.add(USERS, delay=1)
    assert "requests before" not in sandbox.faults.script()
    client.get("/sandbox/health")
    sandbox.reset()
    sandbox.faults.add(USERS, delay=1)
    assert sandbox.faults.script() == "sandbox.faults.add('GET /v2/users', delay=1)"


def test_a_snapshot_does_not_go_on_counting() -> None:
    """Each restore begins where the snapshot was taken, however often it is restored."""
    faults = create_app().faults
    faults.add("*", status=503, nth=2, times=2)
    health = {"type": "http", "method": "GET", "path": "/sandbox/health"}
    faults.take(health)
    saved = faults.save()
    faults.take(health)

    for _ in range(2):
        faults.restore(saved)
        met = [faults.take(health) is not None for _ in range(3)]
        assert met == [True, True, False]


@pytest.mark.anyio
async def test_a_request_knows_its_fault() -> None:
    """Whoever stands above finds in its scope what was done to it, if anything was."""
    app = create_app()
    app.faults.add("*", delay=0, body=b"{}")
    scopes: list[Any] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await app(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(noting)) as client:
        for _ in range(2):
            await client.get("https://local.example/sandbox/health")

    assert [scope.get(FAULT) for scope in scopes] == ["delay=0, body=b'{}'", None]


def test_the_plan_can_be_read(sandbox: Sandbox, client: httpx.Client) -> None:
    """What is to happen and what has happened stand in two lists, and both can be cleared."""
    faults = sandbox.faults
    faults.add(USERS, status=503)
    faults.add("GET /v2/cases/{id}", times=3, delay=0.5)
    client.get("/v2/users")

    assert [(one.operation, one.times, one.effect) for one in faults.planned] == [
        ("GET /v2/cases/{case_id}", 3, "delay=0.5")
    ]
    assert repr(faults) == (
        "<Faults planned=['GET /v2/cases/{case_id}: delay=0.5']"
        " happened=['GET /v2/users: status=503']>"
    )
    faults.clear()
    assert (faults.planned, faults.triggered) == ((), ())


def test_an_operation_must_exist(sandbox: Sandbox) -> None:
    """What is not in the API is refused, with what might have been meant."""
    with pytest.raises(ValueError, match="'POST /v2/identities'; the nearest are POST /v2/ident"):
        sandbox.faults.add("POST /v2/identities", status=503)


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({}, "what is to happen"),
        ({"status": 503, "nth": 0}, "nth: give at least 1"),
        ({"status": 503, "times": 0}, "times: give at least 1"),
        ({"status": 503, "retry_after": -1}, "retry_after: give at least 0"),
        ({"delay": -0.1}, "delay: give at least 0"),
        ({"delay": float("nan")}, "delay: give at least 0"),
        ({"delay": float("inf")}, "delay: give at least 0"),
        ({"drip": 0}, "drip: give at least 1"),
        ({"truncate": -1}, "truncate: give at least 0"),
        ({"status": 200}, "status: give that of a refusal"),
        ({"status": 503, "after": -1}, "after: give at least 0"),
        ({"reset": "during"}, "reset: give 'before' or 'after'"),
        ({"token": "stolen"}, "token: give 'expired'"),
        ({"token": "expired", "status": 401}, "leave out status"),
        ({"token": "expired", "retry_after": 1}, "give a status too"),
        ({"reset": "before", "token": "expired"}, "leave out token"),
        ({"delay": 1, "retry_after": 1}, "give a status too"),
        ({"reset": "after", "status": 503, "body": b""}, "leave out status, body"),
        ({"body": b"12", "truncate": 2}, "less than the length"),
        ({"headers": {"two words": "x"}}, "'two words' cannot be sent"),
        ({"headers": {"X": "a\r\nb"}}, "'X' cannot be sent"),
        ({"headers": {"Content-length": "1"}}, "Content-length is the server's own"),
    ],
)
def test_a_fault_must_make_sense(sandbox: Sandbox, fault: dict[str, Any], complaint: str) -> None:
    """What is out of range or contradicts itself is refused, and not planned."""
    with pytest.raises(ValueError, match=complaint):
        sandbox.faults.add(USERS, **fault)

    assert sandbox.faults.planned == ()


@pytest.mark.parametrize("operation", ["POST /token", "GET /sandbox/health"])
def test_no_token_expires_where_none_is_needed(sandbox: Sandbox, operation: str) -> None:
    """It would wait for ever."""
    with pytest.raises(ValueError, match=f"requests to {operation} need none"):
        sandbox.faults.add(operation, token="expired")


def test_a_misspelt_argument_is_refused(sandbox: Sandbox) -> None:
    """By Python itself, and by type checkers before it."""
    add: Any = sandbox.faults.add

    with pytest.raises(TypeError, match="unexpected keyword argument 'dely'"):
        add(USERS, dely=1)


@pytest.mark.parametrize("body", ["[]", 7, {"a": 1}], ids=["text", "number", "object"])
def test_a_body_is_bytes(sandbox: Sandbox, body: Any) -> None:
    """Anything else is refused where it is given, and the error says what to give."""
    with pytest.raises(TypeError, match="bytes-like object"):
        sandbox.faults.add(USERS, body=body)


@pytest.mark.anyio
async def test_most_faults_need_no_socket() -> None:
    """In memory they work the same; only a connection cannot be dropped where there is none."""
    app = create_app(api_key="legacy", echo_correlation=False)
    headers = {"apikey": "legacy", "Accept": "application/json", "Content-Type": "application/json"}
    app.faults.add(USERS, status=503)
    app.faults.add(USERS, delay=0.01, drip=10_000, headers={"X-Late": "yes"})
    app.faults.add(USERS, reset="before")
    app.faults.add(USERS, truncate=3)

    transport = httpx.ASGITransport(app)
    url = "https://local.example/v2/users"
    async with httpx.AsyncClient(transport=transport, headers=headers) as client:
        with anyio.fail_after(10):
            refused, late = await client.get(url), await client.get(url)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="need a connection to drop"):
                await client.get(url)

    assert refused.status_code == 503
    assert (late.headers["X-Late"], late.json()) == ("yes", list(app.state.users))
