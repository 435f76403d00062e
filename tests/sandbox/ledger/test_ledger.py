"""The ledger records every request with its outcome and cost."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio
import httpx
import pytest

from sikoia_async import NewCompany, NewPerson, Sikoia
from sikoia_async.errors import DeadlineExceededError
from sikoia_async.resources.cases import Case
from sikoia_async.sandbox import Sandbox, Time, Wire
from sikoia_async.sandbox.faults.operations import Operations
from sikoia_async.sandbox.ledger.ledger import Ledger
from sikoia_async.sandbox.ledger.prices import CHARGEABLE
from sikoia_async.testing import MemorySandbox, client_of

IDENTITY = "POST /v2/identity"
USERS = "GET /v2/users"
METHODS = (
    "affordability.request",
    "checks.run_with_income",
    "company_registry.request",
    "company_registry.resolve_picklist",
    "company_registry.search",
    "credit_reports.request",
    "credit_reports.resolve_picklist",
    "identity.request",
    "income.request",
    "online_data.request",
    "reports.excel",
    "screening.search_adverse_media",
    "screening.search_peps_sanctions",
)
EPOCH = datetime(2026, 3, 4, tzinfo=UTC)
KEY = {"Idempotency-Key": "one"}
# Before Python 3.13, a reset under TLS looks like the end of the stream.
RESET = (httpx.ReadError, httpx.RemoteProtocolError)
BOTH = pytest.mark.parametrize("kind", [MemorySandbox, Sandbox], ids=["memory", "tls"])

Connect = Callable[[Sandbox], httpx.Client]


@pytest.fixture(autouse=True)
def _empty_ledger(sandbox: Sandbox, client: httpx.Client) -> None:
    """Begin with an empty ledger and an authorised client."""
    assert client.headers["Authorization"]
    sandbox.faults.clear()
    sandbox.ledger.clear()


def person_of(client: httpx.Client) -> dict[str, str]:
    """Create a case with a person, and return the field that identifies the person."""
    body = {
        "name": "Loan",
        "case_type": "Consumer",
        "persons": [{"first_name": "Wilma", "last_name": "Example"}],
    }
    created = client.post("/v2/cases", json=body).json()
    return {"person_id": created["persons"][0]["person_id"]}


async def case_of(sikoia: Sikoia) -> Case:
    """Create a case with a company and a person."""
    acme = NewCompany(company_name="Acme Ltd", company_number="12345678", jurisdiction_code="GB")
    wilma = NewPerson(first_name="Wilma", last_name="Example", email="wilma@sandbox.example")
    return await sikoia.cases.create(
        name="Loan", case_type="Business", companies=[acme], persons=[wilma]
    )


def outcomes(sandbox: Sandbox) -> list[tuple[str | None, int | None, int]]:
    """Return the operation, status and cost of each request."""
    return [(one.operation, one.status, one.cost) for one in sandbox.ledger]


def failure(check: Callable[..., None], *args: Any, **kwargs: Any) -> list[str]:
    """Return the lines of the message with which an assertion fails."""
    with pytest.raises(AssertionError) as caught:
        check(*args, **kwargs)
    return str(caught.value).splitlines()


def new_ledger(
    *, now: Callable[[], datetime] = lambda: EPOCH, max_content_bytes: int = 2**20
) -> Ledger:
    """Make a ledger that no sandbox fills."""
    return Ledger(
        Operations([]),
        prices={},
        url="https://sandbox.example",
        now=now,
        personal_values=set,
        max_content_bytes=max_content_bytes,
    )


def scope_of(path: str, query: bytes = b"") -> dict[str, Any]:
    """Make the ASGI scope of a request."""
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": query,
        "headers": [],
    }


def record(ledger: Ledger, *, query: bytes = b"", body: bytes = b"") -> None:
    """Record a request from beginning to end."""
    exchange = ledger.begin(scope_of("/v2/cases", query))
    exchange.record_received({"type": "http.request", "body": body})
    ledger.end(exchange)


def test_every_request_is_recorded(
    sandbox: Sandbox, connect: Connect, client: httpx.Client
) -> None:
    """In order, with token requests, refusals and unknown paths, but without health checks."""
    connect(sandbox)
    client.get("/v2/users?x=%20y", headers={"X-Correlation-Id": "mine"})
    client.get("/v2/users", headers={"Authorization": "Bearer none"})
    client.get("/v2/cases/one%2Ftwo")
    client.put("/v2/users")
    client.get("/sandbox/health")

    assert outcomes(sandbox) == [
        ("POST /token", 201, 0),
        (USERS, 200, 0),
        (USERS, 401, 0),
        (None, 404, 0),
        (None, 405, 0),
    ]
    _, users, _, unknown, _ = sandbox.ledger
    assert (users.method, users.path, users.query) == ("GET", "/v2/users", "x=%20y")
    assert users.sent_correlation_id == users.correlation_id == "mine"
    assert users.fault is None
    assert abs((users.moment - sandbox.clock.now).total_seconds()) < 60
    assert unknown.path == "/v2/cases/one%2Ftwo"
    assert unknown.correlation_id is not None
    assert unknown.sent_correlation_id is None


def test_the_ledger_is_a_sequence(sandbox: Sandbox, client: httpx.Client) -> None:
    """Requests also have numbers, which continue after the ledger is cleared."""
    for _ in range(3):
        client.get("/v2/users")
    first, second, third = (one.number for one in sandbox.ledger)

    assert len(sandbox.ledger) == 3
    assert sandbox.ledger[-1].number == third
    assert [one.number for one in sandbox.ledger[1:]] == [second, third]
    assert [one.number for one in sandbox.ledger.since(first)] == [second, third]
    assert sandbox.ledger.since(third) == ()
    request = sandbox.ledger.get(second)
    assert request is not None
    assert request.number == second
    assert (second, third) == (first + 1, first + 2)
    assert repr(sandbox.ledger) == "<Ledger of 3 requests, 0 credits>"

    sandbox.ledger.clear()
    client.get("/v2/users")

    assert [one.number for one in sandbox.ledger] == [third + 1]
    assert sandbox.ledger.get(second) is None
    assert sandbox.ledger.content(second) is None


@pytest.mark.anyio
async def test_requests_have_a_moment_and_a_duration() -> None:
    """The moment is the clock's; the duration is real time, known when the response is complete."""
    with MemorySandbox(time=Time(speed=0, epoch=EPOCH)) as sandbox:
        sandbox.clock.advance(5)
        async with httpx.AsyncClient(transport=sandbox.transport) as client:
            async with client.stream("GET", f"{sandbox.url}/v2/users") as response:
                assert response.status_code == 401
                (in_progress,) = sandbox.ledger
            (finished,) = sandbox.ledger

    assert (in_progress.status, in_progress.seconds) == (401, None)
    assert (in_progress.moment - EPOCH).total_seconds() == 5
    assert finished.seconds is not None
    assert finished.seconds > 0


def test_both_correlation_ids_are_recorded(connect: Connect) -> None:
    """They differ if the local Sikoia does not echo the id of the request."""
    with Sandbox(wire=Wire(echo_correlation=False)) as sandbox:
        connect(sandbox).get("/v2/users", headers={"X-Correlation-Id": "Wilma Example"})
        request = sandbox.ledger[-1]

    assert request.sent_correlation_id == "Wilma Example"
    assert request.correlation_id not in {None, request.sent_correlation_id}
    # A client may send anything as an id, so messages show plain ids only.
    assert str(request).endswith(
        f"sent correlation id not shown, correlation id {request.correlation_id}"
    )


@BOTH
@pytest.mark.anyio
async def test_chargeable_operations_cost_one_credit(kind: Callable[..., Sandbox]) -> None:
    """When they succeed; all others are free."""
    with kind(work_time=0) as sandbox:
        async with client_of(sandbox, quota=None) as sikoia:
            case = await case_of(sikoia)
            assert case.companies
            assert case.persons
            company, person = case.companies[0], case.persons[0]
            await sikoia.documents.upload(
                person, b"%PDF-1.7", file_name="a.pdf", document_type="Payslip"
            )
            for api in (sikoia.company_registry, sikoia.credit_reports):
                operation = await api.request(
                    company, company_name="Several Example Ltd", country_code="GB"
                )
                assert operation.first.picklist
                await operation.first.resolve(operation.first.picklist[0].index or 0)
            await sikoia.company_registry.search(company_name="Widgets", country_code="GB")
            await sikoia.online_data.request(company.company_id)
            await sikoia.screening.search_peps_sanctions(person)
            await sikoia.screening.search_adverse_media(person)
            await sikoia.identity.request(person.person_id)
            await sikoia.affordability.request(person)
            await sikoia.income.request(person)
            kinds = await sikoia.checks.types()
            one = next(each for each in kinds if each.entity_type == "person")
            await sikoia.checks.run_with_income(person, one)
            await sikoia.reports.excel(person)
            bought = dict(sikoia.spend)

    charged = Counter(one.operation for one in sandbox.ledger for _ in range(one.cost))
    assert charged == dict.fromkeys(CHARGEABLE, 1)
    # The client counts by method.
    assert bought == dict.fromkeys(METHODS, 1)
    assert sandbox.ledger.spend == len(CHARGEABLE)
    sandbox.ledger.assert_nothing_charged_twice()


def test_prices_can_be_set(connect: Connect) -> None:
    """For any operation; asserting that a free one was charged is refused."""
    prices = {IDENTITY: 7, "POST /v2/cases": 2, "POST /v2/peps-sanctions": 0}
    with Sandbox(prices=prices) as sandbox:
        client = connect(sandbox)
        person = person_of(client)
        client.post("/v2/identity", json=person)
        entity = {"entity_type": "person", "entity_id": person["person_id"]}
        assert client.post("/v2/peps-sanctions", json=entity).status_code == 201

        assert [one.cost for one in sandbox.ledger] == [0, 2, 7, 0]
        assert sandbox.ledger.spend == 9
        sandbox.ledger.assert_charged_once("POST /v2/cases")
        with pytest.raises(ValueError, match=r"peps-sanctions is free here; .* one of GET"):
            sandbox.ledger.assert_charged_once("POST /v2/peps-sanctions")


def test_a_refused_token_request_costs_nothing(connect: Connect) -> None:
    """The token endpoint has its own error format."""
    with Sandbox(prices={"POST /token": 3}) as sandbox:
        assert connect(sandbox).post("/token").status_code == 400

        assert [one.cost for one in sandbox.ledger] == [3, 0]


def test_a_reset_after_the_work_is_charged(sandbox: Sandbox, client: httpx.Client) -> None:
    """Although the client gets no response; a reset before the work costs nothing."""
    person = person_of(client)
    for moment in ("after", "before"):
        sandbox.faults.add(IDENTITY, reset=moment)
        with pytest.raises(RESET):
            client.post("/v2/identity", json=person, headers={"X-Correlation-Id": moment})

    paid, unpaid = sandbox.ledger[1:]
    assert (paid.cost, paid.status, paid.correlation_id) == (1, None, None)
    assert (paid.fault, paid.sent_correlation_id) == ("reset='after'", "after")
    assert (unpaid.cost, unpaid.status, unpaid.fault) == (0, None, "reset='before'")
    assert paid.charged_for == (person["person_id"],)
    assert unpaid.charged_for == ()


def test_refusals_cost_nothing(sandbox: Sandbox, client: httpx.Client) -> None:
    """Neither real ones nor those of the fault plan; a truncated success is charged."""
    person = person_of(client)
    sandbox.faults.add(IDENTITY, status=503)
    client.post("/v2/identity", json=person)
    sandbox.faults.add(IDENTITY, token="expired")
    client.post("/v2/identity", json=person, headers={"Authorization": "Bearer other"})
    client.post("/v2/identity", json={"person_id": "nobody"})
    client.post("/v2/identity", content=b"[")
    client.post("/v2/identity", json=person, headers={"Authorization": "Bearer none"})
    assert sandbox.ledger.spend == 0
    assert [one.status for one in sandbox.ledger[1:]] == [503, 401, 400, 400, 401]

    sandbox.faults.add(IDENTITY, truncate=5)
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/v2/identity", json=person)

    last = sandbox.ledger[-1]
    assert (last.status, last.cost, last.fault) == (201, 1, "truncate=5")
    content = sandbox.ledger.content(last.number)
    assert content is not None
    assert len(content.response_body) == 5


@pytest.mark.parametrize("accepted", [False, True])
def test_a_repeat_with_an_idempotency_key_costs_nothing(
    connect: Connect, *, accepted: bool
) -> None:
    """The work is done once, even if the first response was lost."""
    with Sandbox(wire=Wire(idempotency_header="Idempotency-Key", answers_202=accepted)) as sandbox:
        client = connect(sandbox)
        person = person_of(client)
        sandbox.faults.add(IDENTITY, reset="after")
        with pytest.raises(RESET):
            client.post("/v2/identity", json=person, headers=KEY)
        again = client.post("/v2/identity", json=person, headers=KEY)

        assert again.status_code == (202 if accepted else 201)
        assert [one.cost for one in sandbox.ledger[2:]] == [1, 0]
        sandbox.ledger.assert_charged_once(IDENTITY)
        sandbox.ledger.assert_charged_once(IDENTITY, entity_id=person["person_id"])
        sandbox.ledger.assert_nothing_charged_twice()

        client.post("/v2/identity", json=person)

        lines = failure(sandbox.ledger.assert_charged_once, IDENTITY)
        assert len(lines) == 4


@pytest.mark.virtual_time
@pytest.mark.anyio
async def test_an_abandoned_request_is_recorded_with_its_cost() -> None:
    """It has no status."""
    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            case = await case_of(sikoia)
            assert case.persons
            sandbox.faults.add(IDENTITY, delay=60, times=2)
            with pytest.raises(DeadlineExceededError):
                await sikoia.with_options(timeout=5).identity.request(case.persons[0].person_id)
            with anyio.move_on_after(5) as abandoned:
                await sikoia.identity.request(case.persons[0].person_id)

    assert abandoned.cancelled_caught
    assert outcomes(sandbox)[2:] == [(IDENTITY, None, 1)] * 2
    assert all(one.seconds is not None for one in sandbox.ledger)


def test_a_disconnected_client_gets_no_response(sandbox: Sandbox, client: httpx.Client) -> None:
    """On a real socket, where the server notices the disconnect while it waits."""
    sandbox.faults.add(USERS, delay=600)
    with pytest.raises(httpx.ReadTimeout):
        client.get("/v2/users", timeout=0.2)
    # The server ends the request soon after it notices.
    for _ in range(5000):
        if sandbox.ledger[0].seconds is not None:
            break
        client.get("/sandbox/health")

    request = sandbox.ledger[0]
    assert request.seconds is not None
    assert (request.status, request.correlation_id, request.fault) == (None, None, "delay=600")
    content = sandbox.ledger.content(request.number)
    assert content is not None
    assert (content.response_body, content.response_headers) == (b"", ())


def test_charges_are_counted_per_entity(sandbox: Sandbox, client: httpx.Client) -> None:
    """One charge for each of two people is two charges in all, but nothing charged twice."""
    one, other = person_of(client), person_of(client)
    for person in (one, other):
        client.post("/v2/identity", json=person)
    check = sandbox.ledger.assert_charged_once

    check(IDENTITY, entity_id=one["person_id"])
    check("POST /v2/identity", entity_id=other["person_id"])
    sandbox.ledger.assert_nothing_charged_twice()
    assert failure(check, IDENTITY)[0] == f"{IDENTITY} was charged 2 times, expected once:"
    assert failure(check, IDENTITY, entity_id="nobody")[0] == (
        f"{IDENTITY} was not charged for the entity nobody, expected once:"
    )


def test_ids_in_the_path_count(sandbox: Sandbox, client: httpx.Client) -> None:
    """A request for a report has no body."""
    person_id = person_of(client)["person_id"]
    client.get(f"/v2/persons/{person_id}/excel-report")
    sandbox.ledger.assert_charged_once("GET /v2/{type}/{id}/excel-report", entity_id=person_id)

    client.get(f"/v2/Persons/{person_id}/excel-report")

    assert len(failure(sandbox.ledger.assert_nothing_charged_twice)) == 3


def test_messages_list_the_requests(sandbox: Sandbox, client: httpx.Client) -> None:
    """With correlation ids, statuses, faults and costs, but without personal data."""
    person = person_of(client)
    sandbox.faults.add(IDENTITY, reset="after")
    with pytest.raises(RESET):
        client.post("/v2/identity", json=person, headers={"X-Correlation-Id": "first"})
    client.post("/v2/identity", json=person, headers={"X-Correlation-Id": "second"})
    client.post("/v2/identity", json={}, headers={"X-Correlation-Id": "third"})
    first, second, third = (one.number for one in sandbox.ledger[1:])

    fault = "fault: reset='after'"
    charged = [
        f"  #{first} {IDENTITY}: no response, 1 credit, sent correlation id first, {fault}",
        f"  #{second} {IDENTITY}: 201, 1 credit, correlation id second",
    ]
    assert failure(sandbox.ledger.assert_charged_once, IDENTITY) == [
        f"{IDENTITY} was charged 2 times, expected once:",
        *charged,
        f"  #{third} {IDENTITY}: 400, 0 credits, correlation id third",
    ]
    assert failure(sandbox.ledger.assert_nothing_charged_twice) == [
        "charged more than once for the same path and body:",
        *charged,
    ]


def test_a_model_as_an_id_is_refused(sandbox: Sandbox, client: httpx.Client) -> None:
    """It would match no charge; the message does not show it."""
    person: Any = person_of(client)
    assert client.post("/v2/identity", json=person).status_code == 201

    with pytest.raises(TypeError, match=r"^entity_id: expected a string, not dict$"):
        sandbox.ledger.assert_charged_once(IDENTITY, entity_id=person)


def test_an_operation_that_was_never_requested_was_not_charged(sandbox: Sandbox) -> None:
    """The message says so."""
    assert failure(sandbox.ledger.assert_charged_once, IDENTITY) == [
        f"{IDENTITY} was not charged, expected once: it was never requested"
    ]
    with pytest.raises(ValueError, match="the closest are POST /v2/identity, "):
        sandbox.ledger.assert_charged_once("POST /v2/idenity")


def test_messages_list_at_most_twenty_requests(sandbox: Sandbox, client: httpx.Client) -> None:
    """And count the rest."""
    for _ in range(23):
        client.post("/v2/identity", json={})

    lines = failure(sandbox.ledger.assert_charged_once, IDENTITY)

    assert len(lines) == 22
    assert lines[-1] == "  and 3 more"


@pytest.mark.parametrize(
    "bodies",
    [
        (b'{"person_id": "%s", "country_code": "GB"}', b'{"country_code":"GB","person_id":"%s"}'),
        (b'{"person_id": "%s"}', b'{"person_id": "%s", "country_code": "GB"}'),
    ],
    ids=["same", "other"],
)
def test_equal_bodies_are_the_same_charge(
    sandbox: Sandbox, client: httpx.Client, bodies: tuple[bytes, bytes]
) -> None:
    """However their JSON is written."""
    person_id = person_of(client)["person_id"].encode()
    for body in bodies:
        assert client.post("/v2/identity", content=body % person_id).status_code == 201

    if b"country_code" in bodies[0]:
        failure(sandbox.ledger.assert_nothing_charged_twice)
    else:
        sandbox.ledger.assert_nothing_charged_twice()


@pytest.mark.parametrize("way", ["restore", "elsewhere", "reset"])
def test_the_ledger_is_part_of_snapshots(connect: Connect, way: str) -> None:
    """With bodies. Later requests are gone after a restore, but numbers continue."""
    with Sandbox(seed=3) as sandbox, Sandbox(seed=3) as other:
        client = connect(sandbox)
        client.post("/v2/identity", json=person_of(client))
        snapshot = sandbox.snapshot()
        before, last = sandbox.ledger[:], sandbox.ledger[-1].number
        content = sandbox.ledger.content(last)
        client.get("/v2/users")
        back = other if way == "elsewhere" else sandbox
        if way == "reset":
            back.reset()
        else:
            back.restore(snapshot)

        assert back.ledger[:] == (() if way == "reset" else before)
        assert back.ledger.content(last) == (None if way == "reset" else content)
        assert back.ledger.spend == (0 if way == "reset" else 1)
        connect(back)
        assert back.ledger[-1].number == last + (1 if way == "elsewhere" else 2)


@pytest.mark.anyio
async def test_a_snapshot_has_requests_in_progress() -> None:
    """As far as they have come; a restore drops requests that are in progress then."""
    with MemorySandbox() as sandbox:
        async with httpx.AsyncClient(transport=sandbox.transport) as client:
            url = f"{sandbox.url}/v2/users"
            async with client.stream("GET", url):
                snapshot = sandbox.snapshot()
                assert sandbox.ledger.content(1) is not None
                sandbox.restore(snapshot)
            again = sandbox.ledger[:]
            async with client.stream("GET", url):
                sandbox.restore(snapshot)
            (request,) = sandbox.ledger

    assert (request.number, request.status, request.seconds) == (1, 401, None)
    assert again == (request,)


def test_other_threads_may_read_the_ledger(sandbox: Sandbox, client: httpx.Client) -> None:
    """During requests too; each read is consistent."""
    done = threading.Event()
    inconsistent: list[object] = []

    def look() -> None:
        while not done.is_set():
            numbers = [one.number for one in sandbox.ledger]
            if numbers != sorted(set(numbers)) or sandbox.ledger.spend:
                inconsistent.append(numbers)
            sandbox.ledger.to_har()

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(60):
            client.get("/v2/users")
    finally:
        done.set()
        for reader in readers:
            reader.join()

    assert inconsistent == []
    assert outcomes(sandbox) == [(USERS, 200, 0)] * 60


def test_a_request_may_end_while_another_begins() -> None:
    """The garbage collector may end an abandoned request at any point, in the same thread."""
    interruptions: list[Callable[[], None]] = []

    def now() -> datetime:
        while interruptions:
            interruptions.pop()()
        return EPOCH

    ledger = new_ledger(now=now)
    interruptions.append(partial(ledger.end, ledger.begin(scope_of("/v2/users"))))

    ledger.begin(scope_of("/v2/users"))

    assert [one.seconds is None for one in ledger] == [False, True]


def test_the_latest_bodies_are_kept() -> None:
    """Up to a limit; a body above the limit is dropped at once, but requests never are."""
    ledger = new_ledger(max_content_bytes=5000)
    for number in range(9):
        record(ledger, query=f"number={number}".encode(), body=b"x" * 500)
    record(ledger, body=b"x" * 6000)
    record(ledger)
    kept = [ledger.content(one.number) is not None for one in ledger]

    assert len(kept) == 11
    assert kept[-1]
    assert not kept[-2]
    sizes = [content.size for one in ledger if (content := ledger.content(one.number)) is not None]
    assert sum(sizes) <= 5000
    log = ledger.to_har()["log"]
    assert "dropped" in log["entries"][0]["comment"]
    assert log["entries"][0]["request"]["bodySize"] == -1


def test_personal_data_in_dropped_bodies_is_remembered() -> None:
    """Also after a restore."""
    ledger = new_ledger(max_content_bytes=0)
    record(ledger, body=b'{"persons": [{"first_name": "Wilhelmina", "last_name": "Example"}]}')
    record(ledger, query=b"keyword=wilhelmina")
    saved = ledger.save()
    failure(ledger.assert_no_personal_data_in_urls)

    ledger.clear()
    record(ledger, query=b"keyword=wilhelmina")
    ledger.assert_no_personal_data_in_urls()
    ledger.restore(saved)

    failure(ledger.assert_no_personal_data_in_urls)


def test_people_in_refused_requests_count(sandbox: Sandbox, client: httpx.Client) -> None:
    """They are in no record, but in the body of a request."""
    body = {"name": "", "persons": [{"first_name": "Wilhelmine", "last_name": "Example"}]}
    assert client.post("/v2/cases", json=body).status_code == 400
    client.get("/v2/cases?keyword=wilhelmine")

    (line,) = failure(sandbox.ledger.assert_no_personal_data_in_urls)[1:]
    assert line.endswith("its query has a name")


def test_urls_without_personal_data_pass(sandbox: Sandbox, client: httpx.Client) -> None:
    """Ids, words of the API, towns, countries and house numbers are not personal."""
    person = {
        "first_name": "Cases",
        "last_name": "Dada",
        "postal_address": {"house_number": "1", "city": "Exampleton", "country": "GB"},
    }
    body = {"name": "Loan", "case_type": "Business", "persons": [person]}
    created = client.post("/v2/cases", json=body).json()
    client.get("/v2/cases?keyword=Loan&stage=New&owner=GB+1+Exampleton")
    client.get(f"/v2/cases/{created['case_id']}")
    client.get("/v2/cases/89abcdef-dada-4ada-8ace-dada12345678")
    client.get("/v2/%E2%82%AC/%ff")

    sandbox.ledger.assert_no_personal_data_in_urls()


def test_urls_with_personal_data_fail(sandbox: Sandbox, client: httpx.Client) -> None:
    """The message has the request and the kind of data, but not the value."""
    person = {
        "first_name": "Wilhelmina",
        "last_name": "Example",
        "date_of_birth": "1985-06-12",
        "email": "wilma+x@sandbox.example",
        "postal_address": {"address_line_1": "1 Sample Street", "post_code": "AB1 2CD"},
    }
    body = {"name": "Loan", "case_type": "Consumer", "persons": [person]}
    created = client.post("/v2/cases", json=body).json()["persons"][0]
    client.delete(f"/v2/cases/{created['person_id']}")
    sandbox.ledger.clear()
    for path in (
        "/v2/cases?keyword=WILHELMINA",
        "/v2/cases/12.6.1985",
        "/v2/persons/wilma%252Bx@sandbox.example/documents?completed=ab1%202cd",
        "/v2/Wilhelmina",
    ):
        client.get(path, headers={"X-Correlation-Id": "mine"})

    head, *lines = failure(sandbox.ledger.assert_no_personal_data_in_urls)

    assert head == "personal data in a URL:"
    missing = "404, 0 credits, correlation id mine; its"
    documents = f"GET /v2/{{entity_type}}/{{entity_id}}/documents: {missing}"
    first = sandbox.ledger[0].number
    assert lines == [
        f"  #{first} GET /v2/cases: 200, 0 credits, correlation id mine; its query has a name",
        f"  #{first + 1} GET /v2/cases/{{case_id}}: {missing} path has a date of birth",
        f"  #{first + 2} {documents} path has a name, an e-mail address",
        f"  #{first + 2} {documents} query has a part of an address",
        f"  #{first + 3} GET of an unknown path: {missing} path has a name",
    ]
