"""`sikoia sandbox --state DIR`, killed at any moment."""

import ssl
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from cli.running import running


def _client(ready: dict[str, Any]) -> httpx.Client:
    trust = ssl.create_default_context(cafile=ready["ca_file"])
    return httpx.Client(base_url=ready["url"], verify=trust, trust_env=False)


def _token(client: httpx.Client, ready: dict[str, Any]) -> None:
    form = {"grant_type": "client_credentials", "scope": ready["scope"]}
    names = ("client_id", "client_secret")
    granted = client.post("/token", data=form | {name: ready[name] for name in names})
    client.headers["Authorization"] = f"Bearer {granted.json()['access_token']}"
    client.headers["Content-Type"] = client.headers["Accept"] = "application/json"


def test_a_killed_sandbox_keeps_what_it_has_saved(tmp_path: Path) -> None:
    """It is killed while it saves again and again; the next one has an unbroken list of cases."""
    folder = str(tmp_path / "state")
    count = 0
    for _ in range(3):
        with running("--state", folder) as sandbox, _client(sandbox.ready) as client:
            _token(client, sandbox.ready)
            kept = sorted(int(one["name"]) for one in client.get("/v2/cases").json())
            assert kept == list(range(len(kept)))
            assert len(kept) >= count
            count = sent = len(kept)
            file = Path(folder) / "state.db"
            saved = file.read_bytes()
            while file.read_bytes() == saved:
                body = {"name": str(sent), "case_type": "Business"}
                assert client.post("/v2/cases", json=body).status_code == 201
                sent += 1
                time.sleep(0.05)
            sandbox.process.kill()


def test_the_variables_work_in_other_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the folder of the state was given by a relative path."""
    monkeypatch.chdir(tmp_path)

    with running("--state", "state") as sandbox:
        assert sandbox.ready["variables"]["SIKOIA_CA_FILE"] == str(tmp_path / "state" / "ca.pem")


def test_the_same_variables_work_after_a_restart(tmp_path: Path) -> None:
    """The authority, the id and the secret stay; it ends with what was done last saved."""
    folder = str(tmp_path / "state")
    with running("--state", folder) as sandbox, _client(sandbox.ready) as client:
        first = sandbox.ready
        _token(client, first)
        assert client.post("/v2/cases", json={"name": "1", "case_type": "Business"}).is_success
        sandbox.process.terminate()
        assert sandbox.process.wait(60) == 0

    with running("--state", folder) as sandbox, _client(sandbox.ready) as client:
        _token(client, {**first, "scope": sandbox.ready["scope"]})
        assert [one["name"] for one in client.get("/v2/cases").json()] == ["1"]
        assert sandbox.ready["ca_file"] == first["ca_file"]
