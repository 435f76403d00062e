"""Makes calls: what the caller gives is validated, one call is made, and its answer decoded."""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from sikoia_async._calls.call import Call, CallOptions, ClientContext, asked_to_wait
from sikoia_async._calls.pagination import Pages
from sikoia_async._calls.urls import fill, validate_path, with_query
from sikoia_async._errors import ConfigurationError
from sikoia_async._logging import without_ids
from sikoia_async._transport.body import BodyError
from sikoia_async.operations.kinds import TASK
from sikoia_async.operations.operation import Operation, Progress
from sikoia_async.operations.polling import follow

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from sikoia_async._calls.urls import QueryValue
    from sikoia_async._retry.policy import Kind
    from sikoia_async._transport.exchange import Pieces, Response, Sink
    from sikoia_async.models import Model
    from sikoia_async.operations.kinds import OperationKind, State

__all__ = ["Api", "CallOptions", "ClientContext", "validate_request"]

T = TypeVar("T")
P = TypeVar("P", bound="Model")
M = TypeVar("M", bound="Model")

_ACCEPTED: Final = 202


@attrs.frozen
class Api:
    """Makes calls. Resources hold one, and each of their methods is one line on it."""

    context: ClientContext
    options: CallOptions

    def poll(self, asked: int) -> Api:
        """Return the same for a poll of what was asked so often before: other calls go first."""
        priority = self.options.priority
        if priority == "interactive":
            priority = "poll"
        return attrs.evolve(
            self, options=attrs.evolve(self.options, priority=priority, asked=asked)
        )

    def operation(
        self,
        kind: OperationKind,
        ids: tuple[str, ...],
        retrieve: Callable[[Api], Awaitable[M]],
        first: M | None = None,
        *,
        state: Callable[[M], State] | None = None,
    ) -> Operation[M]:
        """Return the operation of what is retrieved by its ids, until its status says enough.

        Args:
            kind: what operations like this one have in common.
            ids: what it is retrieved by; the first one is what events mention.
            retrieve: asks for it, by this transport's like.
            first: what is known of it.
            state: tells how far it is, where that is not its `status`.
        """
        if first is None:  # what Sikoia has begun is not lost, even if the client was closed
            self.context.lifecycle.check()
        kind = self._paced(kind)

        def by_status(answer: M) -> State:
            def odd() -> None:
                self.context.drift.count(f"{type(answer).__name__}.status", "taken for running")

            return kind.state(getattr(answer, "status", None), odd)

        return follow(
            kind,
            ids,
            lambda asked: retrieve(self.poll(asked)),
            first,
            registry=self.context.registry,
            state=state or by_status,
        )

    async def get(
        self,
        path: str,
        into: type[T],
        /,
        query: Mapping[str, QueryValue] | None = None,
        **ids: object,
    ) -> T:
        """Ask."""
        return await self.call("GET", path, into, query=query, ids=ids)

    def pages(
        self,
        path: str,
        into: type[P],
        /,
        query: Mapping[str, QueryValue],
        *,
        items: Callable[[P], Iterable[T] | None],
        onward: Callable[[P], str | None],
        **ids: object,
    ) -> Pages[P, T]:
        """Ask page by page, while it is read; `onward` gives the address that a page names next."""

        async def ask(target: str) -> P:
            self.context.lifecycle.check()
            call = self._call("GET", path, target)
            return call.decode(await call.answer(), into)

        first = with_query(fill(path, ids), query)
        return Pages(ask, first, self.context.origin, items, onward)

    async def post(
        self, path: str, into: type[T], /, body: Mapping[str, Any] | None = None, **ids: object
    ) -> T:
        """Create."""
        return await self.call("POST", path, into, body=body, ids=ids)

    async def patch(
        self, path: str, into: type[T], /, body: Mapping[str, Any] | None = None, **ids: object
    ) -> T:
        """Give fields their values; once more does no harm."""
        return await self.call("PATCH", path, into, body=body, ids=ids, kind="idempotent")

    async def buy(
        self,
        path: str,
        into: type[T],
        /,
        body: Mapping[str, Any],
        query: Mapping[str, QueryValue] | None = None,
    ) -> T:
        """Post what may cost credits or money: it is never sent again where it may have arrived."""
        return await self.call("POST", path, into, query=query, body=body, chargeable=True)

    async def upload(self, path: str, into: type[T], /, body: Mapping[str, Any]) -> T:
        """Post a body with a file in it, which is encoded while it is sent."""
        from sikoia_async._files.upload import upload_body  # noqa: PLC0415 - loaded with the first upload

        self.context.lifecycle.check()
        call = self._call("POST", path, path, await upload_body(body))
        return call.decode(await call.answer(), into)

    async def workbook(self, path: str, into: type[bytes], /, **ids: object) -> bytes:
        """Ask for a workbook that may cost money, and take it out of what it comes in."""
        from sikoia_async._files.workbook import unpack  # noqa: PLC0415 - loaded with the first one

        call = self._prepare("GET", path, None, None, ids, chargeable=True)
        answer = await call.answer()
        try:
            return unpack(call.decode(answer, into))
        except BodyError as error:
            broken = str(error)
        return call.decode(attrs.evolve(answer, broken=broken), into)

    async def save_workbook(self, path: str, to: str | os.PathLike[str], /, **ids: object) -> int:
        """Ask for the same, and write it to a file while it comes; return the file's size."""
        from sikoia_async._files.sinks import FileSink, WorkbookSink  # noqa: PLC0415 - as above

        with FileSink(to) as sink:
            call = self._prepare(
                "GET", path, None, None, ids, chargeable=True, sink=WorkbookSink(sink)
            )
            await sink.open()
            await call.pour()
            return sink.size

    async def delete(self, path: str, /, **ids: object) -> None:
        """Delete."""
        await self.call("DELETE", path, NoneType, ids=ids)

    async def call(
        self,
        method: str,
        path: str,
        into: type[T],
        *,
        query: Mapping[str, QueryValue] | None = None,
        body: Mapping[str, Any] | None = None,
        ids: Mapping[str, object] | None = None,
        kind: Kind | None = None,
        chargeable: bool = False,
    ) -> T:
        """Make a call and return what it is to give; where that is a task, wait for it.

        Args:
            method: `GET`, say.
            path: a template, such as `/v2/cases/{case_id}`.
            into: the type of the answer: a model, `Items` of one, `bytes`, `object` for plain JSON.
            query: parameters; those that are None are left out, several values go comma-separated.
            body: fields of the JSON body; those that are None are left out.
            ids: what goes into the template.
            kind: what sending it twice does; None where the method says that.
            chargeable: whether it may cost money, and so is not repeated after doubt.

        Raises:
            ConfigurationError: something given cannot be sent.
            APIError: Sikoia said no.
            TransportError: no answer came, or not in time.
            TokenError: there is no access token to be had.
            UnexpectedResponseError: the answer is not what `into` says.
            OperationTimeoutError: the answer was a 202, and the task is not done in time.
        """
        call = self._prepare(method, path, query, body, ids, kind=kind, chargeable=chargeable)
        answer = await call.answer()
        if answer.status != _ACCEPTED:
            return call.decode(answer, into)
        left = self.options.timeout - call.watch.seconds
        return await self._follow(call, answer, into).wait(timeout=max(left, _INSTANT))

    async def start(
        self,
        method: str,
        path: str,
        into: type[T],
        *,
        query: Mapping[str, QueryValue] | None = None,
        body: Mapping[str, Any] | None = None,
        chargeable: bool = False,
    ) -> Operation[T]:
        """Make a call that may be answered by a task, and return that task at once."""
        call = self._prepare(method, path, query, body, None, chargeable=chargeable)
        return self._follow(call, await call.answer(), into)

    def _prepare(
        self,
        method: str,
        path: str,
        query: Mapping[str, QueryValue] | None,
        body: Mapping[str, Any] | None,
        ids: Mapping[str, object] | None,
        *,
        kind: Kind | None = None,
        chargeable: bool = False,
        sink: Sink | None = None,
    ) -> Call:
        self.context.lifecycle.check()
        target = with_query(fill(path, ids or {}), query or {})
        content = _content(body)
        shown = without_ids(path)
        return self._call(
            method, shown, target, content, kind=kind, chargeable=chargeable, sink=sink
        )

    def _call(
        self,
        method: str,
        path: str,
        target: str,
        content: bytes | Pieces = b"",
        *,
        kind: Kind | None = None,
        chargeable: bool = False,
        sink: Sink | None = None,
    ) -> Call:
        if kind is None:
            kind = "unsafe" if chargeable else _KINDS.get(method, "unsafe")
        return Call(
            self.context,
            self.options,
            method=method,
            path=path,
            target=target,
            content=content,
            kind=kind,
            chargeable=chargeable,
            sink=sink,
        )

    def _paced(self, kind: OperationKind) -> OperationKind:
        interval = self.options.interval
        if interval is None:
            return kind
        return attrs.evolve(kind, interval=interval, has_custom_interval=True)

    def _follow(self, call: Call, answer: Response, into: type[T]) -> Operation[T]:
        """Return the task that a 202 speaks of; of any other answer, one that is done."""
        target = call.target

        def progress(call: Call, answer: Response) -> Progress[T]:
            nonlocal target
            if answer.status != _ACCEPTED:
                return Progress(
                    done=True, value=call.decode(answer, into), correlation_id=call.received_id
                )
            target = call.location(answer) or target
            return Progress(
                done=False,
                retry_after=asked_to_wait(answer),
                correlation_id=call.received_id,
            )

        async def ask(asked: int) -> Progress[T]:
            self.context.lifecycle.check()
            call = self.poll(asked)._call("GET", path, target)  # noqa: SLF001 - of its own kind
            return progress(call, await call.answer())

        path = call.path
        return self.context.registry.add(
            Operation(
                ask, progress(call, answer), kind=self._paced(TASK), registry=self.context.registry
            )
        )


_KINDS: Final[dict[str, Kind]] = {"GET": "safe", "PUT": "idempotent", "DELETE": "idempotent"}
_INSTANT: Final = 0.001
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


def validate_request(method: str, path: str, into: type[Any]) -> None:
    """Check what a caller gives for an operation that this SDK has no method for.

    Raises:
        ConfigurationError: the method, the path or the type cannot be used.
    """
    if method not in _METHODS:
        msg = f"method: expected one of {', '.join(sorted(_METHODS))}"
        raise ConfigurationError(msg)
    validate_path(path)
    from sikoia_async._codec.decoder import check_into  # noqa: PLC0415 - loaded with the first call

    check_into(into)


def _content(body: Mapping[str, Any] | None) -> bytes:
    if body is None:
        return b""
    if body and all(value is None for value in body.values()):
        msg = f"there is nothing to send: give at least one of {', '.join(body)}"
        raise ConfigurationError(msg)
    from sikoia_async._codec.encoder import dumps  # noqa: PLC0415 - loaded with the first call

    return dumps(body)
