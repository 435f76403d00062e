"""What shells and notebooks show of resources: public names, and no internals."""

import pydoc
import re
from functools import cached_property
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest

from sikoia_async import PRODUCTION, Sikoia

RESOURCES = [name for name, one in vars(Sikoia).items() if isinstance(one, cached_property)]
RESOURCES.remove("events")


@pytest.fixture
def sikoia() -> Sikoia:
    """Return a client that sends nothing."""
    return Sikoia(token="t", environment=PRODUCTION)


@pytest.mark.parametrize("name", RESOURCES)
def test_the_repr_names_resource_and_environment(sikoia: Sikoia, name: str) -> None:
    """And nothing that the client holds."""
    assert repr(getattr(sikoia, name)) == f"<{name} of Sikoia production>"


@pytest.mark.parametrize("name", RESOURCES)
def test_completion_offers_public_names(sikoia: Sikoia, name: str) -> None:
    """Also on the client and on the class of a resource."""
    resource: Any = getattr(sikoia, name)

    shown: tuple[object, ...] = (sikoia, resource, resource.__class__)
    for one in shown:
        assert [member for member in dir(one) if member.startswith("_")] == []
    assert set(dir(resource)) == set(dir(resource.__class__))
    assert name in dir(sikoia)


@pytest.mark.parametrize("name", RESOURCES)
def test_help_shows_what_users_call(sikoia: Sikoia, name: str) -> None:
    """Methods, without the machinery of classes."""
    resource: Any = getattr(sikoia, name)
    shown = pydoc.plain(pydoc.render_doc(resource))

    assert all(re.search(rf" {method}\([\s|]*self", shown) for method in dir(resource))
    assert "__" not in shown
    assert "_api" not in shown


def test_a_resource_of_the_class_has_no_client() -> None:
    """Mocks look at it to specify `sikoia.users`; protocols find nothing in its place."""
    resource: Any = Sikoia.users

    assert repr(resource) == "<users of Sikoia (no client)>"
    assert not hasattr(resource._api, "__wrapped__")


@pytest.mark.anyio
async def test_a_method_can_be_replaced_in_a_test(sikoia: Sikoia) -> None:
    """As mocks do it."""
    with patch.object(sikoia.users, "list", AsyncMock(return_value=())) as fake:
        assert await sikoia.users.list() == ()

    fake.assert_awaited_once_with()
