"""`sikoia batch` is killed, and Sikoia works on what it has sent: the next run adopts that."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from batch.companies import companies_of
from purchase_kills import Piece, serving_late

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes by signals")

COMPANIES = 8
PATIENCE = 60


def start(folder: Path, variables: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start a batch."""
    command = [sys.executable, "-m", "sikoia_async", "batch", "credit-reports", "in.csv"]
    return subprocess.Popen(
        [*command, "--out", "out.jsonl", "--at-once", "4", "--yes"],
        cwd=folder,
        env={**os.environ, **variables, "SIKOIA_TIMEOUT": "3"},
        stderr=subprocess.PIPE,
    )


def intended(journal: Path) -> int:
    """Return how many purchases a journal has."""
    if not journal.exists():
        return 0
    with closing(sqlite3.connect(journal)) as database:
        has_table = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'purchase'")
        if has_table.fetchone() is None:
            return 0
        count: int = database.execute("SELECT count(*) FROM purchase").fetchone()[0]
        return count


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_sikoia_does_after_the_crash_is_adopted(tmp_path: Path) -> None:
    """Within the grace; nothing is bought twice, and no row is missing."""
    held = threading.Event()
    released = threading.Event()

    def hold(piece: Piece) -> None:
        if intended(tmp_path / "out.db"):
            if not released.is_set() and piece.is_request:
                held.set()
            assert released.wait(PATIENCE)

    with serving_late(hold) as sandbox:
        ids = companies_of(COMPANIES, sandbox)
        (tmp_path / "in.csv").write_text("\n".join(["company_id", *ids, ""]), "utf-8")
        with start(tmp_path, sandbox.variables) as process:
            assert held.wait(PATIENCE)
            process.kill()
            assert process.wait(PATIENCE) == -signal.SIGKILL
        assert sandbox.ledger.spend == 0
        released.set()
        wait_for(lambda: sandbox.ledger.spend)
        bought = sandbox.ledger.spend

        with start(tmp_path, sandbox.variables) as process:
            error = process.communicate(timeout=PATIENCE)[1].decode()
        assert process.returncode == 0, error
        assert bought < COMPANIES == sandbox.ledger.spend
        sandbox.ledger.assert_nothing_charged_twice()
    written = [
        json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    ]
    assert sorted(one["key"] for one in written) == sorted(ids)
    assert {one["state"] for one in written} == {"done"}
