"""The inspector's page in a headless Chromium, used with the keyboard."""

import re
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal

import httpx
import pytest
from browsers import Seen, accessible, chromium, tab_to, until, watch
from playwright.sync_api import Browser, Page, expect

from sikoia_async.sandbox import Rate, Sandbox, Time, inspector

EPOCH = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
STYLE = Path(inspector.__file__).with_name("page") / "style.css"
MARKUP = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
LIVE = "document.querySelector('#connection')?.dataset.status === 'live'"
READY = f"{LIVE} && document.querySelector('#operation').options.length > 50"
FAST_TIMERS = """{
    const original = setTimeout;
    globalThis.setTimeout = (then, time) => original(then, time / 10);
}"""
MESSAGE = "document.querySelector('#message').textContent"

CONTROLS = {
    "button",
    "checkbox",
    "combobox",
    "link",
    "searchbox",
    "spinbutton",
    "textbox",
    "dialog",
    "table",
    "region",
}

# The pairs of text and background colours.
TEXT_ON = [
    *((text, behind) for text in ("text", "muted") for behind in ("page", "surface", "raised")),
    *((text, "surface") for text in ("accent", "good", "bad", "waiting")),
    *((text, "raised") for text in ("good", "bad", "waiting")),
    ("on-accent", "accent"),
    ("on-bad", "bad"),
]
# The pairs of edges and backgrounds of controls and of the focus: WCAG 2.1, 1.4.11.
EDGES_ON = [
    *((edge, behind) for edge in ("edge", "focus") for behind in ("page", "surface")),
    ("bad", "raised"),
]


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Return a browser that is shared by all tests in this module."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser) -> Generator[Page]:
    """Return an empty page that shares nothing with other pages."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        # The page polls once a second, and the tests wait for that.
        context.add_init_script(FAST_TIMERS)
        yield context.new_page()


@pytest.fixture(scope="module")
def running() -> Generator[Sandbox]:
    """Run a local Sikoia with a paused clock."""
    with Sandbox(
        inspector=True,
        time=Time(speed=0, epoch=EPOCH),
        work_time=60,
        rate=Rate(requests_per_window=10_000),
    ) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """Return the local Sikoia in its initial state."""
    running.reset()
    return running


@pytest.fixture
def api(sandbox: Sandbox, connect: Callable[[Sandbox], httpx.Client]) -> httpx.Client:
    """Return a client of the API."""
    return connect(sandbox)


@pytest.fixture
def seen(tab: Page) -> Seen:
    """Return what the page loads and reports."""
    return watch(tab)


@pytest.fixture
def page(tab: Page, seen: Seen, sandbox: Sandbox) -> Generator[Page]:
    """Load the page; afterwards check for errors and for requests to other hosts."""
    own = str(sandbox.inspector_url)
    tab.goto(own)
    until(tab, READY)
    yield tab
    assert seen.errors == []
    assert seen.urls
    assert [url for url in seen.urls if not url.startswith(own)] == []


def verification(api: httpx.Client, name: str = "Ada") -> str:
    """Start to verify a person in a new case, and return the request id."""
    body = {
        "name": f"Loan for {name}",
        "case_type": "Business",
        "persons": [{"first_name": name, "last_name": "Example"}],
    }
    (person,) = api.post("/v2/cases", json=body).raise_for_status().json()["persons"]
    begun = api.post("/v2/identity", json={"person_id": person["person_id"]}).raise_for_status()
    return str(begun.json()["request_id"])


def webhook(api: httpx.Client) -> str:
    """Create a webhook whose receiver does not respond, and return its id."""
    body = {
        "webhook_name": "Records",
        "webhook_callback_url": "http://127.0.0.1:1/",
        "event_types": ["IdentityVerification.Completed"],
    }
    created = api.post("/v2/webhooks", json=body).raise_for_status()
    return str(created.json()["webhook_id"])


def cells(table: str) -> str:
    """Return an expression for the visible cells of a table."""
    rows = f"[...document.querySelectorAll('#{table} tbody tr')].filter((row) => !row.hidden)"
    return f"{rows}.map((row) => [...row.children].map((cell) => cell.innerText.trim()))"


def has_words(table: str, *words: str) -> str:
    """Return an expression that is true if a row contains all these words."""
    every = " && ".join(f"row.join(' ').includes({word!r})" for word in words)
    return f"{cells(table)}.some((row) => {every})"


def test_new_requests_appear(page: Page, api: httpx.Client) -> None:
    """They have correlation id, status and price, and the totals are updated."""
    assert page.evaluate("document.title") == "Local Sikoia"

    api.get("/v2/users", headers={"X-Correlation-Id": "seen-live"})
    verification(api)
    api.get("/v2/cases/none")

    until(page, has_words("requests", "GET", "/v2/users", "200 OK", "seen-live"))
    until(page, has_words("requests", "GET", "/v2/cases/none", "404 Not Found"))
    row = page.evaluate(
        f"{cells('requests')}.find((row) => row.join(' ').includes('/v2/identity'))"
    )
    assert (row[3], row[4]) == ("201 Created", "1")
    assert page.evaluate("document.querySelector('#spend').textContent") == "1"


def test_new_cases_operations_and_faults_appear(
    page: Page, sandbox: Sandbox, api: httpx.Client
) -> None:
    """Changes of them appear too."""
    webhook(api)
    request_id = verification(api)
    sandbox.faults.inject("server error", "GET /v2/users")
    until(page, has_words("cases", "Loan for Ada", "Business", "Ada Example"))
    until(page, has_words("work", "identity", request_id, "Ada Example", "Pending"))
    until(page, has_words("faults", "GET /v2/users", "planned", "status=500"))
    until(page, has_words("webhooks", "Records", "http://127.0.0.1:1/"))

    sandbox.work.finish(request_id)
    sandbox.settle()
    api.get("/v2/users")

    until(page, has_words("work", "identity", request_id, "Complete"))
    until(page, has_words("deliveries", "IdentityVerification.Completed", "Pending", "none"))
    until(page, has_words("faults", "GET /v2/users", "triggered", "status=500"))


def test_the_page_is_usable_by_keyboard(page: Page, sandbox: Sandbox, api: httpx.Client) -> None:
    """Advance the clock, send an event, plan a fault, finish work: with Tab, arrows and Enter."""
    webhook(api)
    first, second = verification(api), verification(api, "Bela")
    until(page, has_words("work", first) + " && !document.querySelector('#webhook').disabled")

    tab_to(page, "it.dataset.advance === '1'")
    page.keyboard.press("Enter")
    until(page, f"{MESSAGE} === 'The clock now shows 2027-03-01 09:30:01 UTC.'")
    tab_to(page, "it.id === 'seconds'")
    for key in "5":
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    until(page, f"{MESSAGE}.startsWith('The clock now shows') && !{MESSAGE}.includes('09:30:01')")
    advanced = (sandbox.clock.now - EPOCH).total_seconds()
    assert advanced == 6

    tab_to(page, "it.id === 'fault'")
    page.keyboard.press("s")
    assert page.evaluate("document.querySelector('#fault').value") == "server error"
    assert "500" in page.evaluate("document.querySelector('#fault-description').textContent")
    tab_to(page, "it.textContent === 'Plan fault'")
    page.keyboard.press("Space")
    until(page, f"{MESSAGE} === 'Planned: server error, for every request.'")
    assert [fault.status for fault in sandbox.faults.planned] == [500]

    tab_to(page, "it.textContent === 'Send event'")
    page.keyboard.press("Enter")
    until(page, f"{MESSAGE}.startsWith('Queued: ')")
    until(page, "document.querySelectorAll('#deliveries tbody tr').length === 1")

    tab_to(page, "it.closest('#work') && it.tagName === 'BUTTON'")
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement.textContent") == f"Finish identity {second}"
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == f"Finish identity {first}"
    page.keyboard.press("Enter")
    until(page, f"{MESSAGE} === 'Finished: identity.'")
    until(page, has_words("work", first, "Complete"))
    assert [job.id for job in sandbox.work.pending] == [second]


def test_updates_keep_focus_selection_and_scroll_position(
    page: Page, sandbox: Sandbox, api: httpx.Client
) -> None:
    """If the focused button disappears, its neighbour gets the focus."""
    for _ in range(10):
        api.get("/v2/users")
    first, second, third = (verification(api, name) for name in ("Ada", "Bela", "Carl"))
    until(page, has_words("work", third))
    page.evaluate("document.querySelector('#operation').value = 'GET /v2/users'")
    tab_to(page, "it.closest('#work') && it.tagName === 'BUTTON'")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == f"Fail identity {second}"
    page.evaluate("document.querySelector('.rows').scrollTop = 37")
    scrolled = page.evaluate("document.querySelector('.rows').scrollTop")

    fourth = verification(api, "Dora")
    sandbox.work.finish(third)
    until(page, f"{has_words('work', fourth)} && {has_words('work', third, 'Complete')}")

    assert page.evaluate("document.activeElement.textContent") == f"Fail identity {second}"
    assert page.evaluate("document.querySelector('#operation').value") == "GET /v2/users"
    assert scrolled == 37
    # Rows were added above the visible part, which the browser keeps in place.
    assert page.evaluate("document.querySelector('.rows').scrollTop") >= scrolled

    page.keyboard.press("Enter")
    until(page, has_words("work", second, "Failed"))
    until(page, f"document.activeElement.textContent === 'Finish identity {first}'")
    sandbox.work.finish_all()
    until(page, "document.activeElement.id === 'work-title'")


def test_updates_keep_the_selected_webhook(page: Page, api: httpx.Client) -> None:
    """If it is deleted, another one is selected."""
    chosen = "document.querySelector('#webhook').value"
    count = "document.querySelector('#webhook').options.length"
    webhook(api)
    second = webhook(api)
    until(page, f"{count} === 2")
    page.evaluate(f"{chosen} = {second!r}")

    webhook(api)
    until(page, f"{count} === 3")
    assert page.evaluate(chosen) == second
    api.get("/v2/users")
    until(page, has_words("requests", "/v2/users"))
    assert page.evaluate(chosen) == second

    api.delete(f"/v2/webhooks/{second}").raise_for_status()
    until(page, f"{count} === 2")
    assert page.evaluate(chosen) not in {"", second}


def test_arrow_keys_move_between_the_buttons_of_a_table(page: Page, api: httpx.Client) -> None:
    """All its buttons are one Tab stop."""
    for _ in range(3):
        api.get("/v2/users")
    # These, and that for the access token.
    until(page, "document.querySelectorAll('#requests tbody tr').length === 4")
    focused = "document.activeElement.textContent"
    numbers = page.evaluate(f"{cells('requests')}.map((row) => parseInt(row[0]))")
    newest, second, oldest = numbers[0], numbers[1], numbers[-1]
    tab_to(page, "it.closest('#requests') && it.tagName === 'BUTTON'")
    page.keyboard.press("Home")
    stops = "document.querySelectorAll('#requests button[tabindex=\"0\"]').length"

    labels = list[str]()
    keys = ("ArrowUp", "ArrowLeft", "ArrowRight", "ArrowDown", "End", "ArrowDown", "Home", "x")
    for key in keys:
        page.keyboard.press(key)
        labels.append(page.evaluate(focused))

    copy = "Copy correlation id of request"
    assert labels == [
        f"{newest} show request",
        f"{newest} show request",
        f"{copy} {newest}",
        f"{copy} {second}",
        f"{copy} {oldest}",
        f"{copy} {oldest}",
        f"{newest} show request",
        f"{newest} show request",
    ]
    assert page.evaluate(stops) == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#requests') === null")


def test_a_dialog_shows_a_whole_request(page: Page, api: httpx.Client) -> None:
    """Closing the dialog returns the focus."""
    api.post("/v2/cases", json={"name": "Loan for a bakery", "case_type": "Business"})
    until(page, has_words("requests", "POST", "/v2/cases"))
    tab_to(page, "it.closest('#requests') && it.tagName === 'BUTTON'")
    page.keyboard.press("Home")
    opener = page.evaluate("document.activeElement.textContent")

    page.keyboard.press("Enter")

    until(page, "document.querySelector('#request').open")
    shown = page.evaluate("document.querySelector('#request').innerText")
    for words in ("POST /v2/cases", "201 Created", "Loan for a bakery", "x-correlation-id"):
        assert words in shown
    assert page.evaluate("document.activeElement.closest('dialog').id") == "request"
    page.keyboard.press("Escape")
    until(page, "!document.querySelector('#request').open")
    assert page.evaluate("document.activeElement.textContent") == opener


def test_the_focus_is_never_lost(page: Page, sandbox: Sandbox, api: httpx.Client) -> None:
    """It moves on if its button, or the row that opened a dialog, disappears."""
    webhook(api)
    sandbox.deliveries.faults.inject("held")
    sandbox.work.finish(verification(api))
    until(page, "!document.querySelector('#release').hidden")
    tab_to(page, "it.id === 'release'")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#release').hidden")
    until(page, "document.activeElement.id === 'deliveries-title'")

    page.evaluate("document.querySelector('#requests tbody button').focus()")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#request').open")
    sandbox.ledger.clear()
    until(page, "!document.querySelector('#requests tbody tr')")
    page.keyboard.press("Escape")
    until(page, "document.activeElement.id === 'requests-title'")


def test_a_different_request_correlation_id_is_shown(
    page: Page, sandbox: Sandbox, api: httpx.Client
) -> None:
    """The row has the id of the request too if the response has another one."""
    sandbox.faults.add("GET /v2/users", headers={"X-Correlation-Id": "of-a-proxy"})
    api.get("/v2/users", headers={"X-Correlation-Id": "of-a-test"})
    api.get("/v2/cases", headers={"X-Correlation-Id": "of-both"})

    until(page, has_words("requests", "/v2/users", "of-a-proxy", "sent: of-a-test"))
    until(page, has_words("requests", "/v2/cases", "of-both"))
    assert not page.evaluate(has_words("requests", "/v2/cases", "sent:"))


def test_direction_marks_in_a_name_do_not_affect_other_text(page: Page, api: httpx.Client) -> None:
    """Each name is isolated in its own element."""
    people = [
        {"first_name": "\u202eAda", "last_name": "A"},
        {"first_name": "Bela", "last_name": "B"},
    ]
    body = {"name": "\u202eLoan", "case_type": "Business", "persons": people}
    api.post("/v2/cases", json=body).raise_for_status()
    until(page, has_words("cases", "Ada A, Bela B"))

    isolated = "[...document.querySelectorAll('#cases tbody bdi')].map((one) => one.textContent)"

    assert page.evaluate(isolated) == ["\u202eLoan", "\u202eAda A", "Bela B"]


def test_a_button_copies_the_correlation_id(page: Page, api: httpx.Client) -> None:
    """A message confirms what was copied."""
    page.context.grant_permissions(["clipboard-write"])
    api.get("/v2/users", headers={"X-Correlation-Id": "to-be-copied"})
    until(page, has_words("requests", "to-be-copied"))
    tab_to(page, "it.closest('#requests') && it.tagName === 'BUTTON'")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")

    page.keyboard.press("Enter")

    assert until(page, MESSAGE) == "Copied to-be-copied"


def test_requests_can_be_filtered(page: Page, api: httpx.Client) -> None:
    """The filters are text and outcome; the page shows the number of matches."""
    verification(api)
    api.get("/v2/cases/none")
    api.get("/v2/users")
    until(page, has_words("requests", "/v2/users"))
    shown = "document.querySelector('#requests-shown').textContent"

    def filtered(only: str, search: str = "") -> list[str]:
        page.evaluate(
            f"document.querySelector('#only').value = {only!r};"
            f"document.querySelector('#search').value = {search!r};"
            "document.querySelector('#search').dispatchEvent(new Event('input'))"
        )
        paths = page.evaluate(f"{cells('requests')}.map((row) => row[2])")
        assert page.evaluate(shown).startswith(f"{len(paths)} ")
        return list(paths)

    assert filtered("failed") == ["GET /v2/cases/none"]
    assert filtered("charged") == ["POST /v2/identity"]
    assert filtered("faulty") == []
    assert filtered("all", "USERS") == ["GET /v2/users"]
    assert filtered("all", "404") == ["GET /v2/cases/none"]
    assert filtered("all", "POST /V2/ID") == ["POST /v2/identity"]
    assert len(filtered("all")) == 5


def test_a_short_search_does_not_match_correlation_ids(page: Page, api: httpx.Client) -> None:
    """Three digits stand in many ids by chance; 8 characters of an id find its request."""
    correlation_id = "404-40440440"
    api.get("/v2/users", headers={"X-Correlation-Id": correlation_id})
    until(page, has_words("requests", "/v2/users"))
    for search, count in (("404", 0), (correlation_id[:8], 1)):
        page.evaluate(
            f"document.querySelector('#search').value = {search!r};"
            "document.querySelector('#search').dispatchEvent(new Event('input'))"
        )
        assert page.evaluate(f"{cells('requests')}.length") == count


def test_a_reset_has_to_be_confirmed(page: Page, sandbox: Sandbox, api: httpx.Client) -> None:
    """The dialog focuses Cancel."""
    verification(api)
    until(page, has_words("cases", "Loan for Ada"))
    tab_to(page, "it.id === 'confirm-reset'")
    page.keyboard.press("Enter")
    until(page, "document.activeElement.textContent === 'Cancel'")
    page.keyboard.press("Enter")
    until(page, "!document.querySelector('#reset').open")
    assert len(sandbox.state.cases) == 1

    page.keyboard.press("Enter")
    until(page, "document.activeElement.textContent === 'Cancel'")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")

    until(page, f"{MESSAGE}.startsWith('Everything is reset')")
    until(page, "document.querySelectorAll('#cases tbody tr').length === 0")
    assert len(sandbox.state.cases) == 0


def test_a_failed_action_is_announced(page: Page, seen: Seen) -> None:
    """The message is in a live region for screen readers."""
    page.evaluate("document.querySelector('#seconds').value = '1e300'")
    page.evaluate("document.querySelector('#advance').requestSubmit()")

    message = until(page, MESSAGE)

    assert message == "Failed: advance: the clock ends with the year 8999"
    assert page.evaluate("document.querySelector('#message').getAttribute('role')") == "status"
    # The browser logs each error response.
    assert len(seen.errors) == 1
    assert "400" in seen.errors.pop()


def test_messages_are_never_covered(page: Page, api: httpx.Client) -> None:
    """They stay above the sticky table heads at every scroll position."""
    verification(api)
    until(page, has_words("work", "Pending"))
    page.evaluate("document.querySelector('[data-advance]').click()")
    until(page, MESSAGE)

    covers = page.evaluate(
        """[...Array(200).keys()].map((step) => {
            scrollTo(0, 10 * step);
            const { top, height } = document.querySelector('#message').getBoundingClientRect();
            return document.elementFromPoint(innerWidth / 2, top + height / 2).id;
        }).filter((id) => id !== 'message')"""
    )

    assert covers == []


def test_markup_in_requests_is_shown_as_text(
    page: Page, sandbox: Sandbox, api: httpx.Client
) -> None:
    """That includes names, paths, headers and fault effects."""
    body = {
        "name": MARKUP,
        "case_type": "Business",
        "companies": [{"company_name": MARKUP}],
    }
    api.post("/v2/cases", json=body).raise_for_status()
    api.get("/v2/cases/<b>", headers={"X-Correlation-Id": MARKUP}, params={"keyword": MARKUP})
    sandbox.faults.add("GET /v2/users", headers={"X-Correlation-Id": MARKUP}, body=b"<b>")
    api.get("/v2/users")

    until(page, has_words("cases", MARKUP))
    until(page, has_words("requests", "/v2/users", MARKUP))
    until(page, has_words("faults", "triggered", "<img"))
    opener = page.evaluate(
        "document.querySelector('#requests tbody button').click(), "
        "document.querySelector('#requests tbody button').textContent"
    )
    assert opener.endswith("show request")
    until(page, "document.querySelector('#request').open")
    assert MARKUP in page.evaluate("document.querySelector('#request').innerText")
    assert (
        page.evaluate("document.querySelectorAll('main img, main b, dialog img, dialog b').length")
        == 0
    )
    assert page.evaluate("document.title") == "Local Sikoia"


def test_every_control_has_a_unique_name(page: Page, sandbox: Sandbox, api: httpx.Client) -> None:
    """Screen readers can distinguish all controls, tables and regions."""
    webhook(api)
    verification(api)
    sandbox.deliveries.faults.inject("held")
    sandbox.work.finish_all()
    verification(api, "Bela")
    until(page, has_words("work", "Pending") + " && !document.querySelector('#release').hidden")

    elements = accessible(page)

    controls = [(role, name) for role, name in elements if role in CONTROLS]
    assert [role for role, name in controls if not name] == []
    buttons = [name for role, name in controls if role == "button"]
    assert len(buttons) == len(set(buttons)) > 20
    fields = [name for role, name in controls if role in {"combobox", "spinbutton", "searchbox"}]
    assert len(fields) == len(set(fields)) == 11
    assert len([role for role, _ in controls if role == "table"]) == 6
    headings = page.evaluate("[...document.querySelectorAll('h1, h2')].map((one) => one.tagName)")
    assert headings.count("H1") == 1


def test_tables_keep_their_roles_on_narrow_screens(page: Page, api: httpx.Client) -> None:
    """Rows look like cards, but screen readers still get a table."""
    api.get("/v2/users")
    page.set_viewport_size({"width": 390, "height": 844})
    until(page, has_words("requests", "/v2/users"))

    elements = accessible(page)

    assert {"table", "row", "cell", "rowheader", "columnheader"} <= {role for role, _ in elements}
    heads = {name for role, name in elements if role == "columnheader"}
    assert {"Status", "Correlation id", "Credits"} <= heads
    # Other browsers drop the table roles of other layouts unless they are explicit.
    bare = "[...document.querySelectorAll('tr, th, td')].filter((one) => !one.role).length"
    assert page.evaluate(bare) == 0


def test_there_is_no_horizontal_scrolling(page: Page, api: httpx.Client) -> None:
    """Checked on phones, zoomed to twice the size, and around each breakpoint."""
    webhook(api)
    verification(api, "A" * 60)
    api.get("/v2/cases/" + "x" * 300)
    until(page, has_words("requests", "x" * 300))
    inner = (
        "[...document.querySelectorAll('.rows')].filter((one) => one.scrollWidth > one.clientWidth)"
    )

    for width in (1600, 1280, 1265, 1264, 993, 992, 640, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})

        wide = page.evaluate(f"{inner}.map((one) => one.firstElementChild.id)")
        assert (width, wide) == (width, [])
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width


@pytest.mark.parametrize("width", [1280, 320])
def test_a_long_path_takes_three_lines(page: Page, api: httpx.Client, width: int) -> None:
    """The dialog shows all of it."""
    path = "/v2/cases/" + "x" * 300
    api.get(path)
    page.set_viewport_size({"width": width, "height": 800})
    until(page, has_words("requests", "x" * 300))

    cell = page.locator("#requests tbody tr").first.locator(".request > div")
    lines = "(cell) => cell.clientHeight / parseFloat(getComputedStyle(cell).lineHeight)"
    assert 2.5 < cell.evaluate(lines) < 3.5
    page.locator("#requests tbody button").first.click()
    expect(page.locator("#request-facts")).to_contain_text(path)


@pytest.mark.parametrize("width", [1280, 320])
def test_text_spacing_can_be_increased(page: Page, api: httpx.Client, width: int) -> None:
    """Nothing is cut off: WCAG 2.1, 1.4.12."""
    webhook(api)
    verification(api)
    until(page, has_words("work", "Pending"))
    page.set_viewport_size({"width": width, "height": 800})

    page.evaluate(
        """{
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
                word-spacing: 0.16em !important; }`);
            document.adoptedStyleSheets = [sheet];
        }"""
    )

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    cut = """[...document.querySelectorAll('button')].filter((one) => !one.closest('[hidden]')
        && (one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight))
        .map((one) => one.textContent)"""
    assert page.evaluate(cut) == []


def test_event_names_break_only_after_the_dot(page: Page, api: httpx.Client) -> None:
    """That holds beside a long URL too."""
    body = {
        "webhook_name": "Records",
        "webhook_callback_url": "http://127.0.0.1:1/" + "long/" * 60,
        "event_types": ["BankStatementProcessing.Completed"],
    }
    api.post("/v2/webhooks", json=body).raise_for_status()
    until(page, has_words("webhooks", "BankStatementProcessing"))

    lines = page.evaluate(
        """[...document.querySelector('#webhooks td.event div').childNodes].map((part) => {
            const range = document.createRange();
            range.selectNodeContents(part);
            return [part.textContent, range.getClientRects().length];
        }).filter(([text]) => text)"""
    )

    assert lines == [["BankStatementProcessing.", 1], ["Completed", 1]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colour_scheme_follows_the_user(page: Page, scheme: Literal["light", "dark"]) -> None:
    """The background is that of the preferred scheme."""
    page.emulate_media(color_scheme=scheme)

    painted = page.evaluate("getComputedStyle(document.body).backgroundColor")

    red, green, blue = (int(part) for part in re.findall(r"\d+", painted))
    assert f"#{red:02x}{green:02x}{blue:02x}" == colours(scheme)["page"]


def test_screenshots(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    """The images stay in pytest's temporary folder; the two colour schemes differ."""
    verification(api)
    api.get("/v2/cases/none")
    until(page, has_words("requests", "404 Not Found"))

    for width, height in ((1280, 800), (390, 844), (320, 640)):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="light")
        light = page.screenshot(path=tmp_path / f"{width}-light.png", full_page=True)
        page.emulate_media(color_scheme="dark")
        dark = page.screenshot(path=tmp_path / f"{width}-dark.png", full_page=True)
        assert light != dark


def test_reduced_motion_is_respected(page: Page, api: httpx.Client) -> None:
    """New rows are then not animated."""
    page.emulate_media(reduced_motion="reduce")
    api.get("/v2/users")
    until(page, has_words("requests", "/v2/users"))

    assert page.evaluate("document.getAnimations().length") == 0


def test_a_hidden_page_does_not_poll(page: Page, seen: Seen, api: httpx.Client) -> None:
    """It catches up when it becomes visible again."""
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    until(page, "document.querySelector('#connection').dataset.status === 'paused'")
    before = len(seen.urls)
    api.get("/v2/users")
    # Longer than the polling interval.
    page.evaluate("new Promise((resume) => setTimeout(resume, 1200))")
    assert len(seen.urls) == before

    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")

    until(page, has_words("requests", "/v2/users"))


def test_a_lost_connection_is_announced(
    tab: Page, connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """The last state stays visible until the local Sikoia is back."""
    connection = "document.querySelector('#connection')"
    with Sandbox(inspector=True, time=Time(speed=0, epoch=EPOCH)) as sandbox:
        port = httpx.URL(str(sandbox.inspector_url)).port or 0
        tab.goto(str(sandbox.inspector_url))
        until(tab, READY)
        connect(sandbox).get("/v2/users")
        until(tab, has_words("requests", "/v2/users"))

    until(tab, f"{connection}.dataset.status === 'lost'")

    words = tab.evaluate(f"{connection}.textContent")
    assert words.startswith("Disconnected: the local Sikoia does not respond.")
    assert "2027-03-01 09:30:00" in words
    until(tab, f"{MESSAGE} === {words!r}")
    assert tab.evaluate(has_words("requests", "/v2/users"))
    tab.evaluate("document.querySelector('[data-advance]').click()")
    until(tab, f"{MESSAGE} === 'Failed: the local Sikoia does not respond'")
    with Sandbox(inspector=True, inspector_port=port) as other:
        # The page loads itself again.
        expect(tab.locator("#url")).to_have_text(other.url)
        expect(tab.locator("#connection")).to_have_attribute("data-status", "live")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(scheme: str) -> None:
    """WCAG 2.1, 1.4.3 for text and 1.4.11 for controls."""
    known = colours(scheme)

    weak = {pair: contrast(*(known[name] for name in pair)) for pair in TEXT_ON}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}
    weak = {pair: contrast(*(known[name] for name in pair)) for pair in EDGES_ON}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 3} == {}


def test_all_colours_are_variables() -> None:
    """So the contrast of all of them is tested."""
    rules = re.sub(r":root \{[^}]*\}", "", STYLE.read_text("utf-8"))

    assert re.findall(r"#[0-9a-f]{3,8}\b", rules) == []
    used = set(re.findall(r"var\(--([a-z-]+)\)", rules))
    assert used <= set(colours("light"))
    assert set(colours("light")) == set(colours("dark"))


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48)]
)
def test_contrast_follows_the_guidelines(one: str, other: str, ratio: float) -> None:
    """Black on white has the maximum, and this grey is just below the limit."""
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)


def colours(scheme: str) -> Mapping[str, str]:
    """Return the colours of a scheme from the style sheet."""
    light, dark = re.findall(r":root \{([^}]*)\}", STYLE.read_text("utf-8"))
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light if scheme == "light" else dark))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours: https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[start:end], 16) / 255 for start, end in pairwise((1, 3, 5, 7))]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
