"""The `sikoia` command, run as a user runs it."""

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio.lowlevel
import httpx
import pytest

from sikoia_async import InvalidRequestError, SikoiaError
from sikoia_async._version import __version__
from sikoia_async.cli import demo
from sikoia_async.cli import main as cli
from sikoia_async.sandbox import Sandbox, create_app


def test_the_demo_prints_every_step_and_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    """`sikoia demo` prints every step with its correlation id and a summary, and exits with 0."""
    code = cli.main(["demo"])

    printed = capsys.readouterr().out
    assert code == 0
    steps = [int(number) for number in re.findall(r"^ +(\d+)  [A-Z]", printed, re.MULTILINE)]
    assert steps == list(range(1, 18))
    assert printed.count("correlation id ") == 16  # the step that saves the Excel report has none
    assert "All 17 steps succeeded" in printed
    assert "TooManyResults: 3 companies to choose from" in printed


def test_a_demo_that_fails_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A step that fails ends the demo with exit code 1."""
    assert demo.run(limit=2) == 1

    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("The demo failed: RateLimitError: 429 RateLimit")


@pytest.mark.anyio
async def test_a_missing_error_fails_the_demo() -> None:
    """A step that must raise an error, and does not, is a failure."""
    steps = demo.Steps()

    with pytest.raises(SikoiaError, match="step 1 did not raise InvalidRequestError"):
        await steps.show_error("A step", InvalidRequestError, anyio.lowlevel.checkpoint())


@pytest.mark.parametrize(
    ("option", "value", "message"), [("--speed", "-1", "speed"), ("--speed", "nan", "speed")]
)
def test_an_invalid_speed_is_refused(
    option: str, value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one line, before anything is served."""
    assert cli.main(["sandbox", "--port", "0", option, value]) == 1

    printed = capsys.readouterr().err
    assert message in printed
    assert len(printed.splitlines()) == 1


def test_seed_and_speed_are_passed_to_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """The options of the command line reach the sandbox."""
    served = list[Sandbox]()

    def record(sandbox: Sandbox) -> None:
        served.append(sandbox)

    monkeypatch.setattr(Sandbox, "serve_forever", record)

    assert cli.main(["sandbox", "--port", "0", "--seed", "7", "--speed", "60"]) == 0

    (sandbox,) = served
    with Sandbox(seed=7) as same, Sandbox() as other:
        assert same.client_id == sandbox.client_id != other.client_id
    assert sandbox.clock.speed == 60


def _file(folder: Path, name: str) -> str:
    """Write a file with one scenario, and return its path."""
    path = folder / f"{name}.toml"
    path.write_text(f"[[scenario]]\nname = '{name}'\nperson = '{name}'\n", "utf-8")
    return str(path)


def test_the_scenarios_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the given files come before the built-in ones, and nothing is served."""
    assert cli.main(["sandbox", "--scenarios"]) == 0
    built_in = capsys.readouterr().out.splitlines()
    files = ["--scenario", _file(tmp_path, "one"), "--scenario", _file(tmp_path, "two")]
    assert cli.main(["sandbox", *files, "--scenarios"]) == 0
    mine, other, *rest = capsys.readouterr().out.splitlines()

    assert (mine.split(), other.split()) == (["one", "one"], ["two", "two"])
    assert rest == built_in == [*create_app().scenarios.table()]
    assert "Insolvent Example Ltd" in "\n".join(built_in)


def test_scenarios_from_files_are_served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From every file that is given."""
    served = list[Sandbox]()

    def record(sandbox: Sandbox) -> None:
        served.append(sandbox)

    monkeypatch.setattr(Sandbox, "serve_forever", record)
    files = ["--scenario", _file(tmp_path, "one"), "--scenario", _file(tmp_path, "two")]

    assert cli.main(["sandbox", "--port", "0", *files]) == 0

    (sandbox,) = served
    assert [one.name for one in sandbox.scenarios][:3] == ["one", "two", "solvent company"]


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(
    ("name", "message"),
    [("broken.toml", "broken.toml, line 3: unknown key"), ("none.toml", "No such file")],
)
def test_an_invalid_file_prints_one_line(
    name: str, message: str, listed: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its name, the line and the reason, before anything is served."""
    (tmp_path / "broken.toml").write_text("[[scenario]]\nname = 'a'\nprson = 'A'\n", "utf-8")
    options = ["--scenarios"] if listed else ["--port", "0"]

    assert cli.main(["sandbox", "--scenario", str(tmp_path / name), *options]) == 1

    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("sikoia sandbox: ")
    assert message in line
    assert name in line
    assert printed.out == ""


def test_the_sandbox_serves_until_it_is_stopped() -> None:
    """`sikoia sandbox` prints what to export, and exits with 0 when interrupted."""
    command = [sys.executable, "-m", "sikoia_async", "sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(8)]
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)

    assert [line.split("=")[0].strip() for line in lines if "export" in line] == [
        f"export SIKOIA_{name}" for name in ("ENVIRONMENT", "CA_FILE", "CLIENT_ID", "CLIENT_SECRET")
    ]
    assert "Stopped." in rest
    assert process.returncode == 0


def test_a_port_in_use_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A second sandbox on the same port names the port."""
    with Sandbox() as sandbox:
        port = sandbox.url.rpartition(":")[2]

        code = cli.main(["sandbox", "--port", port])

    assert code == 1
    assert re.fullmatch(
        f"sikoia sandbox: cannot listen on port {port} of 127.0.0.1: .+; use another port, or 0 "
        "for any\n",
        capsys.readouterr().err,
    )


def test_an_invalid_port_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The line has the range of valid ports."""
    assert cli.main(["sandbox", "--port", "65536"]) == 1

    printed = capsys.readouterr().err
    assert printed == "sikoia sandbox: port: expected 1 to 65535, or 0 for any free port\n"


def test_an_invalid_inspector_port_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The line says which of the two ports is invalid."""
    assert cli.main(["sandbox", "--inspector", "65536"]) == 1

    assert "inspector_port: expected 1 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_stops_with_open_connections(number: signal.Signals) -> None:
    """A kept-alive connection, a silent one and a delivery in progress do not delay the exit."""
    with _serving() as process, socket.create_server(("127.0.0.1", 0)) as receiver:
        assert process.stdout is not None
        lines = [process.stdout.readline().split() for _ in range(8)]
        exported = dict(parts[1].split("=", 1) for parts in lines if parts[:1] == ["export"])
        trust = ssl.create_default_context(cafile=exported["SIKOIA_CA_FILE"])
        address = ("127.0.0.1", int(exported["SIKOIA_ENVIRONMENT"].rpartition(":")[2]))
        with (
            socket.create_connection(address),
            httpx.Client(
                base_url=exported["SIKOIA_ENVIRONMENT"], verify=trust, timeout=60
            ) as client,
        ):
            _begin_a_delivery(client, exported, f"http://127.0.0.1:{receiver.getsockname()[1]}")
            receiver.settimeout(60)
            delivery, _ = receiver.accept()  # and no response
            with delivery:
                process.send_signal(number)
                printed, errors = process.communicate(timeout=60)

    assert printed.endswith("Stopped.\n")
    assert (errors, process.returncode) == ("", 0)
    assert not Path(exported["SIKOIA_CA_FILE"]).parent.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["__enter__", "serve_forever"])
def test_an_early_signal_stops_the_sandbox(moment: str, number: signal.Signals) -> None:
    """While it starts, or right after it printed: no traceback, and no file is left."""
    code = f"""
import signal, sys
from sikoia_async.cli.main import main
from sikoia_async.sandbox import Sandbox

original = Sandbox.{moment}

def early(sandbox):
    signal.raise_signal({number.value})
    return original(sandbox)

Sandbox.{moment} = early
code = main(["sandbox", "--port", "0"])
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
sys.exit(code)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.endswith("\nStopped.\n")
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        assert not name.endswith("SIKOIA_CA_FILE") or not Path(value).parent.exists()


@contextmanager
def _serving() -> Generator[subprocess.Popen[str]]:
    """Run the command, and kill it when the test ends."""
    command = [sys.executable, "-m", "sikoia_async", "sandbox", "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _begin_a_delivery(client: httpx.Client, exported: dict[str, str], callback: str) -> None:
    """Upload a document whose processing triggers a webhook."""
    form = {
        "grant_type": "client_credentials",
        "scope": f"{exported['SIKOIA_ENVIRONMENT']}/.default",
        "client_id": exported["SIKOIA_CLIENT_ID"],
        "client_secret": exported["SIKOIA_CLIENT_SECRET"],
    }
    token = client.post("/token", data=form).json()["access_token"]
    client.headers.update(
        {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
    )
    webhook = {"webhook_name": "All", "webhook_callback_url": callback}
    subscribed = webhook | {"event_types": ["DocumentProcessing.Completed"]}
    assert client.post("/v2/webhooks", json=subscribed).status_code == 201
    wilma = {"first_name": "Wilma", "last_name": "Example"}
    body = {"name": "Loan", "case_type": "Business", "persons": [wilma]}
    person = client.post("/v2/cases", json=body).json()["persons"][0]["person_id"]
    document = {
        "entity_type": "person",
        "entity_id": person,
        "file": "JVBERg==",
        "document_type": "Payslip",
        "display_name": "A document",
        "file_name": "document.pdf",
    }
    assert client.post("/v2/documents", json=document).status_code == 201


def test_a_missing_extra_is_named() -> None:
    """Without starlette, the demo prints what to install instead of a traceback."""
    hide = "import sys; sys.modules['starlette'] = None; sys.modules['uvicorn'] = None; "
    run = "from sikoia_async.cli.main import main; sys.exit(main(['demo']))"

    done = subprocess.run(
        [sys.executable, "-c", hide + run], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "pip install 'sikoia-async[sandbox]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_printed() -> None:
    """`python -m sikoia_async --version` prints the version."""
    done = subprocess.run(
        [sys.executable, "-m", "sikoia_async", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )

    assert done.stdout == f"sikoia-async {__version__}\n"
