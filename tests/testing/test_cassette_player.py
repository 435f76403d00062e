"""Replays: their order and number, and recorded faults."""

import errno
import gzip
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import attrs
import httpx
import msgspec
import pytest
from faults import NoPauses, refuse, tuned
from testing.test_cassette import record, text_of, way_to

from sikoia_async import CallError, Interval, NewPerson, Sikoia, errors
from sikoia_async._transport.types import mark_unsent
from sikoia_async.errors import APIError, DeadlineExceededError, UnexpectedResponseError
from sikoia_async.sandbox import Rate, Time, Wire
from sikoia_async.testing import Cassette, CassetteError, MemorySandbox, client_of

pytestmark = pytest.mark.anyio

USERS = "GET /v2/users"
_MARK = "Wilhelmina"


@pytest.fixture
def sandbox() -> Iterator[MemorySandbox]:
    """Run a local Sikoia in memory."""
    with MemorySandbox(
        work_time=60, rate=Rate(requests_per_window=10**6), time=Time(speed=0.001)
    ) as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a cassette."""
    return tmp_path / "one.json"


async def test_polls_get_their_responses_in_order_and_the_last_repeats(
    path: Path, sandbox: MemorySandbox
) -> None:
    """The number of polls depends on time; the result does not."""
    seen: list[str | None] = []

    async def use(sikoia: Sikoia, polls: int, *, passes: bool = False) -> None:
        wilma = NewPerson(first_name="Wilma", last_name="Example")
        case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
        request = await sikoia.income.request(case.persons[0])
        assert request.last
        for _ in range(polls):
            if passes:
                sandbox.clock.advance(25)
            seen.append((await sikoia.income.retrieve(request.last.request_id)).status)

    await record(path, sandbox, lambda sikoia: use(sikoia, 3, passes=True))
    recorded, seen = seen, []

    with Cassette(path) as cassette:
        async with client_of(cassette) as sikoia:
            await use(sikoia, 6)

    assert recorded[:2] == ["Pending", "Pending"]
    assert recorded[2] != "Pending"
    assert seen == [*recorded, *recorded[2:] * 3]


async def test_a_post_is_replayed_as_often_as_it_was_recorded(
    path: Path, sandbox: MemorySandbox
) -> None:
    """One more equal request is an error."""

    async def use(sikoia: Sikoia) -> str:
        return (await sikoia.cases.create(name="Loan", case_type="Business")).case_id

    async def twice(sikoia: Sikoia) -> list[str]:
        return [await use(sikoia), await use(sikoia)]

    await record(path, sandbox, twice)

    cassette = Cassette(path).__enter__()
    async with client_of(cassette) as sikoia:
        assert len(set(await twice(sikoia))) == 2
        assert cassette.unused == ()
        with pytest.raises(CassetteError, match="POST /v2/cases was sent more often than"):
            await use(sikoia)


async def test_the_order_of_concurrent_calls_does_not_matter(
    path: Path, sandbox: MemorySandbox
) -> None:
    """The response of a request is found by its contents."""
    names = [f"Company {number} Ltd" for number in range(8)]

    async def use(sikoia: Sikoia, order: list[str]) -> dict[str, str | None]:
        found = dict[str, str | None]()

        async def search(name: str) -> None:
            matches = await sikoia.company_registry.search(company_name=name, country_code="GB")
            found[name] = matches[0].company_number

        async with anyio.create_task_group() as tasks:
            for name in order:
                tasks.start_soon(search, name)
        return found

    with Cassette(path, record=True, keep_company_names=True) as cassette:
        async with client_of(cassette, **way_to(sandbox)) as sikoia:
            recorded = await use(sikoia, names)

    with Cassette(path) as cassette:
        async with client_of(cassette) as sikoia:
            assert await use(sikoia, names[::-1]) == recorded
    assert len(set(recorded.values())) > 1


async def test_unused_interactions_are_listed(path: Path, sandbox: MemorySandbox) -> None:
    """They are in the order of the recording."""

    async def use(sikoia: Sikoia) -> None:
        await sikoia.users.list()
        await sikoia.webhooks.event_types()
        await sikoia.users.list()

    await record(path, sandbox, use)

    with Cassette(path) as cassette:
        assert [*cassette.unused] == [USERS, "GET /v2/webhooks/event-types", USERS]
        async with client_of(cassette) as sikoia:
            await sikoia.users.list()
            assert [*cassette.unused] == ["GET /v2/webhooks/event-types", USERS]


@attrs.frozen
class Outcome:
    """The outcome of a call."""

    error: type[Exception] | None
    attempts: list[tuple[int | None, str | None]] | int
    reached: str = ""
    may_have_been_processed: bool = False
    retry_after: float | None = None


async def outcome(sikoia: Sikoia, method: str) -> Outcome:
    """Make a call and return its outcome."""
    await sikoia.webhooks.event_types()  # obtains an access token
    before = sikoia.stats().attempts
    try:
        if method == "POST":
            await sikoia.cases.create(name="Loan", case_type="Business")
        else:
            await sikoia.users.list()
    except CallError as error:
        return Outcome(
            type(error),
            [(one.status, one.error) for one in error.attempts],
            error.reached,
            error.may_have_been_processed,
            error.retry_after if isinstance(error, APIError) else None,
        )
    return Outcome(None, sikoia.stats().attempts - before)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "faults",
    [
        [{"status": 503, "retry_after": 0}],
        [{"status": 503, "times": 3}],
        [{"status": 422}],
        [{"status": 429, "retry_after": 1000}],
        [{"status": 429, "retry_after": 1000, "times": 3}],
        [{"reset": "before"}],
        [{"reset": "before", "times": 3}],
        [{"reset": "after", "times": 3}],
        [{"truncate": 0, "times": 3}],
        [{"truncate": 10}, {"truncate": 1}],
        [{"truncate": 0}, {"reset": "after"}, {"status": 500}],
        [{"body": b"<html>Wilhelmina", "headers": {"Content-Type": "text/html"}}],
        [{"status": 502, "body": b"<html>Wilhelmina"}],
        [{"status": 500, "body": b'["Wilhelmina"]'}],
        [{"status": 500, "body": b'{"detail": "Wilhelmina", "trace": "Wilhelmina"}'}],
        [{"body": b'{"surprise": "Wilhelmina", "user_id": {"Wilhelmina": 1}}'}],
        [{"body": b'[{"user_id": "a", "surprise": {"Wilhelmina": ["Wilhelmina"]}}]'}],
        [{"headers": {"X-Wilhelmina": "Wilhelmina", "Set-Cookie": "a=Wilhelmina"}}],
        [{"status": 401, "body": b'{"type": "ExpiredToken"}'}],
    ],
    ids=lambda faults: " ".join(
        f"{name}={str(value)[:12]}" for fault in faults for name, value in fault.items()
    ),
)
async def test_faults_are_replayed(
    path: Path,
    sandbox: MemorySandbox,
    faults: list[dict[str, Any]],
    method: str,
) -> None:
    """Attempts and errors are the same; nothing of unknown bodies is recorded."""
    for fault in faults:
        sandbox.faults.add(USERS if method == "GET" else "POST /v2/cases", **fault)

    async def use(sikoia: Sikoia) -> Outcome:
        return await outcome(tuned(sikoia, retry_policy=NoPauses()), method)

    recorded = await record(path, sandbox, use)

    assert sandbox.faults.triggered
    assert _MARK not in text_of(path)
    with Cassette(path) as cassette:
        async with client_of(cassette) as sikoia:
            assert await use(sikoia) == recorded
        assert cassette.unused == ()


@pytest.mark.virtual_time
async def test_pauses_are_not_repeated(path: Path, sandbox: MemorySandbox) -> None:
    """A pause that was not followed by a retry is kept on the error."""
    sandbox.faults.add(USERS, status=503, retry_after=7, times=2)
    sandbox.faults.add("GET /v2/webhooks", status=503, retry_after=7)

    async def use(sikoia: Sikoia) -> tuple[float, float | None]:
        began = anyio.current_time()
        await sikoia.users.list()
        took = anyio.current_time() - began
        with pytest.raises(errors.ServerError) as caught:
            await sikoia.with_options(retries=0).webhooks.list()
        return took, caught.value.retry_after

    took, retry_after = await record(path, sandbox, use)
    assert (took >= 14, retry_after) == (True, 7)

    with Cassette(path) as cassette:
        async with client_of(cassette) as sikoia:
            assert await use(sikoia) == (0, 7)


@pytest.mark.virtual_time
async def test_a_call_that_is_given_up_is_not_recorded(path: Path, sandbox: MemorySandbox) -> None:
    """Its outcome is unknown, whether it ends before its response or during the body."""
    sandbox.faults.add(USERS, delay=600)
    sandbox.faults.add(USERS, drip=1)

    async def use(sikoia: Sikoia) -> None:
        for _ in range(2):
            with pytest.raises(DeadlineExceededError):
                await sikoia.users.list()

    await record(path, sandbox, use, timeout=5, retries=0)

    assert not await anyio.Path(path).exists()


@pytest.mark.virtual_time
async def test_reading_a_body_does_not_count_as_sending_it(path: Path) -> None:
    """A call that got no connection was not sent, although the recorder has read its body."""

    class Full(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            """Wait for a connection forever."""
            mark_unsent(request)
            await anyio.sleep_forever()
            raise AssertionError(request)

    way: dict[str, Any] = {"token": "mine", "transport": Full()}
    with Cassette(path, record=True) as cassette:
        async with client_of(cassette, **way, timeout=3) as sikoia:
            with pytest.raises(DeadlineExceededError) as caught:
                await sikoia.cases.create(name="Loan", case_type="Business")

    assert (caught.value.reached, caught.value.may_have_been_processed) == ("unsent", False)


async def test_correlation_ids_are_those_of_the_replay(path: Path, sandbox: MemorySandbox) -> None:
    """None is recorded, because callers choose them; a response has the one that was sent."""

    async def use(sikoia: Sikoia, name: str) -> tuple[str, str, str]:
        view = sikoia.with_options(correlation_id=name)
        users = await view.users.list()
        with pytest.raises(errors.ResourceNotFoundError) as caught:
            await view.cases.retrieve("11111111-2222-4333-8444-555555555555")
        body = msgspec.json.decode(caught.value.body)["correlation_id"]
        return users.response.correlation_id, caught.value.correlation_id, body

    await record(path, sandbox, lambda sikoia: use(sikoia, "wilma-clicks"))

    assert "wilma-clicks" not in text_of(path)
    with Cassette(path) as cassette:
        async with client_of(cassette) as sikoia:
            assert await use(sikoia, "fred-clicks") == ("fred-clicks",) * 3


async def test_a_task_is_followed(path: Path) -> None:
    """The Location of a 202 leads to the interactions that were recorded for it."""
    with MemorySandbox(work_time=0.2, wire=Wire(answers_202=True)) as sandbox:

        async def use(sikoia: Sikoia) -> Any:
            wilma = NewPerson(first_name="Wilma", last_name="Example")
            case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
            person = case.persons[0]
            body = {"entity_type": "person", "entity_id": person.person_id}
            task = await sikoia.start(
                "POST", "/v2/affordability-insights", into=dict[str, Any], body=body
            )
            return (await task)["status"]

        recorded = await record(path, sandbox, use)

    with Cassette(path) as cassette:
        async with client_of(cassette) as sikoia:
            assert await use(sikoia) == recorded


# Without the time, because it is in the ids of tests, which must be the same for all workers.
_GZIPPED = gzip.compress(b"[]", mtime=0)


@pytest.mark.parametrize(
    ("body", "encoding", "content"),
    [
        (_GZIPPED, "gzip", "json"),
        (_GZIPPED[:-5], "gzip", "text"),
        (b"[]", "gzip", "text"),
        (b"[]", "br", "text"),
        (b"", "", "nothing"),
    ],
)
async def test_bodies_are_decompressed(
    path: Path, body: bytes, encoding: str, content: str
) -> None:
    """A body that cannot be decompressed is recorded as text."""

    class Raw(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            """Respond with compressed bytes."""
            assert request.method == "GET"
            headers = {"content-encoding": encoding, "content-length": str(len(body))}
            return httpx.Response(200, headers=headers, stream=httpx.ByteStream(body))

    with Cassette(path, record=True) as cassette:
        async with client_of(cassette, token="mine", transport=Raw(), retries=0) as sikoia:
            recorded = await _outcome(sikoia)

    [interaction] = msgspec.json.decode(text_of(path))["interactions"]
    assert interaction.get("content", "nothing") == content
    with Cassette(path) as cassette:
        async with client_of(cassette, retries=0) as sikoia:
            assert await _outcome(sikoia) == recorded


async def test_a_body_that_is_nested_too_deeply_is_text(path: Path) -> None:
    """A model may contain itself, and a response may be nested to any depth."""
    deep = b'[{"event_types":' * 50_000 + b"[]" + b"}]" * 50_000
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=deep))

    with Cassette(path, record=True) as cassette:
        async with client_of(cassette, token="mine", transport=transport, retries=0) as sikoia:
            with pytest.raises(UnexpectedResponseError):
                await sikoia.webhooks.event_types()

    [interaction] = msgspec.json.decode(text_of(path))["interactions"]
    assert interaction["content"] == "text"


@pytest.mark.parametrize("name", ["of wilma.pdf?sig=a%2fb", "é.pdf#page=1", "", "a/../b.pdf"])
async def test_a_link_is_followed_in_any_spelling(path: Path, name: str) -> None:
    """The file is replayed under the link that replaces the original."""
    document = {"document_id": "one", "document_uri": f"https://FILES.example:443/{name}"}

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.host == "files.example":
            return httpx.Response(200, content=b"%PDF-1.7 of Wilma")
        return httpx.Response(200, json=document)

    async def use(sikoia: Sikoia) -> bytes:
        document = await sikoia.documents.retrieve("one")
        return await sikoia.download(document.document_uri)

    with Cassette(path, record=True) as cassette:
        way = httpx.MockTransport(respond)
        async with client_of(cassette, token="mine", transport=way) as sikoia:
            assert b"Wilma" in await use(sikoia)

    with Cassette(path) as cassette:
        async with client_of(cassette) as sikoia:
            assert (await use(sikoia)).startswith(b"%PDF")
    assert "files" not in text_of(path).lower()


async def _outcome(sikoia: Sikoia) -> type[Any]:
    try:
        return type(await sikoia.users.list())
    except CallError as error:
        return type(error)


def _tls_error() -> ssl.SSLError:
    error = ssl.SSLError(errno.EPERM, "[SSL] of 10.0.0.7")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "10.0.0.7 refused"), "Connection refused"),
        (_tls_error(), "ConnectError"),
        (None, "ConnectError"),
    ],
)
async def test_a_refused_connection_is_replayed(
    path: Path, cause: OSError | None, reason: str
) -> None:
    """Nothing was sent, so the call can be repeated; no address is recorded."""

    def reply(request: httpx.Request) -> httpx.Response:
        error = httpx.ConnectError("10.0.0.7")
        error.__cause__ = cause
        refuse(request, error)

    async def use(sikoia: Sikoia) -> tuple[str, bool, str]:
        with pytest.raises(errors.ConnectionFailedError) as caught:
            await sikoia.cases.create(name="Loan", case_type="Business")
        return caught.value.reached, caught.value.may_have_been_processed, str(caught.value)

    with Cassette(path, record=True) as cassette:
        way: dict[str, Any] = {"token": "mine", "transport": httpx.MockTransport(reply)}
        async with client_of(cassette, **way, retries=0) as sikoia:
            recorded = await use(sikoia)

    assert "10.0.0.7" not in text_of(path)
    with Cassette(path) as cassette:
        async with client_of(cassette, retries=0) as sikoia:
            reached, may_have_been_processed, message = await use(sikoia)
    assert (reached, may_have_been_processed) == recorded[:2] == ("unsent", False)
    assert f"nothing was sent: {reason}" in message


async def test_an_unproven_fault_is_replayed_in_doubt(path: Path) -> None:
    """The class of a recorded exception proves nothing, as when it was recorded."""

    def reply(_: httpx.Request) -> httpx.Response:
        msg = "refused"
        raise httpx.ConnectError(msg)

    async def use(sikoia: Sikoia) -> tuple[str, bool]:
        with pytest.raises(errors.ConnectionFailedError) as caught:
            await sikoia.cases.create(name="Loan", case_type="Business")
        return caught.value.reached, caught.value.may_have_been_processed

    with Cassette(path, record=True) as cassette:
        transport = httpx.MockTransport(reply)
        async with client_of(cassette, token="mine", transport=transport) as sikoia:
            assert await use(sikoia) == ("sent", True)
    with Cassette(path) as cassette:
        async with client_of(cassette) as sikoia:
            assert await use(sikoia) == ("sent", True)


async def test_another_exception_is_not_recorded(path: Path) -> None:
    """An exception that is not a transport fault is passed through."""

    def broken(_: httpx.Request) -> httpx.Response:
        raise LookupError

    with Cassette(path, record=True) as cassette:
        transport = httpx.MockTransport(broken)
        async with client_of(cassette, token="mine", transport=transport) as sikoia:
            with pytest.raises(LookupError):
                await sikoia.users.list()

    assert not await anyio.Path(path).exists()


@pytest.mark.virtual_time
async def test_recording_polls_at_the_usual_pace_and_replaying_does_not_wait(
    path: Path,
) -> None:
    """An environment is polled at the usual intervals, unless an interval is passed."""

    async def use(sikoia: Sikoia) -> float:
        began = anyio.current_time()
        wilma = NewPerson(first_name="Wilma", last_name="Example")
        case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
        operation = await sikoia.income.request(case.persons[0])
        await operation.wait(raise_on_failure=False)
        return anyio.current_time() - began

    times = list[float]()
    for interval in ({"interval": Interval(first=0.3, most=0.3)}, {}):
        with MemorySandbox(work_time=0) as sandbox, Cassette(path, record=True) as cassette:
            way = way_to(sandbox)
            del way["interval"]
            async with client_of(cassette, **way, **interval) as sikoia:
                times.append(await use(sikoia))
    with Cassette(path) as cassette:
        async with client_of(cassette) as sikoia:
            times.append(await use(sikoia))

    chosen, recorded, replayed = times
    assert replayed <= 0.1 < chosen <= 0.3 < recorded


async def test_two_clients_share_a_cassette(path: Path, sandbox: MemorySandbox) -> None:
    """The calls of both are recorded, and links work in either client."""

    async def use(first: Sikoia, second: Sikoia) -> list[bytes]:
        wilma = NewPerson(first_name="Wilma", last_name="Example")
        case = await first.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
        person = case.persons[0]
        one, two = [
            await sikoia.documents.upload(person, b"%PDF-1.7", file_name="one.pdf")
            for sikoia in (first, second)
        ]
        return [await second.download(one.document_uri), await first.download(two.document_uri)]

    with Cassette(path, record=True) as cassette:
        async with (
            client_of(cassette, **way_to(sandbox)) as first,
            client_of(cassette, **way_to(sandbox)) as second,
        ):
            assert await use(first, second) == [b"%PDF-1.7"] * 2

    with Cassette(path) as cassette:
        async with client_of(cassette) as first, client_of(cassette) as second:
            assert all(one.startswith(b"%PDF-1.4") for one in await use(first, second))
        assert cassette.unused == ()


async def test_a_replaying_client_takes_other_options(path: Path, sandbox: MemorySandbox) -> None:
    """All options are used, except for the environment, credentials and connections."""
    await record(path, sandbox, lambda sikoia: sikoia.users.list())

    with Cassette(path) as cassette:
        way: dict[str, Any] = {**way_to(sandbox), "interval": Interval(first=3), "timeout": 3}
        async with client_of(cassette, **way, http_client=httpx.AsyncClient()) as sikoia:
            assert sikoia.environment.name == "cassette"
            assert await sikoia.users.list()
