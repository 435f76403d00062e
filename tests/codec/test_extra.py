"""Fields that no model has, kept on request."""

import json
from decimal import Decimal
from typing import Any, Final

import attrs
import httpx
import pytest
from faults import client

from sikoia_async import ArgumentTypeError, Items, Model
from sikoia_async._codec.extra import extra_fields

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_ORIGIN: Final = "https://127.0.0.1:8400"


@attrs.frozen(kw_only=True)
class _Part(Model):
    size: int | None = None


@attrs.frozen(kw_only=True)
class _Round(Model):
    radius: int | None = None


@attrs.frozen(kw_only=True)
class _Whole(Model):
    whole_id: str
    part: _Part | None = None
    parts: tuple[_Part, ...] | None = None
    inner: "_Whole | None" = None
    texts: tuple[str, ...] | None = None


_BODY: Final = {
    "whole_id": "w-1",
    "colour": "canary",
    "part": {"size": 1, "weight": {"kg": 2}},
    "parts": [{"size": 1}, {"size": 2, "note": None}, None, "odd"],
    "inner": {"whole_id": "w-2", "inner": {"whole_id": "w-3", "list": [1]}},
    "texts": ["a", {"b": 1}],
}
_EXTRA: Final = {
    "$.colour": "canary",
    "$.part.weight": {"kg": 2},
    "$.parts[1].note": None,
    "$.inner.inner.list": [1],
}


def test_unknown_fields_are_found_by_path() -> None:
    """In nested models and lists, whatever their values are."""
    assert extra_fields(json.dumps(_BODY).encode(), _Whole) == _EXTRA
    assert extra_fields(b'[{"whole_id": "1"}, {"b": 1.10}]', Items[_Whole]) == {
        "$[1].b": Decimal("1.10")
    }
    assert extra_fields(b'{"b": 1}', dict) == {}


def test_of_several_models_each_field_is_known() -> None:
    """A field is unknown if none of them has it."""
    body = b'{"size": 1, "radius": 2, "colour": 3}'
    assert extra_fields(body, _Part | _Round) == {"$.colour": 3}


def test_no_more_than_a_limit_is_kept() -> None:
    """A response of many unknown fields must not take any amount of memory."""
    body = json.dumps([{"a": 1}] * 100_001).encode()
    assert len(extra_fields(body, Items[_Part]) or ()) == 100_000


def test_what_cannot_be_read_costs_nothing_else() -> None:
    """The response is still returned."""
    assert extra_fields(b'{"a": ' + b"[" * 100_000, _Part) is None


async def test_a_view_keeps_them_on_request() -> None:
    """They are on the response of every call of the view, and are not shown."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=_BODY))
    async with client(_ORIGIN, transport=transport) as sikoia:
        view = sikoia.with_options(keep_extra=True)
        whole = await view.with_options(timeout=5).request("GET", "/v2/x", into=_Whole)
        assert whole.response.extra == _EXTRA
        assert "canary" not in repr(whole.response)
        for other in (sikoia, view.with_options(keep_extra=False)):
            whole = await other.request("GET", "/v2/x", into=_Whole)
            assert whole.response.extra is None


@pytest.mark.parametrize("value", [1, "yes"])
def test_only_a_bool_is_accepted(value: Any) -> None:
    """As for other flags."""
    with pytest.raises(ArgumentTypeError, match="keep_extra: expected True or False"):
        client(_ORIGIN).with_options(keep_extra=value)
