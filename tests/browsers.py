"""Debian's Chromium, driven by Playwright."""

import os
import shutil
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_TIMEOUT = 30
"""Seconds until a wait fails."""
# Playwright's own options allow more than a browser needs that loads only pages of ours.
_OPTIONS = ("--disable-gpu", "--disable-quic", "--disable-sync")


@contextmanager
def chromium() -> Generator[Browser]:
    """Run a browser; without one, skip the test, or fail it if SIKOIA_REQUIRE_BROWSER is set.

    Playwright runs an event loop in this thread until then, so that no async test may run: share a
    browser in one module at most.
    """
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=installed(), args=_OPTIONS) as browser,
    ):
        yield browser


def installed() -> str:
    """Return the path of a browser; without one, skip the test or fail it, as `chromium` does."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is not None:
        return path
    reason = f"no browser is installed: {', '.join(_NAMES)}"
    if os.environ.get("SIKOIA_REQUIRE_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)


@attrs.define
class Seen:
    """What a page has loaded, and the errors and messages in its console."""

    urls: list[str] = attrs.field(factory=list[str])
    errors: list[str] = attrs.field(factory=list[str])


def watch(page: Page) -> Seen:
    """Note what a page loads and reports from now on."""
    seen = Seen()

    def request(sent: Request) -> None:
        seen.urls.append(sent.url)

    def console(message: ConsoleMessage) -> None:
        seen.errors.append(message.text)

    def error(raised: Error) -> None:
        seen.errors.append(raised.message)

    page.on("request", request)
    page.on("console", console)
    page.on("pageerror", error)
    return seen


def until(page: Page, script: str) -> Any:
    """Wait until an expression is truthy, and return its value.

    `Page.wait_for_function` needs a page whose Content-Security-Policy allows `eval`.
    """
    deadline = time.monotonic() + _TIMEOUT
    while not (result := page.evaluate(script)):
        assert time.monotonic() < deadline, f"timed out: {script}"
        page.wait_for_timeout(20)
    return result


def tab_to(page: Page, script: str, *, limit: int = 60) -> None:
    """Press Tab until an expression about the focused element, `it`, is true."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate(f"((it) => Boolean({script}))(document.activeElement)"):
            return
    focused = page.evaluate("document.activeElement.outerHTML.slice(0, 300)")
    msg = f"Tab never reached an element with {script}; it is at {focused}"
    raise AssertionError(msg)


def accessible(page: Page) -> Sequence[tuple[str, str]]:
    """Return the role and the name of each element that screen readers find."""
    session: Any = page.context.new_cdp_session(page)
    tree = session.send("Accessibility.getFullAXTree")
    return [
        (node["role"]["value"], node.get("name", {}).get("value", "").strip())
        for node in tree["nodes"]
        if not node["ignored"]
    ]
