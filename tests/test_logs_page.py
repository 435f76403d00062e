"""The programs of the page about logs, each in a process of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sikoia_async._logging import FIELDS
from sikoia_async.sandbox import Sandbox

_PAGE = Path(__file__).parents[1] / "docs" / "pages" / "logs.md"


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    """Run a local Sikoia, and return the environment of a program that calls it."""
    with Sandbox() as sandbox:
        yield {**os.environ, **sandbox.variables}


def _printed(section: str, variables: dict[str, str]) -> list[str]:
    """Run the program of a section, and return what it prints on standard error."""
    _, _, rest = _PAGE.read_text("utf-8").partition(f"\n## {section}\n")
    program = re.findall(r"^```python\n(.*?)^```", rest, re.DOTALL | re.MULTILINE)[0]
    ran = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True
    )
    return ran.stderr.splitlines()


def test_dict_config(variables: dict[str, str]) -> None:
    """The application's format, for both loggers; `SIKOIA_LOG` changes nothing."""
    lines = _printed("logging.dictConfig", variables | {"SIKOIA_LOG": "info"})

    request, end = [re.sub(r" in [0-9.]+ s .*", "", line) for line in lines]
    assert request.startswith("DEBUG sikoia_async.requests: curl --compressed https://127.0.0.1:")
    assert end == "DEBUG sikoia_async: GET /v2/users: 200"


def test_records_of_the_application_have_the_correlation_id(variables: dict[str, str]) -> None:
    """As the page shows it."""
    (line,) = _printed("Correlation ids in your own records", variables)

    assert line == "WARNING loans request-4711: the register has no such company"
    assert f"\n{line}\n" in _PAGE.read_text("utf-8")


def test_structlog(variables: dict[str, str]) -> None:
    """The fields of a call are keys, beside those that the application has bound."""
    pytest.importorskip("structlog")

    (line,) = _printed("structlog", variables)

    record = json.loads(line)
    assert record.keys() == {*FIELDS, "event", "loan", "level", "logger", "timestamp"}
    assert (record["loan"], record["path"], record["status"]) == ("loan-17", "/v2/users", 200)
