"""What resources make calls with: validates arguments, makes one call, decodes its response."""

from __future__ import annotations

from http import HTTPStatus
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs

from sikoia_async._calls.call import Call, retry_after
from sikoia_async._calls.extras import merge, with_missing
from sikoia_async._calls.failures import deadline_exceeded
from sikoia_async._calls.urls import fill, validate_path, with_query
from sikoia_async._errors import ArgumentError, CallInfo, ResourceNotFoundError
from sikoia_async._hooks.correlation import current
from sikoia_async._logging import without_ids
from sikoia_async._transport.body import BodyError
from sikoia_async._transport.stopwatch import Stopwatch
from sikoia_async._validation import (
    NotCopyable,
    plain_string,
    validate_flags,
    validate_mapping,
    validate_whole,
)
from sikoia_async.models import items_of

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from sikoia_async._calls.context import ClientContext
    from sikoia_async._calls.options import CallOptions
    from sikoia_async._calls.pagination import Pages
    from sikoia_async._calls.urls import QueryValue
    from sikoia_async._errors import DeadlineExceededError
    from sikoia_async._retry.policy import RetryClass
    from sikoia_async._transport.types import Response, Sink, StreamedContent
    from sikoia_async.models import Items, Model
    from sikoia_async.operations.kinds import OperationKind, State
    from sikoia_async.operations.operation import Operation, Progress, RequestedOperation
    from sikoia_async.operations.polling import HasResponse

__all__ = ["Api", "validate_request"]

T = TypeVar("T")
P = TypeVar("P", bound="Model")
M = TypeVar("M", bound="HasResponse")

_RETRY_CLASSES: Final[dict[str, RetryClass]] = {
    "GET": "safe",
    "PUT": "idempotent",
    "DELETE": "idempotent",
}
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_SHORTEST_WAIT: Final = 0.001


@attrs.frozen(eq=False, repr=False)
class Api(NotCopyable):
    """Makes calls; each method of a resource is one line on it."""

    _not_copyable = (
        "what belongs to a client cannot be pickled or deep-copied, because the client holds "
        "connections and credentials: create a client in each process"
    )

    context: ClientContext
    options: CallOptions

    def poll(self, polls: int) -> Api:
        """Return a copy that sends its requests at poll priority.

        Args:
            polls: how often the operation was polled before.
        """
        priority = self.options.priority
        if priority == "interactive":
            priority = "poll"
        return attrs.evolve(
            self, options=attrs.evolve(self.options, priority=priority, polls=polls)
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
        """Return an operation whose polls retrieve a model until its status is final.

        Args:
            kind: what operations of this kind have in common.
            ids: the ids to retrieve it by; webhook events mention the first one.
            retrieve: retrieves the model with the given `Api`.
            first: the model, if it was already retrieved.
            state: returns the state of a model; None if its `status` says it.
        """
        from sikoia_async.operations.polling import follow  # noqa: PLC0415 - loaded before a purchase

        if first is None:  # otherwise Sikoia has begun it, and it must not get lost
            self.context.lifecycle.check()
        kind = self._with_interval(kind)

        def state_by_status(model: M) -> State:
            def count(description: str) -> None:
                self.context.drift.count(f"{type(model).__name__}.status", description)

            return kind.state(getattr(model, "status", None), count)

        operation = follow(
            kind,
            ids,
            lambda polls: retrieve(self.poll(polls)),
            first,
            registry=self.context.registry,
            state=state or state_by_status,
        )
        if self.context.rate_limiter is not None and not operation.done:
            self.context.rate_limiter.expect_polls()
        return operation

    def requested(
        self,
        kind: OperationKind,
        ids: tuple[str, ...],
        retrieve: Callable[[Api], Awaitable[M]],
        first: M,
    ) -> RequestedOperation[M]:
        """Return the operation that a request has begun, given the response to that request."""
        operation = self.operation(kind, ids, retrieve, first)
        return cast("RequestedOperation[M]", operation)

    async def get(
        self,
        path: str,
        into: type[T],
        /,
        query: Mapping[str, QueryValue] | None = None,
        **ids: object,
    ) -> T:
        """GET."""
        return await self.call("GET", path, into, query=query, ids=ids)

    async def items(
        self,
        path: str,
        into: type[P],
        items: Callable[[P], Iterable[T] | None],
        /,
        query: Mapping[str, QueryValue] | None = None,
        **ids: object,
    ) -> Items[T]:
        """GET a list that is a field of the response, and return it with that response.

        Args:
            path: a path template.
            into: the model of the response.
            items: returns its list.
            query: parameters; None is left out, and a list is sent comma-separated.
            ids: values of the placeholders.
        """
        whole = await self.call("GET", path, into, query=query, ids=ids)
        return items_of(items(whole), whole)

    def pages(
        self,
        path: str,
        into: type[P],
        /,
        query: Mapping[str, QueryValue],
        *,
        items: Callable[[P], Iterable[T] | None],
        next_url: Callable[[P], str | None],
        **ids: object,
    ) -> Pages[P, T]:
        """GET page by page, while the list is read.

        Args:
            path: a path template.
            into: the model of a page.
            query: parameters of the first page.
            items: returns the items of a page.
            next_url: returns the URL of the next page, if a page names one.
            ids: values of the placeholders.
        """
        from sikoia_async._calls.pagination import Pages  # noqa: PLC0415 - loaded with the first list

        async def fetch(target: str) -> P:
            call = self.new_call("GET", path, target=target)
            with call.observed:
                return await call.decode(await call.answer(), into)

        query = merge("extra_query", query, self.options.extra_query) or {}
        first = with_query(fill(path, ids), query)
        return Pages(fetch, first, self.context.origin, items, next_url, self.context.drift)

    async def post(
        self, path: str, into: type[T], /, body: Mapping[str, Any] | None = None, **ids: object
    ) -> T:
        """POST; not safe to repeat."""
        return await self.call("POST", path, into, body=body, ids=ids)

    async def patch(
        self, path: str, into: type[T], /, body: Mapping[str, Any] | None = None, **ids: object
    ) -> T:
        """PATCH; safe to repeat."""
        return await self.call("PATCH", path, into, body=body, ids=ids, retry_class="idempotent")

    async def buy(
        self,
        path: str,
        into: type[T],
        /,
        body: Mapping[str, Any],
        query: Mapping[str, QueryValue] | None = None,
    ) -> T:
        """POST that may cost credits or money; never repeated after an ambiguous failure."""
        return await self.call("POST", path, into, query=query, body=body, chargeable=True)

    async def upload(self, path: str, into: type[T], /, body: Mapping[str, Any]) -> T:
        """POST with a file, which is encoded while it is sent."""
        from sikoia_async._files.upload import upload_body  # noqa: PLC0415 - loaded on the first upload

        self.context.lifecycle.check()
        watch = Stopwatch(self.context.lifecycle.now, "file")
        limit = self.context.limits.max_file
        body = merge("extra_body", body, self.options.extra_body) or {}
        content = await upload_body(body, watch, self.options.timeout, limit)
        if content is None:
            raise self._file_not_read(path, watch)
        watch.enter("rate_limit")
        call = self.new_call("POST", path, target=path, content=content, watch=watch)
        with call.observed:
            return await call.decode(await call.answer(), into)

    def _file_not_read(self, path: str, watch: Stopwatch) -> DeadlineExceededError:
        """Return the error of an upload whose file could not be read in time."""
        sent_id = self.options.correlation_id or current()
        call = CallInfo(
            method="POST",
            path=path,
            url=self.context.origin + path,
            correlation_id=sent_id,
            sent_correlation_id=sent_id,
            attempts=(),
            seconds=watch.seconds,
            reached="unsent",
        )
        return deadline_exceeded(
            self.options.timeout, watch.spent(), call, may_have_been_processed=False
        )

    async def workbook(self, path: str, into: type[bytes], /, **ids: object) -> bytes:
        """GET a workbook, which may cost money, and unwrap it if it is inside JSON."""
        from sikoia_async._files.workbook import unpack  # noqa: PLC0415 - loaded on first use

        call = self.new_call("GET", path, ids=ids, chargeable=True)
        with call.observed:
            response = await call.answer()
            try:
                return unpack(await call.decode(response, into))
            except BodyError as error:
                broken = str(error)
            return await call.decode(attrs.evolve(response, broken=broken), into)

    def max_file(self, given: int | None) -> int:
        """Return the maximum size of a file: a method's argument, or the client's.

        Raises:
            ArgumentError: it is not a whole number of at least 1.
        """
        if given is None:
            return self.context.limits.max_file
        return validate_whole("max_file", given, least=1)

    async def save_workbook(
        self, path: str, to: str | os.PathLike[str], max_file: int | None, /, **ids: object
    ) -> int:
        """GET a workbook, write it to a file while it arrives, and return the file's size."""
        from sikoia_async._files.sinks import FileSink, WorkbookSink  # noqa: PLC0415 - as above

        async with FileSink(to, self.max_file(max_file)) as sink:
            call = self.new_call("GET", path, ids=ids, chargeable=True, sink=WorkbookSink(sink))
            await call.stream()
            return sink.size

    async def delete(self, path: str, /, **ids: object) -> None:
        """DELETE."""
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
        retry_class: RetryClass | None = None,
        chargeable: bool = False,
    ) -> T:
        """Make a call and return its decoded response; after a 202, wait for the result.

        Args:
            method: the HTTP method.
            path: a path template, such as `/v2/cases/{case_id}`.
            into: the type to decode: a model, `Items` of one, `bytes`, or `object` for plain JSON.
            query: parameters; None is left out, and a list is sent comma-separated.
            body: fields of the JSON body; None is left out.
            ids: values of the placeholders.
            retry_class: the effect of repeating the request; None to derive it from the method.
            chargeable: whether the call may cost money, and so is not repeated if in doubt.

        Raises:
            ArgumentError: an argument cannot be sent.
            APIError: Sikoia returned an error.
            TransportError: no complete response arrived, or not in time.
            TokenError: there is no access token.
            UnexpectedResponseError: the response does not match `into`.
            OperationTimeoutError: after a 202, the result was not ready in time.
        """
        call = self.new_call(
            method,
            path,
            query=query,
            body=body,
            ids=ids,
            retry_class=retry_class,
            chargeable=chargeable,
        )
        with call.observed:
            response = await call.answer()
            if response.status != HTTPStatus.ACCEPTED:
                return await call.decode(response, into)
            left = self.options.timeout - call.watch.seconds
            operation = await self._task(method, call, response, into)
        return await operation.wait(max(left, _SHORTEST_WAIT))

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
        """Make a call that may be answered by a 202, and return an operation at once."""
        from sikoia_async.operations import operation  # noqa: PLC0415 - loaded before it is needed

        del operation
        call = self.new_call(method, path, query=query, body=body, chargeable=chargeable)
        with call.observed:
            return await self._task(method, call, await call.answer(), into)

    def new_call(
        self,
        method: str,
        path: str,
        *,
        target: str | None = None,
        query: Mapping[str, QueryValue] | None = None,
        body: Mapping[str, Any] | None = None,
        content: bytes | StreamedContent = b"",
        ids: Mapping[str, object] | None = None,
        retry_class: RetryClass | None = None,
        chargeable: bool = False,
        sink: Sink | None = None,
        watch: Stopwatch | None = None,
    ) -> Call:
        """Return a call that is ready to be made.

        Args:
            method: the HTTP method.
            path: a path template.
            target: path and query, if they are known; None to fill the template.
            query: parameters of the query.
            body: fields of the JSON body.
            content: the encoded body, instead of `body`.
            ids: values of the placeholders.
            retry_class: the effect of repeating the request; None to derive it from the method.
            chargeable: whether the call may cost money.
            sink: receives the body of a 200.
            watch: the stopwatch of a call that has already begun.

        Raises:
            ArgumentError: an argument cannot be sent.
            ClientStateError: the client is closed, or used in another event loop or process.
        """
        self.context.lifecycle.check()
        options = self.options
        if target is None:
            query = merge("extra_query", query, options.extra_query)
            target = with_query(fill(path, ids or {}), query)
            path = without_ids(path)
        else:
            target = with_missing(target, options.extra_query)
        if method in _WITH_BODY and not content:
            body = merge("extra_body", body, options.extra_body)
        if retry_class is None:
            retry_class = "unsafe" if chargeable else _RETRY_CLASSES.get(method, "unsafe")
        return Call(
            self.context,
            options,
            method=method,
            path=path,
            target=target,
            content=content if body is None else _encode(body),
            retry_class=retry_class,
            chargeable=chargeable,
            sink=sink,
            watch=watch,
        )

    def _with_interval(self, kind: OperationKind) -> OperationKind:
        interval = self.options.interval
        if interval is None:
            return kind
        return attrs.evolve(kind, interval=interval, has_custom_interval=True)

    async def _task(
        self, method: str, call: Call, response: Response, into: type[T]
    ) -> Operation[T]:
        """Return the operation that a 202 announces; for another response, one that is done."""
        from sikoia_async.operations.kinds import TASK  # noqa: PLC0415 - `start` has loaded it
        from sikoia_async.operations.operation import Progress, new_operation  # noqa: PLC0415

        target = call.target

        async def progress(call: Call, response: Response) -> Progress[T]:
            nonlocal target
            if response.status != HTTPStatus.ACCEPTED:
                value = await call.decode(response, into)
                return Progress(done=True, value=value, correlation_id=call.received_id)
            target = call.location(response) or target
            wait = retry_after(response)
            return Progress(done=False, retry_after=wait, correlation_id=call.received_id)

        async def poll(polls: int) -> Progress[T]:
            call = self.poll(polls).new_call("GET", path, target=target)
            try:
                with call.observed:
                    return await progress(call, await call.answer())
            except ResourceNotFoundError as error:
                # A deletion that Sikoia accepted has ended; a gateway's 404 has no type.
                if method != "DELETE" or error.type is None:
                    raise
                return Progress(done=True, correlation_id=error.correlation_id)

        path, registry = call.path, self.context.registry
        kind = self._with_interval(TASK)
        first = await progress(call, response)
        return registry.add(new_operation(poll, first, kind=kind, registry=registry))


def validate_request(
    method: object,
    path: object,
    into: type[Any],
    *,
    query: object,
    body: object,
    chargeable: bool | None,
) -> tuple[str, str]:
    """Return method and path that a caller gives for an operation without a method here.

    Raises:
        ArgumentError: the method, the path, the type, or another argument cannot be used.
    """
    if not isinstance(method, str) or plain_string(method) not in _METHODS:
        msg = f"method: expected one of {', '.join(sorted(_METHODS))}"
        raise ArgumentError(msg)
    valid = validate_path(path)
    validate_mapping("query", query)
    validate_mapping("body", body)
    validate_flags(chargeable=chargeable)
    from sikoia_async._codec.decoder import check_into  # noqa: PLC0415 - loaded with the first call

    check_into(into)
    return plain_string(method), valid


def _encode(body: Mapping[str, Any]) -> bytes:
    if body and all(value is None for value in body.values()):
        msg = f"nothing to send: expected at least one of {', '.join(body)}"
        raise ArgumentError(msg)
    from sikoia_async._codec.encoder import dumps  # noqa: PLC0415 - loaded with the first body

    return dumps(body)
