"""The exporters of OpenTelemetry: OTLP to a collector on loopback, and Prometheus."""

import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import start_http_server
from scripted import Reply, scripted

from sikoia_async import Entity
from sikoia_async.integrations.opentelemetry import Telemetry

pytestmark = [
    pytest.mark.anyio,
    # Only one event loop, because exporters have threads of their own.
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, body))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as above
        """Log nothing."""


@pytest.fixture
def collector() -> Generator[ThreadingHTTPServer]:
    """Run a server that keeps what it receives."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.received = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_collector_receives_spans_and_metrics(collector: ThreadingHTTPServer) -> None:
    """Of the call, of its attempt, and of the access token."""
    url = f"http://127.0.0.1:{collector.server_address[1]}"
    tracers, exporter = TracerProvider(), OTLPSpanExporter(f"{url}/v1/traces")
    tracers.add_span_processor(BatchSpanProcessor(exporter))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{url}/v1/metrics"))
    meters = MeterProvider([reader])
    with scripted() as server:
        server.respond_with(Reply(200, []))
        async with server.client(observers=[Telemetry(tracers, meters)]) as sikoia:
            await sikoia.users.list()
    tracers.shutdown()
    meters.shutdown()

    bodies: dict[str, bytes] = dict(collector.received)  # type: ignore[attr-defined]
    [traces] = ExportTraceServiceRequest.FromString(bodies["/v1/traces"]).resource_spans
    [metrics] = ExportMetricsServiceRequest.FromString(bodies["/v1/metrics"]).resource_metrics
    [spans], [measured] = traces.scope_spans, metrics.scope_metrics
    assert spans.scope.name == measured.scope.name == "sikoia_async"
    assert {one.name for one in spans.spans} == {
        "sikoia.users.list",
        "GET /v2/users",
        "sikoia.access_token",
        "POST /token",
    }
    assert "http.client.request.duration" in {one.name for one in measured.metrics}


async def test_prometheus_scrapes_the_metrics() -> None:
    """By the names that the documentation has."""
    meters = MeterProvider([PrometheusMetricReader()])
    exposed, thread = start_http_server(port=0, addr="127.0.0.1")
    try:
        with scripted() as server:
            server.respond_with(Reply(200, {"request_id": "canary", "status": "Complete"}))
            async with server.client(observers=[Telemetry(meter_provider=meters)]) as sikoia:
                await sikoia.income.request(Entity("person", "canary"))
        async with httpx.AsyncClient() as http:
            scraped = (await http.get(f"http://127.0.0.1:{exposed.server_port}/metrics")).text
    finally:
        exposed.shutdown()
        exposed.server_close()
        thread.join()
        meters.shutdown()

    requests = [one for one in scraped.splitlines() if "request_duration_seconds_bucket" in one]
    assert any('url_template="/v2/income-employer"' in one for one in requests)
    for name in (
        "sikoia_call_duration_seconds_count",
        "sikoia_purchases_total",
        "sikoia_rate_limit_quota_left",
        "sikoia_operations_active",
    ):
        assert f"\n{name}{{" in scraped
    assert "canary" not in scraped
