"""Records a terminal session with a local Sikoia, for the page about the command line.

`python docs/terminal.py` writes `docs/pages/images/terminal.svg`. Ids come from the seed of the
local Sikoia; what differs from run to run, such as times and ports, is replaced.
"""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from sikoia_async.sandbox import Sandbox

__all__ = ["IMAGE", "record", "render", "text_of"]

IMAGE: Final = Path(__file__).parent / "pages" / "images" / "terminal.svg"
_WIDTH: Final = 100
_COMPANY: Final = (
    '[{"company_name":"Acme Ltd","company_number":"12345678","jurisdiction_code":"GB"}]'
)
_COMMANDS: Final = (
    "sikoia doctor",
    f"sikoia cases create --name 'Loan 17' --case-type Business \\\n    --companies '{_COMPANY}'",
    "sikoia cases list",
    "sikoia credit-reports request 8d116ece-1738-47d9-bd9c-172411e20b8f --yes",
    "sikoia cases update 6b0d549b-6f03-475a-9600-a35a099950d8 --stage Approved --curl",
    "sikoia cases lst",
)
_REPLACED: Final = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "2026-01-05T09:30:00.000000Z"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:8400"),
    (r"(?<=--cacert )\S+", "ca.pem"),
    (r"(?<=X-Correlation-Id: )[0-9a-f-]+", "0b1f8c1e-0a53-4f0c-8d8f-6a5c3f0e2f4b"),
    (
        r"sikoia-async \S+, httpx \S+, CPython \S+",
        "sikoia-async 1.0.0, httpx 0.28.1, CPython 3.13.1",
    ),
)


def record() -> str:
    """Return what a terminal shows, with escape sequences for colours."""
    parts = list[str]()
    with Sandbox(seed=7, work_time=0) as sandbox:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        variables = {**os.environ, **sandbox.variables, "PATH": path, "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "SIKOIA_LOG"):
            variables.pop(name, None)
        for command in _COMMANDS:
            parts.append(f"\x1b[1m$ {command}\x1b[0m\n{_run(command, variables)}\n")
    shown = "".join(parts)
    for pattern, replacement in _REPLACED:
        shown = re.sub(pattern, replacement, shown)
    # The signature of an operation token differs; its length does not.
    return re.sub(r"(?<=op1\.)[^\s…]+", lambda found: ("f472792e" * 20)[: len(found[0])], shown)


def render(session: str) -> str:
    """Return a session as an SVG image, which loads no font from another site."""
    console = Console(width=_WIDTH, record=True, file=io.StringIO())
    console.print(Text.from_ansi(session))
    image = console.export_svg(title="sikoia", unique_id="terminal")
    return re.sub(r"@font-face \{.*?\}\s*", "", image, flags=re.DOTALL)


def text_of(image: str) -> str:
    """Return the text in an image, without white space: versions of rich place it differently."""
    parts = re.findall(r"<text [^>]*>(.*?)</text>", image)
    return "".join("".join(map(unescape, parts)).split())


def _run(command: str, variables: dict[str, str]) -> str:
    """Return what a command prints on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, _WIDTH, 0, 0))
    with subprocess.Popen(
        ["sh", "-c", command], stdin=theirs, stdout=theirs, stderr=theirs, env=variables
    ):
        os.close(theirs)
        printed = b"".join(_chunks(ours))
    os.close(ours)
    return printed.decode().replace("\r\n", "\n")


def _chunks(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(terminal, 65_536)
        except OSError:  # on Linux, the end
            return
        if not chunk:
            return
        yield chunk


if __name__ == "__main__":
    IMAGE.parent.mkdir(exist_ok=True)
    IMAGE.write_text(render(record()), encoding="utf-8")
