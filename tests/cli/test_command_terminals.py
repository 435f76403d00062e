"""Commands on a terminal: tables, questions, pagers, progress, completion and Ctrl-C."""

import io
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from cli.terminal import Terminal, new_case

from sikoia_async.cli import main as cli
from sikoia_async.cli.exit_codes import ExitCode
from sikoia_async.cli.tables import show
from sikoia_async.sandbox import Sandbox

T = TypeVar("T")


@pytest.fixture
def case(terminal: Terminal) -> tuple[str, str, str]:
    """Create a case; return its id, and those of its company and its person."""
    return new_case(terminal)


def on_a_terminal(work: Callable[[], T], answer: str = "") -> tuple[T, str]:
    """Run a function whose standard streams are a terminal; return its result and the output."""
    master, terminal = pty.openpty()
    printed = list[bytes]()
    reader = threading.Thread(target=_read, args=(master, printed))
    reader.start()
    os.write(master, answer.encode())
    before = sys.stdin, sys.stdout, sys.stderr
    output = io.TextIOWrapper(io.FileIO(terminal, "w", closefd=False), "utf-8", write_through=True)
    sys.stdin = io.TextIOWrapper(io.FileIO(terminal, closefd=False), "utf-8")
    sys.stdout = sys.stderr = output
    try:
        result = work()
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
        os.close(terminal)
        reader.join()
        os.close(master)
    return result, b"".join(printed).decode()


def _read(master: int, printed: list[bytes]) -> None:
    """Read until the other end is closed, which is an error on Linux."""
    try:
        while part := os.read(master, 65_536):
            printed.append(part)
    except OSError:
        return


def _nothing(_name: str) -> None:
    """Find no module."""


def run(line: Sequence[str], answer: str = "") -> tuple[int, str]:
    """Run a command on a terminal."""
    return on_a_terminal(lambda: cli.main(line), answer)


@pytest.mark.parametrize(
    ("answer", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", ExitCode.NOT_BOUGHT), ("\n", 3)]
)
def test_a_person_is_asked_before_a_call_that_may_cost_money(
    answer: str, code: int, server: Sandbox, case: tuple[str, str, str]
) -> None:
    """Nothing is sent without a yes."""
    before = len(server.ledger)

    ended, printed = run(["credit-reports", "request", case[1]], answer)

    assert ended == code
    assert "credit_reports.request may cost credits or money. Go on? [y/N]" in printed
    assert (len(server.ledger) > before) == (code == 0)


def test_a_table_is_printed_on_a_terminal(
    case: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With bold headers, unless NO_COLOR is set."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LINES", "1000")
    _, bold = run(["cases", "retrieve", case[0]])
    monkeypatch.setenv("TERM", "dumb")
    _, plain = run(["cases", "retrieve", case[0]])

    assert "\x1b[1mcase_id" in bold
    assert "\x1b" not in plain
    assert case[0] in plain


def test_json_is_printed_on_a_terminal_without_rich(
    case: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that is asked for names the extra."""
    for name in [one for one in sys.modules if one.startswith("rich")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "sikoia_async.cli.tables", raising=False)
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr("importlib.util.find_spec", _nothing)
    for module in ("output", "waiting"):
        monkeypatch.setattr(f"sikoia_async.cli.{module}.find_spec", _nothing)

    code, printed = run(["cases", "retrieve", case[0]])
    failed, told = run(["cases", "retrieve", case[0], "-o", "table"])
    waited, _ = run(["documents", "until-classified", "x", "--wait", "0.01"])

    assert (code, printed.lstrip()[0]) == (0, "{")
    assert failed == ExitCode.FAILED
    assert "pip install 'sikoia-async[cli]'" in told
    assert waited in {ExitCode.NOT_FOUND, ExitCode.STILL_RUNNING}


def test_a_long_table_goes_through_the_pager(
    case: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The one in PAGER; short ones do not."""
    monkeypatch.delenv("MANPAGER", raising=False)
    paged = tmp_path / "paged"
    monkeypatch.setenv("PAGER", f"cat > {paged}")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("LINES", "5")
    run(["cases", "retrieve", case[0]])
    monkeypatch.setenv("LINES", "500")
    _, short = run(["cases", "retrieve", case[0]])

    assert case[0] in paged.read_text("utf-8")
    assert case[0] in short


def test_a_wait_shows_progress(case: tuple[str, str, str]) -> None:
    """On standard error, and only while it lasts."""
    _, printed = run(["identity", "request", case[2], "--yes", "--wait", "0.5"])

    assert "waiting for identity" in printed


@contextmanager
def pressed(server: Sandbox, number: signal.Signals, requests: int) -> Generator[None]:
    """Send a signal to this process once the server has got some more requests."""
    wanted = len(server.ledger) + requests
    is_over = threading.Event()

    def press() -> None:
        while len(server.ledger) < wanted and not is_over.wait(0.01):
            pass
        if not is_over.wait(0.1):
            os.kill(os.getpid(), number)

    thread = threading.Thread(target=press)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_wait_says_how_to_go_on(
    number: signal.Signals,
    code: int,
    terminal: Terminal,
    server: Sandbox,
    case: tuple[str, str, str],
) -> None:
    """With the token, without a traceback; and what may have been bought is named."""
    with pressed(server, number, 2):
        ended, out, err = terminal.run("identity", "request", case[2], "--yes", "--wait", "60")

    assert (ended, out) == (code, "")
    assert "It continues at Sikoia: sikoia wait op1." in err
    assert "may have cost money: look before you repeat it" in err
    assert len(err.splitlines()) == 2


def test_an_interrupted_question_sends_nothing(server: Sandbox, case: tuple[str, str, str]) -> None:
    """Ctrl-C is a no."""
    before = len(server.ledger)

    with pressed(server, signal.SIGINT, 0):
        code, printed = run(["credit-reports", "request", case[1]])

    assert code == 130
    assert "Traceback" not in printed
    assert len(server.ledger) == before


def test_an_interrupted_wait_may_have_cost_nothing(
    terminal: Terminal, server: Sandbox, case: tuple[str, str, str]
) -> None:
    """Then money is not mentioned."""
    request = terminal.get(f"identity request {case[2]} --yes")["ids"][0]

    with pressed(server, signal.SIGINT, 1):
        code, _, err = terminal.run("identity", "operation", request, "--wait", "60")

    assert code == 130
    assert "It continues at Sikoia" in err
    assert "money" not in err


def test_nested_values_have_a_place_in_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """Objects by their path, lists of objects by their number, other lists with commas."""
    show([{"a": {"b": 1}, "c": [{}, {}], "d": [1, "x"], "e": None}, "plain"])
    show({"a": [{"b": True}], "c": None})

    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        ["a.b", "c", "d", "value"],
        ["1", "(2)", "1,", "x"],
        ["plain"],
        ["a[0].b", "true"],
    ]


def complete(line: str, folder: Path) -> list[str]:
    """Return what a shell would offer for a line."""
    offered = folder / "offered"
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(offered),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    run = [sys.executable, "-m", "sikoia_async"]
    subprocess.run(run, env=environment, check=True, timeout=60)
    return [one.strip() for one in offered.read_text("utf-8").splitlines()]


def test_a_shell_completes_commands_options_and_values(tmp_path: Path) -> None:
    """For the command that the line has so far."""
    assert complete("sikoia ca", tmp_path) == ["cases", "call"]
    assert "add-entities" in complete("sikoia cases ", tmp_path)
    assert complete("sikoia cases list --stage App", tmp_path) == ["Approved"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """From argcomplete."""
    assert cli.main(["completion", shell]) == 0

    assert "_ARGCOMPLETE" in capsys.readouterr().out


def test_completion_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If argcomplete is not installed."""
    monkeypatch.setitem(sys.modules, "argcomplete.shell_integration", None)

    assert cli.main(["completion", "bash"]) == ExitCode.FAILED

    assert "pip install 'sikoia-async[cli]'" in capsys.readouterr().err
