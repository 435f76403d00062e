"""The command line, run as a user runs it."""

import functools
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

from sikoia_async import InvalidRequestError, SikoiaError, __main__
from sikoia_async._version import __version__
from sikoia_async.cli import demo
from sikoia_async.sandbox import Sandbox, create_app


def test_the_demo_shows_each_step_and_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    """`sikoia demo` prints every step with a correlation id, a summary, and exits with 0."""
    code = __main__.main(["demo"])

    printed = capsys.readouterr().out
    assert code == 0
    steps = [int(number) for number in re.findall(r"^ +(\d+)  [A-Z]", printed, re.MULTILINE)]
    assert steps == list(range(1, 18))
    assert printed.count("correlation id ") == 16  # the Excel report comes without one
    assert "All 17 steps did what they should" in printed
    assert "TooManyResults: 3 to pick from" in printed


def test_a_demo_that_fails_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step that fails ends the demo with one clear line and a code that is not 0."""
    monkeypatch.setattr(demo, "Sandbox", functools.partial(Sandbox, limit=2))

    code = __main__.main(["demo"])

    assert code == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("The demo failed: RateLimitError: 429 RateLimit")


@pytest.mark.anyio
async def test_a_step_that_is_not_refused_fails_the_demo() -> None:
    """A step that is meant to be refused, and is not, is a failure."""
    steps = demo._Steps()

    with pytest.raises(SikoiaError, match="step 1 should have ended with InvalidRequestError"):
        await steps.refused("A step", InvalidRequestError, anyio.lowlevel.checkpoint())


@pytest.mark.parametrize(
    ("option", "value", "words"), [("--speed", "-1", "speed"), ("--speed", "nan", "speed")]
)
def test_a_speed_that_is_none_is_refused(
    option: str, value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line, and nothing is served."""
    assert __main__.main(["sandbox", "--port", "0", option, value]) == 1

    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1


def test_the_seed_and_the_speed_are_the_sandboxs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command line says is what it is made with."""
    served = list[Sandbox]()

    def note(sandbox: Sandbox) -> None:
        served.append(sandbox)

    monkeypatch.setattr(Sandbox, "serve_forever", note)

    assert __main__.main(["sandbox", "--port", "0", "--seed", "7", "--speed", "60"]) == 0

    (sandbox,) = served
    with Sandbox(seed=7) as twin, Sandbox() as other:
        assert twin.client_id == sandbox.client_id != other.client_id
    assert sandbox.clock.speed == 60


def _file(folder: Path, name: str) -> str:
    """Write a file with one scenario, and give its path."""
    path = folder / f"{name}.toml"
    path.write_text(f"[[scenario]]\nname = '{name}'\nperson = '{name}'\n", "utf-8")
    return str(path)


def test_the_scenarios_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that are always there, after those of files; nothing is served then."""
    assert __main__.main(["sandbox", "--scenarios"]) == 0
    always = capsys.readouterr().out.splitlines()
    files = ["--scenario", _file(tmp_path, "one"), "--scenario", _file(tmp_path, "two")]
    assert __main__.main(["sandbox", *files, "--scenarios"]) == 0
    mine, other, *rest = capsys.readouterr().out.splitlines()

    assert (mine.split(), other.split()) == (["one", "one"], ["two", "two"])
    assert rest == always == [*create_app().scenarios.table()]
    assert "Insolvent Example Ltd" in "\n".join(always)


def test_the_scenarios_of_files_are_served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of all that are given."""
    served = list[Sandbox]()

    def note(sandbox: Sandbox) -> None:
        served.append(sandbox)

    monkeypatch.setattr(Sandbox, "serve_forever", note)
    files = ["--scenario", _file(tmp_path, "one"), "--scenario", _file(tmp_path, "two")]

    assert __main__.main(["sandbox", "--port", "0", *files]) == 0

    (sandbox,) = served
    assert [one.name for one in sandbox.scenarios][:3] == ["one", "two", "solvent company"]


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(
    ("name", "words"),
    [("broken.toml", "broken.toml, line 3: nothing is called"), ("none.toml", "No such file")],
)
def test_a_file_that_is_wrong_is_one_clear_line(
    name: str, words: str, listed: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its name, the line and the reason; nothing is served."""
    (tmp_path / "broken.toml").write_text("[[scenario]]\nname = 'a'\nprson = 'A'\n", "utf-8")
    options = ["--scenarios"] if listed else ["--port", "0"]

    assert __main__.main(["sandbox", "--scenario", str(tmp_path / name), *options]) == 1

    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("sikoia sandbox: ")
    assert words in line
    assert name in line
    assert printed.out == ""


def test_the_sandbox_serves_until_it_is_stopped() -> None:
    """`sikoia sandbox` prints what to export, and ends cleanly when it is interrupted."""
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


def test_a_port_in_use_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A second sandbox on the same port says which port it is."""
    with Sandbox() as sandbox:
        port = sandbox.url.rpartition(":")[2]

        code = __main__.main(["sandbox", "--port", port])

    assert code == 1
    assert re.fullmatch(
        f"sikoia sandbox: cannot listen on port {port} of 127.0.0.1: .+; give another one, or 0 "
        "for any\n",
        capsys.readouterr().err,
    )


def test_what_is_no_port_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A number beyond all ports is refused with their range."""
    assert __main__.main(["sandbox", "--port", "65536"]) == 1

    said = capsys.readouterr().err
    assert said == "sikoia sandbox: port: give one from 1 to 65535, or 0 for any that is free\n"


def test_what_is_no_port_of_the_inspector_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """There are two."""
    assert __main__.main(["sandbox", "--inspector", "65536"]) == 1

    assert "inspector_port: give one from 1 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_stops_whoever_is_connected(number: signal.Signals) -> None:
    """A kept connection, one that says nothing and a delivery under way do not hold up the end."""
    with _serving() as process, socket.create_server(("127.0.0.1", 0)) as receiver:
        assert process.stdout is not None
        lines = [process.stdout.readline().split() for _ in range(8)]
        found = dict(words[1].split("=", 1) for words in lines if words[:1] == ["export"])
        trust = ssl.create_default_context(cafile=found["SIKOIA_CA_FILE"])
        address = ("127.0.0.1", int(found["SIKOIA_ENVIRONMENT"].rpartition(":")[2]))
        with (
            socket.create_connection(address),
            httpx.Client(base_url=found["SIKOIA_ENVIRONMENT"], verify=trust, timeout=60) as client,
        ):
            _begin_a_delivery(client, found, f"http://127.0.0.1:{receiver.getsockname()[1]}")
            receiver.settimeout(60)
            delivery, _ = receiver.accept()  # and no answer
            with delivery:
                process.send_signal(number)
                printed, complaints = process.communicate(timeout=60)

    assert printed.endswith("Stopped.\n")
    assert (complaints, process.returncode) == ("", 0)
    assert not Path(found["SIKOIA_CA_FILE"]).parent.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["__enter__", "serve_forever"])
def test_a_signal_that_comes_early_ends_it_as_well(moment: str, number: signal.Signals) -> None:
    """While the sandbox starts, and right after what it prints: no traceback, no file left."""
    code = f"""
import signal, sys
from sikoia_async.__main__ import main
from sikoia_async.sandbox import Sandbox

usual = Sandbox.{moment}

def early(sandbox):
    signal.raise_signal({number.value})
    return usual(sandbox)

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
    """Run the command, and see to it that it ends, also where the test fails."""
    command = [sys.executable, "-m", "sikoia_async", "sandbox", "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _begin_a_delivery(client: httpx.Client, found: dict[str, str], callback: str) -> None:
    """Upload a document whose webhook is told when it is processed."""
    form = {
        "grant_type": "client_credentials",
        "scope": f"{found['SIKOIA_ENVIRONMENT']}/.default",
        "client_id": found["SIKOIA_CLIENT_ID"],
        "client_secret": found["SIKOIA_CLIENT_SECRET"],
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


def test_without_the_extra_the_command_says_what_to_install() -> None:
    """Where starlette is missing, the demo names the extra instead of a traceback."""
    hide = "import sys; sys.modules['starlette'] = None; sys.modules['uvicorn'] = None; "
    run = "from sikoia_async.__main__ import main; sys.exit(main(['demo']))"

    done = subprocess.run(
        [sys.executable, "-c", hide + run], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "pip install 'sikoia-async[sandbox]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_told() -> None:
    """`python -m sikoia_async --version` prints the version."""
    done = subprocess.run(
        [sys.executable, "-m", "sikoia_async", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )

    assert done.stdout == f"sikoia-async {__version__}\n"
