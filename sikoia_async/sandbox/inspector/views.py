"""The data of the page: the newest records of each kind, and counts of all of them."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from http.client import responses
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from sikoia_async.sandbox.app import App
from sikoia_async.sandbox.clock import Clock
from sikoia_async.sandbox.deliveries.queue import Deliveries
from sikoia_async.sandbox.faults.catalogue import NAMED, NAMED_DELIVERIES, NamedFault
from sikoia_async.sandbox.faults.plan import EVERY, PlannedFault
from sikoia_async.sandbox.jobs import job
from sikoia_async.sandbox.ledger.ledger import Ledger
from sikoia_async.sandbox.ledger.recorded_request import Headers, RecordedRequest
from sikoia_async.sandbox.state import Record, State

__all__ = ["choices", "ledger_of", "request_in_full", "scenarios_of", "state_of"]

_REQUESTS = 300
_ROWS = 200
_NAMES = 8
"""How many companies and persons of a case are listed."""
_MAX_BODY = 20_000
"""How many bytes of a body are shown."""


def state_of(app: App) -> Record:
    """Return everything that the page shows, the newest records of each kind first."""
    app.deliveries.queue_events()
    return {
        "url": app.application.resource,
        "clock": _clock(app.clock),
        "requests": _requests(app.ledger),
        "work": _work(app.state),
        "cases": _cases(app.state),
        "webhooks": [_webhook(entry.record) for entry in app.state.store("webhooks")],
        "deliveries": _deliveries(app.deliveries, app.state),
        "faults": _faults(app),
    }


def choices(app: App) -> Record:
    """Return the options of the forms."""
    return {
        "operations": app.faults.operations,
        "events": app.deliveries.faults.events,
        "faults": _described(NAMED),
        "delivery_faults": _described(NAMED_DELIVERIES),
    }


def ledger_of(ledger: Ledger, since: int) -> Record:
    """Return the requests after the one with a number, oldest first, and what all cost."""
    return {
        "spend": ledger.spend,
        "requests": [
            {
                **_request(one),
                "path": one.path,
                "query": one.query,
                "operation": one.operation,
            }
            for one in ledger.since(since)
        ],
    }


def scenarios_of(app: App) -> Record:
    """Return all scenarios, those of the user first."""
    return {"scenarios": [{"name": one.name, "about": one.about} for one in app.scenarios]}


def request_in_full(ledger: Ledger, number: int) -> Record | None:
    """Return a request with the headers and bodies that the ledger has kept."""
    request, content = ledger.get(number), ledger.content(number)
    if request is None:
        return None
    shown = {**_request(request), "operation": request.operation}
    if content is None:
        return shown
    return {
        **shown,
        "request_headers": _lines(content.request_headers),
        "request_body": _readable(content.request_body),
        "response_headers": _lines(content.response_headers),
        "response_body": _readable(content.response_body),
    }


def _clock(clock: Clock) -> Record:
    return {"now": _moment(clock.now), "speed": clock.speed}


def _requests(ledger: Ledger) -> Record:
    newest = ledger[-_REQUESTS:][::-1]
    return {
        "count": len(ledger),
        "spend": ledger.spend,
        "rows": [_request(one) for one in newest],
    }


def _request(request: RecordedRequest) -> Record:
    query = f"?{request.query}" if request.query else ""
    return {
        "number": request.number,
        "moment": _moment(request.moment),
        "seconds": request.seconds,
        "method": request.method,
        "path": f"{request.path}{query}",
        "status": request.status,
        "outcome": _outcome(request),
        "has_failed": request.status is None or request.status >= HTTPStatus.BAD_REQUEST,
        "correlation_id": request.correlation_id,
        "sent_correlation_id": request.sent_correlation_id,
        "cost": request.cost,
        "fault": request.fault,
    }


def _outcome(request: RecordedRequest) -> str:
    """Return the outcome in words, so that the page does not rely on colour."""
    if request.status is not None:
        return f"{request.status} {responses.get(request.status, '')}".strip()
    return "in progress" if request.seconds is None else "no response"


def _work(state: State) -> Record:
    started = state.progress.started()
    newest = [job(state, *name) for name in started[-_ROWS:]][::-1]
    return {
        "count": len(started),
        "pending": len(state.progress.pending()),
        "rows": [
            {
                "kind": one.kind,
                "id": one.id,
                "entity_id": one.entity_id,
                "status": one.status,
                "is_pending": one.is_pending,
                "can_fail": one.can_fail,
                "started": _moment(one.started),
                "due": one.due and _moment(one.due),
            }
            for one in newest
        ],
    }


def _cases(state: State) -> Record:
    pending = Counter(
        state.store(kind).get(key).entity_id for kind, key in state.progress.pending()
    )
    return {
        "count": len(state.cases),
        "rows": [_case(case, pending) for case in islice(reversed(state.cases.values()), _ROWS)],
    }


def _case(case: Record, pending: Mapping[str, int]) -> Record:
    entities = [
        *({"id": one["company_id"], "name": one["company_name"]} for one in case["companies"]),
        *({"id": one["person_id"], "name": one["name"]} for one in case["persons"]),
    ]
    return {
        "id": case["case_id"],
        "name": case["name"],
        "type": case["case_type"],
        "stage": case["stage"],
        "changed": _moment(case["datetime_last_modified"]),
        "entities": entities[:_NAMES],
        "more": max(0, len(entities) - _NAMES),
        "pending": sum(
            pending.get(one, 0) for one in (case["case_id"], *(e["id"] for e in entities))
        ),
    }


def _webhook(webhook: Record) -> Record:
    return {
        "id": webhook["webhook_id"],
        "name": webhook["webhook_name"],
        "url": _without_query(webhook["webhook_callback_url"]),
        "events": webhook["event_types"],
    }


def _deliveries(deliveries: Deliveries, state: State) -> Record:
    log = list(state.store("webhook_requests"))
    return {
        "count": len(log),
        "held": deliveries.held_count,
        "rows": [
            {
                "id": entry.record["request_id"],
                "webhook_id": entry.entity_id,
                "event": entry.record["event_type"],
                "url": _without_query(entry.record["webhook_callback_url"]),
                "status": entry.record["webhook_event_status"],
                "delivered": entry.record["datetime_created"],
                "statuses": [
                    attempt["http_response_code"] for attempt in entry.record["request_attempts"]
                ],
            }
            for entry in log[: -_ROWS - 1 : -1]
        ],
    }


def _faults(app: App) -> Record:
    requests, deliveries = app.faults, app.deliveries.faults
    return {
        "planned": [
            *(_planned(fault, "every request") for fault in requests.planned[:_ROWS]),
            *(_planned(fault, "every event") for fault in deliveries.planned[:_ROWS]),
        ],
        "triggered": [
            {"subject": subject, "effect": effect}
            for subject, effect in (*requests.triggered[-_ROWS:], *deliveries.triggered[-_ROWS:])
        ],
    }


def _planned(fault: PlannedFault, every: str) -> Record:
    defaults = {"nth": 1, "times": 1, "after": 0}
    conditions = [
        f"{name}={value}"
        for name, default in defaults.items()
        if (value := getattr(fault, name)) != default
    ]
    return {
        "subject": every if fault.subject == EVERY else fault.subject,
        "effect": ", ".join([fault.effect, *conditions]),
    }


def _described(table: Mapping[str, NamedFault]) -> list[Record]:
    return [{"name": name, "description": fault.description} for name, fault in table.items()]


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _without_query(url: str) -> str:
    """Return a URL without its query, which may contain a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _lines(headers: Headers) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers)


def _readable(body: bytes) -> Any:
    shown = body[:_MAX_BODY].decode(errors="replace")
    left = len(body) - _MAX_BODY
    return f"{shown}\n… and {left} more bytes" if left > 0 else shown
