"""A failed call leaves nothing behind for the garbage collector: its error is freed at once.

An error's traceback holds the frames that raised it. If one of them holds the error, both live
until the garbage collector runs, and so does the body of the request.
"""

import gc
import tracemalloc
import weakref
from collections.abc import Awaitable, Callable, Generator
from inspect import isawaitable
from typing import Any, Final

import anyio
import httpx
import pytest
from faults import SECRET, client, serve
from reliability.harness import hangs_up, resets, silent

from sikoia_async import Sikoia, SikoiaError, poll
from sikoia_async.models import Entity

pytestmark = pytest.mark.anyio

_ORIGIN: Final = "https://127.0.0.1:8400"
_CASE: Final = Entity("case", "c-1")
_BAD_PAGE: Final = {"pagination_meta_data": {"next_page_url": "javascript:alert(1)"}}

Reply = Callable[[httpx.Request], Any]
Use = Callable[[Sikoia], Awaitable[Any]]


def _status(code: int, /, **fields: Any) -> Reply:
    return lambda _: httpx.Response(code, json=fields)


def _raises(error: Exception) -> Reply:
    def reply(_: httpx.Request) -> httpx.Response:
        raise type(error)(*error.args)

    return reply


async def _hangs(_: httpx.Request) -> httpx.Response:
    await anyio.sleep_forever()
    raise AssertionError


async def _list(sikoia: Sikoia) -> Any:
    return await sikoia.cases.list()


async def _upload(sikoia: Sikoia) -> Any:
    return await sikoia.documents.upload(_CASE, b"x" * 1000, file_name="a.pdf")


async def _briefly(sikoia: Sikoia) -> Any:
    return await sikoia.with_options(timeout=0.1).cases.list()


async def _upload_briefly(sikoia: Sikoia) -> Any:
    return await _upload(sikoia.with_options(timeout=0.1))


async def _operation(sikoia: Sikoia) -> Any:
    return await sikoia.income.operation("r-1").wait(timeout=30)


async def _refresh(sikoia: Sikoia) -> Any:
    return await sikoia.income.operation("r-1").refresh()


async def _together(sikoia: Sikoia) -> None:
    operation, errors = sikoia.income.operation("r-1"), list[SikoiaError]()

    async def wait() -> None:
        try:
            await operation.refresh()
        except SikoiaError as error:
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(wait)
    error = errors.pop()
    errors.clear()
    try:
        raise error
    finally:
        del error


async def _pages(sikoia: Sikoia) -> None:
    _ = [one async for one in sikoia.webhooks.log("w-1")]


async def _poll(sikoia: Sikoia) -> Any:
    return await poll(sikoia.cases.list, until=lambda _: False, timeout=30)


async def _task(sikoia: Sikoia) -> Any:
    return await sikoia.with_options(timeout=5).request("POST", "/v2/reports")


async def _download(sikoia: Sikoia) -> Any:
    return await sikoia.download("https://127.0.0.1/x")


async def _excel(sikoia: Sikoia) -> Any:
    return await sikoia.reports.excel(_CASE)


_CASES: Final[dict[str, tuple[Reply, Use]]] = {
    "error response": (_status(400, type="InvalidRequest", detail="x"), _list),
    "server error": (_status(500), _list),
    "lost connection": (_raises(httpx.ReadError("x")), _list),
    "no connection": (_raises(httpx.ConnectError("x")), _list),
    "timeout of an upload": (_hangs, _upload_briefly),
    "not JSON": (lambda _: httpx.Response(200, content=b"nope"), _list),
    "upload": (_status(413), _upload),
    "missing operation": (_status(404, type="ResourceNotFound"), _operation),
    "endless operation": (_status(200, request_id="r", status="Pending"), _operation),
    "unreachable operation": (_status(500), _operation),
    "failed operation": (_status(200, request_id="r", status="Failed"), _operation),
    "refresh": (_status(500), _refresh),
    "callers of one poll": (_status(500), _together),
    "page": (_status(500), _pages),
    "bad page": (_status(200, **_BAD_PAGE), _pages),
    "endless poll": (lambda _: httpx.Response(200, json=[]), _poll),
    "failed poll": (_status(400), _poll),
    "endless task": (_status(202), _task),
    "download": (_status(404), _download),
    "report": (_status(500), _excel),
}


@pytest.fixture
def no_collector() -> Generator[None]:
    """Switch the garbage collector off."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class _Watching:
    """A transport that remembers which requests still exist."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._seen: list[weakref.ref[httpx.Request]] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self._seen.append(weakref.ref(request))
        reply: object = self._reply(request)
        if isawaitable(reply):
            reply = await reply
        assert isinstance(reply, httpx.Response)
        return reply

    @property
    def alive(self) -> int:
        return sum(one() is not None for one in self._seen)


async def _error_of(use: Use, sikoia: Sikoia) -> "weakref.ref[SikoiaError]":
    try:
        await use(sikoia)
    except SikoiaError as error:
        return weakref.ref(error)
    pytest.fail("the call succeeded")


@pytest.mark.virtual_time
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize(("reply", "use"), _CASES.values(), ids=_CASES)
async def test_a_failed_call_is_freed_at_once(reply: Reply, use: Use, retries: int) -> None:
    """Neither its error nor any of its requests outlives it."""
    watching = _Watching(reply)
    transport = httpx.MockTransport(watching)
    async with client(_ORIGIN, transport=transport, quota=None, retries=retries) as sikoia:
        error = await _error_of(use, sikoia)
        await anyio.sleep(0.1)  # a cancelled attempt ends

        assert error() is None
        assert watching.alive == 0


@pytest.mark.virtual_time
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("retries", [0, 1])
async def test_the_error_of_a_timeout_is_freed_at_once(retries: int) -> None:
    """The second attempt of a GET, which has no body, ends in a task group that may keep it."""
    transport = httpx.MockTransport(_hangs)
    async with client(_ORIGIN, transport=transport, retries=retries) as sikoia:
        error = await _error_of(_briefly, sikoia)

        assert error() is None


@pytest.mark.virtual_time
@pytest.mark.usefixtures("no_collector")
async def test_a_refused_token_request_is_freed_at_once() -> None:
    """Although calls share its error."""
    watching = _Watching(_status(400, error="invalid_client"))
    options: dict[str, Any] = {"token": None, "client_id": "an-id", "client_secret": SECRET}
    transport = httpx.MockTransport(watching)
    async with client(_ORIGIN, transport=transport, retries=0, **options) as sikoia:
        error = await _error_of(_list, sikoia)

        assert (error(), watching.alive) == (None, 0)


@pytest.mark.virtual_time
@pytest.mark.usefixtures("no_collector")
async def test_a_cancelled_call_is_freed_at_once() -> None:
    """Wherever it was."""
    watching = _Watching(_hangs)
    async with client(_ORIGIN, transport=httpx.MockTransport(watching)) as sikoia:
        with anyio.move_on_after(1):
            await _upload(sikoia)
        await anyio.sleep(0.1)

        assert watching.alive == 0


@pytest.mark.virtual_time
@pytest.mark.usefixtures("no_collector")
async def test_refused_uploads_do_not_add_up() -> None:
    """Each holds its file only as long as the call lasts."""
    transport = httpx.MockTransport(_status(413))
    async with client(_ORIGIN, transport=transport, quota=None, retries=0) as sikoia:
        tracemalloc.start()
        try:
            for _ in range(10):
                with pytest.raises(SikoiaError):
                    await sikoia.documents.upload(_CASE, bytes(2**20), file_name="a.pdf")
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert held < 2**20


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("script", [hangs_up, resets, silent], ids=lambda one: one.__name__)
async def test_the_error_of_a_real_connection_is_freed_at_once(script: Any) -> None:
    """Httpx and its parts raise errors of their own below ours."""
    async with serve(script) as server, client(server.url, retries=1, timeout=1) as sikoia:
        error = await _error_of(_list, sikoia)

        assert error() is None
