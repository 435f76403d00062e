"""The command line, run as a user runs it."""

import functools
import os
import re
import signal
import subprocess
import sys

import anyio.lowlevel
import pytest

from sikoia_async import InvalidRequestError, SikoiaError, __main__, _demo
from sikoia_async._version import __version__
from sikoia_async.sandbox import Sandbox


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
    monkeypatch.setattr(_demo, "Sandbox", functools.partial(Sandbox, limit=2))

    code = __main__.main(["demo"])

    assert code == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("The demo failed: RateLimitError: 429 RateLimit")


@pytest.mark.anyio
async def test_a_step_that_is_not_refused_fails_the_demo() -> None:
    """A step that is meant to be refused, and is not, is a failure."""
    steps = _demo._Steps()

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
    assert f"cannot listen on port {port}" in capsys.readouterr().err


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
