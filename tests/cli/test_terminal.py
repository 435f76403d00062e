"""The recorded session and the exit codes in the documentation."""

import re
import runpy
from pathlib import Path

from sikoia_async.cli.exit_codes import ExitCode

_DOCS = Path(__file__).parents[2] / "docs"


def test_the_recorded_session_is_up_to_date() -> None:
    """If not, run `python docs/terminal.py`, and look at the image."""
    script = runpy.run_path(str(_DOCS / "terminal.py"))
    text_of, shown = script["text_of"], script["IMAGE"].read_text("utf-8")

    image = script["render"](script["record"]())

    assert text_of(image) == text_of(shown)
    assert [one for one in (image, shown) if "url(http" in one or 'url("http' in one] == []


def test_every_exit_code_is_documented() -> None:
    """And no others."""
    page = (_DOCS / "pages" / "command-line.md").read_text("utf-8")

    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)]
    assert codes == sorted(ExitCode)
