"""The fault plan for requests, and its effects."""

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
from sikoia_async.sandbox import Credentials, Sandbox, Time, Wire, create_app
from sikoia_async.sandbox.faults.injector import FAULT

USERS = "GET /v2/users"
CREATE = "POST /v2/cases"
# Before Python 3.13, a reset under TLS looks like a regular close.
RESET = (httpx.ReadError, httpx.RemoteProtocolError)
FIRST, SECOND = create_app(), create_app()
LOAN = {"name": "Loan", "case_type": "Business"}


@pytest.fixture(autouse=True)
def _no_faults(sandbox: Sandbox) -> Iterator[None]:
    """Clear the faults after each test."""
    yield
    sandbox.faults.clear()


def statuses(client: httpx.Client, count: int, path: str = "/v2/users") -> list[int]:
    """Send several requests, and return their statuses."""
    return [client.get(path).status_code for _ in range(count)]


def connected(sandbox: Sandbox) -> Sikoia:
    """Return an SDK client for a sandbox."""
    return Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        tls=sandbox.ca_file,
        quota=None,
    )


def test_an_error_status_prevents_processing(sandbox: Sandbox, client: httpx.Client) -> None:
    """The next request gets the error envelope and has no effect; the one after it succeeds."""
    before = dict(sandbox.state.cases)
    sandbox.faults.add(CREATE, status=429, retry_after=7)

    refused = client.post("/v2/cases", json=LOAN, headers={"X-Correlation-Id": "mine"})

    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "7"
    assert refused.json() == {
        "type": "RateLimit",
        "status": 429,
        "title": "Too Many Requests",
        "detail": "A planned fault of the local Sikoia.",
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
def test_every_status_has_an_error_envelope(
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
    """It is one of the operations."""
    sandbox.faults.add("POST /token", status=500, nth=2)

    connect(sandbox)

    assert client.post("/token").status_code == 500


def test_other_operations_are_not_affected(
    sandbox: Sandbox, client: httpx.Client, case: str
) -> None:
    """Neither other paths, methods nor templates."""
    sandbox.faults.add("GET /v2/cases/{case_id}", status=503)

    assert client.get("/v2/cases").status_code == 200
    assert client.patch(case, json={"name": "Renamed"}).status_code == 200
    assert client.get(f"{case}/documents").status_code == 200
    assert client.get(case).status_code == 503


def test_a_star_matches_every_request(sandbox: Sandbox, client: httpx.Client) -> None:
    """Even one that no route matches."""
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
def test_a_fault_applies_as_planned(
    sandbox: Sandbox, client: httpx.Client, when: dict[str, Any], expected: list[int]
) -> None:
    """By default to the next request only."""
    sandbox.faults.add(USERS, status=503, **when)

    assert statuses(client, 4) == expected


def test_a_request_triggers_one_fault(sandbox: Sandbox, client: httpx.Client) -> None:
    """Faults that are due together apply in the order in which they were added."""
    sandbox.faults.add(USERS, status=500, nth=2)
    sandbox.faults.add(USERS, status=502)
    sandbox.faults.add("*", status=503)

    assert statuses(client, 4) == [502, 500, 503, 200]


def test_a_delayed_response_follows_processing(sandbox: Sandbox, client: httpx.Client) -> None:
    """A client that gives up finds the request processed."""
    sandbox.faults.add(CREATE, delay=30)
    before = len(sandbox.state.cases)

    with pytest.raises(httpx.ReadTimeout):
        client.post("/v2/cases", json=LOAN, timeout=0.2)

    assert len(sandbox.state.cases) == before + 1


def test_a_delayed_response_is_complete(sandbox: Sandbox, client: httpx.Client) -> None:
    """It is not sent before the delay is over."""
    sandbox.faults.add(USERS, delay=0.2)
    started = time.monotonic()

    late = client.get("/v2/users")

    assert time.monotonic() - started >= 0.2
    assert late.json() == list(sandbox.state.users)


def test_a_delayed_response_does_not_delay_stopping(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """The sandbox stops without waiting for it."""
    with Sandbox() as sandbox:
        client = connect(sandbox)
        sandbox.faults.add(USERS, delay=600)
        with pytest.raises(httpx.ReadTimeout):
            client.get("/v2/users", timeout=0.2)
        started = time.monotonic()

    assert time.monotonic() - started < 5


@pytest.mark.parametrize("drip", [5, 400], ids=["slow", "fast"])
def test_a_body_can_drip(sandbox: Sandbox, client: httpx.Client, drip: int) -> None:
    """It arrives complete, in pieces, at no more than the given rate."""
    body = b'"abc"' if drip == 5 else b" " * 98 + b"[]"
    sandbox.faults.add(USERS, drip=drip, body=body)
    started = time.monotonic()

    with client.stream("GET", "/v2/users") as response:
        pieces = list(response.iter_raw())

    assert time.monotonic() - started >= len(body) / drip * 0.9
    assert len(pieces) > 1
    assert b"".join(pieces) == body


@pytest.mark.parametrize("operation", [CREATE, "*"])
def test_a_reset_before_processing(sandbox: Sandbox, client: httpx.Client, operation: str) -> None:
    """The connection is reset without a response, and the request has no effect."""
    before = dict(sandbox.state.cases)
    sandbox.faults.add(operation, reset="before", delay=0.01)

    with pytest.raises(RESET):
        client.post("/v2/cases", json=LOAN)

    assert sandbox.state.cases == before
    assert client.post("/v2/cases", json=LOAN).status_code == 201


def test_a_reset_after_processing(sandbox: Sandbox, client: httpx.Client) -> None:
    """The connection is reset without a response, but the request has taken effect."""
    before = len(sandbox.state.cases)
    sandbox.faults.add(CREATE, reset="after")

    with pytest.raises(RESET):
        client.post("/v2/cases", json=LOAN)

    assert len(sandbox.state.cases) == before + 1


@pytest.mark.parametrize("size", [0, 10, 1_000_000])
def test_a_body_can_be_truncated(sandbox: Sandbox, client: httpx.Client, size: int) -> None:
    """Fewer bytes arrive than the header promises."""
    body = b"x" * 2_000_000
    sandbox.faults.add(USERS, body=body, truncate=size)

    with (
        client.stream("GET", "/v2/users") as response,
        pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"),
    ):
        response.read()

    assert response.headers["Content-Length"] == "2000000"
    assert response.num_bytes_downloaded == size


def test_body_and_headers_can_be_replaced(sandbox: Sandbox, client: httpx.Client) -> None:
    """The status stays the same."""
    headers = {"Content-Type": "text/html", "X-Correlation-Id": "theirs", "X-Empty": ""}
    sandbox.faults.add(USERS, body=b"<html>", headers=headers)

    replaced = client.get("/v2/users")

    assert (replaced.status_code, replaced.content) == (200, b"<html>")
    assert {name: replaced.headers[name] for name in headers} == headers


def test_an_error_can_have_another_body(sandbox: Sandbox, client: httpx.Client) -> None:
    """As from a gateway that does not know the envelope."""
    sandbox.faults.add(USERS, status=502, body=b"Bad Gateway")

    refused = client.get("/v2/users")

    assert (refused.status_code, refused.text) == (502, "Bad Gateway")


def test_a_204_with_a_body_becomes_a_200(sandbox: Sandbox, client: httpx.Client, case: str) -> None:
    """A 204 must not have a body."""
    sandbox.faults.add("DELETE /v2/cases/{case_id}", body=b"gone")

    deleted = client.delete(case)

    assert (deleted.status_code, deleted.text) == (200, "gone")


@pytest.mark.parametrize("reset", ["before", "after"])
@pytest.mark.anyio
async def test_the_sdk_never_repeats_a_lost_post(sandbox: Sandbox, reset: Any) -> None:
    """Its error says that the request may have been processed."""
    before = len(sandbox.state.cases)
    sandbox.faults.add(CREATE, reset=reset)

    async with connected(sandbox) as sikoia:
        with pytest.raises(ConnectionFailedError) as caught:
            await sikoia.cases.create(name="Loan", case_type="Business")

    assert caught.value.may_have_been_processed
    assert len(sandbox.state.cases) == before + (reset == "after")
    assert sandbox.faults.triggered == ((CREATE, f"reset='{reset}'"),)


@pytest.mark.anyio
async def test_the_sdk_retries_a_lost_get(sandbox: Sandbox) -> None:
    """After a reset, and after a 503."""
    sandbox.faults.add(USERS, reset="after")
    sandbox.faults.add(USERS, status=503, retry_after=0)

    async with connected(sandbox) as sikoia:
        users = await sikoia.users.list()

    assert len(users) == len(sandbox.state.users)
    assert [one.effect for one in sandbox.faults.triggered] == [
        "reset='after'",
        "status=503, retry_after=0",
    ]


def test_a_token_can_expire_early(
    sandbox: Sandbox, client: httpx.Client, connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """The request is not processed, the token stays expired, and other tokens stay valid."""
    doomed, before = connect(sandbox), dict(sandbox.state.cases)
    sandbox.faults.add(CREATE, token="expired")

    refused = doomed.post("/v2/cases", json=LOAN, headers={"X-Correlation-Id": "mine"})

    assert refused.status_code == 401
    assert refused.json() == {
        "type": "ExpiredToken",
        "status": 401,
        "title": "Expired Token",
        "detail": "The token has expired; request a new one.",
        "correlation_id": "mine",
    }
    again = doomed.get("/v2/users")
    assert (again.status_code, again.json()["type"]) == (401, "ExpiredToken")
    assert sandbox.state.cases == before
    assert client.get("/v2/users").status_code == 200


def test_a_restore_makes_an_expired_token_valid_again(
    connect: Callable[[Sandbox], httpx.Client],
) -> None:
    """Expiry is part of a snapshot."""
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


def test_requests_without_a_token_do_not_trigger_a_token_fault(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    """An unknown token is reported as expired too."""
    sandbox.faults.add("*", token="expired")
    assert client.get("/sandbox/health").status_code == 200
    assert client.post("/token").status_code == 400

    refused = client.get("/v2/users", headers={"Authorization": "Bearer stranger"})

    assert (refused.status_code, refused.json()["type"]) == (401, "ExpiredToken")
    assert sandbox.faults.triggered == ((USERS, "token='expired'"),)
    assert client.get("/v2/users").status_code == 200


@pytest.mark.anyio
async def test_the_sdk_replaces_an_expired_token(sandbox: Sandbox) -> None:
    """It repeats even an unsafe request, because the first one was not processed."""
    before = len(sandbox.state.cases)

    async with connected(sandbox) as sikoia:
        await sikoia.users.list()
        sandbox.faults.add(CREATE, token="expired")
        case = await sikoia.cases.create(name="Loan", case_type="Business")
        await sikoia.users.list()

    assert case.case_id in sandbox.state.cases
    assert len(sandbox.state.cases) == before + 1
    assert sikoia.stats().attempts == 4


def test_a_fault_can_start_later() -> None:
    """It counts requests only after its delay."""
    with Sandbox(time=Time(speed=0)) as sandbox, httpx.Client(verify=False) as client:  # noqa: S501 - not about TLS
        sandbox.faults.add("*", status=503, after=60, nth=2)
        url = f"{sandbox.url}/sandbox/health"

        sandbox.clock.advance(59)
        early = [client.get(url).status_code for _ in range(3)]
        sandbox.clock.advance(1)
        due = [client.get(url).status_code for _ in range(3)]

    assert (early, due) == ([200] * 3, [200, 503, 200])


def test_operations_can_be_listed(sandbox: Sandbox) -> None:
    """A fault can be planned for each of them, under the same name."""
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
def test_a_script_plans_the_same_faults(planned: list[tuple[str, dict[str, Any]]]) -> None:
    """With all their arguments, in the same order; their script is the same again."""
    first, second = FIRST.faults, SECOND.faults
    first.clear()
    second.clear()
    for operation, fault in planned:
        first.add(operation, **fault)

    exec(first.script(), {"sandbox": SECOND})  # noqa: S102 - scripts are to be executed

    assert second.planned == first.planned
    assert second.script() == first.script()
    assert len(first.script().splitlines()) == len(planned)


def test_a_script_includes_triggered_faults(sandbox: Sandbox, client: httpx.Client) -> None:
    """As they were planned; comments count the requests before a fault was added."""
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


def test_a_snapshot_does_not_count_later_requests() -> None:
    """Each restore starts from the same counts."""
    faults = create_app().faults
    faults.add("*", status=503, nth=2, times=2)
    health = {"type": "http", "method": "GET", "path": "/sandbox/health"}
    faults.take(health)
    saved = faults.save()
    faults.take(health)

    for _ in range(2):
        faults.restore(saved)
        triggered = [faults.take(health) is not None for _ in range(3)]
        assert triggered == [True, True, False]


@pytest.mark.anyio
async def test_the_scope_has_the_effect_of_the_fault() -> None:
    """Outer middleware can read it."""
    app = create_app()
    app.faults.add("*", delay=0, body=b"{}")
    scopes: list[Any] = []

    async def record_scope(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await app(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(record_scope)) as client:
        for _ in range(2):
            await client.get("https://local.example/sandbox/health")

    assert [scope.get(FAULT) for scope in scopes] == ["delay=0, body=b'{}'", None]


def test_the_plan_can_be_read(sandbox: Sandbox, client: httpx.Client) -> None:
    """Planned and triggered faults are two lists, and can be cleared."""
    faults = sandbox.faults
    faults.add(USERS, status=503)
    faults.add("GET /v2/cases/{id}", times=3, delay=0.5)
    client.get("/v2/users")

    assert [(one.operation, one.times, one.effect) for one in faults.planned] == [
        ("GET /v2/cases/{case_id}", 3, "delay=0.5")
    ]
    assert repr(faults) == (
        "<Faults planned=['GET /v2/cases/{case_id}: delay=0.5']"
        " triggered=['GET /v2/users: status=503']>"
    )
    faults.clear()
    assert (faults.planned, faults.triggered) == ((), ())


def test_an_operation_must_exist(sandbox: Sandbox) -> None:
    """The error has the closest names."""
    with pytest.raises(ValueError, match="'POST /v2/identities'; the closest are POST /v2/ident"):
        sandbox.faults.add("POST /v2/identities", status=503)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({}, "expected an effect"),
        ({"status": 503, "nth": 0}, "nth: expected at least 1"),
        ({"status": 503, "times": 0}, "times: expected at least 1"),
        ({"status": 503, "retry_after": -1}, "retry_after: expected at least 0"),
        ({"delay": -0.1}, "delay: expected at least 0"),
        ({"delay": float("nan")}, "delay: expected at least 0"),
        ({"delay": float("inf")}, "delay: expected at least 0"),
        ({"drip": 0}, "drip: expected at least 1"),
        ({"truncate": -1}, "truncate: expected at least 0"),
        ({"status": 200}, "status: expected an error status"),
        ({"status": 503, "after": -1}, "after: expected at least 0"),
        ({"reset": "during"}, "reset: expected 'before' or 'after'"),
        ({"token": "stolen"}, "token: expected 'expired'"),
        ({"token": "expired", "status": 401}, "omit status"),
        ({"token": "expired", "retry_after": 1}, "retry_after: requires a status"),
        ({"reset": "before", "token": "expired"}, "omit token"),
        ({"delay": 1, "retry_after": 1}, "retry_after: requires a status"),
        ({"reset": "after", "status": 503, "body": b""}, "omit status, body"),
        ({"body": b"12", "truncate": 2}, "less than the length"),
        ({"headers": {"two words": "x"}}, "'two words' or its value is not valid"),
        ({"headers": {"X": "a\r\nb"}}, "'X' or its value is not valid"),
        ({"headers": {"Content-length": "1"}}, "Content-length is set by the server"),
    ],
)
def test_invalid_arguments_are_refused(sandbox: Sandbox, fault: dict[str, Any], error: str) -> None:
    """Numbers out of range and contradictions; nothing is planned."""
    with pytest.raises(ValueError, match=error):
        sandbox.faults.add(USERS, **fault)

    assert sandbox.faults.planned == ()


@pytest.mark.parametrize("operation", ["POST /token", "GET /sandbox/health"])
def test_a_token_fault_needs_an_operation_with_a_token(sandbox: Sandbox, operation: str) -> None:
    """It could never be triggered."""
    with pytest.raises(ValueError, match=f"requests to {operation} have no token"):
        sandbox.faults.add(operation, token="expired")


def test_a_misspelt_argument_is_refused(sandbox: Sandbox) -> None:
    """By Python, and by type checkers before that."""
    add: Any = sandbox.faults.add

    with pytest.raises(TypeError, match="unexpected keyword argument 'dely'"):
        add(USERS, dely=1)


@pytest.mark.parametrize("body", ["[]", 7, {"a": 1}], ids=["text", "number", "object"])
def test_a_body_must_be_bytes(sandbox: Sandbox, body: Any) -> None:
    """Other types are refused by `add`."""
    with pytest.raises(TypeError, match="bytes-like object"):
        sandbox.faults.add(USERS, body=body)


@pytest.mark.anyio
async def test_most_faults_work_without_a_socket() -> None:
    """Only those that close the connection do not."""
    app = create_app(credentials=Credentials(api_key="legacy"), wire=Wire(echo_correlation=False))
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
            with pytest.raises(RuntimeError, match="reset and truncate need a connection"):
                await client.get(url)

    assert refused.status_code == 503
    assert (late.headers["X-Late"], late.json()) == ("yes", list(app.state.users))
