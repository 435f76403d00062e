"""The inspector's page in a headless Chromium: what a person sees, and does by keyboard."""

import re
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import chromium
import httpx
import pytest

from sikoia_async.sandbox import Sandbox, inspector

EPOCH = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
STYLE = Path(inspector.__file__).with_name("page") / "style.css"
MARKUP = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
LIVE = "document.querySelector('#connection')?.dataset.is === 'live'"
READY = f"{LIVE} && document.querySelector('#operation').options.length > 50"
HASTE = """{
    const calmly = setTimeout;
    globalThis.setTimeout = (then, time) => calmly(then, time / 10);
}"""
SAID = "document.querySelector('#said').textContent"

# What meets on the page: the colour of the words, and what is behind them.
WORDS_ON = [
    *((words, behind) for words in ("text", "muted") for behind in ("page", "surface", "raised")),
    *((words, "surface") for words in ("accent", "good", "bad", "waiting")),
    *((words, "raised") for words in ("good", "bad", "waiting")),
    ("on-accent", "accent"),
    ("on-bad", "bad"),
]
# What shows where a control is, or which has the focus: WCAG 2.1, 1.4.11.
EDGES_ON = [
    *((edge, behind) for edge in ("edge", "focus") for behind in ("page", "surface")),
    ("bad", "raised"),
]


@pytest.fixture(scope="module")
def tab() -> Generator[chromium.Page]:
    """Run one browser for all tests here, and open one page in it."""
    with chromium.chromium() as browser:
        page = browser.page()
        # It looks once a second, and these tests have little to do until it has.
        page.call("Page.addScriptToEvaluateOnNewDocument", source=HASTE)
        yield page


@pytest.fixture(scope="module")
def running() -> Generator[Sandbox]:
    """Run a local Sikoia whose time stands still."""
    with Sandbox(inspector=True, speed=0, work_time=60, epoch=EPOCH, limit=10_000) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """Begin again."""
    running.reset()
    return running


@pytest.fixture
def api(sandbox: Sandbox, connect: Callable[[Sandbox], httpx.Client]) -> httpx.Client:
    """Ask the API, as a program does that somebody writes."""
    return connect(sandbox)


@pytest.fixture
def page(tab: chromium.Page, sandbox: Sandbox) -> Generator[chromium.Page]:
    """Load the page, and see that nothing goes wrong in it and nothing comes from elsewhere."""
    own = str(sandbox.inspector_url)
    tab.visit(own)
    tab.until(READY)
    yield tab
    assert tab.errors() == []
    asked = [told["request"]["url"] for told in tab.told("Network.requestWillBeSent")]
    assert asked
    assert [url for url in asked if not url.startswith(own)] == []


def verification(api: httpx.Client, name: str = "Ada") -> str:
    """Begin to verify a person of a new case."""
    body = {
        "name": f"Loan for {name}",
        "case_type": "Business",
        "persons": [{"first_name": name, "last_name": "Example"}],
    }
    (person,) = api.post("/v2/cases", json=body).raise_for_status().json()["persons"]
    begun = api.post("/v2/identity", json={"person_id": person["person_id"]}).raise_for_status()
    return str(begun.json()["request_id"])


def webhook(api: httpx.Client) -> str:
    """Subscribe somebody who does not answer, and return the webhook's id."""
    body = {
        "webhook_name": "Records",
        "webhook_callback_url": "http://127.0.0.1:1/",
        "event_types": ["IdentityVerification.Completed"],
    }
    created = api.post("/v2/webhooks", json=body).raise_for_status()
    return str(created.json()["webhook_id"])


def cells(table: str) -> str:
    """Write down what is in a table, as an expression for the page."""
    rows = f"[...document.querySelectorAll('#{table} tbody tr')].filter((row) => !row.hidden)"
    return f"{rows}.map((row) => [...row.children].map((cell) => cell.innerText.trim()))"


def has_words(table: str, *words: str) -> str:
    """Ask whether a row of a table has all these words in it."""
    every = " && ".join(f"row.join(' ').includes({word!r})" for word in words)
    return f"{cells(table)}.some((row) => {every})"


def test_requests_appear_by_themselves(page: chromium.Page, api: httpx.Client) -> None:
    """With correlation id, status and cost, and the totals follow."""
    assert page.run("document.title") == "Local Sikoia"

    api.get("/v2/users", headers={"X-Correlation-Id": "seen-live"})
    verification(api)
    api.get("/v2/cases/none")

    page.until(has_words("requests", "GET", "/v2/users", "200 OK", "seen-live"))
    page.until(has_words("requests", "GET", "/v2/cases/none", "404 Not Found"))
    row = page.run(f"{cells('requests')}.find((row) => row.join(' ').includes('/v2/identity'))")
    assert (row[3], row[4]) == ("201 Created", "1")
    assert page.run("document.querySelector('#spend').textContent") == "1"


def test_cases_work_and_faults_appear_by_themselves(
    page: chromium.Page, sandbox: Sandbox, api: httpx.Client
) -> None:
    """And so does what becomes of them."""
    webhook(api)
    request_id = verification(api)
    sandbox.faults.inject("server error", "GET /v2/users")
    page.until(has_words("cases", "Loan for Ada", "Business", "Ada Example"))
    page.until(has_words("work", "identity", request_id, "Ada Example", "Pending"))
    page.until(has_words("faults", "GET /v2/users", "planned", "status=500"))
    page.until(has_words("webhooks", "Records", "http://127.0.0.1:1/"))

    sandbox.work.finish(request_id)
    sandbox.settle()
    api.get("/v2/users")

    page.until(has_words("work", "identity", request_id, "Complete"))
    page.until(has_words("deliveries", "IdentityVerification.Completed", "Pending", "none"))
    page.until(has_words("faults", "GET /v2/users", "happened", "status=500"))


def test_all_of_it_goes_by_keyboard(
    page: chromium.Page, sandbox: Sandbox, api: httpx.Client
) -> None:
    """Advance the clock, send an event, plan a fault, finish work: with Tab, arrows and Enter."""
    webhook(api)
    first, second = verification(api), verification(api, "Bela")
    page.until(has_words("work", first) + " && !document.querySelector('#webhook').disabled")

    page.tab_to("it.dataset.advance === '1'")
    page.press("Enter")
    page.until(f"{SAID} === 'The clock shows 2027-03-01 09:30:01 UTC.'")
    page.tab_to("it.id === 'seconds'")
    for key in "5":
        page.press(key)
    page.press("Enter")
    page.until(f"{SAID}.startsWith('The clock shows') && !{SAID}.includes('09:30:01')")
    advanced = (sandbox.clock.now - EPOCH).total_seconds()
    assert advanced == 6

    page.tab_to("it.id === 'fault'")
    page.press("s")
    assert page.run("document.querySelector('#fault').value") == "server error"
    assert "500" in page.run("document.querySelector('#fault-about').textContent")
    page.tab_to("it.textContent === 'Plan fault'")
    page.press(" ")
    page.until(f"{SAID} === 'Planned: server error, for every request.'")
    assert [fault.status for fault in sandbox.faults.planned] == [500]

    page.tab_to("it.textContent === 'Send event'")
    page.press("Enter")
    page.until(f"{SAID}.startsWith('On its way: ')")
    page.until("document.querySelectorAll('#deliveries tbody tr').length === 1")

    page.tab_to("it.closest('#work') && it.tagName === 'BUTTON'")
    page.press("Home")
    assert page.run("document.activeElement.textContent") == f"Finish identity {second}"
    page.press("ArrowDown")
    assert page.run("document.activeElement.textContent") == f"Finish identity {first}"
    page.press("Enter")
    page.until(f"{SAID} === 'Finished: identity.'")
    page.until(has_words("work", first, "Complete"))
    assert [job.id for job in sandbox.work.pending] == [second]


def test_the_focus_and_what_is_chosen_stay(
    page: chromium.Page, sandbox: Sandbox, api: httpx.Client
) -> None:
    """New rows come in around them, and a button that has gone hands the focus on."""
    for _ in range(10):
        api.get("/v2/users")
    first, second, third = (verification(api, name) for name in ("Ada", "Bela", "Carl"))
    page.until(has_words("work", third))
    page.run("document.querySelector('#operation').value = 'GET /v2/users'")
    page.tab_to("it.closest('#work') && it.tagName === 'BUTTON'")
    page.press("Home")
    page.press("ArrowDown")
    page.press("ArrowRight")
    assert page.run("document.activeElement.textContent") == f"Fail identity {second}"
    page.run("document.querySelector('.rows').scrollTop = 37")
    scrolled = page.run("document.querySelector('.rows').scrollTop")

    fourth = verification(api, "Dora")
    sandbox.work.finish(third)
    page.until(f"{has_words('work', fourth)} && {has_words('work', third, 'Complete')}")

    assert page.run("document.activeElement.textContent") == f"Fail identity {second}"
    assert page.run("document.querySelector('#operation').value") == "GET /v2/users"
    assert scrolled == 37
    # Two rows came in above what is in view, and the browser keeps that where it was.
    assert page.run("document.querySelector('.rows').scrollTop") >= scrolled

    page.press("Enter")
    page.until(has_words("work", second, "Failed"))
    page.until(f"document.activeElement.textContent === 'Finish identity {first}'")
    sandbox.work.finish_all()
    page.until("document.activeElement.id === 'work-title'")


def test_the_webhook_that_is_chosen_stays(page: chromium.Page, api: httpx.Client) -> None:
    """When others come, and when nothing happens; when it goes, another is offered."""
    chosen = "document.querySelector('#webhook').value"
    count = "document.querySelector('#webhook').options.length"
    webhook(api)
    second = webhook(api)
    page.until(f"{count} === 2")
    page.run(f"{chosen} = {second!r}")

    webhook(api)
    page.until(f"{count} === 3")
    assert page.run(chosen) == second
    api.get("/v2/users")
    page.until(has_words("requests", "/v2/users"))
    assert page.run(chosen) == second

    api.delete(f"/v2/webhooks/{second}").raise_for_status()
    page.until(f"{count} === 2")
    assert page.run(chosen) not in {"", second}


def test_arrow_keys_go_through_a_table(page: chromium.Page, api: httpx.Client) -> None:
    """All its buttons are one stop of the Tab key."""
    for _ in range(3):
        api.get("/v2/users")
    page.until("document.querySelectorAll('#requests tbody tr').length >= 3")
    focused = "document.activeElement.textContent"
    numbers = page.run(f"{cells('requests')}.map((row) => parseInt(row[0]))")
    newest, second, oldest = numbers[0], numbers[1], numbers[-1]
    page.tab_to("it.closest('#requests') && it.tagName === 'BUTTON'")
    page.press("Home")
    stops = "document.querySelectorAll('#requests button[tabindex=\"0\"]').length"

    told = list[str]()
    keys = ("ArrowUp", "ArrowLeft", "ArrowRight", "ArrowDown", "End", "ArrowDown", "Home", "x")
    for key in keys:
        page.press(key)
        told.append(page.run(focused))

    copy = "Copy correlation id of request"
    assert told == [
        f"{newest} show request",
        f"{newest} show request",
        f"{copy} {newest}",
        f"{copy} {second}",
        f"{copy} {oldest}",
        f"{copy} {oldest}",
        f"{newest} show request",
        f"{newest} show request",
    ]
    assert page.run(stops) == 1
    page.press("Tab")
    assert page.run("document.activeElement.closest('#requests') === null")


def test_a_request_is_shown_in_full(page: chromium.Page, api: httpx.Client) -> None:
    """In a dialog, which gives the focus back when it closes."""
    api.post("/v2/cases", json={"name": "Loan for a bakery", "case_type": "Business"})
    page.until(has_words("requests", "POST", "/v2/cases"))
    page.tab_to("it.closest('#requests') && it.tagName === 'BUTTON'")
    page.press("Home")
    opener = page.run("document.activeElement.textContent")

    page.press("Enter")

    page.until("document.querySelector('#request').open")
    shown = page.run("document.querySelector('#request').innerText")
    for words in ("POST /v2/cases", "201 Created", "Loan for a bakery", "x-correlation-id"):
        assert words in shown
    assert page.run("document.activeElement.closest('dialog').id") == "request"
    page.press("Escape")
    page.until("!document.querySelector('#request').open")
    assert page.run("document.activeElement.textContent") == opener


def test_the_focus_is_never_nowhere(
    page: chromium.Page, sandbox: Sandbox, api: httpx.Client
) -> None:
    """Not when its button goes away, nor the row that a dialog was opened from."""
    webhook(api)
    sandbox.deliveries.faults.inject("held back")
    sandbox.work.finish(verification(api))
    page.until("!document.querySelector('#release').hidden")
    page.tab_to("it.id === 'release'")
    page.press("Enter")
    page.until("document.querySelector('#release').hidden")
    page.until("document.activeElement.id === 'deliveries-title'")

    page.run("document.querySelector('#requests tbody button').focus()")
    page.press("Enter")
    page.until("document.querySelector('#request').open")
    sandbox.ledger.clear()
    page.until("!document.querySelector('#requests tbody tr')")
    page.press("Escape")
    page.until("document.activeElement.id === 'requests-title'")


def test_the_correlation_id_that_was_sent_is_shown(
    page: chromium.Page, sandbox: Sandbox, api: httpx.Client
) -> None:
    """If it is not that of the answer: by it somebody knows the request again."""
    sandbox.faults.add("GET /v2/users", headers={"X-Correlation-Id": "of-a-proxy"})
    api.get("/v2/users", headers={"X-Correlation-Id": "of-a-test"})
    api.get("/v2/cases", headers={"X-Correlation-Id": "of-both"})

    page.until(has_words("requests", "/v2/users", "of-a-proxy", "sent: of-a-test"))
    page.until(has_words("requests", "/v2/cases", "of-both"))
    assert not page.run(has_words("requests", "/v2/cases", "sent:"))


def test_a_name_turns_nothing_but_itself(page: chromium.Page, api: httpx.Client) -> None:
    """A mark for text from right to left ends with the name that it is in."""
    people = [
        {"first_name": "\u202eAda", "last_name": "A"},
        {"first_name": "Bela", "last_name": "B"},
    ]
    body = {"name": "\u202eLoan", "case_type": "Business", "persons": people}
    api.post("/v2/cases", json=body).raise_for_status()
    page.until(has_words("cases", "Ada A, Bela B"))

    apart = "[...document.querySelectorAll('#cases tbody bdi')].map((one) => one.textContent)"

    assert page.run(apart) == ["\u202eLoan", "\u202eAda A", "Bela B"]


def test_a_correlation_id_is_copied(page: chromium.Page, api: httpx.Client) -> None:
    """By a button of its row; what is copied is said."""
    page.call("Browser.setPermission", permission={"name": "clipboard-write"}, setting="granted")
    api.get("/v2/users", headers={"X-Correlation-Id": "to-be-copied"})
    page.until(has_words("requests", "to-be-copied"))
    page.tab_to("it.closest('#requests') && it.tagName === 'BUTTON'")
    page.press("Home")
    page.press("ArrowRight")

    page.press("Enter")

    assert page.until(SAID) == "Copied to-be-copied"


def test_requests_are_filtered(page: chromium.Page, api: httpx.Client) -> None:
    """By words, and by what became of them; how many are shown is said."""
    verification(api)
    api.get("/v2/cases/none")
    api.get("/v2/users")
    page.until(has_words("requests", "/v2/users"))
    shown = "document.querySelector('#requests-shown').textContent"

    def filtered(only: str, search: str = "") -> list[str]:
        page.run(
            f"document.querySelector('#only').value = {only!r};"
            f"document.querySelector('#search').value = {search!r};"
            "document.querySelector('#search').dispatchEvent(new Event('input'))"
        )
        paths = page.run(f"{cells('requests')}.map((row) => row[2])")
        assert page.run(shown).startswith(f"{len(paths)} ")
        return list(paths)

    assert filtered("failed") == ["GET /v2/cases/none"]
    assert filtered("charged") == ["POST /v2/identity"]
    assert filtered("faulty") == []
    assert filtered("all", "USERS") == ["GET /v2/users"]
    assert filtered("all", "404") == ["GET /v2/cases/none"]
    assert len(filtered("all")) == 5


def test_everything_begins_again_once_that_is_confirmed(
    page: chromium.Page, sandbox: Sandbox, api: httpx.Client
) -> None:
    """The dialog begins with the way out."""
    verification(api)
    page.until(has_words("cases", "Loan for Ada"))
    page.tab_to("it.id === 'ask-reset'")
    page.press("Enter")
    page.until("document.activeElement.textContent === 'Cancel'")
    page.press("Enter")
    page.until("!document.querySelector('#reset').open")
    assert len(sandbox.state.cases) == 1

    page.press("Enter")
    page.until("document.activeElement.textContent === 'Cancel'")
    page.press("Tab", shift=True)
    page.press("Enter")

    page.until(f"{SAID}.startsWith('All is as it was')")
    page.until("document.querySelectorAll('#cases tbody tr').length === 0")
    assert len(sandbox.state.cases) == 0


def test_a_refusal_is_said(page: chromium.Page) -> None:
    """In words, in the region that is spoken."""
    page.run("document.querySelector('#seconds').value = '1e300'")
    page.run("document.querySelector('#advance').requestSubmit()")

    said = page.until(SAID)

    assert said == "Not done: advance: the clock goes to the end of the year 8999"
    assert page.run("document.querySelector('#said').getAttribute('role')") == "status"
    # The browser notes each answer that is an error.
    assert len(errors := page.errors()) == 1
    assert "400" in errors[0]["entry"]["text"]
    page.forgive()


def test_what_is_said_is_in_front(page: chromium.Page, api: httpx.Client) -> None:
    """Wherever the page is scrolled to: the heads of tables stay in view, too."""
    verification(api)
    page.until(has_words("work", "Pending"))
    page.run("document.querySelector('[data-advance]').click()")
    page.until(SAID)

    covers = page.run(
        """[...Array(200).keys()].map((step) => {
            scrollTo(0, 10 * step);
            const { top, height } = document.querySelector('#said').getBoundingClientRect();
            return document.elementFromPoint(innerWidth / 2, top + height / 2).id;
        }).filter((id) => id !== 'said')"""
    )

    assert covers == []


def test_what_comes_in_is_text(page: chromium.Page, sandbox: Sandbox, api: httpx.Client) -> None:
    """Markup in a name, a path, a header or a reason shows as it was sent."""
    body = {
        "name": MARKUP,
        "case_type": "Business",
        "companies": [{"company_name": MARKUP}],
    }
    api.post("/v2/cases", json=body).raise_for_status()
    api.get("/v2/cases/<b>", headers={"X-Correlation-Id": MARKUP}, params={"keyword": MARKUP})
    sandbox.faults.add("GET /v2/users", headers={"X-Correlation-Id": MARKUP}, body=b"<b>")
    api.get("/v2/users")

    page.until(has_words("cases", MARKUP))
    page.until(has_words("requests", "/v2/users", MARKUP))
    page.until(has_words("faults", "happened", "<img"))
    opener = page.run(
        "document.querySelector('#requests tbody button').click(), "
        "document.querySelector('#requests tbody button').textContent"
    )
    assert opener.endswith("show request")
    page.until("document.querySelector('#request').open")
    assert MARKUP in page.run("document.querySelector('#request').innerText")
    assert (
        page.run("document.querySelectorAll('main img, main b, dialog img, dialog b').length") == 0
    )
    assert page.run("document.title") == "Local Sikoia"


def test_everything_has_a_name(page: chromium.Page, sandbox: Sandbox, api: httpx.Client) -> None:
    """A screen reader can tell all controls, tables and regions apart."""
    webhook(api)
    verification(api)
    sandbox.deliveries.faults.inject("held back")
    sandbox.work.finish_all()
    verification(api, "Bela")
    page.until(has_words("work", "Pending") + " && !document.querySelector('#release').hidden")

    controls = page.controls()

    assert [role for role, name in controls if not name] == []
    buttons = [name for role, name in controls if role == "button"]
    assert len(buttons) == len(set(buttons)) > 20
    fields = [name for role, name in controls if role in {"combobox", "spinbutton", "searchbox"}]
    assert len(fields) == len(set(fields)) == 11
    assert len([role for role, _ in controls if role == "table"]) == 6
    headings = page.run("[...document.querySelectorAll('h1, h2')].map((one) => one.tagName)")
    assert headings.count("H1") == 1


def test_a_table_stays_one_on_a_narrow_screen(page: chromium.Page, api: httpx.Client) -> None:
    """It looks like cards, and is still rows and cells with heads to those who hear it."""
    api.get("/v2/users")
    page.resize(390, 844)
    page.until(has_words("requests", "/v2/users"))

    nodes = page.call("Accessibility.getFullAXTree")["nodes"]

    roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
    assert {"table", "row", "cell", "rowheader", "columnheader"} <= set(roles)
    heads = {node["name"]["value"] for node in nodes if node["role"]["value"] == "columnheader"}
    assert {"Status", "Correlation id", "Credits"} <= heads
    # Other browsers take what is laid out as a card for no table, unless it says so.
    bare = "[...document.querySelectorAll('tr, th, td')].filter((one) => !one.role).length"
    assert page.run(bare) == 0


def test_nothing_sticks_out(page: chromium.Page, api: httpx.Client) -> None:
    """No scrolling sideways: on a phone, zoomed, and at each width where the page changes."""
    webhook(api)
    verification(api, "A" * 60)
    api.get("/v2/cases/" + "x" * 300)
    page.until(has_words("requests", "x" * 300))
    screens = [(1600, 1), (1280, 1), (1265, 1), (1264, 1), (993, 1), (992, 1), (390, 1), (320, 1)]
    inner = (
        "[...document.querySelectorAll('.rows')].filter((one) => one.scrollWidth > one.clientWidth)"
    )

    for width, zoom in [*screens, (1280, 2)]:
        page.resize(width, 800, zoom=zoom)
        page.until(f"innerWidth === {round(width / zoom)}")

        wide = page.run(f"{inner}.map((one) => one.firstElementChild.id)")
        assert (width, wide) == (width, [])
        assert page.run("document.documentElement.scrollWidth - innerWidth") <= 0, width


@pytest.mark.parametrize("width", [1280, 320])
def test_letters_may_stand_wider_apart(page: chromium.Page, api: httpx.Client, width: int) -> None:
    """Nothing is cut off for who needs that: WCAG 2.1, 1.4.12."""
    webhook(api)
    verification(api)
    page.until(has_words("work", "Pending"))
    page.resize(width, 800)

    page.run(
        """{
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
                word-spacing: 0.16em !important; }`);
            document.adoptedStyleSheets = [sheet];
        }"""
    )

    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    cut = """[...document.querySelectorAll('button')].filter((one) => !one.closest('[hidden]')
        && (one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight))
        .map((one) => one.textContent)"""
    assert page.run(cut) == []


def test_the_name_of_an_event_stays_in_one_piece(page: chromium.Page, api: httpx.Client) -> None:
    """Or goes over to the next line at its point, however long the address beside it is."""
    body = {
        "webhook_name": "Records",
        "webhook_callback_url": "http://127.0.0.1:1/" + "long/" * 60,
        "event_types": ["BankStatementProcessing.Completed"],
    }
    api.post("/v2/webhooks", json=body).raise_for_status()
    page.until(has_words("webhooks", "BankStatementProcessing"))

    lines = page.run(
        """[...document.querySelector('#webhooks td.event div').childNodes].map((part) => {
            const words = document.createRange();
            words.selectNodeContents(part);
            return [part.textContent, words.getClientRects().length];
        }).filter(([words]) => words)"""
    )

    assert lines == [["BankStatementProcessing.", 1], ["Completed", 1]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_scheme_is_the_users(page: chromium.Page, scheme: str) -> None:
    """The browser paints what the style sheet says for it."""
    page.prefer(prefers_color_scheme=scheme)

    painted = page.run("getComputedStyle(document.body).backgroundColor")

    red, green, blue = (int(part) for part in re.findall(r"\d+", painted))
    assert f"#{red:02x}{green:02x}{blue:02x}" == colours(scheme)["page"]


def test_pictures_for_who_wants_to_look(
    page: chromium.Page, api: httpx.Client, tmp_path: Path
) -> None:
    """They stay in the folder that pytest keeps; here it is seen that the schemes differ."""
    verification(api)
    api.get("/v2/cases/none")
    page.until(has_words("requests", "404 Not Found"))

    for width, height, zoom in ((1280, 800, 1), (390, 844, 1), (1280, 800, 2)):
        page.resize(width, height, zoom=zoom)
        pictures = set[bytes]()
        for scheme in ("light", "dark"):
            page.prefer(prefers_color_scheme=scheme)
            picture = tmp_path / f"{width}-{zoom}-{scheme}.png"
            page.screenshot(picture)
            pictures.add(picture.read_bytes())
        assert len(pictures) == 2


def test_nothing_moves_for_who_does_not_want_it(page: chromium.Page, api: httpx.Client) -> None:
    """New rows come without any animation then."""
    page.prefer(prefers_reduced_motion="reduce")
    api.get("/v2/users")
    page.until(has_words("requests", "/v2/users"))

    assert page.run("document.getAnimations().length") == 0


def test_a_hidden_page_asks_for_nothing(page: chromium.Page, api: httpx.Client) -> None:
    """And shows what has happened when it is seen again."""
    page.run("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.until("document.querySelector('#connection').dataset.is === 'paused'")
    before = len(page.told("Network.requestWillBeSent"))
    api.get("/v2/users")
    # Were it to ask all the same, it would by now: once a second.
    page.run("new Promise((resume) => setTimeout(resume, 1200))")
    assert len(page.told("Network.requestWillBeSent")) == before

    page.run("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")

    page.until(has_words("requests", "/v2/users"))


def test_it_says_so_when_the_sandbox_is_gone(
    tab: chromium.Page, connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """What was seen stays, and a sandbox that comes back is shown."""
    connection = "document.querySelector('#connection')"
    with Sandbox(inspector=True, speed=0, epoch=EPOCH) as sandbox:
        port = httpx.URL(str(sandbox.inspector_url)).port or 0
        tab.visit(str(sandbox.inspector_url))
        tab.until(READY)
        connect(sandbox).get("/v2/users")
        tab.until(has_words("requests", "/v2/users"))

    tab.until(f"{connection}.dataset.is === 'lost'")

    words = tab.run(f"{connection}.textContent")
    assert words.startswith("Disconnected: the local Sikoia does not answer.")
    assert "2027-03-01 09:30:00" in words
    tab.until(f"{SAID} === {words!r}")  # where it is spoken
    assert tab.run(has_words("requests", "/v2/users"))
    tab.run("document.querySelector('[data-advance]').click()")
    tab.until(f"{SAID} === 'Not done: the local Sikoia does not answer'")
    with Sandbox(inspector=True, inspector_port=port) as other:
        tab.until(f"{READY} && document.querySelector('#address').textContent === '{other.url}'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read(scheme: str) -> None:
    """Every colour of words stands out from what is behind it: WCAG 2.1, 1.4.3 and 1.4.11."""
    known = colours(scheme)

    weak = {pair: contrast(*(known[name] for name in pair)) for pair in WORDS_ON}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}
    weak = {pair: contrast(*(known[name] for name in pair)) for pair in EDGES_ON}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 3} == {}


def test_no_colour_is_outside_the_table() -> None:
    """All that is painted is one of the named colours, so that the contrast is known."""
    rules = re.sub(r":root \{[^}]*\}", "", STYLE.read_text("utf-8"))

    assert re.findall(r"#[0-9a-f]{3,8}\b", rules) == []
    used = set(re.findall(r"var\(--([a-z-]+)\)", rules))
    assert used <= set(colours("light"))
    assert set(colours("light")) == set(colours("dark"))


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48)]
)
def test_contrast_is_what_the_guidelines_say(one: str, other: str, ratio: float) -> None:
    """Black on white is the most there is, and this grey just too little."""
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)


def colours(scheme: str) -> Mapping[str, str]:
    """Read the colours of a scheme from the style sheet."""
    light, dark = re.findall(r":root \{([^}]*)\}", STYLE.read_text("utf-8"))
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light if scheme == "light" else dark))


def contrast(one: str, other: str) -> float:
    """Compute how much two colours differ: https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[start:end], 16) / 255 for start, end in pairwise((1, 3, 5, 7))]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
