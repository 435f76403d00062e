"""Drives a headless Chromium over a pipe, so that browser tests need no other package.

It speaks the DevTools protocol: JSON messages, each followed by a zero byte, on the file
descriptors 3 and 4 of the browser. https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_TIMEOUT = 30
"""Seconds until a wait fails."""
_OPTIONS = (
    "--headless",
    "--remote-debugging-pipe",
    # It loads only our page, and Chromium refuses a sandbox to root.
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--hide-scrollbars",
)
# The key code of each key, and the text that it types.
_KEYS: dict[str, tuple[int, str]] = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    " ": (32, " "),
    "End": (35, ""),
    "Home": (36, ""),
    "ArrowLeft": (37, ""),
    "ArrowUp": (38, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
}


@contextmanager
def chromium() -> Generator["Chromium"]:
    """Run a browser; without one, skip the test, or fail it if SIKOIA_REQUIRE_BROWSER is set."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        reason = f"no browser is installed: {', '.join(_NAMES)}"
        if os.environ.get("SIKOIA_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with ExitStack() as stack:
        profile = stack.enter_context(tempfile.TemporaryDirectory(prefix="sikoia-browser-"))
        browser_in, our_out = _pipe()
        our_in, browser_out = _pipe()
        # subprocess cannot choose descriptor numbers, but the shell can.
        command = f'exec "$0" "$@" 3<&{browser_in} 4>&{browser_out}'
        process = subprocess.Popen(
            ["/bin/bash", "-c", command, path, *_OPTIONS, f"--user-data-dir={profile}"],
            pass_fds=(browser_in, browser_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(browser_in)
        os.close(browser_out)
        stack.callback(_end, process)
        stack.callback(os.close, our_in)
        stack.callback(os.close, our_out)
        yield Chromium(our_in, our_out)


class Chromium:
    """A browser, and the events that it has sent."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading = reading
        self._writing = writing
        self._rest = b""
        self._last = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        """Call a method of the browser, and return its result."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._write(json.dumps(message).encode() + b"\0")
        while True:
            received = self._read()
            if received.get("id") != self._last:
                self.events.append(received)
            elif "error" in received:
                raise AssertionError(method, received["error"])
            else:
                return received["result"]

    def page(self) -> "Page":
        """Open an empty page."""
        target = self.call("Target.createTarget", url="about:blank")
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, attached["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            page.call(f"{domain}.enable")
        return page

    def _write(self, message: bytes) -> None:
        while message:
            message = message[os.write(self._writing, message) :]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._reading, 1 << 20)
            assert more, "the browser has exited"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        received: dict[str, Any] = json.loads(message)
        return received


class Page:
    """An open page."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the browser on this page."""
        return self._browser.call(method, self._session, **parameters)

    def visit(self, url: str, *, width: int = 1280, height: int = 800) -> None:
        """Load another URL in the state of a new page."""
        self.call("Page.navigate", url="about:blank")
        self.run("0")
        self._browser.events.clear()
        self.resize(width, height)
        self.prefer()
        self.call("Page.navigate", url=url)

    def resize(self, width: int, height: int, *, zoom: float = 1) -> None:
        """Set the size of the screen in device pixels, and the zoom factor."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=round(width / zoom),
            height=round(height / zoom),
            deviceScaleFactor=zoom,
            mobile=False,
        )

    def prefer(self, **features: str) -> None:
        """Emulate user preferences, such as `prefers_color_scheme="dark"`."""
        emulated = [
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()
        ]
        self.call("Emulation.setEmulatedMedia", features=emulated)

    def run(self, script: str) -> Any:
        """Evaluate an expression in the page, and return its value."""
        evaluated = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in evaluated, evaluated["exceptionDetails"]
        return evaluated["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until an expression is truthy, and return its value."""
        return eventually(lambda: self.run(script), script)

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press and release a key."""
        code, text = _KEYS.get(key, (ord(key[0].upper()), key))
        description = {
            "key": key,
            "windowsVirtualKeyCode": code,
            "modifiers": 8 if shift else 0,
        }
        typed = {"text": text} if text else {}
        down = "keyDown" if text else "rawKeyDown"
        self.call("Input.dispatchKeyEvent", type=down, **description, **typed)
        self.call("Input.dispatchKeyEvent", type="keyUp", **description)

    def tab_to(self, script: str, *, limit: int = 60) -> None:
        """Press Tab until an expression about the focused element, `it`, is true."""
        matches = f"((it) => Boolean({script}))(document.activeElement)"
        for _ in range(limit):
            self.press("Tab")
            if self.run(matches):
                return
        msg = f"Tab never reached an element with {script}; it is at {self.run(_FOCUSED)}"
        raise AssertionError(msg)

    def screenshot(self, path: Path) -> None:
        """Save an image of the visible part of the page."""
        taken = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(taken["data"]))

    def events(self, *methods: str) -> list[dict[str, Any]]:
        """Return the parameters of this page's events of some kinds."""
        self.run("0")
        return [
            event["params"]
            for event in self._browser.events
            if event.get("sessionId") == self._session and event["method"] in methods
        ]

    def errors(self) -> list[Any]:
        """Return the errors of the page, and its console messages."""
        return self.events(*_ERRORS)

    def clear_errors(self) -> None:
        """Forget the errors of all pages so far."""
        events = self._browser.events
        events[:] = [event for event in events if event["method"] not in _ERRORS]

    def controls(self) -> Sequence[tuple[str, str]]:
        """Return the role and accessible name of each control and region."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", "").strip())
            for node in nodes
            if not node["ignored"] and node["role"]["value"] in _CONTROLS
        ]


_ERRORS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
_FOCUSED = "document.activeElement.outerHTML.slice(0, 300)"
_CONTROLS = {
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


def eventually(check: Callable[[], Any], description: str) -> Any:
    """Call a function until it returns something truthy, and return that."""
    deadline = time.monotonic() + _TIMEOUT
    while not (result := check()):
        assert time.monotonic() < deadline, f"timed out: {description}"
        time.sleep(0.02)
    return result


def _pipe() -> tuple[int, int]:
    """Create a pipe with descriptors from 10 up, out of the way of the browser's."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


def _end(process: subprocess.Popen[bytes]) -> None:
    # Closing the pipe makes the browser exit.
    try:
        process.wait(_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
