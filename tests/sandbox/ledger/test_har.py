"""The HTTP archive of the ledger: complete, valid HAR 1.2, and without secrets."""

import json
import os
import ssl
import stat
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.conftest import credentials

from sikoia_async.sandbox import Credentials, Sandbox, create_app
from sikoia_async.sandbox.ledger.har import to_har, write_har
from sikoia_async.sandbox.ledger.recorded_request import Content, RecordedRequest
from sikoia_async.testing import MemorySandbox

Json = list[Any] | dict[str, Any] | str | float | None
Schema = list[Any] | dict[str, Any] | type | tuple[type, ...]

MOMENT = datetime.fromisoformat("2026-03-04T05:06:07.890+00:00")
PAIR = {"name": str, "value": str}
# The fields that HAR 1.2 requires, those that it allows, and our custom fields.
ENTRY: dict[str, Any] = {
    "startedDateTime": str,
    "time": (int, float),
    "request": {
        "method": str,
        "url": str,
        "httpVersion": str,
        "cookies": [PAIR],
        "headers": [PAIR],
        "queryString": [PAIR],
        "postData?": {"mimeType": str, "text": str, "_encoding?": str},
        "headersSize": int,
        "bodySize": int,
    },
    "response": {
        "status": int,
        "statusText": str,
        "httpVersion": str,
        "cookies": [PAIR],
        "headers": [PAIR],
        "content": {"size": int, "mimeType": str, "text?": str, "encoding?": str},
        "redirectURL": str,
        "headersSize": int,
        "bodySize": int,
    },
    "cache": {},
    "timings": {"send": (int, float), "wait": (int, float), "receive": (int, float)},
    "comment?": str,
    "_number": int,
    "_operation": (str, type(None)),
    "_cost": int,
    "_fault": (str, type(None)),
    "_sent_correlation_id": (str, type(None)),
    "_correlation_id": (str, type(None)),
}
HAR: dict[str, Any] = {
    "log": {
        "version": str,
        "creator": {"name": str, "version": str},
        "entries": [ENTRY],
        "comment": str,
    }
}


def problems(value: Json, schema: Schema, path: str = "") -> Iterator[str]:
    """Return what is wrong with an archive."""
    if isinstance(schema, list):
        yield from _list_problems(value, schema[0], path)
    elif isinstance(schema, dict):
        yield from _object_problems(value, schema, path)
    elif not isinstance(value, schema) or isinstance(value, bool):
        yield f"{path}: {type(value).__name__}"


def _list_problems(value: Json, schema: Schema, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: not a list"
        return
    for number, one in enumerate(value):
        yield from problems(one, schema, f"{path}[{number}]")


def _object_problems(value: Json, schema: dict[str, Any], path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: not an object"
        return
    names = {name.rstrip("?"): name for name in schema}
    yield from (f"{path}.{name}: unknown" for name in value.keys() - names.keys())
    for name, key in names.items():
        if name in value:
            yield from problems(value[name], schema[key], f"{path}.{name}")
        elif not key.endswith("?"):
            yield f"{path}.{name}: missing"


def request_of(**fields: Any) -> RecordedRequest:
    """Make a recorded request with some fields set."""
    defaults: dict[str, Any] = {
        "number": 1,
        "moment": MOMENT,
        "seconds": 0.25,
        "method": "GET",
        "path": "/v2/users",
        "query": "",
        "operation": "GET /v2/users",
        "sent_correlation_id": None,
        "correlation_id": None,
        "status": 200,
        "cost": 0,
        "fault": None,
    }
    return RecordedRequest(**defaults | fields)


def entry_of(content: Content | None = None, **fields: Any) -> dict[str, Any]:
    """Return the archive's entry for a request."""
    har = to_har([(request_of(**fields), content)], "https://sandbox.example")
    assert list(problems(har, HAR)) == []
    entry: dict[str, Any]
    (entry,) = har["log"]["entries"]
    return entry


def content_of(
    request_body: bytes = b"", response_body: bytes = b"", media_type: str = "text/plain"
) -> Content:
    """Make the content of a request."""
    headers = f"content-type: {media_type}\n".encode()
    return Content(
        request_body=request_body,
        response_body=response_body,
        request_headers=headers,
        response_headers=headers,
    )


def client_of(sandbox: Sandbox) -> httpx.AsyncClient:
    """Open a client of a sandbox with or without TLS."""
    options: dict[str, Any] = (
        {"transport": sandbox.transport}
        if isinstance(sandbox, MemorySandbox)
        else {"verify": ssl.create_default_context(cafile=sandbox.ca_file)}
    )
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    return httpx.AsyncClient(base_url=sandbox.url, headers=headers, **options)


@pytest.mark.parametrize("kind", [MemorySandbox, Sandbox], ids=["memory", "tls"])
@pytest.mark.anyio
async def test_the_archive_has_every_request_and_no_secrets(kind: Any, tmp_path: Path) -> None:
    """It is valid HAR 1.2, with headers and bodies."""
    path = tmp_path / "suite.har"
    person = {"first_name": "Wilma", "last_name": "Žižková"}
    case = {"name": "Loan", "case_type": "Consumer", "persons": [person]}
    with kind(credentials=Credentials(api_key="l3gacy")) as sandbox:
        async with client_of(sandbox) as client:
            form = credentials(sandbox)
            kind_of_form = {"Content-Type": "application/x-www-form-urlencoded"}
            granted = await client.post("/token", data=form, headers=kind_of_form)
            token = granted.json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            content = json.dumps(case, ensure_ascii=False).encode()
            created_case = (await client.post("/v2/cases", content=content)).json()
            person_id = created_case["persons"][0]["person_id"]
            excel = await client.get(f"/v2/persons/{person_id}/excel-report")
            shared_key = (await client.post("/v2/webhooks/secrets")).json()["shared_key"]
            sandbox.faults.add("GET /v2/users", reset="before")
            with pytest.raises(httpx.TransportError):
                await client.get("/v2/users")
            del client.headers["Authorization"]
            await client.get("/v2/users?a=b%20c&apikey=l3gacy", headers={"apikey": "l3gacy"})
        sandbox.ledger.write_har(path)
        har = sandbox.ledger.to_har()

    written = path.read_text("utf-8")
    assert json.loads(written) == har
    assert list(problems(har, HAR)) == []
    assert har["log"]["version"] == "1.2"
    assert har["log"]["creator"] == {"name": "sikoia-async", "version": version("sikoia-async")}
    for secret in (sandbox.client_secret, token, shared_key, "l3gacy"):
        assert secret not in written

    token_request, created, report, _, lost, users = har["log"]["entries"]
    assert token_request["request"]["postData"]["text"].endswith("&client_secret=[redacted]")
    token_response = json.loads(token_request["response"]["content"]["text"])
    assert token_response["access_token"] == "[redacted]"
    assert "Žižková" in created["request"]["postData"]["text"]
    assert "Žižková" in written
    assert created["request"]["url"] == f"{sandbox.url}/v2/cases"
    assert created["response"]["statusText"] == "Created"
    headers = {one["name"].lower(): one["value"] for one in created["request"]["headers"]}
    assert headers["authorization"] == "[redacted]"
    assert headers["content-type"] == "application/json"
    assert (report["_cost"], report["response"]["content"]["encoding"]) == (1, "base64")
    assert b64decode(report["response"]["content"]["text"]) == excel.content
    assert (lost["response"]["status"], lost["comment"]) == (0, "no response")
    assert lost["_fault"] == "reset='before'"
    assert users["request"]["queryString"] == [
        {"name": "a", "value": "b c"},
        {"name": "apikey", "value": "[redacted]"},
    ]
    assert users["request"]["url"] == f"{sandbox.url}/v2/users?a=b%20c&apikey=%5Bredacted%5D"
    assert "postData" not in users["request"]
    assert "comment" not in users


def test_times_are_in_milliseconds() -> None:
    """A request in progress has taken no time yet."""
    entry, in_progress = entry_of(content_of()), entry_of(content_of(), seconds=None)

    assert entry["startedDateTime"] == "2026-03-04T05:06:07.890+00:00"
    assert entry["time"] == entry["timings"]["wait"] == 250
    assert in_progress["time"] == 0


def test_an_entry_without_its_bodies_has_a_comment() -> None:
    """Their sizes are unknown, which HAR writes as -1."""
    entry = entry_of(status=None)

    assert entry["comment"] == (
        "headers and bodies were dropped to make room for later ones; no response"
    )
    assert entry["request"]["bodySize"] == entry["response"]["bodySize"] == -1
    assert entry["request"]["headers"] == entry["response"]["headers"] == []
    assert "postData" not in entry["request"]


def test_bodies_have_a_type_and_a_size() -> None:
    """An unknown status has no reason phrase."""
    entry = entry_of(content_of(b"ab", "ž".encode(), media_type="text/html; x=y"), status=599)

    assert entry["request"]["postData"] == {"mimeType": "text/html; x=y", "text": "ab"}
    assert entry["response"]["content"] == {"size": 2, "mimeType": "text/html; x=y", "text": "ž"}
    assert (entry["request"]["bodySize"], entry["response"]["bodySize"]) == (2, 2)
    assert entry["response"]["statusText"] == ""


@given(body=st.binary(min_size=1))
def test_any_body_survives_the_round_trip(body: bytes) -> None:
    """Bodies that are not UTF-8 are written as base64."""
    entry = json.loads(json.dumps(entry_of(content_of(body, body))))
    posted, returned = entry["request"]["postData"], entry["response"]["content"]

    for text, encoding in (
        (posted["text"], posted.get("_encoding")),
        (returned["text"], returned.get("encoding")),
    ):
        assert (b64decode(text) if encoding else text.encode()) == body
        assert encoding in {None, "base64"}


@given(
    path=st.text(st.characters(max_codepoint=255)), query=st.text(st.characters(max_codepoint=255))
)
def test_urls_are_valid(path: str, query: str) -> None:
    """Whatever bytes the client sent."""
    url = entry_of(path=f"/{path}", query=query)["request"]["url"]

    assert url.isascii()
    assert set(url).isdisjoint(' "<>[]^`{|}#')
    assert url.startswith("https://sandbox.example/")


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    """An existing file is replaced; a symbolic link is replaced too, but not its target."""
    path, elsewhere = tmp_path / "suite.har", tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    path.symlink_to(elsewhere)

    requests = [(request_of(number=number), content_of("ž".encode())) for number in (1, 2)]
    for _ in range(2):
        write_har(str(path), requests, "https://sandbox.example")

    assert json.loads(path.read_text("utf-8")) == to_har(requests, "https://sandbox.example")
    assert len(path.read_text("utf-8").splitlines()) == 4
    assert "ž" in path.read_text("utf-8")
    assert elsewhere.read_text() == "precious"
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == ["elsewhere", "suite.har"]


def test_the_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A failure leaves the old file and nothing else."""
    path = tmp_path / "suite.har"
    path.write_text("before")

    def requests() -> Iterator[tuple[RecordedRequest, Content]]:
        yield request_of(), content_of()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_har(path, requests(), "https://sandbox.example")
    with pytest.raises(FileNotFoundError):
        write_har(tmp_path / "nowhere" / "suite.har", [], "https://sandbox.example")

    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["suite.har"]


def test_an_empty_ledger_gives_a_valid_archive() -> None:
    """It has no entries."""
    har = create_app().ledger.to_har()

    assert list(problems(har, HAR)) == []
    assert har["log"]["entries"] == []


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ({"version": 1.2}, ".log.version: float"),
        ({"entries": {}}, ".log.entries: not a list"),
        ({"creator": []}, ".log.creator: not an object"),
        ({"odd": 1}, ".log.odd: unknown"),
    ],
)
def test_an_invalid_archive_is_noticed(broken: dict[str, Any], problem: str) -> None:
    """The tests above rely on this comparison."""
    har = create_app().ledger.to_har()

    assert list(problems({"log": har["log"] | broken}, HAR)) == [problem]
    assert list(problems({}, HAR)) == [".log: missing"]
