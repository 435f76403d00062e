"""`sikoia batch status`, `doubts` and what `retry` needs: a look into a journal."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final

import anyio
import attrs

from sikoia_async import Sikoia
from sikoia_async._validation import counted
from sikoia_async.batch.budget import Budget
from sikoia_async.batch.file import connect
from sikoia_async.batch.items import ItemJournal, hash_of, repeated
from sikoia_async.cli.batch.records import InputError
from sikoia_async.cli.text import to_json_text
from sikoia_async.errors import ConfigurationError
from sikoia_async.stores import SqliteStores, Stores

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from sikoia_async.batch.doubts import Doubt
    from sikoia_async.batch.items import FailedItem

__all__ = ["COMMAND", "doubts", "remembered", "skipped", "status"]

COMMAND: Final = "command"
"""The name that a journal has the command line under."""


@contextmanager
def skipped(path: Path, *, retry_failed: bool) -> Generator[Callable[[str], bool]]:
    """Give a function that returns whether a run skips a key, because an earlier one handled it.

    Without a usable journal it skips none; the run itself says what is wrong.

    Args:
        path: the journal.
        retry_failed: whether the run repeats what has failed.
    """
    again = repeated(retry_failed=retry_failed)
    with ExitStack() as stack:
        items = None
        with suppress(InputError):
            items, _ = stack.enter_context(_journal(path))
        yield lambda key: items is not None and items.skips(hash_of(key), again)


def status(path: Path, *, as_json: bool) -> int:
    """Print how far a batch is, also while it runs; return the exit code."""
    with _journal(path) as (items, budget):
        counts, spent = items.counts(), dict(sorted(budget.counts.items()))
        if as_json:
            state = {
                "done": counts.done,
                "failed": counts.failed,
                "in_doubt": counts.doubt,
                "started": counts.started,
                "spent": spent,
                "failures": [attrs.asdict(one) for one in _failed(items)],
            }
            print(to_json_text(state, indent=2))
            return 0
        print(f"{counts.done:,} done, {counts.failed:,} failed, {counts.doubt:,} in doubt")
        print(f"{counts.started:,} started and not ended")
        for operation, count in spent.items():
            print(f"may have cost money: {operation}, {counted(count, 'time')}")
        for one in _failed(items):
            about = [one.error or "failed"]
            if one.status is not None:
                about.append(str(one.status))
            if one.correlation_id is not None:
                about.append(f"correlation id {one.correlation_id}")
            print(f"failed: {one.key[:12]}: {', '.join(about)}")
    return 0


def _failed(items: ItemJournal) -> Generator[FailedItem]:
    after = b""
    while failed := items.failed(after):
        yield from failed
        after = bytes.fromhex(failed[-1].key)


def remembered(path: Path) -> tuple[Sequence[str], str]:
    """Return the command line of a batch, and the folder that it was started in.

    Raises:
        InputError: the journal has none.
    """
    with _journal(path) as (items, _):
        command = items.about(COMMAND)
    if command is None:
        msg = f"{path.name}: the journal of a batch that was not started by `sikoia batch`"
        raise InputError(msg)
    folder, *arguments = json.loads(command)
    return arguments, folder


def doubts(path: Path, *, look: bool, as_json: bool) -> int:
    """Print the purchases in doubt; return the exit code: 1 if there are any."""
    with _journal(path) as (items, _):
        started = items.counts().started
    found = anyio.run(_doubts, path, look)
    if as_json:
        print(to_json_text([attrs.asdict(one) for one in found], indent=2))
        return int(bool(found))
    for one in found:
        correlation = (
            "" if one.correlation_id is None else f" (correlation id {one.correlation_id})"
        )
        print(f"{one.intended_at:%Y-%m-%d %H:%M:%S%z} {one.operation}{correlation}: {one.advice}")
    print(f"{len(found):,} in doubt", file=sys.stderr)
    if started:
        print(
            f"{counted(started, 'row')} started and not ended; the next run finds out what became "
            "of their purchases",
            file=sys.stderr,
        )
    return int(bool(found))


async def _doubts(path: Path, look: bool) -> tuple[Doubt, ...]:
    stores = SqliteStores(path)
    async with stores, Sikoia(shared=Stores(purchases=stores.purchases)) as sikoia:
        if look:
            await sikoia.purchases.look()
        # Without a grace: what has just been lost is listed, too.
        return await sikoia.purchases.with_options(grace=0).doubts()


@contextmanager
def _journal(path: Path) -> Generator[tuple[ItemJournal, Budget]]:
    if not path.is_file():
        msg = f"{path.name}: there is no such journal"
        raise InputError(msg)
    try:
        SqliteStores(path)  # refuses what is not one of our files
    except ConfigurationError:
        is_output = path.suffix != ".db" and path.with_suffix(".db").is_file()
        hint = f"; did you mean {path.with_suffix('.db').name}?" if is_output else ""
        msg = f"{path.name}: not the journal of a batch{hint}"
        raise InputError(msg) from None
    with closing(connect(path)) as database:
        items = ItemJournal(database, path, "")
        if items.about("work") is None:
            msg = f"{path.name}: not the journal of a batch"
            raise InputError(msg)
        yield items, Budget(database, path, None)
