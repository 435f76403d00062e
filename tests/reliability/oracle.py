"""What must hold after every row, whatever the row did.

An error is of the class that the row names, and ours alone. As many requests arrived as the row
says. Permits, slots of the quota, files and tasks are back, and the next calls work. No secret and
nothing of what was sent is in what was logged, warned of or raised.
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
"""Which row ended how many seconds after its deadline; for the summary, and no test fails on it."""

_SECRETS: Final = (TOKEN, SECRET)
_SENT: Final = (NAME, DOCUMENT.decode())
_OPEN_FILES: Final = Path("/proc/self/fd")
_LATEST: Final = 3.0
"""Seconds after its deadline at which a call is late even on a busy machine."""


class Seen(Protocol):
    """What the other side of the wire can tell: a `Plan` or a `Played`."""

    well: bool

    @property
    def seen(self) -> int:
        """How many requests arrived."""
        ...


@attrs.define(eq=False)
class Watch:
    """Makes a row's calls, and checks what comes of each."""

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
            attempts: how many the error tells of; as many as `requests` if left out.
            match: a part of the message.
            deadline: seconds in which the call must have ended, a busy machine apart.
        """
        before, raised = self.other.seen, None
        with overrun(deadline):
            try:
                await call(self.sikoia)
            except BaseException as caught:  # noqa: BLE001 - whatever comes is judged
                raised = caught
        assert type(raised) is error, f"{raised!r} in place of {error.__name__}"
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
        """Make a call that ends well after so many requests, and return what it gives."""
        before = self.other.seen
        given = await call(self.sikoia)
        assert self.other.seen - before == requests
        return given


@asynccontextmanager
async def watched(sikoia: Sikoia, other: Seen, *, next_call: bool = True) -> AsyncGenerator[Watch]:
    """Give what makes a row's calls; at the end make `other` well and check all that must hold.

    The client is closed at the end.

    Args:
        sikoia: the client, unused.
        other: whom it talks to.
        next_call: whether calls after the row must work.
    """
    permits = [guard.free for guard in guards(sikoia)]
    await anyio.wait_all_tasks_blocked()  # the server's, too, have begun
    files, tasks = _open_files(), _tasks()
    with _listening() as told, _garbage():
        async with sikoia:
            yield Watch(sikoia, other)
            other.well = True
            _assert_back(sikoia, permits)
            if next_call:
                await _assert_whole(sikoia, permits)
        await _until(lambda: _open_files() <= files and _tasks() <= tasks)
    _assert_hidden(_SECRETS + _SENT, told)


@contextmanager
def overrun(deadline: float | None) -> Generator[None]:
    """Note how long after its deadline the block ends, and refuse what no busy machine explains."""
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
    kept = {name: value for name, value in vars(error).items() if name not in _ANSWERED}

    assert {type(one).__module__.partition(".")[0] for one in whole} == {"sikoia_async"}
    assert not [one for one in whole if isinstance(one, BaseExceptionGroup)]
    assert str(error).strip()
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 - pickled here
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert vars(other).keys() == vars(error).keys()
    _assert_hidden(_SECRETS + _SENT, [*shown, repr(kept)])
    # The caller's own frames have what is sent in their locals, and the title may repeat it.
    _assert_hidden(_SECRETS, [*trace.format(), str(pickle.dumps(error, 0))])


_ANSWERED: Final = frozenset({"body", "detail", "title", "result", "last"})
"""What an error keeps of the answer, on purpose."""


def _assert_hidden(canaries: tuple[str, ...], texts: list[str]) -> None:
    assert not [(canary, text) for text in texts for canary in canaries if canary in text]


def _notes(error: BaseException) -> str:
    return repr(getattr(error, "__notes__", ()))


def _assert_back(sikoia: Sikoia, permits: list[int]) -> None:
    """Check that nobody holds a permit, and that nobody waits for a slot or holds one."""
    assert [guard.free for guard in guards(sikoia)] == permits
    pacer = core(sikoia).rate_limiter
    if pacer is not None:
        assert pacer.left >= 0


async def _assert_whole(sikoia: Sikoia, permits: list[int]) -> None:
    """Check that calls work again: two in turn through each permit, and one in each at once."""
    calm = sikoia.with_options(timeout=60)
    for _ in range(2 * min(permits[-1], 2)):
        await ask(calm)
    async with anyio.create_task_group() as calls:
        for _ in range(permits[-1]):
            calls.start_soon(ask, calm)
    assert [guard.free for guard in guards(sikoia)] == permits


@contextmanager
def _listening() -> Generator[list[str]]:
    """Collect all that is logged, at the lowest level, and all warnings."""
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
    warnings_said = [str(warning.message) for warning in warned]
    told += [stream.getvalue(), *warnings_said]
    assert not warnings_said, warnings_said


@contextmanager
def _garbage() -> Generator[None]:
    """Let what the block leaves warn now, if it was never awaited or closed."""
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
