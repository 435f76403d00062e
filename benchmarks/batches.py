"""Batches: memory and processor time for many rows, the quota used, and how exact the ETA is."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import anyio
from _children import environment
from _measure import Row, is_quick, print_table

from sikoia_async import Quota, Sikoia
from sikoia_async.batch import Progress, Run
from sikoia_async.environments import local
from sikoia_async.sandbox import Rate, Sandbox

__all__ = ["compare"]

_QUOTA: Final = Quota(100, 6.0)

_MANY_ROWS: Final = """
import anyio, json, resource, sys, tempfile, time
from sikoia_async import Sikoia

async def work(run, item):
    return item

def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

async def main(count):
    async with Sikoia("id", "secret") as sikoia:
        with tempfile.TemporaryDirectory() as folder:
            async with sikoia.batch(folder + "/j.db") as batch:
                async for _ in batch.map(work, range(100), key=str, name="warm"):
                    pass
            base, top, first = rss(), 0, 0.0
            began, used = time.perf_counter(), time.process_time()
            async with sikoia.batch(folder + "/k.db") as batch:
                seen = 0
                async for _ in batch.map(work, iter(range(count)), key=str):
                    seen += 1
                    if seen == 1:
                        first = time.perf_counter() - began
                    if not seen % 1000:
                        top = max(top, rss())
            print(json.dumps([first, (time.process_time() - used) / count, top - base]))

anyio.run(main, int(sys.argv[1]))
"""


def compare(*, quick: bool) -> list[Row]:
    """Return the rows of the table."""
    return [
        *_many_rows(5_000 if quick else 1_000_000),
        *_exactness(150 if quick else 300),
    ]


def _client(sandbox: Sandbox, quota: Quota | None) -> Sikoia:
    return Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        tls=sandbox.ca_file,
        quota=quota,
    )


def _many_rows(count: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as compiled:
        printed = subprocess.run(
            [sys.executable, "-c", _MANY_ROWS, str(count)],
            check=True, env=environment(compiled), stdout=subprocess.PIPE,
        ).stdout  # fmt: skip
    first, used, grown = json.loads(printed)
    what = f"batch of {count:,} rows"
    return [
        Row(f"{what}, first result", f"{first:.2f} s", "-", None, "≤ 2 s", _yes(good=first <= 2)),
        Row(
            f"{what}, processor time a row", f"{used * 1e3:.2f} ms", "-", None, "≤ 2 ms",
            _yes(good=used <= 0.002),
        ),
        Row(
            f"{what}, more memory", f"{grown / 2**20:.0f} MiB", "-", None, "≤ 50 MiB",
            _yes(good=grown <= 50 * 2**20),
        ),
    ]  # fmt: skip


def _exactness(count: int) -> list[Row]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox(rate=Rate(requests_per_window=_QUOTA.limit, window=_QUOTA.per)) as sandbox,
    ):
        return anyio.run(_measure, sandbox, Path(folder), count)


async def _measure(sandbox: Sandbox, folder: Path, count: int) -> list[Row]:
    guesses = list[tuple[float, float]]()

    def note(progress: Progress) -> None:
        if progress.eta is not None and progress.done >= count * 0.05:
            guesses.append((time.perf_counter(), progress.eta))

    async def work(run: Run[Sikoia], item: int) -> int:
        await run.sikoia.users.list()
        return item

    async with _client(sandbox, _QUOTA) as sikoia:
        await sikoia.users.list()
        began = time.perf_counter()
        async with sikoia.batch(folder / "j.db") as batch:
            async for _ in batch.map(work, range(count), key=str, progress=note):
                pass
        ended = time.perf_counter()
    allowed = (_QUOTA.limit - _QUOTA.limit // 10) / _QUOTA.per
    # What the limit allows at once at the beginning does not count.
    rate = (count - _QUOTA.limit // 10) / (ended - began)
    total = ended - began
    errors = [abs(at + eta - ended) / total for at, eta in guesses]
    worst = max(errors, default=1.0)
    share = rate / allowed
    return [
        Row(
            "background quota used by a batch", f"{rate:.1f}/s", f"{allowed:.1f}/s", share,
            "≥ 0.95", _yes(good=share >= 0.95),
        ),
        Row(
            "ETA from 5 % on: worst error, of the whole time", f"{worst:.1%}", "-", None, "≤ 10 %",
            _yes(good=worst <= 0.1),
        ),
    ]  # fmt: skip


def _yes(*, good: bool) -> str:
    return "yes" if good else "NO"


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
