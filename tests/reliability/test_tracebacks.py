"""What error reporters record: the local variables of each frame of a traceback."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, cast

import httpx
import pytest
from every_method import ID, MARK, failure_of
from faults import chain

import sikoia_async
from sikoia_async import Quota, Sikoia, SikoiaError
from sikoia_async._transport.tracebacks import without_frames
from sikoia_async.testing import MemorySandbox, client_of
from sikoia_async.testing.cassettes.operations import OPERATIONS
from sikoia_async.webhooks import Router, parse, sign, verify

pytestmark = pytest.mark.anyio

SDK: Final = str(Path(sikoia_async.__file__).parent)


def recorded(error: BaseException) -> list[str]:
    """Return the variables in frames of the SDK that show the mark, or that cannot be shown."""
    return [
        f"{frame.f_code.co_qualname}: {name}"
        for one in chain(error)
        for frame in _frames(one)
        for name, value in frame.f_locals.items()
        if MARK in repr(value)
    ]


def _frames(error: BaseException) -> Iterator[Any]:
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith(SDK):
            yield trace.tb_frame
        trace = trace.tb_next


def _rejected(_: httpx.Request) -> httpx.Response:
    return httpx.Response(400, json={"type": "InvalidRequest", "detail": MARK, "title": MARK})


def _truncated(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=f'{{"name": "{MARK}'.encode())


def _misread(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"name": MARK, "case_id": [MARK], "surname": {"a": MARK}})


def _refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError(MARK, request=request)


FAILURES: Final = {"rejected": _rejected, "cut": _truncated, "misread": _misread, "lost": _refused}


@pytest.mark.parametrize("failure", FAILURES)
async def test_no_method_leaves_its_arguments_or_the_response_in_a_traceback(failure: str) -> None:
    """Of no resource, whatever fails."""
    transport = httpx.MockTransport(FAILURES[failure])
    failed = 0
    async with Sikoia(token="a-token", transport=transport, quota=None, retries=0) as sikoia:
        for operation in OPERATIONS:
            error = await failure_of(sikoia, operation)
            failed += error is not None
            assert error is None or recorded(error) == [], operation.name
    assert failed > 50


async def test_arguments_that_are_wrong_are_in_no_traceback() -> None:
    """Neither those that the SDK refuses, nor those that Python does."""
    async with Sikoia(token="a-token") as sikoia:
        calls: list[Callable[[], Any]] = [
            lambda: sikoia.cases.create(name=MARK, case_type=MARK),  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]  # a mistake
            lambda: sikoia.cases.create(name=MARK, case_type="Business", owners=MARK),  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # a mistake
            lambda: sikoia.cases.create(
                name=MARK, case_type="Business", source=cast("str", [MARK])
            ),
            lambda: sikoia.cases.retrieve(f"{MARK} {MARK}"),
            lambda: sikoia.request("POST", "/v2/new", body={"a": MARK, "b": {MARK}}),
            lambda: sikoia.request("GET", "/v2/new", query={"a": f"{MARK},{MARK}"}),
            lambda: sikoia.start("POST", f"/{MARK} /", into=object, body={"a": MARK}),
            lambda: sikoia.download(f"http://{MARK}@a.example"),
            lambda: sikoia.save(f"http://{MARK}@a.example", "file"),
        ]
        for call in calls:
            with pytest.raises((SikoiaError, TypeError)) as caught:
                await call()
            assert recorded(caught.value) == []


@pytest.mark.parametrize(
    "options",
    [
        {"retries": -1},
        {"quota": 5},
        {"limits": 0},
        {"environment": 5},
        {"transport": 5},
        {"http_client": 5},
        {"tls": 5},
        {"proxy": f"http://user:{MARK}@host:99999"},
        {"token_store": 5},
        {"max_chargeable": -1},
        {"idempotency_header": "a header"},
        {"rely_on_events": 5},
        {"nonsense": MARK},
    ],
    ids=lambda one: next(iter(one)),
)
@pytest.mark.parametrize(
    "credentials",
    [
        {"client_id": "an-id", "client_secret": MARK},
        {"client_id": MARK, "client_secret": "swapped"},
        {"token": MARK},
        {"api_key": MARK},
    ],
    ids=["secret", "swapped", "token", "api_key"],
)
def test_a_client_that_cannot_be_made_shows_no_secret(
    credentials: dict[str, Any], options: dict[str, Any]
) -> None:
    """Also if the id and the secret are confused; and it has a repr."""
    with pytest.raises((SikoiaError, TypeError)) as caught:
        Sikoia(**credentials, **options)
    assert recorded(caught.value) == []
    assert repr(Sikoia.__new__(Sikoia)) == "<Sikoia>"


def test_a_subclass_of_the_client_can_be_shown_while_it_is_made() -> None:
    """Its own frame has the client, which has no environment yet."""

    class Mine(Sikoia):
        def __init__(self) -> None:
            super().__init__("an-id", MARK, quota=cast("Quota", 5))

    with pytest.raises(SikoiaError) as caught:
        Mine()
    assert MARK not in "".join(map(repr, _locals(caught.value)))


def _locals(error: BaseException) -> Iterator[object]:
    trace = error.__traceback__
    while trace is not None:
        yield from trace.tb_frame.f_locals.values()
        trace = trace.tb_next


def _client_of(**options: Any) -> Sikoia:
    with MemorySandbox() as sandbox:
        return client_of(sandbox, **options)


@pytest.mark.parametrize(
    "call",
    [
        lambda: sign(MARK.encode(), MARK[:10]),
        lambda: sign(cast("bytes", MARK), MARK),
        lambda: verify(MARK.encode(), "a", MARK[:10]),
        lambda: verify(MARK.encode(), MARK, [MARK, f"{MARK}\n"]),
        lambda: Router([MARK, f"{MARK}\n"]),
        lambda: parse(f'{{"a": "{MARK}'.encode()),
        lambda: _client_of(api_key=MARK, proxy=MARK),
    ],
    ids=["sign", "body", "verify", "several", "router", "parse", "client_of"],
)
def test_webhooks_and_clients_of_tests_show_no_secret(call: Callable[[], object]) -> None:
    """Secrets, bodies and signatures."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of several types
        call()
    assert recorded(caught.value) == []


async def test_an_operation_that_fails_shows_no_response() -> None:
    """A poll that cannot be decoded has its body on the error alone."""
    replies = iter([{"request_id": ID, "status": "Pending"}, {"request_id": [MARK]}])

    def reply(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=next(replies))

    with MemorySandbox():
        async with Sikoia(token="a-token", transport=httpx.MockTransport(reply)) as sikoia:
            operation = await sikoia.identity.request(ID)
            with pytest.raises(SikoiaError) as caught:
                await operation.refresh()
    assert recorded(caught.value) == []


async def test_an_error_of_the_callers_keeps_its_frames() -> None:
    """A mistake in a function of the caller's can be found."""

    def broken() -> str:
        raise LookupError

    async with Sikoia(token=broken) as sikoia:
        with pytest.raises(LookupError) as caught:
            await sikoia.users.list()
    assert caught.traceback[-1].name == "broken"


async def _fails(hook: Callable[..., object], kind: type[BaseException]) -> Any:
    """Return what a call raises whose hook raises it."""
    transport = httpx.MockTransport(_rejected)
    async with Sikoia(token=MARK, transport=transport, on_request=hook) as sikoia:
        with pytest.raises(kind) as caught:
            await sikoia.cases.create(name=MARK, case_type="Business")
    assert recorded(caught.value) == []
    return caught.value


async def test_errors_of_the_callers_and_their_causes_leave_without_our_frames() -> None:
    """Whatever caused them, and in groups; they are not ours, so no note is added."""

    def caused(_: object) -> None:
        raise LookupError from KeyError()

    def several(_: object) -> None:
        name = "several"
        raise ExceptionGroup(name, [LookupError(), ValueError()])

    error = await _fails(caused, LookupError)
    names = [frame.f_code.co_name for frame in _frames_of(error)]
    assert names == ["_fails", "call", "caused"]
    group = await _fails(several, ExceptionGroup)
    assert [getattr(one, "__notes__", []) for one in (error, group)] == [[], []]


async def test_a_defect_says_where_it_is() -> None:
    """Without its frames a report of it would be useless."""
    module: dict[str, Any] = {"__name__": "sikoia_async.broken"}
    exec("async def method(name):\n    return len(name) / 0\n", module)  # noqa: S102 - a defect of ours

    with pytest.raises(ZeroDivisionError) as caught:
        await without_frames(module["method"])(MARK)

    assert recorded(caught.value) == []
    assert [frame.f_code.co_name for frame in _frames_of(caught.value)][1:] == ["call"]
    assert caught.value.__notes__ == ["raised in sikoia_async.broken:2 method"]


def _frames_of(error: BaseException | None) -> list[Any]:
    frames = list[Any]()
    trace = error.__traceback__ if error else None
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    return frames


async def test_a_test_framework_shows_the_line_of_the_caller() -> None:
    """And not the frame that raises on behalf of all methods."""
    async with Sikoia(token="a-token") as sikoia:
        with pytest.raises(SikoiaError) as of_a_call:
            await sikoia.cases.retrieve("")
    with pytest.raises(SikoiaError) as of_a_client:
        Sikoia(token="a-token", timeout=-1)

    for caught in (of_a_call, of_a_client):
        shown = caught.traceback.filter(caught)
        assert [Path(str(one.path)) for one in shown] == [Path(__file__)]
