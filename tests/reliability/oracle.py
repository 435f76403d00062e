"""What must hold after every row of the fault matrix.

An error has the class that the row names and contains no foreign exception. The number of requests
matches. Connections, rate-limit slots, files and tasks are returned, and the next calls work. Logs,
warnings and errors contain neither secrets nor request data.
"""

import asyncio
import copy
import gc
import io
import logging
import os
import pickle
import time
import traceback
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import anyio
import attrs
import sniffio
import trio
from faults import SECRET, TOKEN, chain, core, guards
from reliability.harness import DOCUMENT, NAME, ask

from sikoia_async import CallError, Sikoia, SikoiaError

__all__ = ["OVERRUNS", "Watch", "assert_ours", "overrun", "watched"]

E = TypeVar("E", bound=SikoiaError)

OVERRUNS: Final[list[tuple[str, float]]] = []
"""The row and how many seconds after its deadline it ended; for the summary only."""

_SECRETS: Final = (TOKEN, SECRET)
_SENT: Final = (NAME, DOCUMENT.decode())
_OPEN_FILES: Final = Path("/proc/self/fd")
_LATEST: Final = 3.0
"""Seconds after its deadline at which a call is late even on a busy machine."""


class Seen(Protocol):
    """The other end of the connection: a `Plan` or a `Played`."""

    well: bool

    @property
    def seen(self) -> int:
        """How many requests arrived."""
        ...


@attrs.define(eq=False)
class Watch:
    """Makes a row's calls and checks their outcomes."""

    sikoia: Sikoia
    other: Seen

    async def fails(
        self,
        error: type[E],
        call: Callable[[Sikoia], Awaitable[object]],
        *,
        requests: int,
        attempts: int | None = None,
        match: str = "",
        deadline: float | None = None,
    ) -> E:
        """Make a call that fails, and return its error.

        Args:
            error: exactly the error's class.
            call: takes the client.
            requests: how many requests the server sees.
            attempts: how many the error lists; by default as many as `requests`.
            match: a part of the message.
            deadline: seconds in which the call must end, with some tolerance for a busy machine.
        """
        before, raised = self.other.seen, None
        with overrun(deadline):
            try:
                await call(self.sikoia)
            except BaseException as caught:  # noqa: BLE001 - checked below
                raised = caught
        assert type(raised) is error, f"{raised!r} instead of {error.__name__}"
        assert isinstance(raised, error)
        assert self.other.seen - before == requests
        if isinstance(raised, CallError):
            assert len(raised.attempts) == (requests if attempts is None else attempts)
        assert match in str(raised)
        assert_ours(raised)
        return raised

    async def works(
        self, call: Callable[[Sikoia], Awaitable[Any]] = ask, *, requests: int = 1
    ) -> Any:
        """Make a call that succeeds with this many requests, and return its result."""
        before = self.other.seen
        given = await call(self.sikoia)
        assert self.other.seen - before == requests
        return given


@asynccontextmanager
async def watched(sikoia: Sikoia, other: Seen, *, next_call: bool = True) -> AsyncGenerator[Watch]:
    """Yield a row's `Watch`; afterwards let `other` recover, and check all that must hold.

    The client is closed at the end.

    Args:
        sikoia: the client, unused.
        other: the other end of the connection.
        next_call: whether calls after the row must work.
    """
    free_connections = [guard.free for guard in guards(sikoia)]
    await anyio.wait_all_tasks_blocked()  # includes the server's tasks
    files, tasks = _open_files(), _tasks()
    with _listening() as told, _garbage():
        async with sikoia:
            yield Watch(sikoia, other)
            other.well = True
            _assert_back(sikoia, free_connections)
            if next_call:
                await _assert_whole(sikoia, free_connections)
        await _until(lambda: _open_files() <= files and _tasks() <= tasks)
    _assert_hidden(_SECRETS + _SENT, told)


@contextmanager
def overrun(deadline: float | None) -> Generator[None]:
    """Record how late the block ends, and fail if a busy machine cannot explain it."""
    began = time.monotonic()
    yield
    if deadline is not None:
        late = time.monotonic() - began - deadline
        OVERRUNS.append((_row(), late))
        assert late < _LATEST


def assert_ours(error: SikoiaError) -> None:
    """Check that an error is ours alone, can be pickled and copied, and shows no secret."""
    whole = list(chain(error))
    shown = [text for one in whole for text in (str(one), repr(one), f"{one.args}", _notes(one))]
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    kept = {name: value for name, value in vars(error).items() if name not in _FROM_RESPONSE}

    assert {type(one).__module__.partition(".")[0] for one in whole} == {"sikoia_async"}
    assert not [one for one in whole if isinstance(one, BaseExceptionGroup)]
    assert str(error).strip()
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 - pickled here
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert vars(other).keys() == vars(error).keys()
    _assert_hidden(_SECRETS + _SENT, [*shown, repr(kept)])
    # The test's own frames have the request data in their locals, and the title may repeat it.
    _assert_hidden(_SECRETS, [*trace.format(), str(pickle.dumps(error, 0))])


_FROM_RESPONSE: Final = frozenset({"body", "detail", "title", "result", "last"})
"""What an error keeps of the response on purpose."""


def _assert_hidden(canaries: tuple[str, ...], texts: list[str]) -> None:
    assert not [(canary, text) for text in texts for canary in canaries if canary in text]


def _notes(error: BaseException) -> str:
    return repr(getattr(error, "__notes__", ()))


def _assert_back(sikoia: Sikoia, free_connections: list[int]) -> None:
    """Check that every connection is free, and that no slot is over-leased."""
    assert [guard.free for guard in guards(sikoia)] == free_connections
    limiter = core(sikoia).rate_limiter
    if limiter is not None:
        assert limiter.left >= 0


async def _assert_whole(sikoia: Sikoia, free_connections: list[int]) -> None:
    """Check that calls work: two in turn over each connection, and one over each at once."""
    calm = sikoia.with_options(timeout=60)
    for _ in range(2 * min(free_connections[-1], 2)):
        await ask(calm)
    async with anyio.create_task_group() as calls:
        for _ in range(free_connections[-1]):
            calls.start_soon(ask, calm)
    assert [guard.free for guard in guards(sikoia)] == free_connections


@contextmanager
def _listening() -> Generator[list[str]]:
    """Collect all log records, at every level, and all warnings."""
    told: list[str] = []
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    levels = {name: logging.getLogger(name).level for name in ("", "httpx", "httpcore")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.addHandler(handler)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            yield told
        finally:
            root.removeHandler(handler)
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
    messages = [str(warning.message) for warning in warned]
    told += [stream.getvalue(), *messages]
    assert not messages, messages


@contextmanager
def _garbage() -> Generator[None]:
    """Collect garbage, so that anything never awaited or closed warns now."""
    gc.freeze()  # looking through all of pytest would take as long as the rest
    try:
        yield
        gc.collect()
    finally:
        gc.unfreeze()


def _open_files() -> int:
    return len(list(_OPEN_FILES.iterdir())) if _OPEN_FILES.exists() else 0


def _tasks() -> int:
    if sniffio.current_async_library() == "trio":
        return trio.lowlevel.current_statistics().tasks_living
    return len(asyncio.all_tasks())


async def _until(reached: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not reached():  # noqa: ASYNC110 - what is waited for happens in the kernel
            await anyio.sleep(0.001)


def _row() -> str:
    """Return the name of the test that is running."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
