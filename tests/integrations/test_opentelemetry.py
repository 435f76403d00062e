"""Spans and metrics for OpenTelemetry, as the SDK exports them."""

import json
import logging
from collections.abc import Generator
from importlib import import_module
from typing import Any, Final

import anyio
import httpx
import pytest
from faults import TOKEN, client
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.propagators import textmap
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.semconv import attributes as stable
from opentelemetry.semconv.attributes import (
    error_attributes,
    http_attributes,
    network_attributes,
    server_attributes,
)
from opentelemetry.semconv.metrics import http_metrics
from opentelemetry.trace import SpanKind, StatusCode, TraceFlags
from scripted import Reply, Scripted, scripted
from telemetry import Recorded, attributes, context_of

from sikoia_async import Quota, Router, Sikoia, WebhookHandlerError, correlation_id, local
from sikoia_async.errors import ConnectionFailedError, RateLimitError, ResourceNotFoundError
from sikoia_async.integrations.opentelemetry import Telemetry
from sikoia_async.models import Entity
from sikoia_async.observers import ConnectionReplaced, StoreBack, StoreLost
from sikoia_async.webhooks import parse, sign

pytestmark = pytest.mark.anyio

_ORIGIN: Final = "https://127.0.0.1:8400"
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpclientrequestduration"""
_CANARY: Final = "canary-7f3e"
_KEY: Final = "0123456789abcdef0123456789abcdef"
_EVENT: Final = "IncomeEmployerInsights.Completed"


def _template() -> str:
    """Return the name of `url.template`, which conventions of 2025 still called experimental."""
    module = import_module("opentelemetry.semconv._incubating.attributes.url_attributes")
    name: str = module.URL_TEMPLATE
    return name


def _client(recorded: Recorded, *replies: httpx.Response | Exception, **options: Any) -> Sikoia:
    """Return a client whose requests get these responses in turn."""
    remaining = list(replies)

    def respond(_: httpx.Request) -> httpx.Response:
        reply = remaining.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    transport = httpx.MockTransport(respond)
    return client(_ORIGIN, transport=transport, observers=[recorded.telemetry], **options)


@pytest.fixture
def server() -> Generator[Scripted]:
    """Run a server that responds with an empty list."""
    with scripted() as running:
        running.respond_with(Reply(200, []))
        yield running


async def test_a_call_is_a_span_with_one_for_each_attempt(server: Scripted) -> None:
    """So is the request for an access token, inside the call that needs it."""
    recorded = Recorded()
    server.respond_with(
        Reply(503, headers={"Retry-After": "0"}),
        Reply(200, {"case_id": _CANARY}, {"X-Correlation-Id": "theirs"}),
    )
    async with server.client(observers=[recorded.telemetry], retries=1) as sikoia:
        with correlation_id("ours"):
            await sikoia.cases.retrieve(_CANARY)

    assert recorded.names == [
        "sikoia.cases.retrieve",
        "sikoia.access_token",
        "POST /token",
        "GET /v2/cases/{case_id}",
        "GET /v2/cases/{case_id}",
    ]
    call, token, grant, first, second = recorded.spans
    assert [recorded.parent_of(one) for one in recorded.spans] == [
        None,
        "sikoia.cases.retrieve",
        "sikoia.access_token",
        "sikoia.cases.retrieve",
        "sikoia.cases.retrieve",
    ]
    assert {one.kind for one in recorded.spans} == {SpanKind.CLIENT}
    port = int(server.url.rpartition(":")[2])
    where = {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.template": "/v2/cases/{case_id}",
        "sikoia.correlation_id": "theirs",
        "http.response.status_code": 200,
        "http.request.resend_count": 1,
    }
    assert attributes(second) == where | {"network.protocol.version": "1.1"}
    assert attributes(call) == where | {
        "sikoia.operation": "cases.retrieve",
        "sikoia.chargeable": False,
    }
    assert attributes(first)["error.type"] == "503"
    assert "http.request.resend_count" not in attributes(first)
    assert first.status.status_code is StatusCode.ERROR
    assert call.status.status_code is second.status.status_code is StatusCode.UNSET
    assert attributes(token)["url.template"] == attributes(grant)["url.template"] == "/token"
    for secret in (_CANARY, "a-secret", "an-id", "token-1"):
        assert secret not in recorded.text


async def test_the_names_are_those_of_the_conventions(server: Scripted) -> None:
    """All that do not begin with `sikoia.`; and so are the buckets."""
    recorded = Recorded()
    server.respond_with(Reply(503, headers={"Retry-After": "0"}), Reply(200, []))
    async with server.client(observers=[recorded.telemetry], retries=1) as sikoia:
        await sikoia.users.list()

    known = {
        value
        for module in (error_attributes, http_attributes, network_attributes, server_attributes)
        for name, value in vars(module).items()
        if name.isupper()
    }
    assert stable.__name__ == "opentelemetry.semconv.attributes"
    used = {name for span in recorded.spans for name in attributes(span)}
    points = recorded.metrics[http_metrics.HTTP_CLIENT_REQUEST_DURATION].data.data_points
    used |= {name for point in points for name in point.attributes}
    assert {name for name in used if not name.startswith("sikoia.")} <= known | {_template()}
    assert not [name for name in used if name in {"url.full", "url.path", "url.query"}]
    assert {tuple(point.explicit_bounds) for point in points} == {_BUCKETS}
    assert recorded.metrics[http_metrics.HTTP_CLIENT_REQUEST_DURATION].unit == "s"
    named = {name for name in recorded.metrics if not name.startswith("sikoia.")}
    assert named == {http_metrics.HTTP_CLIENT_REQUEST_DURATION}


async def test_sikoia_gets_the_trace_but_no_baggage(server: Scripted) -> None:
    """The parent that it sees is the attempt. The authorization server gets nothing."""
    recorded = Recorded()
    token = context.attach(baggage.set_baggage("customer", _CANARY))
    try:
        async with server.client(observers=[recorded.telemetry]) as sikoia:
            await sikoia.users.list()
    finally:
        context.detach(token)

    [request] = server.requests
    span = context_of(recorded.span("GET /v2/users"))
    version, trace_id, span_id, flags = request.headers["traceparent"].split("-")
    assert (version, trace_id, span_id) == (
        "00",
        f"{span.trace_id:032x}",
        f"{span.span_id:016x}",
    )
    assert TraceFlags(int(flags, 16)).sampled
    assert "baggage" not in request.headers
    assert _CANARY not in str(request.headers)


class _Spans(logging.Handler):
    """Notes the span that is the current one for each record."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        span: Any = trace.get_current_span()
        self.seen.append(f"{record.levelname} {span.name}")


async def test_log_records_belong_to_the_span_of_their_call(
    server: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    """So does what hooks of the application do."""
    recorded, handler, hooked = Recorded(), _Spans(), list[str]()
    log = logging.getLogger("sikoia_async")
    caplog.set_level(logging.INFO, log.name)
    server.respond_with(Reply(503, headers={"Retry-After": "0"}), Reply(200, []))

    def on_request(_: object) -> None:
        span: Any = trace.get_current_span()
        hooked.append(span.name)

    log.addHandler(handler)
    try:
        async with server.client(
            observers=[recorded.telemetry], retries=1, on_request=on_request
        ) as sikoia:
            await sikoia.users.list()
    finally:
        log.removeHandler(handler)

    assert handler.seen == ["INFO sikoia.users.list"]
    assert hooked == ["sikoia.users.list"] * 2


class _Custom(TextMapPropagator):
    def inject(
        self, carrier: Any, context: Any = None, setter: Any = textmap.default_setter
    ) -> None:
        span = trace.get_current_span(context).get_span_context()
        setter.set(carrier, "X-Trace", str(span.span_id))

    def extract(self, carrier: Any, context: Any = None, getter: Any = None) -> Any:
        raise NotImplementedError

    @property
    def fields(self) -> set[str]:
        return {"X-Trace"}


async def test_a_propagator_of_your_own_writes_the_headers(server: Scripted) -> None:
    """Instead of the global one."""
    recorded = Recorded()
    telemetry = Telemetry(recorded.tracers, recorded.meters, propagator=_Custom())
    async with server.client(observers=[telemetry]) as sikoia:
        await sikoia.users.list()

    [request] = server.requests
    assert request.headers["x-trace"] == str(context_of(recorded.span("GET /v2/users")).span_id)
    assert "traceparent" not in request.headers


async def test_instrumentation_of_httpx_records_nothing_underneath(server: Scripted) -> None:
    """Neither calls nor access tokens; requests of your own, in `token=` or elsewhere, are seen."""
    recorded, theirs = Recorded(), Recorded()
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=theirs.tracers, meter_provider=theirs.meters)
    try:
        async with httpx.AsyncClient(verify=server.tls) as own:
            await own.get(f"{server.url}/own")

            async def token() -> str:
                return str((await own.post(f"{server.url}/token")).json()["access_token"])

            async with server.client(observers=[recorded.telemetry]) as sikoia:
                await sikoia.users.list()
            environment = local(server.url)
            async with Sikoia(
                token=token, environment=environment, tls=server.tls, observers=[recorded.telemetry]
            ) as sikoia:
                await sikoia.users.list()
            await own.get(f"{server.url}/own")
    finally:
        instrumentor.uninstrument()

    assert theirs.names == ["GET", "POST", "GET"]
    assert recorded.names.count("GET /v2/users") == 2
    assert [sum(theirs.points(name).values()) for name in theirs.metrics] in ([], [3])
    assert sum(one.startswith("sikoia.") for one in recorded.names) == 3


async def test_concurrent_calls_keep_their_parents(server: Scripted) -> None:
    """Fifty at once, each in a span of the application; afterwards that is the current one."""
    recorded = Recorded()
    tracer = recorded.tracers.get_tracer("app")

    async def work(sikoia: Sikoia, number: int) -> None:
        with tracer.start_as_current_span(f"app-{number}") as own:
            await anyio.lowlevel.checkpoint()
            await sikoia.users.list()
            assert trace.get_current_span() is own

    async with (
        server.client(observers=[recorded.telemetry]) as sikoia,
        anyio.create_task_group() as tasks,
    ):
        for number in range(50):
            tasks.start_soon(work, sikoia, number)

    calls = [one for one in recorded.spans if one.name == "sikoia.users.list"]
    assert sorted(filter(None, map(recorded.parent_of, calls))) == sorted(
        f"app-{number}" for number in range(50)
    )
    by_id = {context_of(one).span_id: one for one in recorded.spans}
    attempts = [one for one in recorded.spans if one.name == "GET /v2/users"]
    owners = [by_id[one.parent.span_id] for one in attempts if one.parent]
    assert {context_of(one).span_id for one in owners} == {context_of(one).span_id for one in calls}
    traces = {f"{context_of(one).trace_id:032x}" for one in calls}
    assert {one.headers["traceparent"].split("-")[1] for one in server.requests} == traces
    assert len(traces) == 50
    assert trace.get_current_span() is trace.INVALID_SPAN


@pytest.mark.virtual_time
async def test_errors_are_recorded() -> None:
    """By class for a call, by status or how far it got for an attempt, with a reason of ours."""
    recorded = Recorded()
    replies = (httpx.Response(404, json={"detail": _CANARY}), httpx.ConnectError(_CANARY))
    async with _client(recorded, *replies) as sikoia:
        with pytest.raises(ResourceNotFoundError):
            await sikoia.cases.retrieve(_CANARY)
        with pytest.raises(ConnectionFailedError):
            await sikoia.cases.retrieve(_CANARY)

    missing, attempt, failed, unsent = recorded.spans
    assert attributes(missing)["error.type"] == "ResourceNotFoundError"
    assert attributes(missing)["http.response.status_code"] == 404
    assert attributes(attempt)["error.type"] == "404"
    assert attributes(failed)["error.type"] == "ConnectionFailedError"
    assert attributes(unsent)["error.type"] == "sent"
    assert unsent.status.description
    assert {one.status.status_code for one in recorded.spans} == {StatusCode.ERROR}
    assert _CANARY not in recorded.text
    assert not [event for one in recorded.spans for event in one.events]


@pytest.mark.virtual_time
async def test_a_deletion_that_was_repeated_is_no_error() -> None:
    """Its call returns, although the last response is a 404."""
    recorded = Recorded()
    missing = {"type": "https://example/not-found", "title": "Not Found", "status": 404}
    replies = (httpx.Response(503), httpx.Response(404, json=missing))
    async with _client(recorded, *replies, retries=1, timeout=60) as sikoia:
        await sikoia.cases.delete("c-1")

    span = recorded.span("sikoia.cases.delete")
    assert span.status.status_code is StatusCode.UNSET
    assert "error.type" not in attributes(span)


@pytest.mark.virtual_time
async def test_waits_pauses_and_purchases_are_recorded() -> None:
    """As events and attributes of the call's span, and as metrics."""
    recorded = Recorded()
    bought = httpx.Response(200, json={"request_id": "r-1", "status": "Complete"})
    replies = (
        bought,
        httpx.Response(200, json=[]),
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.ReadError(""),
    )
    async with _client(recorded, *replies, quota=Quota(1, per=10), timeout=50) as sikoia:
        await sikoia.income.request(Entity("person", _CANARY))
        await sikoia.users.list()
        with pytest.raises(RateLimitError):
            await sikoia.users.list()
        with pytest.raises(ConnectionFailedError):
            await sikoia.income.request(Entity("person", _CANARY))

    purchase, doubtful = (one for one in recorded.spans if one.name == "sikoia.income.request")
    assert attributes(purchase)["sikoia.purchase"] == "certain"
    assert attributes(purchase)["sikoia.chargeable"] is True
    assert attributes(doubtful)["sikoia.purchase"] == "in doubt"
    waited, paused = (one for one in recorded.spans if one.name == "sikoia.users.list")
    [wait] = waited.events
    assert wait.name == "sikoia.rate_limit.wait"
    assert dict(wait.attributes or {})["sikoia.seconds"] == pytest.approx(10, abs=0.1)
    assert [one.name for one in paused.events] == [
        "sikoia.rate_limit.wait",
        "sikoia.rate_limit.pause",
    ]
    assert recorded.points("sikoia.purchases") == {
        ("income.request", "certain"): 1,
        ("income.request", "in doubt"): 1,
    }
    assert recorded.points("sikoia.rate_limit.wait.duration") == {("interactive",): 3}
    assert recorded.points("sikoia.rate_limit.pauses") == {("users.list",): 1}
    assert list(recorded.points("sikoia.rate_limit.quota_left")) == [("127.0.0.1",)]
    assert recorded.points("sikoia.call.duration")["users.list",] == 1
    assert recorded.points("sikoia.call.duration")["users.list", "RateLimitError"] == 1
    assert _CANARY not in recorded.text


def _insights(status: str) -> httpx.Response:
    return httpx.Response(200, json={"request_id": _CANARY, "status": status})


def _linked(span: ReadableSpan) -> dict[str, int]:
    """Return the spans that a span is linked to, by what they are to it."""
    return {
        str((link.attributes or {})["sikoia.link"]): link.context.span_id for link in span.links
    }


@pytest.mark.virtual_time
async def test_polls_are_linked_to_the_request_that_started_the_operation() -> None:
    """The operation's span lasts from its request to its result."""
    recorded = Recorded()
    replies = (_insights("Pending"), httpx.Response(503), _insights("Complete"))
    tracer = recorded.tracers.get_tracer("app")
    async with _client(recorded, *replies) as sikoia:
        operation = await sikoia.income.request(Entity("person", _CANARY))
        assert recorded.points("sikoia.operations.active") == {("income",): 1}
        with tracer.start_as_current_span("app"):
            await operation.wait(3600)

    request = context_of(recorded.span("sikoia.income.request")).span_id
    whole = recorded.span("sikoia.operation.income")
    assert _linked(whole) == {"request": request}
    assert attributes(whole) == {
        "sikoia.operation.kind": "income",
        "sikoia.operation.outcome": "done",
        "sikoia.polls": 2,
    }
    polls = [one for one in recorded.spans if one.name == "sikoia.income.retrieve"]
    assert [attributes(one)["sikoia.polls"] for one in polls] == [0, 1]
    for poll in polls:
        assert _linked(poll) == {"request": request, "operation": context_of(whole).span_id}
        assert recorded.parent_of(poll) == "app"
    assert recorded.points("sikoia.operations.active") == {("income",): 0}
    assert recorded.points("sikoia.operation.duration") == {("income", "done"): 1}
    assert _CANARY not in recorded.text


@pytest.mark.virtual_time
async def test_an_operation_that_was_resumed_has_no_request() -> None:
    """Its polls are linked to its own span, and a failure is an error."""
    recorded = Recorded()
    replies = (httpx.Response(200, json=[]), _insights("Failed"))
    async with _client(recorded, *replies) as sikoia:
        await sikoia.users.list()
        await sikoia.income.operation("r-1").wait(10, raise_on_failure=False)

    whole = recorded.span("sikoia.operation.income")
    assert whole.links == ()
    assert whole.status.status_code is StatusCode.ERROR
    poll = recorded.span("sikoia.income.retrieve")
    assert _linked(poll) == {"operation": context_of(whole).span_id}


@pytest.mark.virtual_time
async def test_a_task_that_a_202_announces_is_linked_too() -> None:
    """Calls that this SDK has no method for have one name, and a template of their own."""
    recorded = Recorded()
    replies = (httpx.Response(202), httpx.Response(200, json={}))
    async with _client(recorded, *replies) as sikoia:
        await sikoia.request("POST", f"/v2/new/{_CANARY}", body={"a": 1})

    started, poll = (one for one in recorded.spans if one.name == "sikoia.request")
    assert attributes(started)["url.template"] == "/v2/new/{id}"
    assert attributes(started)["sikoia.operation"] == "POST /v2/new/{id}"
    assert _linked(poll)["request"] == context_of(started).span_id
    assert _CANARY not in recorded.text


@pytest.mark.virtual_time
async def test_a_download_has_no_template() -> None:
    """A link is a secret: its span names the host, and nothing else of it."""
    recorded = Recorded()
    async with _client(recorded, httpx.Response(200, content=b"file")) as sikoia:
        await sikoia.download(f"https://files.example/{_CANARY}?key={_CANARY}")

    assert recorded.names == ["sikoia.download", "GET"]
    assert attributes(recorded.span("GET"))["server.address"] == "files.example"
    assert attributes(recorded.span("GET"))["server.port"] == 443
    assert _CANARY not in recorded.text


@pytest.mark.virtual_time
async def test_webhook_deliveries_are_spans() -> None:
    """Calls of a handler belong to the delivery, and what the feed wakes is an event of it."""
    recorded = Recorded()
    replies = (httpx.Response(200, json=[]), _insights("Complete"))
    sikoia = _client(recorded, *replies)
    router = Router(_KEY, observers=[recorded.telemetry])

    @router.on(_EVENT)
    async def handle(event: Any) -> None:
        if "fail" in event.data:
            raise ValueError(_CANARY)
        await sikoia.users.list()

    async with sikoia:
        body = json.dumps({"event_type": _EVENT, "request_id": _CANARY}).encode()
        await router.receive(body, sign(body, _KEY), feed=sikoia.events.feed)
        with pytest.raises(WebhookHandlerError):
            await router.handle(parse(json.dumps({"event_type": _EVENT, "fail": 1}).encode()))
        with pytest.raises(Exception, match="signature"):
            await router.receive(body, "sha256=0")
        sikoia.events.feed(parse(body))

    handled, call, _, failed, refused = recorded.spans
    assert handled.name == failed.name == f"sikoia.webhook {_EVENT}"
    assert refused.name == "sikoia.webhook"
    assert recorded.parent_of(call) == handled.name
    assert attributes(handled) == {"sikoia.event_type": _EVENT, "sikoia.outcome": "handled"}
    assert [one.name for one in handled.events] == ["sikoia.event"]
    assert attributes(failed)["error.type"] == "WebhookHandlerError"
    assert attributes(refused) == {"error.type": "WebhookVerificationError"}
    assert recorded.points("sikoia.events") == {(_EVENT,): 2}
    assert set(recorded.points("sikoia.webhook.duration")) == {
        (_EVENT, "handled"),
        (_EVENT, "WebhookHandlerError"),
        ("WebhookVerificationError",),
    }
    assert _CANARY not in recorded.text


async def test_tokens_drift_retries_and_connections_are_counted(server: Scripted) -> None:
    """With the attributes that tell them apart."""
    recorded = Recorded()
    server.respond_with(
        Reply(503, headers={"Retry-After": "0"}),
        Reply(200, {"case_id": "c", "colour": 1}),
        Reply(200, b"{", {"Content-Encoding": "gzip"}),
    )
    async with server.client(observers=[recorded.telemetry], retries=1) as sikoia:
        await sikoia.cases.retrieve("c")
        with pytest.raises(Exception, match="cannot be"):
            await sikoia.cases.update("c", name="x")

    assert recorded.points("sikoia.token.renewals") == {("server",): 1}
    assert recorded.points("sikoia.drift") == {("Case.colour: unknown field",): 1}
    assert recorded.points("sikoia.call.retries") == {("cases.retrieve",): 1}


def test_outages_of_stores_are_counted() -> None:
    """A store that is back is no longer counted."""
    recorded = Recorded()
    for event in (
        StoreLost(store="token store"),
        StoreLost(store="quota store"),
        StoreBack(store="token store"),
        ConnectionReplaced(origin="https://api.example"),
    ):
        recorded.telemetry.observe(event)

    assert recorded.points("sikoia.stores.unavailable") == {
        ("token store",): 0,
        ("quota store",): 1,
    }
    assert recorded.points("sikoia.connections.replaced") == {("api.example",): 1}


async def test_without_sampling_nothing_is_exported(server: Scripted) -> None:
    """But the context is sent, with the flag that says so, and metrics count everything."""
    recorded = Recorded(ALWAYS_OFF)
    async with server.client(observers=[recorded.telemetry]) as sikoia:
        await sikoia.users.list()

    assert recorded.spans == []
    [request] = server.requests
    assert not TraceFlags(int(request.headers["traceparent"][-2:], 16)).sampled
    assert recorded.points("sikoia.call.duration") == {("access_token",): 1, ("users.list",): 1}


async def test_without_a_provider_nothing_happens(server: Scripted) -> None:
    """Calls go on, and send no context."""
    async with server.client(observers=[Telemetry()]) as sikoia:
        await sikoia.users.list()

    [request] = server.requests
    assert "traceparent" not in request.headers
    assert request.headers["authorization"].startswith("Bearer ")
    assert TOKEN not in str(request.headers)
