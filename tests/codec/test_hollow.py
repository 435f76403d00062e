"""Errors and notices in a 200 are not taken for models whose fields are all optional."""

import json
from typing import Any, get_args

import attrs
import contract
import httpx
import pytest

from sikoia_async._codec.decoder import decode
from sikoia_async._codec.drift import Drift
from sikoia_async._transport.types import Response
from sikoia_async.errors import CallInfo, UnexpectedResponseError
from sikoia_async.models import Items, Model
from sikoia_async.resources.documents import IntegrityCheck
from sikoia_async.resources.webhooks import WebhookEventGroup, WebhookRequestsPage

CALL = CallInfo(
    method="GET",
    path="/v2/any",
    url="https://api.sikoia.com/v2/any",
    correlation_id="received-1",
    sent_correlation_id="sent-1",
    attempts=(),
    seconds=0.5,
)
OPEN = sorted(
    {
        endpoint.into
        for endpoint in contract.ENDPOINTS
        for model in [(get_args(endpoint.into) or (endpoint.into,))[0]]
        if attrs.has(model) and all(one.default is not attrs.NOTHING for one in attrs.fields(model))
    },
    key=str,
)
"""The types of responses whose models have no required field."""
FOREIGN: dict[str, dict[str, Any]] = {
    "maintenance": {"message": "maintenance"},
    "envelope": {"data": {"items": []}, "success": True},
    "camel case": {"webhookRequests": [], "paginationMetaData": {}},
    "error": {"status": 500, "type": "ServerError", "title": "Oops", "correlation_id": "1"},
    "error with details": {"type": "NotFound", "details": "canary", "correlation_id": "1"},
    "problem": {"type": "about:blank", "title": "Not Found", "status": 404, "traceId": "00-1"},
    "gateway": {"statusCode": 503, "message": "canary"},
    "status": {"status": 502},
}


@attrs.frozen(kw_only=True)
class Own:
    """A caller's class, one of whose fields has the name of one in an error."""

    title: str | None = None
    rows: tuple[int, ...] = ()


@attrs.frozen(kw_only=True)
class Named(Model):
    """A model whose fields all have the name of one in an error."""

    status: str | None = None
    title: str | None = None


def decoded(into: Any, plain: Any) -> Any:
    """Decode a response."""
    response = Response(200, httpx.Headers(), json.dumps(plain).encode())
    return decode(response, into, CALL, Drift())


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_response_without_any_known_field_is_unexpected(foreign: str) -> None:
    """Otherwise it would be a model with None everywhere."""
    assert len(OPEN) > 12
    for into in (*OPEN, Own, Named):
        if into is IntegrityCheck and "message" in FOREIGN[foreign]:
            continue  # it has such a field
        plain = [FOREIGN[foreign]] if get_args(into) else FOREIGN[foreign]

        with pytest.raises(UnexpectedResponseError, match=r"expected [A-Za-z ]+ @") as caught:
            decoded(into, plain)

        assert json.loads(caught.value.body) == plain
        assert "canary" not in str(caught.value)


def test_an_object_without_fields_is_an_empty_model() -> None:
    """So is one whose fields are all null, and a list may be empty."""
    for into in OPEN:
        model = (get_args(into) or (into,))[0]
        for plain in ({}, dict.fromkeys(attrs.fields_dict(model))):
            if get_args(into):
                assert decoded(into, [plain]) == (model(),)
                assert decoded(into, []) == ()
            else:
                assert decoded(into, plain) == model()


@pytest.mark.parametrize(
    ("into", "plain", "expected"),
    [
        (WebhookRequestsPage, {"webhook_requests": None, "x": 1}, WebhookRequestsPage()),
        (WebhookRequestsPage, {"webhook_requests": "odd"}, WebhookRequestsPage()),
        (IntegrityCheck, {"status": "Completed"}, IntegrityCheck(status="Completed")),
        (IntegrityCheck, {"status": "500", "x": 1}, IntegrityCheck(status="500")),
        (Own, {"title": "a", "colour": 1}, Own(title="a")),
        (Own, {"type": "a", "title": "b", "rows": [1]}, Own(title="b", rows=(1,))),
        (Items[Own], [{"colour": 1}, {"title": "a"}], (Own(), Own(title="a"))),
        (Items[Own], [{"colour": 1}, {}], (Own(), Own())),
        (dict[str, Any], {"message": "maintenance"}, {"message": "maintenance"}),
        (object, {"message": "maintenance"}, {"message": "maintenance"}),
        (list[Own], [{"title": "a"}], [Own(title="a")]),
    ],
)
def test_a_response_with_a_known_field_is_decoded(into: Any, plain: Any, expected: Any) -> None:
    """Other fields, also those of an error, do not matter then; plain JSON may be anything."""
    assert decoded(into, plain) == expected


def test_a_list_of_something_else_is_unexpected() -> None:
    """All of its items are hollow."""
    with pytest.raises(UnexpectedResponseError, match="expected fields of WebhookEventGroup"):
        decoded(Items[WebhookEventGroup], [{"message": "a"}, {"message": "b"}])


def test_a_large_response_can_be_hollow() -> None:
    """Its fields are looked at, but a large list of empty objects is not read twice."""
    with pytest.raises(UnexpectedResponseError, match="expected fields of Own"):
        decoded(Own, {"colour": "a" * 2_000_000})
    assert decoded(Items[Own], [{"colour": 1}] * 100_000) == (Own(),) * 100_000


def test_an_odd_form_is_not_taken_for_a_hollow_one() -> None:
    """A list that is sent as a string is repaired."""
    assert decoded(Items[Own], '[{"rows": []}]') == (Own(),)
