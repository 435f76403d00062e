"""Copies and pickles: what belongs to a client or a process says so, and data can go anywhere."""

import copy
import gc
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cached_property
from typing import Any

import httpx
import pytest
from faults import SECRET, client

from sikoia_async import ArgumentTypeError, Interval, Quota, Router, Sikoia
from sikoia_async.environments import PRODUCTION
from sikoia_async.models import Entity
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

_ORIGIN = "https://127.0.0.1:8400"


def _objects() -> dict[str, Any]:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"request_id": "r-1"}))
    own = client(_ORIGIN, transport=transport)
    operation = own.income.operation("r-1")
    pages = own.webhooks.log("w-1")
    return {
        "client": own,
        "client with a secret": Sikoia("an-id", SECRET, environment=PRODUCTION),
        "view": own.with_options(timeout=5),
        "resource": own.cases,
        "feed": own.events,
        "operation": operation,
        "responses": aiter(operation),
        "pages": pages,
        "page": pages.pages(),
        "items": aiter(pages),
        "router": Router(SECRET),
        "router with a function": Router(lambda: SECRET),
        "local Sikoia": Sandbox(),
    }


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.deepcopy], ids=["pickle", "deepcopy"])
async def test_what_belongs_to_a_client_cannot_be_copied(
    duplicate: Callable[[Any], Any], recwarn: pytest.WarningsRecorder
) -> None:
    """The error says what to do instead; nothing is half copied, which would warn when it goes."""
    for name, one in _objects().items():
        for held in (one, [one], {"in": one}):
            error = TypeError if name == "local Sikoia" else ArgumentTypeError
            with pytest.raises(error, match="cannot be pickled or") as caught:
                duplicate(held)
            assert SECRET not in str(caught.value), name
            assert caught.value.__context__ is None, name
    gc.collect()
    assert not list(recwarn)


async def test_another_process_gets_the_error() -> None:
    """As people find out who pass a client to a process pool."""
    with ProcessPoolExecutor(1) as pool:
        future = pool.submit(repr, client(_ORIGIN))
        with pytest.raises(ArgumentTypeError, match="create one in each process"):
            future.result(timeout=60)


async def test_a_shallow_copy_of_a_client_is_a_view() -> None:
    """It shares connections, access token and counters, as `with_options()` does."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=[]))
    async with client(_ORIGIN, transport=transport) as sikoia:
        _ = sikoia.cases
        copied = copy.copy(sikoia)
        await copied.cases.list()

        assert (sikoia.stats().calls, type(copied)) == (1, type(sikoia))


@pytest.mark.parametrize(
    "value", [Quota(5), Interval(first=2), PRODUCTION, Entity("case", "c-1")], ids=repr
)
async def test_data_can_be_copied(value: Any) -> None:
    """Settings and models."""
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - pickled here
    assert copy.deepcopy(value) == copy.copy(value) == value


async def test_counters_can_be_copied() -> None:
    """For metrics in another process."""
    sikoia = client(_ORIGIN)
    for one in (sikoia.drift, sikoia.spend, sikoia.stats()):
        assert type(pickle.loads(pickle.dumps(one))) is type(one)  # noqa: S301 - pickled here
        assert type(copy.deepcopy(one)) is type(one)


class _Slotted(Sikoia):
    __slots__ = ("tenant", "unset")


class _Ours(_Slotted):
    """A subclass as applications write it."""

    def __init__(self, tenant: str, **options: Any) -> None:
        super().__init__(token="a-token-of-ours", **options)
        self.tenant = tenant
        self.tags = {"team": "lending"}

    @cached_property
    def seconds(self) -> float:
        """Depends on the options."""
        return self._api.options.timeout


async def test_a_view_of_a_subclass_has_its_attributes() -> None:
    """Also those in slots; what it cached is computed again."""
    ours = _Ours("acme", timeout=50)
    assert (ours.seconds, ours.cases) == (50, ours.cases)

    for view in (ours.with_options(timeout=5), ours.with_options(timeout=5).with_options()):
        assert isinstance(view, _Ours)
        assert (view.tenant, view.tags, view.seconds) == ("acme", {"team": "lending"}, 5)
        assert view.tags is ours.tags
        assert view.cases is not ours.cases
        assert not hasattr(view, "unset")
