"""Errors of the API: whatever their bodies are, they become the right class."""

import json
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async import errors
from sikoia_async._codec.decoder import error_from
from sikoia_async._transport.exchange import Response
from sikoia_async.errors import APIError, CallInfo

SENT = CallInfo(
    method="POST",
    path="/v2/cases",
    url="https://api.sikoia.com/v2/cases",
    correlation_id="sent-1",
    sent_correlation_id="sent-1",
    attempts=(),
    seconds=0.5,
)
BODY: dict[str, Any] = {
    "type": "InvalidRequest",
    "status": 400,
    "title": "Validation Errors",
    "detail": "Entity Id is required.",
    "correlation_id": "body-1",
}


def error_of(body: bytes, status: int = 400, call: CallInfo = SENT) -> APIError:
    """Turn an answer into an error."""
    answer = Response(status, httpx.Headers(), body)
    return error_from(answer, call, retry_after=2.5, may_have_been_processed=True)


def test_an_error_tells_what_the_body_says() -> None:
    """All of the vendor's format is kept, and the text is enough for a support ticket."""
    body = json.dumps(BODY).encode()

    error = error_of(body)

    assert type(error) is errors.InvalidRequestError
    assert (error.status, error.type) == (400, "InvalidRequest")
    assert (error.title, error.detail) == ("Validation Errors", "Entity Id is required.")
    assert (error.body, error.retry_after, error.may_have_been_processed) == (body, 2.5, True)
    assert str(error) == (
        "400 InvalidRequest: Validation Errors: Entity Id is required. "
        "(POST /v2/cases, correlation id body-1)"
    )


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({}, "Entity Id is required."),
        ({"detail": None, "details": "From the guide."}, "From the guide."),
        ({"detail": "", "details": "From the guide."}, "From the guide."),
        ({"details": "Not this one."}, "Entity Id is required."),
        ({"detail": None}, None),
        ({"detail": ["no", "text"]}, None),
    ],
    ids=["detail", "details", "empty", "both", "none", "list"],
)
def test_details_have_two_spellings(changes: dict[str, Any], detail: str | None) -> None:
    """The guide says `details`, the specification `detail`; either is read."""
    assert error_of(json.dumps(BODY | changes).encode()).detail == detail


@pytest.mark.parametrize("status", [400, "400", None, "canary", 200, [1]], ids=repr)
def test_the_bodys_status_does_not_matter(status: Any) -> None:
    """The status that counts is the answer's, whatever the body says in whatever type."""
    error = error_of(json.dumps(BODY | {"status": status}).encode(), status=404)

    assert (type(error), error.status) == (errors.ResourceNotFoundError, 404)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"<html>Bad Gateway</html>",
        b'"text"',
        b"5",
        b"null",
        b"true",
        b"[]",
        b'[{"type": "InvalidRequest"}]',
        b"{}",
        b'{"type": 5, "title": null, "detail": {"a": 1}, "correlation_id": 7}',
        b'{"type": "Cut',
        b"[" * 100_000,
        b"\xff\xfe",
        b"9" * 5000,
        b'{"a": 1e99999999999999999999}',
    ],
    ids=lambda body: ascii(body[:20]),
)
@pytest.mark.parametrize(
    ("status", "kind", "phrase"),
    [
        (401, errors.AuthenticationError, "Unauthorized"),
        (409, errors.ConflictError, "Conflict"),
        (502, errors.ServerError, "Bad Gateway"),
        (499, errors.APIError, "an error without words"),
    ],
)
def test_any_body_makes_the_right_error(
    status: int, kind: type[APIError], phrase: str, body: bytes
) -> None:
    """A gateway's page, or nothing at all, is never a decoding error; the status has words."""
    error = error_of(body, status)

    assert (type(error), error.type, error.title, error.detail) == (kind, None, None, None)
    assert str(error) == f"{status} {phrase} (POST /v2/cases, correlation id sent-1)"
    assert error.body == body


@given(st.binary(max_size=60), st.integers(400, 599))
def test_no_body_breaks_the_error(body: bytes, status: int) -> None:
    """Whatever bytes come with an error status, there is an error of that status."""
    assert error_of(body, status).status == status


@pytest.mark.parametrize(
    ("received", "in_body", "quoted"),
    [
        ("sent-1", "body-1", "body-1"),
        ("header-1", "body-1", "header-1"),
        ("sent-1", None, "sent-1"),
        ("sent-1", "", "sent-1"),
        ("sent-1", "two words", "sent-1"),
        ("sent-1", "line\nbreak", "sent-1"),
        ("sent-1", "x" * 10_000, "sent-1"),
        ("sent-1", 7, "sent-1"),
    ],
    ids=["body", "header first", "none", "empty", "spaces", "newline", "long", "number"],
)
def test_the_id_to_quote(received: str, in_body: Any, quoted: str) -> None:
    """The header's id goes first, the body's fills in, and the one sent is the last resort."""
    call = attrs.evolve(SENT, correlation_id=received)

    error = error_of(json.dumps(BODY | {"correlation_id": in_body}).encode(), call=call)

    assert (error.correlation_id, error.call.sent_correlation_id) == (quoted, "sent-1")
