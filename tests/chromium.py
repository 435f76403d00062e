"""Drives a headless Chromium over its own pipe, so that browser tests need no other package.

The protocol is that of Chromium's developer tools: messages of JSON, each with a zero byte after
it, on the descriptors 3 and 4 of the browser. https://chromedevtools.github.io/devtools-protocol/
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
_PATIENCE = 30
"""Seconds until what does not come is missing; only a test that fails waits for so long."""
_OPTIONS = (
    "--headless",
    "--remote-debugging-pipe",
    # It sees no page but ours, and root may not have a sandbox.
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--hide-scrollbars",
)
# What the protocol wants to know of a key: its code, and the text that it types.
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
    """Run a browser; where there is none, the test is skipped, unless the gate asks for one."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        reason = f"no browser is installed here: {', '.join(_NAMES)}"
        if os.environ.get("SIKOIA_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with ExitStack() as stack:
        profile = stack.enter_context(tempfile.TemporaryDirectory(prefix="sikoia-browser-"))
        theirs_in, ours_out = _pipe()
        ours_in, theirs_out = _pipe()
        # Python cannot put descriptors where the browser looks for them, and this shell can.
        redirected = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
        process = subprocess.Popen(
            ["/bin/bash", "-c", redirected, path, *_OPTIONS, f"--user-data-dir={profile}"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        stack.callback(_end, process)
        stack.callback(os.close, ours_in)
        stack.callback(os.close, ours_out)
        yield Chromium(ours_in, ours_out)


class Chromium:
    """A browser, and what it has told."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading = reading
        self._writing = writing
        self._rest = b""
        self._last = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        """Have the browser do something, and return its answer."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._write(json.dumps(message).encode() + b"\0")
        while True:
            told = self._read()
            if told.get("id") != self._last:
                self.events.append(told)
            elif "error" in told:
                raise AssertionError(method, told["error"])
            else:
                return told["result"]

    def page(self) -> "Page":
        """Open a page with nothing in it yet."""
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
            assert more, "the browser has ended"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told


class Page:
    """A page that is open."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: Any) -> Any:
        """Have the browser do something with this page."""
        return self._browser.call(method, self._session, **parameters)

    def visit(self, url: str, *, width: int = 1280, height: int = 800) -> None:
        """Begin again with another address, as a page that has seen nothing yet."""
        self.call("Page.navigate", url="about:blank")
        self.run("0")
        self._browser.events.clear()
        self.resize(width, height)
        self.prefer()
        self.call("Page.navigate", url=url)

    def resize(self, width: int, height: int, *, zoom: float = 1) -> None:
        """Show it on a screen of this size; zoomed, there is room for less."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=round(width / zoom),
            height=round(height / zoom),
            deviceScaleFactor=zoom,
            mobile=False,
        )

    def prefer(self, **features: str) -> None:
        """Let it believe that its user prefers something, such as `prefers_color_scheme="dark"`."""
        wanted = [
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()
        ]
        self.call("Emulation.setEmulatedMedia", features=wanted)

    def run(self, script: str) -> Any:
        """Evaluate an expression in the page, and return its value."""
        told = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until an expression is true, and return its value."""
        return eventually(lambda: self.run(script), script)

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key, and let it go."""
        code, text = _KEYS.get(key, (ord(key[0].upper()), key))
        about = {
            "key": key,
            "windowsVirtualKeyCode": code,
            "modifiers": 8 if shift else 0,
        }
        typed = {"text": text} if text else {}
        down = "keyDown" if text else "rawKeyDown"
        self.call("Input.dispatchKeyEvent", type=down, **about, **typed)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def tab_to(self, script: str, *, most: int = 60) -> None:
        """Press Tab until the element that has the focus fits; it is called `it`."""
        fits = f"((it) => Boolean({script}))(document.activeElement)"
        for _ in range(most):
            self.press("Tab")
            if self.run(fits):
                return
        msg = f"Tab does not lead to where {script}, but to {self.run(_FOCUSED)}"
        raise AssertionError(msg)

    def screenshot(self, path: Path) -> None:
        """Take a picture of what is in view."""
        taken = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(taken["data"]))

    def told(self, *methods: str) -> list[dict[str, Any]]:
        """Return what the browser has told of this page, of these kinds."""
        self.run("0")
        return [
            event["params"]
            for event in self._browser.events
            if event.get("sessionId") == self._session and event["method"] in methods
        ]

    def errors(self) -> list[Any]:
        """Return all that went wrong in the page, and all that it wrote to the console."""
        return self.told(*_ERRORS)

    def forgive(self) -> None:
        """Count the errors of all pages so far as expected."""
        events = self._browser.events
        events[:] = [event for event in events if event["method"] not in _ERRORS]

    def controls(self) -> Sequence[tuple[str, str]]:
        """Return the role and the name of all that can be used, as a screen reader has them."""
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


def eventually(look: Callable[[], Any], what: str) -> Any:
    """Look again and again until there is something, and return it."""
    deadline = time.monotonic() + _PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"this never came: {what}"
        time.sleep(0.02)
    return found


def _pipe() -> tuple[int, int]:
    """Make a pipe whose descriptors are none of those that the browser looks at."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


def _end(process: subprocess.Popen[bytes]) -> None:
    # Its pipe is closed, so that it ends by itself.
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
