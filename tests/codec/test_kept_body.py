"""The bytes of a response are kept on request, and do not leave the process by accident."""

import copy
import gzip
import json
import pickle
from typing import Any

import httpx
import pytest
from faults import client

from sikoia_async.errors import ArgumentTypeError
from sikoia_async.models import Items
from sikoia_async.resources.cases import CaseSummary

_ORIGIN = "https://127.0.0.1:8400"
_BODY = b'{"case_id": "1",\n "name": "Wilma Canary", "colour": 1.50}'

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


def _answer(request: httpx.Request) -> httpx.Response:
    body = b"[%b]" % _BODY if request.url.path.endswith("s") else _BODY
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    return httpx.Response(200, content=gzip.compress(body), headers=headers)


def through_pickle(value: Any) -> Any:
    """Send a value to another process and back."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own


async def test_a_view_keeps_the_bytes_on_request() -> None:
    """As they were received, after decompression, on models and lists."""
    async with client(_ORIGIN, transport=httpx.MockTransport(_answer)) as sikoia:
        view = sikoia.with_options(keep_body=True)
        case = await view.with_options(timeout=5).request("GET", "/v2/case", into=CaseSummary)
        cases = await view.request("GET", "/v2/cases", into=Items[CaseSummary])
        for other in (
            sikoia,
            view.with_options(keep_body=False),
            view.with_options(keep_body=None),
        ):
            plain = await other.request("GET", "/v2/case", into=CaseSummary)
            assert plain.response.body is None

    assert case.response.body == _BODY
    assert cases.response.body == cases[0].response.body == b"[%b]" % _BODY


@pytest.mark.parametrize("duplicate", [through_pickle, copy.deepcopy])
async def test_the_bytes_stay_in_the_process(duplicate: Any) -> None:
    """No repr, export, copy or pickle has them; the rest of the response is there."""
    async with client(_ORIGIN, transport=httpx.MockTransport(_answer)) as sikoia:
        view = sikoia.with_options(keep_body=True)
        case = await view.request("GET", "/v2/case", into=CaseSummary)

    again = duplicate(case)

    assert again.response == case.response
    assert again.response.body is None
    assert "Canary" not in repr(case.response)
    assert b"colour" not in pickle.dumps(case)
    assert "colour" not in json.dumps(case.to_dict())


@pytest.mark.parametrize("value", [1, "yes"])
def test_only_a_bool_is_accepted(value: Any) -> None:
    """As for other flags."""
    with pytest.raises(ArgumentTypeError, match="keep_body: expected True or False"):
        client(_ORIGIN).with_options(keep_body=value)
