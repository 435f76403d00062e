"""Real processes that share a file of SQLite: the access token, webhooks, spend and events."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

_CHILD: Final = Path(__file__).with_name("sharing_child.py")


class _Server(ThreadingHTTPServer):
    """Sikoia, as far as these processes need it; counts requests."""

    def __init__(self) -> None:
        self.posts: list[str] = []
        self.polls = 0
        self.is_complete = False
        self.was_asked = threading.Event()
        """Set when an access token is requested."""
        self.may_grant = threading.Event()
        self.was_polled = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride] - the only one it has

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append(self.path)
        if "token" in self.path:
            self.server.was_asked.set()
            self.server.may_grant.wait(60)
            self._respond({"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"})
        else:
            self._respond({"request_id": "r-1", "status": "Complete"})

    def do_GET(self) -> None:
        self.server.polls += 1
        status = "Complete" if self.server.is_complete else "Pending"
        self._respond({"request_id": "r-1", "status": status})
        self.server.was_polled.set()

    def _respond(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(201 if self.command == "POST" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[_Server]:
    """Return a server that grants access tokens at once."""
    with _Server() as running:
        running.may_grant.set()
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.may_grant.set()
        running.shutdown()


class _Processes:
    def __init__(self, port: int, file: Path) -> None:
        self._arguments = [str(port), str(file)]
        self._running: list[subprocess.Popen[str]] = []

    def start(self, *roles: str) -> list[subprocess.Popen[str]]:
        """Start processes, and let them begin once all are ready."""
        started = [
            subprocess.Popen(
                [sys.executable, "-P", str(_CHILD), role, *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for role in roles
        ]
        self._running += started
        for one in started:
            assert said(one) == "ready"
        for one in started:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        return started

    def end(self) -> None:
        """Kill what is left."""
        for one in self._running:
            with one:
                one.kill()


def said(process: "subprocess.Popen[str]") -> str:
    """Return the next line of a process."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def processes(server: _Server, tmp_path: Path) -> Iterator[_Processes]:
    """Return what starts processes that share a file."""
    running = _Processes(server.server_address[1], tmp_path / "shared.db")
    yield running
    running.end()


def test_the_others_fetch_one_token_after_their_leader_is_killed(
    server: _Server, processes: _Processes
) -> None:
    """One request of the one that was killed, and one of those that waited for its lock."""
    server.may_grant.clear()
    (leader,) = processes.start("call")
    assert server.was_asked.wait(60)
    leader.kill()
    server.may_grant.set()

    others = processes.start("call", "call", "call", "call")

    assert [said(one) for one in others] == ["called"] * 4
    assert sum("token" in path for path in server.posts) == 2


def test_four_processes_buy_what_one_may(server: _Server, processes: _Processes) -> None:
    """And a later one finds nothing left."""
    results = [said(one) for one in processes.start("buy", "buy", "buy", "buy")]
    (late,) = processes.start("buy")

    assert sum(int(one.removeprefix("bought ")) for one in results) == 2
    assert said(late) == "bought 0"
    assert sum("token" not in path for path in server.posts) == 2


def test_an_event_is_handled_again_after_its_process_is_killed(processes: _Processes) -> None:
    """Once, by one of those that were refused meanwhile."""
    (killed,) = processes.start("handle-long")
    assert said(killed) == "handling"
    others = processes.start("handle", "handle")
    killed.kill()

    lines = sorted(said(one) for one in others)
    assert lines == ["duplicate", "handling"]


def test_an_event_at_one_process_wakes_an_operation_in_another(
    server: _Server, processes: _Processes
) -> None:
    """Which would poll again after a minute, and waits for less."""
    (waiting,) = processes.start("wait")
    assert said(waiting) == "waiting"
    assert server.was_polled.wait(60)
    server.is_complete = True
    (feeding,) = processes.start("feed")

    assert said(feeding) == "fed"
    assert said(waiting) == "done"
