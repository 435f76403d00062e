"""The vendor's page "API Behaviour", line by line.

Source: https://docs.sikoia.com/docs/api-behaviour
"""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from scripted import Reply, Scripted, scripted

from sikoia_async import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    Environment,
    ExpiredTokenError,
    InsufficientPermissionsError,
    InvalidRequestError,
    InvalidTokenError,
    RateLimitError,
    ResourceDeletedError,
    ResourceNotFoundError,
    ServerError,
    Sikoia,
    UnprocessableRequestError,
)
from sikoia_async.resources.cases import Case

pytestmark = pytest.mark.anyio

_CASE = {"case_id": "c-1", "name": "Acme Ltd loan", "case_type": "Business", "stage": "New"}
_ID = "0d3c1b9a-5a1e-4b52-8a3b-6a6f4e1f7c11"


@pytest.fixture
def sikoia_server() -> Iterator[Scripted]:
    """Run a server that responds as the test says."""
    with scripted() as server:
        yield server


async def _one_of_each(client: Sikoia) -> None:
    """Make one call with each method."""
    await client.cases.retrieve("c-1")
    await client.cases.create(name="Acme Ltd loan", case_type="Business")
    await client.cases.update("c-1", stage="Approved")
    await client.cases.delete("c-1")


@pytest.mark.parametrize("header", ["accept", "content-type"])
async def test_every_request_has_both_json_headers(sikoia_server: Scripted, header: str) -> None:
    """`Accept` and `Content-Type` are application/json, with or without a body."""
    sikoia_server.respond_with(Reply(200, _CASE))

    async with sikoia_server.client() as client:
        await _one_of_each(client)

    assert [request.headers[header] for request in sikoia_server.requests] == [
        "application/json"
    ] * 4


async def test_every_request_has_the_bearer_token(sikoia_server: Scripted) -> None:
    """In the header `Authorization: Bearer …`."""
    sikoia_server.respond_with(Reply(200, _CASE))

    async with sikoia_server.client() as client:
        await _one_of_each(client)

    sent = [request.headers["authorization"] for request in sikoia_server.requests]
    assert sent == ["Bearer token-1"] * 4


@pytest.mark.parametrize("field", ["api", "token_url"])
def test_plain_http_is_refused_before_anything_is_sent(field: str) -> None:
    """An environment cannot have an http:// URL."""
    urls = {"api": "https://api.example", "token_url": "https://oauth.example/token"}
    urls[field] = urls[field].replace("https", "http")

    with pytest.raises(ConfigurationError, match="https"):
        Environment(name="mine", scope="s", **urls)


def test_plain_http_is_accepted_for_loopback() -> None:
    """A stub on this machine may have no TLS."""
    url = "http://127.0.0.1:8080"

    environment = Environment(name="mine", api=url, token_url=f"{url}/token", scope="s")

    assert environment.api == url


@pytest.mark.parametrize("status", [200, 201])
async def test_200_and_201_become_a_model(sikoia_server: Scripted, status: int) -> None:
    """200 Ok and 201 Created have a resource in the body."""
    sikoia_server.respond_with(Reply(status, _CASE))

    async with sikoia_server.client() as client:
        case = await client.cases.retrieve("c-1")

    assert isinstance(case, Case)
    assert (case.case_id, case.response.status) == ("c-1", status)


async def test_202_is_polled(sikoia_server: Scripted) -> None:
    """202 Accepted is a task, which is polled at its `Location` until it is done."""
    accepted = Reply(202, {}, {"Location": "/v2/tasks/t-1", "Retry-After": "0"})
    sikoia_server.respond_with(accepted, accepted, Reply(200, _CASE))

    async with sikoia_server.client() as client:
        case = await client.request("POST", "/v2/new-things", into=Case, body={"name": "x"})

    assert case.case_id == "c-1"
    requests = [(request.method, request.path) for request in sikoia_server.requests]
    assert requests == [("POST", "/v2/new-things")] + [("GET", "/v2/tasks/t-1")] * 2


async def test_204_returns_none(sikoia_server: Scripted) -> None:
    """204 Deleted has no body."""
    sikoia_server.respond_with(Reply(204))

    async with sikoia_server.client() as client:
        await client.cases.delete("c-1")

    assert [request.method for request in sikoia_server.requests] == ["DELETE"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidRequestError),
        (401, AuthenticationError),
        (403, InsufficientPermissionsError),
        (404, ResourceNotFoundError),
        (409, ConflictError),
        (422, UnprocessableRequestError),
        (429, RateLimitError),
        (500, ServerError),
        (503, ServerError),
        (599, ServerError),
        (418, APIError),
    ],
)
async def test_each_status_has_its_error(
    sikoia_server: Scripted, status: int, error: type[APIError]
) -> None:
    """If the error type is unknown, the status alone decides."""
    sikoia_server.respond_with(Reply(status, {"type": "SomethingNew", "title": "Title"}))

    async with sikoia_server.client(retries=0) as client:
        with pytest.raises(APIError) as caught:
            await client.cases.retrieve("c-1")

    assert type(caught.value) is error
    assert (caught.value.status, caught.value.type) == (status, "SomethingNew")


@pytest.mark.parametrize(
    ("type_", "status", "error"),
    [
        ("ServerError", 500, ServerError),
        ("ServerError", 502, ServerError),
        ("InvalidRequest", 400, InvalidRequestError),
        ("ResourceNotFound", 404, ResourceNotFoundError),
        ("ResourceDeleted", 404, ResourceDeletedError),
        ("UnprocessableRequest", 422, UnprocessableRequestError),
        ("RateLimit", 429, RateLimitError),
        ("InsufficientPermissions", 403, InsufficientPermissionsError),
        ("InvalidToken", 401, InvalidTokenError),
        ("ExpiredToken", 401, ExpiredTokenError),
    ],
)
async def test_each_error_type_has_its_error(
    sikoia_server: Scripted, type_: str, status: int, error: type[APIError]
) -> None:
    """The error types of the page decide."""
    sikoia_server.respond_with(Reply(status, {"type": type_, "status": status}))

    async with sikoia_server.client(retries=0) as client:
        with pytest.raises(error) as caught:
            await client.cases.retrieve("c-1")

    assert type(caught.value) is error
    assert caught.value.type == type_


@pytest.mark.parametrize("spelling", ["detail", "details"])
async def test_the_generic_error_is_decoded(sikoia_server: Scripted, spelling: str) -> None:
    """The error has type, title, detail (`details` on the page) and correlation id."""
    body: dict[str, Any] = {"type": "InvalidRequest", "status": "400", "title": "Invalid request"}
    sikoia_server.respond_with(
        Reply(400, body | {spelling: "name is required", "correlation_id": _ID})
    )

    async with sikoia_server.client() as client:
        with pytest.raises(InvalidRequestError) as caught:
            await client.cases.create(name=" ", case_type="Business")

    error = caught.value
    assert (error.type, error.title, error.detail) == (
        "InvalidRequest",
        "Invalid request",
        "name is required",
    )
    assert error.correlation_id == _ID
    assert str(error) == (
        "400 InvalidRequest: Invalid request: name is required "
        f"(POST /v2/cases, correlation id {_ID})"
    )


async def test_every_request_has_a_correlation_id(sikoia_server: Scripted) -> None:
    """Every call sends a new one."""
    sikoia_server.respond_with(Reply(200, _CASE))

    async with sikoia_server.client() as client:
        await _one_of_each(client)

    assert len({request.headers["x-correlation-id"] for request in sikoia_server.requests}) == 4


async def test_models_and_lists_have_the_correlation_id(sikoia_server: Scripted) -> None:
    """A model, a list and each model in it have the id of the response, and the one sent."""
    sikoia_server.respond_with(
        Reply(200, _CASE, {"X-Correlation-Id": _ID}), Reply(200, [_CASE], {"X-Correlation-Id": _ID})
    )

    async with sikoia_server.client() as client:
        case = await client.cases.retrieve("c-1")
        cases = await client.cases.list()

    infos = [case.response, cases.response, cases[0].response]
    assert [info.correlation_id for info in infos] == [_ID] * 3
    sent = [request.headers["x-correlation-id"] for request in sikoia_server.requests]
    assert [case.response.sent_correlation_id, cases.response.sent_correlation_id] == sent


async def test_errors_have_the_correlation_id(sikoia_server: Scripted) -> None:
    """An error has both ids, and its message has the one of the response."""
    sikoia_server.respond_with(Reply(404, {}, {"X-Correlation-Id": _ID}))

    async with sikoia_server.client() as client:
        with pytest.raises(ResourceNotFoundError) as caught:
            await client.cases.retrieve("c-1")

    assert caught.value.correlation_id == _ID
    assert _ID in str(caught.value)
    sent = sikoia_server.requests[0].headers["x-correlation-id"]
    assert caught.value.call.sent_correlation_id == sent


async def test_log_records_have_the_correlation_id(
    sikoia_server: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    """A call is one record, with its correlation id and with its path as a template."""
    caplog.set_level(logging.DEBUG, "sikoia_async")
    sikoia_server.respond_with(Reply(200, _CASE, {"X-Correlation-Id": _ID}))

    async with sikoia_server.client() as client:
        await client.cases.retrieve("c-1")

    (record,) = [record for record in caplog.records if record.name == "sikoia_async"]
    assert record.getMessage().startswith("GET /v2/cases/{case_id}: 200 in ")
    assert _ID in record.getMessage()
    assert vars(record)["correlation_id"] == _ID
    assert "c-1" not in record.getMessage()
