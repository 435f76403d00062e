"""The progress of a batch: rates, what it waits for, the time left, and how it is shown."""

import io
import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest
from rich.console import Console

from sikoia_async import Quota, Sikoia
from sikoia_async.batch import Progress, Run
from sikoia_async.batch.bar import Bar
from sikoia_async.batch.progress import HoldsUp, Pace, eta
from sikoia_async.batch.reporting import display
from sikoia_async.batch.wording import describe, duration

SOME = Progress(
    total=10_000, done=1_200, failed=30, in_doubt=4, running=50, left=8_766,
    spent={"credit_reports.request": 1_204, "identity.request": 1}, requests=2_400, seconds=800.0,
    items_per_minute=90.4, requests_per_minute=180.0, eta=5_844.0, holds_up="rate limit",
    paused=0.0, stopped=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("waited", "worked", "idle", "expected"),
    [(9.0, 10.0, 0.0, "rate limit"), (1.0, 10.0, 2.0, "Sikoia"), (1.0, 10.0, 20.0, "you")],
)
def test_what_holds_a_batch_up(
    waited: float, worked: float, idle: float, expected: HoldsUp
) -> None:
    """The one that the latest items have waited for most."""
    pace = Pace(0.0, 0.0)
    assert pace.holds_up() is None
    pace.worked, pace.idle = worked, idle
    pace.end(1.0, sent=1, waited=waited)

    assert pace.holds_up() == expected


def test_rates_are_those_of_the_latest_items() -> None:
    """A fast beginning is forgotten, and a pause shows."""
    pace = Pace(0.0, 0.0)
    for number in range(1_000):
        pace.end(0.001 * number, sent=number, waited=0.0)
    for number in range(300):
        pace.end(1.0 + number, sent=1_000 + 2 * number, waited=0.0)

    assert pace.items_per_minute(300.0) == pytest.approx(60, rel=0.05)
    assert pace.requests_per_minute(300.0) == pytest.approx(120, rel=0.05)
    assert pace.items_per_minute(600.0) < 40


@pytest.mark.parametrize(
    ("change", "seconds"),
    [
        ({}, 60 * (100 * 2 - 20) / 180),
        ({"quota": None}, 60 * (100 * 2 - 20) / 200),
        ({"requests": 90.0}, 60 * (100 * 2 - 20) / 90),
        ({"left": 0}, 0.0),
        ({"items": 0.0}, None),
        ({"per_item": 0.0}, 60.0),
    ],
)
def test_the_time_left(change: dict[str, Any], seconds: float | None) -> None:
    """Requests left by the slower of quota and measured rate; items if they need no requests."""
    given: dict[str, Any] = {
        "left": 100, "per_item": 2.0, "under_way": 20, "quota": 180.0, "items": 100.0,
        "requests": 200.0, **change,
    }  # fmt: skip

    assert eta(**given) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (61, "1 min 1 s"), (3_600, "1 h"), (100_000, "1 d 3 h")],
)
def test_durations_in_words(seconds: float, text: str) -> None:
    """In the two largest units."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "batch: 1,234 of 10,000 items, 30 failed, 4 in doubt; 90 items/min, waiting for"),
        ({}, "the rate limit, 1,205 chargeable calls, 1 h 37 min left"),
        ({"paused": 38.0}, "paused for 38 s after a 429"),
        ({"stopped": "SIGINT", "running": 0}, "stopped: SIGINT"),
        ({"stopped": "SIGINT"}, "stopping, 50 items in progress (Ctrl-C again cancels them)"),
        ({"stopped": "stop", "running": 1}, "stopping, 1 item in progress"),
        ({"spent": {"identity.request": 1}}, "the rate limit, 1 chargeable call, 1 h"),
        ({"total": 1, "done": 1, "failed": 0, "in_doubt": 0}, "batch: 1 of 1 item;"),
        ({"total": None, "eta": None, "left": None}, "batch: 1,234 items,"),
        ({"holds_up": "you"}, "waiting for input or output"),
    ],
)  # fmt: skip
def test_progress_in_words(change: dict[str, Any], expected: str) -> None:
    """One line with what matters."""
    assert expected in describe(attrs.evolve(SOME, **change))


def test_a_bar_has_two_lines() -> None:
    """Items, and rate, rate limit, spend, time left and doubts."""
    out = io.StringIO()
    bar = Bar(Console(file=out, force_terminal=True, width=120))
    bar.show(SOME)
    bar.show(attrs.evolve(SOME, total=None))
    bar.close()

    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue())
    assert "1,234 of 10,000 items, 30 failed, 4 in doubt" in text
    assert "90 items/min, waiting for the rate limit, 1,205 chargeable calls, 1 h 37 min" in text


def test_lines_come_every_30_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    """And one at the end, on standard error, where no terminal is."""
    lines = display(progress=True)
    for seconds in range(0, 100, 5):
        lines.show(attrs.evolve(SOME, seconds=float(seconds)))
    lines.close()

    printed = capsys.readouterr()
    assert len(printed.err.splitlines()) == 4
    assert printed.out == ""


def test_a_stop_is_a_line_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """It says what is in progress, once."""
    lines = display(progress=True)
    for _ in range(3):
        lines.show(attrs.evolve(SOME, seconds=1.0, stopped="SIGINT"))

    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith("stopping, 50 items in progress (Ctrl-C again cancels them)")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("is_installed", [True, False])
def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, *, is_installed: bool) -> None:
    """If rich is installed."""
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    if not is_installed:
        monkeypatch.setitem(sys.modules, "sikoia_async.batch.bar", None)
    shown = display(progress=True)
    shown.show(SOME)
    shown.close()

    assert isinstance(shown, Bar) is is_installed
    assert "1,234 of 10,000" in terminal.getvalue()


async def run(tmp_path: Path, items: Sequence[int], work: Any, **options: Any) -> None:
    """Run a batch without requests."""
    async with Sikoia("id", "secret") as sikoia, sikoia.batch(tmp_path / "j.db") as batch:
        async for _ in batch.map(work, items, key=str, at_once=2, **options):
            pass


@pytest.mark.anyio
@pytest.mark.virtual_time
async def test_a_function_gets_snapshots(tmp_path: Path) -> None:
    """At most ten a second, while work goes on and while nothing happens, and a last one."""
    times, seen = list[float](), list[Progress]()

    def note(progress: Progress) -> None:
        times.append(anyio.current_time())
        seen.append(progress)

    async def work(_: Run[Sikoia], item: int) -> None:
        await anyio.sleep(0.01 if item < 100 else 5)

    await run(tmp_path, range(101), work, progress=note)

    assert max(len([t for t in times if at <= t < at + 1]) for at in times) <= 10
    assert len(seen) >= 5
    assert (seen[0].done, seen[0].total) == (0, 101)
    assert (seen[-1].done, seen[-1].left, seen[-1].eta) == (101, 0, 0.0)
    assert seen[-1].holds_up == "Sikoia"


@pytest.mark.anyio
async def test_a_function_that_fails_ends_no_batch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged once, and not called again."""
    calls = 0

    def fail(_: Progress) -> None:
        nonlocal calls
        calls += 1
        raise ValueError

    async def work(_: Run[Sikoia], item: int) -> None:
        await anyio.sleep(0.01 * item)

    with caplog.at_level(logging.ERROR, "sikoia_async"):
        await run(tmp_path, range(20), work, progress=fail)

    assert calls == 1
    assert len(caplog.records) == 1


@pytest.mark.anyio
async def test_a_client_without_a_quota_has_progress_too(tmp_path: Path) -> None:
    """And one with a quota knows how fast background requests may be."""

    async def work(_: Run[Sikoia], item: int) -> int:
        return item

    for quota in (None, Quota(200, 60.0)):
        async with (
            Sikoia("id", "secret", quota=quota) as sikoia,
            sikoia.batch(tmp_path / f"{quota}.db") as batch,
        ):
            async for _ in batch.map(work, iter(range(4)), key=str, total=8):
                pass
            summary = await batch.summary()
            assert (summary.done, summary.total, summary.left, summary.paused) == (4, 4, 0, 0.0)
