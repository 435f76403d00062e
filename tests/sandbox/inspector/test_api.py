"""The inspector as its page sees it: who may ask, what is shown, what can be done."""

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
from sikoia_async.sandbox import Sandbox, inspector
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
    """A local Sikoia, a client of its API, and one of its inspector, as the page is one."""

    sandbox: Sandbox
    api: httpx.Client
    page: httpx.Client

    def state(self) -> Any:
        """Ask for all that is shown."""
        return self.page.get("api/state").raise_for_status().json()

    def do(self, action: str, **form: object) -> str:
        """Do something, and return what the page would say of it."""
        answer = self.page.post(f"api/do/{action}", json=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["message"])

    def refused(self, action: str, **form: object) -> str:
        """Try to do what cannot be done, and return the reason."""
        answer = self.page.post(f"api/do/{action}", json=form)
        assert answer.status_code == 400, answer.text
        return str(answer.json()["error"])

    def in_full(self) -> Any:
        """Ask for the latest request with its headers and bodies."""
        return self.page.get(f"api/requests/{self.sandbox.ledger[-1].number}").json()

    def post(self, path: str, body: object) -> Any:
        """Ask the API to make something."""
        answer = self.api.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def case(self, **more: object) -> Any:
        """Create a case."""
        return self.post("/v2/cases", {"name": "Loan", "case_type": "Business", **more})

    def verification(self) -> tuple[str, str]:
        """Begin to verify a person, and return the id of that and the person's."""
        (person,) = self.case(persons=[{"first_name": "Ada", "last_name": "Example"}])["persons"]
        begun = self.post("/v2/identity", {"person_id": person["person_id"]})
        return begun["request_id"], person["person_id"]

    def webhook(self, *events: str, url: str = NOWHERE) -> str:
        """Subscribe somebody who is not there."""
        body = {"webhook_name": "Test", "webhook_callback_url": url, "event_types": events}
        return str(self.post("/v2/webhooks", body)["webhook_id"])


@pytest.fixture(scope="module")
def inspected() -> Generator[tuple[Sandbox, httpx.Client]]:
    """Run a local Sikoia whose time stands still, and open its inspector."""
    with (
        Sandbox(inspector=True, speed=0, work_time=60, epoch=EPOCH, limit=1000) as sandbox,
        open_page(sandbox) as page,
    ):
        yield sandbox, page


@pytest.fixture
def desk(
    inspected: tuple[Sandbox, httpx.Client], connect: Callable[[Sandbox], httpx.Client]
) -> Desk:
    """Begin again, and get in."""
    sandbox, page = inspected
    sandbox.reset()
    return Desk(sandbox, connect(sandbox), page)


@contextmanager
def open_page(sandbox: Sandbox) -> Generator[httpx.Client]:
    """Do what a browser does: load the page, and ask with the token that is in it."""
    with httpx.Client(base_url=str(sandbox.inspector_url)) as client:
        (token,) = re.findall(r'<meta name="token" content="([^"]+)">', client.get("/").text)
        client.headers["X-Inspector-Token"] = token
        yield client


def test_its_origin_is_its_own(desk: Desk) -> None:
    """It is served on loopback by plain http, and not where the API is."""
    url = httpx.URL(str(desk.sandbox.inspector_url))

    assert (url.scheme, url.host, url.path) == ("http", "127.0.0.1", "/")
    assert url.port != httpx.URL(desk.sandbox.url).port
    assert desk.api.get("/").status_code == 404


def test_nobody_has_it_who_does_not_ask_for_it() -> None:
    """A sandbox serves no page by itself."""
    with Sandbox() as sandbox:
        assert sandbox.inspector_url is None


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_it_is_where_the_sandbox_is(host: str) -> None:
    """Other names of loopback lead to it as well, if they are the sandbox's."""
    if host == "::1" and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    with Sandbox(host=host, inspector=True) as sandbox, open_page(sandbox) as page:
        assert page.get("api/state").json()["address"] == sandbox.url


def test_its_port_can_be_chosen() -> None:
    """It is served where somebody has a bookmark."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]

    with Sandbox(inspector=True, inspector_port=port) as sandbox:
        assert sandbox.inspector_url == f"http://127.0.0.1:{port}/"


def test_a_port_that_is_in_use_is_named() -> None:
    """The sandbox does not start without it, and leaves nothing behind."""
    before = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on port {port} of 127.0.0.1"):
            Sandbox(inspector=True, inspector_port=port).__enter__()
    assert threading.active_count() == before


def test_a_port_that_is_none_is_refused() -> None:
    """It is said when the sandbox is made."""
    with pytest.raises(ValueError, match="port"):
        Sandbox(inspector=True, inspector_port=70_000)


def test_in_memory_there_is_none() -> None:
    """A browser could not reach it."""
    with pytest.raises(ValueError, match="use Sandbox"):
        MemorySandbox(inspector=True)  # type: ignore[call-arg]


def test_the_command_line_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--inspector 0` serves it at any free port."""
    answers = list[int]()

    def look(sandbox: Sandbox) -> None:
        answers.append(httpx.get(str(sandbox.inspector_url)).status_code)

    monkeypatch.setattr(Sandbox, "serve_forever", look)

    assert cli.main(["sandbox", "--port", "0", "--inspector", "0"]) == 0

    assert answers == [200]
    assert re.search(r"The inspector is at http://127\.0\.0\.1:\d+/\n", capsys.readouterr().out)


def test_without_the_option_the_command_line_serves_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is said of it either."""
    monkeypatch.setattr(Sandbox, "serve_forever", Sandbox.exports)

    assert cli.main(["sandbox", "--port", "0"]) == 0

    assert "inspector" not in capsys.readouterr().out


def test_nothing_is_left_behind() -> None:
    """After the block nobody listens, and an idle page does not hold up the end."""
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


# Who may ask.


@pytest.mark.parametrize(
    "path", ["/", "/style.css", "/script.js", "/icon.svg", "/api/state", "/api/nothing", "/other"]
)
def test_every_answer_has_the_headers(desk: Desk, path: str) -> None:
    """Those of errors too: no other origin may frame, read or guess at anything."""
    headers = desk.page.get(path).headers

    policy = [rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; ")]
    assert dict(policy) == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert not [name for name in headers if name.startswith("access-control")]


def test_the_page_is_what_its_files_are(desk: Desk) -> None:
    """Each has its type, and only the token is put in."""
    for path, media_type in (
        ("style.css", "text/css"),
        ("script.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ):
        answer = desk.page.get(path)
        assert answer.headers["Content-Type"].startswith(media_type)
        assert answer.content == (PAGE / path).read_bytes()
    assert "{{" not in desk.page.get("/").text


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        pytest.param(421, {"Host": "attacker.example"}, id="another name"),
        pytest.param(421, {"Host": "127.0.0.1"}, id="without its port"),
        pytest.param(421, {"Host": "localhost:{port}"}, id="another name of loopback"),
        pytest.param(403, {"Origin": "https://attacker.example"}, id="another origin"),
        pytest.param(403, {"Origin": "http://localhost:{port}"}, id="nearly the origin"),
        pytest.param(403, {"Origin": "null"}, id="a hidden origin"),
        pytest.param(403, {"Sec-Fetch-Site": "cross-site"}, id="another site"),
        pytest.param(403, {"Sec-Fetch-Site": "same-site"}, id="another port"),
        pytest.param(403, {"X-Inspector-Token": ""}, id="no token"),
        pytest.param(403, {"X-Inspector-Token": "gu\xe9ssed"}, id="another token"),
        pytest.param(415, {"Content-Type": "text/plain"}, id="text"),
        pytest.param(415, {"Content-Type": "application/x-www-form-urlencoded"}, id="a form"),
    ],
)
def test_who_is_not_the_page_may_do_nothing(
    desk: Desk, status: int, headers: Mapping[str, str]
) -> None:
    """What other sites can have a browser send is refused, and nothing is done."""
    port = httpx.URL(str(desk.sandbox.inspector_url)).port
    sent = {
        name.encode(): value.format(port=port).encode("latin-1") for name, value in headers.items()
    }

    answer = desk.page.post("api/do/advance", json={"seconds": 60}, headers=sent)

    assert answer.status_code == status
    assert answer.json()["error"]
    assert desk.sandbox.clock.now == EPOCH
    if status != 415:
        assert desk.page.get("api/state", headers=sent).status_code == status


def test_another_name_does_not_get_the_page(desk: Desk) -> None:
    """The token is in the page, so that is only for who knows where it is."""
    answer = desk.page.get("/", headers={"Host": "attacker.example"})

    assert answer.status_code == 421
    assert answer.json() == {"error": f"The inspector is at {desk.sandbox.inspector_url}"}


def test_the_page_itself_may(desk: Desk) -> None:
    """With all that a browser says of it."""
    origin = str(desk.sandbox.inspector_url).rstrip("/")
    said = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}

    answer = desk.page.post("api/do/advance", json={"seconds": 60}, headers=said)

    assert answer.json() == {"message": "The clock shows 2027-03-01 09:31:00 UTC."}


def test_a_preflight_leads_nowhere(desk: Desk) -> None:
    """A script of another site cannot even ask whether it may."""
    asked = {"Origin": "https://attacker.example", "Access-Control-Request-Method": "POST"}

    answer = desk.page.options("api/do/advance", headers=asked)

    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_looking_is_not_doing(desk: Desk) -> None:
    """No address does something by being looked at."""
    for action in ACTIONS:
        assert desk.page.get(f"api/do/{action}").status_code == 405


def test_each_run_has_a_token_of_its_own() -> None:
    """The same seed does not foretell it."""
    tokens = set[str]()
    for _ in range(2):
        with Sandbox(seed=7, inspector=True) as sandbox, open_page(sandbox) as page:
            tokens.add(page.headers["X-Inspector-Token"])

    assert len(tokens) == 2


def test_nothing_comes_from_elsewhere() -> None:
    """The page names no other host, and has no script, style or handler between its lines."""
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


def test_the_script_writes_text_only() -> None:
    """What comes from requests can be anything, and is never read as markup."""
    script = (PAGE / "script.js").read_text("utf-8")

    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in script


# What is shown.


def test_a_request_is_shown(desk: Desk) -> None:
    """With its number, moment, correlation id, status and cost."""
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


def test_the_spend_is_that_of_the_ledger(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever becomes of that, and without a look at all of it each time."""
    ledger = desk.sandbox.ledger

    def spent() -> int:
        # A client has its answer before the ledger has noted that this is the end of it.
        while ledger and ledger[-1].seconds is None:
            time.sleep(0.001)
        spend = sum(asked.cost for asked in ledger)
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


def test_what_is_pending_in_a_case_is_counted(desk: Desk) -> None:
    """With what is about those who are not named for want of room."""
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
    """Of each request, and together."""
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
        (None, None, "under way"),
        (None, 0.1, "no answer"),
    ],
)
def test_how_it_ended_is_said_in_words(
    status: int | None, seconds: float | None, words: str
) -> None:
    """Also where no answer came, and where none has come yet."""
    asked = RecordedRequest(
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

    assert _outcome(asked) == words


def test_its_own_requests_are_not_shown(desk: Desk) -> None:
    """Looking changes nothing that is looked at."""
    assert desk.state()["requests"] == desk.state()["requests"]


def test_the_newest_are_shown_and_the_others_counted(desk: Desk) -> None:
    """So that a hundred thousand requests are no more to send than three hundred."""
    for _ in range(310):
        desk.api.get("/v2/users")

    shown = desk.state()["requests"]

    assert shown["count"] == len(desk.sandbox.ledger) > 310
    numbers = [row["number"] for row in shown["rows"]]
    assert numbers == [asked.number for asked in desk.sandbox.ledger[-300:][::-1]]


def test_a_case_is_shown_with_who_is_in_it(desk: Desk) -> None:
    """Some of them by name, and how many more there are."""
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


def test_work_is_shown(desk: Desk) -> None:
    """How it stands, when it began, and when it ends by itself."""
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
                "begun": "2027-03-01T09:30:00Z",
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


def test_what_has_just_ended_by_itself_is_shown_so(
    clock: SimpleNamespace, connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """Nobody needs to ask the API first."""
    with (
        Sandbox(inspector=True, work_time=60, clock=lambda: clock.now) as sandbox,
        open_page(sandbox) as page,
    ):
        desk = Desk(sandbox, connect(sandbox), page)
        desk.verification()
        assert desk.state()["work"]["pending"] == 1
        clock.now = 60

        assert desk.state()["work"]["pending"] == 0


def test_webhooks_and_deliveries_are_shown(desk: Desk) -> None:
    """With what was answered to each attempt; queries, where keys may be, are left out."""
    webhook_id = desk.webhook("IdentityVerification.Completed")
    desk.verification()
    desk.sandbox.work.finish_all()
    desk.sandbox.settle()

    shown = desk.state()

    assert shown["webhooks"] == [
        {
            "id": webhook_id,
            "name": "Test",
            "address": "http://127.0.0.1:1/hooks",
            "events": ["IdentityVerification.Completed"],
        }
    ]
    (delivery,) = shown["deliveries"]["rows"]
    del delivery["id"]
    assert delivery == {
        "webhook_id": webhook_id,
        "event": "IdentityVerification.Completed",
        "address": "http://127.0.0.1:1/hooks",
        "status": "Pending",
        "delivered": None,
        "answers": [0],
    }


def test_faults_are_shown(desk: Desk) -> None:
    """Those that are planned, with their conditions, and those that have happened."""
    desk.sandbox.faults.add("GET /v2/users", status=503)
    desk.api.get("/v2/users")
    desk.sandbox.faults.add("*", delay=1, nth=2, times=3, after=4)
    desk.sandbox.deliveries.faults.add("*", drop=True)

    assert desk.state()["faults"] == {
        "planned": [
            {"whom": "every request", "what": "delay=1, nth=2, times=3, after=4"},
            {"whom": "every event", "what": "drop=True"},
        ],
        "happened": [{"whom": "GET /v2/users", "what": "status=503"}],
    }


def test_the_forms_offer_what_there_is(desk: Desk) -> None:
    """All operations, events and named faults, each with a line of what it does."""
    offered = desk.page.get("api/choices").json()

    assert offered["operations"] == list(desk.sandbox.faults.operations)
    assert offered["events"] == list(desk.sandbox.deliveries.faults.events)
    assert {"name": "lost", "about": "the log says that it was delivered, and nothing is sent"} in (
        offered["delivery_faults"]
    )
    assert all(one["name"] and one["about"] for one in offered["faults"])


def test_a_request_is_shown_in_full(desk: Desk) -> None:
    """Headers and bodies of both sides."""
    case = desk.case(name="Loan for a bakery")

    shown = desk.in_full()

    assert shown["operation"] == "POST /v2/cases"
    assert "accept: application/json" in shown["sent_headers"].lower().splitlines()
    assert '"Loan for a bakery"' in shown["sent"]
    assert "x-correlation-id: " in shown["answered_headers"].lower()
    assert case["case_id"] in shown["answered"]


def test_of_a_large_body_the_beginning_is_shown(desk: Desk) -> None:
    """It says how much is left out."""
    desk.api.post("/v2/cases", content=b"a" * 20_005)

    shown = desk.in_full()

    assert shown["sent"] == "a" * 20_000 + "\n… and 5 bytes more"


def test_what_the_ledger_has_dropped_is_shown_without_it(desk: Desk) -> None:
    """A request stays, when its headers and bodies had to go."""
    desk.api.post("/v2/cases", content=b"a" * 33 * 2**20)

    shown = desk.in_full()

    assert shown["path"] == "/v2/cases"
    assert "sent" not in shown


@pytest.mark.parametrize("number", ["999999", pytest.param("9" * 5000, id="huge"), "-1", "first"])
def test_a_request_that_never_was_is_not_shown(desk: Desk, number: str) -> None:
    """The ledger may have been cleared since the page has shown it."""
    answer = desk.page.get(f"api/requests/{number}")

    assert answer.status_code == 404
    assert answer.json() == {"error": "The ledger has forgotten it."}


def test_no_secret_is_shown(desk: Desk) -> None:
    """No token, no client secret, no key of webhooks, wherever one looks."""
    key = desk.post("/v2/webhooks/secrets", None)["shared_key"]
    desk.webhook("IdentityVerification.Completed")
    secrets = (
        desk.sandbox.client_secret,
        desk.api.headers["Authorization"].removeprefix("Bearer "),
        key,
    )

    looks = ["/", "/api/state", "/api/choices"]
    looks += [f"/api/requests/{asked.number}" for asked in desk.sandbox.ledger]

    for path in looks:
        shown = desk.page.get(path).raise_for_status().text
        assert not [secret for secret in secrets if secret in shown], path
    assert "swordfish" not in desk.page.get("/api/state").text


# What can be done.


def test_the_clock_is_advanced(desk: Desk) -> None:
    """It says what it shows now."""
    assert desk.do("advance", seconds=3600) == "The clock shows 2027-03-01 10:30:00 UTC."
    assert desk.state()["clock"] == {"now": "2027-03-01T10:30:00Z", "speed": 0}


@pytest.mark.parametrize("seconds", [-1, None, "60", True, {}, pytest.param(10**400, id="huge")])
def test_the_clock_goes_forward_only(desk: Desk, seconds: object) -> None:
    """And by numbers."""
    assert "give" in desk.refused("advance", seconds=seconds)
    assert desk.sandbox.clock.now == EPOCH


def test_a_clock_of_somebodys_own_is_theirs() -> None:
    """The page says so."""
    with Sandbox(inspector=True, clock=lambda: 0.0) as sandbox, open_page(sandbox) as page:
        answer = page.post("api/do/advance", json={"seconds": 1})

    assert answer.status_code == 400
    assert "the clock is a function of yours" in answer.json()["error"]


def test_work_is_finished(desk: Desk) -> None:
    """As it would have ended by itself."""
    request_id, _ = desk.verification()

    assert desk.do("finish", kind="identity", id=request_id) == "Finished: identity."

    assert desk.api.get(f"/v2/identity/{request_id}").json()["status"] == "Complete"
    assert "nothing is pending" in desk.refused("finish", kind="identity", id=request_id)


def test_work_is_made_to_fail(desk: Desk) -> None:
    """As the API says it."""
    request_id, _ = desk.verification()

    assert desk.do("fail", kind="identity", id=request_id) == "Failed, as asked for: identity."

    assert desk.api.get(f"/v2/identity/{request_id}").json()["status"] == "Failed"


def test_all_work_is_finished(desk: Desk) -> None:
    """At once."""
    desk.verification()
    desk.verification()

    assert desk.do("finish-all") == "All work is finished."

    assert desk.state()["work"]["pending"] == 0


def test_a_fault_is_planned_and_cleared(desk: Desk) -> None:
    """By name, for an operation, from a request on."""
    said = desk.do("plan-fault", name="server error", operation="GET /v2/users", nth=2)

    assert said == "Planned: server error, for GET /v2/users."
    assert [desk.api.get("/v2/users").status_code for _ in range(3)] == [200, 500, 200]

    assert desk.do("plan-fault", name="server error", operation="*", nth=1) == (
        "Planned: server error, for every request."
    )
    assert desk.do("clear-faults") == "No fault is planned any more."
    assert desk.api.get("/v2/users").status_code == 200
    assert desk.state()["faults"] == {"planned": [], "happened": []}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": "server eror", "operation": "*", "nth": 1}, "server error"),
        ({"name": "server error", "operation": "GET /v2/user", "nth": 1}, "GET /v2/users"),
        ({"name": "server error", "operation": "*", "nth": 1.5}, "nth: give a whole number"),
        ({"name": "server error", "operation": "*", "nth": 0}, "nth: give at least 1"),
        ({"name": "server error", "operation": "*"}, "nth: give a number"),
        ({"name": "server error", "operation": "*", "nth": 10**20}, "nth: give a smaller number"),
        ({"name": "server error", "nth": 1}, "operation: choose one"),
        ({"name": "", "operation": "*", "nth": 1}, "name: choose one"),
        ({"name": 7, "operation": "*", "nth": 1}, "name: choose one"),
    ],
)
def test_what_cannot_be_planned_is_refused(
    desk: Desk, form: Mapping[str, object], words: str
) -> None:
    """With the nearest of what there is, or what is missing."""
    assert words in desk.refused("plan-fault", **form)


def test_a_fault_of_deliveries_is_planned(desk: Desk) -> None:
    """What is held back is counted, and released."""
    webhook_id = desk.webhook("IdentityVerification.Completed")
    event = "IdentityVerification.Completed"
    assert desk.do("plan-delivery-fault", name="held back", event="*", nth=1) == (
        "Planned: held back, for every event."
    )

    assert desk.do("send", webhook_id=webhook_id, event=event) == f"On its way: {event}."
    desk.sandbox.settle()
    assert desk.state()["deliveries"]["held"] == 1

    assert desk.do("release") == "What was held back is on its way."
    desk.sandbox.settle()
    shown = desk.state()["deliveries"]
    assert (shown["held"], shown["rows"][0]["answers"]) == (0, [0])


def test_what_has_failed_is_sent_again(desk: Desk) -> None:
    """Once it is given up; before, it is tried again by itself."""
    webhook_id = desk.webhook("IdentityVerification.Completed")
    desk.do("send", webhook_id=webhook_id, event="IdentityVerification.Completed")
    desk.sandbox.settle()
    (row,) = desk.state()["deliveries"]["rows"]
    assert "still on its way" in desk.refused("send-again", request_id=row["id"])
    for pause in (1, 5, 25):
        desk.sandbox.clock.advance(pause)
        desk.sandbox.settle()
    assert desk.state()["deliveries"]["rows"][0]["status"] == "Failed"

    assert desk.do("send-again", request_id=row["id"]) == "On its way again."

    desk.sandbox.settle()
    (row,) = desk.state()["deliveries"]["rows"]
    assert (row["status"], row["answers"]) == ("Pending", [0, 0, 0, 0, 0])


def test_an_event_is_about_the_latest_work(desk: Desk) -> None:
    """A receiver can ask the API for it; what is pending, or not of this event, is passed over."""
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


def test_an_event_without_work_is_about_nothing(desk: Desk) -> None:
    """It has an id that leads nowhere."""
    webhook_id = desk.webhook("IdentityVerification.Completed")

    desk.do("send", webhook_id=webhook_id, event="OpenBankingProcessing.Completed")

    log = desk.api.get(f"/v2/webhooks/{webhook_id}/requests").json()["webhook_requests"]
    (sent,) = [request["event_data"] for request in log]
    assert set(sent) == {"event_type", "grouping_id", "datetime_created", "status", "request_id"}


def test_an_event_that_there_is_not_is_not_sent(desk: Desk) -> None:
    """The nearest are named."""
    webhook_id = desk.webhook("IdentityVerification.Completed")

    said = desk.refused("send", webhook_id=webhook_id, event="IdentityVerification.Complete")

    assert "the nearest are IdentityVerification.Completed" in said


def test_a_webhook_that_is_gone_is_told_nothing(desk: Desk) -> None:
    """The page may not have seen yet that it is."""
    webhook_id = desk.webhook("IdentityVerification.Completed")
    desk.api.delete(f"/v2/webhooks/{webhook_id}")

    said = desk.refused("send", webhook_id=webhook_id, event="IdentityVerification.Completed")

    assert "deleted" in said.lower()


def test_everything_begins_again(desk: Desk) -> None:
    """Records, requests and faults are gone, and the clock is at its epoch."""
    desk.case()
    desk.do("advance", seconds=60)

    assert "Clients need a new token" in desk.do("reset")

    shown = desk.state()
    assert shown["cases"] == {"count": 0, "rows": []}
    assert shown["requests"]["count"] == 0
    assert shown["clock"]["now"] == "2027-03-01T09:30:00Z"
    assert desk.api.get("/v2/users").status_code == 401


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "object of JSON"),
        (b"{", "object of JSON"),
        (b"\xff", "object of JSON"),
        (b"[]", "object of JSON"),
        (b"[" * 9_000, "object of JSON"),
        (b" " * 10_001, "more than a form can have"),
    ],
)
def test_what_is_no_form_is_refused(desk: Desk, body: bytes, words: str) -> None:
    """It is read no further than it has to be."""
    answer = desk.page.post(
        "api/do/advance", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_half_a_character_is_refused_like_another(desk: Desk) -> None:
    """JSON can have in it what UTF-8 cannot, and the reason repeats it."""
    answer = desk.page.post(
        "api/do/send-again",
        content=b'{"request_id": "\\ud800"}',
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 400
    assert "There is nothing at" in answer.json()["error"]


def test_a_form_that_never_comes_is_no_error_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    """Neither when its sender goes away, nor when the local Sikoia stops; it stops at once."""
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


def test_there_are_no_other_actions(desk: Desk) -> None:
    """A page of another version may know some."""
    answer = desk.page.post("api/do/explode", json={})

    assert answer.status_code == 404
    assert answer.json() == {"error": "There is no such action."}


class _Tags(html.parser.HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one."""
        self.tags.append((tag, dict(attrs)))


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True
