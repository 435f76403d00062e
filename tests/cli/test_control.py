"""Commands that drive a running `sikoia sandbox`, and the HTTP interface that they use."""

import inspect
import json
import re
import shlex
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sandbox.conftest import credentials

from sikoia_async.cli import main as cli
from sikoia_async.cli.sandbox.control import EFFECTS
from sikoia_async.sandbox import Sandbox, Time
from sikoia_async.sandbox.faults.deliveries import DeliveryFaults
from sikoia_async.sandbox.faults.requests import Faults
from sikoia_async.sandbox.inspector.actions import (
    ACTIONS,
    DELIVERY_FAULT_FIELDS,
    FAULT_FIELDS,
    SNAPSHOT_ACTIONS,
)

_PAGE = (Path(__file__).parents[2] / "docs" / "pages" / "local.md").read_text("utf-8")
_SECTION = _PAGE.partition("## Control from other programs")[2].partition("\n## ")[0]
_COMMANDS, _CURL = re.findall(r"^```sh\n(.*?)^```", _SECTION, re.DOTALL | re.MULTILINE)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Run a sandbox with an inspector that the commands find."""
    with Sandbox(inspector=True, time=Time(speed=0)) as running:
        monkeypatch.setenv("SIKOIA_SANDBOX_CONTROL", str(running.inspector_url).rstrip("/"))
        yield running


def _run(capsys: pytest.CaptureFixture[str], *line: str) -> str:
    """Run a command that succeeds, and return what it printed."""
    code = cli.main(["sandbox", *line])
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    return printed.out


def _failed(capsys: pytest.CaptureFixture[str], *line: str) -> str:
    """Run a command that fails, and return its only line."""
    assert cli.main(["sandbox", *line]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    (only,) = printed.err.splitlines()
    return only


def _verification(sandbox: Sandbox) -> str:
    """Start a verification, and return its id."""
    trust = ssl.create_default_context(cafile=sandbox.ca_file)
    with httpx.Client(base_url=sandbox.url, verify=trust) as client:
        return _verification_by(client, sandbox)


def _verification_by(client: httpx.Client, sandbox: Sandbox) -> str:
    token = client.post("/token", data=credentials(sandbox)).json()["access_token"]
    client.headers["Accept"] = client.headers["Content-Type"] = "application/json"
    client.headers["Authorization"] = f"Bearer {token}"
    wilma = {"first_name": "Wilma", "last_name": "Example"}
    body = {"name": "Loan", "case_type": "Business", "persons": [wilma]}
    (person,) = client.post("/v2/cases", json=body).json()["persons"]
    client.get("/v2/cases", params={"name": "Wilma Secret"})
    begun = client.post("/v2/identity", json={"person_id": person["person_id"]})
    identifier: str = begun.json()["request_id"]
    return identifier


def test_the_ledger_is_listed_without_personal_data(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """Queries are left out, unless they are asked for."""
    _verification(sandbox)

    listed = _run(capsys, "ledger")
    assert "spend: 1" in listed
    assert [line.split()[1:4] for line in listed.splitlines()[1:]] == [
        ["POST", "/token", "201"],
        ["POST", "/v2/cases", "201"],
        ["GET", "/v2/cases", "200"],
        ["POST", "/v2/identity", "201"],
    ]
    assert "Secret" not in listed + _run(capsys, "ledger", "--json")
    assert "name=Wilma+Secret" in _run(capsys, "ledger", "--reveal")
    rows = json.loads(_run(capsys, "ledger", "--json", "--since", "3"))["requests"]
    assert [(row["operation"], row["cost"]) for row in rows] == [("POST /v2/identity", 1)]

    _run(capsys, "ledger", "--clear")
    assert len(sandbox.ledger) == 0


def test_faults_are_planned_and_listed(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name or by effect, of requests and of deliveries."""
    _run(capsys, "fault", "server error")
    _run(capsys, "fault", "outage", "POST /v2/identity", "--nth", "2", "--after", "1")
    _run(capsys, "fault", "--status", "503", "--retry-after", "2", "--times", "3")
    _run(capsys, "fault", "GET /v2/users", "--body", "<html>", "--nth", "2")
    _run(capsys, "fault", "--delivery", "lost")
    _run(capsys, "fault", "--delivery", "--delay", "5")

    assert sandbox.faults.script().splitlines() == [
        "sandbox.faults.add('*', status=500)",
        "sandbox.faults.add('POST /v2/identity', nth=2, times=20, after=1.0, status=503)",
        "sandbox.faults.add('*', times=3, status=503, retry_after=2)",
        "sandbox.faults.add('GET /v2/users', nth=2, body=b'<html>')",
    ]
    assert sandbox.deliveries.faults.script().splitlines() == [
        "sandbox.deliveries.faults.add('*', drop=True)",
        "sandbox.deliveries.faults.add('*', delay=5.0)",
    ]
    listed = _run(capsys, "fault", "--list")
    assert "POST /v2/identity" in listed
    assert "burst of 429" in listed

    _run(capsys, "fault", "--clear")
    assert sandbox.faults.planned == ()
    assert sandbox.deliveries.faults.planned == ()


def test_work_is_listed_and_ended(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """One piece, or all."""
    first, second, third = (_verification(sandbox) for _ in range(3))

    assert first in _run(capsys, "work")
    _run(capsys, "finish", first, "--kind", "identity")
    _run(capsys, "fail", second, "--message", "No luck.")
    assert {job.id: job.status for job in sandbox.work} == {
        first: "Complete",
        second: "Failed",
        third: "Pending",
    }
    _run(capsys, "finish")
    assert sandbox.work.pending == ()
    assert _run(capsys, "settle")


def test_the_clock_and_the_state_are_controlled(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """Snapshots have names, and are in its memory."""
    before = sandbox.clock.now
    _run(capsys, "snapshot")
    _verification(sandbox)
    _run(capsys, "snapshot", "later")
    _run(capsys, "advance", "60")
    assert (sandbox.clock.now - before).total_seconds() == 60

    _run(capsys, "restore")
    assert (sandbox.clock.now, list(sandbox.work)) == (before, [])
    _run(capsys, "restore", "later")
    assert len(list(sandbox.work)) == 1
    assert _failed(capsys, "restore", "latter") == (
        "sikoia sandbox restore: name: no snapshot has this name; did you mean later?"
    )
    _run(capsys, "reset")
    assert list(sandbox.work) == []
    assert "insolvent company" in _run(capsys, "scenarios")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["fault", "outag"], "the closest are outage"),
        (["fault"], "expected a name, see --list, or an effect such as --status 503"),
        (["fault", "outage", "*", "--status", "503"], "a name or an effect, and not both"),
        (["fault", "--status", "200"], "status: expected an error status"),
        (["fault", "--delivery", "--status", "503"], "unknown field"),
        (["advance", "-1"], "advance: expected seconds, zero or more"),
        (["finish", "nothing"], "nothing is pending"),
        (["--port", "1", "ledger"], "the options of a start do not go with a command"),
    ],
)
@pytest.mark.usefixtures("sandbox")
def test_what_is_impossible_prints_one_line(
    line: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the reason that the local Sikoia gives."""
    assert message in _failed(capsys, *line)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1", "start one with `sikoia sandbox --inspector`"),
        ("http://a\x01secret", "--control: expected a URL such as http://127.0.0.1:8401"),
        ("secret", "start one with `sikoia sandbox --inspector`"),
    ],
)
def test_without_a_running_one_the_line_says_what_to_do(
    url: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And does not repeat the URL."""
    only = _failed(capsys, "ledger", "--control", url)

    assert message in only
    assert "secret" not in only


def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """As for options."""
    with pytest.raises(SystemExit):
        cli.main(["sandbox", "ledgr"])

    assert "unknown command; did you mean ledger?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("add", "fields"), [(Faults.add, FAULT_FIELDS), (DeliveryFaults.add, DELIVERY_FAULT_FIELDS)]
)
def test_every_argument_of_a_fault_is_a_field(add: Any, fields: dict[str, Any]) -> None:
    """So that programs can plan whatever tests in Python can."""
    assert set(fields) == set(inspect.signature(add).parameters) - {"self", "operation", "event"}


def test_every_effect_is_an_option() -> None:
    """Except headers, which need an object."""
    assert {*EFFECTS, "nth", "after", "headers"} == set(FAULT_FIELDS)


def test_every_action_is_documented() -> None:
    """In the table of endpoints."""
    found = set(re.findall(r"(?:do/|\.\.\./)([a-z-]+)`", _SECTION))

    assert found == {*ACTIONS, *SNAPSHOT_ACTIONS, "settle"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_curl_examples_run(sandbox: Sandbox) -> None:
    """As they are on the page, in a shell that stops at the first error."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", _CURL],  # noqa: S607 - any bash
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.stderr, done.returncode) == ("", 0)
    assert '"message":"The state is restored.' in done.stdout
    assert '"spend":0' in done.stdout
    assert sandbox.faults.planned == ()


@pytest.mark.usefixtures("sandbox")
def test_the_commands_of_the_page_run(capsys: pytest.CaptureFixture[str]) -> None:
    """One after the other."""
    for line in _COMMANDS.splitlines():
        assert _run(capsys, *shlex.split(line)[2:])
