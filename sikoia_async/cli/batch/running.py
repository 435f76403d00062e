"""Runs one `sikoia batch`: from the options of the command line to its exit code."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import attrs

from sikoia_async import ArgumentError, ChargeLimitError, Sikoia
from sikoia_async._validation import counted
from sikoia_async.batch.batch import journal_of
from sikoia_async.batch.results import Done, Failed
from sikoia_async.batch.wording import duration
from sikoia_async.cli.batch.journals import COMMAND, skipped
from sikoia_async.cli.batch.output import Output, message_of
from sikoia_async.cli.batch.records import BadRecord, InputError
from sikoia_async.cli.consent import ask
from sikoia_async.cli.exit_codes import describe
from sikoia_async.cli.misspelt import warn
from sikoia_async.cli.text import to_json_text
from sikoia_async.errors import CallError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator, Sequence

    from sikoia_async.batch import Batch, InDoubt, Progress, Run
    from sikoia_async.cli.batch.input import Checked, Input, Row
    from sikoia_async.cli.batch.operations import BatchOperation

__all__ = ["EXIT_CODES", "BatchJob", "run"]

_FAILED: Final = 1
EXIT_CODES: Final = {"spend limit": 3, "SIGINT": 130, "SIGTERM": 143, "stop": 1}
"""The exit codes of a batch that was stopped."""
_REQUESTS: Final = 2
"""The requests of a row, at least, if its result is awaited."""
_PER_MINUTE: Final = 180.0
"""What the rate limit leaves to background requests."""


@attrs.frozen(kw_only=True)
class BatchJob:
    """What the command line asks for."""

    input: Input
    out: str
    journal: Path
    arguments: Sequence[str]
    """The command line, to be run again."""
    max_chargeable: int | None = None
    yes: bool = False
    """Whether a run without a limit was agreed to."""
    at_once: int = 50
    retry_failed: bool = False
    join: bool = False
    dry_run: bool = False
    json: bool = False
    """Whether to print the plan or the end as JSON, too: where results do not go."""

    @property
    def command(self) -> str:
        """The command line for a shell."""
        return f"sikoia {shlex.join(self.arguments)}"

    @property
    def operation(self) -> BatchOperation:
        """What is made for each row."""
        return self.input.operation


def run(job: BatchJob) -> int:
    """Run a batch and return the exit code.

    Raises:
        InputError: the input or the output cannot be used; nothing was bought.
        OSError: a file cannot be read or written.
        SikoiaError: the client or the journal cannot be used.
        ChargeLimitError: it was not agreed to.
    """
    with (
        _before_anything_is_bought(),
        skipped(job.journal, retry_failed=job.retry_failed) as is_skipped,
    ):
        checked = job.input.check(is_skipped) if job.input.is_file else None
    if checked is not None:
        _print_bad(job.input, checked)
    if job.dry_run:
        _print_plan(job, checked)
        return 0
    warn()  # before anybody agrees
    is_limited = job.max_chargeable is not None or "SIKOIA_MAX_CHARGEABLE" in os.environ
    if not is_limited and (checked is None or checked.left):
        calls = "calls" if checked is None else f"up to {counted(checked.left, 'call')}"
        _ask(f"{calls} of {job.operation.name}", yes=job.yes)
        job = attrs.evolve(job, yes=True)
    with _before_anything_is_bought():
        output = Output(job.out)
    try:
        return anyio.run(_run, job, output, checked)
    finally:
        output.close()


@contextmanager
def _before_anything_is_bought() -> Generator[None]:
    """Raise an `InputError` for a file that cannot be opened."""
    try:
        yield
    except OSError as error:
        raise InputError(describe(error)[1]) from None


def _ask(calls: str, *, yes: bool) -> None:
    try:
        ask(calls, yes=yes)
    except ArgumentError as error:
        msg = f"{error}. Or set a limit: --max-chargeable"
        raise InputError(msg) from None


async def _run(job: BatchJob, output: Output, checked: Checked | None) -> int:
    async with Sikoia() as sikoia:
        batch = sikoia.batch(
            job.journal,
            max_chargeable=job.max_chargeable,
            on_conflict="join" if job.join else "refuse",
            handle_signals=True,
        )
        async with batch:
            bad = 0 if checked is None else checked.bad_count
            bad += await _work(job, output, sikoia, batch, checked)
            summary = await batch.summary()
    _print_end(job, summary, bad)
    if summary.stopped is not None:
        return EXIT_CODES[summary.stopped]
    return _FAILED if summary.failed or summary.in_doubt or summary.left or bad else 0


async def _work(
    job: BatchJob, output: Output, sikoia: Sikoia, batch: Batch[Sikoia], checked: Checked | None
) -> int:
    """Make the operation for each row, and return how many rows that arrived were bad."""
    journal = journal_of(batch)
    name = f"sikoia batch {job.operation.command}"
    counts = await anyio.to_thread.run_sync(journal.items.counts)
    is_new = not (counts.done or counts.failed or counts.doubt or counts.started)
    if not is_new:  # before its output is looked at
        await anyio.to_thread.run_sync(journal.items.describe, {"work": name})
    if counts.started and not job.join:
        _print(
            f"{counted(counts.started, 'row')} in progress when the last run ended; what became "
            "of their purchases is found out first, once no lost request can be under way"
        )
    output.continue_from(await batch.position(), is_new=is_new, settle=journal.items.settle)
    await sikoia.warm()  # wrong credentials are an error of the run, and not of each row
    # A retry needs no new consent.
    agreed = ["--yes"] if job.yes and "--yes" not in job.arguments else []
    command = json.dumps([str(Path.cwd()), *job.arguments[:2], *agreed, *job.arguments[2:]])
    await anyio.to_thread.run_sync(journal.items.remember, COMMAND, command)
    rows = _Rows(job.input)
    results = batch.map(
        _worker(job.operation),
        rows.from_file() if job.input.is_file else rows.arriving(),
        key=lambda row: row.key,
        at_once=job.at_once,
        retry_failed=job.retry_failed,
        total=None if checked is None else checked.rows,
        name=name,
        progress=True,
        flush=output.sync,
    )
    errors = _Errors()
    async for result in results:
        # What was not bought for want of money is left to do, and has no line.
        if not (isinstance(result, Failed) and isinstance(result.error, ChargeLimitError)):
            output.write(result)
            errors.add(result)
    errors.print()
    return rows.bad


class _Errors:
    """The errors of a run, by kind, each with its first row."""

    def __init__(self) -> None:
        self._counts = Counter[tuple[str, int | None]]()
        self._first = dict[tuple[str, int | None], str]()

    def add(self, result: Done[Row, Any] | Failed[Row] | InDoubt[Row]) -> None:
        """Count a result, if it is an error."""
        if isinstance(result, Done):
            return
        error = result.error
        status = error.status if isinstance(error, CallError) else None
        kind = type(error).__name__, status
        self._counts[kind] += 1
        self._first.setdefault(kind, f"line {result.item.line}: {message_of(error)}")

    def print(self) -> None:
        """Print the most frequent kinds."""
        for kind, count in self._counts.most_common(_KINDS):
            _print(f"{counted(count, 'row')}: {kind[0]}, first in {self._first[kind]}")


_KINDS: Final = 5
"""How many kinds of errors are listed."""


class _Rows:
    """The good rows of an input. Bad ones are printed as they arrive."""

    def __init__(self, source: Input) -> None:
        self.bad = 0
        self._source = source

    def from_file(self) -> Iterator[Row]:
        """Iterate over those of a file, whose bad rows have been printed before."""
        return (row for row in self._source.rows() if not isinstance(row, BadRecord))

    async def arriving(self) -> AsyncIterator[Row]:
        """Iterate over those of standard input."""
        async for row in self._source.arriving_rows():
            if isinstance(row, BadRecord):
                self.bad += 1
                _print_bad_row(self._source, row)
            else:
                yield row


def _worker(operation: BatchOperation) -> Any:
    async def work(run: Run[Sikoia], row: Row) -> Any:
        arguments = row.arguments
        result = await run.once(
            operation.command, operation.bound(run.sikoia), arguments.subject, **arguments.options
        )
        if operation.is_awaited:
            return await result
        return getattr(result, "first", result)

    return work


def _print_bad(source: Input, checked: Checked) -> None:
    for one in checked.bad:
        _print_bad_row(source, one)
    more = checked.bad_count - len(checked.bad)
    if more:
        _print(f"{source.name}: {counted(more, 'more row')} like these")
    if checked.unused:
        _print(f"{source.name}: columns that are not used: {', '.join(checked.unused)}")
    if not checked.rows:
        msg = f"{source.name}: has no rows that can be used"
        raise InputError(msg)


def _print_bad_row(source: Input, row: BadRecord) -> None:
    _print(f"{source.name}, line {row.line}: left out: {row.problem}")


def _print_plan(job: BatchJob, checked: Checked | None) -> None:
    """Print what a batch would do. Nothing is sent."""
    if checked is None:
        _print("standard input is read as it arrives, so there is nothing to say about it before")
        return
    requests = checked.left * (_REQUESTS if job.operation.is_awaited else 1)
    limit = job.max_chargeable
    most = checked.left if limit is None else min(limit, checked.left)
    if job.json:
        plan = {"rows": checked.rows, "left": checked.left, "left_out": checked.bad_count}
        _print_json(job, {**plan, "requests": requests, "chargeable": most})
    left = "" if checked.left == checked.rows else f", {checked.left:,} left"
    _print(
        f"{counted(checked.rows, 'row')}{left}, at least {counted(requests, 'request')}, "
        f"at most {counted(most, 'call')} of {job.operation.name} that may cost money; "
        f"{duration(60 * requests / _PER_MINUTE)} or more at {_PER_MINUTE:g} requests a minute. "
        "Nothing was sent"
    )


def _print_end(job: BatchJob, summary: Progress, bad: int) -> None:
    parts = [f"{summary.done:,} done", f"{summary.failed:,} failed"]
    if summary.in_doubt:
        parts.append(f"{summary.in_doubt:,} in doubt")
    if summary.left:
        parts.append(f"{summary.left:,} left")
    if bad:
        parts.append(f"{counted(bad, 'row')} left out")
    stopped = "" if summary.stopped is None else f"stopped by {_STOPPED[summary.stopped]}: "
    for operation, count in sorted(summary.spent.items()):
        _print(f"{counted(count, 'call')} of {operation} may have cost money, in all runs together")
    _print(f"{stopped}{', '.join(parts)}{_advice(job, summary)}")
    if job.json:
        _print_json(job, {**{name: getattr(summary, name) for name in _SUMMARY}, "left_out": bad})


def _advice(job: BatchJob, summary: Progress) -> str:
    """Return how to go on; empty if all rows are done."""
    if summary.stopped == "spend limit":
        return "; to go on, run it again with a higher --max-chargeable"
    if summary.left and job.join and summary.stopped is None:
        return "; other runs are working on those that are left"
    if summary.left:
        return f"; to go on, run the same again: {job.command}"
    if summary.failed:
        return f"; to retry those that failed: sikoia batch retry {job.journal.name}"
    if summary.in_doubt:
        return f"; to see what is in doubt: sikoia batch doubts {job.journal.name}"
    return ""


_SUMMARY: Final = (
    *("total", "done", "failed", "in_doubt", "left"),
    *("spent", "requests", "seconds", "stopped"),
)


_STOPPED: Final = {
    "spend limit": "--max-chargeable",
    "SIGINT": "Ctrl-C",
    "SIGTERM": "SIGTERM",
    "stop": "stop",
}


def _print_json(job: BatchJob, value: dict[str, Any]) -> None:
    where = sys.stderr if job.out == "-" else sys.stdout
    print(to_json_text(value, indent=2), file=where, flush=True)


def _print(line: str) -> None:
    print(f"sikoia batch: {line}", file=sys.stderr, flush=True)
