"""Opens the built documentation in Chromium: search without a server, and the selector of versions.

    python .ci/check_browser.py FOLDER [SECONDS]

The folder has the versions 0.1.0 and 0.2.0, built for https://docs.example and arranged by
.ci/publish_site.py. A wait fails after a minute, or after these seconds. Without a browser nothing
is checked, unless SIKOIA_REQUIRE_BROWSER is set.
"""

import os
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Request, Route, expect, sync_playwright

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_URL: Final = "https://docs.example/"
_SECONDS: Final = 60.0


def main() -> None:
    """Exit with an error if a reader would miss something."""
    folder = Path(sys.argv[1]).resolve()
    seconds = float(next(iter(sys.argv[2:]), _SECONDS))
    expect.set_options(timeout=1000 * seconds)
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        message = f"NOT OPENED: no browser is installed: {', '.join(_NAMES)}"
        if os.environ.get("SIKOIA_REQUIRE_BROWSER"):
            sys.exit(message)
        print(message)
        return
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path) as opened,
    ):
        with _watched(opened, folder) as page:
            _search(page, (folder / "latest" / "index.html").as_uri())
        with _watched(opened, folder) as page:
            _search(page, f"{_URL}latest/index.html")
            _select(page)
    print("search works from a folder and from a server, and the selector leads to each version")


def _search(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("textbox", name="Search").fill("rate limit")
    found = page.locator(".md-search-result__item").first
    expect(found).to_contain_text("rate limit", ignore_case=True)
    found.get_by_role("link").first.click()
    expect(page).not_to_have_url(url)
    expect(page.locator("h1")).to_be_visible()


def _select(page: Page) -> None:
    """Go from the newest version to the older one and back, and stay on the same page."""
    page.goto(_URL)
    expect(page).to_have_url(f"{_URL}latest/index.html")
    page.goto(f"{_URL}latest/quickstart.html")
    selected = page.locator(".md-version__current")
    expect(selected).to_have_text("0.2.0")
    banner = page.get_by_text("This page is about another version.")
    expect(banner).to_be_hidden()
    for minor in "0.1", "0.2":
        selected.focus()  # opens the list
        page.locator(".md-version").get_by_role("link", name=f"{minor}.0").click()
        expect(page).to_have_url(f"{_URL}{minor}/quickstart.html")
        expect(selected).to_have_text(f"{minor}.0")
        expect(banner).to_be_visible(visible=minor == "0.1")
    page.goto(f"{_URL}0.1/quickstart.html")
    banner.get_by_role("link").click()
    expect(page).to_have_url(f"{_URL}latest/index.html")


@contextmanager
def _watched(browser: Browser, folder: Path) -> Generator[Page]:
    """Open a page that must neither load anything from elsewhere nor raise an error."""
    problems = list[str]()

    def request(sent: Request) -> None:
        if not sent.url.startswith((_URL, folder.as_uri(), "data:")):
            problems.append(f"loads {sent.url}")

    def serve(route: Route) -> None:
        path = folder / urlsplit(route.request.url).path.lstrip("/")
        path = path / "index.html" if path.is_dir() else path
        if path.is_file():
            route.fulfill(path=path)
        else:
            problems.append(f"not found: {path}")
            route.fulfill(status=404)

    with browser.new_page() as page:
        page.on("pageerror", lambda error: problems.append(error.message))
        page.on("request", request)
        page.route(f"{_URL}**", serve)
        try:
            yield page
        finally:
            if problems:  # which explain a failed wait
                sys.exit("\n".join([page.url, *problems]))


main()
