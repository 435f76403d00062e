"""The pages behind the links for people: over HTTP, and in a browser without JavaScript."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import attrs
import httpx
import pytest
from browsers import chromium, tab_to, watch
from playwright.sync_api import Page, expect

from sikoia_async.sandbox import Rate, Sandbox, Time, Wire

Connect = Callable[[Sandbox], httpx.Client]
_NAME = "<b>Ada</b>"


@attrs.frozen
class Local:
    """A local Sikoia whose work ends only by its pages, an API client and an anonymous visitor."""

    sandbox: Sandbox
    api: httpx.Client
    visitor: httpx.Client
    person_id: str

    def connect(self) -> tuple[str, str]:
        """Create a bank connection; return its path and its link."""
        body = {"entity_id": self.person_id, "entity_type": "person"}
        created = self.api.post("/v2/openbanking", json=body).json()
        return f"/v2/openbanking/{created['bank_connection_id']}", created["bank_connection_url"]

    def verify(self) -> tuple[str, str, str]:
        """Start a verification; return its path and both links."""
        body = {"person_id": self.person_id, "country_code": "GB"}
        created = self.api.post("/v2/identity", json=body).json()
        path = f"/v2/identity/{created['request_id']}"
        return path, created["verification_url"], created["direct_url"]

    def get(self, path: str) -> Any:
        """Return the body of a response of the API."""
        return self.api.get(path).raise_for_status().json()

    def press(self, url: str, action: str) -> httpx.Response:
        """Send the form of a page, as a button does."""
        return self.visitor.post(url, data={"action": action})


@contextmanager
def _local(connect: Connect, **options: Any) -> Generator[Local]:
    everything: dict[str, Any] = {
        "time": Time(speed=0),
        "rate": Rate(requests_per_window=10**6),
        **options,
    }
    with Sandbox(**everything) as sandbox:
        api = connect(sandbox)
        person = {"first_name": _NAME, "last_name": "Example"}
        body = {"name": "Loan", "case_type": "Consumer", "persons": [person]}
        (person,) = api.post("/v2/cases", json=body).json()["persons"]
        with httpx.Client(verify=False) as visitor:  # noqa: S501 - a browser that was told to
            yield Local(sandbox, api, visitor, person["person_id"])


@pytest.fixture(scope="module")
def local(connect: Connect) -> Generator[Local]:
    """Run a local Sikoia for the tests of this module."""
    with _local(connect) as running:
        yield running


@pytest.mark.parametrize(("action", "status"), [("approve", "Connected"), ("reject", "Rejected")])
def test_an_account_holder_answers(local: Local, action: str, status: str) -> None:
    """The states of the connection follow; the answer holds."""
    path, url = local.connect()
    states = [local.get(path)["status"]]
    opened = local.visitor.get(url)
    states.append(local.get(path)["status"])
    chosen = local.press(url, "choose")
    states.append(local.get(path)["status"])
    answered = local.press(url, action)
    connection = local.get(path)
    again = [local.press(url, one).status_code for one in ("approve", "reject", "choose")]
    local.sandbox.clock.advance(1)

    assert states == ["Created", "SelectingInstitutions", "Authorising"]
    assert opened.status_code == 200
    assert (chosen.status_code, answered.status_code) == (303, 303)
    assert connection["status"] == local.get(path)["status"] == status
    assert bool(connection["account_connection_ids"]) == (action == "approve")
    assert again == [409, 409, 409]
    assert "close this page" in local.visitor.get(url).text


def test_an_account_holder_leaves_and_comes_back(local: Local) -> None:
    """The connection waits for ever, and can still be approved."""
    path, url = local.connect()
    assert local.press(url, "cancel").status_code == 303
    local.sandbox.clock.advance(100)
    assert local.get(path)["status"] == "SelectingInstitutions"
    local.press(url, "approve")
    assert local.get(path)["status"] == "Connected"


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize(
    ("action", "status", "decision"),
    [
        ("approve", "Complete", "Approved"),
        ("reject", "Complete", "Declined"),
        ("cancel", "Expired", "NotCompleted"),
    ],
)
def test_a_person_is_verified(
    local: Local, action: str, status: str, decision: str, direct: bool
) -> None:
    """By either link, with the decision of the page."""
    path, *urls = local.verify()
    pending = local.visitor.get(urls[direct]).status_code, local.get(path)["status"]
    answered = local.press(urls[direct], action)
    verification = local.get(path)

    assert pending == (200, "Pending")
    assert answered.status_code == 303
    assert (verification["status"], verification["data"]["verification_status"]) == (
        status,
        decision,
    )
    assert local.press(urls[not direct], "approve").status_code == 409


def test_work_ends_by_itself_unless_a_visitor_is_first(local: Local) -> None:
    """As without pages."""
    path, url = local.connect()
    local.visitor.get(url)
    local.sandbox.clock.advance(1)
    assert local.get(path)["status"] == "Connected"


def test_answers_are_part_of_snapshots(local: Local) -> None:
    """A restored connection waits for its holder again."""
    path, url = local.connect()
    local.press(url, "choose")
    snapshot = local.sandbox.snapshot()
    local.press(url, "reject")
    rejected = local.get(path)["status"]
    local.sandbox.restore(snapshot)
    assert (rejected, local.get(path)["status"]) == ("Rejected", "Authorising")


@pytest.mark.parametrize("form", ["", "action=", "action=steal", "approve", "action=%00"])
def test_unknown_actions_are_refused(local: Local, form: str) -> None:
    """Nothing happens."""
    path, url = local.connect()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    refused = local.visitor.post(url, content=form, headers=headers)

    assert refused.status_code == 400
    assert "steal" not in refused.text
    assert local.get(path)["status"] in {"Created", "SelectingInstitutions"}


def test_a_page_without_work_is_not_found(local: Local) -> None:
    """Also after the connection was deleted, and for the id of something else."""
    path, url = local.connect()
    _, verification_url, _ = local.verify()
    local.api.delete(path)
    other = url.replace(path.rpartition("/")[2], verification_url.rpartition("/")[2])
    for one in (url, other):
        assert local.visitor.get(one).status_code == 404
        assert local.press(one, "approve").status_code == 404


def test_pages_are_safe(local: Local) -> None:
    """They show no data, load nothing, and can be in no frame."""
    _, url = local.connect()
    page = local.visitor.get(url)
    policy = page.headers["Content-Security-Policy"]

    assert "Ada" not in page.text
    assert "<script" not in page.text
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for part in ("default-src 'none'", "form-action 'self';", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "no-referrer"


class _Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Shop</title><h1>Welcome back</h1>")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base
        """Stay quiet."""


@pytest.fixture(scope="module")
def shop() -> Generator[str]:
    """Serve a page of the platform that people return to."""
    with HTTPServer(("127.0.0.1", 0), _Shop) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/return?from=bank"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def tab() -> Generator[Page]:
    """Return a page of a browser without JavaScript, which trusts every certificate."""
    with chromium() as browser:
        yield browser.new_page(java_script_enabled=False, ignore_https_errors=True)


def test_a_browser_goes_through_consent_and_returns(connect: Connect, tab: Page, shop: str) -> None:
    """With the keyboard, to the page of the platform."""
    seen = watch(tab)
    with ExitStack() as stack:
        local = stack.enter_context(_local(connect, wire=Wire(return_url=shop)))
        path, url = local.connect()
        tab.goto(url)
        expect(tab.locator("h1")).to_have_text("Connect a bank account")
        tab_to(tab, "it.value == 'choose'")
        tab.keyboard.press("Enter")
        expect(tab.locator("button")).to_have_count(3)
        assert local.get(path)["status"] == "Authorising"
        tab_to(tab, "it.value == 'approve'")
        tab.keyboard.press("Enter")
        expect(tab).to_have_title("Shop")

        assert tab.url == shop
        assert local.get(path)["status"] == "Connected"
        assert seen.errors == []


def test_a_browser_applies_the_style(local: Local, tab: Page) -> None:
    """The policy allows it, and nothing is reported."""
    seen = watch(tab)
    path, url, _ = local.verify()
    tab.goto(url)
    expect(tab.locator("button")).to_have_count(3)
    expect(tab.locator("main")).to_have_css("max-width", "512px")
    tab_to(tab, "it.value == 'reject'")
    tab.keyboard.press("Enter")
    expect(tab.locator("body")).to_contain_text("close this page")
    assert local.get(path)["data"]["verification_status"] == "Declined"
    assert seen.errors == []
