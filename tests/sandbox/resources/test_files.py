"""Links to files, which need no token, expire after minutes and end with their document."""

import gc
import tracemalloc
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sikoia_async.sandbox import Rate, Sandbox, Time, Wire

EPOCH = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PERSON = {"first_name": "Sample", "last_name": "Example"}
CASE: Any = {"name": "Loan", "case_type": "Consumer", "persons": [PERSON]}
MIB = 2**20

Connect = Callable[[Sandbox], httpx.Client]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a sandbox whose clock stands still, and whose work takes a minute."""
    options: Any = {
        "time": Time(speed=0, epoch=EPOCH),
        "rate": Rate(requests_per_window=10**6),
        "wire": Wire(idempotency_header="Idempotency-Key"),
    }
    with Sandbox(work_time=60, **options) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox, connect: Connect) -> httpx.Client:
    """Open a client."""
    return connect(sandbox)


@pytest.fixture
def case(client: httpx.Client) -> dict[str, Any]:
    """Create a case with a person."""
    created: dict[str, Any] = client.post("/v2/cases", json=CASE).json()
    return created


def upload(client: httpx.Client, case_id: str, content: bytes, name: str = "a.pdf") -> Any:
    """Upload a document of a case, and return it."""
    body = {
        "entity_type": "case",
        "entity_id": case_id,
        "file": b64encode(content).decode(),
        "display_name": "A file",
        "file_name": name,
    }
    headers = {"Idempotency-Key": name.encode().hex()}
    response = client.post("/v2/documents", json=body, headers=headers)
    assert response.status_code == 201, response.text
    return response.json()


def follow(client: httpx.Client, url: str) -> httpx.Response:
    """Follow a link without credentials."""
    request = client.build_request("GET", url)
    del request.headers["Authorization"]
    return client.send(request)


def all_links(sandbox: Sandbox, client: httpx.Client, case: dict[str, Any]) -> list[str]:
    """Return a link of each kind."""
    person = {"entity_type": "person", "entity_id": case["persons"][0]["person_id"]}
    request = client.post("/v2/identity", json={"person_id": person["entity_id"]}).json()
    sandbox.clock.advance(60)
    media = client.get(f"/v2/identity/{request['request_id']}").json()["data"]["media"]
    searches = (
        client.post(f"/v2/{kind}", json=person).json()
        for kind in ("peps-sanctions", "adverse-media")
    )
    return [
        upload(client, case["case_id"], b"file")["document_uri"],
        *(one["uri"] for one in media),
        *(one["search_certificate_uri"] for one in searches),
    ]


def test_a_link_returns_the_file(
    client: httpx.Client, sandbox: Sandbox, case: dict[str, Any]
) -> None:
    """Without any credentials."""
    url = upload(client, case["case_id"], b"image", "ü.png")["document_uri"]

    response = follow(client, url)

    assert (response.status_code, response.content) == (200, b"image")
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Content-Disposition"].endswith("%C3%BC.png")
    assert url.startswith(sandbox.url)
    assert "&sig=" in url


def test_every_kind_of_link_ends_with_its_case(
    client: httpx.Client, sandbox: Sandbox, case: dict[str, Any]
) -> None:
    """Documents, media of a verification and certificates of searches."""
    links = all_links(sandbox, client, case)
    before = [follow(client, url).status_code for url in links]
    client.delete(f"/v2/cases/{case['case_id']}")
    after = [follow(client, url) for url in links]

    assert before == [200] * 5
    assert [(one.status_code, one.json()["type"]) for one in after] == [
        (404, "ResourceDeleted")
    ] * 5


def test_a_link_ends_with_its_document(client: httpx.Client, case: dict[str, Any]) -> None:
    """Also a link that was made before."""
    document = upload(client, case["case_id"], b"file")
    client.delete(f"/v2/documents/{document['document_id']}")

    assert follow(client, document["document_uri"]).status_code == 404


def test_requests_with_a_token_are_refused(client: httpx.Client, case: dict[str, Any]) -> None:
    """A client that sends one would leak it to the blob store."""
    response = client.get(upload(client, case["case_id"], b"file")["document_uri"])

    assert response.status_code == 400
    assert "<Error><Code>InvalidAuthenticationInfo</Code>" in response.text


def test_a_wrong_signature_is_refused(
    client: httpx.Client, sandbox: Sandbox, case: dict[str, Any]
) -> None:
    """So is a missing one, one that is not ASCII, and one of another file or time."""
    url = upload(client, case["case_id"], b"file")["document_uri"]
    other = upload(client, case["case_id"], b"other", "other.pdf")["document_uri"]
    bare, _, query = url.partition("?")
    later = query.replace("T05:16:07Z", "T06:16:07Z")
    assert later != query

    for wrong in (f"{url}x", bare, f"{bare}?sig=%C3%BC", f"{other.partition('?')[0]}?{query}"):
        assert follow(client, wrong).status_code == 403
    assert follow(client, f"{bare}?{later}").status_code == 403
    for unknown in ("none", "cases/1/0", f"{bare.rpartition('/')[0]}/1", f"{bare}1"):
        url = unknown if unknown.startswith("https") else f"{sandbox.url}/sandbox/files/{unknown}"
        assert follow(client, url).status_code == 404


def test_links_expire(client: httpx.Client, sandbox: Sandbox, case: dict[str, Any]) -> None:
    """To the second by the sandbox's clock, with an XML body."""
    url = upload(client, case["case_id"], b"file")["document_uri"]
    sandbox.clock.advance(599)
    before = follow(client, url)
    sandbox.clock.advance(1)
    after = follow(client, url)

    assert before.status_code == 200
    assert after.status_code == 403
    assert after.headers["Content-Type"].startswith("application/xml")
    assert "<Code>AuthenticationFailed</Code>" in after.text


def test_reading_adds_no_record(
    client: httpx.Client, sandbox: Sandbox, case: dict[str, Any]
) -> None:
    """Every response has links, and none is stored."""
    links = all_links(sandbox, client, case)
    before = len(list(sandbox.state.records()))
    person = case["persons"][0]["person_id"]
    for _ in range(3):
        for path in ("documents", "identity-verifications", "peps-sanctions", "adverse-media"):
            assert client.get(f"/v2/persons/{person}/{path}").status_code == 200
        for url in links:
            assert follow(client, url).status_code == 200

    assert len(list(sandbox.state.records())) == before


def test_the_bytes_of_deleted_documents_are_freed(
    client: httpx.Client, sandbox: Sandbox, case: dict[str, Any]
) -> None:
    """Also with idempotency keys and after many reads."""
    upload(client, case["case_id"], bytes(MIB), "first.pdf")
    sandbox.ledger.clear()
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(20):
            document = upload(client, case["case_id"], bytes(MIB), f"{number}.pdf")
            path = f"/v2/documents/{document['document_id']}"
            assert client.get(path).status_code == 200
            assert client.delete(path).status_code == 204
        sandbox.ledger.clear()
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 4 * MIB
