"""The Dockerfile of the docs: its command and its health check run here without a container."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from sikoia_async.cli import main as cli
from sikoia_async.sandbox import Sandbox

_PAGE = (Path(__file__).parents[2] / "docs" / "pages" / "local.md").read_text("utf-8")
_COMMAND, _CHECK = (
    json.loads(re.findall(pattern, _PAGE, re.MULTILINE)[0])
    for pattern in (r"^CMD (\[.*\])$", r"^HEALTHCHECK .*CMD (\[.*\])$")
)


def test_the_command_of_the_container_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It serves under the name of the container, and the health check finds it."""
    ports = list[str]()

    def check(sandbox: Sandbox) -> None:
        port = str(sandbox.inspector_url).rstrip("/").rpartition(":")[2]
        ports.append(port)
        code = _CHECK[2].replace("8401", port)
        assert subprocess.run([sys.executable, "-c", code], check=True).returncode == 0
        page = httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
        assert page.status_code == 200

    monkeypatch.setattr(Sandbox, "serve_forever", check)
    state = tmp_path / "state"
    arguments = [one.replace("/state", str(state)).replace("8401", "0") for one in _COMMAND[1:]]

    assert cli.main([*arguments, "--port", "0"]) == 0

    ready = json.loads(capsys.readouterr().out)
    assert ready["url"] == "https://sikoia:8400"
    assert ready["ca_file"] == os.fspath(state / "ca.pem")
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert ports
