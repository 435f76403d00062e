"""`sikoia mcp` as a command: over its standard input and output, and what it refuses to start."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli.terminal import Terminal
from mcp import Client, StdioServerParameters
from mcp_types import TextContent

from sikoia_async.cli import main as cli
from sikoia_async.sandbox import Sandbox

_PAGE = Path(__file__).parents[2] / "docs" / "pages" / "agents.md"
_INITIALIZE = (
    '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",'
    '"capabilities":{},"clientInfo":{"name":"test","version":"1"}}}\n'
)
COMMAND = [sys.executable, "-m", "sikoia_async", "mcp"]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_client_starts_it_and_calls_an_operation(server: Sandbox) -> None:
    """Over the pipes of a process, as agents do."""
    environment = {**server.variables, **_coverage()}
    command = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=environment)
    async with Client(command) as client:
        tools = await client.list_tools()
        called = await client.call_tool("call_operation", {"operation": "users.list"})

    assert len(tools.tools) == 5
    assert not called.is_error
    (content,) = called.content
    assert isinstance(content, TextContent)
    assert content.text.startswith('{"items": [{')


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_its_input_is_open(number: int, server: Sandbox) -> None:
    """It does not wait for the agent."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        COMMAND,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        env={**os.environ, **server.variables},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(_INITIALIZE)
        process.stdin.flush()
        assert '"instructions"' in process.stdout.readline()
        process.send_signal(number)
        code = process.wait(timeout=60)
        assert process.stderr is not None
        errors = process.stderr.read()

    assert (code, errors) == (128 + number, "")


def test_its_input_can_be_a_file(terminal: Terminal, tmp_path: Path) -> None:
    """It ends at the end of the file."""
    requests = tmp_path / "requests"
    requests.write_text(_INITIALIZE + "not JSON\n")
    with _input(requests):
        code, out, err = terminal.run("mcp")

    assert (code, err) == (0, "")
    assert '"name":"sikoia"' in out


@pytest.mark.parametrize("name", [None, "staging", "production"])
def test_another_environment_has_to_be_named_on_the_command_line(
    name: str | None, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable could be left over from something else."""
    monkeypatch.delenv("SIKOIA_ENVIRONMENT")
    if name is not None:
        monkeypatch.setenv("SIKOIA_ENVIRONMENT", name)

    code, _, err = terminal.run("mcp")

    assert code == 4
    assert "expected the URL of a local Sikoia" in err
    assert "--environment staging" in err


def test_an_environment_of_the_command_line_is_used(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the variable names a local Sikoia."""
    monkeypatch.delenv("SIKOIA_CLIENT_SECRET")
    code, _, err = terminal.run("mcp", "--environment", "staging")
    assert code == 4
    assert "SIKOIA_CLIENT_SECRET" in err

    monkeypatch.setenv("SIKOIA_CLIENT_SECRET", "secret")
    requests = tmp_path / "requests"
    requests.write_text(_INITIALIZE)
    with _input(requests):
        code, out, _ = terminal.run("mcp", "--environment", "staging", "--max-chargeable", "1")
    assert code == 0
    assert '"name":"sikoia"' in out


def test_without_the_extra_it_says_what_to_install(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line."""
    monkeypatch.setitem(sys.modules, "mcp", None)

    code, _, err = terminal.run("mcp")

    assert code == 1
    assert err == ("sikoia mcp: an MCP server needs an extra: pip install 'sikoia-async[mcp]'\n")


def test_the_page_has_every_option_and_tool(capsys: pytest.CaptureFixture[str]) -> None:
    """And names no others."""
    with pytest.raises(SystemExit):
        cli.main(["mcp", "--help"])
    options = set(re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    page = _PAGE.read_text("utf-8")

    assert set(re.findall(r"^\| `(--[a-z-]+)", page, re.MULTILINE)) == options
    tools = set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE))
    assert tools == {
        "search",
        "describe_operation",
        "read_documentation",
        "call_operation",
        "wait_for_operation",
    }


@contextmanager
def _input(path: Path) -> Generator[None]:
    """Let a file be the standard input of this process."""
    before = os.dup(0)
    file = os.open(path, os.O_RDONLY)
    try:
        os.dup2(file, 0)
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(file)


def _coverage() -> dict[str, str]:
    """Return the variables by which coverage measures the process: clients pass on few others."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
