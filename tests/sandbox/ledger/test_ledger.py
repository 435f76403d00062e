"""The ledger: what was asked, what came of it, and what it cost."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import pytest

from sikoia_async import NewCompany, NewPerson, Sikoia
from sikoia_async.errors import DeadlineExceededError
from sikoia_async.resources.cases import Case
from sikoia_async.sandbox import Sandbox, create_app
from sikoia_async.sandbox.ledger import ledger
from sikoia_async.sandbox.ledger.prices import CHARGEABLE
from sikoia_async.testing import MemorySandbox, client_of

IDENTITY = "POST /v2/identity"
USERS = "GET /v2/users"
EPOCH = datetime(2026, 3, 4, tzinfo=UTC)
KEY = {"Idempotency-Key": "one"}
# Before Python 3.13, a reset under TLS looks like an end.
RESET = (httpx.ReadError, httpx.RemoteProtocolError)
BOTH = pytest.mark.parametrize("kind", [MemorySandbox, Sandbox], ids=["memory", "tls"])

Connect = Callable[[Sandbox], httpx.Client]


@pytest.fixture(autouse=True)
def _nothing_yet(sandbox: Sandbox, client: httpx.Client) -> None:
    """Begin with an empty ledger, though the client has its token."""
    assert client.headers["Authorization"]
    sandbox.faults.clear()
    sandbox.ledger.clear()


def person_of(client: httpx.Client) -> dict[str, str]:
    """Create a case with a person, and give what names the person in a body."""
    body = {
        "name": "Loan",
        "case_type": "Consumer",
        "persons": [{"first_name": "Wilma", "last_name": "Example"}],
    }
    made = client.post("/v2/cases", json=body).json()
    return {"person_id": made["persons"][0]["person_id"]}


async def case_of(sikoia: Sikoia) -> Case:
    """Create a case with a company and a person."""
    acme = NewCompany(company_name="Acme Ltd", company_number="12345678", jurisdiction_code="GB")
    wilma = NewPerson(first_name="Wilma", last_name="Example", email="wilma@sandbox.example")
    return await sikoia.cases.create(
        name="Loan", case_type="Business", companies=[acme], persons=[wilma]
    )


def outcomes(sandbox: Sandbox) -> list[tuple[str | None, int | None, int]]:
    """Give operation, status and cost of each request."""
    return [(one.operation, one.status, one.cost) for one in sandbox.ledger]


def complaint(check: Callable[..., None], *given: Any, **named: Any) -> list[str]:
    """Give the lines in which an assertion fails."""
    with pytest.raises(AssertionError) as caught:
        check(*given, **named)
    return str(caught.value).splitlines()


def test_every_request_is_in_it(sandbox: Sandbox, connect: Connect, client: httpx.Client) -> None:
    """In order: token, refusals, and what is not served; what asks for the health is not."""
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
    _, users, _, odd, _ = sandbox.ledger
    assert (users.method, users.path, users.query) == ("GET", "/v2/users", "x=%20y")
    assert users.sent_correlation_id == users.correlation_id == "mine"
    assert users.fault is None
    assert abs((users.moment - sandbox.clock.now).total_seconds()) < 60
    assert odd.path == "/v2/cases/one%2Ftwo"
    assert odd.correlation_id is not None
    assert odd.sent_correlation_id is None


def test_it_can_be_read_like_a_list(sandbox: Sandbox, client: httpx.Client) -> None:
    """By places, and by numbers that go on after it was cleared."""
    for _ in range(3):
        client.get("/v2/users")
    first, second, third = (one.number for one in sandbox.ledger)

    assert len(sandbox.ledger) == 3
    assert sandbox.ledger[-1].number == third
    assert [one.number for one in sandbox.ledger[1:]] == [second, third]
    assert [one.number for one in sandbox.ledger.since(first)] == [second, third]
    assert sandbox.ledger.since(third) == ()
    asked = sandbox.ledger.get(second)
    assert asked is not None
    assert asked.number == second
    assert (second, third) == (first + 1, first + 2)
    assert repr(sandbox.ledger) == "<Ledger of 3 requests, 0 credits>"

    sandbox.ledger.clear()
    client.get("/v2/users")

    assert [one.number for one in sandbox.ledger] == [third + 1]
    assert sandbox.ledger.get(second) is None
    assert sandbox.ledger.content(second) is None


@pytest.mark.anyio
async def test_it_says_when_and_how_long() -> None:
    """The moment is the clock's; the seconds are real ones, known when all is over."""
    with MemorySandbox(speed=0, epoch=EPOCH) as sandbox:
        sandbox.clock.advance(5)
        async with httpx.AsyncClient(transport=sandbox.transport) as client:
            async with client.stream("GET", f"{sandbox.url}/v2/users") as response:
                assert response.status_code == 401
                (under_way,) = sandbox.ledger
            (over,) = sandbox.ledger

    assert (under_way.status, under_way.seconds) == (401, None)
    assert (under_way.moment - EPOCH).total_seconds() == 5
    assert over.seconds is not None
    assert over.seconds > 0


def test_an_answer_may_have_an_id_of_its_own(connect: Connect) -> None:
    """Where the local Sikoia does not echo, the two ids differ."""
    with Sandbox(echo_correlation=False) as sandbox:
        connect(sandbox).get("/v2/users", headers={"X-Correlation-Id": "Wilma Example"})
        asked = sandbox.ledger[-1]

    assert asked.sent_correlation_id == "Wilma Example"
    assert asked.correlation_id not in {None, asked.sent_correlation_id}
    # A client may send anything as one.
    assert str(asked).endswith(
        f"sent correlation id not shown, correlation id {asked.correlation_id}"
    )


@BOTH
@pytest.mark.anyio
async def test_what_may_cost_something_costs_a_credit(kind: Callable[..., Sandbox]) -> None:
    """Each chargeable operation costs one when it is done, and nothing else costs anything."""
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
                found = await api.request(
                    company_id=company.company_id,
                    company_name="Several Example Ltd",
                    country_code="GB",
                )
                assert found.picklist
                await api.resolve_picklist(found.request_id, found.picklist[0].index or 0)
            await sikoia.company_registry.search(company_name="Widgets", country_code="GB")
            await sikoia.online_data.request(company.company_id)
            await sikoia.screening.search_peps_sanctions(person)
            await sikoia.screening.search_adverse_media(person)
            await sikoia.identity.request(person.person_id)
            await sikoia.affordability.request(person)
            await sikoia.income.request(person)
            kinds = await sikoia.checks.types()
            one = next(each for each in kinds if each.entity_type == "person")
            await sikoia.checks.completeness_and_income(
                person, validation_type_id=one.validation_type_id
            )
            await sikoia.reports.excel(person)
            bought = dict(sikoia.spend)

    charged = Counter(one.operation for one in sandbox.ledger for _ in range(one.cost))
    assert charged == dict.fromkeys(CHARGEABLE, 1) == bought
    assert sandbox.ledger.spend == len(CHARGEABLE)
    sandbox.ledger.assert_nothing_charged_twice()


def test_prices_can_be_given(connect: Connect) -> None:
    """Of what may cost something, and of anything else; what is free was never charged."""
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
        with pytest.raises(ValueError, match="peps-sanctions costs nothing here; what does is GET"):
            sandbox.ledger.assert_charged_once("POST /v2/peps-sanctions")


def test_a_refusal_that_is_an_answer_costs_nothing(connect: Connect) -> None:
    """The token endpoint refuses in words of its own."""
    with Sandbox(prices={"POST /token": 3}) as sandbox:
        assert connect(sandbox).post("/token").status_code == 400

        assert [one.cost for one in sandbox.ledger] == [3, 0]


def test_a_reset_after_the_work_costs(sandbox: Sandbox, client: httpx.Client) -> None:
    """The client knows of no answer, and pays all the same; before the work it pays nothing."""
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
    """Neither those of the application nor those of the fault plan; a spoilt answer does."""
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
    assert len(content.answered) == 5


@pytest.mark.parametrize("accepted", [False, True])
def test_a_repetition_under_a_key_costs_nothing(connect: Connect, *, accepted: bool) -> None:
    """The work is done once, whatever became of the first answer."""
    with Sandbox(idempotency_header="Idempotency-Key", accepted=accepted) as sandbox:
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

        lines = complaint(sandbox.ledger.assert_charged_once, IDENTITY)
        assert len(lines) == 4


@pytest.mark.virtual_time
@pytest.mark.anyio
async def test_who_gives_up_has_no_answer() -> None:
    """The request is there all the same, with what it cost."""
    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            case = await case_of(sikoia)
            assert case.persons
            sandbox.faults.add(IDENTITY, delay=60, times=2)
            with pytest.raises(DeadlineExceededError):
                await sikoia.with_options(timeout=5).identity.request(case.persons[0].person_id)
            with anyio.move_on_after(5) as given_up:
                await sikoia.identity.request(case.persons[0].person_id)

    assert given_up.cancelled_caught
    assert outcomes(sandbox)[2:] == [(IDENTITY, None, 1)] * 2
    assert all(one.seconds is not None for one in sandbox.ledger)


def test_who_hangs_up_has_no_answer(sandbox: Sandbox, client: httpx.Client) -> None:
    """Also on a socket, where the local Sikoia hears of it while it waits."""
    sandbox.faults.add(USERS, delay=600)
    with pytest.raises(httpx.ReadTimeout):
        client.get("/v2/users", timeout=0.2)
    # The other side ends it when it hears of that, some time soon.
    for _ in range(5000):
        if sandbox.ledger[0].seconds is not None:
            break
        client.get("/sandbox/health")

    asked = sandbox.ledger[0]
    assert asked.seconds is not None
    assert (asked.status, asked.correlation_id, asked.fault) == (None, None, "delay=600")
    content = sandbox.ledger.content(asked.number)
    assert content is not None
    assert (content.answered, content.answered_headers) == (b"", ())


def test_charges_can_be_told_apart(sandbox: Sandbox, client: httpx.Client) -> None:
    """Once for each person is not once for all of them, and twice for nobody."""
    one, other = person_of(client), person_of(client)
    for person in (one, other):
        client.post("/v2/identity", json=person)
    check = sandbox.ledger.assert_charged_once

    check(IDENTITY, entity_id=one["person_id"])
    check("POST /v2/identity", entity_id=other["person_id"])
    sandbox.ledger.assert_nothing_charged_twice()
    assert complaint(check, IDENTITY)[0] == f"{IDENTITY} was charged 2 times, and should be once:"
    assert complaint(check, IDENTITY, entity_id="nobody")[0] == (
        f"{IDENTITY} was not charged for the entity nobody, and should be once:"
    )


def test_a_path_names_what_is_charged_for(sandbox: Sandbox, client: httpx.Client) -> None:
    """A report has no body."""
    person_id = person_of(client)["person_id"]
    client.get(f"/v2/persons/{person_id}/excel-report")
    sandbox.ledger.assert_charged_once("GET /v2/{type}/{id}/excel-report", entity_id=person_id)

    client.get(f"/v2/Persons/{person_id}/excel-report")

    assert len(complaint(sandbox.ledger.assert_nothing_charged_twice)) == 3


def test_a_message_has_the_requests(sandbox: Sandbox, client: httpx.Client) -> None:
    """With ids, statuses, faults and costs, and without what is about a person."""
    person = person_of(client)
    sandbox.faults.add(IDENTITY, reset="after")
    with pytest.raises(RESET):
        client.post("/v2/identity", json=person, headers={"X-Correlation-Id": "first"})
    client.post("/v2/identity", json=person, headers={"X-Correlation-Id": "second"})
    client.post("/v2/identity", json={}, headers={"X-Correlation-Id": "third"})
    first, second, third = (one.number for one in sandbox.ledger[1:])

    fault = "fault: reset='after'"
    told = [
        f"  #{first} {IDENTITY}: no answer, 1 credit, sent correlation id first, {fault}",
        f"  #{second} {IDENTITY}: 201, 1 credit, correlation id second",
    ]
    assert complaint(sandbox.ledger.assert_charged_once, IDENTITY) == [
        f"{IDENTITY} was charged 2 times, and should be once:",
        *told,
        f"  #{third} {IDENTITY}: 400, 0 credits, correlation id third",
    ]
    assert complaint(sandbox.ledger.assert_nothing_charged_twice) == [
        "charged more than once for the same path and body:",
        *told,
    ]


def test_a_model_is_no_id(sandbox: Sandbox, client: httpx.Client) -> None:
    """It would be charged for nothing, whatever was asked: so it is refused, and not shown."""
    person: Any = person_of(client)
    assert client.post("/v2/identity", json=person).status_code == 201

    with pytest.raises(TypeError, match=r"^entity_id: give the id as a text, not dict$"):
        sandbox.ledger.assert_charged_once(IDENTITY, entity_id=person)


def test_nobody_asked(sandbox: Sandbox) -> None:
    """A test that expects a charge fails where there was no request at all."""
    assert complaint(sandbox.ledger.assert_charged_once, IDENTITY) == [
        f"{IDENTITY} was not charged, and should be once: nobody asked for it"
    ]
    with pytest.raises(ValueError, match="the nearest are POST /v2/identity, "):
        sandbox.ledger.assert_charged_once("POST /v2/idenity")


def test_a_message_has_an_end(sandbox: Sandbox, client: httpx.Client) -> None:
    """Twenty requests are enough to see what is wrong."""
    for _ in range(23):
        client.post("/v2/identity", json={})

    lines = complaint(sandbox.ledger.assert_charged_once, IDENTITY)

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
def test_the_same_may_be_written_in_two_ways(
    sandbox: Sandbox, client: httpx.Client, bodies: tuple[bytes, bytes]
) -> None:
    """Of a body counts what it says."""
    person_id = person_of(client)["person_id"].encode()
    for body in bodies:
        assert client.post("/v2/identity", content=body % person_id).status_code == 201

    if b"country_code" in bodies[0]:
        complaint(sandbox.ledger.assert_nothing_charged_twice)
    else:
        sandbox.ledger.assert_nothing_charged_twice()


@pytest.mark.parametrize("way", ["restore", "elsewhere", "reset"])
def test_it_is_part_of_a_snapshot(connect: Connect, way: str) -> None:
    """With bodies; what came after is gone, and numbers go on."""
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
async def test_what_is_under_way_stays_so_in_a_snapshot() -> None:
    """As far as it has come; a request that a restore finds under way is in it no longer."""
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
            (asked,) = sandbox.ledger

    assert (asked.number, asked.status, asked.seconds) == (1, 401, None)
    assert again == (asked,)


def test_other_threads_may_read_it(sandbox: Sandbox, client: httpx.Client) -> None:
    """While requests come, each look sees them in order and whole."""
    done = threading.Event()
    amiss: list[object] = []

    def look() -> None:
        while not done.is_set():
            numbers = [one.number for one in sandbox.ledger]
            if numbers != sorted(set(numbers)) or sandbox.ledger.spend:
                amiss.append(numbers)
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

    assert amiss == []
    assert outcomes(sandbox) == [(USERS, 200, 0)] * 60


def test_a_request_may_end_amid_another() -> None:
    """The garbage collector ends what was given up at any moment, in the same thread."""
    app = create_app()
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/v2/users",
        "query_string": b"",
        "headers": [],
    }
    given_up = app.ledger.begin(scope)

    def now() -> datetime:
        app.ledger.end(given_up)
        return EPOCH

    app.ledger._now = now

    app.ledger.begin(scope)

    assert [one.seconds is None for one in app.ledger] == [False, True]


def test_the_latest_bodies_are_kept(
    sandbox: Sandbox, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to a bound; requests are never dropped, and one that is too big goes at once."""
    monkeypatch.setattr(ledger, "_KEPT_BYTES", 5000)
    for number in range(9):
        client.get(f"/v2/users?number={number}")
    client.post("/v2/cases", json={"name": "x" * 6000, "case_type": "Business"})
    client.get("/v2/users")
    kept = [sandbox.ledger.content(one.number) is not None for one in sandbox.ledger]

    assert len(kept) == 11
    assert kept[-1]
    assert not kept[-2]
    sizes = [
        content.size
        for one in sandbox.ledger
        if (content := sandbox.ledger.content(one.number)) is not None
    ]
    assert sum(sizes) <= 5000
    log = sandbox.ledger.to_har()["log"]
    assert "not kept" in log["entries"][0]["comment"]
    assert log["entries"][0]["request"]["bodySize"] == -1


def test_dropped_bodies_are_still_known(
    sandbox: Sandbox, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was in one is still a person, also after a restore."""
    monkeypatch.setattr(ledger, "_KEPT_BYTES", 0)
    # It is refused, so that no record has it.
    body = {"name": "", "persons": [{"first_name": "Wilhelmina", "last_name": "Example"}]}
    assert client.post("/v2/cases", json=body).status_code == 400
    client.get("/v2/cases?keyword=wilhelmina")
    snapshot = sandbox.snapshot()
    complaint(sandbox.ledger.assert_no_personal_data_in_urls)

    sandbox.ledger.clear()
    sandbox.ledger.assert_no_personal_data_in_urls()
    sandbox.restore(snapshot)

    complaint(sandbox.ledger.assert_no_personal_data_in_urls)


def test_a_refused_person_is_one(sandbox: Sandbox, client: httpx.Client) -> None:
    """Who is in no record may be in the body of a request."""
    body = {"name": "", "persons": [{"first_name": "Wilhelmine", "last_name": "Example"}]}
    assert client.post("/v2/cases", json=body).status_code == 400
    client.get("/v2/cases?keyword=wilhelmine")

    (line,) = complaint(sandbox.ledger.assert_no_personal_data_in_urls)[1:]
    assert line.endswith("its query has a name")


def test_a_url_without_personal_data(sandbox: Sandbox, client: httpx.Client) -> None:
    """Ids, words of the API and what is about nobody are all right."""
    person = {
        "first_name": "Cases",
        "last_name": "Dada",
        "postal_address": {"house_number": "1", "city": "Exampleton", "country": "GB"},
    }
    body = {"name": "Loan", "case_type": "Business", "persons": [person]}
    made = client.post("/v2/cases", json=body).json()
    client.get("/v2/cases?keyword=Loan&stage=New&owner=GB+1+Exampleton")
    client.get(f"/v2/cases/{made['case_id']}")
    client.get("/v2/cases/89abcdef-dada-4ada-8ace-dada12345678")
    client.get("/v2/%E2%82%AC/%ff")

    sandbox.ledger.assert_no_personal_data_in_urls()


def test_a_url_with_personal_data(sandbox: Sandbox, client: httpx.Client) -> None:
    """The message says which request and which kind, and not what."""
    person = {
        "first_name": "Wilhelmina",
        "last_name": "Example",
        "date_of_birth": "1985-06-12",
        "email": "wilma+x@sandbox.example",
        "postal_address": {"address_line_1": "1 Sample Street", "post_code": "AB1 2CD"},
    }
    body = {"name": "Loan", "case_type": "Consumer", "persons": [person]}
    made = client.post("/v2/cases", json=body).json()["persons"][0]
    client.delete(f"/v2/cases/{made['person_id']}")
    sandbox.ledger.clear()
    for path in (
        "/v2/cases?keyword=WILHELMINA",
        "/v2/cases/12.6.1985",
        "/v2/persons/wilma%252Bx@sandbox.example/documents?completed=ab1%202cd",
        "/v2/Wilhelmina",
    ):
        client.get(path, headers={"X-Correlation-Id": "mine"})

    head, *lines = complaint(sandbox.ledger.assert_no_personal_data_in_urls)

    assert head == "personal data in a URL:"
    missing = "404, 0 credits, correlation id mine; its"
    documents = f"GET /v2/{{entity_type}}/{{entity_id}}/documents: {missing}"
    first = sandbox.ledger[0].number
    assert lines == [
        f"  #{first} GET /v2/cases: 200, 0 credits, correlation id mine; its query has a name",
        f"  #{first + 1} GET /v2/cases/{{case_id}}: {missing} path has a date of birth",
        f"  #{first + 2} {documents} path has a name, an e-mail address",
        f"  #{first + 2} {documents} query has a part of an address",
        f"  #{first + 3} GET of what is not served: {missing} path has a name",
    ]
