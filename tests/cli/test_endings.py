"""How commands end: quietly, and with the right exit code."""

import errno
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

import pytest
from cli.running import COMMAND, running

from sikoia_async.cli.endings import run_quietly


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_sandbox_quietly(number: signal.Signals) -> None:
    """With exit code 0, because that is how it is stopped; with `--json`, nothing is added."""
    with running() as sandbox:
        sandbox.process.send_signal(number)
        rest, errors = sandbox.process.communicate(timeout=60)

    assert (rest, errors, sandbox.process.returncode) == ("", "", 0)
    assert not Path(sandbox.ready["ca_file"]).exists()


def test_a_closed_terminal_stops_the_sandbox() -> None:
    """Its folder is removed, although nothing can be printed any more."""
    master, terminal = pty.openpty()
    claim = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    run = f"{claim} os.execv(sys.executable, {[*COMMAND, '--port', '0']!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", run],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    printed = b""
    while b"Press Ctrl-C to stop." not in printed:
        printed += os.read(master, 10_000)
    ca_file = printed.partition(b"SIKOIA_CA_FILE=")[2].split()[0].decode()
    assert Path(ca_file).exists()

    os.close(master)

    assert process.wait(60) == 128 + signal.SIGHUP
    assert not Path(ca_file).exists()


def test_nohup_is_respected() -> None:
    """A sandbox that ignores SIGHUP from the start goes on."""
    ignored = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN);"
    run = f"{ignored} os.execv(sys.executable, {[*COMMAND, '--port', '0', '--json']!r})"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", run], stdout=pipe, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.mark.parametrize("line", ["sandbox --port 0", "sandbox --port 0 --json", "sandbox --help"])
def test_a_broken_pipe_is_quiet(line: str) -> None:
    """`sikoia sandbox | true` prints no traceback."""
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [sys.executable, "-m", "sikoia_async", *line.split()],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(writer)

    assert done.stderr == ""
    assert done.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize("line", ["sandbox --scenarios", "sandbox --help", "--version"])
def test_a_full_disk_prints_one_line(line: str) -> None:
    """With the reason."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sikoia_async", *line.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    assert done.returncode == 1
    (only,) = done.stderr.splitlines()
    assert "No space left on device" in only


def _raising(error: BaseException) -> Callable[[], NoReturn]:
    def command() -> NoReturn:
        raise error

    return command


def _signalling(number: signal.Signals) -> Callable[[], NoReturn]:
    def command() -> NoReturn:
        signal.raise_signal(number)
        raise AssertionError

    return command


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_other_commands(
    number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the exit code that shells give; the handlers are restored."""
    before = signal.getsignal(number)

    assert run_quietly(lambda: "x", _signalling(number)) == code

    assert signal.getsignal(number) == before
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (OSError(errno.EPIPE, "Broken pipe"), 141, ""),
        (OSError(errno.EIO, "Input/output error"), 129, ""),
        (OSError(errno.EIO, "Input/output error", "a"), 1, "x: a: Input/output error\n"),
        (ValueError("port: expected more"), 1, "x: port: expected more\n"),
    ],
)
def test_an_error_ends_a_command(
    error: Exception, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line; without one if nobody reads the output."""
    assert run_quietly(lambda: "x", _raising(error)) == code

    assert capsys.readouterr() == ("", line)


def test_sigterm_ends_a_command_that_ignores_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    """As shells start it in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run_quietly(lambda: "x", _signalling(signal.SIGTERM)) == 143
    finally:
        signal.signal(signal.SIGINT, before)

    assert capsys.readouterr() == ("", "")


_AT_WORK: Final = """
import signal, sys
import anyio
from sikoia_async.cli.endings import run_quietly

async def work():
    signal.raise_signal(int(sys.argv[1]))
    await anyio.sleep(60)

async def main():
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)

sys.exit(run_quietly(lambda: "work", lambda: anyio.run(main)))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_task_runs_is_quiet(number: signal.Signals) -> None:
    """It cancels the command; an exception anywhere in its tasks would be reported by asyncio."""
    done = subprocess.run(
        [sys.executable, "-c", _AT_WORK, str(int(number))],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (128 + number, "")


def test_a_command_can_run_in_another_thread() -> None:
    """Where signals cannot be caught."""
    codes = list[int]()

    thread = threading.Thread(target=lambda: codes.append(run_quietly(lambda: "x", lambda: 7)))
    thread.start()
    thread.join()

    assert codes == [7]


def test_a_closed_output_is_not_an_error() -> None:
    """`sikoia >&-` has nothing to print to."""
    run = [sys.executable, "-m", "sikoia_async", "sandbox", "--scenarios"]
    close = f"import os, sys; os.close(1); os.execv(sys.executable, {run!r})"

    done = subprocess.run(
        [sys.executable, "-c", close], stderr=subprocess.PIPE, text=True, check=False, timeout=60
    )

    assert (done.stderr, done.returncode) == ("", 0)


def test_what_cannot_be_printed_is_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise Python would try once more on exit, and print a traceback."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as output:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr(sys, "stdout", output)

        def command() -> int:
            output.write("something")
            return 0

        assert run_quietly(lambda: "x", command) == 141

        output.write("more")
        output.flush()
