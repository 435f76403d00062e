"""`sikoia wait`: results of operations by their tokens."""

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Generator

import pytest
from cli.terminal import Terminal, new_case

from sikoia_async.cli.waiting import progress
from sikoia_async.sandbox import Rate, Sandbox, Time


@pytest.fixture(scope="module")
def server() -> Generator[Sandbox]:
    """Run a local Sikoia in which work ends when a test says so."""
    rate = Rate(requests_per_window=100_000)
    with Sandbox(time=Time(speed=0), rate=rate, work_time=60) as running:
        yield running


@pytest.fixture(scope="module")
def people() -> dict[str, str]:
    """Return the person of the case, once there is one."""
    return {}


@pytest.fixture
def token(terminal: Terminal, people: dict[str, str]) -> str:
    """Return the token of an operation that has just begun."""
    return _begin(terminal, people)[0]


def _begin(terminal: Terminal, people: dict[str, str]) -> tuple[str, str]:
    """Begin an operation, and return its token and its id."""
    if not people:
        people["person"] = new_case(terminal)[2]
    begun = terminal.get(f"identity request {people['person']} --yes --json")
    return begun["token"], begun["ids"][0]


def _tokens(terminal: Terminal, people: dict[str, str]) -> list[str]:
    return [_begin(terminal, people)[0] for _ in range(2)]


def test_a_result_is_printed_masked(terminal: Terminal, server: Sandbox, token: str) -> None:
    """Unless it is to be revealed."""
    server.clock.advance(61)

    result = terminal.get(f"wait {token}")
    revealed = terminal.get(f"wait {token} --reveal")

    assert result["status"] == "Complete"
    assert result["request_id"] == revealed["request_id"]
    assert "***" in json.dumps(result)
    assert "***" not in json.dumps(revealed)


def test_a_failed_operation_has_an_exit_code(
    terminal: Terminal, server: Sandbox, people: dict[str, str]
) -> None:
    """Its last response is printed all the same."""
    token, id_ = _begin(terminal, people)
    server.work.fail(id_, message="Wilma")

    code, out, err = terminal.run("wait", token)

    assert code == 12
    assert json.loads(out)["status"] == "Failed"
    assert err.startswith("sikoia wait: OperationFailedError: Sikoia could not complete")
    assert "Wilma" not in out + err


def test_a_timeout_says_how_to_go_on(terminal: Terminal, token: str) -> None:
    """It is not a failure, and has an exit code of its own."""
    code, out, err = terminal.run("wait", token, "--timeout", "0.01")

    assert (code, out) == (11, "")
    assert f"to go on: sikoia wait {token}" in err


@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_several_operations_are_awaited_at_once(
    output: str, terminal: Terminal, server: Sandbox, people: dict[str, str]
) -> None:
    """Each has its outcome, also if others have failed; the same token counts once."""
    (failed, id_), (done, _) = _begin(terminal, people), _begin(terminal, people)
    server.work.fail(id_)
    server.clock.advance(61)

    code, out, err = terminal.run("wait", failed, done, done, "-o", output)

    lines = [json.loads(one) for one in out.splitlines()] if output == "jsonl" else json.loads(out)
    found = {one["token"]: one for one in lines}
    assert (code, err, len(lines)) == (12, "", 2)
    assert (found[failed]["state"], found[failed]["status"]) == ("failed", "Failed")
    assert found[failed]["error"].startswith("OperationFailedError")
    assert (found[done]["state"], found[done]["error"]) == ("done", None)
    assert found[done]["result"]["status"] == found[done]["status"] == "Complete"
    assert found[done]["kind"] == "identity"


def test_several_may_still_run(terminal: Terminal, people: dict[str, str]) -> None:
    """Then each says how to go on."""
    tokens = _tokens(terminal, people)

    code, out, _ = terminal.run("wait", *tokens, "--timeout", "0.01")

    assert code == 11
    assert [one["state"] for one in json.loads(out)] == ["running", "running"]
    assert f"sikoia wait {tokens[1]}" in json.loads(out)[1]["error"]


def test_several_that_are_done_are_no_error(
    terminal: Terminal, server: Sandbox, people: dict[str, str]
) -> None:
    """In a table, one row for each."""
    tokens = _tokens(terminal, people)
    server.clock.advance(61)

    code, out, err = terminal.run("wait", *tokens, "-o", "table")

    assert (code, err) == (0, "")
    assert out.count("Complete") == 2


def test_what_cannot_be_polled_is_unknown(
    terminal: Terminal, server: Sandbox, people: dict[str, str]
) -> None:
    """With the error of the call, and its exit code."""
    tokens = _tokens(terminal, people)
    server.faults.add("GET /v2/identity/{request_id}", times=9, status=403)

    code, out, _ = terminal.run("wait", *tokens)
    server.faults.clear()

    first, second = json.loads(out)
    assert code == 5
    assert first["state"] == second["state"] == "unknown"
    assert first["error"].startswith("InsufficientPermissionsError: 403")


def test_tokens_are_found_in_standard_input(
    terminal: Terminal,
    server: Sandbox,
    people: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the output of request commands, or one in each line."""
    tokens = _tokens(terminal, people)
    server.clock.advance(61)
    piped = json.dumps({"kind": "identity", "token": tokens[0]}, indent=2)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{piped}\n{tokens[1]}\n"))

    found = terminal.get("wait -")

    assert [one["token"] for one in found] == tokens


def test_nothing_in_standard_input_is_an_error(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not repeated."""
    monkeypatch.setattr("sys.stdin", io.StringIO("Wilma\n"))

    assert terminal.run("wait", "-") == (
        *(2, ""),
        "sikoia wait: -: no operation token in standard input\n",
    )


def test_a_changed_token_is_refused(terminal: Terminal, token: str) -> None:
    """Before anything is sent, and without repeating it."""
    code, out, err = terminal.run("wait", f"{token[:-1]}{'A' if token[-1] != 'A' else 'Q'}")

    assert (code, out) == (2, "")
    assert "token: changed" in err
    assert token[:-1] not in err


def test_an_interrupt_says_how_to_go_on(
    terminal: Terminal, server: Sandbox, people: dict[str, str]
) -> None:
    """Quietly, with the tokens of what still runs."""
    running = _tokens(terminal, people)
    seen = len(server.ledger)
    command = [sys.executable, "-m", "sikoia_async", "wait", *running]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        while len(server.ledger) < seen + 3:  # the access token, and two polls
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        printed = process.communicate(timeout=60)

    assert printed == ("", f"They continue at Sikoia: sikoia wait {' '.join(running)}\n")
    assert process.returncode == 130


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what has changed; it is erased in the end."""
    screen = _Screen()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")

    with progress("waiting for 2 operations") as say:
        say("waiting for 1 of 2 operations")
    shown = screen.getvalue()

    assert "waiting for 2 operations" in shown
    assert "waiting for 1 of 2 operations" in shown
    assert shown.endswith("\x1b[2K")
