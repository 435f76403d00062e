"""What `sikoia sandbox` prints and writes when it is ready."""

import json
import os
import shlex
import stat
import subprocess
from pathlib import Path

import httpx
import pytest
from cli.running import running

from sikoia_async.cli import main as cli
from sikoia_async.sandbox import Sandbox


@pytest.fixture(autouse=True)
def _returns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Return at once after the start."""

    def serve(_: Sandbox) -> None:
        """Do not wait."""

    monkeypatch.setattr(Sandbox, "serve_forever", serve)


def _run(*options: str) -> int:
    return cli.main(["sandbox", "--port", "0", *options])


def test_json_has_everything_that_a_program_needs() -> None:
    """In one line; the process then serves."""
    with running("--inspector", "0") as sandbox:
        ready = sandbox.ready
        health = httpx.get(f"{ready['inspector_url']}healthz", trust_env=False)

        assert health.json() == {"status": "ok"}
        assert ready["pid"] == sandbox.process.pid
    assert ready["token_url"] == f"{ready['url']}/token"
    assert ready["scope"] == f"{ready['url']}/.default"
    assert ready["variables"] == {
        "SIKOIA_ENVIRONMENT": ready["url"],
        "SIKOIA_CA_FILE": ready["ca_file"],
        "SIKOIA_CLIENT_ID": ready["client_id"],
        "SIKOIA_CLIENT_SECRET": ready["client_secret"],
    }


def test_json_lists_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    """With their names, for a program that chooses one."""
    assert _run("--scenarios", "--json") == 0

    assert json.loads(capsys.readouterr().out)[0]["name"] == "solvent company"


def test_the_variables_are_written_to_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which only its owner may read, and which a shell can read; the secret is not printed."""
    monkeypatch.chdir(tmp_path)
    os.umask(os.umask(0))

    assert _run("--env-file", ".env", "--client-secret", "se'same") == 0

    printed = capsys.readouterr().out
    assert "sesame" not in printed.replace("'", "")
    command = next(line.strip() for line in printed.splitlines() if "set -a" in line)
    read = f'{command}; printf %s "$SIKOIA_CLIENT_SECRET"'
    done = subprocess.run(
        ["sh", "-c", read],  # noqa: S607 - any shell
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "se'same"
    assert stat.S_IMODE(Path(".env").stat().st_mode) == 0o600
    assert [str(one) for one in Path().iterdir()] == [".env"]


def test_the_own_file_is_replaced(tmp_path: Path) -> None:
    """At the next start, without a question."""
    path = tmp_path / "a file"

    assert _run("--env-file", str(path), "--client-id", "one") == 0
    assert _run("--env-file", str(path), "--client-id", "two") == 0

    lines = path.read_text("utf-8").splitlines()
    assert shlex.split(lines[3]) == ["SIKOIA_CLIENT_ID=two"]


def test_another_file_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unless `--force` is given; nothing is served before."""
    path = tmp_path / ".env"
    path.write_text("DATABASE_PASSWORD=sesame\n", "utf-8")

    assert _run("--env-file", str(path)) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.endswith(
        ".env was not written by `sikoia sandbox`; replace it with --force\n"
    )
    assert "sesame" not in printed.err
    assert path.read_text("utf-8") == "DATABASE_PASSWORD=sesame\n"
    assert _run("--env-file", str(path), "--force") == 0
    assert "SIKOIA_CLIENT_ID" in path.read_text("utf-8")


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize("kind", ["folder", "link", "fifo", "nowhere"])
def test_a_path_that_is_not_a_file_is_refused(
    kind: str, force: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even with `--force`: a link may lead anywhere."""
    path = tmp_path / "env"
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(tmp_path / "other")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path = path / "below" / ".env"

    assert _run("--env-file", str(path), *force) == 1

    (only,) = capsys.readouterr().err.splitlines()
    assert "expected a file, or nothing" in only or "No such file or directory" in only
    assert not (tmp_path / "other").exists()


def test_a_file_that_cannot_be_replaced_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No half of a file is left."""
    path = tmp_path / "env"
    replace = os.replace

    def refuse(source: str, target: str | Path) -> None:
        if target == path:
            raise PermissionError(13, "Permission denied", "x")
        replace(source, target)  # the certificate

    monkeypatch.setattr(os, "replace", refuse)

    assert _run("--env-file", str(path)) == 1

    assert capsys.readouterr().err == "sikoia sandbox: x: Permission denied\n"
    assert list(tmp_path.iterdir()) == []


def test_other_machines_need_permission(capsys: pytest.CaptureFixture[str]) -> None:
    """And then a warning is printed."""
    assert _run("--host", "0.0.0.0") == 1  # noqa: S104 - a test
    assert "only with allow_remote" in capsys.readouterr().err

    assert _run("--host", "0.0.0.0", "--allow-remote") == 0  # noqa: S104 - a test

    printed = capsys.readouterr()
    assert "running at https://localhost:" in printed.out
    assert printed.err.startswith("warning: everybody who can reach this port")
