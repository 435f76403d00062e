"""Error responses become errors of the right class, whatever their bodies are."""

import json
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async import errors
from sikoia_async._codec.problems import error_from
from sikoia_async._transport.types import Response
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
    """Return the error for a response."""
    response = Response(status, httpx.Headers(), body)
    return error_from(response, call, retry_after=2.5, may_have_been_processed=True)


def test_an_error_has_the_fields_of_the_body() -> None:
    """All fields are kept, and the message is enough for a support ticket."""
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
        ({"detail": [], "details": {}}, None),
    ],
    ids=["detail", "details", "empty", "both", "none", "no text"],
)
def test_detail_has_two_spellings(changes: dict[str, Any], detail: str | None) -> None:
    """The guide has `details`, the specification `detail`; both are read."""
    assert error_of(json.dumps(BODY | changes).encode()).detail == detail


@pytest.mark.parametrize(
    ("body", "detail", "message"),
    [
        (
            {
                "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
                "title": "One or more validation errors occurred.",
                "status": 400,
                "errors": {
                    "Stage": ["This is required."],
                    "Companies[0].JurisdictionCode": ["Not 'Ada'.", "Too long."],
                },
                "traceId": "00-1-2-00",
            },
            "Stage: This is required.; Companies[0].JurisdictionCode: Not 'Ada'.; Too long.",
            (
                "One or more validation errors occurred.: "
                "Stage: This is required.; Companies[0].JurisdictionCode: Not ***.; Too long. "
                "(in full: error.detail)"
            ),
        ),
        (
            {"Message": "The request is invalid.", "ModelState": {"request.Name": ["Ada?"]}},
            "request.Name: Ada?; The request is invalid.",
            "request.Name: ***?; The request is invalid. (in full: error.detail)",
        ),
        (
            {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 30 seconds."},
            "Rate limit is exceeded. Try again in 30 seconds.",
            "Rate limit is exceeded. Try again in 30 seconds.",
        ),
        (
            {"error": {"code": "NotFound", "message": "The resource of Ada is missing."}},
            "code: NotFound; message: The resource of Ada is missing.",
            "code: NotFound; message: The resource of *** is missing. (in full: error.detail)",
        ),
        (
            {"detail": [{"loc": ["body", "companies", 0, "stage"], "msg": "is required"}]},
            "loc: body; companies; stage; msg: is required",
            "***: body; companies; stage; ***: is required (in full: error.detail)",
        ),
        (
            {"title": "Ada", "detail": {"stage": {"rule": "required", "status": 4}}},
            "stage: rule: required",
            "***: stage: ***: required (in full: error.title, error.detail)",
        ),
        (
            [{"field": "stage", "message": "is required"}],
            "field: stage; message: is required",
            "field: stage; message: is required",
        ),
        (
            {"message": "The same.", "error": "The same.", "detail": "The same."},
            "The same.",
            "The ***. (in full: error.detail)",
        ),
    ],
    ids=["aspnet", "model state", "gateway", "error", "loc", "object", "list", "repeated"],
)
def test_the_words_of_other_formats_are_the_detail(body: Any, detail: str, message: str) -> None:
    """The message has them as well, and names where to read what it hides."""
    error = error_of(json.dumps(body).encode())

    assert error.detail == detail
    assert str(error) == f"400 {message} (POST /v2/cases, correlation id sent-1)"


def test_a_deep_or_long_detail_is_cut() -> None:
    """Six levels and 8,192 characters say enough; the body has the rest."""
    deep: Any = "deep"
    for _ in range(20):
        deep = [deep]

    assert error_of(json.dumps({"detail": deep}).encode()).detail is None
    assert len(error_of(json.dumps({"detail": "x" * 10_000}).encode()).detail or "") == 8192


@pytest.mark.parametrize("status", [400, "400", None, "canary", 200, [1]], ids=repr)
def test_the_status_in_the_body_is_ignored(status: Any) -> None:
    """The status of the response counts, whatever the body has, in whatever type."""
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
        b"{}",
        b'{"type": 5, "title": null, "detail": {"a": null}, "correlation_id": 7}',
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
        (499, errors.APIError, "Unknown Error"),
    ],
)
def test_any_body_makes_the_right_error(
    status: int, kind: type[APIError], phrase: str, body: bytes
) -> None:
    """A gateway's page or an empty body is not a decoding error; the phrase is the status's."""
    error = error_of(body, status)

    assert (type(error), error.type, error.title, error.detail) == (kind, None, None, None)
    assert str(error) == f"{status} {phrase} (POST /v2/cases, correlation id sent-1)"
    assert error.body == body


@given(st.binary(max_size=60), st.integers(400, 599))
def test_no_body_breaks_the_error(body: bytes, status: int) -> None:
    """Any bytes with an error status make an error of that status."""
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
def test_the_correlation_id_to_quote(received: str, in_body: Any, quoted: str) -> None:
    """The id of the header wins, then the one of the body, then the one that was sent."""
    call = attrs.evolve(SENT, correlation_id=received)

    error = error_of(json.dumps(BODY | {"correlation_id": in_body}).encode(), call=call)

    assert (error.correlation_id, error.call.sent_correlation_id) == (quoted, "sent-1")
