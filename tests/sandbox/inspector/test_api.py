"""The API of the inspector: access control, data and actions."""

import html.parser
import re
import socket
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import httpx
import pytest

from sikoia_async.cli import main as cli
from sikoia_async.sandbox import Rate, Sandbox, Time, inspector
from sikoia_async.sandbox.inspector.actions import ACTIONS
from sikoia_async.sandbox.inspector.views import _outcome
from sikoia_async.sandbox.ledger.ledger import Ledger
from sikoia_async.sandbox.ledger.recorded_request import RecordedRequest
from sikoia_async.testing import MemorySandbox

EPOCH = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
PAGE = Path(inspector.__file__).with_name("page")
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
NOWHERE = "http://127.0.0.1:1/hooks?key=swordfish"


@attrs.frozen
class Desk:
    """A local Sikoia with a client of its API and one of its inspector."""

    sandbox: Sandbox
    api: httpx.Client
    page: httpx.Client

    def state(self) -> Any:
        """Return the data of the page."""
        return self.page.get("api/state").raise_for_status().json()

    def do(self, action: str, **form: object) -> str:
        """Perform an action, and return its message."""
        response = self.page.post(f"api/do/{action}", json=form)
        assert response.status_code == 200, response.text
        return str(response.json()["message"])

    def refused(self, action: str, **form: object) -> str:
        """Attempt an action that is refused, and return the error."""
        response = self.page.post(f"api/do/{action}", json=form)
        assert response.status_code == 400, response.text
        return str(response.json()["error"])

    def in_full(self) -> Any:
        """Return the newest request with headers and bodies."""
        return self.page.get(f"api/requests/{self.sandbox.ledger[-1].number}").json()

    def post(self, path: str, body: object) -> Any:
        """Send a POST that creates something."""
        response = self.api.post(path, json=body)
        assert response.status_code == 201, response.text
        return response.json()

    def case(self, **more: object) -> Any:
        """Create a case."""
        return self.post("/v2/cases", {"name": "Loan", "case_type": "Business", **more})

    def verification(self) -> tuple[str, str]:
        """Start a verification, and return its id and that of the person."""
        (person,) = self.case(persons=[{"first_name": "Ada", "last_name": "Example"}])["persons"]
        begun = self.post("/v2/identity", {"person_id": person["person_id"]})
        return begun["request_id"], person["person_id"]

    def webhook(self, *events: str, url: str = NOWHERE) -> str:
        """Create a webhook whose receiver does not exist."""
        body = {"webhook_name": "Test", "webhook_callback_url": url, "event_types": events}
        return str(self.post("/v2/webhooks", body)["webhook_id"])


@pytest.fixture(scope="module")
def inspected() -> Generator[tuple[Sandbox, httpx.Client]]:
    """Run a local Sikoia with a paused clock, and open its inspector."""
    with (
        Sandbox(
            inspector=True,
            time=Time(speed=0, epoch=EPOCH),
            work_time=60,
            rate=Rate(requests_per_window=1000),
        ) as sandbox,
        open_page(sandbox) as page,
    ):
        yield sandbox, page


@pytest.fixture
def desk(
    inspected: tuple[Sandbox, httpx.Client], connect: Callable[[Sandbox], httpx.Client]
) -> Desk:
    """Reset the local Sikoia, and connect to it."""
    sandbox, page = inspected
    sandbox.reset()
    return Desk(sandbox, connect(sandbox), page)


@contextmanager
def open_page(sandbox: Sandbox) -> Generator[httpx.Client]:
    """Load the page, and return a client with its token."""
    with httpx.Client(base_url=str(sandbox.inspector_url)) as client:
        (token,) = re.findall(r'<meta name="token" content="([^"]+)">', client.get("/").text)
        client.headers["X-Inspector-Token"] = token
        yield client


def test_the_inspector_has_its_own_origin(desk: Desk) -> None:
    """It is served on loopback over plain HTTP, not by the API."""
    url = httpx.URL(str(desk.sandbox.inspector_url))

    assert (url.scheme, url.host, url.path) == ("http", "127.0.0.1", "/")
    assert url.port != httpx.URL(desk.sandbox.url).port
    assert desk.api.get("/").status_code == 404


def test_the_inspector_is_off_by_default() -> None:
    """A sandbox serves no page by default."""
    with Sandbox() as sandbox:
        assert sandbox.inspector_url is None


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_the_inspector_uses_the_host_of_the_sandbox(host: str) -> None:
    """Other loopback hosts work too."""
    if host == "::1" and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    with Sandbox(host=host, inspector=True) as sandbox, open_page(sandbox) as page:
        assert page.get("api/state").json()["url"] == sandbox.url


def test_the_port_can_be_chosen() -> None:
    """So that bookmarks keep working."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]

    with Sandbox(inspector=True, inspector_port=port) as sandbox:
        assert sandbox.inspector_url == f"http://127.0.0.1:{port}/"


def test_a_port_in_use_is_reported() -> None:
    """The sandbox does not start, and leaves no thread behind."""
    before = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on port {port} of 127.0.0.1"):
            Sandbox(inspector=True, inspector_port=port).__enter__()
    assert threading.active_count() == before


def test_a_port_out_of_range_is_refused() -> None:
    """The constructor raises."""
    with pytest.raises(ValueError, match="port"):
        Sandbox(inspector=True, inspector_port=70_000)


def test_a_memory_sandbox_has_no_inspector() -> None:
    """A browser could not reach it."""
    with pytest.raises(ValueError, match="use Sandbox"):
        MemorySandbox(inspector=True)  # type: ignore[call-arg]


def test_the_command_line_prints_the_url(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--inspector 0` picks a free port."""
    statuses = list[int]()

    def look(sandbox: Sandbox) -> None:
        statuses.append(httpx.get(str(sandbox.inspector_url)).status_code)

    monkeypatch.setattr(Sandbox, "serve_forever", look)

    assert cli.main(["sandbox", "--port", "0", "--inspector", "0"]) == 0

    assert statuses == [200]
    assert re.search(r"The inspector is at http://127\.0\.0\.1:\d+/\n", capsys.readouterr().out)


def test_the_command_line_serves_no_inspector_by_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It does not mention one either."""
    monkeypatch.setattr(Sandbox, "serve_forever", Sandbox.exports)

    assert cli.main(["sandbox", "--port", "0"]) == 0

    assert "inspector" not in capsys.readouterr().out


def test_the_inspector_stops_with_the_sandbox() -> None:
    """The port is closed, and an idle page does not delay the end."""
    before = threading.active_count()
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(inspector=True))
        url = httpx.URL(str(sandbox.inspector_url))
        with open_page(sandbox) as page:
            page.get("api/state")
            started = time.monotonic()
            stack.close()

            assert time.monotonic() - started < 5
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((url.host, url.port or 0))


# Access control.


@pytest.mark.parametrize(
    "path", ["/", "/style.css", "/script.js", "/icon.svg", "/api/state", "/api/nothing", "/other"]
)
def test_every_response_has_security_headers(desk: Desk, path: str) -> None:
    """Error responses have them too; other origins can neither frame nor read the page."""
    headers = desk.page.get(path).headers

    policy = [rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; ")]
    assert dict(policy) == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert not [name for name in headers if name.startswith("access-control")]


def test_the_files_of_the_page_are_served_unchanged(desk: Desk) -> None:
    """Each has its media type; only the token is inserted."""
    for path, media_type in (
        ("style.css", "text/css"),
        ("script.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ):
        response = desk.page.get(path)
        assert response.headers["Content-Type"].startswith(media_type)
        assert response.content == (PAGE / path).read_bytes()
    assert "{{" not in desk.page.get("/").text


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        pytest.param(421, {"Host": "attacker.example"}, id="another host"),
        pytest.param(421, {"Host": "127.0.0.1"}, id="no port"),
        pytest.param(421, {"Host": "localhost:{port}"}, id="another loopback host"),
        pytest.param(403, {"Origin": "https://attacker.example"}, id="another origin"),
        pytest.param(403, {"Origin": "http://localhost:{port}"}, id="almost the origin"),
        pytest.param(403, {"Origin": "null"}, id="opaque origin"),
        pytest.param(403, {"Sec-Fetch-Site": "cross-site"}, id="another site"),
        pytest.param(403, {"Sec-Fetch-Site": "same-site"}, id="another port"),
        pytest.param(403, {"X-Inspector-Token": ""}, id="no token"),
        pytest.param(403, {"X-Inspector-Token": "gu\xe9ssed"}, id="another token"),
        pytest.param(415, {"Content-Type": "text/plain"}, id="text"),
        pytest.param(415, {"Content-Type": "application/x-www-form-urlencoded"}, id="a form"),
    ],
)
def test_requests_from_elsewhere_are_refused(
    desk: Desk, status: int, headers: Mapping[str, str]
) -> None:
    """Whatever other sites make a browser send has no effect."""
    port = httpx.URL(str(desk.sandbox.inspector_url)).port
    sent = {
        name.encode(): value.format(port=port).encode("latin-1") for name, value in headers.items()
    }

    response = desk.page.post("api/do/advance", json={"seconds": 60}, headers=sent)

    assert response.status_code == status
    assert response.json()["error"]
    assert desk.sandbox.clock.now == EPOCH
    if status != 415:
        assert desk.page.get("api/state", headers=sent).status_code == status


def test_the_page_is_refused_to_other_hosts(desk: Desk) -> None:
    """The page contains the token."""
    response = desk.page.get("/", headers={"Host": "attacker.example"})

    assert response.status_code == 421
    assert response.json() == {"error": f"The inspector is at {desk.sandbox.inspector_url}"}


def test_requests_of_the_page_are_accepted(desk: Desk) -> None:
    """They have the headers that a browser adds."""
    origin = str(desk.sandbox.inspector_url).rstrip("/")
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}

    response = desk.page.post("api/do/advance", json={"seconds": 60}, headers=headers)

    assert response.json() == {"message": "The clock now shows 2027-03-01 09:31:00 UTC."}


def test_a_preflight_request_is_refused(desk: Desk) -> None:
    """So scripts of other sites cannot send JSON."""
    headers = {"Origin": "https://attacker.example", "Access-Control-Request-Method": "POST"}

    response = desk.page.options("api/do/advance", headers=headers)

    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response.headers


def test_actions_need_post(desk: Desk) -> None:
    """A GET has no effect."""
    for action in ACTIONS:
        assert desk.page.get(f"api/do/{action}").status_code == 405


def test_each_run_has_another_token() -> None:
    """The seed does not determine it."""
    tokens = set[str]()
    for _ in range(2):
        with Sandbox(seed=7, inspector=True) as sandbox, open_page(sandbox) as page:
            tokens.add(page.headers["X-Inspector-Token"])

    assert len(tokens) == 2


def test_the_page_loads_nothing_from_other_hosts() -> None:
    """It has no inline script, style or event handler either."""
    for file in PAGE.iterdir():
        text = file.read_text("utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "//" not in re.sub(r"^\s*//.*|; //.*", "", text, flags=re.MULTILINE), file.name

    found = _Tags()
    found.feed((PAGE / "index.html").read_text("utf-8"))
    names = {name for _, attributes in found.tags for name in attributes}
    assert not [name for name in names if name == "style" or name.startswith("on")]
    assert "style" not in {tag for tag, _ in found.tags}
    assert [attributes.get("src") for tag, attributes in found.tags if tag == "script"] == [
        "script.js"
    ]


def test_the_script_never_inserts_markup() -> None:
    """Data from requests is not trusted."""
    script = (PAGE / "script.js").read_text("utf-8")

    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in script


# Data.


def test_a_request_is_shown(desk: Desk) -> None:
    """With number, time, correlation id, status and price."""
    desk.sandbox.clock.advance(5)
    desk.api.get("/v2/users", headers={"X-Correlation-Id": "mine"})

    shown = desk.state()["requests"]

    newest = shown["rows"][0]
    assert 0 < newest.pop("seconds") < 60
    assert newest == {
        "number": desk.sandbox.ledger[-1].number,
        "moment": "2027-03-01T09:30:05Z",
        "method": "GET",
        "path": "/v2/users",
        "status": 200,
        "outcome": "200 OK",
        "has_failed": False,
        "correlation_id": "mine",
        "sent_correlation_id": "mine",
        "cost": 0,
        "fault": None,
    }
    assert shown["count"] == len(desk.sandbox.ledger)


def test_the_spend_matches_the_ledger(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every stage of a request, and without adding up all of them each time."""
    ledger = desk.sandbox.ledger

    def spent() -> int:
        # The client has its response before the ledger records the end of the request.
        while ledger and ledger[-1].seconds is None:
            time.sleep(0.001)
        spend = sum(request.cost for request in ledger)
        with monkeypatch.context() as blind:
            blind.setattr(Ledger, "__getitem__", None)
            assert ledger.spend == spend
        assert desk.state()["requests"]["spend"] == spend
        return spend

    desk.verification()
    assert spent() == 1
    before = desk.sandbox.snapshot()
    desk.verification()
    assert spent() == 2
    exchange = ledger.begin(
        {"method": "POST", "path": "/v2/identity", "query_string": b"", "headers": []}
    )
    desk.verification()
    assert spent() == 3
    exchange.charge()
    assert spent() == 4
    ledger.end(exchange)
    assert spent() == 4
    late = ledger.begin(
        {"method": "POST", "path": "/v2/identity", "query_string": b"", "headers": []}
    )
    late.charge()
    desk.sandbox.restore(before)
    ledger.end(late)
    assert spent() == 1
    ledger.clear()
    assert spent() == 0
    desk.verification()
    assert spent() == 1
    desk.sandbox.reset()
    assert spent() == 0


def test_pending_operations_of_a_case_are_counted(desk: Desk) -> None:
    """Including those of persons who are not listed."""
    people = [{"first_name": "Ada", "last_name": f"Example {number}"} for number in range(12)]
    case = desk.case(persons=people)
    desk.case()
    first, *_, last = (person["person_id"] for person in case["persons"])
    begun = [desk.post("/v2/identity", {"person_id": one})["request_id"] for one in (first, last)]

    other, shown = desk.state()["cases"]["rows"]
    assert (other["pending"], shown["pending"], shown["more"]) == (0, 2, 4)

    desk.do("finish", kind="identity", id=begun[0])

    assert desk.state()["cases"]["rows"][1]["pending"] == 1


def test_costs_and_failures_are_shown(desk: Desk) -> None:
    """For each request, and in total."""
    desk.verification()
    desk.api.get("/v2/cases/none?stage=New")

    failed, charged, *_ = (shown := desk.state()["requests"])["rows"]

    assert (failed["path"], failed["has_failed"], failed["cost"]) == (
        "/v2/cases/none?stage=New",
        True,
        0,
    )
    assert (charged["path"], charged["has_failed"], charged["cost"]) == ("/v2/identity", False, 1)
    assert shown["spend"] == desk.sandbox.ledger.spend == 1


@pytest.mark.parametrize(
    ("status", "seconds", "words"),
    [
        (201, 0.1, "201 Created"),
        (599, 0.1, "599"),
        (None, None, "in progress"),
        (None, 0.1, "no response"),
    ],
)
def test_outcomes_are_described_in_words(
    status: int | None, seconds: float | None, words: str
) -> None:
    """Also without a response, and while a request is in progress."""
    request = RecordedRequest(
        number=1,
        moment=EPOCH,
        seconds=seconds,
        method="GET",
        path="/",
        query="",
        operation=None,
        sent_correlation_id=None,
        correlation_id=None,
        status=status,
        cost=0,
        fault=None,
    )

    assert _outcome(request) == words


def test_requests_of_the_page_are_not_shown(desk: Desk) -> None:
    """Two reads in a row return the same."""
    assert desk.state()["requests"] == desk.state()["requests"]


def test_only_the_newest_requests_are_shown(desk: Desk) -> None:
    """The others are counted, so that the response stays small."""
    for _ in range(310):
        desk.api.get("/v2/users")

    shown = desk.state()["requests"]

    assert shown["count"] == len(desk.sandbox.ledger) > 310
    numbers = [row["number"] for row in shown["rows"]]
    assert numbers == [request.number for request in desk.sandbox.ledger[-300:][::-1]]


def test_a_case_is_shown_with_its_entities(desk: Desk) -> None:
    """The first ones are listed, the others counted."""
    persons = [{"first_name": "Ada", "last_name": f"Example {number}"} for number in range(9)]
    case = desk.case(companies=[{"company_name": "Crumb Limited"}], persons=persons)
    desk.case(name="Later")

    shown = desk.state()["cases"]

    later, earlier = shown["rows"]
    assert (shown["count"], later["name"], later["entities"]) == (2, "Later", [])
    assert (earlier["id"], earlier["type"], earlier["stage"], earlier["changed"]) == (
        case["case_id"],
        "Business",
        "New",
        "2027-03-01T09:30:00Z",
    )
    assert [one["name"] for one in earlier["entities"]] == [
        "Crumb Limited",
        *(f"Ada Example {number}" for number in range(7)),
    ]
    assert earlier["more"] == 2


def test_operations_are_shown(desk: Desk) -> None:
    """With their status, start and end."""
    request_id, person_id = desk.verification()

    assert desk.state()["work"] == {
        "count": 1,
        "pending": 1,
        "rows": [
            {
                "kind": "identity",
                "id": request_id,
                "entity_id": person_id,
                "status": "Pending",
                "is_pending": True,
                "can_fail": True,
                "started": "2027-03-01T09:30:00Z",
                "due": "2027-03-01T09:31:00Z",
            }
        ],
    }

    desk.sandbox.clock.advance(60)

    shown = desk.state()["work"]
    assert (shown["pending"], shown["rows"][0]["status"], shown["rows"][0]["due"]) == (
        0,
        "Complete",
        None,
    )


def test_operations_that_have_just_ended_are_shown_as_complete(
    clock: SimpleNamespace, connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """No API request is needed first."""
    with (
        Sandbox(inspector=True, work_time=60, time=Time(clock=lambda: clock.now)) as sandbox,
        open_page(sandbox) as page,
    ):
        desk = Desk(sandbox, connect(sandbox), page)
        desk.verification()
        assert desk.state()["work"]["pending"] == 1
        clock.now = 60

        assert desk.state()["work"]["pending"] == 0


def test_webhooks_and_deliveries_are_shown(desk: Desk) -> None:
    """With the status of each attempt; queries of URLs are removed because they may hold keys."""
    webhook_id = desk.webhook("IdentityVerification.Completed")
    desk.verification()
    desk.sandbox.work.finish_all()
    desk.sandbox.settle()

    shown = desk.state()

    assert shown["webhooks"] == [
        {
            "id": webhook_id,
            "name": "Test",
            "url": "http://127.0.0.1:1/hooks",
            "events": ["IdentityVerification.Completed"],
        }
    ]
    (delivery,) = shown["deliveries"]["rows"]
    del delivery["id"]
    assert delivery == {
        "webhook_id": webhook_id,
        "event": "IdentityVerification.Completed",
        "url": "http://127.0.0.1:1/hooks",
        "status": "Pending",
        "delivered": None,
        "statuses": [0],
    }


def test_faults_are_shown(desk: Desk) -> None:
    """Planned faults with their conditions, and triggered ones."""
    desk.sandbox.faults.add("GET /v2/users", status=503)
    desk.api.get("/v2/users")
    desk.sandbox.faults.add("*", delay=1, nth=2, times=3, after=4)
    desk.sandbox.deliveries.faults.add("*", drop=True)

    assert desk.state()["faults"] == {
        "planned": [
            {"subject": "every request", "effect": "delay=1, nth=2, times=3, after=4"},
            {"subject": "every event", "effect": "drop=True"},
        ],
        "triggered": [{"subject": "GET /v2/users", "effect": "status=503"}],
    }


def test_the_forms_offer_all_choices(desk: Desk) -> None:
    """All operations, events and named faults, with a description of each fault."""
    offered = desk.page.get("api/choices").json()

    assert offered["operations"] == list(desk.sandbox.faults.operations)
    assert offered["events"] == list(desk.sandbox.deliveries.faults.events)
    lost = {"name": "lost", "description": "it is logged as delivered, but not sent"}
    assert lost in offered["delivery_faults"]
    assert all(one["name"] and one["description"] for one in offered["faults"])


def test_a_request_is_shown_in_full(desk: Desk) -> None:
    """With the headers and bodies of both sides."""
    case = desk.case(name="Loan for a bakery")

    shown = desk.in_full()

    assert shown["operation"] == "POST /v2/cases"
    assert "accept: application/json" in shown["request_headers"].lower().splitlines()
    assert '"Loan for a bakery"' in shown["request_body"]
    assert "x-correlation-id: " in shown["response_headers"].lower()
    assert case["case_id"] in shown["response_body"]


def test_large_bodies_are_truncated(desk: Desk) -> None:
    """A note tells how many bytes are missing."""
    desk.api.post("/v2/cases", content=b"a" * 20_005)

    shown = desk.in_full()

    assert shown["request_body"] == "a" * 20_000 + "\n… and 5 more bytes"


def test_a_request_without_kept_bodies_is_shown(desk: Desk) -> None:
    """The ledger keeps requests longer than their bodies."""
    desk.api.post("/v2/cases", content=b"a" * 33 * 2**20)

    shown = desk.in_full()

    assert shown["path"] == "/v2/cases"
    assert "request_body" not in shown


@pytest.mark.parametrize("number", ["999999", pytest.param("9" * 5000, id="huge"), "-1", "first"])
def test_an_unknown_request_is_not_found(desk: Desk, number: str) -> None:
    """The ledger may have been cleared after the page showed it."""
    response = desk.page.get(f"api/requests/{number}")

    assert response.status_code == 404
    assert response.json() == {"error": "The request is no longer in the ledger."}


def test_no_secret_is_shown(desk: Desk) -> None:
    """No token, client secret or shared key is in any response."""
    key = desk.post("/v2/webhooks/secrets", None)["shared_key"]
    desk.webhook("IdentityVerification.Completed")
    secrets = (
        desk.sandbox.client_secret,
        desk.api.headers["Authorization"].removeprefix("Bearer "),
        key,
    )

    paths = ["/", "/api/state", "/api/choices"]
    paths += [f"/api/requests/{request.number}" for request in desk.sandbox.ledger]

    for path in paths:
        shown = desk.page.get(path).raise_for_status().text
        assert not [secret for secret in secrets if secret in shown], path
    assert "swordfish" not in desk.page.get("/api/state").text


# Actions.


def test_the_clock_can_be_advanced(desk: Desk) -> None:
    """The message has the new time."""
    assert desk.do("advance", seconds=3600) == "The clock now shows 2027-03-01 10:30:00 UTC."
    assert desk.state()["clock"] == {"now": "2027-03-01T10:30:00Z", "speed": 0}


@pytest.mark.parametrize("seconds", [-1, None, "60", True, {}, pytest.param(10**400, id="huge")])
def test_an_invalid_advance_is_refused(desk: Desk, seconds: object) -> None:
    """The clock needs a non-negative number."""
    assert "expected" in desk.refused("advance", seconds=seconds)
    assert desk.sandbox.clock.now == EPOCH


def test_a_clock_function_cannot_be_advanced() -> None:
    """The error says so."""
    with (
        Sandbox(inspector=True, time=Time(clock=lambda: 0.0)) as sandbox,
        open_page(sandbox) as page,
    ):
        response = page.post("api/do/advance", json={"seconds": 1})

    assert response.status_code == 400
    assert "the clock follows your function" in response.json()["error"]


def test_an_operation_can_be_finished(desk: Desk) -> None:
    """It ends as it would have by itself."""
    request_id, _ = desk.verification()

    assert desk.do("finish", kind="identity", id=request_id) == "Finished: identity."

    assert desk.api.get(f"/v2/identity/{request_id}").json()["status"] == "Complete"
    assert "nothing is pending" in desk.refused("finish", kind="identity", id=request_id)


def test_an_operation_can_be_made_to_fail(desk: Desk) -> None:
    """The API then returns its failure."""
    request_id, _ = desk.verification()

    assert desk.do("fail", kind="identity", id=request_id) == "Failed: identity."

    assert desk.api.get(f"/v2/identity/{request_id}").json()["status"] == "Failed"


def test_all_operations_can_be_finished(desk: Desk) -> None:
    """With one action."""
    desk.verification()
    desk.verification()

    assert desk.do("finish-all") == "All operations are finished."

    assert desk.state()["work"]["pending"] == 0


def test_a_fault_can_be_planned_and_cleared(desk: Desk) -> None:
    """By name, for an operation, from the nth request."""
    message = desk.do("plan-fault", name="server error", operation="GET /v2/users", nth=2)

    assert message == "Planned: server error, for GET /v2/users."
    assert [desk.api.get("/v2/users").status_code for _ in range(3)] == [200, 500, 200]

    assert desk.do("plan-fault", name="server error", operation="*", nth=1) == (
        "Planned: server error, for every request."
    )
    assert desk.do("clear-faults") == "All faults are cleared."
    assert desk.api.get("/v2/users").status_code == 200
    assert desk.state()["faults"] == {"planned": [], "triggered": []}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": "server eror", "operation": "*", "nth": 1}, "server error"),
        ({"name": "server error", "operation": "GET /v2/user", "nth": 1}, "GET /v2/users"),
        ({"name": "server error", "operation": "*", "nth": 1.5}, "nth: expected a whole number"),
        ({"name": "server error", "operation": "*", "nth": 0}, "nth: expected at least 1"),
        ({"name": "server error", "operation": "*"}, "nth: expected a number"),
        (
            {"name": "server error", "operation": "*", "nth": 10**20},
            "nth: expected a smaller number",
        ),
        ({"name": "server error", "nth": 1}, "operation: required"),
        ({"name": "", "operation": "*", "nth": 1}, "name: required"),
        ({"name": 7, "operation": "*", "nth": 1}, "name: required"),
    ],
)
def test_an_invalid_fault_is_refused(desk: Desk, form: Mapping[str, object], words: str) -> None:
    """The error has the closest names, or the missing field."""
    assert words in desk.refused("plan-fault", **form)


def test_a_delivery_fault_can_be_planned(desk: Desk) -> None:
    """Held deliveries are counted, and can be released."""
    webhook_id = desk.webhook("IdentityVerification.Completed")
    event = "IdentityVerification.Completed"
    assert desk.do("plan-delivery-fault", name="held", event="*", nth=1) == (
        "Planned: held, for every event."
    )

    assert desk.do("send", webhook_id=webhook_id, event=event) == f"Queued: {event}."
    desk.sandbox.settle()
    assert desk.state()["deliveries"]["held"] == 1

    assert desk.do("release") == "The held deliveries are released."
    desk.sandbox.settle()
    shown = desk.state()["deliveries"]
    assert (shown["held"], shown["rows"][0]["statuses"]) == (0, [0])


def test_a_failed_delivery_can_be_sent_again(desk: Desk) -> None:
    """A pending one cannot, because it is retried anyway."""
    webhook_id = desk.webhook("IdentityVerification.Completed")
    desk.do("send", webhook_id=webhook_id, event="IdentityVerification.Completed")
    desk.sandbox.settle()
    (row,) = desk.state()["deliveries"]["rows"]
    assert "still pending" in desk.refused("send-again", request_id=row["id"])
    for pause in (1, 5, 25):
        desk.sandbox.clock.advance(pause)
        desk.sandbox.settle()
    assert desk.state()["deliveries"]["rows"][0]["status"] == "Failed"

    assert desk.do("send-again", request_id=row["id"]) == "Queued again."

    desk.sandbox.settle()
    (row,) = desk.state()["deliveries"]["rows"]
    assert (row["status"], row["statuses"]) == ("Pending", [0, 0, 0, 0, 0])


def test_an_event_describes_the_newest_operation(desk: Desk) -> None:
    """Pending operations and those with other events are skipped."""
    event = "IdentityVerification.Completed"
    request_id, person_id = desk.verification()
    latest, _ = desk.verification()
    body = {"entity_id": person_id, "entity_type": "person"}
    insights = desk.post("/v2/affordability-insights", body)["request_id"]
    desk.do("finish", kind="affordability", id=insights)
    desk.do("finish", kind="identity", id=request_id)
    webhook_id = desk.webhook("BankingProcessing.Completed")

    desk.do("send", webhook_id=webhook_id, event=event)

    log = desk.api.get(f"/v2/webhooks/{webhook_id}/requests").json()["webhook_requests"]
    (sent,) = [request["event_data"] for request in log]
    assert (sent["event_type"], sent["status"]) == (event, "Complete")
    assert (sent["request_id"], sent["person_id"]) == (request_id, person_id)
    assert sent["request_id"] != latest


def test_an_event_without_an_operation_has_an_unknown_id(desk: Desk) -> None:
    """The payload is otherwise complete."""
    webhook_id = desk.webhook("IdentityVerification.Completed")

    desk.do("send", webhook_id=webhook_id, event="OpenBankingProcessing.Completed")

    log = desk.api.get(f"/v2/webhooks/{webhook_id}/requests").json()["webhook_requests"]
    (sent,) = [request["event_data"] for request in log]
    assert set(sent) == {"event_type", "grouping_id", "datetime_created", "status", "request_id"}


def test_an_unknown_event_is_not_sent(desk: Desk) -> None:
    """The error has the closest names."""
    webhook_id = desk.webhook("IdentityVerification.Completed")

    message = desk.refused("send", webhook_id=webhook_id, event="IdentityVerification.Complete")

    assert "the closest are IdentityVerification.Completed" in message


def test_a_deleted_webhook_receives_nothing(desk: Desk) -> None:
    """The page may still show it."""
    webhook_id = desk.webhook("IdentityVerification.Completed")
    desk.api.delete(f"/v2/webhooks/{webhook_id}")

    message = desk.refused("send", webhook_id=webhook_id, event="IdentityVerification.Completed")

    assert "deleted" in message.lower()


def test_everything_can_be_reset(desk: Desk) -> None:
    """Records, requests and faults are deleted, and the clock is at its epoch."""
    desk.case()
    desk.do("advance", seconds=60)

    assert "Clients need a new access token" in desk.do("reset")

    shown = desk.state()
    assert shown["cases"] == {"count": 0, "rows": []}
    assert shown["requests"]["count"] == 0
    assert shown["clock"]["now"] == "2027-03-01T09:30:00Z"
    assert desk.api.get("/v2/users").status_code == 401


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "JSON object"),
        (b"{", "JSON object"),
        (b"\xff", "JSON object"),
        (b"[]", "JSON object"),
        (b"[" * 9_000, "JSON object"),
        (b" " * 10_001, "too large"),
    ],
)
def test_an_invalid_form_is_refused(desk: Desk, body: bytes, words: str) -> None:
    """It is not read further than necessary."""
    response = desk.page.post(
        "api/do/advance", content=body, headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 400
    assert words in response.json()["error"]


def test_a_lone_surrogate_is_repeated_in_the_error(desk: Desk) -> None:
    """JSON can contain it, UTF-8 cannot."""
    response = desk.page.post(
        "api/do/send-again",
        content=b'{"request_id": "\\ud800"}',
        headers={"Content-Type": "application/json"},
    )

    assert response.status_code == 400
    assert "There is nothing at" in response.json()["error"]


def test_an_incomplete_form_is_not_logged_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """Neither if its sender disconnects, nor if the local Sikoia stops, which happens at once."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(inspector=True))
        url = httpx.URL(str(sandbox.inspector_url))
        page = stack.enter_context(open_page(sandbox))
        begun = (
            f"POST /api/do/reset HTTP/1.1\r\nHost: {url.host}:{url.port}\r\n"
            f"X-Inspector-Token: {page.headers['X-Inspector-Token']}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        senders = [socket.create_connection((url.host, url.port or 0)) for _ in range(50)]
        for sender in senders:
            stack.callback(sender.close)
            sender.sendall(begun.encode())
        senders[0].close()
        assert page.get("api/state").status_code == 200
        started = time.monotonic()
        sandbox.__exit__(None, None, None)

        assert time.monotonic() - started < 5
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_an_unknown_action_is_refused(desk: Desk) -> None:
    """A page of another version may send one."""
    response = desk.page.post("api/do/explode", json={})

    assert response.status_code == 404
    assert response.json() == {"error": "Unknown action."}


class _Tags(html.parser.HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect a tag."""
        self.tags.append((tag, dict(attrs)))


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_programs_read_the_token(desk: Desk) -> None:
    """From any program on this machine, but not from the page of another site."""
    url = f"{desk.sandbox.inspector_url}api/token"

    assert httpx.get(url).json() == {"token": desk.page.headers["X-Inspector-Token"]}
    for headers in (
        {"Origin": "https://attacker.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "attacker.example"},
    ):
        refused = httpx.get(url, headers=headers)
        assert refused.status_code in {403, 421}
        assert "token" not in refused.json()


@pytest.mark.parametrize(
    ("action", "form", "message"),
    [
        ("add-fault", {"status": "503"}, "status: expected a number"),
        ("add-fault", {"status": 503.5}, "status: expected a whole number"),
        ("add-fault", {"headers": []}, "headers: expected an object of strings"),
        ("add-fault", {"headers": {"A": 1}}, "A: expected a string"),
        ("add-fault", {"body": 1}, "body: expected a string"),
        ("add-fault", {"statsu": 503}, "unknown field; did you mean status?"),
        ("add-fault", {"zzzz": 503}, "unknown field"),
        ("add-fault", {"operation": ""}, "operation: required"),
        ("add-delivery-fault", {"hold": 1}, "hold: expected true or false"),
        ("plan-fault", {"name": "outage", "operation": "*", "nth": 1, "times": 2}, "unknown field"),
        ("restore", {"name": "none"}, "name: no snapshot has this name"),
        ("assert-charged-once", {"operation": "GET /v2/users"}, "free"),
    ],
)
def test_invalid_fields_are_refused(
    desk: Desk, action: str, form: dict[str, object], message: str
) -> None:
    """With a reason that names the field."""
    assert message in desk.refused(action, **form)


def test_faults_with_headers_and_flags_are_planned(desk: Desk) -> None:
    """Every kind of field arrives."""
    desk.do("add-fault", body="x", headers={"X-One": "1"}, delay=0.5)
    desk.do("add-delivery-fault", hold=True)

    assert desk.sandbox.faults.planned[-1].headers == {"X-One": "1"}
    assert desk.sandbox.deliveries.faults.planned[-1].hold
    desk.do("clear-faults")


def test_assertions_about_the_ledger(desk: Desk) -> None:
    """A 409 if they are wrong, with the reason."""
    desk.do("clear-ledger")
    assert desk.do("assert-nothing-charged-twice") == "Nothing was charged twice."
    assert desk.do("assert-no-personal-data-in-urls") == "No URL contains personal data."
    wrong = desk.page.post("api/do/assert-charged-once", json={"operation": "POST /v2/identity"})
    assert wrong.status_code == 409
    assert "POST /v2/identity" in wrong.json()["error"]
    _, person = desk.verification()
    form = {"operation": "POST /v2/identity", "entity_id": person}
    assert desk.do("assert-charged-once", **form) == "It was charged exactly once."


def test_the_ledger_and_the_archive_are_read(desk: Desk) -> None:
    """All requests, or those after a number."""
    desk.case()
    everything = desk.page.get("api/ledger").json()
    number = everything["requests"][-1]["number"]

    assert everything["requests"][-1]["operation"] == "POST /v2/cases"
    assert desk.page.get(f"api/ledger?since={number}").json()["requests"] == []
    assert desk.page.get("api/ledger?since=x").status_code == 400
    assert desk.page.get("api/har").json()["log"]["version"] == "1.2"
    assert desk.page.get("api/scenarios").json()["scenarios"][0]["name"] == "solvent company"


def test_snapshots_are_limited(desk: Desk) -> None:
    """A program that forgets to reuse names cannot fill the memory."""
    for number in range(100):
        desk.do("snapshot", name=str(number))

    assert desk.refused("snapshot", name="one more").startswith("name: there are 100 snapshots")
    assert desk.do("snapshot", name="7")


def test_the_inspector_has_a_health_check(desk: Desk) -> None:
    """Over plain HTTP, for containers."""
    assert httpx.get(f"{desk.sandbox.inspector_url}healthz").json() == {"status": "ok"}
