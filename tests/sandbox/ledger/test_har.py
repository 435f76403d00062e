"""The ledger as an HTTP archive: whole, without secrets, and as HAR 1.2 has it."""

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

from sikoia_async.sandbox import Sandbox, create_app
from sikoia_async.sandbox.ledger.asked import Asked, Content
from sikoia_async.sandbox.ledger.har import har_of, write
from sikoia_async.testing import MemorySandbox

Json = list[Any] | dict[str, Any] | str | float | None
Wanted = list[Any] | dict[str, Any] | type | tuple[type, ...]

MOMENT = datetime.fromisoformat("2026-03-04T05:06:07.890+00:00")
PAIR = {"name": str, "value": str}
# What an object has to have, by the specification of HAR 1.2, and what else is in ours.
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


def amiss(found: Json, wanted: Wanted, path: str = "") -> Iterator[str]:
    """Compare an archive with what it has to look like."""
    if isinstance(wanted, list):
        yield from _amiss_in_list(found, wanted[0], path)
    elif isinstance(wanted, dict):
        yield from _amiss_in_object(found, wanted, path)
    elif not isinstance(found, wanted) or isinstance(found, bool):
        yield f"{path}: {type(found).__name__}"


def _amiss_in_list(found: Json, wanted: Wanted, path: str) -> Iterator[str]:
    if not isinstance(found, list):
        yield f"{path}: no list"
        return
    for number, one in enumerate(found):
        yield from amiss(one, wanted, f"{path}[{number}]")


def _amiss_in_object(found: Json, wanted: dict[str, Any], path: str) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"{path}: no object"
        return
    names = {name.rstrip("?"): name for name in wanted}
    yield from (f"{path}.{name}: unknown" for name in found.keys() - names.keys())
    for name, written in names.items():
        if name in found:
            yield from amiss(found[name], wanted[written], f"{path}.{name}")
        elif not written.endswith("?"):
            yield f"{path}.{name}: missing"


def asked(**given: Any) -> Asked:
    """Make a request, of which only some things matter."""
    usual: dict[str, Any] = {
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
    return Asked(**usual | given)


def entry_of(content: Content | None = None, **given: Any) -> dict[str, Any]:
    """Make the entry of a request."""
    har = har_of([(asked(**given), content)], "https://sandbox.example")
    assert list(amiss(har, HAR)) == []
    (entry,) = har["log"]["entries"]
    found: dict[str, Any] = entry
    return found


def content_of(sent: bytes = b"", answered: bytes = b"", kind: str = "text/plain") -> Content:
    """Make the content of a request."""
    headers = f"content-type: {kind}\n".encode()
    return Content(sent=sent, answered=answered, sent_headers=headers, answered_headers=headers)


def client_of(sandbox: Sandbox) -> httpx.AsyncClient:
    """Open a client of a local Sikoia of either kind."""
    options: dict[str, Any] = (
        {"transport": sandbox.transport}
        if isinstance(sandbox, MemorySandbox)
        else {"verify": ssl.create_default_context(cafile=sandbox.ca_file)}
    )
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    return httpx.AsyncClient(base_url=sandbox.url, headers=headers, **options)


@pytest.mark.parametrize("kind", [MemorySandbox, Sandbox], ids=["memory", "tls"])
@pytest.mark.anyio
async def test_all_that_was_asked_is_in_it(kind: Any, tmp_path: Path) -> None:
    """With bodies and headers, as HAR 1.2 has it, and no secret anywhere."""
    path = tmp_path / "suite.har"
    person = {"first_name": "Wilma", "last_name": "Žižková"}
    case = {"name": "Loan", "case_type": "Consumer", "persons": [person]}
    with kind(api_key="l3gacy") as sandbox:
        async with client_of(sandbox) as client:
            form = credentials(sandbox)
            kind_of_form = {"Content-Type": "application/x-www-form-urlencoded"}
            granted = await client.post("/token", data=form, headers=kind_of_form)
            token = granted.json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            content = json.dumps(case, ensure_ascii=False).encode()
            made = (await client.post("/v2/cases", content=content)).json()
            person_id = made["persons"][0]["person_id"]
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
    assert list(amiss(har, HAR)) == []
    assert har["log"]["version"] == "1.2"
    assert har["log"]["creator"] == {"name": "sikoia-async", "version": version("sikoia-async")}
    for secret in (sandbox.client_secret, token, shared_key, "l3gacy"):
        assert secret not in written

    told, created, report, _, lost, users = har["log"]["entries"]
    assert told["request"]["postData"]["text"].endswith("&client_secret=[redacted]")
    assert json.loads(told["response"]["content"]["text"])["access_token"] == "[redacted]"
    assert "Žižková" in created["request"]["postData"]["text"]
    assert "Žižková" in written
    assert created["request"]["url"] == f"{sandbox.url}/v2/cases"
    assert created["response"]["statusText"] == "Created"
    headers = {one["name"].lower(): one["value"] for one in created["request"]["headers"]}
    assert headers["authorization"] == "[redacted]"
    assert headers["content-type"] == "application/json"
    assert (report["_cost"], report["response"]["content"]["encoding"]) == (1, "base64")
    assert b64decode(report["response"]["content"]["text"]) == excel.content
    assert (lost["response"]["status"], lost["comment"]) == (0, "no answer came")
    assert lost["_fault"] == "reset='before'"
    assert users["request"]["queryString"] == [
        {"name": "a", "value": "b c"},
        {"name": "apikey", "value": "[redacted]"},
    ]
    assert users["request"]["url"] == f"{sandbox.url}/v2/users?a=b%20c&apikey=%5Bredacted%5D"
    assert "postData" not in users["request"]
    assert "comment" not in users


def test_an_entry_has_its_times() -> None:
    """In milliseconds; none for a request that is under way."""
    entry, under_way = entry_of(content_of()), entry_of(content_of(), seconds=None)

    assert entry["startedDateTime"] == "2026-03-04T05:06:07.890+00:00"
    assert entry["time"] == entry["timings"]["wait"] == 250
    assert under_way["time"] == 0


def test_an_entry_whose_bodies_are_gone_says_so() -> None:
    """Their sizes are not known."""
    entry = entry_of(status=None)

    assert entry["comment"] == (
        "headers and bodies were not kept: later ones took their place; no answer came"
    )
    assert entry["request"]["bodySize"] == entry["response"]["bodySize"] == -1
    assert entry["request"]["headers"] == entry["response"]["headers"] == []
    assert "postData" not in entry["request"]


def test_a_body_has_its_type_and_its_size() -> None:
    """A status that nobody knows has no words."""
    entry = entry_of(content_of(b"ab", "ž".encode(), kind="text/html; x=y"), status=599)

    assert entry["request"]["postData"] == {"mimeType": "text/html; x=y", "text": "ab"}
    assert entry["response"]["content"] == {"size": 2, "mimeType": "text/html; x=y", "text": "ž"}
    assert (entry["request"]["bodySize"], entry["response"]["bodySize"]) == (2, 2)
    assert entry["response"]["statusText"] == ""


@given(body=st.binary(min_size=1))
def test_any_body_comes_back(body: bytes) -> None:
    """As text, and what is none in base64."""
    entry = json.loads(json.dumps(entry_of(content_of(body, body))))
    sent, answered = entry["request"]["postData"], entry["response"]["content"]

    for text, encoding in (
        (sent["text"], sent.get("_encoding")),
        (answered["text"], answered.get("encoding")),
    ):
        assert (b64decode(text) if encoding else text.encode()) == body
        assert encoding in {None, "base64"}


@given(
    path=st.text(st.characters(max_codepoint=255)), query=st.text(st.characters(max_codepoint=255))
)
def test_a_url_is_one(path: str, query: str) -> None:
    """Whatever bytes a client has sent in it."""
    url = entry_of(path=f"/{path}", query=query)["request"]["url"]

    assert url.isascii()
    assert set(url).isdisjoint(' "<>[]^`{|}#')
    assert url.startswith("https://sandbox.example/")


def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    """One that is there is replaced, and so is a link, not what it leads to."""
    path, elsewhere = tmp_path / "suite.har", tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    path.symlink_to(elsewhere)

    requests = [(asked(number=number), content_of("ž".encode())) for number in (1, 2)]
    for _ in range(2):
        write(str(path), requests, "https://sandbox.example")

    assert json.loads(path.read_text("utf-8")) == har_of(requests, "https://sandbox.example")
    assert len(path.read_text("utf-8").splitlines()) == 4
    assert "ž" in path.read_text("utf-8")
    assert elsewhere.read_text() == "precious"
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == ["elsewhere", "suite.har"]


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    """What cannot be written leaves nothing behind."""
    path = tmp_path / "suite.har"
    path.write_text("before")

    def requests() -> Iterator[tuple[Asked, Content]]:
        yield asked(), content_of()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(path, requests(), "https://sandbox.example")
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "nowhere" / "suite.har", [], "https://sandbox.example")

    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["suite.har"]


def test_an_empty_ledger_is_an_archive_too() -> None:
    """There are no entries in it."""
    har = create_app().ledger.to_har()

    assert list(amiss(har, HAR)) == []
    assert har["log"]["entries"] == []


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ({"version": 1.2}, ".log.version: float"),
        ({"entries": {}}, ".log.entries: no list"),
        ({"creator": []}, ".log.creator: no object"),
        ({"odd": 1}, ".log.odd: unknown"),
    ],
)
def test_an_archive_can_be_amiss(broken: dict[str, Any], complaint: str) -> None:
    """The comparison that the tests above rely on finds what is wrong."""
    har = create_app().ledger.to_har()

    assert list(amiss({"log": har["log"] | broken}, HAR)) == [complaint]
    assert list(amiss({}, HAR)) == [".log: missing"]
