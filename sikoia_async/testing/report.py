"""The section about the local Sikoia in the report of a failed test, with which to reproduce it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sikoia_async._logging import is_correlation_id, without_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sikoia_async.sandbox import Sandbox
    from sikoia_async.sandbox.ledger.recorded_request import RecordedRequest
    from sikoia_async.sandbox.state import Record
    from sikoia_async.testing.marker import SandboxSpec

__all__ = ["report_of"]

_REQUESTS_SHOWN: Final = 20
"""The latest requests."""
_MAX_LENGTH: Final = 1000
"""Characters per line."""


def report_of(spec: SandboxSpec, sandbox: Sandbox) -> str:
    """Return the marker, the faults and the latest requests and deliveries of a local Sikoia.

    The report has code that plans the same faults again. It shows no personal data of requests: no
    ids except correlation ids, no queries and no bodies.
    """
    return "\n".join(_lines(spec, sandbox))


def _lines(spec: SandboxSpec, sandbox: Sandbox) -> Iterator[str]:
    tls = ", tls=True" if spec.tls else ""
    yield f"to reproduce: @pytest.mark.sikoia(seed={spec.seed}{tls})"
    yield from _faults(sandbox)
    yield from (_request(one) for one in sandbox.ledger[-_REQUESTS_SHOWN:])
    log = [one.record for one in sandbox.state.store("webhook_requests")]
    yield from (_delivery(one) for one in log[-_REQUESTS_SHOWN:])


def _faults(sandbox: Sandbox) -> Iterator[str]:
    plans = (("fault", sandbox.faults), ("delivery fault", sandbox.deliveries.faults))
    for name, plan in plans:
        for subject, effect in plan.triggered:
            yield f"{name} triggered: {_shown(subject)}: {effect}"
        for planned in plan.planned:
            yield f"{name} not triggered yet: {_shown(planned.subject)}: {planned.effect}"
    scripts = [line for _, plan in plans for line in plan.script().splitlines()]
    if scripts:
        yield "to plan the same faults:"
        yield from (_cut(line) for line in scripts)


def _cut(line: str) -> str:
    """Shorten a line, because a fault may have a long body."""
    return (
        line
        if len(line) <= _MAX_LENGTH
        else f"{line[:_MAX_LENGTH]}… (complete in script() of the plan)"
    )


def _request(request: RecordedRequest) -> str:
    status = "no response" if request.status is None else request.status
    sent = request.sent_correlation_id or "none"
    shown = sent if is_correlation_id(sent) else "not shown"
    return f"{request.method} {without_ids(request.path)}: {status} (correlation id {shown})"


def _delivery(request: Record) -> str:
    codes = [one["http_response_code"] for one in request["request_attempts"]]
    attempts = ", ".join(str(one) if one else "no response" for one in codes)
    return f"webhook {request['event_type']}: {attempts or 'not sent: await until_settled()'}"


def _shown(operation: str) -> str:
    """Return the subject of a fault without ids. It may be a path instead of an operation."""
    method, space, path = operation.partition(" ")
    return method + space + without_ids(path)
