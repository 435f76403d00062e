"""Mocks of the standard library, as people write them in their tests."""

import inspect
import operator
from collections.abc import Callable
from typing import Any
from unittest.mock import AsyncMock, create_autospec, patch

import httpx
import pytest
from faults import client

import sikoia_async
from sikoia_async import STAGING, Items, Operation, ServerError, Sikoia, SikoiaError
from sikoia_async.resources.users import Users

pytestmark = pytest.mark.anyio

RESOURCES = [
    name
    for name, one in inspect.getmembers_static(Sikoia)
    if type(one).__name__ == "resource_property"
]
ERRORS = [
    getattr(sikoia_async, name)
    for name in sikoia_async.__all__
    if inspect.isclass(getattr(sikoia_async, name))
    and issubclass(getattr(sikoia_async, name), SikoiaError)
]


def _of_class() -> Any:
    return create_autospec(Sikoia)("an-id", "a-secret")


def _of_instance() -> Any:
    return create_autospec(Sikoia, instance=True)


def _of_client() -> Any:
    return create_autospec(Sikoia(token="t", environment=STAGING))


@pytest.mark.parametrize("make", [_of_class, _of_instance, _of_client])
async def test_an_autospec_of_a_client_has_its_resources(make: Callable[[], Any]) -> None:
    """With the methods that they have, and the parameters that these take."""
    fake = make()
    fake.users.list.return_value = ()

    assert await fake.users.list() == ()
    fake.users.list.assert_awaited_once_with()
    with pytest.raises(TypeError):
        await fake.users.list("too many")
    for name in ("userz", "users.lists"):
        with pytest.raises(AttributeError):
            operator.attrgetter(name)(fake)
    for name in RESOURCES:
        assert dir(getattr(fake, name))


async def test_an_autospec_of_the_class_is_a_context_manager() -> None:
    """As `async with Sikoia() as sikoia` needs it."""
    fake = create_autospec(Sikoia, instance=True)
    fake.__aenter__.return_value = fake
    async with fake as opened:
        opened.cases.retrieve.return_value = "a case"
        assert await opened.cases.retrieve("c-1") == "a case"


@pytest.mark.parametrize("name", RESOURCES)
def test_resources_can_be_specified(name: str) -> None:
    """By a resource or by its class."""
    resource = getattr(Sikoia(token="t", environment=STAGING), name)
    for fake in (create_autospec(resource), create_autospec(type(resource), instance=True)):
        assert {one for one in dir(resource) if not one.startswith("_")} <= set(dir(fake))


@pytest.mark.parametrize("error", ERRORS)
def test_errors_can_be_specified(error: type[SikoiaError]) -> None:
    """Their attributes are on the class, for a mock to find."""
    fake = create_autospec(error, instance=True)
    if issubclass(error, ServerError):
        assert all(hasattr(fake, name) for name in ("status", "call", "correlation_id", "headers"))


def test_operations_can_be_specified() -> None:
    """`await` needs `wait` instead, because mocks of the standard library have no `__await__`."""
    assert inspect.iscoroutinefunction(create_autospec(Operation, instance=True).wait)


async def test_a_replaced_method_leaves_views_alone() -> None:
    """A view has resources of its own; a method of the class is replaced for all of them."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=[]))
    async with client("https://127.0.0.1:8400", transport=transport) as sikoia:
        view = sikoia.with_options(timeout=5)
        with patch.object(sikoia.users, "list", AsyncMock(return_value="fake")):
            assert await sikoia.users.list() == "fake"  # type: ignore[comparison-overlap]
            assert await view.users.list() == Items()
            assert await sikoia.with_options(retries=1).users.list() == Items()
        with patch.object(Users, "list", AsyncMock(return_value="fake")):
            assert await sikoia.users.list() == "fake"  # type: ignore[comparison-overlap]
            assert await view.users.list() == "fake"  # type: ignore[comparison-overlap]
        assert await sikoia.users.list() == Items()
        with patch.object(sikoia, "users"):
            pass
        assert await sikoia.users.list() == Items()
