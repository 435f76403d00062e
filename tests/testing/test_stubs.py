"""Models of a test's own, with a response."""

import pickle
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest

from sikoia_async import STAGING, ArgumentTypeError, Items, Sikoia
from sikoia_async.resources.users import User
from sikoia_async.testing import respond_with


def test_a_model_gets_a_response() -> None:
    """The model is the same, and the response has what a test sets."""
    user = User(user_id="u-1")
    with pytest.raises(AttributeError):
        _ = user.response

    given = respond_with(user, status=201, headers={"X-Request-Id": "r-1"}, correlation_id="c-1")

    assert given is user
    info = user.response
    assert (info.status, info.correlation_id, info.elapsed) == (201, "c-1", 0.0)
    assert info.headers["x-request-id"] == info.headers["X-REQUEST-ID"] == "r-1"
    assert pickle.loads(pickle.dumps(user)).response == info  # noqa: S301 - our own


@pytest.mark.anyio
async def test_a_list_becomes_items() -> None:
    """Like those that a method returns."""
    rows = respond_with([User(user_id="u-1"), User(user_id="u-2")])
    sikoia = Sikoia(token="t", environment=STAGING)
    with patch.object(sikoia.users, "list", AsyncMock(return_value=rows)):
        users = await sikoia.users.list()

    assert type(users) is Items
    assert users.response.status == 200
    assert [one.response is users.response for one in users] == [True, True]
    assert respond_with([]).response.headers == {}


@pytest.mark.parametrize("value", ["text", b"bytes", [1], [{"user_id": "u-1"}]])
def test_other_values_are_refused(value: Any) -> None:
    """They have no response."""
    with pytest.raises(ArgumentTypeError, match="value: expected a model"):
        respond_with(value)
