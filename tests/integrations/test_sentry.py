"""The scrubber for Sentry, with the real `sentry_sdk` and its integrations in a process apart."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from sikoia_async import Entity, Sikoia, types
from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import reachable, shape_of
from sikoia_async.environments import local
from sikoia_async.integrations import sentry
from sikoia_async.integrations._personal_names import PERSONAL_NAMES
from sikoia_async.models import Model
from sikoia_async.sandbox import Sandbox
from sikoia_async.stores.account import account_key
from sikoia_async.testing.cassettes.operations import OPERATIONS
from sikoia_async.webhooks import SIGNATURE_HEADER

_CHILD = Path(__file__).parent / "sentry_child.py"
ID = "01951375-0000-7000-8000-000000000000"
HOME = "https://127.0.0.1:8400"


def scrub(event: Any) -> Any:
    """Scrub an event, which may have any shape."""
    return sentry.scrub(event)


@pytest.fixture(scope="module")
def reported() -> dict[str, Any]:
    """Return what a program that fails in all ways reports."""
    pytest.importorskip("sentry_sdk")
    ran = subprocess.run(
        [sys.executable, str(_CHILD)],
        env={"PYTHONPATH": str(_CHILD.parents[1]), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return result


def test_every_failure_is_reported(reported: dict[str, Any]) -> None:
    """Sikoia's errors, no response, a wrong one, a cancellation, failures of the application."""
    assert reported["failures"] == [
        *("server_error: ServerError", "rate_limited: RateLimitError"),
        *("other_shape: UnexpectedResponseError", "lost: ConnectionFailedError"),
        *("too_slow: DeadlineExceededError", "cancelled: TimeoutError"),
        *("operation: OperationFailedError", "defect: ZeroDivisionError", "hook: LookupError"),
        *("store: QuotaStoreError", "link: LinkExpiredError", "not_found: InvalidRequestError"),
        *("webhook: 500", "webhook: 500"),
    ]
    kinds = {
        one["type"]
        for event in map(json.loads, reported["sent"])
        for one in event.get("exception", {}).get("values", [])
    }
    assert {"WebhookHandlerError", "LookupError", "InvalidRequestError"} <= kinds


def test_no_event_has_personal_data_or_a_secret(reported: dict[str, Any]) -> None:
    """Neither names, ids, documents nor tokens, anywhere in an event; without it, some would."""
    events, raw = "".join(reported["sent"]), "".join(reported["raw"])

    assert len(reported["planted"]) > 30
    for kind in ("planted", "ids", "secrets"):
        assert [value for value in reported[kind] if value in events] == []
    assert any(value in raw for value in reported["planted"])
    assert any(value in raw for value in reported["ids"])
    assert "/v2/cases/{case_id}" in events


def test_no_traceback_has_personal_data_or_a_secret(reported: dict[str, Any]) -> None:
    """Printed by Python or rich with local variables; models in them show ids alone."""
    printed = "".join(reported["tracebacks"])

    assert len(reported["tracebacks"]) > 20
    for kind in ("planted", "secrets"):
        assert [value for value in reported[kind] if value in printed] == []


@pytest.fixture
def _known() -> None:
    """Make the SDK know an origin."""
    Sikoia(token="no-calls-are-made", environment=local(HOME))


@pytest.mark.usefixtures("_known")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            f"GET {HOME}/v2/persons/{ID}/identity-verifications?a={ID} failed",
            f"GET {HOME}/v2/persons/{{person_id}}/identity-verifications failed",
        ),
        (f"{HOME}/gateway/{ID}/v2/cases/{ID}", f"{HOME}/gateway/{{id}}/v2/cases/{{case_id}}"),
        (f"'{HOME}/files/Wilma.pdf#page'", f"'{HOME}/***'"),
        (HOME, HOME),
        (f"{HOME}/", f"{HOME}/"),
        (f"https://other.example/v2/cases/{ID}?a=b", None),
        ("http://[broken/v2/cases", None),
    ],
    ids=["operation", "gateway", "file", "origin", "root", "another host", "no URL"],
)
def test_urls_of_the_sdk_become_templates(text: str, shown: str | None) -> None:
    """In breadcrumbs, and also if they are scrubbed a second time with the event."""
    crumb = {"message": text, "data": {"url": text, "http.query": "a=b", "http.fragment": ""}}

    once = scrub({"breadcrumbs": {"values": [scrub(dict(crumb))]}})["breadcrumbs"]["values"][0]

    assert once["message"] == (shown or text)
    is_ours = shown is not None and text.startswith(HOME)
    assert once["data"]["http.query"] == ("***" if is_ours else "a=b")
    assert once["data"]["http.fragment"] == ""


def test_what_is_written_to_redis_is_masked() -> None:
    """Sentry's integration shows the arguments of commands, and so the access token."""
    key = f"sikoia:{{{account_key(local(HOME), 'an-id')}}}:token"
    crumb = scrub({"category": "redis", "message": f"EVALSHA 'abc' 1 '{key}' 'a-token' 3600"})

    assert crumb["message"] == "EVALSHA ***"


def test_ids_in_the_reprs_of_models_are_masked() -> None:
    """A correlation id is not an id of a person."""
    values = {
        "one": repr(Entity("person", ID)),
        "call": f"CallInfo(correlation_id='{ID}', case_id=\"{ID[:9]}",
        "theirs": f"Order(person_id='{ID}')",
    }
    event = {"stacktrace": {"frames": [{"module": "app", "vars": values}]}}

    assert scrub(event)["stacktrace"]["frames"][0]["vars"] == {
        "one": "Entity(type='person', id='***')",
        "call": f"CallInfo(correlation_id='{ID}', case_id='***'",
        "theirs": f"Order(person_id='{ID}')",
    }


def test_frames_of_the_sdk_lose_their_variables() -> None:
    """And those of libraries that it calls; others keep them, without values of the API's names."""

    def frame(module: str | None) -> dict[str, Any]:
        body = """b'{"first_name": "Wilma", "stage": "New", "city": 7}'"""
        return {"module": module, "vars": {"first_name": "Wilma", "count": 3, "body": body}}

    names = ["httpx.a", "app.main", None, "sikoia_async._client", "httpx.a", "app.hook"]
    frames = [*map(frame, names), {"module": "app.hook"}]
    event = scrub(
        {"threads": {"values": [{"stacktrace": {"frames": frames}}, {}]}, "exception": []}
    )

    found = [one.get("vars") for one in event["threads"]["values"][0]["stacktrace"]["frames"]]
    shown = {
        "first_name": "***",
        "count": 3,
        "body": """b'{"first_name": '***', "stage": "New", "city": '***'}'""",
    }
    assert found == [None, shown, shown, None, None, shown, None]


@pytest.mark.usefixtures("_known")
@pytest.mark.parametrize(
    ("request_", "data"),
    [
        ({"data": {"first_name": "Wilma", "loan": 1}}, {"first_name": "***", "loan": 1}),
        (
            {"data": '{"persons": [{"last_name": "W"}], "a": 1}'},
            '{"persons": [{"last_name": "***"}], "a": 1}',
        ),
        ({"data": "a=b"}, "a=b"),
        ({"data": "{}", "headers": {SIGNATURE_HEADER.lower(): "a"}}, "***"),
        ({"url": f"{HOME}/v2/cases", "query_string": "keyword=W"}, "***"),
        ({"url": "https://app.example/", "headers": {"a": "b"}}, None),
    ],
    ids=["object", "JSON", "text", "webhook", "local Sikoia", "none"],
)
def test_bodies_of_requests_to_the_application_are_masked(
    request_: dict[str, Any], data: object
) -> None:
    """By the names of the API; webhook deliveries, and requests to a local Sikoia, as a whole."""
    scrubbed = scrub({"request": request_})["request"]

    assert scrubbed.get("data") == data
    assert scrubbed.get("query_string") in {None, "***"}


def test_the_documented_program_runs() -> None:
    """Without a DSN, nothing is sent."""
    pytest.importorskip("sentry_sdk")
    page = (_CHILD.parents[2] / "docs" / "pages" / "sentry.md").read_text("utf-8")
    program = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[0]
    with Sandbox() as sandbox:
        ran = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **sandbox.variables},
            capture_output=True,
            text=True,
            check=True,
        )
        assert (ran.stdout, ran.stderr) == ("", "")
        assert [one.operation for one in sandbox.ledger][-1] == "GET /v2/users"


def test_the_names_of_personal_fields_are_known() -> None:
    """Those that a model marks, and those of ids."""
    models: list[Any] = [getattr(types, name) for name in types.__all__]
    names = {
        field.name
        for model in models
        if isinstance(model, type) and issubclass(model, Model)
        for shape in reachable(shape_of(cast("Any", model)))
        if isinstance(shape, shapes.Object)
        for field in shape.fields
        if field.is_personal or field.name.endswith("_id")
    }
    parameters = {
        name
        for operation in OPERATIONS
        for name, one in operation.parameters.items()
        if one.is_personal
    }
    assert names <= PERSONAL_NAMES
    assert PERSONAL_NAMES - names <= parameters
